#include "coop_budget.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "siphash.h"

#define PLACES 4096 /* a power of two */

/* 256 KiB: as many places as a day may bring sources. */
#define RATE_PLACES 32768

#define SECONDS_PENDING 4

/* Whoever has an IPv6 /48 has 65536 sources: together they get a part of all, and others the rest. */
#define NET_LEN  6 /* bytes */
#define NET_PART 4

/* An order of the most answers, each of the longest; see coop.h. */
#define BYTES_MIN 40000

/* What is pending: of a source, or of all. */
struct pending {
	_Atomic uint32_t orders, connects, bytes;
};

struct bounds {
	uint32_t orders, connects, bytes;
};

struct coop_budget {
	struct bounds of_source, of_net, of_all;
	struct siphash hash;
	struct limit *rate, *rate_net, *rate_all;
	struct pending all;
	struct pending sources[PLACES], nets[PLACES];
};

static uint32_t either(uint32_t value, uint32_t fallback)
{
	return value != 0 ? value : fallback;
}

static uint32_t at_most(uint64_t n, uint32_t most)
{
	return n < most ? (uint32_t)n : most;
}

static uint32_t burst_of(uint32_t rate)
{
	uint32_t n = at_most((uint64_t)rate * SECONDS_PENDING, INT32_MAX);

	return n > BYTES_MIN ? n : BYTES_MIN;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* A single source may have all that it could have had anyway. */
static struct bounds part_of(const struct bounds *all, const struct bounds *source)
{
	return (struct bounds){
		.orders = larger(all->orders / NET_PART, source->orders),
		.connects = larger(all->connects / NET_PART, source->connects),
		.bytes = larger(all->bytes / NET_PART, source->bytes),
	};
}

struct coop_budget *coop_budget_new(const struct coop_limits *limits, const uint8_t key[static 16])
{
	struct coop_budget *b = calloc(1, sizeof(*b));
	uint32_t rate = either(limits->bytes_per_s, 65536);
	uint32_t rate_all =
		either(limits->bytes_per_s_all, at_most((uint64_t)rate * 16, INT32_MAX));

	if (b == NULL)
		return NULL;
	b->hash = siphash_start(key);
	b->of_source = (struct bounds){ either(limits->orders_source, 320),
					either(limits->connects_source, 16), burst_of(rate) };
	b->of_all = (struct bounds){ either(limits->orders, COOP_ORDERS),
				     either(limits->connects, 256), burst_of(rate_all) };
	b->of_net = part_of(&b->of_all, &b->of_source);
	b->rate_net = limit_new(larger(rate_all / NET_PART, rate),
				burst_of(larger(rate_all / NET_PART, rate)), PLACES, key);
	b->rate = limit_new(rate, burst_of(rate), RATE_PLACES, key);
	b->rate_all = limit_new(rate_all, burst_of(rate_all), 1, key);
	if (b->rate != NULL && b->rate_net != NULL && b->rate_all != NULL)
		return b;
	coop_budget_free(b);
	return NULL;
}

void coop_budget_free(struct coop_budget *b)
{
	if (b == NULL)
		return;
	limit_free(b->rate);
	limit_free(b->rate_net);
	limit_free(b->rate_all);
	free(b);
}

static uint64_t hash_of(const struct coop_budget *b, const struct addr *source)
{
	struct siphash hash = b->hash;

	siphash_word(&hash, siphash_load_le64(source->ip), 1);
	siphash_word(&hash, (uint64_t)9 << 56 | source->family, 1);
	return siphash_end(&hash, 3);
}

static struct pending *source_of(struct coop_budget *b, const struct addr *from)
{
	struct addr source = addr_unmap(from);

	return &b->sources[hash_of(b, &source) & (PLACES - 1)];
}

/* The network that a source is of, as an address; ADDR_NONE: nobody has so many of IPv4. */
static struct addr net_of(const struct addr *from)
{
	struct addr net = addr_unmap(from);

	if (net.family != ADDR_IPV6)
		return (struct addr){ 0 };
	memset(net.ip + NET_LEN, 0, sizeof(net.ip) - NET_LEN);
	return net;
}

static struct pending *pending_of(struct coop_budget *b, const struct addr *net)
{
	return &b->nets[hash_of(b, net) & (PLACES - 1)];
}

/* Threads that take at the same moment may both be refused; together they never get too much. */
static bool add(_Atomic uint32_t *count, uint32_t n, uint32_t most)
{
	uint32_t before = atomic_fetch_add(count, n);

	if (before <= most && n <= most - before)
		return true;
	atomic_fetch_sub(count, n);
	return false;
}

static bool add_all(struct pending *p, const struct coop_cost *cost, const struct bounds *most)
{
	if (!add(&p->orders, 1, most->orders))
		return false;
	if (add(&p->bytes, cost->bytes, most->bytes)) {
		if (!cost->connects || add(&p->connects, 1, most->connects))
			return true;
		atomic_fetch_sub(&p->bytes, cost->bytes);
	}
	atomic_fetch_sub(&p->orders, 1);
	return false;
}

static void sub_all(struct pending *p, const struct coop_cost *cost)
{
	atomic_fetch_sub(&p->orders, 1);
	atomic_fetch_sub(&p->bytes, cost->bytes);
	if (cost->connects)
		atomic_fetch_sub(&p->connects, 1);
}

static bool is_in_time(struct coop_budget *b, const struct addr *from, const struct addr *net,
		       uint32_t bytes, uint64_t now_ms)
{
	if (!limit_allows_many(b->rate, from, bytes, now_ms))
		return false;
	if (net->family != ADDR_NONE && !limit_allows_many(b->rate_net, net, bytes, now_ms))
		return false;
	return limit_allows_many(b->rate_all, &(struct addr){ 0 }, bytes, now_ms);
}

bool coop_budget_take(struct coop_budget *b, const struct addr *from, const struct coop_cost *cost,
		      uint64_t now_ms)
{
	struct addr net = net_of(from);
	bool has_net = net.family != ADDR_NONE;

	if (!add_all(source_of(b, from), cost, &b->of_source))
		return false;
	if (!has_net || add_all(pending_of(b, &net), cost, &b->of_net)) {
		if (add_all(&b->all, cost, &b->of_all)) {
			if (is_in_time(b, from, &net, cost->bytes, now_ms))
				return true;
			sub_all(&b->all, cost);
		}
		if (has_net)
			sub_all(pending_of(b, &net), cost);
	}
	sub_all(source_of(b, from), cost);
	return false;
}

void coop_budget_give_back(struct coop_budget *b, const struct addr *from,
			   const struct coop_cost *cost)
{
	struct addr net = net_of(from);

	sub_all(source_of(b, from), cost);
	if (net.family != ADDR_NONE)
		sub_all(pending_of(b, &net), cost);
	sub_all(&b->all, cost);
}

uint32_t coop_budget_pending(const struct coop_budget *b)
{
	return atomic_load(&b->all.orders);
}
