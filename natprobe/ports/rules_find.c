/* Which rules are worth a look: those that some of what was seen suggests. */
#include <math.h>
#include <stdlib.h>

#include "rules.h"
#include "rules_counter.h"
#include "wire.h"

#define STEP_FAR  4096 /* no NAT steps further */
#define STEPS_MAX 8    /* that are looked at */

struct step {
	int32_t step;
	unsigned votes;
};

struct steps {
	struct step list[VERDICT_SAMPLES_MAX * 3];
	size_t count;
};

static bool same_rule(const struct rule *a, const struct rule *b)
{
	return a->kind == b->kind && a->value == b->value && a->wrapped == b->wrapped &&
	       a->reordered == b->reordered;
}

static void add_rule(struct rules *out, const struct rules_view *v, struct rule r)
{
	for (size_t i = 0; i < out->count; i++) {
		if (same_rule(&out->list[i], &r))
			return;
	}
	if (out->count == RULES_MAX)
		return;
	r.chance = rules_log_weight(v, &r);
	out->list[out->count++] = r;
}

static int32_t distance(const struct rules_sample *s)
{
	return (int32_t)s->external - (int32_t)s->local;
}

static size_t count_distance(const struct rules_view *v, int32_t d)
{
	size_t count = 0;

	for (size_t i = 0; i < v->count; i++)
		count += distance(&v->seen[i]) == d;
	return count;
}

/* An offset, and one of the other direction: of sockets that would have left the range. */
static void add_wrapped(struct rules *out, const struct rules_view *v, int32_t one)
{
	for (size_t i = 0; i < v->count; i++) {
		int32_t other = distance(&v->seen[i]);

		if (one == 0 || other == 0 || (one < 0) == (other < 0))
			continue;
		if (count_distance(v, other) < 2)
			continue;
		add_rule(out, v,
			 (struct rule){ .kind = RULE_OFFSET,
					.delta = DELTA_PRESERVING,
					.value = abs(one) < abs(other) ? one : other,
					.wrapped = abs(one) < abs(other) ? other : one });
	}
}

/* Offsets that two samples at least have in common. */
static void add_offsets(struct rules *out, const struct rules_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct rules_sample *s = &v->seen[i];
		struct rule r = { .kind = RULE_OFFSET,
				  .delta = DELTA_PRESERVING,
				  .value = rules_difference(s->external, s->local) };

		if (r.value == 0 || rules_count(v, &r).kept < 2)
			continue;
		add_rule(out, v, r);
		add_wrapped(out, v, distance(s));
	}
}

static void vote(struct steps *s, int32_t step, unsigned votes)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].step == step) {
			s->list[i].votes += votes;
			return;
		}
	}
	if (s->count < ARRAY_LEN(s->list))
		s->list[s->count++] = (struct step){ step, votes };
}

/* It may be a step, or two or three: others take some. */
static void vote_difference(struct steps *s, int32_t d)
{
	for (int32_t k = 1; k <= 3 && d != 0; k++) {
		if (d % k == 0 && abs(d / k) <= STEP_FAR)
			vote(s, d / k, (unsigned)(4 - k));
	}
}

static int by_votes(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->votes != y->votes)
		return x->votes < y->votes ? 1 : -1;
	return (x->step > y->step) - (x->step < y->step);
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

static void add_counter(struct rules *out, const struct rules_view *v, enum rule_kind kind,
			int32_t step)
{
	add_rule(out, v,
		 (struct rule){ .kind = (uint8_t)kind, .delta = DELTA_INDEPENDENT, .value = step });
}

/* Disturbed order turns steps round as well. */
static void add_reordered(struct rules *out, const struct rules_view *v, enum rule_kind kind,
			  int32_t step)
{
	struct rule r = {
		.kind = (uint8_t)kind, .delta = DELTA_INDEPENDENT, .reordered = true, .value = step
	};

	add_rule(out, v, r);
	r.value = -step;
	add_rule(out, v, r);
}

static void add_plain_counters(struct rules *out, const struct rules_view *v)
{
	int32_t best[STEPS_MAX];
	size_t count = find_steps(v, RULE_COUNTER, best);

	for (size_t i = 0; i < count; i++) {
		add_counter(out, v, RULE_COUNTER, best[i]);
		add_reordered(out, v, RULE_COUNTER, best[i]);
		add_rule(out, v,
			 (struct rule){ .kind = RULE_DEPENDENT,
					.delta = DELTA_DEPENDENT,
					.value = best[i] });
	}
	add_reordered(out, v, RULE_COUNTER, 1);
	add_reordered(out, v, RULE_COUNTER, 2);
}

static void add_address_counters(struct rules *out, const struct rules_view *v)
{
	int32_t best[STEPS_MAX];
	size_t count = find_steps(v, RULE_COUNTER_BY_ADDRESS, best);

	for (size_t i = 0; i < count && v->address_count > 1; i++)
		add_counter(out, v, RULE_COUNTER_BY_ADDRESS, best[i]);
}

static bool keeps_parity(const struct rules_view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->count; i++)
		kept += ((v->seen[i].local ^ v->seen[i].external) & 1) == 0;
	return kept > v->count - v->count / 4;
}

static void add_parity_counters(struct rules *out, const struct rules_view *v)
{
	int32_t best[STEPS_MAX];
	size_t count = find_steps(v, RULE_COUNTER_BY_PARITY, best);

	for (size_t i = 0; i < count; i++) {
		if (best[i] % 2 != 0)
			continue;
		add_counter(out, v, RULE_COUNTER_BY_PARITY, best[i]);
		add_counter(out, v, RULE_PARITY_UP, best[i]);
		add_counter(out, v, RULE_PARITY_DOWN, best[i]);
		add_reordered(out, v, RULE_PARITY_UP, best[i]);
	}
	add_reordered(out, v, RULE_PARITY_UP, 2);
	add_reordered(out, v, RULE_PARITY_DOWN, 2);
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
	add_rule(out, v, (struct rule){ .kind = RULE_RANDOM, .delta = DELTA_RANDOM });
	add_rule(out, v, (struct rule){ .kind = RULE_PARITY_RANDOM, .delta = DELTA_RANDOM });
	add_rule(out, v, (struct rule){ .kind = RULE_EQUAL, .delta = DELTA_EQUAL });
	add_rule(out, v,
		 (struct rule){ .kind = RULE_DEPENDENT,
				.delta = DELTA_DEPENDENT,
				.value = RULES_STEP_UNSEEN });
	add_offsets(out, v);
	add_plain_counters(out, v);
	add_address_counters(out, v);
	if (keeps_parity(v))
		add_parity_counters(out, v);
	for (size_t i = 0; i < out->count; i++)
		all = rules_log_add(all, out->list[i].chance);
	for (size_t i = 0; i < out->count; i++)
		out->list[i].chance = exp(out->list[i].chance - all);
	qsort(out->list, out->count, sizeof(out->list[0]), by_chance);
}
