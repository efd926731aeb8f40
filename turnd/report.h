/* report - what the workers count, as metrics. */
#ifndef NATKIT_TURND_REPORT_H
#define NATKIT_TURND_REPORT_H

#include "tally.h"

/* The parts of a worker's counters that are turnd's own; each worker has both. */
enum report_part {
	REPORT_TURND = TALLY_OWN, /* struct turnd_stats */
	REPORT_LISTEN,            /* struct listen_stats */
};

/* Appends the sums over all workers. */
void report(struct metrics *m, const struct tally *t);

#endif
