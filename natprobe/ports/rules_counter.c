/* Counters: each port is the last one plus a step, and a few more steps for others. */
#include "rules_counter.h"

#include <math.h>
#include <stdlib.h>

#include "wire.h"

#define STEPS_FAR 64 /* more steps at once are taken as a break */
#define PACE_US   10000

const double rules_rates[RATE_COUNT] = { 0.05, 1, 3, 8, 20, 40, 80, 160 };
static const double rate_weights[RATE_COUNT] = { 0.4, 0.15, 0.13, 0.12, 0.1, 0.06, 0.03, 0.01 };

/* How often a counter breaks its rule: it wraps, or a port was taken. */
static const struct {
	double share, weight;
} breaks[] = { { 0.01, 0.8 }, { 0.1, 0.2 } };

static double poisson(long k, double mean)
{
	double p = exp(-mean);

	for (long i = 1; i <= k; i++)
		p *= mean / (double)i;
	return k < 0 ? 0 : p;
}

double rules_steps_chance(long steps, unsigned lost, double others)
{
	double sum = 0, inside = pow(1 - RULES_LOST_INSIDE, lost);

	if (steps < 1 || steps > STEPS_FAR)
		return 0;
	for (unsigned i = 0; i <= lost; i++) {
		sum += inside * poisson(steps - 1 - (long)i, others);
		inside *=
			(double)(lost - i) / (i + 1) * RULES_LOST_INSIDE / (1 - RULES_LOST_INSIDE);
	}
	return sum;
}

static bool same_counter(const struct rules_sample *a, const struct rules_sample *b,
			 enum rule_kind kind)
{
	if (kind == RULE_COUNTER_BY_ADDRESS)
		return a->address == b->address;
	if (kind == RULE_COUNTER_BY_PARITY)
		return ((a->local ^ b->local) & 1) == 0;
	return true;
}

size_t rules_predecessor(const struct rules_view *v, size_t i, enum rule_kind kind, unsigned *lost)
{
	*lost = v->seen[i].lost;
	for (size_t p = i; p-- > 0;) {
		if (same_counter(&v->seen[p], &v->seen[i], kind))
			return p;
		*lost += v->seen[p].lost;
	}
	return i;
}

double rules_others(const struct rules_sample *a, const struct rules_sample *b, double rate)
{
	uint64_t gap_us = b->sent_us > a->sent_us ? b->sent_us - a->sent_us : 0;

	return rate * (double)(gap_us > 0 ? gap_us : PACE_US * (1u + b->lost)) / 1e6;
}

/*
 * A counter that leaves out ports of the wrong parity: k steps lead somewhere between k * step
 * and k * (step + extra), as it had to leave out none or one each time.
 */
static double parity_steps_chance(long d, long step, long extra, unsigned lost, double others)
{
	long sign = step < 0 ? -1 : 1;
	double sum = 0;

	d *= sign;
	step *= sign;
	if (d > STEPS_FAR * (step + 1)) /* further than the loop goes */
		return 0;
	for (long k = 1; k <= STEPS_FAR; k++) {
		long low = k * step + (extra < 0 ? -k : 0), high = k * step + (extra > 0 ? k : 0);

		if (low > d)
			break;
		if (d <= high)
			sum += rules_steps_chance(k, lost, others) / (double)((k + 1) / 2);
	}
	return sum;
}

double rules_move_chance(const struct rules_sample *a, const struct rules_sample *b,
			 const struct rule *r, unsigned lost, double others)
{
	int32_t d = rules_difference(b->external, a->external);
	bool odd = ((b->local ^ b->external) & 1) != 0;

	switch (r->kind) {
	case RULE_PARITY_UP:
		return odd ? 0 : parity_steps_chance(d, r->value, 1, lost, others);
	case RULE_PARITY_DOWN:
		return odd ? 0 : parity_steps_chance(d, r->value, -1, lost, others);
	default:
		return d % r->value == 0 ? rules_steps_chance(d / r->value, lost, others) : 0;
	}
}

/* What one sample adds, at each background rate and with each share of breaks. */
static void add_sample(const struct rules_view *v, const struct rule *r, size_t i,
		       double sums[RATE_COUNT][ARRAY_LEN(breaks)])
{
	unsigned lost;
	size_t p = rules_predecessor(v, i, (enum rule_kind)r->kind, &lost);
	const struct rules_sample *a = &v->seen[p], *b = &v->seen[i];

	for (size_t k = 0; k < RATE_COUNT; k++) {
		double others = rules_others(a, b, rules_rates[k]);
		double chance = p == i ? 0 : rules_move_chance(a, b, r, lost, others);

		for (size_t n = 0; n < ARRAY_LEN(breaks); n++) {
			double broken = breaks[n].share;

			sums[k][n] += p == i ? -log(RULES_PORTS)
					     : log((1 - broken) * chance + broken / RULES_PORTS);
		}
	}
}

double rules_sum_rates(double by_rate[RATE_COUNT], double weights[RATE_COUNT])
{
	double all = -INFINITY;

	for (size_t i = 0; i < RATE_COUNT; i++) {
		by_rate[i] += log(rate_weights[i]);
		all = rules_log_add(all, by_rate[i]);
	}
	for (size_t i = 0; weights != NULL && i < RATE_COUNT; i++)
		weights[i] = exp(by_rate[i] - all);
	return all;
}

double rules_log_counter(const struct rules_view *v, const struct rule *r,
			 double weights[RATE_COUNT])
{
	double sums[RATE_COUNT][ARRAY_LEN(breaks)] = { 0 };
	double by_rate[RATE_COUNT];

	for (size_t i = 0; i < v->count; i++)
		add_sample(v, r, i, sums);
	for (size_t k = 0; k < RATE_COUNT; k++) {
		by_rate[k] = -INFINITY;
		for (size_t n = 0; n < ARRAY_LEN(breaks); n++)
			by_rate[k] = rules_log_add(by_rate[k], log(breaks[n].weight) + sums[k][n]);
	}
	return rules_sum_rates(by_rate, weights);
}
