#include "reason_state.h"

#include "natprobe/planning/punch_plan_side.h"

#define BESIDE_MAX 8192 /* farther away than this it began anew at the other end */

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

/*
 * Ports that a side's fresh sockets had, from `low` to `high`. The next one was asked for after the
 * first of them, or after the last (punch_run). False: nobody knows.
 */
static bool ports_had(const struct reason_side *s, int32_t *low, int32_t *high)
{
	int32_t step = plan_next_step(s->path, true);
	int32_t next = s->seen->next_port, rest = step * (s->part->sockets - 1);
	int32_t first = next - step, last = next + rest;

	if (s->part->ports > 0) {
		last = next - step;
		first = last - rest;
	}

	*low = step > 0 ? first : last;
	*high = step > 0 ? last : first;
	return step != 0 && s->seen->next_port != 0 && *low > 0 && *high <= UINT16_MAX;
}

/* By how many ports the nearest of them lies beside what the other side tried; 0: it does not. */
static bool missed_by(const struct reason_view *v, int side, int32_t *by)
{
	const struct punch_evidence *other = v->sides[1 - side].seen;
	int32_t low, high;

	*by = 0;
	if (other->tried_low == 0 || !ports_had(&v->sides[side], &low, &high))
		return false;
	if (low > other->tried_high)
		*by = low - other->tried_high;
	else if (high < other->tried_low)
		*by = high - other->tried_low;
	return *by < BESIDE_MAX && *by > -BESIDE_MAX;
}

static struct punch_verdict judge_foretold(const struct reason_view *v, enum punch_side side)
{
	struct punch_verdict out = reason_say(REASON_PREDICTION_MISSED, side);
	bool known = false, missed = false;

	for (int i = 0; i < 2; i++) {
		bool of_it =
			side == PUNCH_SIDE_BOTH || side == (i == 0 ? PUNCH_SIDE_A : PUNCH_SIDE_B);
		int32_t by;

		if (!of_it || !missed_by(v, i, &by))
			continue;
		known = true;
		missed = missed || by != 0;
		if (side != PUNCH_SIDE_BOTH)
			out.detail = by;
	}
	/* They were foretold, and yet nothing came. */
	if (known && !missed && side != PUNCH_SIDE_BOTH)
		return reason_fits_loss(v) ? reason_say(REASON_LOSS, PUNCH_SIDE_NONE)
					   : reason_unsure();
	return out;
}

struct punch_verdict reason_search(const struct reason_view *v)
{
	const struct reason_side *a = &v->sides[0], *b = &v->sides[1];
	enum punch_side side = searched(v);
	struct punch_verdict out;

	if (judge_limit(v, &out) || reason_hairpin(v, &out))
		return out;
	/* Nothing had to be looked for, or it was found, and something else was in the way. */
	if (side == PUNCH_SIDE_NONE || a->seen->received > 0 || b->seen->received > 0)
		return reason_udp(v);
	if (!has_gone_out(a) || !has_gone_out(b))
		return reason_fits_rate(v, &out) ? out : reason_unsure();
	if (reason_fits_rate(v, &out))
		return out;
	if (v->c->step->strategy == PUNCH_PREDICTION)
		return judge_foretold(v, side);
	return reason_say(REASON_BIRTHDAY_MISSED, side);
}
