/*
 * contest - servers that get their load in turn, in slices so short that what else the machine
 * does hits all alike, and what each of them pays for it.
 */
#ifndef NATKIT_BENCH_CONTEST_H
#define NATKIT_BENCH_CONTEST_H

#include <sys/types.h>

#include "load.h"

#define CONTEST_ROUNDS_MAX 99
#define CONTEST_PATIENCE   2000 /* ms for any arrival: the machine may be busy */

struct contestant {
	const char *name;
	pid_t pid; /* 0: does not take part */
	/* Puts load on it for so long. */
	struct load_result (*run)(struct contestant *c, uint64_t ms);
	void *arg; /* for run */

	struct load_result now; /* of the round at hand */
	uint64_t now_cpu_ns;
	uint64_t done, wrong, lost;        /* in all */
	double cpu_ns[CONTEST_ROUNDS_MAX]; /* for each done */
	double rate[CONTEST_ROUNDS_MAX];   /* done in a second of wall time */
};

/*
 * All rounds, from cleared results.
 * Returns NULL, or what went wrong; *who is set then.
 */
const char *contest_run(struct contestant *all, int count, int rounds, uint64_t round_ms,
			const char **who);

double contest_median(const double *values, int count);

/* Distance of the extremes, as a part of the median. */
double contest_spread(const double *values, int count);

/* What came was right, and next to nothing was lost. */
bool contest_is_sound(const struct contestant *c);

/* Prints members of a JSON object, without its braces. done: what they are, such as "answers" */
void contest_print(const struct contestant *c, int rounds, const char *done);

#endif
