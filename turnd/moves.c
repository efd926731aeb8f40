#include "moves.h"

#include <stdlib.h>
#include <string.h>

static size_t tuple_chain(const struct moves *m, const struct five_tuple *tuple)
{
	return (addr_hash(&tuple->client, m->key) ^ tuple->transport) % MOVES_CHAINS;
}

struct moves *moves_new(const uint8_t key[static 16])
{
	struct moves *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	memcpy(m->key, key, sizeof(m->key));
	list_init(&m->all);
	return m;
}

void moves_free(struct moves *m)
{
	if (m == NULL)
		return;
	while (m->count > 0)
		moves_remove(m, moves_oldest(m));
	free(m);
}

struct move *moves_find(const struct moves *m, const struct five_tuple *tuple)
{
	struct move *e = m->by_tuple[tuple_chain(m, tuple)];

	while (e != NULL && !five_tuple_equal(&e->tuple, tuple))
		e = e->next_by_tuple;
	return e;
}

struct move *moves_find_number(const struct moves *m, uint64_t number)
{
	struct move *e = m->by_number[number % MOVES_CHAINS];

	while (e != NULL && e->number != number)
		e = e->next_by_number;
	return e;
}

/* What moves on this worker keeps its number. */
struct move *moves_find_alloc(const struct moves *m, const struct alloc *a)
{
	struct move *e = m->by_number[a->number % MOVES_CHAINS];

	while (e != NULL && e->alloc != a)
		e = e->next_by_number;
	return e;
}

struct move *moves_oldest(const struct moves *m)
{
	return m->count > 0 ? LIST_OF(m->all.next, struct move, link) : NULL;
}

struct move *moves_add(struct moves *m, const struct five_tuple *tuple, uint64_t number)
{
	struct move **by_tuple = &m->by_tuple[tuple_chain(m, tuple)];
	struct move **by_number = &m->by_number[number % MOVES_CHAINS];
	struct move *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->tuple = *tuple;
	e->number = number;
	e->next_by_tuple = *by_tuple;
	*by_tuple = e;
	e->next_by_number = *by_number;
	*by_number = e;
	list_init(&e->link);
	list_append(&m->all, &e->link);
	m->count++;
	return e;
}

void moves_hide(struct moves *m, struct move *e)
{
	struct move **by_tuple = &m->by_tuple[tuple_chain(m, &e->tuple)];

	if (e->is_hidden)
		return;
	while (*by_tuple != e)
		by_tuple = &(*by_tuple)->next_by_tuple;
	*by_tuple = e->next_by_tuple;
	e->is_hidden = true;
}

void moves_remove(struct moves *m, struct move *e)
{
	struct move **by_number = &m->by_number[e->number % MOVES_CHAINS];

	if (e->alloc != NULL)
		e->alloc->mobility.is_moving = false;
	moves_hide(m, e);
	while (*by_number != e)
		by_number = &(*by_number)->next_by_number;
	*by_number = e->next_by_number;
	list_remove(&e->link);
	m->count--;
	stun_key_wipe(&e->token.key);
	free(e);
}

void moves_forget(struct moves *m, const struct alloc *a)
{
	struct move *e = m != NULL ? moves_find_alloc(m, a) : NULL;

	if (e != NULL)
		moves_remove(m, e);
}
