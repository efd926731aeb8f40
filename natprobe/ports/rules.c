#include "rules.h"

#include <math.h>

#include "rules_counter.h"
#include "rules_reordered.h"
#include "wire.h"

#define PARTIAL   0.925
#define WRAPS     0.1  /* of the offsets that are found, some leave the range */
#define REORDERED 0.13 /* of the paths, some let samples overtake each other */

/* How common each share is among NATs that keep to a rule for some sockets only. */
static const struct {
	double share, weight;
} shares[] = {
	{ 0.998, 0.75 }, { 0.95, 0.07 }, { 0.9, 0.04 },   { 0.8, 0.04 },
	{ 0.7, 0.03 },   { 0.6, 0.025 }, { 0.5, 0.02 },   { 0.4, 0.015 },
	{ 0.3, 0.015 },  { 0.2, 0.015 }, { 0.1, 0.0005 }, { 0.05, 2e-5 },
};

static double log_share(size_t i, struct rules_tally t)
{
	return log(shares[i].weight) + (double)t.kept * log(shares[i].share) +
	       (double)(t.of - t.kept) * log1p(-shares[i].share);
}

static double log_shares(struct rules_tally t)
{
	double sum = -INFINITY;

	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		sum = rules_log_add(sum, log_share(i, t));
	return sum;
}

double rules_is_partial(struct rules_tally t)
{
	double sum = -INFINITY;

	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		if (shares[i].share < PARTIAL)
			sum = rules_log_add(sum, log_share(i, t));
	}
	return exp(sum - log_shares(t));
}

/* The same of a rule that is broken only where a port was taken. */
static double log_often(struct rules_tally t)
{
	double kept = (double)t.kept, broken = (double)(t.of - t.kept);

	return rules_log_add(log(0.8) + kept * log(0.99) + broken * log(0.01),
			     log(0.2) + kept * log(0.85) + broken * log(0.15));
}

double rules_share(struct rules_tally t)
{
	double all = log_shares(t), mean = 0;

	if (t.kept < t.of) /* the sample says more than what is common */
		return ((double)t.kept + 0.5) / ((double)t.of + 1);
	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		mean += shares[i].share * exp(log_share(i, t) - all);
	return mean;
}

/* What the rule explains, one by one. */
static struct rules_tally mark_offset(const struct rules_view *v, const struct rule *r,
				      bool marks[VERDICT_SAMPLES_MAX])
{
	struct rules_tally t = { .of = v->count };

	for (size_t i = 0; i < v->count; i++) {
		const struct rules_sample *s = &v->seen[i];
		int32_t distance = (int32_t)s->external - (int32_t)s->local;

		if (r->wrapped == 0)
			marks[i] = rules_difference(s->external, s->local) == r->value;
		else
			marks[i] = distance == r->value || distance == r->wrapped;
		t.kept += marks[i];
	}
	return t;
}

/* Only the sample right before counts, or one with nothing but lost ones between. */
static struct rules_tally mark_dependent(const struct rules_view *v, int32_t step,
					 bool marks[VERDICT_SAMPLES_MAX])
{
	struct rules_tally t = { 0 };

	marks[0] = false;
	for (size_t i = 1; i < v->count; i++) {
		const struct rules_sample *a = &v->seen[i - 1], *b = &v->seen[i];
		int32_t apart = rules_difference(b->local, a->local);

		marks[i] = false;
		if (apart < 1 || apart > 1 + b->lost)
			continue;
		marks[i] = step != RULES_STEP_UNSEEN &&
			   rules_difference(b->external, a->external) == step * apart;
		/* Where the one between was lost on its way out, nothing can be said. */
		t.of += marks[i] || apart == 1;
		t.kept += marks[i];
	}
	return t;
}

struct rules_tally rules_count(const struct rules_view *v, const struct rule *r)
{
	bool marks[VERDICT_SAMPLES_MAX];

	return r->kind == RULE_DEPENDENT ? mark_dependent(v, r->value, marks)
					 : mark_offset(v, r, marks);
}

/* Small steps are common, and none is impossible. */
static double log_step(int32_t step)
{
	double size = fabs((double)step);

	if (step == RULES_STEP_UNSEEN)
		return 0;
	return log(size == 1 ? 0.25 : 0.25 / (6.5 * size));
}

static double log_parity_random(const struct rules_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		if ((v->seen[i].local ^ v->seen[i].external) & 1)
			return -INFINITY;
	}
	return rules_log_random(v, NULL) + (double)v->count * log(2);
}

static double log_offset(const struct rules_view *v, const struct rule *r)
{
	bool marks[VERDICT_SAMPLES_MAX];
	struct rules_tally t = mark_offset(v, r, marks);
	double explained = log_often(t) + rules_log_random(v, marks) - log(RULES_PORTS);

	/* The range that it wraps at is one more thing to explain. */
	return r->wrapped == 0 ? explained : explained + log(WRAPS) - log(RULES_PORTS);
}

static double log_counter(const struct rules_view *v, const struct rule *r)
{
	double common = r->kind == RULE_COUNTER ? 0.15 : 0.01;

	if (r->reordered)
		return log(common * REORDERED) + log_step(r->value) +
		       rules_log_reordered(v, r, NULL);
	return log(common) + log_step(r->value) + rules_log_counter(v, r, NULL);
}

double rules_log_weight(const struct rules_view *v, const struct rule *r)
{
	bool marks[VERDICT_SAMPLES_MAX];
	struct rules_tally t;

	switch (r->kind) {
	case RULE_RANDOM:
		return log(0.25) + rules_log_random(v, NULL);
	case RULE_PARITY_RANDOM:
		return log(0.05) + log_parity_random(v);
	case RULE_EQUAL:
		t = mark_offset(v, r, marks);
		return log(0.4) + log_shares(t) + rules_log_random(v, marks);
	case RULE_OFFSET:
		return log(0.05) + log_offset(v, r);
	case RULE_DEPENDENT:
		t = mark_dependent(v, r->value, marks);
		return log(0.05) + log_step(r->value) + log_often(t) + rules_log_random(v, marks);
	default:
		return log_counter(v, r);
	}
}
