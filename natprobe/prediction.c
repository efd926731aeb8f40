#include "prediction.h"

/* A candidate with a smaller chance is not worth a packet. */
#define CHANCE_MIN 0.001

static void add_candidate(struct verdict_prediction *out, int32_t offset, double chance)
{
	if (out->count == VERDICT_PREDICTIONS_MAX || chance < CHANCE_MIN)
		return;
	out->candidates[out->count].offset = offset;
	out->candidates[out->count++].chance = chance;
	out->chance += chance;
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
		return 0.01;
	return (double)span_us / (double)(v->sent - 1) / 1e6;
}

/* How often the counter kept to its rule, whatever others did meanwhile. */
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
		t.kept += (d < 0) == (r->value < 0) && d != 0;
	}
	return rules_share(t);
}

static void predict_counter(const struct rules_view *v, const struct rule *r,
			    struct verdict_prediction *out)
{
	double weights[RATE_COUNT], share = counter_share(v, r);
	bool parity = r->kind == RULE_PARITY_UP || r->kind == RULE_PARITY_DOWN ||
		      r->kind == RULE_COUNTER_BY_PARITY;
	int32_t other = r->kind == RULE_PARITY_DOWN ? -1 : 1;

	if (r->kind == RULE_REORDERED)
		rules_log_counter(v, &(struct rule){ .kind = RULE_COUNTER, .value = r->value },
				  weights);
	else
		rules_log_counter(v, r, weights);
	for (int32_t k = 1; k <= VERDICT_PREDICTIONS_MAX; k++) {
		double chance = 0;

		for (size_t i = 0; i < RATE_COUNT; i++)
			chance += weights[i] * rules_steps_chance(k, 0, rules_rates[i] * pace_s(v));
		chance *= share;
		add_candidate(out, k * r->value, parity ? chance / 2 : chance);
		if (parity)
			add_candidate(out, k * r->value + (r->value < 0 ? -other : other),
				      chance / 2);
	}
}

void prediction_make(const struct rules_view *v, const struct rules *rules, const struct rule *best,
		     struct verdict_prediction *out)
{
	*out = (struct verdict_prediction){ .low = UINT16_MAX };
	if (v->count == 0)
		return;
	out->last = v->seen[v->count - 1].external;
	for (size_t i = 0; i < v->count; i++) {
		if (v->seen[i].external < out->low)
			out->low = v->seen[i].external;
		if (v->seen[i].external > out->high)
			out->high = v->seen[i].external;
	}
	switch (best->delta) {
	case DELTA_EQUAL:
	case DELTA_PRESERVING:
		out->follows_local = true;
		add_candidate(out, best->value, rules_share(rules_count_offset(v, best->value)));
		break;
	case DELTA_DEPENDENT:
		add_candidate(out, best->value, rules_share(rules_count_dependent(v, best->value)));
		break;
	case DELTA_INDEPENDENT:
		predict_counter(v, best, out);
		break;
	default:
		predict_range(v, best, out);
	}
}
