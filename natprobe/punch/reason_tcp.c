#include "reason_state.h"
#include "tcp_open.h"

/* A path that loses more than that may lose a SYN of each pair that crosses, however many there are:
 * attempts go on in step with what the systems send again. */
#define MUCH_LOST 0.15

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

/* Of a side whose NAT is known to be silent, or to forget mappings, a RST has another cause. */
static bool may_refuse(const struct reason_side *s)
{
	return s->path->syn_reaction != PEER_WORD(DEEP_SYN_SILENT) &&
	       s->path->unexpected != PEER_WORD(DEEP_ENDS_MAPPING) &&
	       s->path->icmp_error != PEER_WORD(DEEP_ENDS_MAPPING);
}

static struct punch_verdict judge_refusals(const struct reason_view *v)
{
	bool by_a = was_refused(v, 1), by_b = was_refused(v, 0);

	if ((by_a && !may_refuse(&v->sides[0])) || (by_b && !may_refuse(&v->sides[1])))
		return reason_unsure();
	return reason_say(REASON_TCP_REFUSED, reason_side_of(by_a, by_b));
}

/* Connections of one port leave by several addresses, and no filter takes that. */
static bool judge_pool(const struct reason_view *v, struct punch_verdict *out)
{
	bool a = v->sides[0].is_pooled && !v->sides[1].is_open;
	bool b = v->sides[1].is_pooled && !v->sides[0].is_open;

	*out = reason_say(REASON_POOL, reason_side_of(a, b));
	return a || b;
}

static bool was_connected(const struct punch_evidence *e)
{
	return e->tcp_connected > 0 || e->tcp_accepted > 0;
}

static bool met_silence(const struct punch_evidence *e)
{
	return e->tcp_connects > 0 && e->tcp_refused == 0 && !was_connected(e);
}

static enum tcp_ports ports_of(const struct reason_view *v, int side)
{
	const struct reason_side *s = &v->sides[side];

	return tcp_ports_of(s->path, s->offer, v->c->step, s->path_index);
}

/* The other side connected to a port, and this one's NAT used another. */
static bool judge_mapping(const struct reason_view *v, struct punch_verdict *out)
{
	bool differs[2], is_foretold = true;

	for (int i = 0; i < 2; i++) {
		enum tcp_ports kind = ports_of(v, i);
		const struct reason_side *other = &v->sides[1 - i];

		/* An address filter minds where it stands before a port that has not sent there. */
		differs[i] = kind != TCP_PORTS_ANNOUNCED && kind != TCP_PORTS_OPEN &&
			     !v->sides[i].is_pooled && !other->is_open &&
			     (!other->admits_address || other->is_hard);
		if (differs[i] && kind == TCP_PORTS_UNKNOWN)
			is_foretold = false;
	}
	*out = reason_say(is_foretold ? REASON_PREDICTION_MISSED : REASON_MAPPING_DIFFERS,
			  reason_side_of(differs[0], differs[1]));
	return differs[0] || differs[1];
}

static bool is_known(const struct reason_side *s)
{
	return s->path->mapping != BEHAVIOUR_UNKNOWN || s->path->tcp_mapping != BEHAVIOUR_UNKNOWN;
}

/* Whether it is no wonder that each attempt lost one of the three packets of a handshake. */
static bool may_be_lost(const struct reason_view *v)
{
	double lost = reason_share_lost(v), through = 1 - lost, chance = 1;
	int least = UINT16_MAX;

	if (lost > MUCH_LOST)
		return true;

	for (int i = 0; i < 2; i++) {
		const struct punch_evidence *e = v->sides[i].seen;
		/* Openers do not go all the way. */
		int tries = e->tcp_connects > e->tcp_icmp ? e->tcp_connects - e->tcp_icmp : 0;

		least = tries < least ? tries : least;
	}
	for (int i = 0; i < least && chance > 0.01; i++)
		chance *= 1 - through * through * through;
	return chance > 0.05;
}

static struct punch_verdict judge_silence(const struct reason_view *v)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;
	bool knows_both = is_known(&v->sides[0]) && is_known(&v->sides[1]);
	bool idle_a = a->tcp_connects == 0 && !v->sides[0].is_open;
	bool idle_b = b->tcp_connects == 0 && !v->sides[1].is_open;

	/* One had nobody to connect to: its own NAT did not expect the other one. */
	if (idle_a || idle_b)
		return reason_say(REASON_TCP_FILTERED, reason_side_of(idle_a, idle_b));
	if (!knows_both || v->sides[0].is_open || v->sides[1].is_open || may_be_lost(v))
		return reason_unsure();
	return reason_say(REASON_TCP_NO_SIMULTANEOUS_OPEN, PUNCH_SIDE_BOTH);
}

/* A connection stood, and ended: where both sides spoke on it, nothing but loss was in its way. */
static struct punch_verdict judge_stood(const struct reason_view *v)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;

	if (was_connected(a) && was_connected(b) && a->received > 0 && b->received > 0 &&
	    reason_share_lost(v) > 0)
		return reason_say(REASON_LOSS, PUNCH_SIDE_NONE);
	return reason_unsure();
}

/* The other side's SYN comes from a port that nobody expects, and ends the mapping it meets. */
static bool judge_ended(const struct reason_view *v, struct punch_verdict *out)
{
	bool ended[2];

	for (int i = 0; i < 2; i++) {
		const struct reason_side *s = &v->sides[i], *other = &v->sides[1 - i];

		ended[i] = s->path->unexpected == PEER_WORD(DEEP_ENDS_MAPPING) && other->is_hard &&
			   other->seen->tcp_connects > 0 && met_silence(s->seen);
	}
	*out = reason_say(REASON_MAPPING_ENDED, reason_side_of(ended[0], ended[1]));
	return ended[0] || ended[1];
}

struct punch_verdict reason_tcp(const struct reason_view *v)
{
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;
	bool blocked_a = is_blocked(&v->sides[0]), blocked_b = is_blocked(&v->sides[1]);
	struct punch_verdict out;

	if (blocked_a || blocked_b)
		return reason_say(REASON_TCP_BLOCKED, reason_side_of(blocked_a, blocked_b));
	if (a->received > 0 || b->received > 0)
		return judge_stood(v);
	if (v->same_nat && met_silence(a) && met_silence(b))
		return reason_say(REASON_NO_HAIRPIN, PUNCH_SIDE_BOTH);
	if (judge_mapping(v, &out) || judge_pool(v, &out) || judge_ended(v, &out))
		return out;
	if (was_refused(v, 0) || was_refused(v, 1))
		return judge_refusals(v);
	/* What one side alone took for a connection passed both NATs, and then something was lost. */
	if (was_connected(a) || was_connected(b))
		return reason_unsure();
	if (met_silence(a) || met_silence(b))
		return judge_silence(v);
	return reason_unsure();
}
