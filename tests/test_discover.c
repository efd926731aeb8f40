/* discover: whole discoveries on a virtual clock, against NATs, loss and servers that lie. */
#include "natprobe/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_world.h"

#define BUDGET 120

static const enum verdict_behaviour mappings[] = {
	BEHAVIOUR_NONE,
	BEHAVIOUR_ENDPOINT_INDEPENDENT,
	BEHAVIOUR_ADDRESS_DEPENDENT,
	BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	BEHAVIOUR_PORT_DEPENDENT,
};

static const enum verdict_behaviour filterings[] = {
	BEHAVIOUR_ENDPOINT_INDEPENDENT,
	BEHAVIOUR_ADDRESS_DEPENDENT,
	BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	BEHAVIOUR_PORT_DEPENDENT,
};

/* A home router in front of one honest server: the others differ from it in something. */
static const struct sim_config home = {
	.seed = 1,
	.mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT,
	.filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	.preserves_port = true,
	.rtt_us = 50000,
	.server_count = 1,
};

static void causes_are_told(const struct verdict *v)
{
	assert_int_equal(v->nat.value == VERDICT_UNKNOWN, v->nat.cause != CAUSE_NONE);
	assert_int_equal(v->firewall.value == VERDICT_UNKNOWN, v->firewall.cause != CAUSE_NONE);
	assert_int_equal(v->udp_blocked.value == VERDICT_UNKNOWN,
			 v->udp_blocked.cause != CAUSE_NONE);
	assert_int_equal((v->mapping.possible & (v->mapping.possible - 1)) != 0,
			 v->mapping.cause != CAUSE_NONE);
	assert_true(v->mapping.value != BEHAVIOUR_UNKNOWN || v->mapping.cause != CAUSE_NONE);
	assert_int_equal(v->filtering.value == BEHAVIOUR_UNKNOWN, v->filtering.cause != CAUSE_NONE);
}

/* Whatever the world: a discovery ends, keeps to its budget, and leaves nothing open. */
static struct sim_result run(const struct sim_config *config)
{
	struct sim_result r = sim_run(config);

	assert_true(r.ended);
	assert_int_equal(r.open_at_end, 0);
	assert_in_range(r.datagrams, 0, BUDGET);
	assert_in_range(r.burst, 0, 31);
	assert_in_range(r.per_second, 0, 131);
	assert_true(r.elapsed_us <= 15000000);
	assert_int_equal(r.verdict.elapsed_us, r.elapsed_us);
	causes_are_told(&r.verdict);
	return r;
}

static const char *mapping_word(const struct sim_result *r)
{
	return verdict_behaviour_word((enum verdict_behaviour)r->verdict.mapping.value);
}

static const char *filtering_word(const struct sim_result *r)
{
	return verdict_behaviour_word((enum verdict_behaviour)r->verdict.filtering.value);
}

static const char *filtering_cause(const struct sim_result *r)
{
	return verdict_cause_word((enum verdict_cause)r->verdict.filtering.cause);
}

static void fail_run(const struct sim_config *c, const struct sim_result *r)
{
	fail_msg("mapping %s, filtering %s, seed %u, rtt %u: %s (%s), %s (%s) after %u us",
		 verdict_behaviour_word(c->mapping), verdict_behaviour_word(c->filtering),
		 (unsigned)c->seed, c->rtt_us, mapping_word(r),
		 verdict_cause_word((enum verdict_cause)r->verdict.mapping.cause),
		 filtering_word(r), filtering_cause(r), (unsigned)r->elapsed_us);
}

static bool is_exact(const struct sim_config *c, const struct sim_result *r)
{
	const struct verdict *v = &r->verdict;
	enum verdict_answer nat = c->mapping == BEHAVIOUR_NONE ? VERDICT_NO : VERDICT_YES;
	bool filters = c->filtering != BEHAVIOUR_ENDPOINT_INDEPENDENT;

	return v->nat.value == nat && v->mapping.value == c->mapping &&
	       v->filtering.value == c->filtering && v->udp_blocked.value == VERDICT_NO &&
	       v->firewall.value == (nat == VERDICT_NO && filters ? VERDICT_YES : VERDICT_NO);
}

/* Some value is not what the NAT is, and not unknown either. */
static bool is_wrong(const struct sim_config *c, const struct sim_result *r)
{
	const struct verdict *v = &r->verdict;
	enum verdict_answer nat = c->mapping == BEHAVIOUR_NONE ? VERDICT_NO : VERDICT_YES;

	return (v->nat.value != nat && v->nat.value != VERDICT_UNKNOWN) ||
	       (v->mapping.value != c->mapping && v->mapping.value != BEHAVIOUR_UNKNOWN) ||
	       (v->filtering.value != c->filtering && v->filtering.value != BEHAVIOUR_UNKNOWN) ||
	       v->udp_blocked.value == VERDICT_YES;
}

static bool has_finding(const struct sim_result *r, enum verdict_cause cause, uint8_t server)
{
	for (size_t i = 0; i < r->verdict.finding_count; i++) {
		const struct verdict_finding *f = &r->verdict.findings[i];

		if (f->cause == cause && f->server == server)
			return true;
	}
	return false;
}

static void every_combination_is_exact_and_in_time(void **state)
{
	static const uint32_t rtts_us[] = { 1000, 20000, 50000, 150000, 400000, 1000000, 1200000 };
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = home;

	for (size_t m = 0; m < ARRAY_LEN(mappings); m++) {
		for (size_t f = 0; f < ARRAY_LEN(filterings); f++) {
			for (size_t t = 0; t < ARRAY_LEN(rtts_us) * 4; t++) {
				struct sim_result r;

				c.mapping = mappings[m];
				c.filtering = filterings[f];
				c.rtt_us = rtts_us[t / 4];
				c.preserves_port = t & 1;
				c.ipv6 = (t & 2) != 0;
				c.seed++;
				r = run(&c);
				if (!is_exact(&c, &r) || r.verdict.finding_count > 0 ||
				    r.elapsed_us >
					    3 * c.rtt_us + discover_window_us(&timing, c.rtt_us))
					fail_run(&c, &r);
			}
		}
	}
}

static void positives_decide_without_the_window(void **state)
{
	struct sim_config c = home;
	struct sim_result r;

	c.filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	r = run(&c);
	assert_true(is_exact(&c, &r));
	assert_true(r.elapsed_us <= 3 * c.rtt_us);
	assert_int_equal(r.verdict.window_us, 0);
	assert_float_equal(r.verdict.filtering.error, 0, 0);

	c.mapping = BEHAVIOUR_NONE;
	r = run(&c);
	assert_true(is_exact(&c, &r));
	assert_true(r.elapsed_us <= 2 * c.rtt_us);
}

struct tally {
	unsigned runs, unknown;
};

/* All combinations, `seeds` times, with loss both ways: no wrong value. */
static struct tally run_with_loss(uint32_t per_mille, uint32_t jitter_us, size_t servers,
				  unsigned seeds)
{
	struct sim_config c = home;
	struct tally tally = { 0 };

	c.loss_per_mille = per_mille;
	c.jitter_us = jitter_us;
	c.duplicates_per_mille = jitter_us > 0 ? 20 : 0;
	c.server_count = servers;
	for (unsigned i = 0; i < seeds * ARRAY_LEN(mappings) * ARRAY_LEN(filterings); i++) {
		struct sim_result r;

		c.seed = i + 1;
		c.mapping = mappings[i % ARRAY_LEN(mappings)];
		c.filtering = filterings[i / ARRAY_LEN(mappings) % ARRAY_LEN(filterings)];
		c.preserves_port = i % 3 == 0;
		r = run(&c);
		if (is_wrong(&c, &r))
			fail_run(&c, &r);
		tally.runs++;
		tally.unknown += !is_exact(&c, &r);
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
	struct sim_config c = home;
	unsigned unknown = 0;

	c.loss_per_mille = 300;
	for (c.seed = 1; c.seed <= 300; c.seed++) {
		struct sim_result r;

		c.filtering = filterings[c.seed % 3];
		r = run(&c);
		if (r.verdict.udp_blocked.value != VERDICT_YES && is_wrong(&c, &r))
			fail_run(&c, &r);
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
	struct sim_config c = home;

	for (c.rtt_us = 600000; c.rtt_us <= 1200000; c.rtt_us += 200000) {
		for (c.seed = 1; c.seed <= 20; c.seed++) {
			struct sim_result r;

			c.loss_per_mille = c.seed % 2 == 0 ? 50 : 0;
			r = run(&c);
			if (!is_exact(&c, &r))
				fail_run(&c, &r);
		}
	}
}

/* A radio wakes up, or an address is resolved: late, but then the path is quick. */
static void a_path_that_wakes_up_is_quick_afterwards(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = home;

	for (c.wakes_after_us = 100000; c.wakes_after_us <= 2500000; c.wakes_after_us += 300000) {
		struct sim_result r = run(&c);

		if (!is_exact(&c, &r) ||
		    r.elapsed_us >
			    c.wakes_after_us + 4 * c.rtt_us + discover_window_us(&timing, c.rtt_us))
			fail_run(&c, &r);
	}
}

static void blocked_udp_takes_two_windows(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = home;

	c.udp_blocked = true;
	c.server_count = 2;
	for (c.rtt_us = 1000; c.rtt_us <= 1000000; c.rtt_us *= 10) {
		for (c.server_count = 1; c.server_count <= 3; c.server_count++) {
			struct sim_result r = run(&c);

			assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
			assert_int_equal(r.verdict.nat.value, VERDICT_UNKNOWN);
			assert_int_equal(r.verdict.nat.cause, CAUSE_UDP_BLOCKED);
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
	struct sim_config c = home;

	c.udp_blocked = true;
	for (c.server_count = 2; c.server_count <= SIM_SERVERS_MAX; c.server_count++) {
		struct sim_result r;

		c.servers[c.server_count - 2].misdeed = SIM_DEAD;
		r = run(&c);
		assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
		assert_true(r.elapsed_us <= 2 * discover_window_us(&timing, c.rtt_us));
	}
}

static void blocked_udp_is_seen_under_loss(void **state)
{
	struct sim_config c = home;

	c.udp_blocked = true;
	c.loss_per_mille = 50;
	for (c.seed = 1; c.seed <= 500; c.seed++)
		assert_int_equal(run(&c).verdict.udp_blocked.value, VERDICT_YES);
}

static void nobody_there_is_not_blocked(void **state)
{
	struct sim_config c = home;
	struct sim_result r;

	c.servers[0].misdeed = SIM_DEAD;
	r = run(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_UNKNOWN);
	assert_true(r.elapsed_us <= 3100000);

	c = home;
	c.udp_blocked = c.tcp_blocked = true;
	r = run(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);

	c = home;
	c.udp_blocked = c.tcp_refused = true;
	r = run(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);

	c.server_count = 0;
	r = run(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_int_equal(r.elapsed_us, 0);
}

/* A local firewall (EPERM) is a blocked UDP too; counted, but not as sent. */
static void refused_sends_are_blocked_udp(void **state)
{
	struct sim_config c = home;
	struct sim_result r;

	c.refused_per_mille = 1000;
	r = run(&c);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
	assert_int_equal(r.verdict.sent, 0);
	assert_in_range(r.verdict.send_errors, 5, BUDGET);

	/* No route at all ends it early. */
	c.tcp_refused = true;
	r = run(&c);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_NO_SERVER);
	assert_true(r.elapsed_us < 1000000);
}

/* ENOBUFS now and then: the same as loss, but known. */
static void refused_sends_are_made_good(void **state)
{
	struct sim_config c = home;

	c.refused_per_mille = 100;
	for (c.seed = 1; c.seed <= 100; c.seed++) {
		struct sim_result r = run(&c);

		if (!is_exact(&c, &r))
			fail_run(&c, &r);
		assert_int_equal(r.verdict.sent, r.datagrams);
	}
}

struct misdeed_case {
	enum sim_misdeed misdeed;
	enum verdict_cause finding;
	bool mapping_known; /* with this server alone */
};

static const struct misdeed_case misdeeds[] = {
	{ SIM_ONE_ADDRESS, CAUSE_NO_OTHER_ADDRESS, false },
	{ SIM_REFUSES_BINDING, CAUSE_SERVER_ERROR, false },
	{ SIM_IGNORES_CHANGE, CAUSE_IGNORES_CHANGE, true },
	{ SIM_IGNORES_ADDRESS, CAUSE_WRONG_SOURCE, true },
	{ SIM_REFUSES_CHANGE, CAUSE_REFUSES_CHANGE, true },
	{ SIM_DROPS_CHANGE, CAUSE_DROPS_CHANGE, true },
	{ SIM_WRONG_SOURCE, CAUSE_WRONG_SOURCE, true },
	{ SIM_WRONG_PLAIN, CAUSE_WRONG_SOURCE, false },
	{ SIM_ONE_VOICE, CAUSE_WRONG_SOURCE, false },
	{ SIM_SAME_ADDRESS, CAUSE_SAME_ADDRESS, false },
	{ SIM_SAME_PORT, CAUSE_SAME_PORT, false },
	{ SIM_PRIVATE_ALTERNATE, CAUSE_ALTERNATE_UNUSABLE, false },
	{ SIM_DEAD_ALTERNATE, CAUSE_ALTERNATE_SILENT, false },
};

/* Such servers make other tools say endpoint-independent, or the strictest, whatever the NAT. */
static void a_misbehaving_server_is_named(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = home;

	/* Behind an open filter all its answers arrive. */
	c.filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		const struct misdeed_case *m = &misdeeds[i];
		struct sim_result r;

		c.servers[0].misdeed = m->misdeed;
		c.seed = i;
		r = run(&c);
		if (!has_finding(&r, m->finding, 0))
			fail_msg("case %zu: not named", i);
		if (r.verdict.filtering.value != BEHAVIOUR_UNKNOWN ||
		    !has_finding(&r, (enum verdict_cause)r.verdict.filtering.cause, 0))
			fail_msg("case %zu: filtering %s, %s", i, filtering_word(&r),
				 filtering_cause(&r));
		if (m->mapping_known != (r.verdict.mapping.value == c.mapping) || is_wrong(&c, &r))
			fail_msg("case %zu: mapping %s", i, mapping_word(&r));
		if (m->misdeed != SIM_REFUSES_BINDING && m->misdeed != SIM_WRONG_PLAIN)
			assert_int_equal(r.verdict.nat.value, VERDICT_YES);
		if (r.elapsed_us > 3 * c.rtt_us + discover_window_us(&timing, c.rtt_us))
			fail_msg("case %zu: took %u us", i, (unsigned)r.elapsed_us);
	}
}

static void no_misdeed_makes_a_value_wrong(void **state)
{
	struct sim_config c = home;

	for (unsigned i = 0; i < 16 * 20 * 4; i++) {
		struct sim_result r;

		c.seed = i;
		c.servers[0].misdeed = (enum sim_misdeed)(1 + i % 16);
		c.mapping = mappings[i / 16 % 5];
		c.filtering = filterings[i / 80 % 4];
		c.loss_per_mille = i / 320 % 2 * 50;
		c.server_count = 1 + i / 640;
		r = run(&c);
		/* What a server drops behind a strict mapping cannot be told from a filter. */
		if ((c.servers[0].misdeed == SIM_DROPS_CHANGE ||
		     c.servers[0].misdeed == SIM_SLOW_CHANGE) &&
		    c.mapping != BEHAVIOUR_NONE && c.mapping != BEHAVIOUR_ENDPOINT_INDEPENDENT)
			continue;
		if (is_wrong(&c, &r) && r.verdict.udp_blocked.value != VERDICT_YES)
			fail_run(&c, &r);
	}
}

static void an_honest_server_stands_in(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = home;

	c.server_count = 2;
	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		for (size_t f = 0; f < ARRAY_LEN(filterings); f++) {
			struct sim_result r;

			c.servers[0].misdeed = misdeeds[i].misdeed;
			c.filtering = filterings[f];
			r = run(&c);
			if (!is_exact(&c, &r))
				fail_msg("case %zu: %s, %s, %s", i, mapping_word(&r),
					 filtering_word(&r), filtering_cause(&r));
			/* What is dropped shows only once it is late. */
			if (misdeeds[i].misdeed != SIM_DROPS_CHANGE &&
			    r.elapsed_us > 3 * c.rtt_us + discover_window_us(&timing, c.rtt_us))
				fail_msg("case %zu: took %u us", i, (unsigned)r.elapsed_us);
			if (f != 0 && misdeeds[i].finding != CAUSE_WRONG_SOURCE &&
			    misdeeds[i].misdeed != SIM_DROPS_CHANGE &&
			    !has_finding(&r, misdeeds[i].finding, 0))
				fail_msg("case %zu: not named", i);
		}
	}
}

static void a_dead_server_does_not_hold_up_the_others(void **state)
{
	struct sim_config c = home;
	struct sim_result alone = run(&c), r;

	c.server_count = 3;
	c.servers[0].misdeed = SIM_DEAD;
	c.servers[1].misdeed = SIM_TCP_ONLY;
	r = run(&c);
	assert_true(is_exact(&c, &r));
	assert_true(r.elapsed_us <= alone.elapsed_us + 10000);
	assert_int_equal(r.verdict.filtering.server, 2);
}

static void a_slow_server_is_given_its_time(void **state)
{
	struct sim_config c = home;
	struct sim_result r;

	c.servers[0].extra_rtt_us = 800000;
	r = run(&c);
	assert_true(is_exact(&c, &r));

	/* Slow with changed answers only: their lateness shows at the mapping socket. */
	c = home;
	c.servers[0].misdeed = SIM_SLOW_CHANGE;
	c.filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	r = run(&c);
	assert_false(is_wrong(&c, &r));
}

/* Mapping from servers with one address each; filtering cannot be had. */
static void single_address_servers_tell_what_they_can(void **state)
{
	struct sim_config c = home;
	struct sim_result r;

	c.server_count = 3;
	for (size_t i = 0; i < 3; i++)
		c.servers[i].misdeed = SIM_ONE_ADDRESS;
	r = run(&c);
	assert_int_equal(r.verdict.nat.value, VERDICT_YES);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(r.verdict.mapping.cause, CAUSE_ONE_PORT);
	assert_int_equal(r.verdict.mapping.possible,
			 BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
				 BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT));
	assert_int_equal(r.verdict.filtering.cause, CAUSE_NO_OTHER_ADDRESS);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_INCONCLUSIVE);
	assert_true(r.elapsed_us <= 2 * c.rtt_us);

	c.mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	r = run(&c);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_UNKNOWN);
	assert_true(verdict_excludes(&r.verdict.mapping, BEHAVIOUR_ENDPOINT_INDEPENDENT));
	assert_int_equal(r.verdict.legacy, LEGACY_SYMMETRIC);

	c.mapping = BEHAVIOUR_NONE;
	r = run(&c);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_NONE);
	assert_int_equal(r.verdict.firewall.value, VERDICT_UNKNOWN);

	/* What they told is theirs, not the dead one's. */
	c.servers[0].misdeed = SIM_DEAD;
	r = run(&c);
	assert_int_equal(r.verdict.mapping.server, 1);
	assert_int_equal(r.verdict.filtering.server, 1);
	assert_int_equal(r.verdict.filtering.cause, CAUSE_NO_OTHER_ADDRESS);
	c.server_count = 1;
	r = run(&c);
	assert_int_equal(r.verdict.mapping.server, VERDICT_NO_SERVER_INDEX);
	assert_int_equal(r.verdict.filtering.server, VERDICT_NO_SERVER_INDEX);
}

/* A block of 64 ports: two servers see one port in 1 of 64 runs, twice in 1 of 4096. */
static void two_servers_are_not_fooled_by_chance(void **state)
{
	struct sim_config c = home;
	unsigned fooled = 0;

	c.server_count = 2;
	c.servers[0].misdeed = c.servers[1].misdeed = SIM_ONE_ADDRESS;
	c.preserves_port = false;
	c.port_span = 64;
	c.mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	for (c.seed = 1; c.seed <= 2000; c.seed++)
		fooled += run(&c).verdict.mapping.value == BEHAVIOUR_ENDPOINT_INDEPENDENT;
	assert_in_range(fooled, 0, 3);
}

static void forgeries_count_for_nothing(void **state)
{
	struct sim_config c = home;
	struct sim_result r;

	c.forges = true;
	r = run(&c);
	assert_true(is_exact(&c, &r));
	assert_int_equal(r.verdict.finding_count, 0);
	assert_int_equal(r.verdict.stray, 2 * r.datagrams);

	c.udp_blocked = true;
	r = run(&c);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
}

/* A NAT that forwards 40 datagrams a second, or only 10: what is lost there is no filter. */
static void a_rate_limit_is_no_filter(void **state)
{
	struct sim_config c = home;

	c.filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	for (c.limit_per_s = 10; c.limit_per_s <= 80; c.limit_per_s += 10) {
		for (c.seed = 1; c.seed <= 10; c.seed++) {
			struct sim_result r = run(&c);

			if (is_wrong(&c, &r))
				fail_run(&c, &r);
		}
	}
}

/* Random ports out of few: two destinations often have the same port, by chance. */
static void equal_ports_by_chance_are_seen_through(void **state)
{
	struct sim_config c = home;
	unsigned exact = 0;

	c.preserves_port = false;
	c.port_span = 200;
	c.mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	for (c.seed = 1; c.seed <= 500; c.seed++) {
		struct sim_result r = run(&c);

		if (is_wrong(&c, &r) && r.verdict.mapping.value != BEHAVIOUR_MIXED)
			fail_run(&c, &r);
		exact += is_exact(&c, &r);
	}
	assert_in_range(exact, 495, 500);
}

/* An external address by chance for each mapping fits no rule. */
static void arbitrary_pooling_is_mixed(void **state)
{
	struct sim_config c = home;
	unsigned mixed = 0;

	c.pools = true;
	c.mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	for (c.seed = 1; c.seed <= 200; c.seed++)
		mixed += run(&c).verdict.mapping.value == BEHAVIOUR_MIXED;
	assert_in_range(mixed, 180, 200); /* all equal, by chance, on both sockets: 1 in 64 */
}

static void sockets_that_do_not_open_end_it(void **state)
{
	struct sim_config c = home;
	struct sim_result r;

	c.open_fails = true;
	r = run(&c);
	assert_int_equal(r.verdict.nat.value, VERDICT_YES);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(r.verdict.filtering.cause, CAUSE_LOCAL_ERROR);
	assert_true(r.elapsed_us <= 3 * c.rtt_us);

	c.server_count = 2;
	c.servers[0].misdeed = c.servers[1].misdeed = SIM_ONE_ADDRESS;
	r = run(&c);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_true(r.elapsed_us <= 3 * c.rtt_us);

	c.no_sockets = true;
	r = run(&c);
	assert_int_equal(r.verdict.nat.cause, CAUSE_LOCAL_ERROR);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_INCONCLUSIVE);
	assert_int_equal(r.elapsed_us, 0);
}

/* A NAT that restarts, or runs out of ports, while it is looked at. */
static void a_nat_that_changes_is_mixed_or_unknown(void **state)
{
	struct sim_config c = home;

	c.preserves_port = false;
	for (c.forgets_at_us = SIM_START_US; c.forgets_at_us <= SIM_START_US + 500000;
	     c.forgets_at_us += 7000) {
		struct sim_result r = run(&c);
		uint8_t mapping = r.verdict.mapping.value, filtering = r.verdict.filtering.value;

		if ((mapping != BEHAVIOUR_MIXED && mapping != c.mapping) ||
		    (filtering != BEHAVIOUR_UNKNOWN && filtering != c.filtering))
			fail_run(&c, &r);
		c.seed++;
	}
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
	struct sim_config c = home;

	c.timing = &timing;
	for (timing.budget = 1; timing.budget <= 30; timing.budget++) {
		struct sim_result r = run(&c);

		assert_in_range(r.datagrams, 0, timing.budget);
		if (is_wrong(&c, &r))
			fail_run(&c, &r);
		if (timing.budget >= 10 && timing.budget < 18)
			assert_int_equal(r.verdict.filtering.cause, CAUSE_BUDGET);
	}
}

static void a_deadline_ends_it(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_config c = home;
	struct sim_result r;

	c.timing = &timing;
	timing.deadline_us = 200000;
	r = run(&c);
	assert_int_equal(r.elapsed_us, 200000);
	assert_int_equal(r.verdict.nat.value, VERDICT_YES);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(r.verdict.filtering.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(r.verdict.filtering.cause, CAUSE_TIMEOUT);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_INCONCLUSIVE);
}

static void the_evidence_is_complete(void **state)
{
	struct sim_config c = home;
	struct sim_result r;
	const struct verdict *v = &r.verdict;

	r = run(&c);
	assert_int_equal(v->sent, r.datagrams);
	assert_int_equal(v->rtt_min_us, c.rtt_us);
	assert_int_equal(v->rtt_max_us, c.rtt_us);
	assert_int_equal(v->servers[0].rtt_us, c.rtt_us);
	assert_int_equal(v->servers[0].sent, v->sent);
	assert_int_equal(v->server_count, 1);
	assert_int_equal(v->sighting_count, 8); /* four endpoints from two sockets */
	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];

		assert_int_equal(s->mapped.port, s->local.port);
		assert_true(s->answered > 0 && s->sent >= s->answered);
	}
	assert_true(v->sightings[0].slot != v->sightings[7].slot);
	assert_int_equal(v->filter[FILTER_CONTROL].sent, 8);
	assert_int_equal(v->filter[FILTER_CONTROL].answered, 8);
	assert_int_equal(v->filter[FILTER_BOTH].sent, 8);
	assert_int_equal(v->filter[FILTER_BOTH].answered, 0);
	assert_int_equal(v->filter[FILTER_BOTH].verify_answered, 1);
	assert_true(v->filtering.error > 0 && v->filtering.error < 3e-5);
	assert_true(v->window_us >= 6 * c.rtt_us);
	assert_int_equal(v->legacy, LEGACY_RESTRICT_PORT);
	assert_int_equal(verdict_prospect(v), PROSPECT_PUNCH);
}

/* The same seed, the same bytes, the same verdict. */
static void a_run_repeats(void **state)
{
	struct sim_config c = home;
	struct sim_result a, b;

	c.loss_per_mille = 100;
	c.jitter_us = 20000;
	a = run(&c);
	b = run(&c);
	assert_int_equal(a.elapsed_us, b.elapsed_us);
	assert_int_equal(a.datagrams, b.datagrams);
	assert_int_equal(a.verdict.filtering.value, b.verdict.filtering.value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_exact_and_in_time),
		cmocka_unit_test(positives_decide_without_the_window),
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
		cmocka_unit_test(a_misbehaving_server_is_named),
		cmocka_unit_test(no_misdeed_makes_a_value_wrong),
		cmocka_unit_test(an_honest_server_stands_in),
		cmocka_unit_test(a_dead_server_does_not_hold_up_the_others),
		cmocka_unit_test(a_slow_server_is_given_its_time),
		cmocka_unit_test(single_address_servers_tell_what_they_can),
		cmocka_unit_test(two_servers_are_not_fooled_by_chance),
		cmocka_unit_test(forgeries_count_for_nothing),
		cmocka_unit_test(a_rate_limit_is_no_filter),
		cmocka_unit_test(equal_ports_by_chance_are_seen_through),
		cmocka_unit_test(arbitrary_pooling_is_mixed),
		cmocka_unit_test(sockets_that_do_not_open_end_it),
		cmocka_unit_test(a_nat_that_changes_is_mixed_or_unknown),
		cmocka_unit_test(it_can_be_stopped_at_any_time),
		cmocka_unit_test(a_small_budget_is_named),
		cmocka_unit_test(a_deadline_ends_it),
		cmocka_unit_test(the_evidence_is_complete),
		cmocka_unit_test(a_run_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
