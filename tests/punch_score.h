/*
 * punch_score - many trials of pairs of profiles, counted, and held to what is demanded of them.
 */
#ifndef NATKIT_PUNCH_SCORE_H
#define NATKIT_PUNCH_SCORE_H

#include <stdio.h>

#include "punch_oracle.h"
#include "sim_pair.h"

struct punch_score {
	unsigned trials;
	unsigned reached;    /* without the relay */
	unsigned relayed;    /* on the relay, where nothing else was */
	unsigned with_relay; /* trials that had one */
	unsigned tcp;        /* of `reached` */
	unsigned unfinished, disagreed, left_open, late;
	unsigned ports_wanted,  /* ends of paths that are not relayed, where a port was given */
		ports_held;     /* ... which are on it */
	unsigned weak_searches; /* with fewer sockets and ports than is demanded */
	unsigned unmeasured;    /* a path, and hardly an answer to what measured it */
	unsigned reasons_right, reasons_unsure, reasons_wrong;
	double formula;  /* sum of the chances that its searches should have */
	double promised; /* sum of the plans' chances */
	double brier;    /* sum of squares */
	unsigned by_strategy[PUNCH_STRATEGIES];
	unsigned wrong_by_reason[PUNCH_REASONS];
	double to_path_us, sent; /* sums over what was reached */
};

/* One trial: adds it; says what is wrong to `says` (NULL: nobody wants to know). */
void punch_score_trial(const struct sim_pair_config *c, FILE *says, struct punch_score *score);
void punch_score_add(struct punch_score *to, const struct punch_score *more);

/*
 * What a pair misses of what is demanded, for people, a line each.
 * oracle  its answer; NULL: reachable
 * Returns how many lines.
 */
unsigned punch_score_check(const struct punch_score *s, const char *name,
			   const struct punch_oracle *oracle, FILE *to);
/* What all pairs together miss. */
unsigned punch_score_check_all(const struct punch_score *s, FILE *to);

#endif
