#include "punch_plan.h"

#include <string.h>

#include "punch_plan_steps.h"
#include "punch_plan_why.h"

#define PAIRS_MAX     4
#define WORTH         0.03 /* what is less likely costs packets, and brings nothing */
#define GOOD          0.9
#define NEXT_US       150000 /* from one pair of paths to the next */
#define IPV4_AFTER_US 250000
#define RELAY_US      400000
#define RELAY_END_US  9500000
#define STEP_MIN_US   1000000
#define PAUSE_US      500000 /* of a second LOW_TTL: by how much more the starts may differ */
#define MAPPINGS_MAX  640
#define LONG_US       400000 /* there and back */

struct draft {
	const struct peer_profile *a, *b;
	const struct punch_plan_options *options;
	struct plan_limits limits;
	struct plan_pair pairs[PAIRS_MAX];
	size_t pair_count;
	bool has_searched;
	uint8_t sets[2][2][PEER_PATHS_MAX]; /* next free one: UDP and TCP, side, path */
	struct punch_plan *out;
};

static bool allows(const struct draft *d, enum punch_strategy s)
{
	return d->options->only == 0 || (d->options->only & PUNCH_BIT(s)) != 0;
}

/* What is named alone is tried whatever its chance; of several, what is worth it. */
static bool is_forced(const struct draft *d, enum punch_strategy s)
{
	return d->options->only == PUNCH_BIT(s);
}

/* Both paths have a set that no step of theirs has used. */
static bool take_set(struct draft *d, struct punch_step *s)
{
	uint8_t *a = &d->sets[s->is_tcp][0][s->a.path], *b = &d->sets[s->is_tcp][1][s->b.path];
	uint8_t set = *a > *b ? *a : *b;

	if (set >= PEER_SETS)
		return false;
	s->set = set;
	*a = *b = (uint8_t)(set + 1);
	return true;
}

/* Returns when it ends; start_us where there is no room for it. */
static uint32_t add(struct draft *d, struct punch_step s, uint32_t start_us, bool own_set)
{
	struct punch_plan *out = d->out;

	if (s.chance < WORTH && !is_forced(d, (enum punch_strategy)s.strategy))
		return start_us;
	if (start_us + STEP_MIN_US > PUNCH_PLAN_LIMIT_US || out->count >= PUNCH_STEPS_MAX - 1)
		return start_us;
	if (own_set && !take_set(d, &s))
		return start_us;
	s.start_us = start_us;
	if (s.duration_us > PUNCH_PLAN_LIMIT_US - start_us)
		s.duration_us = PUNCH_PLAN_LIMIT_US - start_us;
	out->steps[out->count++] = s;
	return start_us + s.duration_us;
}

static uint32_t add_simple(struct draft *d, const struct plan_pair *p, enum punch_strategy strategy,
			   bool a_opens, uint32_t start_us)
{
	if (!allows(d, strategy))
		return start_us;
	return add(d, plan_step(p, strategy, a_opens), start_us, strategy != PUNCH_PORT_MAPPING);
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* The one that suffers opens, for what it sends harms nobody. */
static uint32_t add_delayed(struct draft *d, const struct plan_pair *p, uint32_t start_us)
{
	bool a_first = plan_is_spoilt_early(p->a) || !plan_is_spoilt_early(p->b);
	uint32_t end = add_simple(d, p, PUNCH_DELAYED, a_first, start_us);

	return add_simple(d, p, PUNCH_DELAYED, !a_first, end);
}

/*
 * Where a packet that comes too early spoils both, nothing else does: so once more, with sockets of
 * its own, and a pause in which a start that is later than was thought does no harm.
 */
static uint32_t add_patient(struct draft *d, const struct plan_pair *p, uint32_t start_us)
{
	struct punch_step s = plan_step(p, PUNCH_LOW_TTL, false);

	if (!allows(d, PUNCH_LOW_TTL) || is_forced(d, PUNCH_LOW_TTL) ||
	    !plan_is_spoilt_early(p->a) || !plan_is_spoilt_early(p->b))
		return start_us;
	s.settle_us += PAUSE_US;
	s.duration_us += PAUSE_US;
	s.chance /= 2;
	return add(d, s, start_us, true);
}

/* All at once: each has sockets of its own. */
static uint32_t add_meeting(struct draft *d, const struct plan_pair *p, uint32_t start_us)
{
	uint32_t end = start_us;
	bool spoilt = plan_may_be_spoilt_early(p->a) || plan_may_be_spoilt_early(p->b);
	bool pooled = plan_address_count(p->a) > 1 && plan_address_count(p->b) > 1;

	end = later(end, add_simple(d, p, PUNCH_DIRECT, false, start_us));
	end = later(end, add_simple(d, p, PUNCH_PORT_MAPPING, false, start_us));
	end = later(end, add_simple(d, p, PUNCH_SIMULTANEOUS, false, start_us));
	end = later(end, add_simple(d, p, PUNCH_LOW_TTL, false, start_us));
	end = later(end, add_patient(d, p, start_us));
	/* Addresses by lot: other sockets have other ones. */
	if (spoilt || pooled || is_forced(d, PUNCH_DELAYED))
		end = later(end, add_delayed(d, p, end));
	return end;
}

typedef bool make_step(const struct plan_pair *p, const struct plan_limits *l, bool forced,
		       struct punch_step *out);

static uint32_t add_search(struct draft *d, const struct plan_pair *p, enum punch_strategy strategy,
			   make_step *make, uint32_t start_us)
{
	struct plan_limits l = d->limits;
	struct punch_step s;

	if (!allows(d, strategy) || plan_udp_is_blocked(p->a) || plan_udp_is_blocked(p->b))
		return start_us;
	if (start_us + STEP_MIN_US > PUNCH_PLAN_LIMIT_US)
		return start_us;
	l.time_us = PUNCH_PLAN_LIMIT_US - start_us;
	if (!make(p, &l, is_forced(d, strategy), &s))
		return start_us;
	return add(d, s, start_us, true);
}

static double chance_of(const struct punch_plan *plan)
{
	double none = 1;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].strategy != PUNCH_RELAY)
			none *= 1 - plan->steps[i].chance;
	}
	return 1 - none;
}

/* A gateway that opens ports today may refuse tomorrow, so that one is not counted on. */
static double chance_of_meeting(const struct punch_plan *plan)
{
	double none = 1;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].strategy != PUNCH_PORT_MAPPING)
			none *= 1 - plan->steps[i].chance;
	}
	return 1 - none;
}

/* One pair is searched, where nothing easier is likely to do: it takes hundreds of packets. */
static bool is_searched(const struct draft *d)
{
	return !d->has_searched && chance_of_meeting(d->out) < GOOD;
}

static void note_search(struct draft *d)
{
	for (size_t i = 0; i < d->out->count; i++) {
		uint8_t strategy = d->out->steps[i].strategy;

		d->has_searched |= strategy == PUNCH_PREDICTION || strategy == PUNCH_BIRTHDAY ||
				   strategy == PUNCH_MIXED;
	}
}

/* What is foretold comes first: any other packet moves the counters on. */
static void add_udp(struct draft *d, const struct plan_pair *p, uint32_t start_us)
{
	bool meets = plan_meets(p->a, p->b), searched;
	uint32_t end = start_us;

	if (meets)
		end = add_meeting(d, p, start_us);
	searched = is_searched(d);
	if (searched)
		end = add_search(d, p, PUNCH_PREDICTION, plan_step_prediction, end);
	if (!meets)
		end = later(end, add_meeting(d, p, start_us));
	if (searched && chance_of_meeting(d->out) < GOOD) {
		end = add_search(d, p, PUNCH_BIRTHDAY, plan_step_birthday, end);
		(void)add_search(d, p, PUNCH_MIXED, plan_step_mixed, end);
	}
	note_search(d);
}

/* Over a long way there is time for one handshake or two, so two ports try at once: what one of them
 * loses, the other one may not. */
static void add_second_tcp(struct draft *d, const struct plan_pair *p, uint32_t start_us)
{
	struct punch_step s = plan_step(p, PUNCH_TCP, false);

	if (!allows(d, PUNCH_TCP) || is_forced(d, PUNCH_TCP) || p->same_host ||
	    plan_round_trip_us(p->a, p->b) < LONG_US)
		return;
	s.is_local = false;
	s.chance /= 2;
	(void)add(d, s, start_us, true);
}

static void add_tcp(struct draft *d, const struct plan_pair *p, uint32_t start_us)
{
	uint32_t end = add_simple(d, p, PUNCH_TCP, false, start_us);

	add_second_tcp(d, p, start_us);
	(void)add_simple(d, p, PUNCH_TCP_LOW_TTL, false, end);
}

/* 3: they meet by themselves; 2: one has to be foretold; 1: searched; 0: both; -1: no UDP */
static int grade(const struct plan_pair *p)
{
	bool hard_a = plan_is_hard(p->a), hard_b = plan_is_hard(p->b);

	if (plan_udp_is_blocked(p->a) || plan_udp_is_blocked(p->b))
		return -1;
	if (plan_meets(p->a, p->b))
		return 3;
	if (plan_ports(p->a) != PLAN_PORTS_RANDOM && plan_ports(p->b) != PLAN_PORTS_RANDOM)
		return 2;
	return hard_a && hard_b ? 0 : 1;
}

/* IPv6 first, then the easier one. */
static bool is_better(const struct plan_pair *a, const struct plan_pair *b)
{
	int grade_a = grade(a), grade_b = grade(b);

	if ((grade_a == 3) != (grade_b == 3))
		return grade_a == 3;
	if (a->family != b->family)
		return a->family == ADDR_IPV6;
	if (grade_a != grade_b)
		return grade_a > grade_b;
	return a->path_a + a->path_b < b->path_a + b->path_b;
}

static void keep_pair(struct draft *d, const struct plan_pair *p)
{
	size_t at = d->pair_count;

	while (at > 0 && is_better(p, &d->pairs[at - 1]))
		at--;
	if (at >= PAIRS_MAX)
		return;
	if (d->pair_count < PAIRS_MAX)
		d->pair_count++;
	for (size_t i = d->pair_count - 1; i > at; i--)
		d->pairs[i] = d->pairs[i - 1];
	d->pairs[at] = *p;
}

static void consider(struct draft *d, uint8_t ia, uint8_t ib)
{
	const struct peer_path *a = &d->a->paths[ia], *b = &d->b->paths[ib];
	unsigned families = plan_families(a) & plan_families(b);
	bool same_host = memcmp(d->a->host, d->b->host, sizeof(d->a->host)) == 0;
	static const uint8_t nobody[sizeof(d->a->host)];

	same_host = same_host && memcmp(d->a->host, nobody, sizeof(nobody)) != 0;
	for (uint8_t family = ADDR_IPV6; family >= ADDR_IPV4; family--) {
		bool apart = d->options->apart, shares = !apart && peer_shares_external(a, b);
		struct plan_pair p = {
			.a = a,
			.b = b,
			.path_a = ia,
			.path_b = ib,
			.family = family,
			.same_host = same_host,
			.same_nat = shares,
			.local = same_host || shares ||
				 (!apart && (peer_may_be_ours(a, b) || peer_may_be_ours(b, a))),
			.start_error_us = d->options->start_error_us,
		};

		if ((families & 1u << family) != 0)
			keep_pair(d, &p);
	}
}

static uint8_t paths_of(const struct peer_profile *p)
{
	return p->path_count < PEER_PATHS_MAX ? p->path_count : PEER_PATHS_MAX;
}

static void find_pairs(struct draft *d)
{
	for (uint8_t ia = 0; ia < paths_of(d->a); ia++) {
		for (uint8_t ib = 0; ib < paths_of(d->b); ib++)
			consider(d, ia, ib);
	}
}

static uint32_t end_of(const struct punch_plan *plan)
{
	uint32_t end = 0;

	for (size_t i = 0; i < plan->count; i++)
		end = later(end, plan->steps[i].start_us + plan->steps[i].duration_us);
	return end;
}

/* By start, and as they were added. */
static void sort(struct punch_plan *plan)
{
	for (size_t i = 1; i < plan->count; i++) {
		struct punch_step s = plan->steps[i];
		size_t at = i;

		for (; at > 0 && plan->steps[at - 1].start_us > s.start_us; at--)
			plan->steps[at] = plan->steps[at - 1];
		plan->steps[at] = s;
	}
}

static void add_relay(struct draft *d)
{
	struct punch_plan *out = d->out;
	struct punch_step s = { .strategy = PUNCH_RELAY, .chance = 0.97 };

	if (!d->options->has_relay || !allows(d, PUNCH_RELAY))
		return;
	if (d->pair_count > 0) {
		s.a.path = d->pairs[0].path_a;
		s.b.path = d->pairs[0].path_b;
		s.family = d->pairs[0].family;
	}
	s.a.opens = s.b.opens = true;
	s.nominate_us = end_of(out);
	s.start_us = out->count > 0 ? RELAY_US : 0;
	s.duration_us = RELAY_END_US - s.start_us;
	out->steps[out->count++] = s;
}

static void add_all(struct draft *d)
{
	uint32_t start_us = 0, tcp_us;
	bool is_good;

	for (size_t i = 0; i < d->pair_count; i++) {
		const struct plan_pair *p = &d->pairs[i];

		if (i > 0)
			start_us += p->family != d->pairs[i - 1].family ? IPV4_AFTER_US : NEXT_US;
		add_udp(d, p, start_us);
	}
	is_good = chance_of(d->out) >= GOOD;
	tcp_us = is_good ? 1500000 : 300000;
	for (size_t i = 0; i < d->pair_count && i < 2; i++)
		add_tcp(d, &d->pairs[i], tcp_us);
}

void punch_plan_make(const struct peer_profile *a, const struct peer_profile *b,
		     const struct punch_plan_options *options, struct punch_plan *out)
{
	struct draft d = { .a = a, .b = b, .options = options, .out = out };

	memset(out, 0, sizeof(*out));
	d.limits.sockets_max = PUNCH_SOCKETS_MAX;
	d.limits.mappings_max = MAPPINGS_MAX;
	if (options->sockets_max != 0 && options->sockets_max < PUNCH_SOCKETS_MAX)
		d.limits.sockets_max = options->sockets_max;
	if (options->sockets_max != 0 && options->sockets_max < MAPPINGS_MAX)
		d.limits.mappings_max = options->sockets_max;
	out->forced = plan_forced(options->only);
	find_pairs(&d);
	add_all(&d);
	sort(out);
	out->chance = chance_of(out);
	out->chance_relay = out->chance;
	if (out->chance < WORTH)
		plan_tell_why(d.pair_count > 0 ? &d.pairs[0] : NULL, options, out);
	add_relay(&d);
	if (out->count > 0 && out->steps[out->count - 1].strategy == PUNCH_RELAY)
		out->chance_relay = 1 - (1 - out->chance) * (1 - out->steps[out->count - 1].chance);
}
