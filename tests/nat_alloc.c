#include "tests/nat_state.h"

#include "siphash.h"

#define PORT_LOW         1024
#define SEQUENTIAL_TRIES 4096
#define RANDOM_TRIES     64
#define BACKGROUND_MAX   200000 /* more than any range has ports */

struct range {
	uint32_t low, width;
};

uint64_t nat_hash(const struct nat *n, const struct addr *a, uint64_t salt)
{
	struct siphash s = siphash_start(n->key);

	siphash_word(&s, siphash_load_le64(a->ip), 2);
	siphash_word(&s, siphash_load_le64(a->ip + 8), 2);
	siphash_word(&s, salt, 2);
	return siphash_end(&s, 4);
}

static double to_share(uint64_t random)
{
	return (double)(random >> 11) * 0x1p-53;
}

double nat_share(struct nat *n)
{
	return to_share(rng_next(&n->rng));
}

size_t nat_pool_size(const struct nat *n, uint8_t family)
{
	size_t count = 0;

	for (size_t i = 0; i < n->config.external_count; i++)
		count += n->config.externals[i].family == family;
	return count;
}

const struct addr *nat_pool_address(const struct nat *n, uint8_t family, uint8_t pick)
{
	for (size_t i = 0; i < n->config.external_count; i++) {
		const struct addr *a = &n->config.externals[i];

		if (a->family == family && pick-- == 0)
			return a;
	}
	return NULL;
}

/* The bytes' sum: neighbouring addresses go different ways, whatever the seed. */
static uint32_t sum_of(const struct addr *a)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(a->ip); i++)
		sum += a->ip[i];
	return sum;
}

bool nat_pool_pick(struct nat *n, const struct addr *internal, const struct addr *remote,
		   uint8_t family, uint8_t *pick)
{
	uint32_t count = (uint32_t)nat_pool_size(n, family);

	if (count == 0)
		return false;
	switch (n->config.pooling) {
	case NAT_POOL_ARBITRARY:
		*pick = (uint8_t)rng_below(&n->rng, count);
		break;
	case NAT_POOL_BY_DESTINATION:
		*pick = (uint8_t)(sum_of(remote) % count);
		break;
	default:
		*pick = (uint8_t)(nat_hash(n, internal, 1) % count);
		break;
	}
	return true;
}

static struct range whole_range(const struct nat *n)
{
	uint32_t low = n->config.port_low != 0 ? n->config.port_low : PORT_LOW;
	uint32_t high = n->config.port_high != 0 ? n->config.port_high : 65535;

	return (struct range){ low, high >= low ? high - low + 1 : 1 };
}

static bool block_is_used(const struct nat *n, uint32_t block)
{
	for (size_t i = 0; i < n->subscribers_used; i++) {
		const struct nat_subscriber *s = &n->subscribers[i];

		if (s->has_block && s->mappings > 0 && s->block == block)
			return true;
	}
	return false;
}

/* The seed's choice, or the next that nobody lives in; shared where all are used. */
static void choose_block(struct nat *n, struct nat_subscriber *s, uint32_t blocks)
{
	uint32_t first = (uint32_t)(nat_hash(n, &s->address, 2) % blocks);

	s->has_block = true;
	s->block = first;
	for (uint32_t i = 0; i < blocks && i < NAT_SUBSCRIBERS_MAX; i++) {
		uint32_t block = (first + i) % blocks;

		if (!block_is_used(n, block)) {
			s->block = block;
			break;
		}
	}
}

static struct range range_of(struct nat *n, struct nat_subscriber *s)
{
	struct range r = whole_range(n);
	uint32_t width = n->config.block_width;

	if (width == 0 || width >= r.width || s == NULL)
		return r;
	bool fresh = !s->has_block;
	if (fresh)
		choose_block(n, s, r.width / width);
	r = (struct range){ r.low + s->block * width, width };
	if (fresh)
		s->counter = (uint16_t)(r.low + rng_below(&n->rng, r.width));
	return r;
}

static bool contains(struct range r, uint32_t port)
{
	return port >= r.low && port - r.low < r.width;
}

/* `port` + `by`, going round in the range. */
static uint16_t moved(struct range r, uint16_t port, int64_t by)
{
	int64_t at = ((int64_t)port - r.low + by) % (int64_t)r.width;

	return (uint16_t)(r.low + (uint32_t)(at < 0 ? at + r.width : at));
}

bool nat_alloc_is_free(struct nat *n, const struct nat_mapping *m, uint16_t port,
		       const struct addr *remote, uint64_t now_us)
{
	struct addr external = addr_with_port(&m->external, port);

	if (n->config.allocation == NAT_LINUX && remote != NULL)
		return nat_flow_find_external(n, m->protocol, &external, remote, now_us) == NULL;
	return nat_mapping_external(n, m->protocol, &external, NULL, now_us) == NULL;
}

static bool take(struct nat *n, struct nat_mapping *m, uint16_t port, const struct addr *remote,
		 uint64_t now_us)
{
	if (!nat_alloc_is_free(n, m, port, remote, now_us))
		return false;
	m->external.port = port;
	return true;
}

/* Some local ports count as somebody else's: by the seed, always the same ones. */
static bool is_overloaded(const struct nat *n, uint16_t port)
{
	static const struct addr nobody;

	return n->config.overload > 0 &&
	       to_share(nat_hash(n, &nobody, 0x10000u + port)) < n->config.overload;
}

static bool keep(struct nat *n, struct nat_mapping *m, struct range r, uint16_t port,
		 const struct addr *remote, uint64_t now_us)
{
	if (!contains(r, port) || is_overloaded(n, m->internal.port))
		return false;
	return take(n, m, port, remote, now_us);
}

static bool random_in(struct nat *n, struct nat_mapping *m, struct range r, uint32_t step,
		      const struct addr *remote, uint64_t now_us)
{
	uint32_t parity = step == 2 ? (m->internal.port ^ r.low) & 1 : 0;
	uint32_t width = (r.width + step - 1 - parity) / step;
	uint32_t at = 0;

	if (width == 0)
		return false;
	for (int i = 0; i < RANDOM_TRIES; i++) {
		at = rng_below(&n->rng, width);
		if (take(n, m, (uint16_t)(r.low + parity + at * step), remote, now_us))
			return true;
	}
	for (uint32_t i = 0; i < width; i++) {
		at = (at + 1) % width;
		if (take(n, m, (uint16_t)(r.low + parity + at * step), remote, now_us))
			return true;
	}
	return false;
}

/* e to the power of -x, for x of 0 to 1. */
static double exp_minus(double x)
{
	double term = 1, sum = 1;

	for (int i = 1; i < 20; i++) {
		term *= -x / i;
		sum += term;
	}
	return sum;
}

/* How often something happens that happens `mean` times on average (Knuth's way, in pieces). */
static uint32_t poisson(struct nat *n, double mean)
{
	uint32_t count = 0;

	while (mean > 0 && count < BACKGROUND_MAX) {
		double limit = exp_minus(mean < 1 ? mean : 1);

		for (double p = nat_share(n); p > limit; p *= nat_share(n))
			count++;
		mean -= 1;
	}
	return count;
}

/* What others took since we last looked. */
static void pass_background(struct nat *n, struct range r, uint64_t now_us)
{
	uint64_t since = n->background_us;

	n->background_us = now_us;
	if (n->config.background_per_s <= 0 || since == 0 || now_us <= since)
		return;
	double mean = n->config.background_per_s * ((double)(now_us - since) / 1e6);
	n->counter = moved(r, n->counter, (int64_t)poisson(n, mean) * n->config.step);
}

static bool sequential(struct nat *n, struct nat_mapping *m, struct range r, bool keeps_parity,
		       const struct addr *remote, uint64_t now_us)
{
	bool in_block = m->subscriber != NULL && m->subscriber->has_block;
	uint16_t *counter = in_block ? &m->subscriber->counter : &n->counter;
	uint32_t tries = r.width < SEQUENTIAL_TRIES ? r.width : SEQUENTIAL_TRIES;

	if (!in_block)
		pass_background(n, r, now_us);
	for (uint32_t i = 0; i < tries; i++) {
		*counter = moved(r, *counter, n->config.step);
		if (keeps_parity && ((*counter ^ m->internal.port) & 1) != 0)
			*counter = moved(r, *counter, 1);
		if (take(n, m, *counter, remote, now_us))
			return true;
	}
	return false;
}

static bool per_destination(struct nat *n, struct nat_mapping *m, struct range r,
			    const struct addr *remote, uint64_t now_us)
{
	const struct nat_mapping *last = nat_mapping_newest(n, m->protocol, &m->internal, now_us);

	if (last == NULL)
		return keep(n, m, r, m->internal.port, remote, now_us);
	return take(n, m, moved(r, last->external.port, n->config.step), remote, now_us);
}

static bool dependent(struct nat *n, struct nat_mapping *m, struct range r,
		      const struct addr *remote, uint64_t now_us)
{
	const struct nat_subscriber *s = m->subscriber;

	if (s == NULL || !s->has_last || m->internal.port != (uint16_t)(s->last_local + 1))
		return false;
	return take(n, m, moved(r, s->last_external, n->config.step), remote, now_us);
}

static bool contiguous(struct nat *n, struct nat_mapping *m, struct range r,
		       const struct addr *remote, uint64_t now_us)
{
	struct addr before = addr_with_port(&m->internal, (uint16_t)(m->internal.port - 1));
	const struct nat_mapping *neighbour =
		nat_mapping_find(n, m->protocol, &before, &m->remote, m->pool, now_us);

	if (neighbour == NULL || !contains(r, (uint32_t)neighbour->external.port + 1))
		return false;
	return take(n, m, (uint16_t)(neighbour->external.port + 1), remote, now_us);
}

static bool by_rule(struct nat *n, struct nat_mapping *m, struct range r, const struct addr *remote,
		    uint64_t now_us)
{
	uint16_t local = m->internal.port;

	if (m->protocol == PACKET_ICMP || m->protocol == PACKET_ICMPV6)
		return take(n, m, local, remote, now_us); /* an identifier is no port */
	switch (n->config.allocation) {
	case NAT_OFFSET:
		return keep(n, m, r, moved(r, local, n->config.offset), remote, now_us);
	case NAT_SEQUENTIAL:
		return sequential(n, m, r, false, remote, now_us);
	case NAT_PARITY_SEQUENTIAL:
		return sequential(n, m, r, true, remote, now_us);
	case NAT_PER_DESTINATION:
		return per_destination(n, m, r, remote, now_us);
	case NAT_DEPENDENT:
		return dependent(n, m, r, remote, now_us);
	case NAT_PARITY_RANDOM:
		return random_in(n, m, r, 2, remote, now_us);
	case NAT_CONTIGUOUS:
		return contiguous(n, m, r, remote, now_us);
	case NAT_RANDOM:
		return false;
	default:
		return keep(n, m, r, local, remote, now_us);
	}
}

static void remember(struct nat_mapping *m)
{
	struct nat_subscriber *s = m->subscriber;

	if (s == NULL)
		return;
	s->has_last = true;
	s->last_local = m->internal.port;
	s->last_external = m->external.port;
}

bool nat_alloc_port(struct nat *n, struct nat_mapping *m, const struct addr *remote,
		    uint64_t now_us)
{
	struct range r = range_of(n, m->subscriber);

	if (!by_rule(n, m, r, remote, now_us) && !random_in(n, m, r, 1, remote, now_us))
		return false;
	if (m->protocol == PACKET_UDP || m->protocol == PACKET_TCP)
		remember(m);
	return true;
}

bool nat_alloc_random(struct nat *n, struct nat_mapping *m, const struct addr *remote,
		      uint64_t now_us)
{
	return random_in(n, m, range_of(n, m->subscriber), 1, remote, now_us);
}

bool nat_alloc_wish(struct nat *n, struct nat_mapping *m, uint16_t port, uint64_t now_us)
{
	return contains(range_of(n, m->subscriber), port) && take(n, m, port, NULL, now_us);
}

void nat_alloc_start(struct nat *n)
{
	struct range r = whole_range(n);

	n->counter = (uint16_t)(r.low + rng_below(&n->rng, r.width));
}
