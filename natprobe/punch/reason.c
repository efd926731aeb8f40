#include "reason.h"

#include "reason_state.h"

#include "natprobe/planning/punch_plan_side.h"

/* Two beginnings that are further apart than this are not one. */
#define SLACK_US 200000

static bool depends(uint8_t behaviour)
{
	return behaviour == BEHAVIOUR_ADDRESS_DEPENDENT ||
	       behaviour == BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT ||
	       behaviour == BEHAVIOUR_PORT_DEPENDENT;
}

static bool admits_everybody(uint8_t filtering)
{
	return filtering == BEHAVIOUR_ENDPOINT_INDEPENDENT || filtering == BEHAVIOUR_NONE;
}

/* Two servers saw two endpoints of one TCP port: no diagnosis is surer than that. */
static bool has_two_endpoints(const struct peer_offer *o, const struct punch_step *step,
			      uint8_t path)
{
	const struct peer_endpoint *first = NULL;

	for (size_t i = 0; i < o->endpoint_count && i < PEER_ENDPOINTS_MAX; i++) {
		const struct peer_endpoint *e = &o->endpoints[i];

		if (e->kind != PEER_MAPPED || e->is_tcp != step->is_tcp || e->set != step->set ||
		    e->path != path || e->addr.family != step->family)
			continue;
		if (first != NULL && !addr_equal(&first->addr, &e->addr))
			return true;
		first = e;
	}
	return false;
}

/* Sockets of one path were seen at two addresses: whatever a diagnosis found, there is a pool. */
static bool has_two_addresses(const struct peer_offer *o, uint8_t path, uint8_t family)
{
	const struct peer_endpoint *first = NULL;

	for (size_t i = 0; i < o->endpoint_count && i < PEER_ENDPOINTS_MAX; i++) {
		const struct peer_endpoint *e = &o->endpoints[i];

		if (e->kind != PEER_MAPPED || e->path != path || e->addr.family != family)
			continue;
		if (first != NULL && !addr_equal_ip(&first->addr, &e->addr))
			return true;
		first = e;
	}
	return false;
}

static bool has_pool(const struct reason_side *s, uint8_t family)
{
	return s->path->pooling == POOLING_ARBITRARY ||
	       s->path->pooling == POOLING_PER_DESTINATION ||
	       has_two_addresses(s->offer, s->path_index, family);
}

static struct reason_side side_of(const struct reason_case *c, bool is_a)
{
	const struct peer_profile *profile = is_a ? c->a : c->b;
	struct reason_side s = {
		.offer = is_a ? c->offer_a : c->offer_b,
		.part = is_a ? &c->step->a : &c->step->b,
		.seen = is_a ? c->seen_a : c->seen_b,
	};
	uint8_t mapping, filtering;

	s.path_index = s.part->path < PEER_PATHS_MAX ? s.part->path : 0;
	s.path = &profile->paths[s.path_index];
	mapping = s.path->mapping;
	filtering = s.path->filtering;
	if (c->step->is_tcp && s.path->tcp_mapping != BEHAVIOUR_UNKNOWN)
		mapping = s.path->tcp_mapping;
	if (c->step->is_tcp && s.path->tcp_filtering != BEHAVIOUR_UNKNOWN)
		filtering = s.path->tcp_filtering;
	s.is_hard = depends(mapping) || has_two_endpoints(s.offer, c->step, s.path_index);
	s.is_pooled = has_pool(&s, c->step->family);
	s.is_open = admits_everybody(filtering);
	s.admits_address = s.is_open || filtering == BEHAVIOUR_ADDRESS_DEPENDENT;
	return s;
}

int32_t reason_moved(const struct reason_view *v, int side)
{
	const struct reason_side *s = &v->sides[side];
	const struct addr *announced = &s->seen->announced;
	const struct addr *shown = &v->sides[1 - side].seen->seen;

	if (announced->family == ADDR_NONE)
		return 0;
	if (shown->family != ADDR_NONE)
		return (int32_t)shown->port - announced->port;
	if (s->part->sockets > 0 || s->seen->next_port == 0 ||
	    s->seen->next_port == announced->port)
		return 0;
	return s->seen->next_port - plan_next_step(s->path, false) - announced->port;
}

double reason_share_lost(const struct reason_view *v)
{
	double through = 1;

	for (int i = 0; i < 2; i++) {
		double loss = v->sides[i].path->loss;

		if (loss > 0 && loss <= 1)
			through *= 1 - loss;
	}
	return 1 - through;
}

bool reason_fits_loss(const struct reason_view *v)
{
	uint32_t sent = (uint32_t)v->sides[0].seen->sent + v->sides[1].seen->sent;
	double chance = 1;

	for (uint32_t i = 0; i < sent && chance > 0.01; i++)
		chance *= reason_share_lost(v);
	return sent > 0 && chance > 0.05;
}

/* What stands above all: was it tried, at the same time, by both? */
static bool judge_attempt(const struct reason_view *v, struct punch_verdict *out)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;
	int64_t apart_us = (int64_t)a->began_us - b->began_us;
	int64_t duration_us = (int64_t)v->c->step->duration_us + SLACK_US;

	if (a->strategy == PUNCH_NONE || b->strategy == PUNCH_NONE)
		*out = reason_say(REASON_NOT_TRIED, PUNCH_SIDE_NONE);
	else if (apart_us > duration_us)
		*out = reason_say(REASON_LATE, PUNCH_SIDE_A);
	else if (-apart_us > duration_us)
		*out = reason_say(REASON_LATE, PUNCH_SIDE_B);
	else if (a->answers > 0 && b->answers > 0)
		*out = reason_say(REASON_NONE, PUNCH_SIDE_NONE);
	else
		return false;
	return true;
}

static bool had_local_error(const struct punch_step *step, const struct punch_evidence *e)
{
	if (step->is_tcp)
		return e->tcp_connects > 0 && e->send_errors >= e->tcp_connects;
	if (e->sockets == 0 && e->open_failed > 0)
		return true;
	return e->send_errors > 0 && e->send_errors >= e->sent;
}

/* Somebody's own system refused to take part. */
static bool judge_hosts(const struct reason_view *v, struct punch_verdict *out)
{
	bool a = had_local_error(v->c->step, v->sides[0].seen);
	bool b = had_local_error(v->c->step, v->sides[1].seen);

	*out = reason_say(REASON_LOCAL_ERROR, reason_side_of(a, b));
	return a || b;
}

/* One side alone can say no more than that the other one said nothing. */
static struct punch_verdict judge_half(const struct reason_case *c)
{
	const struct punch_evidence *seen = c->seen_a != NULL ? c->seen_a : c->seen_b;

	if (seen == NULL)
		return reason_unsure();
	if (seen->strategy == PUNCH_NONE)
		return reason_say(REASON_NOT_TRIED, PUNCH_SIDE_NONE);
	if (seen->received > 0 || seen->answers > 0)
		return reason_unsure();
	return reason_say(REASON_PEER_SILENT, c->seen_a != NULL ? PUNCH_SIDE_B : PUNCH_SIDE_A);
}

static struct punch_verdict judge_relay(const struct reason_view *v)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;
	bool denied_a = a->relay_code == 403, denied_b = b->relay_code == 403;

	if ((denied_a || denied_b) && (denied_a || !a->has_relay) && (denied_b || !b->has_relay))
		return reason_say(REASON_RELAY_DENIED, reason_side_of(denied_a, denied_b));
	if (!a->has_relay && !b->has_relay)
		return reason_say(REASON_NO_RELAY, PUNCH_SIDE_BOTH);
	return reason_udp(v);
}

static struct punch_verdict judge_port_mapping(const struct reason_view *v)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;

	if (!a->has_portmap && !b->has_portmap)
		return reason_say(REASON_NO_PORT_MAPPING, PUNCH_SIDE_BOTH);
	/* Who has one was sent to, and it let nobody in. */
	if ((a->has_portmap && a->received > 0) || (b->has_portmap && b->received > 0))
		return reason_unsure();
	return reason_say(REASON_NO_PORT_MAPPING, reason_side_of(a->has_portmap, b->has_portmap));
}

static bool judge_blocked(const struct reason_view *v, struct punch_verdict *out)
{
	bool blocked[2];

	for (int i = 0; i < 2; i++) {
		const struct reason_side *s = &v->sides[i];

		/* Where some ports pass, the other side's was none of them, if nothing did. */
		blocked[i] = s->path->udp_blocked == VERDICT_YES ||
			     (s->path->udp_blocked == VERDICT_MIXED && s->seen->received == 0 &&
			      s->seen->answers == 0);
	}
	*out = reason_say(REASON_UDP_BLOCKED, reason_side_of(blocked[0], blocked[1]));
	/* To a neighbour it had not to leave. */
	if (v->same_nat && v->c->step->is_local)
		*out = v->sides[0].seen->received + v->sides[1].seen->received > 0
			       ? reason_unsure()
			       : reason_say(REASON_NO_HAIRPIN, PUNCH_SIDE_BOTH);
	return blocked[0] || blocked[1];
}

/*
 * Its socket had no answer of anybody, though others had before it: its NAT may let no more of them
 * out, its rate may be used up, servers may be away. What the rest shows is not about the peer then.
 */
static bool was_mute(const struct reason_side *s)
{
	return s->seen->is_unseen && s->seen->received == 0 && s->seen->answers == 0 &&
	       s->seen->mapped_after.family == ADDR_NONE;
}

static struct punch_verdict judge_strategy(const struct reason_view *v)
{
	struct punch_verdict out;

	if (v->c->step->is_tcp)
		return reason_tcp(v);
	if (v->c->step->strategy == PUNCH_RELAY)
		return judge_relay(v);
	if (judge_blocked(v, &out))
		return out;
	if (was_mute(&v->sides[0]) || was_mute(&v->sides[1]))
		return reason_unsure();
	switch (v->c->step->strategy) {
	case PUNCH_PORT_MAPPING:
		return judge_port_mapping(v);
	case PUNCH_PREDICTION:
	case PUNCH_BIRTHDAY:
	case PUNCH_MIXED:
		return reason_search(v);
	default:
		return reason_udp(v);
	}
}

struct punch_verdict reason_judge(const struct reason_case *c)
{
	struct reason_view v = { .c = c };
	struct punch_verdict out;

	if (c->seen_a == NULL || c->seen_b == NULL)
		return judge_half(c);
	v.sides[0] = side_of(c, true);
	v.sides[1] = side_of(c, false);
	v.same_nat = peer_shares_external(v.sides[0].path, v.sides[1].path);
	if (judge_attempt(&v, &out) || judge_hosts(&v, &out))
		return out;
	return judge_strategy(&v);
}

/* A relay is what is left: it says nothing about why nothing better was there. */
static bool counts(const struct punch_plan *plan, const struct punch_verdict *v, size_t i,
		   bool relay)
{
	return v->reason != REASON_NOT_TRIED && v->reason != REASON_NONE &&
	       (plan->steps[i].strategy == PUNCH_RELAY) == relay;
}

static const struct punch_verdict *best(const struct punch_plan *plan,
					const struct punch_verdict *verdicts, bool relay)
{
	const struct punch_verdict *found = NULL;
	double chance = -1;

	for (size_t i = 0; i < plan->count && i < PUNCH_STEPS_MAX; i++) {
		if (!counts(plan, &verdicts[i], i, relay) || plan->steps[i].chance <= chance)
			continue;
		chance = plan->steps[i].chance;
		found = &verdicts[i];
	}
	return found;
}

struct punch_verdict reason_overall(const struct punch_plan *plan,
				    const struct punch_verdict verdicts[static PUNCH_STEPS_MAX])
{
	const struct punch_verdict *found = best(plan, verdicts, false);
	struct punch_verdict known =
		reason_say((enum punch_reason)plan->reason, (enum punch_side)plan->side);

	if (found != NULL && (found->reason != REASON_UNSURE || plan->reason == REASON_NONE))
		return *found;
	if (plan->reason != REASON_NONE)
		return known;
	found = best(plan, verdicts, true);
	return found != NULL ? *found : reason_unsure();
}
