#include "tcp_peer.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "stats.h"

#define ID_BITS     24 /* of a number, below the worker's */
#define ID_MASK     ((UINT32_C(1) << ID_BITS) - 1)
#define BUCKETS_MIN 16

struct tcp_table {
	struct wheel wheel;
	struct tcp_peer **buckets; /* by number; a power of two */
	size_t bucket_count, count;
	_Atomic uint64_t *alive;
	uint8_t key[16]; /* of the numbers */
	uint64_t made;
	uint16_t worker;
};

struct tcp_table *tcp_table_new(uint16_t worker, const uint8_t key[static 16],
				_Atomic uint64_t *alive, uint64_t now_ms)
{
	struct tcp_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	wheel_init(&t->wheel, now_ms);
	t->worker = worker;
	t->alive = alive;
	memcpy(t->key, key, sizeof(t->key));
	t->bucket_count = BUCKETS_MIN;
	t->buckets = calloc(t->bucket_count, sizeof(struct tcp_peer *));
	if (t->buckets == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void tcp_table_free(struct tcp_table *t)
{
	if (t == NULL)
		return;
	free(t->buckets);
	free(t);
}

size_t tcp_table_count(const struct tcp_table *t)
{
	return t->count;
}

static struct tcp_peer **bucket_of(const struct tcp_table *t, uint32_t id)
{
	return &t->buckets[id & (t->bucket_count - 1)];
}

struct tcp_peer *tcp_table_find(const struct tcp_table *t, uint32_t id)
{
	struct tcp_peer *p = *bucket_of(t, id);

	while (p != NULL && p->id != id)
		p = p->next_in_bucket;
	return p;
}

static void put(struct tcp_table *t, struct tcp_peer *p)
{
	struct tcp_peer **at = bucket_of(t, p->id);

	p->next_in_bucket = *at;
	*at = p;
}

/* Twice the buckets; where there is no memory for them, the lists become longer. */
static void grow(struct tcp_table *t)
{
	struct tcp_peer **before = t->buckets;
	size_t count = t->bucket_count;
	struct tcp_peer **more = calloc(count * 2, sizeof(struct tcp_peer *));

	if (more == NULL)
		return;
	t->buckets = more;
	t->bucket_count = count * 2;
	for (size_t i = 0; i < count; i++) {
		struct tcp_peer *p = before[i], *next;

		for (; p != NULL; p = next) {
			next = p->next_in_bucket;
			put(t, p);
		}
	}
	free(before);
}

/* Not to be guessed from others: a number and a user's password are all that a ConnectionBind takes. */
static uint32_t new_id(struct tcp_table *t)
{
	uint32_t id;

	do {
		struct siphash s = siphash_start(t->key);

		siphash_word(&s, t->made++, 2);
		id = (uint32_t)t->worker << ID_BITS | (siphash_end(&s, 4) & ID_MASK);
	} while (tcp_table_find(t, id) != NULL);
	return id;
}

struct tcp_peer *tcp_table_add(struct tcp_table *t, struct alloc *a, struct relay_end *end,
			       const struct addr *peer)
{
	struct tcp_peer *p = t->count < ID_MASK ? calloc(1, sizeof(*p)) : NULL;

	if (p == NULL)
		return NULL;
	if (t->count >= t->bucket_count)
		grow(t);
	p->alloc = a;
	p->end = end;
	p->peer = *peer;
	p->dial = *peer;
	p->id = new_id(t);
	p->worker = t->worker;
	wheel_node_init(&p->timer);
	put(t, p);
	p->next = a->tcp;
	a->tcp = p;
	t->count++;
	counter_add(t->alive, 1);
	return p;
}

void tcp_table_remove(struct tcp_table *t, struct tcp_peer *p)
{
	struct tcp_peer **at = bucket_of(t, p->id);

	while (*at != p)
		at = &(*at)->next_in_bucket;
	*at = p->next_in_bucket;
	for (at = &p->alloc->tcp; *at != p;)
		at = &(*at)->next;
	*at = p->next;
	wheel_cancel(&t->wheel, &p->timer);
	t->count--;
	counter_sub(t->alive, 1);
	stun_key_wipe(&p->request.key);
	free(p);
}

void tcp_table_set_timer(struct tcp_table *t, struct tcp_peer *p, uint64_t at_ms)
{
	wheel_set(&t->wheel, &p->timer, at_ms);
}

void tcp_table_cancel(struct tcp_table *t, struct tcp_peer *p)
{
	wheel_cancel(&t->wheel, &p->timer);
}

struct tcp_peer *tcp_table_expire(struct tcp_table *t, uint64_t now_ms)
{
	struct wheel_node *due = wheel_expire(&t->wheel, now_ms);

	return due != NULL ? WHEEL_OF(due, struct tcp_peer, timer) : NULL;
}

uint64_t tcp_table_next_ms(const struct tcp_table *t)
{
	return wheel_next(&t->wheel);
}

struct tcp_peer *tcp_peers_find(const struct alloc *a, const struct addr *peer)
{
	struct tcp_peer *p = a->tcp;

	while (p != NULL && !addr_equal(&p->peer, peer))
		p = p->next;
	return p;
}

size_t tcp_peers_count(const struct alloc *a)
{
	size_t n = 0;

	for (const struct tcp_peer *p = a->tcp; p != NULL; p = p->next)
		n++;
	return n;
}
