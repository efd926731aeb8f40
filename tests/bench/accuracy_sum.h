/* accuracy_sum - what many diagnoses of many networks come to. */
#ifndef NATKIT_BENCH_ACCURACY_SUM_H
#define NATKIT_BENCH_ACCURACY_SUM_H

#include "tests/score.h"

#define ACCURACY_PROPERTIES 32
#define ACCURACY_BUDGET     120 /* datagrams of one diagnosis */
#define ACCURACY_TCP_BUDGET 8
#define ACCURACY_BURST      31  /* of a bucket of 30: one more drips in */
#define ACCURACY_PER_SECOND 131 /* 100 a second, and the burst */

/* The bounds that a network is judged by: how much is lost each way, all links together. */
enum accuracy_class {
	ACCURACY_CLEAN = 0, /* nothing */
	ACCURACY_LOSSY,     /* up to 5 % */
	ACCURACY_BAD,       /* up to 10 % */
	ACCURACY_WORSE,     /* no bounds */
	ACCURACY_CLASSES,
};

struct accuracy_count {
	unsigned marks[SCORE_MARKS];
};

/* One line of a profile's truth. */
struct accuracy_line {
	const struct property *property;
	struct accuracy_count count;
};

struct accuracy_profile {
	const struct nat_profile *profile;
	uint8_t class; /* enum accuracy_class */
	bool is_all_positive;
	bool is_delayed; /* by more than the round trip asked for */
	struct accuracy_line lines[SCORE_LINES_MAX];
	unsigned line_count;
	struct accuracy_count exact, interval;
	unsigned runs, wrong_runs, unended;
	double doubt;       /* errors that were owned to: the sum of 1 - confidence */
	uint32_t *times_us; /* one for each run, sorted */
	unsigned datagrams, connections, burst, per_second, open_at_end; /* the most */
	char wrong[100], unknown[100];                                   /* the first */
};

/* Many profiles, or all of a class. */
struct accuracy_total {
	struct accuracy_count exact, interval;
	unsigned runs, wrong_runs;
	double doubt;
	uint32_t median_us, p95_us;    /* without what is delayed */
	uint32_t all_positive_most_us; /* 0: there was none */
	unsigned datagrams, connections, burst, per_second;
};

/* Adds one diagnosis; times_us has room for all. */
void accuracy_add(struct accuracy_profile *p, const struct expect *truth, const struct score *s);

/* What stays to be done after the last one. */
void accuracy_close(struct accuracy_profile *p);

uint32_t accuracy_quantile(const uint32_t *sorted, unsigned count, double q);

/* Of the profiles whose class is in the set of bits. */
struct accuracy_total accuracy_total(const struct accuracy_profile *profiles, size_t count,
				     unsigned classes);

/* Chance of `seen` errors or more, where `doubt` were owned to. */
double accuracy_surprise(unsigned seen, double doubt);

double accuracy_share(const struct accuracy_count *c, enum score_mark mark);

/* Of the intervals that were told, those that cover the truth; 1: none was told. */
double accuracy_coverage(const struct accuracy_count *c);

#endif
