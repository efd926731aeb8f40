/*
 * punch_plan_steps - one step of each strategy for a pair of paths: who does how much of what, and
 * for how long. Start and set are the caller's.
 */
#ifndef NATPROBE_PUNCH_PLAN_STEPS_H
#define NATPROBE_PUNCH_PLAN_STEPS_H

#include "punch_plan_chance.h"

struct plan_limits {
	uint16_t sockets_max;
	uint16_t mappings_max; /* a socket has one for each destination, with many a NAT */
	uint32_t time_us;      /* that the step may take */
};

/* Steps without a search: all but the three below. `a_opens`: of PUNCH_DELAYED. */
struct punch_step plan_step(const struct plan_pair *p, enum punch_strategy strategy, bool a_opens);

/*
 * Steps that search. False: the strategy is not for such a pair. `forced`: the user wants it, however
 * little hope there is; of BIRTHDAY even where neither side has to be searched.
 */
bool plan_step_prediction(const struct plan_pair *p, const struct plan_limits *l, bool forced,
			  struct punch_step *out);
bool plan_step_birthday(const struct plan_pair *p, const struct plan_limits *l, bool forced,
			struct punch_step *out);
bool plan_step_mixed(const struct plan_pair *p, const struct plan_limits *l, bool forced,
		     struct punch_step *out);

#endif
