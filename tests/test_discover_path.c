/* Discoveries on bad paths: loss, jitter, long ways, rate limits, no UDP at all. */
#include "natprobe/discover/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim_check.h"

struct tally {
	unsigned runs, unknown;
};

/* All combinations, `seeds` times, with loss both ways: none wrong at 5 %, 1 in 1000 above. */
static struct tally run_with_loss(double loss, uint32_t jitter_us, size_t servers, unsigned seeds)
{
	struct sim_case c = sim_home;
	struct tally tally = { 0 };
	unsigned runs = seeds * ARRAY_LEN(sim_mappings) * ARRAY_LEN(sim_filterings);
	unsigned wrong_left = loss > 0.05 ? runs / 1000 : 0;

	c.net.access.loss = loss;
	c.net.access.jitter_us = jitter_us;
	c.net.access.jitter_reorders = 1;
	c.net.access.duplicate = jitter_us > 0 ? 0.02 : 0;
	c.net.server_count = servers;
	for (unsigned i = 0; i < runs; i++) {
		struct sim_result r;

		c.net.seed = i + 1;
		c.box.mapping = sim_mappings[i % ARRAY_LEN(sim_mappings)];
		c.box.filtering =
			sim_filterings[i / ARRAY_LEN(sim_mappings) % ARRAY_LEN(sim_filterings)];
		c.box.allocation = i % 3 == 0 ? NAT_PRESERVING : NAT_RANDOM;
		r = sim_check(&c);
		if (sim_is_wrong(&c, &r) && wrong_left-- == 0)
			sim_fail(&c, &r);
		tally.runs++;
		tally.unknown += !sim_is_exact(&c, &r);
	}
	return tally;
}

static void loss_of_5_percent_changes_nothing(void **state)
{
	struct tally t = run_with_loss(0.05, 0, 1, 100);

	assert_in_range(t.unknown, 0, t.runs / 500);
	t = run_with_loss(0.05, 30000, 1, 50);
	assert_in_range(t.unknown, 0, t.runs / 500);
	t = run_with_loss(0.05, 0, 3, 50);
	assert_in_range(t.unknown, 0, t.runs / 500);
}

static void loss_of_10_percent_makes_hardly_anything_wrong(void **state)
{
	struct tally t = run_with_loss(0.1, 0, 1, 100);

	assert_in_range(t.unknown, 0, t.runs / 50);
	t = run_with_loss(0.1, 60000, 2, 50);
	assert_in_range(t.unknown, 0, t.runs / 50);
}

/* Whatever is lost, whichever answer comes last: there is something to wait for, or it ends. */
static void loss_leaves_nobody_waiting_for_the_deadline(void **state)
{
	struct sim_case c = sim_home;

	c.box.filtering = NAT_EI;
	c.box.hairpin = NAT_HAIRPIN_EXTERNAL;
	c.net.access.loss = 0.1;
	for (c.net.seed = 1; c.net.seed <= 300; c.net.seed++) {
		struct sim_result r = sim_check(&c);

		if (r.elapsed_us > 10000000)
			sim_fail(&c, &r);
	}
}

/* Half of all exchanges lost. Single-probe tools are wrong in half of their runs. */
static void heavy_loss_is_unknown_rather_than_wrong(void **state)
{
	struct sim_case c = sim_home;
	unsigned unknown = 0;

	c.net.access.loss = 0.3;
	for (c.net.seed = 1; c.net.seed <= 300; c.net.seed++) {
		struct sim_result r;

		c.box.filtering = sim_filterings[c.net.seed % 3];
		r = sim_check(&c);
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
	struct sim_case c = sim_home;

	for (c.net.rtt_us = 600000; c.net.rtt_us <= 1200000; c.net.rtt_us += 200000) {
		for (c.net.seed = 1; c.net.seed <= 20; c.net.seed++) {
			struct sim_result r;

			c.net.access.loss = c.net.seed % 2 == 0 ? 0.05 : 0;
			r = sim_check(&c);
			if (!sim_is_exact(&c, &r))
				sim_fail(&c, &r);
		}
	}
}

/* A radio wakes up, or an address is resolved: late, but then the path is quick. */
static void a_path_that_wakes_up_is_quick_afterwards(void **state)
{
	struct sim_case c = sim_home;

	for (c.net.wakes_after_us = 100000; c.net.wakes_after_us <= 2500000;
	     c.net.wakes_after_us += 300000) {
		struct sim_result r = sim_check(&c);

		if (!sim_is_exact(&c, &r) ||
		    r.elapsed_us > c.net.wakes_after_us + c.net.rtt_us + sim_promised_us(&c, &r))
			sim_fail(&c, &r);
	}
}

/* A control, four connections for the mapping, and the silence of two ports. */
static uint64_t blocked_us(const struct sim_case *c)
{
	struct discover_timing timing = discover_timing_default();

	return timing.tcp_after_us + 3 * timing.first_gap_us + 4 * c->net.rtt_us +
	       2 * discover_window_us(&timing, c->net.rtt_us);
}

static void blocked_udp_takes_its_time(void **state)
{
	struct sim_case c = sim_home;

	c.box.udp_blocked = true;
	c.net.server_count = 2;
	for (c.net.rtt_us = 1000; c.net.rtt_us <= 1000000; c.net.rtt_us *= 10) {
		for (c.net.server_count = 1; c.net.server_count <= 3; c.net.server_count++) {
			struct sim_result r = sim_check(&c);

			assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
			assert_int_equal(r.verdict.nat.value, VERDICT_YES);
			assert_int_equal(r.verdict.mapping.cause, CAUSE_UDP_BLOCKED);
			assert_int_equal(r.verdict.legacy, LEGACY_FILTERED);
			assert_int_equal(verdict_outcome(&r.verdict), VERDICT_REACHED);
			assert_int_equal(verdict_prospect(&r.verdict), PROSPECT_RELAY);
			assert_in_range(r.verdict.servers[0].tcp_answered, 1, SIM_TCP_BUDGET);
			assert_true(r.elapsed_us <= blocked_us(&c));
		}
	}
}

static void blocked_udp_is_seen_past_dead_servers(void **state)
{
	struct sim_case c = sim_home;

	c.box.udp_blocked = true;
	for (c.net.server_count = 2; c.net.server_count <= SIM_SERVERS_MAX; c.net.server_count++) {
		struct sim_result r;

		c.net.servers[c.net.server_count - 2].misdeed = SIM_DEAD;
		r = sim_check(&c);
		assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
		assert_true(r.elapsed_us <= blocked_us(&c));
	}
}

static void blocked_udp_is_seen_under_loss(void **state)
{
	struct sim_case c = sim_home;

	c.box.udp_blocked = true;
	c.net.access.loss = 0.05;
	for (c.net.seed = 1; c.net.seed <= 500; c.net.seed++)
		assert_int_equal(sim_check(&c).verdict.udp_blocked.value, VERDICT_YES);
}

static void nobody_there_is_not_blocked(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.servers[0].misdeed = SIM_DEAD;
	r = sim_check(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_UNKNOWN);
	assert_true(r.elapsed_us <= 3100000);

	c = sim_home;
	c.box.udp_blocked = c.box.tcp_blocked = true;
	r = sim_check(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);

	c = sim_home;
	c.box.udp_blocked = true;
	c.net.servers[0].misdeed = SIM_NO_TCP;
	r = sim_check(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);

	c.net.no_servers = true;
	r = sim_check(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_int_equal(r.elapsed_us, 0);
}

/* A local firewall (EPERM) is a blocked UDP too; counted, but not as sent. */
static void refused_sends_are_blocked_udp(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.refused_per_mille = 1000;
	r = sim_check(&c);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
	assert_int_equal(r.verdict.sent, 0);
	assert_in_range(r.verdict.send_errors, 5, SIM_BUDGET);

	/* No route at all ends it early. */
	c.net.servers[0].misdeed = SIM_NO_TCP;
	r = sim_check(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_true(r.elapsed_us < 1000000);
}

/* ENOBUFS now and then: the same as loss, but known. */
static void refused_sends_are_made_good(void **state)
{
	struct sim_case c = sim_home;

	c.net.refused_per_mille = 100;
	for (c.net.seed = 1; c.net.seed <= 100; c.net.seed++) {
		struct sim_result r = sim_check(&c);

		if (!sim_is_exact(&c, &r))
			sim_fail(&c, &r);
		assert_int_equal(r.verdict.sent, r.datagrams);
	}
}

/* Where all filters are open, the control probe may be the only one that was refused. */
static void a_refused_control_holds_nothing_up(void **state)
{
	struct sim_case c = sim_home;

	c.box.filtering = NAT_EI;
	c.net.refused_per_mille = 50;
	for (c.net.seed = 1; c.net.seed <= 100; c.net.seed++) {
		struct sim_result r = sim_check(&c);

		if (!sim_is_exact(&c, &r) || r.verdict.ports.delta != DELTA_EQUAL)
			sim_fail(&c, &r);
		assert_in_range(r.elapsed_us, 0, 2000000);
	}
}

/* A NAT that forwards 40 datagrams a second, or only 10: what is lost there is no filter. */
static void a_rate_limit_is_no_filter(void **state)
{
	struct sim_case c = sim_home;

	c.box.filtering = NAT_EI;
	c.box.rate_burst = 1;
	for (c.box.rate_per_s = 10; c.box.rate_per_s <= 80; c.box.rate_per_s += 10) {
		for (c.net.seed = 1; c.net.seed <= 10; c.net.seed++) {
			struct sim_result r = sim_check(&c);

			if (sim_is_wrong(&c, &r))
				sim_fail(&c, &r);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loss_of_5_percent_changes_nothing),
		cmocka_unit_test(loss_of_10_percent_makes_hardly_anything_wrong),
		cmocka_unit_test(loss_leaves_nobody_waiting_for_the_deadline),
		cmocka_unit_test(heavy_loss_is_unknown_rather_than_wrong),
		cmocka_unit_test(jitter_reordering_and_duplicates_change_nothing),
		cmocka_unit_test(long_round_trips_are_not_silence),
		cmocka_unit_test(a_path_that_wakes_up_is_quick_afterwards),
		cmocka_unit_test(blocked_udp_takes_its_time),
		cmocka_unit_test(blocked_udp_is_seen_past_dead_servers),
		cmocka_unit_test(blocked_udp_is_seen_under_loss),
		cmocka_unit_test(nobody_there_is_not_blocked),
		cmocka_unit_test(refused_sends_are_blocked_udp),
		cmocka_unit_test(refused_sends_are_made_good),
		cmocka_unit_test(a_refused_control_holds_nothing_up),
		cmocka_unit_test(a_rate_limit_is_no_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
