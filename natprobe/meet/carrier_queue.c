#include "carrier_queue.h"

#include <stdlib.h>

void carrier_queue_init(struct carrier_queue *q)
{
	list_init(&q->letters);
	q->count = 0;
}

void carrier_queue_clear(struct carrier_queue *q)
{
	while (q->count > 0)
		carrier_queue_drop_first(q);
}

bool carrier_queue_add(struct carrier_queue *q, const char *topic, struct bytes data,
		       uint64_t now_us)
{
	size_t topic_len = strlen(topic);
	struct carrier_letter *l;

	if (topic_len >= sizeof(l->topic) || data.len == 0 || data.len > MEET_ENVELOPE_MAX)
		return false;
	l = malloc(sizeof(*l) + data.len);
	if (l == NULL)
		return false;
	if (q->count == CARRIER_QUEUE_MAX)
		carrier_queue_drop_first(q);
	list_init(&l->link);
	l->at_us = now_us;
	memcpy(l->topic, topic, topic_len + 1);
	l->len = data.len;
	memcpy(l->data, data.data, data.len);
	list_append(&q->letters, &l->link);
	q->count++;
	return true;
}

struct carrier_letter *carrier_queue_first(struct carrier_queue *q, uint64_t now_us)
{
	while (q->count > 0) {
		struct carrier_letter *l = LIST_OF(q->letters.next, struct carrier_letter, link);

		if (now_us < l->at_us + CARRIER_QUEUE_AGE_US)
			return l;
		carrier_queue_drop_first(q);
	}
	return NULL;
}

void carrier_queue_drop_first(struct carrier_queue *q)
{
	struct carrier_letter *l = LIST_OF(q->letters.next, struct carrier_letter, link);

	list_remove(&l->link);
	q->count--;
	free(l);
}
