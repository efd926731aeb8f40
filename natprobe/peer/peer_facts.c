#include "peer_facts.h"

#include <math.h>
#include <stdlib.h>

#include "addr_special.h"
#include "wire.h"

/*
 * The likeliest value, of an interval of 99.9 % for something that was counted: near its lower end
 * where hardly anything was.
 */
static double likeliest(double low, double high)
{
	double w = high > 0 && low > 0 ? pow(low / high, 1.0 / 6) : 0;

	return low + (high - low) * (0.07 + 0.43 * w);
}

static double likeliest_of(const struct deep_value *v)
{
	return v->state == DEEP_NUMBER && isfinite(v->high) ? likeliest(v->low, v->high) : -1;
}

/* As a number of less bytes: nobody knows it better than that. */
static double rounded(double v)
{
	return (double)(float)v;
}

static uint16_t port_of(double v)
{
	return v < 1 ? 1 : v > UINT16_MAX ? UINT16_MAX : (uint16_t)v;
}

static void add_external(struct peer_path *p, const struct addr *a)
{
	for (uint8_t i = 0; i < p->external_count; i++) {
		if (addr_equal_ip(&p->externals[i], a))
			return;
	}
	if (a->family != ADDR_NONE && p->external_count < PEER_EXTERNALS_MAX)
		p->externals[p->external_count++] = addr_with_port(a, 0);
}

static void take_addresses(const struct verdict *v, struct peer_path *p)
{
	const struct addr *local = v->local.family != ADDR_NONE ? &v->local : &v->local_tcp;

	p->local = addr_with_port(local, 0);
	p->family = p->local.family;
	add_external(p, &v->mapped);
	for (uint8_t i = 0; i < v->pooling.external_count; i++)
		add_external(p, &v->pooling.externals[i]);
	add_external(p, &v->mapped_tcp);
	if (p->external_count == 0 && v->nat.value == VERDICT_NO)
		add_external(p, &p->local);
	if (v->nat64.value != VERDICT_YES)
		return;
	p->nat64_prefix = v->nat64_prefix;
	p->nat64_prefix_len = v->nat64_prefix_len;
	if (p->nat64_prefix_len == 0)
		p->nat64_prefix = (struct addr){ 0 };
	/* Peers with IPv6 need no NAT64, where our own address is one of the Internet. */
	if (addr_special_find(&p->local) == NULL)
		add_external(p, &p->local);
}

/* What it depends on at most, where it is known only that it depends on something. */
static uint8_t behaviour_of(const struct verdict_property *p)
{
	if (p->value != BEHAVIOUR_UNKNOWN || !verdict_excludes(p, BEHAVIOUR_ENDPOINT_INDEPENDENT) ||
	    !verdict_excludes(p, BEHAVIOUR_NONE))
		return p->value;
	return BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
}

static uint8_t filtering_of_tcp(const struct deep_value *v)
{
	static const uint8_t words[] = {
		[DEEP_FILTER_ENDPOINT_INDEPENDENT] = BEHAVIOUR_ENDPOINT_INDEPENDENT,
		[DEEP_FILTER_ADDRESS_DEPENDENT] = BEHAVIOUR_ADDRESS_DEPENDENT,
		[DEEP_FILTER_ADDRESS_AND_PORT_DEPENDENT] = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		[DEEP_FILTER_PORT_DEPENDENT] = BEHAVIOUR_PORT_DEPENDENT,
		[DEEP_FILTER_MIXED] = BEHAVIOUR_MIXED,
	};

	return v->state == DEEP_WORD && v->word < ARRAY_LEN(words) ? words[v->word]
								   : (uint8_t)BEHAVIOUR_UNKNOWN;
}

static uint8_t tcp_blocked(const struct verdict *v)
{
	for (uint8_t i = 0; i < v->server_count; i++) {
		if (v->servers[i].tcp_connected > 0)
			return VERDICT_NO;
	}
	/* That nobody answers may be the servers' doing. */
	return VERDICT_UNKNOWN;
}

static void take_behaviour(const struct verdict *v, struct peer_path *p)
{
	p->mapping = behaviour_of(&v->mapping);
	p->filtering = v->filtering.value;
	p->tcp_mapping = behaviour_of(&v->mapping_tcp);
	p->tcp_filtering = filtering_of_tcp(&v->deep.values[DEEP_FILTERING_TCP]);
	p->udp_blocked = v->udp_blocked.value;
	p->tcp_blocked = tcp_blocked(v);
	p->pooling = v->pooling.value;
	p->hairpin = v->hairpin.value;
}

static bool is_by_lot(const struct verdict *v)
{
	return v->ports.delta == DELTA_RANDOM || v->ports.delta == DELTA_DEPENDENT;
}

/*
 * Where the ports of a lot lie: what was seen, and a little more, as n of them leave 1/(n + 1) of
 * their range free at each end. A narrower range costs nothing where it is searched: all of it is
 * theirs. Counters tell of no range.
 */
static void take_range(const struct verdict *v, struct peer_path *p)
{
	const struct deep_value *low = &v->deep.values[DEEP_RANGE_LOW];
	const struct deep_value *high = &v->deep.values[DEEP_RANGE_HIGH];
	bool is_deep = low->state == DEEP_NUMBER && high->state == DEEP_NUMBER;
	double from = v->prediction.low, to = v->prediction.high, more;
	unsigned samples = v->ports.answered;

	if (!is_by_lot(v))
		return;
	if (is_deep) {
		from = low->high;
		to = high->low;
		samples = v->ports.answered + low->answered;
	}
	if (from < 1 || to <= from || samples < 3)
		return;
	more = (to - from) / (samples - 1);
	from -= more;
	to += more;
	if (is_deep) {
		from = fmax(from, low->low);
		to = fmin(to, high->high);
	}
	p->port_low = port_of(from);
	p->port_high = port_of(to);
}

/* What a counter did from some samples to those after them. */
struct counted {
	int32_t moved; /* ports, in the direction of its steps */
	int32_t own;   /* steps for samples of ours, answered or not */
	int64_t us;
};

static bool is_odd(const struct verdict_sample *s)
{
	return s->local_port % 2 != 0;
}

static void count_on(const struct verdict *v, const struct verdict_sample *from,
		     const struct verdict_sample *to, struct counted *c)
{
	int32_t moved = to->mapped.port - from->mapped.port;

	/* Where it changes the parity it leaves out a port, or its step is the shorter for it. */
	if (v->ports.parity.value == VERDICT_YES && (is_odd(from) != is_odd(to) || to - from > 1))
		return;
	c->moved += v->ports.value > 0 ? moved : -moved;
	c->own += (int32_t)(to - from);
	c->us += (int64_t)(to->sent_us - from->sent_us);
}

/* Steps of the counter beyond our own, from the first sample to the last one. */
static double background_of_samples(const struct verdict *v)
{
	const struct verdict_sample *last = NULL;
	struct counted c = { 0 };
	int32_t step = abs(v->ports.value);
	double s;

	if (v->ports.delta != DELTA_INDEPENDENT || step == 0)
		return -1;
	for (uint8_t i = 0; i < v->sample_count; i++) {
		const struct verdict_sample *one = &v->samples[i];

		if (one->mapped.family == ADDR_NONE)
			continue;
		if (last != NULL)
			count_on(v, last, one, &c);
		last = one;
	}
	s = (double)c.us / 1e6;
	/* A wrap, or counters beside each other. */
	if (c.moved % step != 0 || c.moved / step < c.own || s < 0.02)
		return -1;
	return (c.moved / step - c.own) / s;
}

static double background_of(const struct verdict *v)
{
	const struct deep_value *deep = &v->deep.values[DEEP_BACKGROUND];
	double sampled = background_of_samples(v);

	/* Where nothing was counted at all, the interval's middle would be too much. */
	if (deep->state != DEEP_NUMBER || (deep->low == 0 && sampled == 0))
		return sampled;
	return likeliest_of(deep);
}

static double overload_of(const struct verdict *v)
{
	const struct deep_value *value = &v->deep.values[DEEP_OVERLOAD];
	double deep = likeliest_of(value);

	/* What keeps its port is foretold to do so; a deeper look has seen more, if it saw others. */
	if (v->ports.delta == DELTA_EQUAL && v->prediction.count > 0 &&
	    (deep < 0 || value->low <= 0))
		return 1 - fmin(v->prediction.candidates[0].chance, 1);
	return deep >= 0 ? deep / 100 : -1;
}

static void take_ports(const struct verdict *v, struct peer_path *p)
{
	const struct deep_value *step = &v->deep.values[DEEP_PER_DESTINATION];

	p->delta = v->ports.delta;
	p->delta_value = v->ports.value;
	p->keeps_parity = v->ports.parity.value == VERDICT_YES;
	if (step->state == DEEP_NUMBER && fabs(step->low) <= UINT16_MAX)
		p->per_destination = (int32_t)step->low;
	p->background_per_s = rounded(background_of(v));
	p->overload = rounded(overload_of(v));
	p->chance =
		v->prediction.count > 0 ? v->prediction.candidates[0].chance : v->prediction.chance;
	p->chance = rounded(fmin(fmax(p->chance, 0), 1));
	take_range(v, p);
}

/* Sockets that were let out before no more were. */
static uint16_t mapping_cap(const struct verdict *v)
{
	uint64_t slots = 0;
	uint16_t count = v->ports.answered;

	if (v->ports.cause != CAUSE_MAPPING_LIMIT && v->pooling.cause != CAUSE_MAPPING_LIMIT)
		return 0;
	for (uint8_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];
		uint64_t bit = UINT64_C(1) << (s->slot & 63);

		if (s->mapped.family == ADDR_NONE || (slots & bit) != 0)
			continue;
		slots |= bit;
		count++;
	}
	return count;
}

static uint8_t word_of(const struct verdict *v, enum deep_property which)
{
	const struct deep_value *d = &v->deep.values[which];

	return d->state == DEEP_WORD ? PEER_WORD(d->word) : PEER_WORD_UNKNOWN;
}

static uint8_t nats_of(const struct verdict *v)
{
	const struct deep_value *d = &v->deep.values[DEEP_NATS];

	if (d->state == DEEP_NUMBER && d->low == d->high && d->low >= 0 && d->low <= UINT8_MAX)
		return (uint8_t)d->low;
	/* The gateway's own external address is no public one. */
	return v->cgn.value == VERDICT_YES &&
			       (v->cgn_hints & (CGN_GATEWAY_SHARED | CGN_GATEWAY_PRIVATE)) != 0
		       ? 2
		       : 0;
}

static bool is_external(const struct peer_path *p, const struct addr *a)
{
	for (uint8_t i = 0; i < p->external_count; i++) {
		if (addr_equal_ip(&p->externals[i], a))
			return true;
	}
	return false;
}

/* Of one way to ask: a port that the gateway opens can be reached from the public network. */
static uint8_t portmap_helps(const struct verdict *v, const struct peer_path *p,
			     const struct verdict_portmap *m)
{
	if (m->present.value != VERDICT_YES)
		return m->present.value;
	if (m->result != 0)
		return VERDICT_NO;
	if (m->external.family != ADDR_NONE)
		return is_external(p, &m->external) ? VERDICT_YES : VERDICT_NO;
	/* Nothing speaks for another NAT: whoever opens the port is told which address it has. */
	return p->nats > 1 || v->cgn.value == VERDICT_YES ? VERDICT_NO : VERDICT_YES;
}

static uint8_t portmap_of(const struct verdict *v, const struct peer_path *p)
{
	const struct verdict_portmap *ways[] = { &v->pcp, &v->nat_pmp, &v->upnp };
	const struct deep_value *tried = &v->deep.values[DEEP_PORTMAP_WORKS];
	bool all_no = true;

	if (tried->state == DEEP_WORD)
		return tried->word == DEEP_YES ? VERDICT_YES : VERDICT_NO;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		uint8_t helps = portmap_helps(v, p, ways[i]);

		if (helps == VERDICT_YES)
			return VERDICT_YES;
		all_no = all_no && helps == VERDICT_NO;
	}
	return all_no ? VERDICT_NO : VERDICT_UNKNOWN;
}

static void take_reactions(const struct verdict *v, struct peer_path *p)
{
	p->nats = nats_of(v);
	p->opener_ttl = v->deep.opener_ttl;
	p->early_inbound = word_of(v, DEEP_EARLY_INBOUND);
	p->unexpected = word_of(v, DEEP_UNEXPECTED);
	p->icmp_error = word_of(v, DEEP_ICMP_ERROR);
	p->syn_reaction = word_of(v, DEEP_SYN_REACTION);
	p->portmap = portmap_of(v, p);
}

static void take_times(const struct verdict *v, struct peer_path *p)
{
	const struct deep_value *life = &v->deep.values[DEEP_LIFETIME];

	if (life->state == DEEP_NUMBER && life->low >= 1)
		p->lifetime_s = life->low < UINT16_MAX ? (uint16_t)life->low : UINT16_MAX;
	p->rtt_us = v->rtt_min_us < UINT32_MAX ? (uint32_t)v->rtt_min_us : UINT32_MAX;
	p->loss = v->loss.known ? rounded(likeliest(v->loss.low, v->loss.high)) : -1;
	p->rate_per_s = v->rate_limit.value == VERDICT_YES ? v->rate_limit_per_s : 0;
	p->mapping_cap = mapping_cap(v);
}

void peer_path_of_verdict(const struct verdict *v, uint8_t local_prefix_len, struct peer_path *out)
{
	*out = (struct peer_path){ .local_prefix_len = local_prefix_len };
	take_addresses(v, out);
	take_behaviour(v, out);
	take_ports(v, out);
	take_reactions(v, out);
	take_times(v, out);
}
