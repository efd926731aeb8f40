#include "byte_queue.h"

#include <assert.h>
#include <stdlib.h>

#define CAP_FIRST 4096

static bool grow(struct byte_queue *q, size_t need)
{
	size_t cap = q->cap > 0 ? q->cap : CAP_FIRST;
	uint8_t *data;

	while (cap < need)
		cap *= 2;
	data = malloc(cap);
	if (data == NULL)
		return false;
	if (q->len > 0)
		memcpy(data, q->data + q->start, q->len);
	free(q->data);
	*q = (struct byte_queue){ .data = data, .len = q->len, .cap = cap };
	return true;
}

bool byte_queue_add(struct byte_queue *q, struct bytes more)
{
	if (more.len == 0)
		return true;
	if (q->cap - q->len < more.len && !grow(q, q->len + more.len))
		return false;
	if (q->cap - q->start - q->len < more.len) {
		memmove(q->data, q->data + q->start, q->len);
		q->start = 0;
	}
	memcpy(q->data + q->start + q->len, more.data, more.len);
	q->len += more.len;
	return true;
}

struct bytes byte_queue_first(const struct byte_queue *q, size_t max)
{
	if (q->len == 0)
		return (struct bytes){ 0 };
	return bytes_of(q->data + q->start, q->len < max ? q->len : max);
}

void byte_queue_drop(struct byte_queue *q, size_t n)
{
	assert(n <= q->len);
	q->start += n;
	q->len -= n;
	if (q->len == 0)
		byte_queue_clear(q);
}

void byte_queue_clear(struct byte_queue *q)
{
	free(q->data);
	*q = (struct byte_queue){ 0 };
}
