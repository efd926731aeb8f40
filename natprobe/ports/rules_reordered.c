/*
 * Counters whose samples overtook each other. The ports themselves, sorted, are those of a counter;
 * the order in which they were handed out is the order of sending, disturbed: each inversion
 * costs a factor (the model of Mallows). Serial samples are in order.
 */
#include "rules_reordered.h"

#include <math.h>
#include <stdlib.h>

#include "wire.h"

#define PACE_S    0.01
#define BROKEN    0.01
#define NEAR_STEP 64 /* ports: the first serial sample follows whichever of the paced was last */

/* A paced sample, and how far the counter went from the first to it. */
struct paced {
	int32_t distance;
	struct rules_sample sample;
};

static int by_distance(const void *a, const void *b)
{
	const struct paced *x = a, *y = b;

	return (x->distance > y->distance) - (x->distance < y->distance);
}

/* Returns how many there are: serial ones come last. */
static size_t list_paced(const struct rules_view *v, int32_t step,
			 struct paced out[VERDICT_SAMPLES_MAX])
{
	size_t n = 0;

	for (; n < v->count && !v->seen[n].serial; n++) {
		int32_t d = rules_difference(v->seen[n].external, v->seen[0].external);

		out[n] = (struct paced){ step < 0 ? -d : d, v->seen[n] };
	}
	return n;
}

static size_t count_inversions(const struct paced *p, size_t n)
{
	size_t inversions = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			inversions += p[j].distance > p[i].distance;
	}
	return inversions;
}

static double log_order(size_t n, size_t inversions)
{
	static const double costs[] = { 0.1, 0.3, 0.6, 0.95 };
	double sum = -INFINITY;

	for (size_t c = 0; c < ARRAY_LEN(costs); c++) {
		double orders = 1, power = 1; /* 20 to the power of 48 at most */

		for (size_t j = 1; j <= n; j++) {
			power *= costs[c];
			orders *= (1 - power) / (1 - costs[c]);
		}
		sum = rules_log_add(sum, (double)inversions * log(costs[c]) -
						 log(orders * ARRAY_LEN(costs)));
	}
	return sum;
}

static double log_sorted(const struct paced *p, size_t n, const struct rule *r, double others)
{
	double sum = 0;

	for (size_t i = 1; i < n; i++) {
		double chance = rules_move_chance(&p[i - 1].sample, &p[i].sample, r, 0, others);

		sum += log((1 - BROKEN) * chance + BROKEN / RULES_PORTS);
	}
	return sum;
}

static double log_serial(const struct rules_view *v, size_t first, const struct rule *r,
			 double rate)
{
	double sum = first < v->count ? -log(NEAR_STEP / BROKEN) : 0;

	for (size_t i = first + 1; i < v->count; i++) {
		const struct rules_sample *a = &v->seen[i - 1], *b = &v->seen[i];
		double chance = rules_move_chance(a, b, r, b->lost, rules_others(a, b, rate));

		sum += log((1 - BROKEN) * chance + BROKEN / RULES_PORTS);
	}
	return sum;
}

double rules_log_reordered(const struct rules_view *v, const struct rule *r,
			   double weights[RATE_COUNT])
{
	struct paced p[VERDICT_SAMPLES_MAX];
	size_t n = list_paced(v, r->value, p);
	double by_rate[RATE_COUNT], lost = 0;

	if (n < 2)
		return -INFINITY;
	size_t inversions = count_inversions(p, n);

	if (inversions == 0)
		return -INFINITY; /* a counter in order is its own rule */
	for (size_t i = 0; i < n; i++)
		lost += v->seen[i].lost * RULES_LOST_INSIDE;
	qsort(p, n, sizeof(p[0]), by_distance);
	double span_s = (double)(v->seen[n - 1].sent_us - v->seen[0].sent_us) / 1e6;
	double gaps = (double)(n - 1), pace_s = fmax(span_s / gaps, PACE_S);

	for (size_t i = 0; i < RATE_COUNT; i++)
		by_rate[i] = log_sorted(p, n, r, rules_rates[i] * pace_s + lost / gaps) +
			     log_serial(v, n, r, rules_rates[i]);
	return rules_sum_rates(by_rate, weights) + log_order(n, inversions) - log(RULES_PORTS);
}
