/* coop_stats - what a cooperating server counts; written by one thread, read by any. */
#ifndef NATKIT_COOP_STATS_H
#define NATKIT_COOP_STATS_H

#include "counter.h"

#define COOP_STATS_KINDS    4  /* enum coop_kind; 0: none that we know */
#define COOP_STATS_OUTCOMES 20 /* enum coop_outcome */

struct coop_stats {
	_Atomic uint64_t tokens;                        /* given on request */
	_Atomic uint64_t orders[COOP_STATS_KINDS];      /* accepted */
	_Atomic uint64_t outcomes[COOP_STATS_OUTCOMES]; /* of orders, refusals included */
	_Atomic uint64_t repeated;                      /* orders that came again */
	_Atomic uint64_t answers;                       /* that were ordered, and left */
	_Atomic uint64_t answer_bytes;
	_Atomic uint64_t pending; /* now */
};

#endif
