#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/punch_paths.h"

static struct punch_plan plan_of(enum punch_row a, enum punch_row b, uint32_t only)
{
	struct peer_profile pa = punch_row_profile(a, 0), pb = punch_row_profile(b, 1);
	struct punch_plan_options options = { .only = only,
					      .start_error_us = 20000,
					      .has_relay = true };
	struct punch_plan plan;

	punch_plan_make(&pa, &pb, &options, &plan);
	return plan;
}

static const struct punch_step *step_of(const struct punch_plan *plan, enum punch_strategy s)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].strategy == s)
			return &plan->steps[i];
	}
	return NULL;
}

/* The birthday table of what is known, and its edges. */
static void test_birthday(void **state)
{
	static const struct {
		uint32_t range, sockets, ports;
		double chance;
	} known[] = {
		{ 64511, 256, 1000, 0.982 },
		{ 64511, 256, 256, 0.64 },
		{ 64511, 84, 800, 0.65 },
		{ 512, 64, 64, 0.9998 },
		{ 512, 16, 16, 0.40 },
		{ 2048, 64, 64, 0.87 },
		{ 64511, 0, 1000, 0 },
		{ 64511, 256, 0, 0 },
		{ 0, 1, 1, 0 },
		{ 10, 6, 5, 1 },
		{ 10, 10, 1, 1 },
		{ 2, 1, 1, 0.5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		double chance =
			punch_birthday_chance(known[i].range, known[i].sockets, known[i].ports);

		assert_true(fabs(chance - known[i].chance) < 0.01);
	}
}

/* A block of ports is searched until a miss is next to excluded; the mappings that it takes, of which
 * a NAT may grant few, are fewer. */
static void test_block(void **state)
{
	static const uint16_t widths[] = { 200, 512, 1008, 2048, 4096 };
	struct peer_profile a = punch_row_profile(ROW_BLOCK, 0), b = punch_row_profile(ROW_PORT, 1);
	struct punch_plan_options options = { 0 };
	struct punch_plan plan;

	(void)state;
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		const struct punch_step *s;

		a.paths[0].port_high = (uint16_t)(a.paths[0].port_low + widths[i] - 1);
		punch_plan_make(&a, &b, &options, &plan);
		s = step_of(&plan, PUNCH_BIRTHDAY);
		assert_non_null(s);
		assert_true(s->a.sockets <= s->b.ports);
		assert_true(s->a.sockets <= 64 || s->a.sockets * s->a.sockets <= 9 * widths[i]);
		assert_true(punch_birthday_chance(widths[i], s->a.sockets, s->b.ports) > 0.999998);
	}
}

/* 'y': sure without search; 'p': by chance; 'x': a relay only. TCP alone where it says 't'. */
static const char *const matrix[PUNCH_ROWS] = {
	[ROW_OPEN] = "yyyyyyyyyt",       [ROW_FIREWALL] = "yyyyyyppp.",
	[ROW_FULL_CONE] = "yyyyyyyyyt",  [ROW_RESTRICTED] = "yyyyyyyyy.",
	[ROW_PORT] = "yyyyyyppp.",       [ROW_LINUX] = "yyyyyyppp.",
	[ROW_SEQUENTIAL] = "ypyyppppx.", [ROW_BLOCK] = "ypyypppp..",
	[ROW_RANDOM] = "ypyyppx.x.",     [ROW_BLOCKED] = "t.t.......",
};

static void check_cell(enum punch_row a, enum punch_row b)
{
	struct punch_plan plan = plan_of(a, b, 0);
	char expected = matrix[a][b];
	uint32_t search = 0;

	for (size_t i = 0; i < plan.count; i++) {
		if (plan.steps[i].strategy >= PUNCH_PREDICTION &&
		    plan.steps[i].strategy <= PUNCH_MIXED)
			search |= PUNCH_BIT(plan.steps[i].strategy);
	}
	if (expected == 'y') {
		assert_true(plan.chance > 0.95);
		assert_int_equal(search, 0);
	} else if (expected == 'p') {
		assert_true(plan.chance > 0.2);
		assert_int_not_equal(search, 0);
	} else if (expected == 'x') {
		assert_true(plan.chance < 0.1);
	} else if (expected == 't') {
		assert_true(plan.chance > 0.8);
		assert_non_null(step_of(&plan, PUNCH_TCP));
		assert_null(step_of(&plan, PUNCH_SIMULTANEOUS));
	}
	assert_int_equal(plan.steps[plan.count - 1].strategy, PUNCH_RELAY);
	assert_true(plan.chance_relay >= plan.chance);
	if (plan.count == 1)
		assert_int_not_equal(plan.reason, REASON_NONE);
}

static void test_matrix(void **state)
{
	(void)state;
	for (int a = 0; a < PUNCH_ROWS; a++) {
		for (int b = 0; b < PUNCH_ROWS; b++)
			check_cell((enum punch_row)a, (enum punch_row)b);
	}
}

static void check_limits(const struct punch_plan *plan)
{
	uint32_t sets[2] = { 0, 0 };

	assert_true(plan->count <= PUNCH_STEPS_MAX);
	for (size_t i = 0; i < plan->count; i++) {
		const struct punch_step *s = &plan->steps[i];

		assert_true(s->chance >= 0 && s->chance <= 1);
		assert_true(s->set < PEER_SETS);
		assert_true(s->a.sockets <= PUNCH_SOCKETS_MAX && s->b.sockets <= PUNCH_SOCKETS_MAX);
		assert_true(s->a.ports <= PUNCH_PORTS_MAX && s->b.ports <= PUNCH_PORTS_MAX);
		if (s->strategy == PUNCH_RELAY)
			continue;
		assert_true(s->start_us + s->duration_us <= PUNCH_PLAN_LIMIT_US);
		assert_true(i == 0 || s->start_us >= plan->steps[i - 1].start_us);
		if (s->strategy == PUNCH_PORT_MAPPING)
			continue;
		assert_int_equal(sets[s->is_tcp] & 1u << s->set, 0); /* one path each here */
		sets[s->is_tcp] |= 1u << s->set;
	}
}

/* Whatever side one looks from: the same steps, with the parts exchanged. */
static void test_mirror(void **state)
{
	(void)state;
	for (int a = 0; a < PUNCH_ROWS; a++) {
		for (int b = 0; b < PUNCH_ROWS; b++) {
			struct punch_plan one = plan_of((enum punch_row)a, (enum punch_row)b, 0);
			struct punch_plan other = plan_of((enum punch_row)b, (enum punch_row)a, 0);

			check_limits(&one);
			assert_int_equal(one.count, other.count);
			assert_true(fabs(one.chance - other.chance) < 1e-9);
			assert_true(fabs(one.chance_relay - other.chance_relay) < 1e-9);
			assert_int_equal(one.reason, other.reason);
			for (size_t i = 0; i < one.count; i++)
				assert_int_equal(one.steps[i].strategy, other.steps[i].strategy);
		}
	}
}

/* Each strategy alone, for any two rows that have UDP. */
static void test_only(void **state)
{
	(void)state;
	for (int s = PUNCH_DIRECT; s < PUNCH_STRATEGIES; s++) {
		for (int a = 0; a < PUNCH_ROWS; a++) {
			for (int b = 0; b < PUNCH_ROWS; b++) {
				struct punch_plan plan =
					plan_of((enum punch_row)a, (enum punch_row)b, PUNCH_BIT(s));

				check_limits(&plan);
				for (size_t i = 0; i < plan.count; i++)
					assert_int_equal(plan.steps[i].strategy, s);
				if (s == PUNCH_SIMULTANEOUS || s == PUNCH_TCP || s == PUNCH_DELAYED)
					assert_true(plan.count >= 1);
			}
		}
	}
}

/* What is named alone, and for other networks, says so; what can be tried is tried. */
static void test_forced(void **state)
{
	static const struct {
		enum punch_row a, b;
		enum punch_strategy forced;
		enum punch_reason reason;
		enum punch_side side;
		bool is_hopeless;
	} rows[] = {
		{ ROW_PORT, ROW_PORT, PUNCH_PREDICTION, REASON_NOT_TRIED, PUNCH_SIDE_NONE, true },
		{ ROW_RANDOM, ROW_PORT, PUNCH_PREDICTION, REASON_NOT_TRIED, PUNCH_SIDE_A, true },
		{ ROW_SEQUENTIAL, ROW_RANDOM, PUNCH_PREDICTION, REASON_NOT_TRIED, PUNCH_SIDE_B,
		  true },
		{ ROW_PORT, ROW_RANDOM, PUNCH_MIXED, REASON_NOT_TRIED, PUNCH_SIDE_NONE, true },
		{ ROW_RANDOM, ROW_RANDOM, PUNCH_SIMULTANEOUS, REASON_MAPPING_DIFFERS,
		  PUNCH_SIDE_BOTH, false },
		{ ROW_PORT, ROW_RANDOM, PUNCH_LOW_TTL, REASON_MAPPING_DIFFERS, PUNCH_SIDE_B,
		  false },
		{ ROW_PORT, ROW_PORT, PUNCH_DIRECT, REASON_FILTERED, PUNCH_SIDE_BOTH, false },
		{ ROW_PORT, ROW_PORT, PUNCH_PORT_MAPPING, REASON_NO_PORT_MAPPING, PUNCH_SIDE_BOTH,
		  true },
		{ ROW_BLOCKED, ROW_PORT, PUNCH_PREDICTION, REASON_UDP_BLOCKED, PUNCH_SIDE_A, true },
		{ ROW_BLOCKED, ROW_RANDOM, PUNCH_TCP, REASON_MAPPING_DIFFERS, PUNCH_SIDE_BOTH,
		  false },
		{ ROW_RANDOM, ROW_RANDOM, PUNCH_RELAY, REASON_NO_RELAY, PUNCH_SIDE_BOTH, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer_profile a = punch_row_profile(rows[i].a, 0);
		struct peer_profile b = punch_row_profile(rows[i].b, 1);
		struct punch_plan_options options = { .only = PUNCH_BIT(rows[i].forced) };
		struct punch_plan plan;

		punch_plan_make(&a, &b, &options, &plan);
		if (plan.reason != rows[i].reason || plan.side != rows[i].side)
			fail_msg("row %zu: %s of %u", i,
				 punch_reason_word((enum punch_reason)plan.reason), plan.side);
		assert_int_equal(plan.forced, rows[i].forced);
		assert_int_equal(punch_plan_is_hopeless(&plan), rows[i].is_hopeless);
	}
}

/* Behind one external address that no UDP passes, there is a way inside. */
static void test_neighbours(void **state)
{
	struct peer_profile a = punch_row_profile(ROW_BLOCKED, 0);
	struct peer_profile b = punch_row_profile(ROW_BLOCKED, 1);
	struct punch_plan_options options = { 0 };
	const struct punch_step *s;
	struct punch_plan plan;

	(void)state;
	a.paths[0].externals[0] = (struct addr){ .family = ADDR_IPV4, .ip = { 21, 0, 0, 9 } };
	a.paths[0].external_count = 1;
	b.paths[0] = a.paths[0];
	b.paths[0].local.ip[3]++;
	punch_plan_make(&a, &b, &options, &plan);
	s = step_of(&plan, PUNCH_SIMULTANEOUS);
	assert_non_null(s);
	assert_true(s->is_local && s->chance > 0.8);
	assert_null(step_of(&plan, PUNCH_LOW_TTL));
	b.paths[0].externals[0].ip[3]++;
	punch_plan_make(&a, &b, &options, &plan);
	assert_null(step_of(&plan, PUNCH_SIMULTANEOUS));
}

/* All of them by name are as none; without TCP, as a program wants it, no search begins that would
 * not otherwise. */
static void test_several(void **state)
{
	const uint32_t all = (1u << PUNCH_STRATEGIES) - 2;
	const uint32_t udp = all & ~(PUNCH_BIT(PUNCH_TCP) | PUNCH_BIT(PUNCH_TCP_LOW_TTL));

	(void)state;
	for (int a = 0; a < PUNCH_ROWS; a++) {
		for (int b = 0; b < PUNCH_ROWS; b++) {
			struct punch_plan free = plan_of((enum punch_row)a, (enum punch_row)b, 0);
			struct punch_plan same = plan_of((enum punch_row)a, (enum punch_row)b, all);
			struct punch_plan some = plan_of((enum punch_row)a, (enum punch_row)b, udp);

			assert_int_equal(same.count, free.count);
			assert_true(same.chance >= free.chance && same.chance <= free.chance);
			for (size_t i = 0; i < free.count; i++)
				assert_int_equal(same.steps[i].strategy, free.steps[i].strategy);
			for (size_t i = 0; i < some.count; i++)
				assert_non_null(step_of(&free, some.steps[i].strategy));
		}
	}
}

/* Where an early packet spoils both: openers twice, and the second time with half a second more for
 * starts that differ; where it spoils one or none, once. */
static void test_two_openings(void **state)
{
	(void)state;
	for (int a = 0; a < PUNCH_ROWS; a++) {
		struct punch_plan plan = plan_of((enum punch_row)a, ROW_LINUX, 0);
		const struct punch_step *found[PUNCH_STEPS_MAX];
		size_t count = 0;

		for (size_t i = 0; i < plan.count; i++) {
			if (plan.steps[i].strategy == PUNCH_LOW_TTL)
				found[count++] = &plan.steps[i];
		}
		assert_true(count <= 1 || a == ROW_LINUX);
		if (a != ROW_LINUX)
			continue;
		assert_int_equal(count, 2);
		assert_int_not_equal(found[0]->set, found[1]->set);
		assert_int_equal(found[1]->settle_us, found[0]->settle_us + 500000);
		assert_int_equal(found[1]->duration_us, found[0]->duration_us + 500000);
	}
}

/* Where the next port follows from the last one and the local one, TCP finds it, as long as no UDP
 * comes between. */
static void test_following(void **state)
{
	struct peer_profile follows = punch_row_profile(ROW_SEQUENTIAL, 0);
	struct peer_profile other = punch_row_profile(ROW_PORT, 1);
	struct punch_plan_options options = { 0 };
	struct punch_plan plan;

	(void)state;
	follows.paths[0].delta = DELTA_DEPENDENT;
	follows.paths[0].filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	punch_plan_make(&follows, &other, &options, &plan);
	assert_null(step_of(&plan, PUNCH_TCP));
	other.paths[0].udp_blocked = VERDICT_YES;
	punch_plan_make(&follows, &other, &options, &plan);
	assert_true(plan.chance > 0.8);
	assert_non_null(step_of(&plan, PUNCH_TCP));
	assert_non_null(step_of(&plan, PUNCH_TCP_LOW_TTL));
	/* A window of ports takes one of ours each. */
	other.paths[0] = punch_row_profile(ROW_SEQUENTIAL, 1).paths[0];
	other.paths[0].filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	other.paths[0].udp_blocked = VERDICT_YES;
	punch_plan_make(&follows, &other, &options, &plan);
	assert_null(step_of(&plan, PUNCH_TCP));
}

/* Over a long way two ports try at once. */
static void test_two_at_once(void **state)
{
	struct peer_profile a = punch_row_profile(ROW_PORT, 0), b = punch_row_profile(ROW_PORT, 1);
	struct punch_plan_options options = { 0 };
	const struct punch_step *found[PUNCH_STEPS_MAX];
	struct punch_plan plan;

	(void)state;
	b.paths[0].udp_blocked = VERDICT_YES;
	for (int far = 0; far < 3; far++) {
		size_t count = 0;

		a.paths[0].rtt_us = far > 0 ? 700000 : 50000;
		options.only = far == 2 ? PUNCH_BIT(PUNCH_TCP) : 0;
		punch_plan_make(&a, &b, &options, &plan);
		for (size_t i = 0; i < plan.count; i++) {
			if (plan.steps[i].strategy == PUNCH_TCP)
				found[count++] = &plan.steps[i];
		}
		assert_int_equal(count, far == 1 ? 2 : 1);
		if (far != 1)
			continue;
		assert_int_equal(found[0]->start_us, found[1]->start_us);
		assert_int_not_equal(found[0]->set, found[1]->set);
		assert_true(found[1]->chance < found[0]->chance);
		assert_int_not_equal(step_of(&plan, PUNCH_TCP_LOW_TTL)->set, found[1]->set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_birthday),     cmocka_unit_test(test_block),
		cmocka_unit_test(test_matrix),       cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_only),         cmocka_unit_test(test_forced),
		cmocka_unit_test(test_neighbours),   cmocka_unit_test(test_several),
		cmocka_unit_test(test_two_openings), cmocka_unit_test(test_following),
		cmocka_unit_test(test_two_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
