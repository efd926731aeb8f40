#include "reason_state.h"

/* Fewer of the fresh sockets than this share had a way out. */
static bool is_limited(const struct reason_side *s)
{
	const struct punch_evidence *e = s->seen;

	if (e->alive_asked < 4 || e->mapped_after.family == ADDR_NONE)
		return false;
	return 2 * e->alive_answered < e->alive_asked;
}

static bool judge_limit(const struct reason_view *v, struct punch_verdict *out)
{
	bool a = is_limited(&v->sides[0]), b = is_limited(&v->sides[1]);

	*out = reason_say(REASON_MAPPING_LIMIT, reason_side_of(a, b));
	return a || b;
}

/* The side whose ports were looked for: one that opened sockets for it. */
static enum punch_side searched(const struct reason_view *v)
{
	bool a = v->sides[1].part->ports > 0 && v->sides[0].part->sockets > 0;
	bool b = v->sides[0].part->ports > 0 && v->sides[1].part->sockets > 0;

	return reason_side_of(a, b);
}

static bool has_gone_out(const struct reason_side *s)
{
	return s->seen->sockets > 0 && s->seen->sent > 0;
}

struct punch_verdict reason_search(const struct reason_view *v)
{
	const struct reason_side *a = &v->sides[0], *b = &v->sides[1];
	enum punch_side side = searched(v);
	struct punch_verdict out;

	if (judge_limit(v, &out))
		return out;
	/* Nothing had to be looked for, or it was found, and something else was in the way. */
	if (side == PUNCH_SIDE_NONE || a->seen->received > 0 || b->seen->received > 0)
		return reason_udp(v);
	if (!has_gone_out(a) || !has_gone_out(b))
		return reason_fits_rate(v, &out) ? out : reason_unsure();
	if (reason_fits_rate(v, &out))
		return out;
	if (v->c->step->strategy == PUNCH_PREDICTION)
		return reason_say(REASON_PREDICTION_MISSED, side);
	return reason_say(REASON_BIRTHDAY_MISSED, side);
}
