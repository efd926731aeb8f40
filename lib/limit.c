#include "limit.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "siphash.h"

/*
 * A bucket is one number, the moment at which it will be full again (the virtual scheduling
 * form of a token bucket). An untouched place is zero: full since ever.
 */
struct limit {
	uint64_t cost_ns;  /* time in which one token grows back */
	uint64_t depth_ns; /* time from empty to full */
	uint64_t mask;
	struct siphash hash; /* begun with the key */
	_Atomic uint64_t *full_at_ns;
};

#define NS_PER_S  1000000000u
#define NS_PER_MS 1000000u

/* 317 years; behind it, sums with the deepest bucket would overflow. */
#define NOW_MAX_MS 10000000000000u

static uint32_t at_least_one(uint32_t n)
{
	return n != 0 ? n : 1;
}

/* 0 when there is no such power. */
static size_t power_of_two_from(size_t n)
{
	size_t power = 1;

	while (power != 0 && power < n)
		power <<= 1;
	return power;
}

struct limit *limit_new(uint32_t rate_per_s, uint32_t burst, size_t places,
			const uint8_t key[static 16])
{
	size_t count = power_of_two_from(places);
	struct limit *l = count != 0 ? calloc(1, sizeof(*l)) : NULL;
	uint32_t rate = at_least_one(rate_per_s);

	if (l == NULL)
		return NULL;
	l->cost_ns = (NS_PER_S - 1) / rate + 1; /* up, so that the rate is never exceeded */
	l->depth_ns = l->cost_ns * at_least_one(burst);
	l->mask = count - 1;
	l->hash = siphash_start(key);
	l->full_at_ns = calloc(count, sizeof(*l->full_at_ns));
	if (l->full_at_ns == NULL) {
		free(l);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) /* has its memory now, not by the first flood */
		atomic_store_explicit(&l->full_at_ns[i], 0, memory_order_relaxed);
	return l;
}

void limit_free(struct limit *l)
{
	if (l == NULL)
		return;
	free(l->full_at_ns);
	free(l);
}

/*
 * The bucket of an IPv4 address, or of the first half of an IPv6 address. Its number is
 * never seen outside, so that SipHash-1-3 hides well enough who meets whom.
 */
static _Atomic uint64_t *place_of(const struct limit *l, const struct addr *from)
{
	struct addr source = addr_unmap(from);
	struct siphash hash = l->hash;

	siphash_word(&hash, siphash_load_le64(source.ip), 1);
	siphash_word(&hash, (uint64_t)9 << 56 | source.family, 1);
	return &l->full_at_ns[siphash_end(&hash, 3) & l->mask];
}

static _Atomic uint64_t *place_of_name(const struct limit *l, struct bytes name)
{
	struct siphash hash = l->hash;
	uint64_t last = (uint64_t)name.len << 56;

	for (; name.len >= 8; name = bytes_of(name.data + 8, name.len - 8))
		siphash_word(&hash, siphash_load_le64(name.data), 1);
	for (size_t i = 0; i < name.len; i++)
		last |= (uint64_t)name.data[i] << 8 * i;
	siphash_word(&hash, last, 1);
	return &l->full_at_ns[siphash_end(&hash, 3) & l->mask];
}

static bool take(const struct limit *l, _Atomic uint64_t *place, uint32_t n, uint64_t now_ms)
{
	uint64_t cost_ns = l->cost_ns * n;
	uint64_t now_ns = (now_ms < NOW_MAX_MS ? now_ms : NOW_MAX_MS) * NS_PER_MS;
	uint64_t full_at_ns = atomic_load_explicit(place, memory_order_relaxed);

	if (full_at_ns < now_ns)
		full_at_ns = now_ns;
	if (full_at_ns - now_ns > l->depth_ns) { /* emptier than empty: the clock was set back */
		full_at_ns = now_ns + l->depth_ns;
		atomic_store_explicit(place, full_at_ns, memory_order_relaxed);
	}
	if (cost_ns > l->depth_ns || full_at_ns - now_ns > l->depth_ns - cost_ns)
		return false;
	atomic_store_explicit(place, full_at_ns + cost_ns, memory_order_relaxed);
	return true;
}

bool limit_allows(struct limit *l, const struct addr *from, uint64_t now_ms)
{
	return take(l, place_of(l, from), 1, now_ms);
}

bool limit_allows_many(struct limit *l, const struct addr *from, uint32_t n, uint64_t now_ms)
{
	return take(l, place_of(l, from), n, now_ms);
}

bool limit_allows_name(struct limit *l, struct bytes name, uint64_t now_ms)
{
	return take(l, place_of_name(l, name), 1, now_ms);
}
