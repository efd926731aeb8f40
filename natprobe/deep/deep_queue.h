/*
 * deep_queue - actions of a deep diagnosis on their way to the shell, first in, first out, with
 * the bytes that they send. A plain value; nothing is allocated.
 */
#ifndef NATPROBE_DEEP_QUEUE_H
#define NATPROBE_DEEP_QUEUE_H

#include "deep_action.h"

#define DEEP_QUEUE_MAX   1024
#define DEEP_QUEUE_BYTES (256 * 1024)
#define DEEP_NO_ORDER    UINT16_MAX

struct deep_queued {
	struct deep_action action; /* data is set as it is taken */
	uint32_t at, len;          /* of its bytes */
	uint16_t order;            /* whose datagram it is; DEEP_NO_ORDER: nobody's */
};

struct deep_queue {
	struct deep_queued items[DEEP_QUEUE_MAX];
	size_t first, count;
	size_t sends; /* of these */
	size_t head, tail;
	uint8_t bytes[DEEP_QUEUE_BYTES];
};

/* False: it is full. */
bool deep_queue_put(struct deep_queue *q, const struct deep_action *a, uint16_t order);

/* The same, before all others; without bytes. */
bool deep_queue_put_first(struct deep_queue *q, const struct deep_action *a);

/* NULL: it is empty. Good until the next put. */
const struct deep_queued *deep_queue_first(const struct deep_queue *q);

/* Takes the first one out, which is there. The bytes of *out are good until the next put. */
void deep_queue_take(struct deep_queue *q, struct deep_queued *out);

/* What was to be done with this slot is not any more: DEEP_SEND, DEEP_DISCONNECT. */
void deep_queue_drop(struct deep_queue *q, enum deep_kind kind, uint16_t slot);

#endif
