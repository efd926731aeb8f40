#include "punch_judge.h"

#include <stdlib.h>

#include "packet.h"

/* What happened to packets between the two while a step ran, as far as it matters here. */
struct story {
	const struct sim_pair_config *config;
	const struct sim_pair_side *sides;
	const struct punch_step *step;
	const struct punch_evidence *seen[2];
	uint64_t from_us, until_us;
	uint8_t protocol;
};

static const struct nat_profile *profile_of(const struct story *s, unsigned side)
{
	return s->config->profiles[s->config->same_nat ? 0 : side];
}

static bool is_between(const struct story *s, const struct sim_pair_event *e)
{
	return e->at_us >= s->from_us && e->at_us < s->until_us && e->protocol == s->protocol &&
	       !sim_pair_is_infrastructure(&e->remote);
}

/* How many such events there were at a side's boxes; side 2: at any. */
static unsigned count(const struct story *s, unsigned side, unsigned truth)
{
	const struct sim_pair_event *events;
	unsigned found = 0;
	size_t n;

	events = sim_pair_events(&n);
	for (size_t i = 0; i < n; i++) {
		const struct sim_pair_event *e = &events[i];

		if (is_between(s, e) && (e->truth & truth) != 0 &&
		    (side == 2 || e->side == side || s->config->same_nat))
			found++;
	}
	return found;
}

#define REFUSED (SIM_PAIR_FILTERED | SIM_PAIR_NO_MAPPING)

/*
 * What the boxes of `side` refused of the other one: by its source, the one that was announced, one
 * on another port, or one on another address.
 */
struct refused {
	unsigned announced, other_port, other_address;
	bool has_shift; /* a source that is `shift` ports away */
};

static struct refused refusals(const struct story *s, unsigned side, int32_t shift)
{
	const struct addr *announced = &s->seen[1 - side]->announced;
	const struct sim_pair_event *events;
	struct refused r = { 0 };
	size_t n;

	events = sim_pair_events(&n);
	for (size_t i = 0; i < n; i++) {
		const struct sim_pair_event *e = &events[i];

		if (!is_between(s, e) || (e->truth & REFUSED) == 0 ||
		    (e->side != side && !s->config->same_nat))
			continue;
		if (addr_equal(&e->remote, announced))
			r.announced++;
		else if (addr_equal_ip(&e->remote, announced))
			r.other_port++;
		else
			r.other_address++;
		if (e->remote.port == (uint16_t)(announced->port + shift))
			r.has_shift = true;
	}
	return r;
}

/* Ports that the outermost box of a side gave towards the other one. */
struct given {
	unsigned count;
	bool is_other;  /* than the announced one */
	bool was_tried; /* by the other side */
	int32_t beside; /* of the nearest one: how far from what was tried */
};

/* By how many ports it lies outside of [low, high]. */
static int32_t beside(uint16_t port, uint16_t low, uint16_t high)
{
	if (port > high)
		return (int32_t)port - high;
	return port < low ? (int32_t)port - low : 0;
}

static struct given given_by(const struct story *s, unsigned side)
{
	const struct punch_evidence *other = s->seen[1 - side];
	const struct punch_part *tries = side == 0 ? &s->step->b : &s->step->a;
	int32_t stride = tries->window_step != 0 ? abs(tries->window_step) : 1;
	const struct sim_pair_event *events;
	struct given g = { .beside = INT32_MAX };
	size_t n;

	events = sim_pair_events(&n);
	for (size_t i = 0; i < n; i++) {
		const struct sim_pair_event *e = &events[i];
		uint16_t port = e->external.port;
		int32_t by = beside(port, other->tried_low, other->tried_high);

		if (!is_between(s, e) || (e->truth & SIM_PAIR_MAPPED) == 0 || e->layer != 0 ||
		    (e->side != side && !s->config->same_nat))
			continue;
		g.count++;
		g.is_other = g.is_other || port != s->seen[side]->announced.port;
		g.was_tried = g.was_tried || (by == 0 && (port - other->tried_low) % stride == 0);
		if (abs(by) < abs(g.beside))
			g.beside = by;
	}
	return g;
}

static bool any_box(const struct nat_profile *p, bool (*is)(const struct nat_config *c))
{
	for (size_t i = 0; i < p->layer_count; i++) {
		if (is(&p->layers[i]))
			return true;
	}
	return false;
}

static bool blocks_udp(const struct nat_config *c)
{
	return c->udp_blocked || c->udp_ports_allowed[0] != 0;
}

static bool blocks_tcp(const struct nat_config *c)
{
	return c->tcp_blocked;
}

static bool refuses_tcp(const struct nat_config *c)
{
	return c->unsolicited_syn != NAT_DROP;
}

static bool ends_mappings(const struct nat_config *c)
{
	return c->dies_on_unexpected || c->dies_on_icmp;
}

static bool translates_families(const struct nat_config *c)
{
	return c->nat64_prefix.family == ADDR_IPV6;
}

static bool have_no_family(const struct story *s)
{
	const struct nat_profile *a = profile_of(s, 0), *b = profile_of(s, 1);

	return a->family != b->family && !any_box(a, translates_families) &&
	       !any_box(b, translates_families);
}

static bool maps_by_destination(const struct nat_config *c)
{
	return c->mapping > NAT_EI;
}

/* Both let the other one in, and answer from another port than was asked. */
static bool both_answer_elsewhere(const struct story *s)
{
	return any_box(profile_of(s, 0), maps_by_destination) &&
	       any_box(profile_of(s, 1), maps_by_destination) && given_by(s, 0).is_other &&
	       given_by(s, 1).is_other && s->seen[0]->received > 0 && s->seen[1]->received > 0;
}

/* Where one side's ports were foretold: none was, and the next one is as far away as it says. */
static bool is_missed(const struct story *s, const struct punch_verdict *v, unsigned side)
{
	struct given g = given_by(s, side);

	if (count(s, 2, REFUSED) == 0)
		return false;
	if (v->side == PUNCH_SIDE_BOTH || s->step->is_tcp)
		return true;
	/* Between two openings somebody else may take a port. */
	return g.count > 0 && !g.was_tried && (v->detail == 0 || abs(v->detail - g.beside) <= 1);
}

static bool is_true_of(const struct story *s, const struct punch_verdict *v, unsigned side)
{
	struct refused by_peer = refusals(s, 1 - side, v->detail);
	struct refused by_us = refusals(s, side, 0);
	const struct nat_profile *p = profile_of(s, side);

	switch ((enum punch_reason)v->reason) {
	case REASON_UDP_BLOCKED:
		return any_box(p, blocks_udp);
	case REASON_TCP_BLOCKED:
		return any_box(p, blocks_tcp);
	case REASON_FILTERED:
		return by_us.announced > 0;
	case REASON_MAPPING_DIFFERS:
		if (by_peer.other_port == 0)
			return both_answer_elsewhere(s);
		return v->detail == 0 || by_peer.has_shift;
	case REASON_PREDICTION_MISSED:
		return is_missed(s, v, side);
	case REASON_POOL:
		return by_peer.other_address > 0;
	case REASON_REMAPPED:
		return count(s, side, SIM_PAIR_REMAPPED) > 0;
	case REASON_MAPPING_ENDED:
		return count(s, side, SIM_PAIR_MAPPING_ENDED) > 0 && any_box(p, ends_mappings);
	case REASON_MAPPING_LIMIT:
		return count(s, side, SIM_PAIR_MAPPING_LIMIT) > 0;
	case REASON_RATE_LIMIT:
		return count(s, side, SIM_PAIR_RATE_LIMIT) > 0;
	case REASON_TCP_REFUSED:
		return any_box(p, refuses_tcp) || count(s, side, REFUSED) == 0;
	case REASON_TCP_FILTERED:
		return count(s, side, REFUSED) > 0;
	case REASON_TCP_NO_SIMULTANEOUS_OPEN:
		return count(s, side, SIM_PAIR_NO_SIMULTANEOUS_OPEN) > 0;
	case REASON_NO_PORT_MAPPING:
		return !s->sides[side].has_port_mapping;
	default:
		return false;
	}
}

static bool is_true_of_none(const struct story *s, const struct punch_verdict *v)
{
	bool searched = count(s, 2, REFUSED) > 0;

	switch ((enum punch_reason)v->reason) {
	case REASON_NO_FAMILY:
		return have_no_family(s);
	case REASON_NO_HAIRPIN:
		return s->config->same_nat &&
		       count(s, 2, SIM_PAIR_NO_HAIRPIN | SIM_PAIR_HAIRPIN_FILTERED) > 0;
	case REASON_BIRTHDAY_MISSED:
		return searched;
	case REASON_LOSS:
		return count(s, 2, SIM_PAIR_LOST) > 0;
	case REASON_NO_RELAY:
		return !s->config->has_relay;
	case REASON_PEER_SILENT:
		return s->config->one_way;
	case REASON_LATE:
		return s->config->start_skew_us != 0;
	default:
		return false;
	}
}

/* Whose network it is said to be about: of both, it has to be true of each. */
static bool is_true_of_side(const struct story *s, const struct punch_verdict *v)
{
	bool a = is_true_of(s, v, 0), b = is_true_of(s, v, 1);

	switch ((enum punch_side)v->side) {
	case PUNCH_SIDE_A:
		return a;
	case PUNCH_SIDE_B:
		return b;
	case PUNCH_SIDE_BOTH:
		return a && b;
	default:
		return a || b;
	}
}

static enum punch_judgement judge(const struct story *s, const struct punch_verdict *v)
{
	bool is_true;

	if (v->reason == REASON_UNSURE)
		return PUNCH_JUDGE_UNSURE;
	is_true = is_true_of_none(s, v) || is_true_of_side(s, v);
	return is_true ? PUNCH_JUDGE_RIGHT : PUNCH_JUDGE_WRONG;
}

static struct story story_of(const struct sim_pair_config *c, const struct sim_pair_side sides[2],
			     uint8_t step)
{
	const struct punch_plan *plan = &sides[0].result.plan;
	struct story s = { .config = c,
			   .sides = sides,
			   .step = &plan->steps[step],
			   .seen = { &sides[0].result.ours[step], &sides[1].result.ours[step] },
			   .until_us = UINT64_MAX };
	uint64_t start_us = sides[0].ended_us - sides[0].result.elapsed_us;

	s.protocol = s.step->is_tcp ? PACKET_TCP : PACKET_UDP;
	if (plan->count > 0) {
		s.from_us = start_us + s.step->start_us;
		s.until_us = s.from_us + s.step->duration_us + 500000;
	}
	return s;
}

static bool was_tried(const struct sim_pair_side sides[2], uint8_t step)
{
	return sides[0].result.ours[step].strategy != PUNCH_NONE &&
	       sides[1].result.ours[step].strategy != PUNCH_NONE;
}

enum punch_judgement punch_judge_step(const struct sim_pair_config *c,
				      const struct sim_pair_side sides[2], unsigned by,
				      uint8_t step)
{
	const struct punch_verdict *v = &sides[by].result.verdicts[step];
	struct story s = story_of(c, sides, step);

	if (v->reason == REASON_NONE || v->reason == REASON_NOT_TRIED || !was_tried(sides, step))
		return PUNCH_JUDGE_SKIP;
	return judge(&s, v);
}

static bool filters(const struct nat_config *c)
{
	return c->filtering != NAT_NONE && c->filtering != NAT_EI;
}

static bool opens_ports(const struct nat_config *c)
{
	return c->pcp || c->nat_pmp;
}

/* A rule tells the port of the next destination. */
static bool counts(const struct nat_config *c)
{
	return c->mapping > NAT_EI &&
	       (c->allocation == NAT_SEQUENTIAL || c->allocation == NAT_PER_DESTINATION ||
		c->allocation == NAT_DEPENDENT || c->allocation == NAT_PARITY_SEQUENTIAL);
}

/* What was allowed is for other networks: it needs a side, or both, that maps by destination. */
static bool is_unsuitable(const struct story *s, const struct punch_verdict *v)
{
	const struct nat_profile *a = profile_of(s, 0), *b = profile_of(s, 1);
	bool hard_a = any_box(a, maps_by_destination), hard_b = any_box(b, maps_by_destination);
	bool counts_a = any_box(a, counts), counts_b = any_box(b, counts);

	switch ((enum punch_strategy)s->sides[0].result.plan.forced) {
	case PUNCH_MIXED:
		return !hard_a || !hard_b || (counts_a && counts_b);
	case PUNCH_PREDICTION:
		if (v->side == PUNCH_SIDE_NONE)
			return !hard_a && !hard_b;
		return ((v->side & PUNCH_SIDE_A) == 0 || (hard_a && !counts_a)) &&
		       ((v->side & PUNCH_SIDE_B) == 0 || (hard_b && !counts_b));
	default:
		return false;
	}
}

/* What the plan says against a pair that it has no hope for: by what the boxes are. */
static bool could_be(const struct story *s, uint8_t reason, unsigned side)
{
	const struct nat_profile *p = profile_of(s, side);

	switch ((enum punch_reason)reason) {
	case REASON_MAPPING_DIFFERS:
		return any_box(p, maps_by_destination) && any_box(profile_of(s, 1 - side), filters);
	case REASON_UDP_BLOCKED:
		return any_box(p, blocks_udp);
	case REASON_TCP_BLOCKED:
		return any_box(p, blocks_tcp);
	case REASON_NO_FAMILY:
		return have_no_family(s);
	case REASON_FILTERED:
		return any_box(p, filters);
	case REASON_NO_HAIRPIN:
		return s->config->same_nat;
	case REASON_NO_PORT_MAPPING:
		return !any_box(p, opens_ports);
	case REASON_NO_RELAY:
		return !s->config->has_relay;
	default:
		return false;
	}
}

static enum punch_judgement judge_hopeless(const struct story *s, const struct punch_verdict *v)
{
	bool a = could_be(s, v->reason, 0), b = could_be(s, v->reason, 1);
	bool is_true = a || b;

	if (v->reason == REASON_NOT_TRIED)
		is_true = is_unsuitable(s, v);
	else if (v->side == PUNCH_SIDE_A)
		is_true = a;
	else if (v->side == PUNCH_SIDE_B)
		is_true = b;
	else if (v->side == PUNCH_SIDE_BOTH)
		is_true = a && b;
	return is_true ? PUNCH_JUDGE_RIGHT : PUNCH_JUDGE_WRONG;
}

/* The same reason of one of the steps that is right there, or one that no step is needed for. */
enum punch_judgement punch_judge_overall(const struct sim_pair_config *c,
					 const struct sim_pair_side sides[2], unsigned by)
{
	const struct punch_result *r = &sides[by].result;
	struct story s = story_of(c, sides, 0);

	if (r->path.strategy != PUNCH_NONE && r->path.strategy != PUNCH_RELAY)
		return PUNCH_JUDGE_SKIP;
	if (r->overall.reason == REASON_NONE)
		return r->path.strategy == PUNCH_RELAY ? PUNCH_JUDGE_SKIP : PUNCH_JUDGE_WRONG;
	if (r->plan.chance <= 0 && r->overall.reason == r->plan.reason)
		return judge_hopeless(&s, &r->overall);
	for (uint8_t i = 0; i < r->plan.count; i++) {
		struct story at = story_of(c, sides, i);

		if (r->verdicts[i].reason == r->overall.reason &&
		    judge(&at, &r->overall) == PUNCH_JUDGE_RIGHT)
			return PUNCH_JUDGE_RIGHT;
	}
	return judge(&s, &r->overall);
}
