/* Trials that fail, each for one reason: the sentence that both users read, and the true cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "natprobe/trial/trial_record.h"
#include "punch_judge.h"

struct story {
	const char *a, *b;
	enum punch_strategy only;
	int64_t skew_us;
	uint64_t seed;
	uint32_t others_per_s;                      /* more mappings of others in A's box */
	void (*mistake)(struct peer_profile *of_a); /* what a diagnosis has wrong; NULL: nothing */
};

struct told {
	struct sim_pair_side sides[2];
	struct trial_record records[2];
	struct sim_pair_config config;
};

static void run(const struct story *s, struct told *t)
{
	static struct peer_profile known[2];
	static struct nat_profile busy;

	busy = *nat_profile_find(s->a);
	busy.layers[0].background_per_s += s->others_per_s;
	t->config = (struct sim_pair_config){
		.profiles = { &busy, nat_profile_find(s->b) },
		.seed = s->seed,
		.clock_error_us = 10000,
		.start_skew_us = s->skew_us,
		.only = PUNCH_BIT(s->only),
	};
	for (unsigned i = 0; i < 2; i++) {
		sim_pair_diagnose(&t->config, i, &known[i]);
		t->config.known[i] = &known[i];
	}
	if (s->mistake != NULL)
		s->mistake(&known[0]);
	assert_true(sim_pair_run(&t->config, t->sides));
	for (unsigned i = 0; i < 2; i++) {
		const struct sim_pair_side *ours = &t->sides[i], *theirs = &t->sides[1 - i];

		assert_int_equal(ours->result.path.strategy, PUNCH_NONE);
		trial_record_make(&ours->result, &ours->profile, &theirs->profile, &t->records[i]);
		assert_int_equal(punch_judge_overall(&t->config, t->sides, i), PUNCH_JUDGE_RIGHT);
	}
	assert_int_equal(t->records[0].overall.reason, t->records[1].overall.reason);
	assert_int_equal(t->records[0].overall.detail, t->records[1].overall.detail);
}

/* The text with '#' for each number. */
static void reads(const struct trial_record *r, const char *expected)
{
	char text[TRIAL_WHY_MAX];
	size_t len = 0;

	for (const char *c = r->why; *c != '\0'; c++) {
		bool is_digit = *c >= '0' && *c <= '9';

		if (!is_digit)
			text[len++] = *c;
		else if (len == 0 || text[len - 1] != '#')
			text[len++] = '#';
	}
	text[len] = '\0';
	assert_string_equal(text, expected);
}

static void fails(const struct story *s, enum punch_reason reason, const char *to_a,
		  const char *to_b)
{
	struct told *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	run(s, t);
	if (t->records[0].overall.reason != reason)
		fail_msg("%s: %s",
			 punch_reason_word((enum punch_reason)t->records[0].overall.reason),
			 t->records[0].why);
	reads(&t->records[0], to_a);
	reads(&t->records[1], to_b);
	free(t);
}

/* A counter says where it went to, and nobody else could. */
static void test_moved(void **state)
{
	static const struct story up = { "N17", "N07", PUNCH_SIMULTANEOUS, 0, 1, 0, NULL };
	static const struct story down = { "N19", "N07", PUNCH_LOW_TTL, 0, 1, 0, NULL };

	(void)state;
	fails(&up, REASON_MAPPING_DIFFERS,
	      "Their filter dropped us, since our mapping moved from # to #.",
	      "Our filter dropped them, since their mapping moved from # to #.");
	fails(&down, REASON_MAPPING_DIFFERS,
	      "Their filter dropped us, since our mapping moved from # to #.",
	      "Our filter dropped them, since their mapping moved from # to #.");
}

static void test_remapped(void **state)
{
	static const struct story s = { "K1", "N07", PUNCH_SIMULTANEOUS, -60000, 2, 0, NULL };

	(void)state;
	fails(&s, REASON_REMAPPED,
	      "Their filter dropped us, since a packet of theirs came before our first and made "
	      "our "
	      "NAT use another port than #.",
	      "Our filter dropped them, since a packet of ours came before their first and made "
	      "their NAT use another port than #.");
}

static void test_blocked(void **state)
{
	static const struct story s = { "N35", "N07", PUNCH_SIMULTANEOUS, 0, 1, 0, NULL };

	(void)state;
	fails(&s, REASON_UDP_BLOCKED, "Our network passes no UDP: it leaves, and nothing returns.",
	      "Their network passes no UDP: it leaves, and nothing returns.");
}

/* What the offers show, though no diagnosis did. */
static void forgets_pool(struct peer_profile *p)
{
	p->paths[0].pooling = POOLING_UNKNOWN;
	p->paths[0].external_count = 1;
}

static void test_pool(void **state)
{
	static const struct story s = { "N29", "N07", PUNCH_SIMULTANEOUS, 0, 2, 0, forgets_pool };

	(void)state;
	fails(&s, REASON_POOL, "Our NAT used another external address towards them than #.#.#.#.",
	      "Their NAT used another external address towards us than #.#.#.#.");
}

/* A counter that others move, too, which the diagnosis did not see. */
static void forgets_others(struct peer_profile *p)
{
	p->paths[0].background_per_s = 0;
}

static void test_missed(void **state)
{
	static const struct story s = { "N18", "N07", PUNCH_PREDICTION, 0, 1, 200, forgets_others };
	struct told *t = calloc(1, sizeof(*t));

	(void)state;
	assert_non_null(t);
	run(&s, t);
	assert_int_equal(t->records[0].overall.reason, REASON_PREDICTION_MISSED);
	assert_true(t->records[0].overall.detail > 0);
	reads(&t->records[0],
	      "The prediction missed by +#: the ports of our NAT were none of those foretold.");
	reads(&t->records[1],
	      "The prediction missed by +#: the ports of their NAT were none of those foretold.");
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),   cmocka_unit_test(test_remapped),
		cmocka_unit_test(test_blocked), cmocka_unit_test(test_pool),
		cmocka_unit_test(test_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
