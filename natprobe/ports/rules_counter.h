/* rules_counter - each port is the last one plus a step, and a few more steps for others. */
#ifndef NATPROBE_RULES_COUNTER_H
#define NATPROBE_RULES_COUNTER_H

#include "rules_view.h"

#define RATE_COUNT 8

/*
 * The logarithm of the chance that the counter makes what was seen. `weights`, if not NULL: the
 * chance of each background rate, summing up to one.
 */
double rules_log_counter(const struct rules_view *v, const struct rule *r,
			 double weights[RATE_COUNT]);

/* The chance that a counter goes from the port of a to that of b, if both are its own. */
double rules_move_chance(const struct rules_sample *a, const struct rules_sample *b,
			 const struct rule *r, unsigned lost, double others);

/* Mappings of others between a and b, on average. */
double rules_others(const struct rules_sample *a, const struct rules_sample *b, double rate);

/* Sums up what each background rate says, and shares it out. */
double rules_sum_rates(double by_rate[RATE_COUNT], double weights[RATE_COUNT]);

/* Mappings of others, per second, that a counter may see. */
extern const double rules_rates[RATE_COUNT];

/* The share of lost samples that made a mapping before they were lost. */
#define RULES_LOST_INSIDE 0.75

/* The chance that a counter moves on `steps` between two neighbours of ours. */
double rules_steps_chance(long steps, unsigned lost, double others);

/* Index of the sample whose counter sample i continues; i itself: none. `lost` between. */
size_t rules_predecessor(const struct rules_view *v, size_t i, enum rule_kind kind, unsigned *lost);

#endif
