#include "punch_oracle.h"

#include "punch_oracle_script.h"

#define DRAWS       4
#define DRAWS_LUCKY 4 /* of schedules that guess */
#define MANY        256
#define MANY_PORTS  1000
#define SEARCHERS   256
#define FEW         32
#define FEW_PORTS   40

struct search {
	const struct nat_profile *a, *b;
	bool is_tcp;
	uint8_t best; /* enum punch_oracle_answer */
};

/* Another way than the announced one may make sense only where mappings depend on something. */
static bool is_hard(const struct nat_profile *p, bool is_tcp)
{
	for (size_t i = 0; i < p->layer_count; i++) {
		const struct nat_config *c = &p->layers[i];
		uint8_t rule = is_tcp && c->has_tcp_rules ? c->tcp_mapping : c->mapping;

		if (rule > NAT_EI || c->pooling != NAT_POOL_PAIRED)
			return true;
	}
	return false;
}

static bool has_own_address(const struct nat_profile *p)
{
	return p->family == ADDR_IPV6;
}

static bool may_go(const struct nat_profile *p, uint8_t way, bool is_tcp)
{
	if (way == ORACLE_ANNOUNCED)
		return true;
	if (way == ORACLE_HOST)
		return has_own_address(p);
	return is_hard(p, is_tcp);
}

static void note(struct search *s, uint8_t answer)
{
	if (answer > s->best)
		s->best = answer;
}

/* As many draws as it takes to know. */
static void try_draws(struct search *s, const struct oracle_schedule *schedule)
{
	unsigned won = 0, lost = 0;

	for (uint64_t seed = 1; seed <= DRAWS && (lost == 0 || seed <= 2); seed++) {
		if (oracle_script_run(schedule, s->a, s->b, seed))
			won++;
		else
			lost++;
	}
	if (won > 0)
		note(s, lost == 0 ? PUNCH_ORACLE_ALWAYS : PUNCH_ORACLE_SOMETIMES);
}

static void try_lucky(struct search *s, const struct oracle_schedule *schedule)
{
	for (uint64_t seed = 1; seed <= DRAWS_LUCKY && s->best == PUNCH_ORACLE_NEVER; seed++) {
		if (oracle_script_run(schedule, s->a, s->b, seed))
			note(s, PUNCH_ORACLE_SOMETIMES);
	}
}

/* Who is first, with which first packets. */
static void try_orders(struct search *s, struct oracle_schedule *schedule)
{
	for (uint8_t first = 0; first < ORACLE_FIRSTS; first++) {
		for (unsigned low = 0; low < 4 && s->best < PUNCH_ORACLE_ALWAYS; low++) {
			schedule->first = first;
			schedule->low[0] = (low & 1) != 0;
			schedule->low[1] = (low & 2) != 0;
			try_draws(s, schedule);
		}
	}
	/* One side waits; first, for what connects. */
	schedule->low[0] = schedule->low[1] = false;
	for (unsigned i = 0; i < 2 && s->best < PUNCH_ORACLE_ALWAYS; i++) {
		schedule->waits[i] = true;
		try_draws(s, schedule);
		schedule->waits[i] = false;
	}
}

static void try_ways(struct search *s)
{
	const struct nat_profile *b = s->b != NULL ? s->b : s->a;

	for (uint8_t i = 0; i < ORACLE_WAYS; i++) {
		for (uint8_t k = 0; k < ORACLE_WAYS && s->best < PUNCH_ORACLE_ALWAYS; k++) {
			struct oracle_schedule schedule = { .is_tcp = s->is_tcp, .way = { i, k } };

			if (may_go(s->a, i, s->is_tcp) && may_go(b, k, s->is_tcp))
				try_orders(s, &schedule);
		}
	}
}

/* Many sockets of one side, and ports of its range that the other one tries. */
static void try_birthday(struct search *s, unsigned hard, uint8_t easy_way)
{
	struct oracle_schedule schedule = { .first = hard == 0 ? ORACLE_A : ORACLE_B };

	schedule.sockets[hard] = MANY;
	schedule.guesses[1 - hard] = MANY_PORTS;
	schedule.way[1 - hard] = easy_way;
	try_lucky(s, &schedule);
	schedule.low[hard] = true;
	try_lucky(s, &schedule);
}

/* The other side's ports can be foretold: so each of the sockets tries some. */
static void try_mixed(struct search *s, unsigned random)
{
	struct oracle_schedule schedule = { .first = ORACLE_BOTH };

	schedule.sockets[random] = FEW;
	schedule.guesses[1 - random] = FEW_PORTS;
	schedule.way[1 - random] = ORACLE_NEXT;
	try_lucky(s, &schedule);
	schedule.way[1 - random] = ORACLE_FURTHER;
	try_lucky(s, &schedule);
}

static void try_both(struct search *s)
{
	struct oracle_schedule schedule = { .first = ORACLE_BOTH,
					    .sockets = { SEARCHERS, SEARCHERS },
					    .guesses = { 2 * SEARCHERS, 2 * SEARCHERS } };

	try_lucky(s, &schedule);
}

static void search(struct search *s)
{
	const struct nat_profile *b = s->b != NULL ? s->b : s->a;

	try_ways(s);
	if (s->is_tcp || s->best != PUNCH_ORACLE_NEVER)
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (!is_hard(i == 0 ? s->a : b, false))
			continue;
		try_birthday(s, i, ORACLE_ANNOUNCED);
		try_mixed(s, i);
	}
	if (is_hard(s->a, false) && is_hard(b, false))
		try_both(s);
}

void punch_oracle_ask(const struct nat_profile *a, const struct nat_profile *b, bool same_nat,
		      struct punch_oracle *out)
{
	struct search s = { .a = a, .b = same_nat ? NULL : b };

	search(&s);
	out->udp = s.best;
	s.is_tcp = true;
	s.best = PUNCH_ORACLE_NEVER;
	search(&s);
	out->tcp = s.best;
}

enum punch_oracle_answer punch_oracle_best(const struct punch_oracle *o)
{
	return (enum punch_oracle_answer)(o->udp > o->tcp ? o->udp : o->tcp);
}

char punch_oracle_sign(enum punch_oracle_answer a)
{
	return "-pR"[a];
}
