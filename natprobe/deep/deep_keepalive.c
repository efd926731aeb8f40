/* How often to send, so that no mapping is forgotten: concluded from what others found. */
#include <math.h>

#include "deep_ladder.h"
#include "deep_trials.h"

/* One keepalive may be lost, and the next one be a little late. */
#define KEEPALIVES 2
#define MARGIN_S   0.5
#define MOST_S     240 /* longer lifetimes are not worth the risk of another path's shorter one */

/* The shortest lifetime that any ladder leaves possible; INFINITY: none was measured. */
static double shortest_s(const struct verdict_deep *v)
{
	static const enum deep_property which[] = { DEEP_LIFETIME_ONE_WAY, DEEP_LIFETIME,
						    DEEP_LIFETIME_LOW_PORT };
	double shortest = INFINITY;

	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		const struct deep_value *value = &v->values[which[i]];

		if (value->state == DEEP_NUMBER && value->low < shortest)
			shortest = value->low;
	}
	return shortest;
}

static bool applies(const struct deep *d)
{
	return false;
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	double lifetime_s = shortest_s(&v->deep);
	double every_s = floor((lifetime_s - MARGIN_S) / KEEPALIVES);

	if (v->deep.values[DEEP_LIFETIME].state == DEEP_NONE) {
		deep_set_none(&v->deep, DEEP_KEEPALIVE);
		return;
	}
	if (isinf(lifetime_s) || every_s < 1) {
		uint8_t cause = v->deep.values[DEEP_LIFETIME].cause;

		deep_set_unknown(&v->deep, DEEP_KEEPALIVE,
				 cause != CAUSE_NONE ? cause : (uint8_t)CAUSE_AMBIGUOUS);
		return;
	}
	if (every_s > MOST_S)
		every_s = MOST_S;
	deep_set_number(&v->deep, DEEP_KEEPALIVE, every_s, every_s);
}

static void start(struct deep *d, void *state)
{
}

static void step(struct deep *d, void *state)
{
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return UINT64_MAX;
}

static bool is_over(const struct deep *d, const void *state)
{
	return true;
}

const struct deep_trial deep_keepalive = {
	.name = "keepalive",
	.applies = applies,
	.start = start,
	.step = step,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
