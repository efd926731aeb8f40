#include "quota.h"

#include <pthread.h>
#include <stdlib.h>

#include "siphash.h"

#define BUCKETS_MIN 64
#define BUCKETS_MAX ((size_t)1 << 20) /* 8 MB; beyond it, chains grow */

#define NS_PER_US UINT64_C(1000)
#define NS_PER_S  UINT64_C(1000000000)

struct quota_share {
	_Atomic uint64_t used_until_ns[2]; /* by enum quota_way; as struct quota_bucket */
};

/* Whose allocations are counted. */
enum kind { USER, REALM, SOURCE };

struct key {
	uint64_t a, b;
	enum kind kind;
};

/* How many one of them has; there is none for whoever has none. */
struct unit {
	struct unit *next;
	struct key key;
	uint32_t held;
	struct quota_share share; /* of a user */
};

struct quota {
	size_t most;
	_Atomic size_t alive;     /* written under the lock */
	struct quota_share total; /* bandwidth of all */
	struct siphash hash;      /* begun with the key */
	pthread_mutex_t lock;     /* guards all below */
	struct unit **buckets;
	uint64_t mask;
};

static size_t buckets_for(size_t most)
{
	size_t n = BUCKETS_MIN;

	while (n < most && n < BUCKETS_MAX)
		n *= 2;
	return n;
}

struct quota *quota_new(size_t most, const uint8_t key[static 16])
{
	struct quota *q = calloc(1, sizeof(*q));
	size_t count = buckets_for(most);

	if (q == NULL)
		return NULL;
	q->most = most;
	q->hash = siphash_start(key);
	q->mask = count - 1;
	q->buckets = calloc(count, sizeof(struct unit *));
	if (q->buckets == NULL) {
		free(q);
		return NULL;
	}
	pthread_mutex_init(&q->lock, NULL);
	return q;
}

void quota_free(struct quota *q)
{
	if (q == NULL)
		return;
	for (uint64_t i = 0; i <= q->mask; i++) {
		while (q->buckets[i] != NULL) {
			struct unit *u = q->buckets[i];

			q->buckets[i] = u->next;
			free(u);
		}
	}
	pthread_mutex_destroy(&q->lock);
	free(q->buckets);
	free(q);
}

static struct key user_key(uint64_t realm, uint64_t user)
{
	return (struct key){ .a = realm, .b = user, .kind = USER };
}

static struct key realm_key(uint64_t realm)
{
	return (struct key){ .a = realm, .kind = REALM };
}

/* An IPv4 address, or the first half of an IPv6 address: as lib/limit counts sources. */
static struct key source_key(const struct addr *from)
{
	struct addr source = addr_unmap(from);

	return (struct key){ .a = siphash_load_le64(source.ip),
			     .b = source.family,
			     .kind = SOURCE };
}

/* Where the unit hangs, or where it would. */
static struct unit **place_of(struct quota *q, const struct key *key)
{
	struct siphash hash = q->hash;
	struct unit **at;

	siphash_word(&hash, key->a, 1);
	siphash_word(&hash, key->b, 1);
	siphash_word(&hash, (uint64_t)17 << 56 | key->kind, 1);
	at = &q->buckets[siphash_end(&hash, 3) & q->mask];
	while (*at != NULL &&
	       ((*at)->key.kind != key->kind || (*at)->key.a != key->a || (*at)->key.b != key->b))
		at = &(*at)->next;
	return at;
}

static uint32_t held_of(struct quota *q, const struct key *key)
{
	struct unit *u = *place_of(q, key);

	return u != NULL ? u->held : 0;
}

/* One more; NULL when memory runs out. */
static struct unit *take(struct quota *q, const struct key *key)
{
	struct unit **at = place_of(q, key);

	if (*at == NULL) {
		struct unit *u = calloc(1, sizeof(*u));

		if (u == NULL)
			return NULL;
		u->key = *key;
		*at = u;
	}
	(*at)->held++;
	return *at;
}

/* One less; whoever has none left leaves no trace. */
static void give_back(struct quota *q, const struct key *key)
{
	struct unit **at = place_of(q, key), *u = *at;

	if (u == NULL || --u->held > 0)
		return;
	*at = u->next;
	free(u);
}

static bool has_room(struct quota *q, const struct key *key, uint32_t most)
{
	return most == 0 || held_of(q, key) < most;
}

static enum quota_result judge(struct quota *q, const struct quota_ask *ask, const struct key *user,
			       const struct key *realm, const struct key *source)
{
	size_t alive = quota_alive(q);

	if (!has_room(q, user, ask->user_most))
		return QUOTA_USER;
	if (!has_room(q, realm, ask->realm_most))
		return QUOTA_REALM;
	if (!has_room(q, source, ask->source_most))
		return QUOTA_SOURCE;
	if (alive >= q->most || (ask->total_most != 0 && alive >= ask->total_most))
		return QUOTA_TOTAL;
	return QUOTA_OK;
}

/* All three, or none. */
static enum quota_result take_all(struct quota *q, const struct key *user, const struct key *realm,
				  const struct key *source, struct quota_share **share)
{
	struct unit *of_user = take(q, user);

	if (of_user == NULL)
		return QUOTA_TOTAL;
	if (take(q, realm) == NULL) {
		give_back(q, user);
		return QUOTA_TOTAL;
	}
	if (take(q, source) == NULL) {
		give_back(q, realm);
		give_back(q, user);
		return QUOTA_TOTAL;
	}
	q->alive++;
	*share = &of_user->share;
	return QUOTA_OK;
}

enum quota_result quota_hold(struct quota *q, const struct quota_ask *ask,
			     struct quota_share **share)
{
	struct key user = user_key(ask->realm, ask->user);
	struct key realm = realm_key(ask->realm);
	struct key source = source_key(&ask->source);
	enum quota_result result;

	pthread_mutex_lock(&q->lock);
	result = judge(q, ask, &user, &realm, &source);
	if (result == QUOTA_OK)
		result = take_all(q, &user, &realm, &source, share);
	pthread_mutex_unlock(&q->lock);
	return result;
}

void quota_release(struct quota *q, const struct quota_ask *ask)
{
	struct key user = user_key(ask->realm, ask->user);
	struct key realm = realm_key(ask->realm);
	struct key source = source_key(&ask->source);

	pthread_mutex_lock(&q->lock);
	give_back(q, &user);
	give_back(q, &realm);
	give_back(q, &source);
	q->alive--;
	pthread_mutex_unlock(&q->lock);
}

/* When memory runs out, the new source counts one too few: nothing is left behind by it. */
void quota_move(struct quota *q, const struct addr *before, const struct addr *now)
{
	struct key from = source_key(before), to = source_key(now);

	pthread_mutex_lock(&q->lock);
	give_back(q, &from);
	(void)take(q, &to);
	pthread_mutex_unlock(&q->lock);
}

size_t quota_alive(const struct quota *q)
{
	return atomic_load_explicit(&q->alive, memory_order_relaxed);
}

uint32_t quota_alive_of_user(struct quota *q, uint64_t realm, uint64_t user)
{
	struct key key = user_key(realm, user);
	uint32_t held;

	pthread_mutex_lock(&q->lock);
	held = held_of(q, &key);
	pthread_mutex_unlock(&q->lock);
	return held;
}

/*
 * A bucket is one number, when all that was taken will be paid back (the virtual scheduling form
 * of a token bucket, as in lib/limit).
 * Returns whether `bytes` may pass; then *used_until_ns has become what it is with them.
 */
static bool add(uint64_t *used_until_ns, uint64_t bytes_per_s, uint32_t bytes, uint64_t now_us)
{
	uint64_t now_ns = now_us * NS_PER_US;
	uint64_t cost_ns = (bytes * NS_PER_S + bytes_per_s - 1) / bytes_per_s; /* up: never more */

	if (*used_until_ns <= now_ns) {
		*used_until_ns = now_ns + cost_ns;
		return true;
	}
	if (*used_until_ns - now_ns + cost_ns > NS_PER_S)
		return false;
	*used_until_ns += cost_ns;
	return true;
}

bool quota_bucket_takes(struct quota_bucket *b, uint64_t bytes_per_s, uint32_t bytes,
			uint64_t now_us)
{
	return bytes_per_s == 0 || add(&b->used_until_ns, bytes_per_s, bytes, now_us);
}

bool quota_share_takes(struct quota_share *s, enum quota_way way, uint64_t bytes_per_s,
		       uint32_t bytes, uint64_t now_us)
{
	_Atomic uint64_t *at = &s->used_until_ns[way];
	uint64_t before, after;

	if (bytes_per_s == 0)
		return true;
	before = atomic_load_explicit(at, memory_order_relaxed);
	do {
		after = before;
		if (!add(&after, bytes_per_s, bytes, now_us))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(at, &before, after, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

bool quota_total_takes(struct quota *q, enum quota_way way, uint64_t bytes_per_s, uint32_t bytes,
		       uint64_t now_us)
{
	return quota_share_takes(&q->total, way, bytes_per_s, bytes, now_us);
}
