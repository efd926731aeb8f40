/* accuracy_run - many diagnoses of many networks, on all CPUs. */
#ifndef NATKIT_BENCH_ACCURACY_RUN_H
#define NATKIT_BENCH_ACCURACY_RUN_H

#include "tests/bench/accuracy_sum.h"
#include "tests/nat_truth.h"

struct accuracy_settings {
	const struct nat_profile *profile; /* NULL: all */
	unsigned made_up;                  /* > 0: so many that no table lists instead */
	unsigned seeds, first_seed;
	unsigned jobs;     /* processes; 1: none but this one */
	uint32_t rtt_us;   /* 0: 50 ms */
	double loss;       /* each way, 0 to 1 */
	double confidence; /* 0: default */
};

struct accuracy_level {
	struct accuracy_settings settings;
	struct nat_random *made_up; /* NULL: the table's */
	struct accuracy_profile *profiles;
	size_t profile_count;
};

/* Runs them all. Returns false where no process or memory is to be had. */
bool accuracy_run(const struct accuracy_settings *settings, struct accuracy_level *out);
void accuracy_free(struct accuracy_level *l); /* zeroed is fine */

#endif
