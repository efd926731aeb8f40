/* Discoveries on bad paths: loss, jitter, long ways, rate limits, no UDP at all. */
#include "natprobe/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim_judge.h"

struct tally {
	unsigned runs, unknown;
};

/* All combinations, `seeds` times, with loss both ways: no wrong value. */
static struct tally run_with_loss(uint32_t per_mille, uint32_t jitter_us, size_t servers,
				  unsigned seeds)
{
	struct sim_config c = sim_home;
	struct tally tally = { 0 };

	c.loss_per_mille = per_mille;
	c.jitter_us = jitter_us;
	c.duplicates_per_mille = jitter_us > 0 ? 20 : 0;
	c.server_count = servers;
	for (unsigned i = 0; i < seeds * ARRAY_LEN(sim_mappings) * ARRAY_LEN(sim_filterings); i++) {
		struct sim_result r;

		c.seed = i + 1;
		c.mapping = sim_mappings[i % ARRAY_LEN(sim_mappings)];
		c.filtering =
			sim_filterings[i / ARRAY_LEN(sim_mappings) % ARRAY_LEN(sim_filterings)];
		c.preserves_port = i % 3 == 0;
		r = sim_judge(&c);
		if (sim_is_wrong(&c, &r))
			sim_fail(&c, &r);
		tally.runs++;
		tally.unknown += !sim_is_exact(&c, &r);
	}
	return tally;
}

static void loss_of_5_percent_changes_nothing(void **state)
{
	struct tally t = run_with_loss(50, 0, 1, 100);

	assert_in_range(t.unknown, 0, t.runs / 500);
	t = run_with_loss(50, 30000, 1, 50);
	assert_in_range(t.unknown, 0, t.runs / 500);
	t = run_with_loss(50, 0, 3, 50);
	assert_in_range(t.unknown, 0, t.runs / 500);
}

static void loss_of_10_percent_makes_nothing_wrong(void **state)
{
	struct tally t = run_with_loss(100, 0, 1, 100);

	assert_in_range(t.unknown, 0, t.runs / 100);
	t = run_with_loss(100, 60000, 2, 50);
	assert_in_range(t.unknown, 0, t.runs / 100);
}

/* Half of all exchanges lost. Single-probe tools are wrong in half of their runs. */
static void heavy_loss_is_unknown_rather_than_wrong(void **state)
{
	struct sim_config c = sim_home;
	unsigned unknown = 0;

	c.loss_per_mille = 300;
	for (c.seed = 1; c.seed <= 300; c.seed++) {
		struct sim_result r;

		c.filtering = sim_filterings[c.seed % 3];
		r = sim_judge(&c);
		if (r.verdict.udp_blocked.value != VERDICT_YES && sim_is_wrong(&c, &r))
			sim_fail(&c, &r);
		unknown += r.verdict.filtering.value == BEHAVIOUR_UNKNOWN;
		if (r.verdict.filtering.value == BEHAVIOUR_UNKNOWN)
			assert_int_not_equal(r.verdict.filtering.cause, CAUSE_NONE);
	}
	assert_in_range(unknown, 100, 200);
}

static void jitter_reordering_and_duplicates_change_nothing(void **state)
{
	struct tally t = run_with_loss(0, 100000, 2, 20);

	assert_int_equal(t.unknown, 0);
}

/* A satellite, or a queue, is no blocked UDP. */
static void long_round_trips_are_not_silence(void **state)
{
	struct sim_config c = sim_home;

	for (c.rtt_us = 600000; c.rtt_us <= 1200000; c.rtt_us += 200000) {
		for (c.seed = 1; c.seed <= 20; c.seed++) {
			struct sim_result r;

			c.loss_per_mille = c.seed % 2 == 0 ? 50 : 0;
			r = sim_judge(&c);
			if (!sim_is_exact(&c, &r))
				sim_fail(&c, &r);
		}
	}
}

/* A radio wakes up, or an address is resolved: late, but then the path is quick. */
static void a_path_that_wakes_up_is_quick_afterwards(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = sim_home;

	for (c.wakes_after_us = 100000; c.wakes_after_us <= 2500000; c.wakes_after_us += 300000) {
		struct sim_result r = sim_judge(&c);

		if (!sim_is_exact(&c, &r) ||
		    r.elapsed_us >
			    c.wakes_after_us + 4 * c.rtt_us + discover_window_us(&timing, c.rtt_us))
			sim_fail(&c, &r);
	}
}

static void blocked_udp_takes_two_windows(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = sim_home;

	c.udp_blocked = true;
	c.server_count = 2;
	for (c.rtt_us = 1000; c.rtt_us <= 1000000; c.rtt_us *= 10) {
		for (c.server_count = 1; c.server_count <= 3; c.server_count++) {
			struct sim_result r = sim_judge(&c);

			assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
			assert_int_equal(r.verdict.nat.value, VERDICT_YES);
			assert_int_equal(r.verdict.mapping.cause, CAUSE_UDP_BLOCKED);
			assert_int_equal(r.verdict.legacy, LEGACY_FILTERED);
			assert_int_equal(verdict_outcome(&r.verdict), VERDICT_REACHED);
			assert_int_equal(verdict_prospect(&r.verdict), PROSPECT_RELAY);
			assert_int_equal(r.verdict.servers[0].tcp_answered, 1);
			assert_true(r.elapsed_us <= 2 * discover_window_us(&timing, c.rtt_us));
		}
	}
}

static void blocked_udp_is_seen_past_dead_servers(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = sim_home;

	c.udp_blocked = true;
	for (c.server_count = 2; c.server_count <= SIM_SERVERS_MAX; c.server_count++) {
		struct sim_result r;

		c.servers[c.server_count - 2].misdeed = SIM_DEAD;
		r = sim_judge(&c);
		assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
		assert_true(r.elapsed_us <= 2 * discover_window_us(&timing, c.rtt_us));
	}
}

static void blocked_udp_is_seen_under_loss(void **state)
{
	struct sim_config c = sim_home;

	c.udp_blocked = true;
	c.loss_per_mille = 50;
	for (c.seed = 1; c.seed <= 500; c.seed++)
		assert_int_equal(sim_judge(&c).verdict.udp_blocked.value, VERDICT_YES);
}

static void nobody_there_is_not_blocked(void **state)
{
	struct sim_config c = sim_home;
	struct sim_result r;

	c.servers[0].misdeed = SIM_DEAD;
	r = sim_judge(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_UNKNOWN);
	assert_true(r.elapsed_us <= 3100000);

	c = sim_home;
	c.udp_blocked = c.tcp_blocked = true;
	r = sim_judge(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);

	c = sim_home;
	c.udp_blocked = c.tcp_refused = true;
	r = sim_judge(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);

	c.server_count = 0;
	r = sim_judge(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_int_equal(r.elapsed_us, 0);
}

/* A local firewall (EPERM) is a blocked UDP too; counted, but not as sent. */
static void refused_sends_are_blocked_udp(void **state)
{
	struct sim_config c = sim_home;
	struct sim_result r;

	c.refused_per_mille = 1000;
	r = sim_judge(&c);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
	assert_int_equal(r.verdict.sent, 0);
	assert_in_range(r.verdict.send_errors, 5, SIM_BUDGET);

	/* No route at all ends it early. */
	c.tcp_refused = true;
	r = sim_judge(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_true(r.elapsed_us < 1000000);
}

/* ENOBUFS now and then: the same as loss, but known. */
static void refused_sends_are_made_good(void **state)
{
	struct sim_config c = sim_home;

	c.refused_per_mille = 100;
	for (c.seed = 1; c.seed <= 100; c.seed++) {
		struct sim_result r = sim_judge(&c);

		if (!sim_is_exact(&c, &r))
			sim_fail(&c, &r);
		assert_int_equal(r.verdict.sent, r.datagrams);
	}
}

/* A NAT that forwards 40 datagrams a second, or only 10: what is lost there is no filter. */
static void a_rate_limit_is_no_filter(void **state)
{
	struct sim_config c = sim_home;

	c.filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	for (c.limit_per_s = 10; c.limit_per_s <= 80; c.limit_per_s += 10) {
		for (c.seed = 1; c.seed <= 10; c.seed++) {
			struct sim_result r = sim_judge(&c);

			if (sim_is_wrong(&c, &r))
				sim_fail(&c, &r);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loss_of_5_percent_changes_nothing),
		cmocka_unit_test(loss_of_10_percent_makes_nothing_wrong),
		cmocka_unit_test(heavy_loss_is_unknown_rather_than_wrong),
		cmocka_unit_test(jitter_reordering_and_duplicates_change_nothing),
		cmocka_unit_test(long_round_trips_are_not_silence),
		cmocka_unit_test(a_path_that_wakes_up_is_quick_afterwards),
		cmocka_unit_test(blocked_udp_takes_two_windows),
		cmocka_unit_test(blocked_udp_is_seen_past_dead_servers),
		cmocka_unit_test(blocked_udp_is_seen_under_loss),
		cmocka_unit_test(nobody_there_is_not_blocked),
		cmocka_unit_test(refused_sends_are_blocked_udp),
		cmocka_unit_test(refused_sends_are_made_good),
		cmocka_unit_test(a_rate_limit_is_no_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
