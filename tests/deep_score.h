/* deep_score - runs of sim_deep against the truth of nat_truth_deep, counted line by line. */
#ifndef NATKIT_DEEP_SCORE_H
#define NATKIT_DEEP_SCORE_H

#include <stdio.h>

#include "nat_truth_deep.h"
#include "sim_deep.h"

struct deep_score {
	unsigned runs, lines, exact; /* exact: or inside the interval */
	unsigned wrong;              /* known, and not true */
	unsigned wide;               /* lifetimes whose interval is wider than 10 % */
	unsigned late;               /* runs beyond 1.3 times the longest lifetime and 20 s */
	unsigned broken;             /* runs that did not end, or left something open */
};

/*
 * One run of that profile; says what was not exact.
 * says  NULL: nobody wants to know
 */
void deep_score_run(const struct nat_profile *p, uint64_t seed, double loss, FILE *says,
		    struct deep_score *score);

/* The same in any network, whatever happens there. */
void deep_score_run_config(const struct sim_deep_config *c, FILE *says, struct deep_score *score);

#endif
