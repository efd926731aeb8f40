/*
 * twin_score - is a twin (nat_twin.h) a fixed point? A network is probed in the simulation, its
 * twin is probed, and what the first verdict knew is compared with the second.
 */
#ifndef NATKIT_TWIN_SCORE_H
#define NATKIT_TWIN_SCORE_H

#include <stdio.h>

#include "nat_twin.h"

struct twin_score {
	unsigned runs;   /* networks */
	unsigned known;  /* properties that the first verdict knew, and a twin shows */
	unsigned equal;  /* of them: the same word, or intervals that overlap */
	unsigned open;   /* unknown to the second verdict */
	unsigned other;  /* another value */
	unsigned broken; /* twins whose file natlab does not take, or takes for another network */
};

struct twin_case {
	const struct nat_profile *profile;
	uint64_t seed;
	double loss; /* each way, on top of the profile's */
	bool deep;
};

/*
 * Probes, rebuilds, probes again, and counts.
 * says  what is not equal, a line each; NULL: nobody wants to know
 */
void twin_score_run(const struct twin_case *c, FILE *says, struct twin_score *score);

#endif
