/* Discoveries among servers that are dead, slow, poor or lie, and forgers beside them. */
#include "natprobe/discover/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim_check.h"

static bool has_finding(const struct sim_result *r, enum verdict_cause cause, uint8_t server)
{
	for (size_t i = 0; i < r->verdict.finding_count; i++) {
		const struct verdict_finding *f = &r->verdict.findings[i];

		if (f->cause == cause && f->server == server)
			return true;
	}
	return false;
}

struct misdeed_case {
	uint8_t misdeed; /* enum sim_misdeed */
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
	struct sim_case c = sim_home;

	/* Behind an open filter all its answers arrive. */
	c.box.filtering = NAT_EI;
	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		const struct misdeed_case *m = &misdeeds[i];
		struct sim_result r;

		c.net.servers[0].misdeed = m->misdeed;
		c.net.seed = i;
		r = sim_check(&c);
		if (!has_finding(&r, m->finding, 0))
			fail_msg("case %zu: not named", i);
		if (r.verdict.filtering.value != BEHAVIOUR_UNKNOWN ||
		    !has_finding(&r, (enum verdict_cause)r.verdict.filtering.cause, 0))
			fail_msg("case %zu: filtering %s, %s", i, sim_filtering_word(&r),
				 sim_filtering_cause(&r));
		if (m->mapping_known != (r.verdict.mapping.value == sim_behaviour(c.box.mapping)) ||
		    sim_is_wrong(&c, &r))
			fail_msg("case %zu: mapping %s", i, sim_mapping_word(&r));
		if (m->misdeed != SIM_REFUSES_BINDING && m->misdeed != SIM_WRONG_PLAIN)
			assert_int_equal(r.verdict.nat.value, VERDICT_YES);
		if (r.elapsed_us > sim_promised_us(&c, &r) + 3 * c.net.rtt_us)
			fail_msg("case %zu: took %u us", i, (unsigned)r.elapsed_us);
	}
}

static void no_misdeed_makes_a_value_wrong(void **state)
{
	struct sim_case c = sim_home;

	for (unsigned i = 0; i < 19 * 20 * 4; i++) {
		struct sim_result r;

		c.net.seed = i;
		c.net.servers[0].misdeed = (uint8_t)(1 + i % 19);
		c.box.mapping = sim_mappings[i / 19 % 5];
		c.box.filtering = sim_filterings[i / 95 % 4];
		c.net.access.loss = i / 380 % 2 * 0.05;
		c.net.server_count = 1 + i / 760;
		r = sim_check(&c);
		/* What a server drops behind a strict mapping cannot be told from a filter. */
		if ((c.net.servers[0].misdeed == SIM_DROPS_CHANGE ||
		     c.net.servers[0].misdeed == SIM_SLOW_CHANGE) &&
		    c.box.mapping != NAT_NONE && c.box.mapping != NAT_EI)
			continue;
		if (sim_is_wrong(&c, &r) && r.verdict.udp_blocked.value != VERDICT_YES)
			sim_fail(&c, &r);
	}
}

static void an_honest_server_stands_in(void **state)
{
	struct sim_case c = sim_home;

	c.net.server_count = 2;
	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		for (size_t f = 0; f < ARRAY_LEN(sim_filterings); f++) {
			struct sim_result r;

			c.net.servers[0].misdeed = misdeeds[i].misdeed;
			c.box.filtering = sim_filterings[f];
			r = sim_check(&c);
			if (!sim_is_exact(&c, &r))
				fail_msg("case %zu: %s, %s, %s", i, sim_mapping_word(&r),
					 sim_filtering_word(&r), sim_filtering_cause(&r));
			/* What is dropped shows only once it is late. */
			if (misdeeds[i].misdeed != SIM_DROPS_CHANGE &&
			    r.elapsed_us > sim_promised_us(&c, &r) + 3 * c.net.rtt_us)
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
	struct sim_case c = sim_home;
	struct sim_result alone = sim_check(&c), r;

	c.net.server_count = 3;
	c.net.servers[0].misdeed = SIM_DEAD;
	c.net.servers[1].misdeed = SIM_TCP_ONLY;
	r = sim_check(&c);
	assert_true(sim_is_exact(&c, &r));
	assert_true(r.elapsed_us <= alone.elapsed_us + 10000);
	assert_int_equal(r.verdict.filtering.server, 2);
}

static void a_slow_server_is_given_its_time(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.servers[0].extra_rtt_us = 800000;
	r = sim_check(&c);
	assert_true(sim_is_exact(&c, &r));

	/* Slow with changed answers only: their lateness shows at the mapping socket. */
	c = sim_home;
	c.net.servers[0].misdeed = SIM_SLOW_CHANGE;
	c.box.filtering = NAT_EI;
	r = sim_check(&c);
	assert_false(sim_is_wrong(&c, &r));
}

/* Mapping from servers with one address each; filtering cannot be had. */
static void single_address_servers_tell_what_they_can(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.server_count = 3;
	for (size_t i = 0; i < 3; i++)
		c.net.servers[i].misdeed = SIM_ONE_ADDRESS;
	r = sim_check(&c);
	assert_int_equal(r.verdict.nat.value, VERDICT_YES);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(r.verdict.mapping.cause, CAUSE_ONE_PORT);
	assert_int_equal(r.verdict.mapping.possible,
			 BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
				 BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT));
	assert_int_equal(r.verdict.filtering.cause, CAUSE_NO_OTHER_ADDRESS);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_INCONCLUSIVE);
	assert_true(r.elapsed_us <= sim_promised_us(&c, &r));

	c.box.mapping = NAT_APD;
	r = sim_check(&c);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_UNKNOWN);
	assert_true(verdict_excludes(&r.verdict.mapping, BEHAVIOUR_ENDPOINT_INDEPENDENT));
	assert_int_equal(r.verdict.legacy, LEGACY_SYMMETRIC);

	c.box.mapping = NAT_NONE;
	r = sim_check(&c);
	assert_int_equal(r.verdict.mapping.value, BEHAVIOUR_NONE);
	assert_int_equal(r.verdict.firewall.value, VERDICT_UNKNOWN);

	/* What they told is theirs, not the dead one's. */
	c.net.servers[0].misdeed = SIM_DEAD;
	r = sim_check(&c);
	assert_int_equal(r.verdict.mapping.server, 1);
	assert_int_equal(r.verdict.filtering.server, 1);
	assert_int_equal(r.verdict.filtering.cause, CAUSE_NO_OTHER_ADDRESS);
	c.net.server_count = 1;
	r = sim_check(&c);
	assert_int_equal(r.verdict.mapping.server, VERDICT_NO_SERVER_INDEX);
	assert_int_equal(r.verdict.filtering.server, VERDICT_NO_SERVER_INDEX);
}

/* A block of 64 ports: two servers see one port in 1 of 64 runs, twice in 1 of 4096. */
static void two_servers_are_not_fooled_by_chance(void **state)
{
	struct sim_case c = sim_home;
	unsigned fooled = 0;

	c.net.server_count = 2;
	c.net.servers[0].misdeed = c.net.servers[1].misdeed = SIM_ONE_ADDRESS;
	c.box.allocation = NAT_LINUX; /* lets two destinations share a port */
	c.box.overload = 1;
	c.box.port_low = 2048;
	c.box.port_high = 2111;
	c.box.mapping = NAT_APD;
	for (c.net.seed = 1; c.net.seed <= 2000; c.net.seed++)
		fooled += sim_check(&c).verdict.mapping.value == BEHAVIOUR_ENDPOINT_INDEPENDENT;
	assert_in_range(fooled, 0, 3);
}

static void forgeries_count_for_nothing(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.forges = true;
	r = sim_check(&c);
	assert_true(sim_is_exact(&c, &r));
	assert_int_equal(r.verdict.finding_count, 0);
	assert_in_range(r.verdict.stray, r.datagrams, 2 * r.datagrams);

	c.box.udp_blocked = true;
	r = sim_check(&c);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_YES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_misbehaving_server_is_named),
		cmocka_unit_test(no_misdeed_makes_a_value_wrong),
		cmocka_unit_test(an_honest_server_stands_in),
		cmocka_unit_test(a_dead_server_does_not_hold_up_the_others),
		cmocka_unit_test(a_slow_server_is_given_its_time),
		cmocka_unit_test(single_address_servers_tell_what_they_can),
		cmocka_unit_test(two_servers_are_not_fooled_by_chance),
		cmocka_unit_test(forgeries_count_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
