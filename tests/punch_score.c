#include "punch_score.h"

#include <math.h>

#include "punch_judge.h"

#define LATE_US       10000000 /* a no comes before */
#define FULL_RANGE    60000
#define SMALL_BLOCK   512
#define Z             1.959964 /* of Wilson's interval: 95 % */
#define REACHED_LEAST 0.99
#define RIGHT_LEAST   0.95
#define WRONG_MOST    0.005
#define BRIER_MOST    0.05

/* 1 - C(range - ports, sockets) / C(range, sockets). */
static double hits_by_luck(double range, double sockets, double ports)
{
	double misses = 1;

	for (double i = 0; i < sockets && misses > 0; i++)
		misses *= 1 - ports / (range - i);
	return misses < 0 ? 1 : 1 - misses;
}

/* How many ports the outermost box that maps by destination chooses from. */
static double range_of(const struct nat_profile *p)
{
	for (size_t i = 0; i < p->layer_count; i++) {
		const struct nat_config *c = &p->layers[i];

		if (c->mapping <= NAT_EI)
			continue;
		if (c->block_width > 0)
			return c->block_width;
		return (c->port_high != 0 ? c->port_high : 65535) -
		       (c->port_low != 0 ? c->port_low : 1024) + 1.0;
	}
	return 65536;
}

static double formula_of(const struct sim_pair_config *c, const struct punch_plan *plan)
{
	double misses = 1;

	for (uint8_t i = 0; i < plan->count; i++) {
		const struct punch_step *s = &plan->steps[i];
		bool of_a = s->a.sockets > s->b.sockets;
		const struct punch_part *hard = of_a ? &s->a : &s->b, *easy = of_a ? &s->b : &s->a;

		if (s->strategy == PUNCH_BIRTHDAY && easy->sockets == 0)
			misses *= 1 - hits_by_luck(range_of(c->profiles[of_a ? 0 : 1]),
						   hard->sockets, easy->ports);
	}
	return 1 - misses;
}

/* As much as is demanded: of the full range, and of a small block. */
static bool is_weak(double range, unsigned sockets, unsigned ports)
{
	if (range > FULL_RANGE)
		return sockets < 256 || ports < 1000;
	return range <= SMALL_BLOCK && (sockets < 64 || ports < 64);
}

static bool is_slow(const struct nat_profile *p)
{
	for (size_t i = 0; p != NULL && i < p->layer_count; i++) {
		if (p->layers[i].rate_per_s > 0)
			return true;
	}
	return false;
}

/* Where it came to a search, and the networks take it. */
static unsigned weak_searches(const struct sim_pair_config *c, const struct punch_result *r)
{
	const struct punch_plan *plan = &r->plan;
	unsigned weak = 0;

	if (is_slow(c->profiles[0]) || is_slow(c->profiles[1]) ||
	    (r->path.strategy != PUNCH_NONE && r->path.strategy != PUNCH_BIRTHDAY &&
	     r->path.strategy != PUNCH_RELAY))
		return 0;

	for (uint8_t i = 0; i < plan->count; i++) {
		const struct punch_step *s = &plan->steps[i];
		bool of_a = s->a.sockets > s->b.sockets;
		const struct punch_part *hard = of_a ? &s->a : &s->b, *easy = of_a ? &s->b : &s->a;

		if (s->strategy == PUNCH_BIRTHDAY && easy->sockets == 0 &&
		    is_weak(range_of(c->profiles[of_a ? 0 : 1]), hard->sockets, easy->ports))
			weak++;
	}
	return weak;
}

static bool agree(const struct punch_path *a, const struct punch_path *b)
{
	if (a->strategy != b->strategy || a->is_tcp != b->is_tcp)
		return false;
	if (a->strategy == PUNCH_NONE)
		return true;
	/* A NAT64 in between shows other addresses of the same. */
	return a->remote.port == b->outer.port && b->remote.port == a->outer.port;
}

static bool is_unmeasured(const struct punch_result *r)
{
	return r->path.strategy != PUNCH_NONE &&
	       (r->quality.answered == 0 || 2 * r->quality.answered < r->quality.sent);
}

static void count_reason(struct punch_score *score, enum punch_judgement j, uint8_t reason)
{
	score->reasons_right += j == PUNCH_JUDGE_RIGHT;
	score->reasons_unsure += j == PUNCH_JUDGE_UNSURE;
	score->reasons_wrong += j == PUNCH_JUDGE_WRONG;
	if (j == PUNCH_JUDGE_WRONG)
		score->wrong_by_reason[reason]++;
}

static void say_reason(const struct sim_pair_config *c, const char *what,
		       const struct punch_verdict *v, enum punch_judgement j, FILE *says)
{
	static const char *const words[] = { "", "", "unsure", "WRONG" };

	if (says != NULL && (j == PUNCH_JUDGE_WRONG || j == PUNCH_JUDGE_UNSURE))
		fprintf(says, "%s x %s seed %llu loss %u: %s: reason %s, side %u, detail %d: %s\n",
			c->profiles[0]->id, c->same_nat ? "same" : c->profiles[1]->id,
			(unsigned long long)c->seed, c->loss_per_mille, what,
			punch_reason_word((enum punch_reason)v->reason), v->side, v->detail,
			words[j]);
}

static void count_reasons(const struct sim_pair_config *c, const struct sim_pair_side sides[2],
			  FILE *says, struct punch_score *score)
{
	const struct punch_result *r = &sides[0].result;
	enum punch_judgement j;

	for (uint8_t i = 0; i < r->plan.count; i++) {
		j = punch_judge_step(c, sides, 0, i);
		count_reason(score, j, r->verdicts[i].reason);
		say_reason(c, punch_strategy_word((enum punch_strategy)r->plan.steps[i].strategy),
			   &r->verdicts[i], j, says);
	}
	j = punch_judge_overall(c, sides, 0);
	count_reason(score, j, r->overall.reason);
	say_reason(c, "overall", &r->overall, j, says);
}

static void complain(const struct sim_pair_config *c, FILE *says, const char *what)
{
	if (says != NULL)
		fprintf(says, "%s x %s seed %llu loss %u: %s\n", c->profiles[0]->id,
			c->same_nat ? "same" : c->profiles[1]->id, (unsigned long long)c->seed,
			c->loss_per_mille, what);
}

static void count_trial(const struct sim_pair_config *c, const struct sim_pair_side sides[2],
			FILE *says, struct punch_score *score)
{
	const struct punch_result *a = &sides[0].result, *b = &sides[1].result;
	bool reached = a->path.strategy != PUNCH_NONE && !a->path.is_relayed &&
		       b->path.strategy != PUNCH_NONE && !b->path.is_relayed;
	bool relayed = a->path.is_relayed || b->path.is_relayed;
	double miss = a->plan.chance - (reached ? 1 : 0);

	score->reached += reached;
	score->relayed += relayed;
	score->tcp += reached && a->path.is_tcp;
	score->by_strategy[a->path.strategy]++;
	score->promised += a->plan.chance;
	score->brier += miss * miss;
	score->weak_searches += weak_searches(c, a) > 0;
	score->formula += formula_of(c, &a->plan);
	if (reached) {
		score->to_path_us += a->to_path_us;
		score->sent += a->sent + b->sent;
	}
	if (!agree(&a->path, &b->path)) {
		score->disagreed++;
		complain(c, says, "the two sides do not agree on the path");
	}
	if (sides[0].open_at_end + sides[1].open_at_end > 0) {
		score->left_open++;
		complain(c, says, "sockets are left open");
	}
	if (is_unmeasured(a) || is_unmeasured(b)) {
		score->unmeasured++;
		complain(c, says, "the path was hardly measured");
	}
	if (a->path.strategy == PUNCH_NONE &&
	    (a->elapsed_us > LATE_US || b->elapsed_us > LATE_US)) {
		score->late++;
		complain(c, says, "the no came late");
	}
	count_reasons(c, sides, says, score);
}

static void count_ports(const struct sim_pair_config *c, const struct sim_pair_side sides[2],
			struct punch_score *score)
{
	for (int i = 0; i < 2; i++) {
		const struct punch_path *path = &sides[i].result.path;

		if (path->strategy == PUNCH_NONE || path->is_relayed || c->local_ports[i] == 0)
			continue;
		score->ports_wanted++;
		score->ports_held += path->local.port == c->local_ports[i];
	}
}

void punch_score_trial(const struct sim_pair_config *c, FILE *says, struct punch_score *score)
{
	static struct sim_pair_side sides[2]; /* too large for a stack */

	score->trials++;
	score->with_relay += c->has_relay;
	if (sim_pair_run(c, sides)) {
		count_ports(c, sides, score);
		count_trial(c, sides, says, score);
		return;
	}
	score->unfinished++;
	complain(c, says, "NOT FINISHED");
}

void punch_score_add(struct punch_score *to, const struct punch_score *more)
{
	to->trials += more->trials;
	to->reached += more->reached;
	to->relayed += more->relayed;
	to->with_relay += more->with_relay;
	to->tcp += more->tcp;
	to->unfinished += more->unfinished;
	to->disagreed += more->disagreed;
	to->left_open += more->left_open;
	to->ports_wanted += more->ports_wanted;
	to->ports_held += more->ports_held;
	to->late += more->late;
	to->unmeasured += more->unmeasured;
	to->weak_searches += more->weak_searches;
	to->reasons_right += more->reasons_right;
	to->reasons_unsure += more->reasons_unsure;
	to->reasons_wrong += more->reasons_wrong;
	to->formula += more->formula;
	to->promised += more->promised;
	to->brier += more->brier;
	to->to_path_us += more->to_path_us;
	to->sent += more->sent;
	for (size_t i = 0; i < PUNCH_STRATEGIES; i++)
		to->by_strategy[i] += more->by_strategy[i];
	for (size_t i = 0; i < PUNCH_REASONS; i++)
		to->wrong_by_reason[i] += more->wrong_by_reason[i];
}

static double upper_bound(double won, double n)
{
	double share = won / n, z2 = Z * Z;

	return (share + z2 / (2 * n) + Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n))) /
	       (1 + z2 / n);
}

static unsigned check_oracle(const struct punch_score *s, const char *name,
			     enum punch_oracle_answer answer, FILE *to)
{
	double n = s->trials > 0 ? s->trials : 1, most = upper_bound(s->reached, n);

	if (answer == PUNCH_ORACLE_ALWAYS && s->reached < REACHED_LEAST * n) {
		fprintf(to, "%s: reachable, and %u of %u reached\n", name, s->reached, s->trials);
		return 1;
	}
	if (answer == PUNCH_ORACLE_SOMETIMES && most < s->formula / n) {
		fprintf(to, "%s: %u of %u reached, the formula says %.3f\n", name, s->reached,
			s->trials, s->formula / n);
		return 1;
	}
	if (answer == PUNCH_ORACLE_NEVER && s->reached == 0 && s->relayed < s->with_relay) {
		fprintf(to, "%s: %u of %u that had a relay ended on it\n", name, s->relayed,
			s->with_relay);
		return 1;
	}
	return 0;
}

unsigned punch_score_check(const struct punch_score *s, const char *name,
			   const struct punch_oracle *oracle, FILE *to)
{
	const struct {
		unsigned n;
		const char *what;
	} never[] = { { s->unfinished, "did not finish" },
		      { s->disagreed, "ended with two opinions" },
		      { s->left_open, "left sockets open" },
		      { s->weak_searches, "searched with too little" },
		      { s->unmeasured, "left a path unmeasured" },
		      { s->late, "said no after 10 s" } };
	unsigned lines = check_oracle(
		s, name, oracle != NULL ? punch_oracle_best(oracle) : PUNCH_ORACLE_ALWAYS, to);

	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		if (never[i].n == 0)
			continue;
		fprintf(to, "%s: %u of %u %s\n", name, never[i].n, s->trials, never[i].what);
		lines++;
	}
	return lines;
}

unsigned punch_score_check_all(const struct punch_score *s, FILE *to)
{
	double judged = s->reasons_right + s->reasons_unsure + s->reasons_wrong;
	double sure = s->reasons_right + s->reasons_wrong, n = s->trials > 0 ? s->trials : 1;
	unsigned lines = 0;

	if (s->reasons_right < RIGHT_LEAST * judged) {
		fprintf(to, "reasons: %.2f %% are right\n", 100 * s->reasons_right / judged);
		lines++;
	}
	if (s->reasons_wrong > WRONG_MOST * sure) {
		fprintf(to, "reasons: %.2f %% of those that are sure are wrong\n",
			100 * s->reasons_wrong / sure);
		lines++;
	}
	if (s->brier > BRIER_MOST * n) {
		fprintf(to, "chances: their Brier score is %.4f\n", s->brier / n);
		lines++;
	}
	return lines;
}
