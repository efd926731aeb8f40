#include "prediction.h"

#include <math.h>
#include <stdlib.h>

#include "rules_counter.h"
#include "rules_reordered.h"

#define CHANCE_MIN 0.001 /* a candidate with less is not worth a packet */
#define LIST_MAX   64
#define STEPS_MAX  12 /* of a counter, that are looked at */
#define PACE_S     0.01

/* What may come, before the best are chosen. */
struct outlook {
	struct {
		double chance;
		int32_t offset;
	} list[LIST_MAX];
	size_t count;
};

static void expect_port(struct outlook *o, int32_t offset, double chance)
{
	for (size_t i = 0; i < o->count; i++) {
		if (o->list[i].offset == offset) {
			o->list[i].chance += chance;
			return;
		}
	}
	if (o->count == LIST_MAX)
		return;
	o->list[o->count].offset = offset;
	o->list[o->count++].chance = chance;
}

static int by_chance(const void *a, const void *b)
{
	const double *x = a, *y = b; /* the chance stands first in each entry */

	return (*x < *y) - (*x > *y);
}

static void choose_best(struct outlook *o, struct verdict_prediction *out)
{
	qsort(o->list, o->count, sizeof(o->list[0]), by_chance);
	for (size_t i = 0; i < o->count && i < VERDICT_PREDICTIONS_MAX; i++) {
		if (o->list[i].chance < CHANCE_MIN)
			break;
		out->candidates[i].offset = o->list[i].offset;
		out->candidates[i].chance = o->list[i].chance;
		out->chance += o->list[i].chance;
		out->count++;
	}
}

/* Any port of the range that was seen: the next one is inside of it, or not. */
static void predict_range(const struct rules_view *v, const struct rule *best,
			  struct verdict_prediction *out)
{
	double n = (double)v->count, width = (double)out->high - out->low + 1;

	out->chance = (n - 1) / (n + 1) / width;
	if (best->kind == RULE_PARITY_RANDOM)
		out->chance *= 2;
}

/* The usual time between two samples. */
static double pace_s(const struct rules_view *v)
{
	uint64_t span_us = v->seen[v->count - 1].sent_us - v->seen[0].sent_us;

	if (v->count < 2 || span_us == 0)
		return PACE_S;
	return (double)span_us / (double)(v->sent - v->lost_after - 1u) / 1e6;
}

/* A counter and the next step of it, as far as it is known. */
struct counter {
	const struct rules_view *v;
	const struct rule *rule;
	double weights[RATE_COUNT];
	double share; /* of its steps that keep to the rule, whatever others do meanwhile */
};

static double counter_share(const struct rules_view *v, const struct rule *r)
{
	struct rules_tally t = { 0 };
	unsigned lost;

	for (size_t i = 0; i < v->count; i++) {
		size_t p = rules_predecessor(v, i, (enum rule_kind)r->kind, &lost);
		int32_t d = rules_difference(v->seen[i].external, v->seen[p].external);

		if (p == i)
			continue;
		t.of++;
		t.kept += d != 0 && (d < 0) == (r->value < 0);
	}
	return rules_share(t);
}

/*
 * The next ports after sample `i`, the last one of its counter, if that counter is the next
 * with this chance.
 */
static void expect_steps(struct outlook *o, const struct counter *c, size_t i, int32_t more,
			 double chance)
{
	const struct rules_view *v = c->v;
	double since_s = pace_s(v) * (double)(v->count - i);
	int32_t from = rules_difference(v->seen[i].external, v->seen[v->count - 1].external);
	unsigned lost = v->lost_after;

	for (size_t j = i + 1; j < v->count; j++)
		lost += v->seen[j].lost;
	for (int32_t k = 1; k <= STEPS_MAX; k++) {
		double p = 0;

		for (size_t r = 0; r < RATE_COUNT; r++)
			p += c->weights[r] * rules_steps_chance(k, lost, rules_rates[r] * since_s);
		expect_port(o, from + k * c->rule->value + more, chance * p);
	}
}

/* One counter for each kind of sample: which of them is next is known from how many were. */
static void expect_counters(struct outlook *o, const struct counter *c)
{
	const struct rules_view *v = c->v;

	for (size_t i = 0; i < v->count; i++) {
		size_t of_it = 1;
		bool last = true;
		unsigned lost;

		for (size_t j = i + 1; j < v->count && last; j++)
			last = rules_predecessor(v, j, (enum rule_kind)c->rule->kind, &lost) != i;
		if (!last)
			continue;
		for (size_t p = i, next = 0; p > 0; p = next, of_it++) {
			next = rules_predecessor(v, p, (enum rule_kind)c->rule->kind, &lost);
			if (next == p)
				break;
		}
		expect_steps(o, c, i, 0, c->share * (double)of_it / (double)v->count);
	}
}

/* The local port's parity is not known yet: it is kept, or it is not. */
static void expect_parities(struct outlook *o, const struct counter *c)
{
	int32_t more = c->rule->kind == RULE_PARITY_UP ? 1 : -1;

	if (c->rule->value < 0)
		more = -more;
	expect_steps(o, c, c->v->count - 1, 0, c->share / 2);
	expect_steps(o, c, c->v->count - 1, more, c->share / 2);
}

/* Of samples that overtook each other, the one that went furthest is the last. */
static size_t furthest(const struct rules_view *v, int32_t step)
{
	size_t best = v->count - 1;

	for (size_t i = 0; i < v->count; i++) {
		int32_t d = rules_difference(v->seen[i].external, v->seen[best].external);

		if (d != 0 && (d < 0) == (step < 0))
			best = i;
	}
	return best;
}

static void predict_counter(struct outlook *o, struct rules_view *v, const struct rule *r,
			    struct verdict_prediction *out)
{
	struct counter c = { .v = v, .rule = r };

	if (r->reordered) {
		(void)rules_log_reordered(v, r, c.weights);
		c.share = rules_share((struct rules_tally){ v->count, v->count });
		out->last = v->seen[furthest(v, r->value)].external;
		v->seen[v->count - 1].external = out->last;
	} else {
		(void)rules_log_counter(v, r, c.weights);
		c.share = counter_share(v, r);
	}
	if (r->kind == RULE_PARITY_UP || r->kind == RULE_PARITY_DOWN)
		expect_parities(o, &c);
	else if (r->reordered)
		expect_steps(o, &c, v->count - 1, 0, c.share);
	else
		expect_counters(o, &c);
}

/* Those that leave the range count on from its other end. */
static void predict_offset(struct outlook *o, const struct rules_view *v, const struct rule *r)
{
	struct rule alone = *r;
	double share = rules_share(rules_count(v, r)), wrapped;

	alone.kind = RULE_OFFSET;
	alone.wrapped = 0;
	if (r->wrapped == 0) {
		expect_port(o, r->value, share);
		return;
	}
	wrapped = 1 - (double)rules_count(v, &alone).kept / (double)rules_count(v, r).kept;
	expect_port(o, r->value, share * (1 - wrapped));
	expect_port(o, r->wrapped, share * wrapped);
}

/* If the next local port is the one after that of the last sample, answered or not. */
static void predict_dependent(struct outlook *o, const struct rules_view *v, const struct rule *r)
{
	double share = rules_share(rules_count(v, r));

	expect_port(o, r->value * (1 + v->lost_after),
		    share * pow(RULES_LOST_INSIDE, v->lost_after));
}

static void note_range(const struct rules_view *v, struct verdict_prediction *out)
{
	out->low = UINT16_MAX;
	for (size_t i = 0; i < v->count; i++) {
		if (v->seen[i].external < out->low)
			out->low = v->seen[i].external;
		if (v->seen[i].external > out->high)
			out->high = v->seen[i].external;
	}
}

void prediction_make(const struct rules_view *v, const struct rule *best,
		     struct verdict_prediction *out)
{
	struct outlook o = { .count = 0 };
	struct rules_view copy;

	*out = (struct verdict_prediction){ 0 };
	if (v->count == 0)
		return;
	out->last = v->seen[v->count - 1].external;
	note_range(v, out);
	switch (best->delta) {
	case DELTA_EQUAL:
	case DELTA_PRESERVING:
		out->follows_local = true;
		predict_offset(&o, v, best);
		break;
	case DELTA_DEPENDENT:
		predict_dependent(&o, v, best);
		break;
	case DELTA_INDEPENDENT:
		copy = *v;
		predict_counter(&o, &copy, best, out);
		break;
	default:
		predict_range(v, best, out);
	}
	choose_best(&o, out);
}
