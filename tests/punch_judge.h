/*
 * punch_judge - whether the reason that a trial gave for a step is the true one: by what the boxes
 * and links of sim_pair did while it ran, and what they are made of.
 */
#ifndef NATKIT_PUNCH_JUDGE_H
#define NATKIT_PUNCH_JUDGE_H

#include "sim_pair.h"

enum punch_judgement {
	PUNCH_JUDGE_SKIP = 0, /* there is nothing to judge: it made the path, or was not tried */
	PUNCH_JUDGE_RIGHT,
	PUNCH_JUDGE_UNSURE, /* it said so itself */
	PUNCH_JUDGE_WRONG,
};

/* Of the last trial of sim_pair; `by`: the side whose verdict it is. */
enum punch_judgement punch_judge_step(const struct sim_pair_config *c,
				      const struct sim_pair_side sides[2], unsigned by,
				      uint8_t step);
/* The one reason for all, where there is no path, or only the relay's. */
enum punch_judgement punch_judge_overall(const struct sim_pair_config *c,
					 const struct sim_pair_side sides[2], unsigned by);

#endif
