#include "deep_queue.h"

/* Where `len` bytes in a row are free; DEEP_QUEUE_BYTES: nowhere. One byte always stays free. */
static size_t room_for(const struct deep_queue *q, size_t len)
{
	if (q->count == 0)
		return len <= DEEP_QUEUE_BYTES ? 0 : DEEP_QUEUE_BYTES;
	if (q->tail >= q->head) {
		if (DEEP_QUEUE_BYTES - q->tail > len)
			return q->tail;
		return q->head > len ? 0 : DEEP_QUEUE_BYTES;
	}
	return q->head - q->tail > len ? q->tail : DEEP_QUEUE_BYTES;
}

bool deep_queue_put(struct deep_queue *q, const struct deep_action *a, uint16_t order)
{
	size_t at = room_for(q, a->data.len);
	struct deep_queued *item;

	if (q->count == DEEP_QUEUE_MAX || at == DEEP_QUEUE_BYTES)
		return false;
	if (q->count == 0)
		q->head = at;
	item = &q->items[(q->first + q->count) % DEEP_QUEUE_MAX];
	*item = (struct deep_queued){
		.action = *a, .at = (uint32_t)at, .len = (uint32_t)a->data.len, .order = order
	};
	if (a->data.len > 0)
		memcpy(q->bytes + at, a->data.data, a->data.len);
	q->tail = at + a->data.len;
	q->count++;
	q->sends += a->kind == DEEP_SEND;
	return true;
}

bool deep_queue_put_first(struct deep_queue *q, const struct deep_action *a)
{
	if (q->count == DEEP_QUEUE_MAX)
		return false;
	if (q->count == 0)
		return deep_queue_put(q, a, DEEP_NO_ORDER);
	q->first = (q->first + DEEP_QUEUE_MAX - 1) % DEEP_QUEUE_MAX;
	q->items[q->first] = (struct deep_queued){ .action = *a,
						   .at = (uint32_t)q->head,
						   .order = DEEP_NO_ORDER };
	q->count++;
	return true;
}

const struct deep_queued *deep_queue_first(const struct deep_queue *q)
{
	return q->count > 0 ? &q->items[q->first] : NULL;
}

void deep_queue_take(struct deep_queue *q, struct deep_queued *out)
{
	*out = q->items[q->first];
	out->action.data = bytes_of(q->bytes + out->at, out->len);
	q->first = (q->first + 1) % DEEP_QUEUE_MAX;
	q->count--;
	q->sends -= out->action.kind == DEEP_SEND;
	if (q->count > 0)
		q->head = q->items[q->first].at;
}

void deep_queue_drop(struct deep_queue *q, enum deep_kind kind, uint16_t slot)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->count; i++) {
		const struct deep_queued *item = &q->items[(q->first + i) % DEEP_QUEUE_MAX];

		if (item->action.kind == kind && item->action.slot == slot) {
			q->sends -= kind == DEEP_SEND;
			continue;
		}
		q->items[(q->first + kept++) % DEEP_QUEUE_MAX] = *item;
	}
	q->count = kept;
	if (kept > 0)
		q->head = q->items[q->first].at;
}
