#include "reason_state.h"

static bool is_blocked(const struct reason_side *s)
{
	return s->path->tcp_blocked == VERDICT_YES;
}

/* The other side's SYN, or our own on its way there, was turned down whenever it was sent. */
static bool was_refused(const struct reason_view *v, int side)
{
	const struct punch_evidence *e = v->sides[side].seen;
	bool has_openers = v->c->step->strategy == PUNCH_TCP_LOW_TTL;
	unsigned refused = e->tcp_refused + (has_openers ? 0u : e->tcp_icmp);

	/* The last one may have been under way when time was over. */
	return refused > 0 && 2 * refused >= e->tcp_connects;
}

static bool met_silence(const struct punch_evidence *e)
{
	return e->tcp_connects > 0 && e->tcp_refused == 0 && e->tcp_connected == 0 &&
	       e->tcp_accepted == 0;
}

static bool judge_mapping(const struct reason_view *v, struct punch_verdict *out)
{
	bool hard[2];

	for (int i = 0; i < 2; i++)
		hard[i] = v->sides[i].is_hard && !v->sides[1 - i].is_open;
	*out = reason_say(REASON_MAPPING_DIFFERS, reason_side_of(hard[0], hard[1]));
	return hard[0] || hard[1];
}

static bool is_known(const struct reason_side *s)
{
	return s->path->mapping != BEHAVIOUR_UNKNOWN || s->path->tcp_mapping != BEHAVIOUR_UNKNOWN;
}

static struct punch_verdict judge_silence(const struct reason_view *v)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;
	bool knows_both = is_known(&v->sides[0]) && is_known(&v->sides[1]);

	/* One had nobody to connect to: its own NAT did not expect the other one. */
	if (a->tcp_connects == 0 || b->tcp_connects == 0)
		return reason_say(REASON_TCP_FILTERED,
				  reason_side_of(a->tcp_connects == 0, b->tcp_connects == 0));
	if (!knows_both || v->sides[0].is_open || v->sides[1].is_open)
		return reason_unsure();
	return reason_say(REASON_TCP_NO_SIMULTANEOUS_OPEN, PUNCH_SIDE_BOTH);
}

struct punch_verdict reason_tcp(const struct reason_view *v)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;
	bool blocked_a = is_blocked(&v->sides[0]), blocked_b = is_blocked(&v->sides[1]);
	struct punch_verdict out;

	if (blocked_a || blocked_b)
		return reason_say(REASON_TCP_BLOCKED, reason_side_of(blocked_a, blocked_b));
	if (a->received > 0 || b->received > 0)
		return reason_unsure(); /* a connection stood, and ended */
	if (v->same_nat && met_silence(a) && met_silence(b))
		return reason_say(REASON_NO_HAIRPIN, PUNCH_SIDE_BOTH);
	if (judge_mapping(v, &out))
		return out;
	if (was_refused(v, 0) || was_refused(v, 1))
		return reason_say(REASON_TCP_REFUSED,
				  reason_side_of(was_refused(v, 1), was_refused(v, 0)));
	if (met_silence(a) || met_silence(b))
		return judge_silence(v);
	return reason_unsure();
}
