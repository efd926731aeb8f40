/* Counters: each port is the last one plus a step, and a few more steps for others. */
#include <math.h>
#include <stdlib.h>

#include "rules.h"
#include "wire.h"

#define PORTS       65536.0
#define STEPS_FAR   64   /* more steps at once are taken as a break */
#define LOST_INSIDE 0.75 /* share of lost samples that made a mapping before they were lost */
#define PACE_US     10000

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
	double sum = 0, inside = pow(1 - LOST_INSIDE, lost);

	if (steps < 1 || steps > STEPS_FAR)
		return 0;
	for (unsigned i = 0; i <= lost; i++) {
		sum += inside * poisson(steps - 1 - (long)i, others);
		inside *= (double)(lost - i) / (i + 1) * LOST_INSIDE / (1 - LOST_INSIDE);
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

static double others_between(const struct rules_sample *a, const struct rules_sample *b,
			     double rate)
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
	for (long k = 1; k <= STEPS_FAR; k++) {
		long low = k * step + (extra < 0 ? -k : 0), high = k * step + (extra > 0 ? k : 0);

		if (low > d)
			break;
		if (d <= high)
			sum += rules_steps_chance(k, lost, others) / (double)((k + 1) / 2);
	}
	return sum;
}

static double move_chance(const struct rules_sample *a, const struct rules_sample *b,
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

static double log_counter(const struct rules_view *v, const struct rule *r, double rate,
			  double broken)
{
	double sum = 0;
	unsigned lost;

	for (size_t i = 0; i < v->count; i++) {
		size_t p = rules_predecessor(v, i, (enum rule_kind)r->kind, &lost);
		const struct rules_sample *a = &v->seen[p], *b = &v->seen[i];

		if (p == i) {
			sum -= log(PORTS);
			continue;
		}
		sum += log((1 - broken) * move_chance(a, b, r, lost, others_between(a, b, rate)) +
			   broken / PORTS);
	}
	return sum;
}

double rules_log_counter(const struct rules_view *v, const struct rule *r,
			 double weights[RATE_COUNT])
{
	double by_rate[RATE_COUNT], all = -INFINITY;

	for (size_t i = 0; i < RATE_COUNT; i++) {
		by_rate[i] = -INFINITY;
		for (size_t b = 0; b < ARRAY_LEN(breaks); b++)
			by_rate[i] =
				rules_log_add(by_rate[i], log(rate_weights[i] * breaks[b].weight) +
								  log_counter(v, r, rules_rates[i],
									      breaks[b].share));
		all = rules_log_add(all, by_rate[i]);
	}
	for (size_t i = 0; weights != NULL && i < RATE_COUNT; i++)
		weights[i] = exp(by_rate[i] - all);
	return all;
}

/*
 * Reordering. The ports themselves, sorted, are those of a counter; the order in which they were
 * handed out is the order of sending, disturbed: each inversion costs a factor (the model of
 * Mallows). Serial samples are in order.
 */
struct paced {
	uint16_t ports[VERDICT_SAMPLES_MAX]; /* in the order of sending, distances from the first */
	size_t count;
	size_t lost;
	double pace_us;
};

static int by_port(const void *a, const void *b)
{
	const int32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Serial ones, which come last, are left to the caller; returns where they begin. */
static size_t paced_distances(const struct rules_view *v, int32_t step,
			      int32_t out[VERDICT_SAMPLES_MAX])
{
	size_t n = 0;

	while (n < v->count && !v->seen[n].serial) {
		out[n] = rules_difference(v->seen[n].external, v->seen[0].external);
		if (step < 0)
			out[n] = -out[n];
		n++;
	}
	return n;
}

static size_t count_inversions(const int32_t *d, size_t n)
{
	size_t inversions = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			inversions += d[j] > d[i];
	}
	return inversions;
}

static double log_order(size_t n, size_t inversions)
{
	static const double costs[] = { 0.1, 0.3, 0.6, 0.95 };
	double sum = -INFINITY;

	for (size_t c = 0; c < ARRAY_LEN(costs); c++) {
		double all = 0;

		for (size_t j = 1; j <= n; j++)
			all += log((1 - pow(costs[c], (double)j)) / (1 - costs[c]));
		sum = rules_log_add(sum, log(1.0 / ARRAY_LEN(costs)) +
						 (double)inversions * log(costs[c]) - all);
	}
	return sum;
}

static double log_gaps(const int32_t *sorted, size_t n, int32_t size, double others)
{
	double sum = 0;

	for (size_t i = 1; i < n; i++) {
		int32_t d = sorted[i] - sorted[i - 1];
		double p = d % size == 0 ? rules_steps_chance(d / size, 0, others) : 0;

		sum += log(0.99 * p + 0.01 / PORTS);
	}
	return sum;
}

static double log_serial(const struct rules_view *v, size_t first, int32_t step, double rate)
{
	double sum = 0;

	for (size_t i = first; i < v->count; i++) {
		const struct rules_sample *b = &v->seen[i], *a = &v->seen[i > 0 ? i - 1 : 0];
		int32_t d = rules_difference(b->external, a->external);
		double p = 0;

		/* The first comes after whichever of the paced was last. */
		if (i > first && d % step == 0)
			p = rules_steps_chance(d / step, b->lost, others_between(a, b, rate));
		sum += log(0.99 * p + (i > first ? 0.01 / PORTS : 0.01 / 64));
	}
	return sum;
}

double rules_log_reordered(const struct rules_view *v, int32_t step)
{
	int32_t d[VERDICT_SAMPLES_MAX];
	size_t n = paced_distances(v, step, d);
	double sum = -INFINITY, lost = 0;

	if (n < 2)
		return -INFINITY;
	size_t inversions = count_inversions(d, n);

	if (inversions == 0)
		return -INFINITY; /* a counter in order is its own rule */
	for (size_t i = 0; i < n; i++)
		lost += v->seen[i].lost * LOST_INSIDE;
	qsort(d, n, sizeof(d[0]), by_port);
	double span_us = (double)(v->seen[n - 1].sent_us - v->seen[0].sent_us);
	double pace_s = fmax(span_us / (double)(n - 1), PACE_US) / 1e6;

	for (size_t i = 0; i < RATE_COUNT; i++)
		sum = rules_log_add(
			sum, log(rate_weights[i]) +
				     log_gaps(d, n, abs(step),
					      rules_rates[i] * pace_s + lost / (double)(n - 1)) +
				     log_serial(v, n, step, rules_rates[i]));
	return sum + log_order(n, inversions) - log(PORTS);
}
