/*
 * carrier_queue - messages that wait to be sent, in order: bounded in number and age, since whoever
 * waits for an old one has sent it again, or given up.
 */
#ifndef NATPROBE_CARRIER_QUEUE_H
#define NATPROBE_CARRIER_QUEUE_H

#include "list.h"
#include "meet.h"

#define CARRIER_QUEUE_MAX    64
#define CARRIER_QUEUE_AGE_US 120000000ull

struct carrier_letter {
	struct list link;
	uint64_t at_us;
	char topic[MEET_TOPIC_MAX];
	size_t len;
	uint8_t data[];
};

struct carrier_queue {
	struct list letters;
	size_t count;
};

void carrier_queue_init(struct carrier_queue *q);
void carrier_queue_clear(struct carrier_queue *q);

/* At the end; the oldest goes where there are too many. False: no memory, or it is too long. */
bool carrier_queue_add(struct carrier_queue *q, const char *topic, struct bytes data,
		       uint64_t now_us);
/* The oldest that is still worth sending; NULL: there is none. It stays. */
struct carrier_letter *carrier_queue_first(struct carrier_queue *q, uint64_t now_us);
void carrier_queue_drop_first(struct carrier_queue *q);

#endif
