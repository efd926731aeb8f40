#include "alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "siphash.h"

/*
 * Two tables with chains over the same allocations. They double when there are more allocations
 * than chains, and halve when few are left, so that nothing stays behind a rush. Numbers rise and
 * are of our own making: their low bits spread well enough.
 */
#define FIRST_CHAINS 64

struct alloc_table {
	struct alloc **by_tuple, **by_number;
	size_t chains; /* of each: a power of two */
	size_t count;
	struct list all;
	uint8_t key[16];
};

static void hash_ip(struct siphash *s, const struct addr *a)
{
	siphash_word(s, siphash_load_le64(a->ip), 1);
	if (a->family == ADDR_IPV6)
		siphash_word(s, siphash_load_le64(a->ip + 8), 1);
}

static uint64_t hash_tuple(const struct alloc_table *t, const struct five_tuple *tuple)
{
	struct siphash s = siphash_start(t->key);

	hash_ip(&s, &tuple->client);
	hash_ip(&s, &tuple->server);
	siphash_word(&s,
		     (uint64_t)tuple->client.port << 32 | (uint64_t)tuple->server.port << 16 |
			     tuple->transport,
		     1);
	return siphash_end(&s, 3);
}

static struct alloc **tuple_chain(const struct alloc_table *t, const struct five_tuple *tuple)
{
	return &t->by_tuple[hash_tuple(t, tuple) & (t->chains - 1)];
}

static struct alloc **number_chain(const struct alloc_table *t, uint64_t number)
{
	return &t->by_number[number & (t->chains - 1)];
}

struct alloc_table *alloc_table_new(const uint8_t key[static 16])
{
	struct alloc_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	memcpy(t->key, key, sizeof(t->key));
	list_init(&t->all);
	t->chains = FIRST_CHAINS;
	t->by_tuple = calloc(t->chains, sizeof(struct alloc *));
	t->by_number = calloc(t->chains, sizeof(struct alloc *));
	if (t->by_tuple == NULL || t->by_number == NULL) {
		alloc_table_free(t);
		return NULL;
	}
	return t;
}

void alloc_table_free(struct alloc_table *t)
{
	if (t == NULL)
		return;
	assert(t->count == 0);
	free(t->by_tuple);
	free(t->by_number);
	free(t);
}

struct alloc *alloc_table_find(const struct alloc_table *t, const struct five_tuple *tuple)
{
	struct alloc *a = *tuple_chain(t, tuple);

	while (a != NULL && !five_tuple_equal(&a->flow.tuple, tuple))
		a = a->next_by_tuple;
	return a;
}

struct alloc *alloc_table_find_number(const struct alloc_table *t, uint64_t number)
{
	struct alloc *a = *number_chain(t, number);

	while (a != NULL && a->number != number)
		a = a->next_by_number;
	return a;
}

static void file_tuple(struct alloc_table *t, struct alloc *a)
{
	struct alloc **chain = tuple_chain(t, &a->flow.tuple);

	a->next_by_tuple = *chain;
	a->flow.is_filed = true;
	*chain = a;
}

static void unfile_tuple(struct alloc_table *t, struct alloc *a)
{
	struct alloc **at = tuple_chain(t, &a->flow.tuple);

	if (!a->flow.is_filed)
		return;
	while (*at != a)
		at = &(*at)->next_by_tuple;
	*at = a->next_by_tuple;
	a->flow.is_filed = false;
}

static void file_number(struct alloc_table *t, struct alloc *a)
{
	struct alloc **chain = number_chain(t, a->number);

	a->next_by_number = *chain;
	*chain = a;
}

static void unfile_number(struct alloc_table *t, struct alloc *a)
{
	struct alloc **at = number_chain(t, a->number);

	while (*at != a)
		at = &(*at)->next_by_number;
	*at = a->next_by_number;
}

/* Without memory the chains stay as they are: longer or more than they should be, but right. */
static void set_chains(struct alloc_table *t, size_t chains)
{
	struct alloc **by_tuple = calloc(chains, sizeof(struct alloc *));
	struct alloc **by_number = calloc(chains, sizeof(struct alloc *));

	if (by_tuple == NULL || by_number == NULL) {
		free(by_tuple);
		free(by_number);
		return;
	}
	free(t->by_tuple);
	free(t->by_number);
	t->by_tuple = by_tuple;
	t->by_number = by_number;
	t->chains = chains;
	for (struct list *l = t->all.next; l != &t->all; l = l->next) {
		struct alloc *a = LIST_OF(l, struct alloc, link);

		file_number(t, a);
		if (a->flow.is_filed)
			file_tuple(t, a);
	}
}

static void count_in(struct alloc_table *t, struct alloc *a)
{
	list_append(&t->all, &a->link);
	t->count++;
	if (t->count > t->chains)
		set_chains(t, t->chains * 2);
}

static void count_out(struct alloc_table *t, struct alloc *a)
{
	list_remove(&a->link);
	t->count--;
	if (t->chains > FIRST_CHAINS && t->count < t->chains / 8)
		set_chains(t, t->chains / 2);
}

struct alloc *alloc_table_add(struct alloc_table *t, const struct five_tuple *tuple,
			      uint64_t number)
{
	struct siphash seed = siphash_start(t->key);
	struct alloc *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	wheel_node_init(&a->timer);
	list_init(&a->link);
	a->flow.tuple = *tuple;
	a->number = number;
	siphash_word(&seed, number, 1);
	a->flow.peers.seed = siphash_end(&seed, 3);
	for (size_t i = 0; i < 2; i++)
		a->flow.ends[i].flow = &a->flow;
	file_tuple(t, a);
	file_number(t, a);
	count_in(t, a);
	return a;
}

void alloc_table_move(struct alloc_table *t, struct alloc *a, const struct five_tuple *tuple)
{
	unfile_tuple(t, a);
	a->flow.tuple = *tuple;
	file_tuple(t, a);
}

void alloc_table_hide(struct alloc_table *t, struct alloc *a)
{
	unfile_tuple(t, a);
}

void alloc_table_give(struct alloc_table *t, struct alloc *a)
{
	unfile_tuple(t, a);
	unfile_number(t, a);
	count_out(t, a);
}

bool alloc_table_take(struct alloc_table *t, struct alloc *a)
{
	bool is_free = alloc_table_find(t, &a->flow.tuple) == NULL;

	if (is_free)
		file_tuple(t, a);
	file_number(t, a);
	count_in(t, a);
	return is_free;
}

void alloc_table_remove(struct alloc_table *t, struct alloc *a)
{
	alloc_table_give(t, a);
	peers_clear(&a->flow.peers);
	free(a);
}

size_t alloc_table_count(const struct alloc_table *t)
{
	return t->count;
}

struct alloc *alloc_table_next(const struct alloc_table *t, const struct alloc *after)
{
	const struct list *next = after == NULL ? t->all.next : after->link.next;

	return next == &t->all ? NULL : LIST_OF(next, struct alloc, link);
}
