/* byte_queue - bytes that wait, first in, first out. Takes memory as it grows, frees it when empty. */
#ifndef NATPROBE_BYTE_QUEUE_H
#define NATPROBE_BYTE_QUEUE_H

#include "wire.h"

/* Zeroed: empty. */
struct byte_queue {
	uint8_t *data;
	size_t start, len, cap;
};

/* False when memory runs out: nothing was added then. */
bool byte_queue_add(struct byte_queue *q, struct bytes more);
/* Good until the next call. */
struct bytes byte_queue_first(const struct byte_queue *q, size_t max);
void byte_queue_drop(struct byte_queue *q, size_t n);
void byte_queue_clear(struct byte_queue *q);

#endif
