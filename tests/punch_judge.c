#include "punch_judge.h"

#include <stdlib.h>

#include "packet.h"
#include "punch_judge_parts.h"

static bool have_no_family(const struct story *s)
{
	const struct nat_profile *a = story_profile(s, 0), *b = story_profile(s, 1);

	return a->family != b->family && !box_any(a, box_translates_families) &&
	       !box_any(b, box_translates_families);
}

/* Both let the other one in, and answer from another port than was asked. */
static bool both_answer_elsewhere(const struct story *s)
{
	return box_any(story_profile(s, 0), box_maps_by_destination) &&
	       box_any(story_profile(s, 1), box_maps_by_destination) &&
	       story_given(s, 0).is_other && story_given(s, 1).is_other &&
	       s->seen[0]->received > 0 && s->seen[1]->received > 0;
}

/* Where one side's ports were foretold: none was, and the next one is as far away as it says. */
static bool is_missed(const struct story *s, const struct punch_verdict *v, unsigned side)
{
	struct given g = story_given(s, side);

	if (story_count(s, 2, REFUSED) == 0)
		return false;
	if (v->side == PUNCH_SIDE_BOTH || s->step->is_tcp)
		return true;
	/* Between two openings somebody else may take a port. */
	return g.count > 0 && !g.was_tried && (v->detail == 0 || abs(v->detail - g.beside) <= 1);
}

static bool is_true_of(const struct story *s, const struct punch_verdict *v, unsigned side)
{
	struct refused by_peer = story_refused(s, 1 - side, v->detail);
	struct refused by_us = story_refused(s, side, 0);
	const struct nat_profile *p = story_profile(s, side);

	switch ((enum punch_reason)v->reason) {
	case REASON_UDP_BLOCKED:
		return box_any(p, box_blocks_udp);
	case REASON_TCP_BLOCKED:
		return box_any(p, box_blocks_tcp);
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
		return story_count(s, side, SIM_PAIR_REMAPPED) > 0;
	case REASON_MAPPING_ENDED:
		return story_count(s, side, SIM_PAIR_MAPPING_ENDED) > 0 &&
		       box_any(p, box_ends_mappings);
	case REASON_MAPPING_LIMIT:
		return story_count(s, side, SIM_PAIR_MAPPING_LIMIT) > 0;
	case REASON_RATE_LIMIT:
		return story_count(s, side, SIM_PAIR_RATE_LIMIT) > 0;
	case REASON_TCP_REFUSED:
		return box_any(p, box_refuses_tcp) || story_count(s, side, REFUSED) == 0;
	case REASON_TCP_FILTERED:
		return story_count(s, side, REFUSED) > 0;
	case REASON_TCP_NO_SIMULTANEOUS_OPEN:
		return story_count(s, side, SIM_PAIR_NO_SIMULTANEOUS_OPEN) > 0;
	case REASON_NO_PORT_MAPPING:
		return !s->sides[side].has_port_mapping;
	default:
		return false;
	}
}

static bool is_true_of_none(const struct story *s, const struct punch_verdict *v)
{
	bool searched = story_count(s, 2, REFUSED) > 0;

	switch ((enum punch_reason)v->reason) {
	case REASON_NO_FAMILY:
		return have_no_family(s);
	case REASON_NO_HAIRPIN:
		return s->config->same_nat &&
		       story_count(s, 2, SIM_PAIR_NO_HAIRPIN | SIM_PAIR_HAIRPIN_FILTERED) > 0;
	case REASON_BIRTHDAY_MISSED:
		return searched;
	case REASON_LOSS:
		return story_count(s, 2, SIM_PAIR_LOST) > 0;
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

static bool both_are(const struct story *s, bool (*is)(const struct nat_config *c))
{
	return box_any(story_profile(s, 0), is) && box_any(story_profile(s, 1), is);
}

/* Whose network it is said to be about: of both, it has to be true of each. */
static bool is_true_of_side(const struct story *s, const struct punch_verdict *v)
{
	bool a = is_true_of(s, v, 0), b = is_true_of(s, v, 1);

	/* Of either one, as both are made so; nobody sees of which. */
	if (v->reason == REASON_POOL && v->side == PUNCH_SIDE_BOTH)
		return (a || b) && both_are(s, box_chooses_addresses);
	if (v->reason == REASON_REMAPPED && v->side == PUNCH_SIDE_BOTH)
		return (a || b) && both_are(s, box_takes_early);
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

/* What was allowed is for other networks: it needs a side, or both, that maps by destination. */
static bool is_unsuitable(const struct story *s, const struct punch_verdict *v)
{
	const struct nat_profile *a = story_profile(s, 0), *b = story_profile(s, 1);
	bool hard_a = box_any(a, box_maps_by_destination),
	     hard_b = box_any(b, box_maps_by_destination);
	bool counts_a = box_any(a, box_counts), counts_b = box_any(b, box_counts);

	switch ((enum punch_strategy)s->sides[0].result.plan.forced) {
	case PUNCH_MIXED:
		return !hard_a || !hard_b ||
		       ((counts_a || box_any(a, box_keeps)) && (counts_b || box_any(b, box_keeps)));
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
	const struct nat_profile *p = story_profile(s, side);

	switch ((enum punch_reason)reason) {
	case REASON_MAPPING_DIFFERS:
		return box_any(p, box_maps_by_destination) &&
		       (box_any(story_profile(s, 1 - side), box_filters) ||
			box_any(story_profile(s, 1 - side), box_maps_by_destination));
	case REASON_UDP_BLOCKED:
		return box_any(p, box_blocks_udp);
	case REASON_TCP_BLOCKED:
		return box_any(p, box_blocks_tcp);
	case REASON_NO_FAMILY:
		return have_no_family(s);
	case REASON_FILTERED:
		return box_any(p, box_filters);
	case REASON_NO_HAIRPIN:
		return s->config->same_nat;
	case REASON_NO_PORT_MAPPING:
		return !box_any(p, box_opens_ports);
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
	for (uint8_t i = 0; i < r->plan.count; i++) {
		struct story at = story_of(c, sides, i);

		if (r->verdicts[i].reason == r->overall.reason &&
		    judge(&at, &r->overall) == PUNCH_JUDGE_RIGHT)
			return PUNCH_JUDGE_RIGHT;
	}
	if (r->plan.chance <= 0 && r->overall.reason == r->plan.reason)
		return judge_hopeless(&s, &r->overall);
	return judge(&s, &r->overall);
}
