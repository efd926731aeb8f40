#include "confidence.h"

/* Of what no field tells: equal ports by chance, a NAT that changed while we looked. */
#define RESIDUE 1e-5

#define INTERVAL_ERROR 0.001
#define HALVINGS       40

double confidence_allowance(double confidence_asked)
{
	if (confidence_asked <= 0 || confidence_asked >= 1)
		confidence_asked = CONFIDENCE_DEFAULT;
	return 1 - confidence_asked;
}

double confidence_of(const struct verdict *v, double others)
{
	double error = others + RESIDUE;

	/* What is unknown cannot be wrong. */
	if (v->filtering.value != BEHAVIOUR_UNKNOWN)
		error += v->filtering.error;
	if (v->mapping.value != BEHAVIOUR_UNKNOWN)
		error += v->mapping.error;
	if (v->mapping_tcp.value != BEHAVIOUR_UNKNOWN)
		error += v->mapping_tcp.error;
	if (v->ports.delta != DELTA_UNKNOWN)
		error += v->ports.error;
	if (v->pooling.value != POOLING_UNKNOWN)
		error += v->pooling.error;
	if (v->hairpin.value != HAIRPIN_UNKNOWN)
		error += v->hairpin.error;
	if (v->ports.parity.value != VERDICT_UNKNOWN)
		error += v->ports.parity_error;
	if (v->pcp.present.value != VERDICT_UNKNOWN)
		error += v->pcp.error;
	if (v->nat_pmp.present.value != VERDICT_UNKNOWN)
		error += v->nat_pmp.error;
	return error < 1 ? 1 - error : 0;
}

/* The chance of at most `hits` in `n` tries, each with chance p. */
static double at_most(unsigned hits, unsigned n, double p)
{
	double term = 1, sum = 0;

	for (unsigned i = 0; i < n; i++)
		term *= 1 - p;
	for (unsigned k = 0; k <= hits; k++) {
		sum += term;
		term *= (double)(n - k) / (k + 1.0) * p / (1 - p);
	}
	return sum;
}

/* The p at which that chance is `chance`. */
static double solve(unsigned hits, unsigned n, double chance)
{
	double low = 0, high = 1;

	for (unsigned i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;

		if (at_most(hits, n, middle) > chance)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

/* Clopper and Pearson's interval. */
struct verdict_interval confidence_share(unsigned hits, unsigned of)
{
	struct verdict_interval i = { .low = 0, .high = 1, .known = of > 0 };

	if (hits > 0)
		i.low = solve(hits - 1, of, 1 - INTERVAL_ERROR / 2);
	if (hits < of)
		i.high = solve(hits, of, INTERVAL_ERROR / 2);
	return i;
}

struct verdict_interval confidence_loss(unsigned answered, unsigned lost)
{
	return confidence_share(lost, answered + lost);
}
