#include "coop_table.h"

#include <stdlib.h>

#define HANDLE_BITS 20 /* of the place; the others are its turn */
#define SIZE_MAX_   (1u << HANDLE_BITS)

static uint32_t power_of_two_from(uint32_t n)
{
	uint32_t power = 1;

	while (power < n)
		power <<= 1;
	return power;
}

bool coop_table_open(struct coop_table *t, uint32_t size, const uint8_t key[static 16])
{
	uint32_t buckets;

	*t = (struct coop_table){ .size = size < SIZE_MAX_ ? size : SIZE_MAX_ - 1 };
	buckets = power_of_two_from(t->size);
	t->hash = siphash_start(key);
	t->mask = buckets - 1;
	t->entries = calloc(t->size, sizeof(*t->entries));
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	if (t->entries == NULL || t->buckets == NULL)
		return false;
	wheel_init(&t->wheel, 0);
	list_init(&t->unused);
	list_init(&t->finished);
	for (uint32_t i = 0; i < buckets; i++)
		list_init(&t->buckets[i]);
	return true;
}

void coop_table_close(struct coop_table *t)
{
	free(t->entries);
	free(t->buckets);
}

static struct list *bucket_of(struct coop_table *t, const struct stun_query *q,
			      const struct stun_tid *tid)
{
	struct siphash hash = t->hash;

	siphash_word(&hash, siphash_load_le64(tid->bytes), 1);
	siphash_word(&hash, siphash_load_le64(tid->bytes + 8), 1);
	siphash_word(&hash, siphash_load_le64(q->from.ip), 1);
	siphash_word(&hash, siphash_load_le64(q->from.ip + 8), 1);
	siphash_word(&hash, (uint64_t)q->from.port << 8 | q->socket, 1);
	return &t->buckets[siphash_end(&hash, 3) & t->mask];
}

static bool is_of(const struct coop_entry *e, const struct stun_query *q,
		  const struct stun_tid *tid)
{
	return e->site == q->site && e->socket == q->socket && addr_equal(&e->from, &q->from) &&
	       stun_tid_equal(&e->tid, tid);
}

struct coop_entry *coop_table_find(struct coop_table *t, const struct stun_query *q,
				   const struct stun_tid *tid)
{
	struct list *bucket = bucket_of(t, q, tid);

	for (struct list *at = bucket->next; at != bucket; at = at->next) {
		struct coop_entry *e = LIST_OF(at, struct coop_entry, chain);

		if (is_of(e, q, tid))
			return e;
	}
	return NULL;
}

static struct coop_entry *take_place(struct coop_table *t)
{
	struct coop_entry *e;

	if (!list_is_empty(&t->unused)) {
		e = LIST_OF(t->unused.next, struct coop_entry, chain);
		list_remove(&e->chain);
		return e;
	}
	if (t->used < t->size) {
		e = &t->entries[t->used++];
		wheel_node_init(&e->timer);
		list_init(&e->chain);
		list_init(&e->age);
		return e;
	}
	if (list_is_empty(&t->finished))
		return NULL;
	coop_table_remove(t, LIST_OF(t->finished.next, struct coop_entry, age));
	return take_place(t);
}

struct coop_entry *coop_table_add(struct coop_table *t, const struct stun_query *q,
				  const struct stun_tid *tid)
{
	struct coop_entry *e = take_place(t);
	uint16_t turn;

	if (e == NULL)
		return NULL;
	turn = (uint16_t)(e->turn + 1);
	*e = (struct coop_entry){
		.state = COOP_WAITS,
		.turn = turn,
		.site = q->site,
		.socket = q->socket,
		.from = q->from,
		.tid = *tid,
	};
	wheel_node_init(&e->timer);
	list_init(&e->age);
	list_init(&e->chain);
	list_append(bucket_of(t, q, tid), &e->chain);
	return e;
}

void coop_table_finish(struct coop_table *t, struct coop_entry *e, uint64_t until_ms)
{
	e->state = COOP_FINISHED;
	list_remove(&e->age);
	list_append(&t->finished, &e->age);
	wheel_set(&t->wheel, &e->timer, until_ms);
}

void coop_table_remove(struct coop_table *t, struct coop_entry *e)
{
	wheel_cancel(&t->wheel, &e->timer);
	list_remove(&e->age);
	list_remove(&e->chain);
	list_append(&t->unused, &e->chain);
	e->state = COOP_FREE;
}

uint32_t coop_table_handle(const struct coop_table *t, const struct coop_entry *e)
{
	return (uint32_t)e->turn << HANDLE_BITS | (uint32_t)(e - t->entries + 1);
}

struct coop_entry *coop_table_at(struct coop_table *t, uint32_t handle)
{
	uint32_t place = handle & (SIZE_MAX_ - 1);
	struct coop_entry *e;

	if (place == 0 || place > t->used)
		return NULL;
	e = &t->entries[place - 1];
	return e->state != COOP_FREE && coop_table_handle(t, e) == handle ? e : NULL;
}
