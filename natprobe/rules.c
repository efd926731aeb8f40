#include "rules.h"

#include <math.h>
#include <stdlib.h>

#include "wire.h"

/* Wider ranges than this many times the last are not told apart. */
#define WIDTH_GROWTH 1.25
#define WIDTHS       36 /* about as many as there are between 16 and 65536 */
#define PORTS        65536.0

/* How common each share is among NATs that keep to a rule for some sockets only. */
static const struct {
	double share, weight;
} shares[] = {
	{ 0.998, 0.75 }, { 0.95, 0.07 },  { 0.9, 0.04 },   { 0.8, 0.04 },
	{ 0.7, 0.03 },   { 0.6, 0.025 },  { 0.5, 0.02 },   { 0.4, 0.015 },
	{ 0.3, 0.008 },  { 0.2, 0.0015 }, { 0.1, 0.0002 }, { 0.05, 5e-5 },
};

int32_t rules_difference(uint16_t a, uint16_t b)
{
	int32_t d = (int32_t)a - (int32_t)b;

	if (d > 32767)
		return d - 65536;
	return d < -32768 ? d + 65536 : d;
}

double rules_log_add(double a, double b)
{
	double high = a > b ? a : b, low = a > b ? b : a;

	return isinf(high) ? high : high + log1p(exp(low - high));
}

static uint8_t address_index(struct addr known[VERDICT_SAMPLES_MAX], size_t *count,
			     const struct addr *mapped)
{
	for (size_t i = 0; i < *count; i++) {
		if (addr_equal_ip(&known[i], mapped))
			return (uint8_t)i;
	}
	known[*count] = *mapped;
	return (uint8_t)(*count)++;
}

void rules_view_fill(struct rules_view *v, const struct verdict_sample *samples, size_t count)
{
	struct addr known[VERDICT_SAMPLES_MAX];
	uint8_t lost = 0;

	*v = (struct rules_view){ .sent = count };
	for (size_t i = 0; i < count && v->count < VERDICT_SAMPLES_MAX; i++) {
		if (samples[i].mapped.family == ADDR_NONE) {
			lost++;
			continue;
		}
		v->seen[v->count++] = (struct rules_sample){
			.local = samples[i].local_port,
			.external = samples[i].mapped.port,
			.address = address_index(known, &v->address_count, &samples[i].mapped),
			.lost = lost,
			.serial = samples[i].serial,
			.sent_us = samples[i].sent_us,
		};
		lost = 0;
	}
}

/*
 * All widths and places of a range that holds what was seen are as likely at first: narrow
 * ones explain it better, the wide ones make no claim.
 */
double rules_log_random(const struct rules_view *v, const bool leave_out[VERDICT_SAMPLES_MAX])
{
	double low = PORTS, high = 0, n = 0, sum = -INFINITY;

	for (size_t i = 0; i < v->count; i++) {
		if (leave_out != NULL && leave_out[i])
			continue;
		low = fmin(low, v->seen[i].external);
		high = fmax(high, v->seen[i].external);
		n++;
	}
	if (n == 0)
		return 0;
	double spread = high - low + 1;

	for (double width = fmax(spread, 16); width <= PORTS; width *= WIDTH_GROWTH) {
		double places = (width - spread + 1) / (PORTS - width + 1);

		sum = rules_log_add(sum, log(fmin(places, 1) / WIDTHS) - n * log(width));
	}
	return rules_log_add(sum, -log(WIDTHS) - n * log(PORTS));
}

static double log_shares(struct rules_tally t)
{
	double sum = -INFINITY;

	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		sum = rules_log_add(sum, log(shares[i].weight) +
						 (double)t.kept * log(shares[i].share) +
						 (double)(t.of - t.kept) * log1p(-shares[i].share));
	return sum;
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

	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		mean += shares[i].share *
			exp(log(shares[i].weight) + (double)t.kept * log(shares[i].share) +
			    (double)(t.of - t.kept) * log1p(-shares[i].share) - all);
	return mean;
}

static struct rules_tally mark_offset(const struct rules_view *v, int32_t offset,
				      bool marks[VERDICT_SAMPLES_MAX])
{
	struct rules_tally t = { .of = v->count };

	for (size_t i = 0; i < v->count; i++) {
		marks[i] = rules_difference(v->seen[i].external, v->seen[i].local) == offset;
		t.kept += marks[i];
	}
	return t;
}

struct rules_tally rules_count_offset(const struct rules_view *v, int32_t offset)
{
	bool marks[VERDICT_SAMPLES_MAX];

	return mark_offset(v, offset, marks);
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
		marks[i] = rules_difference(b->external, a->external) == step * apart;
		/* Where the one between was lost on its way out, nothing can be said. */
		t.of += marks[i] || apart == 1;
		t.kept += marks[i];
	}
	return t;
}

struct rules_tally rules_count_dependent(const struct rules_view *v, int32_t step)
{
	bool marks[VERDICT_SAMPLES_MAX];

	return mark_dependent(v, step, marks);
}

/* Small steps are common, and none is impossible. */
static double log_step(int32_t step)
{
	double size = fabs((double)step);

	return log(size == 1 ? 0.25 : 0.25 / (6.5 * size));
}

static double log_weight(const struct rules_view *v, const struct rule *r)
{
	bool marks[VERDICT_SAMPLES_MAX];
	struct rules_tally t;

	switch (r->kind) {
	case RULE_RANDOM:
		return log(0.25) + rules_log_random(v, NULL);
	case RULE_PARITY_RANDOM:
		for (size_t i = 0; i < v->count; i++) {
			if ((v->seen[i].local ^ v->seen[i].external) & 1)
				return -INFINITY;
		}
		return log(0.05) + rules_log_random(v, NULL) + (double)v->count * log(2);
	case RULE_EQUAL:
		t = mark_offset(v, 0, marks);
		return log(0.4) + log_shares(t) + rules_log_random(v, marks);
	case RULE_OFFSET:
		t = mark_offset(v, r->value, marks);
		return log(0.05 / PORTS) + log_shares(t) + rules_log_random(v, marks);
	case RULE_DEPENDENT:
		t = mark_dependent(v, r->value, marks);
		return log(0.05) + log_step(r->value) + log_often(t) + rules_log_random(v, marks);
	case RULE_REORDERED:
		return log(0.02) + log_step(r->value) + rules_log_reordered(v, r->value);
	case RULE_COUNTER:
		return log(0.15) + log_step(r->value) + rules_log_counter(v, r, NULL);
	default:
		return log(0.01) + log_step(r->value) + rules_log_counter(v, r, NULL);
	}
}

static void add_rule(struct rules *out, const struct rules_view *v, enum rule_kind kind,
		     enum verdict_delta delta, int32_t value)
{
	struct rule *r = &out->list[out->count];

	for (size_t i = 0; i < out->count; i++) {
		if (out->list[i].kind == kind && out->list[i].value == value)
			return;
	}
	if (out->count == RULES_MAX)
		return;
	*r = (struct rule){ .kind = (uint8_t)kind, .delta = (uint8_t)delta, .value = value };
	r->chance = log_weight(v, r);
	out->count++;
}

/* Offsets that two samples at least have in common. */
static void add_offsets(struct rules *out, const struct rules_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		int32_t offset = rules_difference(v->seen[i].external, v->seen[i].local);

		if (offset != 0 && rules_count_offset(v, offset).kept > 1)
			add_rule(out, v, RULE_OFFSET, DELTA_PRESERVING, offset);
	}
}

static void add_counter(struct rules *out, const struct rules_view *v, enum rule_kind kind,
			int32_t step)
{
	if (step != 0 && abs(step) <= 4096)
		add_rule(out, v, kind, DELTA_INDEPENDENT, step);
}

#define STEPS_MAX 8

struct steps {
	struct {
		int32_t step;
		unsigned votes;
	} list[VERDICT_SAMPLES_MAX * 3];
	size_t count;
};

static void vote(struct steps *s, int32_t step, unsigned votes)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].step == step) {
			s->list[i].votes += votes;
			return;
		}
	}
	if (s->count == ARRAY_LEN(s->list))
		return;
	s->list[s->count].step = step;
	s->list[s->count++].votes = votes;
}

static void vote_difference(struct steps *s, int32_t d)
{
	if (d == 0 || abs(d) > 3 * 4096)
		return;
	vote(s, d, 3);
	if (d % 2 == 0)
		vote(s, d / 2, 2);
	if (d % 3 == 0)
		vote(s, d / 3, 1);
}

static int by_votes(const void *a, const void *b)
{
	const unsigned *x = a, *y = b; /* the votes stand second in each entry */

	return (int)y[1] - (int)x[1];
}

/* The steps that explain most differences, best first. */
static size_t find_steps(const struct rules_view *v, enum rule_kind kind, int32_t best[STEPS_MAX])
{
	struct steps s = { .count = 0 };
	unsigned lost;

	for (size_t i = 1; i < v->count; i++) {
		size_t p = rules_predecessor(v, i, kind, &lost);

		if (p != i)
			vote_difference(&s,
					rules_difference(v->seen[i].external, v->seen[p].external));
	}
	qsort(s.list, s.count, sizeof(s.list[0]), by_votes);
	size_t count = s.count < STEPS_MAX ? s.count : STEPS_MAX;

	for (size_t i = 0; i < count; i++)
		best[i] = s.list[i].step;
	return count;
}

static void add_counters(struct rules *out, const struct rules_view *v)
{
	int32_t best[STEPS_MAX];
	size_t count = find_steps(v, RULE_COUNTER, best);

	for (size_t i = 0; i < count; i++) {
		add_counter(out, v, RULE_COUNTER, best[i]);
		add_counter(out, v, RULE_REORDERED, best[i]);
		add_counter(out, v, RULE_REORDERED, -best[i]);
		if (abs(best[i]) <= 4096)
			add_rule(out, v, RULE_DEPENDENT, DELTA_DEPENDENT, best[i]);
	}
	for (int32_t step = -2; step <= 2; step++)
		add_counter(out, v, RULE_REORDERED, step);
	if (v->address_count > 1) {
		count = find_steps(v, RULE_COUNTER_BY_ADDRESS, best);
		for (size_t i = 0; i < count; i++)
			add_counter(out, v, RULE_COUNTER_BY_ADDRESS, best[i]);
	}
	count = find_steps(v, RULE_COUNTER_BY_PARITY, best);
	for (size_t i = 0; i < count; i++) {
		if (best[i] % 2 != 0)
			continue;
		add_counter(out, v, RULE_COUNTER_BY_PARITY, best[i]);
		add_counter(out, v, RULE_PARITY_UP, best[i]);
		add_counter(out, v, RULE_PARITY_DOWN, best[i]);
	}
}

static int by_chance(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return (x->chance < y->chance) - (x->chance > y->chance);
}

void rules_weigh(const struct rules_view *v, struct rules *out)
{
	double all = -INFINITY;

	out->count = 0;
	add_rule(out, v, RULE_RANDOM, DELTA_RANDOM, 0);
	add_rule(out, v, RULE_PARITY_RANDOM, DELTA_RANDOM, 0);
	add_rule(out, v, RULE_EQUAL, DELTA_EQUAL, 0);
	if (v->count > 1) {
		add_offsets(out, v);
		add_counters(out, v);
	}
	for (size_t i = 0; i < out->count; i++)
		all = rules_log_add(all, out->list[i].chance);
	for (size_t i = 0; i < out->count; i++)
		out->list[i].chance = exp(out->list[i].chance - all);
	qsort(out->list, out->count, sizeof(out->list[0]), by_chance);
}
