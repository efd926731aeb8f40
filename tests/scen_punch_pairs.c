/* Trials of punching between networks of all kinds, held to what tests/bench/punch_matrix demands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "punch_score.h"

struct pair {
	const char *a, *b; /* b "": behind the boxes of A */
};

static const struct punch_oracle always = { .udp = PUNCH_ORACLE_ALWAYS };
static const struct punch_oracle sometimes = { .udp = PUNCH_ORACLE_SOMETIMES };
static const struct punch_oracle never = { .udp = PUNCH_ORACLE_NEVER };

static struct sim_pair_config config_of(const struct pair *p, uint64_t seed, uint32_t loss,
					uint32_t only)
{
	bool is_same = p->b[0] == '\0';

	return (struct sim_pair_config){
		.profiles = { nat_profile_find(p->a), is_same ? NULL : nat_profile_find(p->b) },
		.same_nat = is_same,
		.seed = seed,
		.loss_per_mille = loss,
		.has_relay = seed % 2 == 0,
		.clock_error_us = 10000,
		.start_skew_us = seed % 3 == 0 ? 8000 : -3000,
		.only = only,
	};
}

static void trial_of(const struct pair *p, uint64_t seed, uint32_t loss, uint32_t only,
		     struct punch_score *score)
{
	struct sim_pair_config c = config_of(p, seed, loss, only);

	punch_score_trial(&c, stderr, score);
}

static void trial(const struct pair *p, uint64_t seed, uint32_t loss, struct punch_score *score)
{
	trial_of(p, seed, loss, 0, score);
}

static void check(const struct pair *list, size_t n, const struct punch_oracle *oracle)
{
	struct punch_score sum = { 0 };
	unsigned misses = 0;

	for (size_t i = 0; i < n; i++) {
		struct punch_score s = { 0 };
		char name[64];

		trial(&list[i], 2 * i + 1, 0, &s);
		trial(&list[i], 2 * i + 2, 0, &s);
		snprintf(name, sizeof(name), "%s x %s", list[i].a, list[i].b);
		misses += punch_score_check(&s, name, oracle, stderr);
		punch_score_add(&sum, &s);
	}
	assert_int_equal(misses, 0);
	assert_int_equal(sum.reasons_wrong, 0);
}

/* One row for each kind of NAT, as far as a path can be had each time. */
static void test_reachable(void **state)
{
	static const struct pair list[] = {
		{ "N01", "N01" }, { "N01", "N22" }, { "N02", "N07" }, { "N05", "N22" },
		{ "N06", "N17" }, { "N06", "N27" }, { "N07", "N07" }, { "N08", "N08" },
		{ "N07", "N17" }, { "N08", "N19" }, { "N08", "N21" }, { "N17", "N17" },
		{ "N28", "N08" }, { "N11", "N12" }, { "N10", "N13" }, { "N38", "N39" },
		{ "N41", "N08" }, { "N42", "N42" }, { "N43", "N44" }, { "N46", "N48" },
		{ "N32", "N33" }, { "N50", "N51" }, { "N57", "N52" }, { "N29", "N30" },
	};

	(void)state;
	check(list, ARRAY_LEN(list), &always);
}

/* What comes early takes the mapping away: then first packets end underway. */
static void test_linux(void **state)
{
	static const struct pair list[] = {
		{ "K1", "K1" },
		{ "K1", "K2" },
		{ "K1", "N02" },
		{ "N17", "K1" },
	};

	(void)state;
	check(list, ARRAY_LEN(list), &always);
}

/* Where no UDP leaves there is TCP. */
static void test_tcp(void **state)
{
	static const struct pair list[] = {
		{ "N35", "N01" }, { "N35", "N08" }, { "N36", "K2" },
		{ "N35", "N35" }, { "N20", "N36" },
	};

	(void)state;
	check(list, ARRAY_LEN(list), &always);
}

static void test_luck(void **state)
{
	static const struct pair list[] = {
		{ "N08", "N27" },
		{ "N22", "N08" },
		{ "K1", "N27" },
	};

	(void)state;
	check(list, ARRAY_LEN(list), &sometimes);
}

/* Behind one NAT: the local network, whatever the NAT does. */
static void test_same_nat(void **state)
{
	static const struct pair list[] = { { "N07", "" }, { "N08", "" }, { "N22", "" },
					    { "N35", "" }, { "K1", "" },  { "N42", "" },
					    { "N17", "" } };

	(void)state;
	check(list, ARRAY_LEN(list), &always);
}

/* No way but the relay, where there is one; else a reason. */
static void test_never(void **state)
{
	static const struct pair list[] = {
		{ "N22", "N22" },
		{ "N35", "N22" },
		{ "N08", "N42" },
	};

	(void)state;
	check(list, ARRAY_LEN(list), &never);
}

static void test_loss(void **state)
{
	static const struct pair list[] = {
		{ "N08", "N08" }, { "N08", "N17" }, { "K1", "N08" }, { "N05", "N22" }
	};
	struct punch_score sum = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		struct punch_score s = { 0 };

		trial(&list[i], 1, 20, &s);
		trial(&list[i], 2, 20, &s);
		punch_score_add(&sum, &s);
	}
	assert_int_equal(punch_score_check(&sum, "loss", &always, stderr), 0);
}

/* An application's port on both sides: whoever needs one socket has it there, and no path is lost. */
static void test_given_port(void **state)
{
	static const struct {
		struct pair pair;
		unsigned held; /* of two ends: what is foretold takes other sockets */
	} list[] = {
		{ { "N01", "N08" }, 2 }, { { "N07", "N08" }, 2 }, { { "N41", "N08" }, 2 },
		{ { "N50", "N51" }, 2 }, { { "N05", "N22" }, 2 }, { { "N02", "K1" }, 2 },
		{ { "N06", "N27" }, 2 }, { { "N17", "" }, 2 },    { { "K1", "" }, 2 },
		{ { "N08", "N19" }, 1 }, { { "N28", "N08" }, 1 },
	};
	struct punch_score sum = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		struct sim_pair_config c = config_of(&list[i].pair, i + 1, 0, 0);
		struct punch_score s = { 0 };

		c.local_ports[0] = 51820;
		c.local_ports[1] = 7000;
		punch_score_trial(&c, stderr, &s);
		if (s.ports_held != list[i].held)
			fail_msg("%s x %s: %u of 2", list[i].pair.a, list[i].pair.b, s.ports_held);
		punch_score_add(&sum, &s);
	}
	assert_int_equal(punch_score_check(&sum, "port", &always, stderr), 0);
}

/* What B says never comes. A knows nothing of its ports then, and waits where B can find it. */
static void one_way(const char *a, const char *b, bool is_path)
{
	struct sim_pair_config c = {
		.profiles = { nat_profile_find(a), nat_profile_find(b) },
		.seed = 5,
		.clock_error_us = 10000,
		.one_way = true,
	};
	struct sim_pair_side *sides = calloc(2, sizeof(*sides));

	assert_non_null(sides);
	assert_true(sim_pair_run(&c, sides));
	for (int i = 0; i < 2; i++) {
		const struct punch_result *r = &sides[i].result;

		if ((r->path.strategy != PUNCH_NONE) != is_path)
			fail_msg("%s x %s, side %d: %s, %s", a, b, i,
				 punch_strategy_word(r->path.strategy),
				 punch_reason_word(r->overall.reason));
		if (!is_path)
			assert_int_not_equal(r->overall.reason, REASON_NONE);
	}
	free(sides);
}

static void test_one_way(void **state)
{
	(void)state;
	one_way("N01", "N01", true);
	one_way("N06", "N08", true);
	one_way("N05", "N22", true);
	one_way("N06", "N06", true);
	one_way("N17", "N17", false);
	one_way("N22", "N08", false);
}

/* Whatever is lost, both end alike and in time, and nothing is left behind. */
static void test_ends_alike(void **state)
{
	static const struct pair list[] = { { "N35", "N40" }, { "N40", "N36" }, { "N36", "N36" } };
	struct punch_score sum = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		for (size_t i = 0; i < ARRAY_LEN(list); i++)
			trial(&list[i], seed, 150, &sum);
	}
	assert_int_equal(sum.disagreed, 0);
	assert_int_equal(sum.unfinished, 0);
	assert_int_equal(sum.left_open, 0);
	assert_int_equal(sum.late, 0);
}

/* A long way that loses packets, and TCP alone. */
static void test_far_away(void **state)
{
	static const struct pair list[] = { { "N35", "N40" }, { "N40", "N36" }, { "N40", "N40" } };
	struct punch_score sum = { 0 };

	(void)state;
	for (uint64_t seed = 11; seed <= 12; seed++) {
		for (size_t i = 0; i < ARRAY_LEN(list); i++)
			trial(&list[i], seed, 0, &sum);
	}
	assert_int_equal(sum.reached, 2 * ARRAY_LEN(list));
	assert_int_equal(sum.unmeasured, 0);
}

/* A NAT that ends a mapping when somebody meets it who is not expected: whoever lets in everybody, and
 * has another port for each, only waits. */
static void test_fragile(void **state)
{
	static const struct pair list[] = { { "N23", "N39" }, { "N39", "N23" } };
	struct punch_score sum = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		trial_of(&list[i], 1 + 2 * i, 0, PUNCH_BIT(PUNCH_TCP), &sum);
	assert_int_equal(sum.reached, ARRAY_LEN(list));
}

/* A is still nominating when the step is through: the socket has to stay. */
static void test_nominates_late(void **state)
{
	static const struct pair pair = { "N31", "N39" };
	struct punch_score sum = { 0 };

	(void)state;
	trial(&pair, 125, 0, &sum);
	assert_int_equal(sum.reasons_wrong, 0);
	assert_int_equal(sum.disagreed + sum.unfinished, 0);
}

/* Draws of bench/punch_matrix that went wrong once: one engine spun where a burst was at its end as
 * TCP had made the path, one sent a SYN that moved the mapping of the path that was just agreed on,
 * one heard of two answers only, as the others came in a segment that was lost three times. */
static void test_draws(void **state)
{
	static const struct {
		struct pair pair;
		uint64_t seed;
	} draws[] = {
		{ { "K3", "N58" }, 199 },
		{ { "N16", "N23" }, 69 },
		{ { "N35", "N40" }, 178 },
		{ { "N36", "N40" }, 178 },
	};
	struct punch_score sum = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(draws); i++) {
		struct sim_pair_config c =
			sim_pair_drawn(nat_profile_find(draws[i].pair.a),
				       nat_profile_find(draws[i].pair.b), draws[i].seed, 20, 10000);

		punch_score_trial(&c, stderr, &sum);
	}
	assert_int_equal(punch_score_check(&sum, "draws", &always, stderr), 0);
}

/* A counter that leaves out ports of the wrong parity is a plain row for sockets of one parity alone. */
static void test_parity(void **state)
{
	static const int32_t steps[][2] = { { 2, 2 }, { 1, -2 }, { 4, 1 } };
	struct nat_profile a = *nat_profile_find("N17"), b = a;
	struct punch_score sum = { 0 };

	(void)state;
	a.layers[0].allocation = b.layers[0].allocation = NAT_PARITY_SEQUENTIAL;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		a.layers[0].step = steps[i][0];
		b.layers[0].step = steps[i][1];
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct sim_pair_config c = sim_pair_drawn(&a, &b, seed, 0, 10000);

			punch_score_trial(&c, stderr, &sum);
		}
	}
	assert_int_equal(punch_score_check(&sum, "parity", &always, stderr), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reachable),  cmocka_unit_test(test_linux),
		cmocka_unit_test(test_tcp),        cmocka_unit_test(test_luck),
		cmocka_unit_test(test_same_nat),   cmocka_unit_test(test_never),
		cmocka_unit_test(test_loss),       cmocka_unit_test(test_given_port),
		cmocka_unit_test(test_one_way),    cmocka_unit_test(test_far_away),
		cmocka_unit_test(test_ends_alike), cmocka_unit_test(test_nominates_late),
		cmocka_unit_test(test_fragile),    cmocka_unit_test(test_draws),
		cmocka_unit_test(test_parity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
