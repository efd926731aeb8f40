#include "reason_state.h"

/* More packets than this, and more of them a second than a path takes: some were dropped. */
#define RATE_LEAST 20

static bool has_word(uint8_t value, unsigned word)
{
	return value == PEER_WORD(word);
}

bool reason_hairpin(const struct reason_view *v, struct punch_verdict *out)
{
	uint8_t a = v->sides[0].path->hairpin, b = v->sides[1].path->hairpin;

	if (!v->same_nat || v->sides[0].seen->received > 0 || v->sides[1].seen->received > 0)
		return false;
	*out = reason_unsure();
	if (a == HAIRPIN_NO || b == HAIRPIN_NO)
		*out = reason_say(REASON_NO_HAIRPIN, PUNCH_SIDE_BOTH);
	else if (a == HAIRPIN_EXTERNAL_SOURCE || b == HAIRPIN_EXTERNAL_SOURCE)
		return false; /* as if they were behind two */
	return true;
}

/* Does the other side's filter mind that this one comes from elsewhere? */
static bool minds(const struct reason_side *filter, const struct reason_side *comer)
{
	if (filter->is_open)
		return false;
	/* From another port of the same address an address filter lets in, to the port that has
	 * sent there. */
	return !filter->admits_address || filter->is_hard || comer->is_pooled;
}

/* A NAT with several addresses took another one, and its ports are those that were expected. */
static bool is_pool(const struct reason_side *s)
{
	return s->is_pooled && (!s->is_hard || s->path->delta == DELTA_EQUAL);
}

/* An endpoint that a server sees elsewhere than before, of a NAT that has one for all. */
static bool has_moved(const struct reason_side *s)
{
	const struct addr *before = &s->seen->announced, *after = &s->seen->mapped_after;

	return !s->is_hard && before->family != ADDR_NONE && after->family != ADDR_NONE &&
	       !addr_equal(before, after);
}

static bool judge_moved(const struct reason_view *v, struct punch_verdict *out)
{
	bool moved[2], pool = false;

	for (int i = 0; i < 2; i++) {
		const struct reason_side *s = &v->sides[i];

		moved[i] = has_moved(s);
		pool = pool ||
		       (moved[i] && !addr_equal_ip(&s->seen->announced, &s->seen->mapped_after));
	}
	if (!moved[0] && !moved[1])
		return false;
	*out = reason_say(pool ? REASON_POOL : REASON_MAPPING_ENDED,
			  reason_side_of(moved[0], moved[1]));
	if (!pool && moved[0] != moved[1]) {
		const struct punch_evidence *e = v->sides[moved[0] ? 0 : 1].seen;

		out->detail = (int32_t)e->mapped_after.port - e->announced.port;
	}
	return true;
}

/* Both let the other one in, and each answer comes from another port than was asked. */
static bool never_meets(const struct reason_view *v)
{
	const struct reason_side *a = &v->sides[0], *b = &v->sides[1];

	return a->is_hard && b->is_hard && a->seen->received > 0 && b->seen->received > 0 &&
	       (a->seen->answers == 0 || b->seen->answers == 0);
}

/* Another endpoint than announced, by what the NAT is known to do. */
static bool judge_mapping(const struct reason_view *v, struct punch_verdict *out)
{
	const struct reason_side *a = &v->sides[0], *b = &v->sides[1];
	bool hard[2];

	*out = reason_say(REASON_MAPPING_DIFFERS, PUNCH_SIDE_BOTH);
	if (never_meets(v))
		return true;
	for (int i = 0; i < 2; i++) {
		const struct reason_side *s = &v->sides[i], *other = &v->sides[1 - i];

		/* What it sends does not enter there; what is sent to it finds no way in here. */
		hard[i] = s->is_hard && other->seen->received == 0 && minds(other, s);
	}
	if (!hard[0] && !hard[1])
		return false;
	if ((hard[0] && is_pool(a)) || (hard[1] && is_pool(b))) {
		if (hard[0] && hard[1] && is_pool(a) != is_pool(b))
			*out = reason_say(REASON_MAPPING_DIFFERS, PUNCH_SIDE_BOTH);
		else
			*out = reason_say(REASON_POOL, reason_side_of(hard[0], hard[1]));
		return true;
	}
	*out = reason_say(REASON_MAPPING_DIFFERS, reason_side_of(hard[0], hard[1]));
	if (hard[0] != hard[1])
		out->detail = reason_moved(v, hard[0] ? 0 : 1);
	return true;
}

/* Could a packet of the other side have come before this one's first? */
static bool may_be_early(const struct reason_view *v, int side)
{
	const struct punch_step *step = v->c->step;

	if (step->strategy != PUNCH_DELAYED && step->strategy != PUNCH_DIRECT)
		return true;
	return !v->sides[side].part->opens;
}

/*
 * Between two NATs that keep one endpoint for all, a packet that came too early is what is left: it
 * made one of them use another port, and the other one's filter drops that.
 */
static bool judge_early(const struct reason_view *v, struct punch_verdict *out)
{
	bool spoilt[2];

	for (int i = 0; i < 2; i++) {
		const struct reason_side *s = &v->sides[i];

		spoilt[i] = has_word(s->path->early_inbound, DEEP_EARLY_REMAPPED) &&
			    !v->sides[1 - i].admits_address && may_be_early(v, i);
	}
	*out = reason_say(REASON_REMAPPED, reason_side_of(spoilt[0], spoilt[1]));
	return spoilt[0] || spoilt[1];
}

static bool judge_pool(const struct reason_view *v, struct punch_verdict *out)
{
	struct punch_verdict early;
	bool a = is_pool(&v->sides[0]) && !v->sides[1].is_open;
	bool b = is_pool(&v->sides[1]) && !v->sides[0].is_open;

	*out = reason_say(REASON_POOL, reason_side_of(a, b));
	/* All addresses that are known were opened to: an early packet does as well. */
	if ((a || b) && judge_early(v, &early))
		*out = reason_unsure();
	return a || b;
}

/* Only one side sent, and the other one's filter lets in nobody who was not asked. */
static bool judge_filter(const struct reason_view *v, struct punch_verdict *out)
{
	const struct reason_side *a = &v->sides[0], *b = &v->sides[1];
	bool by_a = a->seen->sent == 0 && b->seen->sent > 0 && !a->is_open;
	bool by_b = b->seen->sent == 0 && a->seen->sent > 0 && !b->is_open;

	*out = reason_say(REASON_FILTERED, reason_side_of(by_a, by_b));
	return by_a || by_b;
}

static bool is_known(const struct reason_side *s)
{
	return s->path->mapping != BEHAVIOUR_UNKNOWN && s->path->mapping != BEHAVIOUR_MIXED;
}

static bool exceeds_rate(const struct reason_view *v, int side)
{
	const struct reason_side *s = &v->sides[side];
	uint64_t room = (uint64_t)s->path->rate_per_s * v->c->step->duration_us / 1000000;

	return s->path->rate_per_s != 0 && s->seen->sent > RATE_LEAST && s->seen->sent > room;
}

bool reason_fits_rate(const struct reason_view *v, struct punch_verdict *out)
{
	bool a = exceeds_rate(v, 0), b = exceeds_rate(v, 1);

	*out = reason_say(REASON_RATE_LIMIT, reason_side_of(a, b));
	return a || b;
}

struct punch_verdict reason_udp(const struct reason_view *v)
{
	struct punch_verdict out;
	const struct punch_evidence *a = v->sides[0].seen, *b = v->sides[1].seen;

	if (reason_hairpin(v, &out) || judge_mapping(v, &out))
		return out;
	if (a->received > 0 && b->received > 0)
		return reason_fits_rate(v, &out) ? out : reason_unsure();
	if (judge_moved(v, &out) || judge_pool(v, &out) || judge_filter(v, &out))
		return out;
	if (!is_known(&v->sides[0]) || !is_known(&v->sides[1]))
		return reason_unsure();
	if (a->received == 0 && b->received == 0 && judge_early(v, &out))
		return out;
	if (reason_fits_rate(v, &out))
		return out;
	return reason_fits_loss(v) ? reason_say(REASON_LOSS, PUNCH_SIDE_NONE) : reason_unsure();
}
