#include "allocation.h"

#include <math.h>

#include "natprobe/discover/confidence.h"
#include "prediction.h"
#include "rules.h"

/* The plan: first these many random ones, even and odd apart, then neighbours. */
#define FIRST_RANDOM      12
#define FIRST_CONSECUTIVE (ALLOCATION_FIRST - FIRST_RANDOM)
#define MORE              6
#define MORE_SERIAL       5
#define ANSWERED_MIN      8  /* to say anything */
#define ANSWERED_WANTED   12 /* to stop asking */

/*
 * The chance of a NAT that keeps some ports only, up to which it is taken for one that keeps all
 * but those that somebody else happens to have.
 */
#define PARTIAL_MAX  0.02
#define UNBROKEN_MAX 0.05 /* the same where all of ours were kept */
#define PARTIAL_SURE 0.4  /* and beyond this, for one that keeps some */

/* So many NATs leave parity to chance, for each that keeps it. */
#define PARITY_ODDS 5

/*
 * Sampling goes on until the error is as asked; where the room for samples ends first, a value is
 * still told while its error, which is told as well, is not this many times larger.
 */
#define LENIENCE 10

/* From so many on, the room is better left to other tests: a value that may be told is enough. */
#define MANY_SAMPLES 32

#define ANY_DELTA                                                               \
	(1u << DELTA_EQUAL | 1u << DELTA_PRESERVING | 1u << DELTA_INDEPENDENT | \
	 1u << DELTA_DEPENDENT | 1u << DELTA_RANDOM)

/* Values with a smaller chance than this do not remain possible. */
#define POSSIBLE_MIN 1e-3

static struct verdict_interval share_interval(struct rules_tally t)
{
	return confidence_share((unsigned)t.kept, (unsigned)t.of);
}

/* The chance of a type and value, by whichever rules. */
static double chance_of(const struct rules *rules, const struct rule *best)
{
	double sum = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *r = &rules->list[i];

		if (r->delta == best->delta && r->value == best->value)
			sum += r->chance;
	}
	return sum;
}

static double chance_of_others(const struct rules *rules, const struct rule *best)
{
	double sum = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *r = &rules->list[i];

		if (r->delta != best->delta || r->value != best->value)
			sum += r->chance;
	}
	return sum;
}

static const struct rule *best_rule(const struct rules *rules)
{
	const struct rule *best = &rules->list[0];
	double chance = chance_of(rules, best);

	for (size_t i = 1; i < rules->count && i < 4; i++) {
		double c = chance_of(rules, &rules->list[i]);

		if (c > chance) {
			best = &rules->list[i];
			chance = c;
		}
	}
	return best;
}

static bool is_reordered(const struct rules *rules)
{
	double sum = 0;

	for (size_t i = 0; i < rules->count; i++) {
		if (rules->list[i].reordered)
			sum += rules->list[i].chance;
	}
	return sum > POSSIBLE_MIN;
}

static uint32_t possible_deltas(const struct rules *rules)
{
	double chances[DELTAS] = { 0 };
	uint32_t possible = 0;

	for (size_t i = 0; i < rules->count; i++)
		chances[rules->list[i].delta] += rules->list[i].chance;
	for (unsigned d = 0; d < DELTAS; d++) {
		if (chances[d] > POSSIBLE_MIN)
			possible |= 1u << d;
	}
	return possible;
}

/* Of a NAT that keeps ports: all, apart from those that are taken, which breaks no rule? */
static enum verdict_answer keeps_all(const struct rules_view *v, const struct rule *best)
{
	struct rules_tally t;
	double partial;

	if (best->delta != DELTA_EQUAL && best->delta != DELTA_PRESERVING)
		return VERDICT_NO;
	t = rules_count(v, best);
	partial = rules_is_partial(t);
	if (partial <= (t.kept == t.of ? UNBROKEN_MAX : PARTIAL_MAX))
		return VERDICT_YES;
	return partial >= PARTIAL_SURE ? VERDICT_NO : VERDICT_UNKNOWN;
}

/* Where a rule explains some ports and leaves others to chance, only the others can tell. */
static size_t parity_witnesses(const struct rules_view *v, const struct rule *best)
{
	if (best->delta == DELTA_RANDOM || best->delta == DELTA_INDEPENDENT)
		return v->count;
	return v->count - rules_count(v, best).kept;
}

static bool breaks_parity(const struct rules_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		if ((v->seen[i].local ^ v->seen[i].external) & 1)
			return true;
	}
	return false;
}

/* error: set where it is told from chance alone. */
static struct verdict_yes_no judge_parity(const struct rules_view *v, const struct rule *best,
					  double error_max, double *error)
{
	double by_chance = PARITY_ODDS * pow(0.5, (double)parity_witnesses(v, best));

	*error = 0;
	if (v->count < ANSWERED_MIN)
		return (struct verdict_yes_no){ .cause = CAUSE_LOSS };
	enum verdict_answer all = keeps_all(v, best);

	if (all == VERDICT_YES)
		return (struct verdict_yes_no){ best->value & 1 ? VERDICT_NO : VERDICT_YES, 0 };
	if (all == VERDICT_NO && breaks_parity(v))
		return (struct verdict_yes_no){ .value = VERDICT_NO };
	if (all == VERDICT_NO && by_chance <= error_max) {
		*error = by_chance;
		return (struct verdict_yes_no){ .value = VERDICT_YES };
	}
	return (struct verdict_yes_no){ .cause = CAUSE_AMBIGUOUS };
}

static struct verdict_yes_no judge_contiguity(const struct verdict_ports *p)
{
	bool counts = p->delta == DELTA_INDEPENDENT || p->delta == DELTA_DEPENDENT;

	if (p->delta == DELTA_UNKNOWN)
		return (struct verdict_yes_no){ .cause = p->cause };
	if (p->delta == DELTA_RANDOM || (counts && p->value != 1))
		return (struct verdict_yes_no){ .value = VERDICT_NO };
	return (struct verdict_yes_no){ .value = VERDICT_YES };
}

static void note_range(const struct rules_view *v, struct verdict_ports *out)
{
	for (size_t i = 0; i < v->count; i++) {
		uint16_t port = v->seen[i].external;

		if (out->low == 0 || port < out->low)
			out->low = port;
		if (port > out->high)
			out->high = port;
	}
}

static uint8_t unknown_cause(const struct rules_view *v, const struct rules *rules)
{
	if (v->count == 0 && v->sent == 0)
		return CAUSE_NOT_TRIED;
	if (v->count < ANSWERED_MIN)
		return CAUSE_LOSS;
	return is_reordered(rules) ? CAUSE_REORDERED : CAUSE_AMBIGUOUS;
}

static void judge_delta(const struct rules_view *v, const struct rules *rules, double error_max,
			struct verdict_ports *out)
{
	const struct rule *best = best_rule(rules);

	out->error = chance_of_others(rules, best);
	out->possible = possible_deltas(rules) | 1u << best->delta;
	if (v->count < ANSWERED_MIN)
		out->possible = ANY_DELTA;
	if (v->count < ANSWERED_MIN || out->error > error_max) {
		out->cause = unknown_cause(v, rules);
		return;
	}
	out->delta = best->delta;
	out->value = best->value;
	out->possible = 1u << best->delta;
}

void allocation_classify(const struct verdict_sample *samples, size_t count,
			 enum verdict_answer nat, double error_max, struct verdict_ports *out,
			 struct verdict_prediction *prediction)
{
	const struct rule equal = { .kind = RULE_EQUAL };
	struct rules_view view;
	struct rules rules;

	rules_view_fill(&view, samples, count);
	*out = (struct verdict_ports){
		.sampled = (uint16_t)count,
		.answered = (uint16_t)view.count,
	};
	*prediction = (struct verdict_prediction){ 0 };
	note_range(&view, out);
	if (nat == VERDICT_NO) {
		out->delta = DELTA_NOT_APPLICABLE;
		out->possible = 1u << DELTA_NOT_APPLICABLE;
		return;
	}
	rules_weigh(&view, &rules);
	judge_delta(&view, &rules, error_max * LENIENCE, out);
	out->preserved = share_interval(rules_count(&view, &equal));
	out->parity =
		judge_parity(&view, best_rule(&rules), error_max * LENIENCE, &out->parity_error);
	out->contiguity = judge_contiguity(out);
	if (out->delta != DELTA_UNKNOWN)
		prediction_make(&view, best_rule(&rules), prediction);
}

bool allocation_looks_random(const struct verdict_sample *samples, size_t count)
{
	struct rules_view view;
	struct rules rules;

	rules_view_fill(&view, samples, count);
	if (view.count < ANSWERED_WANTED)
		return false;
	rules_weigh(&view, &rules);
	return best_rule(&rules)->delta == DELTA_RANDOM;
}

static struct allocation_plan plan_of(enum allocation_locals locals, size_t count, bool serial,
				      size_t room)
{
	if (count > room)
		count = room;
	if (count == 0)
		return (struct allocation_plan){ .locals = ALLOCATION_ENOUGH };
	return (struct allocation_plan){
		.locals = (uint8_t)locals,
		.count = (uint8_t)count,
		.serial = serial,
	};
}

/* What a further sample shall tell: only neighbours tell `dependent` from the others. */
static enum allocation_locals telling_locals(const struct rules *rules)
{
	double dependent = 0, others = chance_of_others(rules, best_rule(rules));

	for (size_t i = 0; i < rules->count; i++) {
		if (rules->list[i].delta == DELTA_DEPENDENT)
			dependent += rules->list[i].chance;
	}
	return dependent > others / 2 ? ALLOCATION_CONSECUTIVE : ALLOCATION_RANDOM;
}

struct allocation_plan allocation_more(const struct verdict_sample *samples, size_t count,
				       enum verdict_answer nat, double error_max, size_t room)
{
	struct verdict_ports ports = { 0 };
	struct rules_view view;
	struct rules rules;

	if (nat == VERDICT_NO)
		return (struct allocation_plan){ .locals = ALLOCATION_ENOUGH };
	if (room > VERDICT_SAMPLES_MAX - count)
		room = VERDICT_SAMPLES_MAX - count;
	if (count < FIRST_RANDOM)
		return plan_of(ALLOCATION_RANDOM, FIRST_RANDOM - count, false, room);
	if (count < FIRST_RANDOM + FIRST_CONSECUTIVE)
		return plan_of(ALLOCATION_CONSECUTIVE, FIRST_RANDOM + FIRST_CONSECUTIVE - count,
			       false, room);
	rules_view_fill(&view, samples, count);
	rules_weigh(&view, &rules);
	judge_delta(&view, &rules, count < MANY_SAMPLES ? error_max : error_max * LENIENCE, &ports);
	double error;
	bool parity_open =
		judge_parity(&view, best_rule(&rules), error_max, &error).value == VERDICT_UNKNOWN;

	if (ports.delta != DELTA_UNKNOWN && !parity_open && view.count >= ANSWERED_WANTED)
		return (struct allocation_plan){ .locals = ALLOCATION_ENOUGH };
	if (ports.cause == CAUSE_REORDERED)
		return plan_of(ALLOCATION_CONSECUTIVE, MORE_SERIAL, true, room);
	if (ports.delta != DELTA_UNKNOWN) /* it is the parity that is open */
		return plan_of(ALLOCATION_RANDOM, MORE, false, room);
	return plan_of(telling_locals(&rules), MORE, false, room);
}
