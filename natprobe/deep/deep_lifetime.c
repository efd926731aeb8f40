/* How long an idle mapping lasts: one way, after traffic both ways, towards a low port. */
#include <math.h>

#include "deep_ladder.h"
#include "deep_trials.h"

static bool can_ask(const struct deep *d)
{
	return deep_cooperates(d) && ladder_has_state(deep_verdict(d));
}

static bool can_ask_low(const struct deep *d)
{
	return can_ask(d) && deep_config(d)->server_low.family != ADDR_NONE;
}

static void start_one_way(struct deep *d, void *state)
{
	ladder_start(d, state, LADDER_ONE_WAY, &deep_config(d)->server);
}

static void start_two_way(struct deep *d, void *state)
{
	ladder_start(d, state, LADDER_TWO_WAY, &deep_config(d)->server);
}

static void start_low(struct deep *d, void *state)
{
	ladder_start(d, state, LADDER_LOW_PORT, &deep_config(d)->server_low);
}

static void step(struct deep *d, void *state)
{
	ladder_step(d, state);
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	ladder_on_open(d, state, socket, opened);
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	ladder_on_report(d, state, socket, order_id, answer);
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	ladder_on_order_lost(d, state, socket);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ladder_deadline_us(d, state);
}

static bool is_over(const struct deep *d, const void *state)
{
	const struct ladder *l = state;

	return l->over;
}

/* All copies of an order and all of its answers are lost for one rung above the others. */
static double chance_of_loss(const struct verdict *v)
{
	double loss = v->loss.known && v->loss.high < 1 ? v->loss.high : 0.02;

	return 2 * pow(loss, LADDER_COPIES);
}

static enum verdict_cause why_unknown(const struct deep *d, const struct ladder *l,
				      enum verdict_cause early, const struct verdict *v)
{
	if (early != CAUSE_NONE)
		return early;
	return l->count == 0 ? ladder_obstacle(d, v) : CAUSE_LOSS;
}

static void conclude(struct deep *d, const struct ladder *l, enum deep_property which,
		     enum verdict_cause early, struct verdict *v)
{
	struct verdict_deep *out = &v->deep;
	struct ladder_bounds b = ladder_bounds(d, l);

	out->values[which].sent = b.ended;
	out->values[which].answered = b.alive;
	if (!ladder_has_state(v)) {
		deep_set_none(out, which);
	} else if (l->count == 0 || b.ended == 0) {
		deep_set_unknown(out, which, (uint8_t)why_unknown(d, l, early, v));
	} else {
		deep_set_number(out, which, b.low, b.high);
		out->values[which].error = chance_of_loss(v);
	}
	ladder_tell(l, out);
}

static void end_one_way(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	conclude(d, state, DEEP_LIFETIME_ONE_WAY, early, v);
}

static void end_two_way(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	conclude(d, state, DEEP_LIFETIME, early, v);
}

static void end_low(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	conclude(d, state, DEEP_LIFETIME_LOW_PORT, early, v);
	/* The server is there, but not on such a port. */
	if (v->deep.values[DEEP_LIFETIME_LOW_PORT].cause == CAUSE_NOT_TRIED)
		v->deep.values[DEEP_LIFETIME_LOW_PORT].cause = CAUSE_NO_COOPERATION;
}

#define LADDER_TRIAL(id, applies_, start_, end_)                            \
	const struct deep_trial id = { .name = #id,                         \
				       .state_size = sizeof(struct ladder), \
				       .applies = applies_,                 \
				       .start = start_,                     \
				       .step = step,                        \
				       .on_open = on_open,                  \
				       .on_report = on_report,              \
				       .on_order_lost = on_order_lost,      \
				       .deadline_us = deadline_us,          \
				       .is_over = is_over,                  \
				       .end = end_ }

LADDER_TRIAL(deep_lifetime_one_way, can_ask, start_one_way, end_one_way);
LADDER_TRIAL(deep_lifetime, can_ask, start_two_way, end_two_way);
LADDER_TRIAL(deep_lifetime_low, can_ask_low, start_low, end_low);

uint64_t deep_lifetime_unmapped_us(const struct deep *d)
{
	const struct ladder *both = deep_trial_state(d, &deep_lifetime);
	const struct ladder *low = deep_trial_state(d, &deep_lifetime_low);

	if (both->unmapped_us == 0 || low->unmapped_us == 0)
		return both->unmapped_us + low->unmapped_us;
	return both->unmapped_us < low->unmapped_us ? both->unmapped_us : low->unmapped_us;
}

struct ladder_bounds deep_lifetime_bounds(const struct deep *d)
{
	const struct ladder *l = deep_trial_state(d, &deep_lifetime);

	return ladder_bounds(d, l);
}
