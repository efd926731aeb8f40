/* Discoveries that end early: no socket, no budget, no time, or nobody wants to know. */
#include "natprobe/discover/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim_check.h"

static void sockets_that_do_not_open_end_it(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.open_fails = true;
	r = sim_check(&c);
	assert_int_equal(r.verdict.nat.value, VERDICT_YES);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(r.verdict.filtering.cause, CAUSE_LOCAL_ERROR);
	assert_true(r.elapsed_us <= 500000);

	c.net.server_count = 2;
	c.net.servers[0].misdeed = c.net.servers[1].misdeed = SIM_ONE_ADDRESS;
	r = sim_check(&c);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_true(r.elapsed_us <= 500000);

	c.net.no_sockets = true;
	r = sim_check(&c);
	assert_int_equal(r.verdict.nat.cause, CAUSE_LOCAL_ERROR);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_INCONCLUSIVE);
	assert_int_equal(r.elapsed_us, 0);
}

static void fill_zero(void *arg, void *buf, size_t len)
{
	memset(buf, 0, len);
}

/* By hand, without a world: progress and the early end. */
static void it_can_be_stopped_at_any_time(void **state)
{
	struct discover_server servers[] = { { addr_ipv4(203, 0, 113, 1, 3478), "a" },
					     { addr_ipv4(203, 0, 113, 1, 3478), "the same" },
					     { { .family = ADDR_IPV6, .port = 3478 }, "other" } };
	struct discover_config config = { .local = addr_ipv4(10, 0, 0, 1, 0),
					  .servers = servers,
					  .server_count = ARRAY_LEN(servers),
					  .random = fill_zero };
	struct addr bound = addr_ipv4(10, 0, 0, 1, 5000);
	struct discover_action a;

	for (int steps = 0; steps < 4; steps++) {
		struct discover *d = discover_new(&config);

		assert_non_null(d);
		assert_null(discover_verdict(d));
		for (int i = 0; i < steps; i++) {
			if (discover_next(d, 1000, &a) == DISCOVER_OPEN)
				discover_on_open(d, a.slot, &bound);
		}
		assert_int_equal(discover_progress(d).phase, DISCOVER_ASKING);
		assert_int_equal(discover_progress(d).sent, steps > 1);
		discover_stop(d, 2000);
		if (steps > 0) {
			assert_int_equal(discover_next(d, 2000, &a), DISCOVER_CLOSE);
			assert_int_equal(a.slot, 0);
		}
		assert_int_equal(discover_next(d, 2000, &a), DISCOVER_DONE);
		assert_int_equal(discover_next(d, 3000, &a), DISCOVER_DONE);
		assert_int_equal(discover_progress(d).phase, DISCOVER_FINISHED);
		assert_int_equal(discover_verdict(d)->server_count, 1);
		assert_int_equal(discover_verdict(d)->nat.cause, CAUSE_TIMEOUT);
		assert_int_equal(discover_verdict(d)->elapsed_us, steps > 0 ? 1000 : 0);
		discover_free(d);
	}
	discover_free(NULL);
}

static void a_small_budget_is_named(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_case c = sim_home;

	c.net.timing = &timing;
	for (timing.budget = 1; timing.budget <= 30; timing.budget++) {
		struct sim_result r = sim_check(&c);

		assert_in_range(r.datagrams, 0, timing.budget);
		if (sim_is_wrong(&c, &r))
			sim_fail(&c, &r);
		if (timing.budget >= 10 && timing.budget < 18)
			assert_int_equal(r.verdict.filtering.cause, CAUSE_BUDGET);
	}
}

static void a_deadline_ends_it(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.timing = &timing;
	timing.deadline_us = 200000;
	r = sim_check(&c);
	assert_int_equal(r.elapsed_us, 200000);
	assert_int_equal(r.verdict.nat.value, VERDICT_YES);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(r.verdict.filtering.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(r.verdict.filtering.cause, CAUSE_TIMEOUT);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_INCONCLUSIVE);
}

/* Takes actions out until there is something to wait for. Returns how many datagrams left. */
static unsigned drive(struct discover *d, uint64_t *now_us)
{
	struct addr bound = addr_ipv4(10, 0, 0, 1, 5000);
	struct discover_action a;
	unsigned sent = 0;

	while (discover_next(d, *now_us, &a) != DISCOVER_WAIT && a.kind != DISCOVER_DONE) {
		if (a.kind == DISCOVER_OPEN)
			discover_on_open(d, a.slot, &bound);
		sent += a.kind == DISCOVER_SEND;
	}
	*now_us = a.deadline_us;
	return sent;
}

/* Who has not got the floor makes no mapping. */
static void discoveries_take_turns(void **state)
{
	struct discover_server server = { addr_ipv4(203, 0, 113, 1, 3478), "a" };
	struct discover_config config = { .local = addr_ipv4(10, 0, 0, 1, 0),
					  .servers = &server,
					  .server_count = 1,
					  .random = fill_zero };
	struct discover *d = discover_new(&config);
	uint64_t now_us = 1000;

	assert_non_null(d);
	discover_take_floor(d, false);
	assert_int_equal(drive(d, &now_us), 0);
	assert_true(discover_wants_floor(d));
	now_us = 500000;
	assert_int_equal(drive(d, &now_us), 0);
	now_us = 500001;
	discover_take_floor(d, true);
	assert_true(drive(d, &now_us) + drive(d, &now_us) >= 1);
	assert_true(discover_wants_floor(d));
	discover_stop(d, now_us);
	assert_false(discover_wants_floor(d));
	discover_free(d);
}

static struct discover *new_one(void)
{
	static const struct discover_server server = {
		.addr = { .family = ADDR_IPV4, .ip = { 203, 0, 113, 1 }, .port = 3478 },
		.name = "a",
	};
	const struct discover_config config = { .local = addr_ipv4(10, 0, 0, 1, 0),
						.servers = &server,
						.server_count = 1,
						.random = fill_zero };
	struct discover *d = discover_new(&config);

	assert_non_null(d);
	discover_take_floor(d, false);
	return d;
}

/* Goes on until it does not want the floor, and takes it away. Returns how long that took. */
static uint64_t look(struct discover *d, uint64_t now_us)
{
	uint64_t at_us = now_us;
	unsigned sent = 0;

	discover_take_floor(d, true);
	while (discover_wants_floor(d)) {
		now_us = at_us;
		sent += drive(d, &at_us);
	}
	assert_true(sent > 0);
	discover_take_floor(d, false);
	return now_us;
}

/* ... and none of the others' time counts as its own. */
static void who_gets_no_answer_lets_others_go_first(void **state)
{
	struct discover *d = new_one();
	uint64_t now_us = 1000;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t began_us = now_us;

		now_us = look(d, now_us);
		assert_in_range(now_us - began_us, 100000, 250000);
		assert_true(discover_wants_floor(d) == (i < 2));
		assert_true((discover_verdict(d) == NULL) == (i < 2));
		now_us += 2000000;
		for (uint64_t at_us = now_us - 1000000; i < 2 && at_us < now_us;)
			assert_int_equal(drive(d, &at_us), 0);
	}
	discover_free(d);
}

#define DEAD 5

static void dead_interfaces_cost_others_a_moment_each(void **state)
{
	struct discover *d[DEAD];
	uint64_t now_us = 1000;

	for (size_t i = 0; i < DEAD; i++) {
		d[i] = new_one();
		now_us = look(d[i], now_us);
	}
	assert_in_range(now_us, 1000, 1000 + DEAD * 250000);
	for (size_t i = 0; i < DEAD; i++)
		discover_free(d[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_that_do_not_open_end_it),
		cmocka_unit_test(it_can_be_stopped_at_any_time),
		cmocka_unit_test(a_small_budget_is_named),
		cmocka_unit_test(a_deadline_ends_it),
		cmocka_unit_test(discoveries_take_turns),
		cmocka_unit_test(who_gets_no_answer_lets_others_go_first),
		cmocka_unit_test(dead_interfaces_cost_others_a_moment_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
