#include "parcels.h"

#include <stdlib.h>

static struct parcel *take_spare(struct parcels *s)
{
	struct parcel *p = s->spare;

	if (p != NULL)
		s->spare = p->next;
	else if (s->alive < PARCELS_MAX)
		p = malloc(sizeof(*p));
	return p;
}

static bool is_before(const struct parcel *a, const struct parcel *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->number < b->number;
}

static bool grow_heap(struct parcels *s)
{
	size_t cap = s->heap_cap > 0 ? s->heap_cap * 2 : 64;
	struct parcel **heap = realloc(s->heap, cap * sizeof(struct parcel *));

	if (heap == NULL)
		return false;
	s->heap = heap;
	s->heap_cap = cap;
	return true;
}

static bool push(struct parcels *s, struct parcel *p)
{
	size_t at = s->heap_count;

	if (at == s->heap_cap && !grow_heap(s))
		return false;
	s->heap_count++;
	for (; at > 0 && is_before(p, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = p;
	return true;
}

static struct parcel *pop(struct parcels *s)
{
	struct parcel *top = s->heap[0], *p = s->heap[--s->heap_count];
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < s->heap_count; at = child) {
		if (child + 1 < s->heap_count && is_before(s->heap[child + 1], s->heap[child]))
			child++;
		if (!is_before(s->heap[child], p))
			break;
		s->heap[at] = s->heap[child];
	}
	s->heap[at] = p;
	return top;
}

static void append(struct parcels *s, struct parcel *p)
{
	p->next = NULL;
	if (s->first == NULL)
		s->first = p;
	else
		s->last->next = p;
	s->last = p;
}

void parcels_add(struct parcels *s, struct parcel_place to, struct bytes packet, uint64_t due_us)
{
	struct parcel *p = packet.len <= FABRIC_PACKET_MAX ? take_spare(s) : NULL;

	if (p == NULL) {
		s->overflows++;
		return;
	}
	s->alive++;
	p->to = to;
	p->due_us = due_us;
	p->number = s->number++;
	p->len = packet.len;
	memcpy(p->data, packet.data, packet.len);
	if (due_us == 0) {
		append(s, p);
	} else if (!push(s, p)) {
		s->overflows++;
		parcels_release(s, p);
	}
}

struct parcel *parcels_take(struct parcels *s, uint64_t now_us)
{
	struct parcel *p = s->first;

	if (p != NULL)
		s->first = p->next;
	else if (s->heap_count > 0 && s->heap[0]->due_us <= now_us)
		p = pop(s);
	return p;
}

void parcels_release(struct parcels *s, struct parcel *p)
{
	s->alive--;
	p->next = s->spare;
	s->spare = p;
}

uint64_t parcels_next_us(const struct parcels *s)
{
	if (s->first != NULL)
		return 0;
	return s->heap_count > 0 ? s->heap[0]->due_us : UINT64_MAX;
}

void parcels_free(struct parcels *s)
{
	for (struct parcel *p; (p = parcels_take(s, UINT64_MAX)) != NULL;)
		parcels_release(s, p);
	for (struct parcel *p; (p = s->spare) != NULL;) {
		s->spare = p->next;
		free(p);
	}
	free(s->heap);
	*s = (struct parcels){ 0 };
}
