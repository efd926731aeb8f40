/*
 * punch_plan_why - why a plan has no hope without a relay: by what both paths are, and by what is
 * allowed. Pure.
 */
#ifndef NATPROBE_PUNCH_PLAN_WHY_H
#define NATPROBE_PUNCH_PLAN_WHY_H

#include "punch_plan_chance.h"

/* enum punch_strategy: the one that is allowed; PUNCH_NONE where several are. */
uint8_t plan_forced(uint32_t only);

/* Fills reason and side of a plan that has its steps; p: the easiest pair, NULL: there is none. */
void plan_tell_why(const struct plan_pair *p, const struct punch_plan_options *options,
		   struct punch_plan *out);

#endif
