/*
 * What others get wrong where the path loses, delays, or a server misbehaves, by the numbers of
 * section 2.2 of the notes on NAT traversal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim_expect.h"

static struct sim_config named(const char *name)
{
	const struct nat_profile *p = nat_profile_find(name);

	assert_non_null(p);
	return (struct sim_config){ .profile = p, .seed = 1 };
}

/* P2PD waits for half a second: a satellite is "filtered". */
static void e08_a_long_way_is_not_a_filter(void **state)
{
	static const uint32_t round_trips[] = { 500000, 700000, 1200000 };
	static const char *const names[] = { "home-router", "full-cone", "stateful-firewall" };

	for (size_t i = 0; i < ARRAY_LEN(round_trips); i++) {
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct sim_config c = named(names[k]);

			c.rtt_us = round_trips[i];
			sim_expect_truth(&c);
		}
	}
}

/*
 * pion and coturn ask once: at 10 % of loss each way a fifth of their filters come out stricter than
 * they are.
 */
static void e11_loss_does_not_make_a_filter_stricter(void **state)
{
	static const char *const names[] = { "full-cone", "restricted-cone", "home-router" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct sim_config c = named(names[i]);
		double open;

		c.access.loss = 0.10;
		open = sim_expect_none_wrong(&c, c.profile->truth, 25);
		assert_true(open < 0.05);
	}
}

/* pion takes any message for the answer, also a late one to an earlier question. */
static void e12_an_answer_belongs_to_its_question(void **state)
{
	struct sim_config c = named("home-router");

	c.forges = true;
	sim_expect_truth(&c);
	c.forges = false;
	c.access.duplicate = 0.3;
	sim_expect_truth(&c);
	c.servers[0].misdeed = SIM_SLOW_CHANGE;
	(void)sim_expect_none_wrong(&c, c.profile->truth, SIM_EXPECT_SEEDS);
}

/* Most do not look where an answer comes from: all filters are open where servers are lazy. */
static void e13_where_an_answer_comes_from_is_looked_at(void **state)
{
	static const uint8_t misdeeds[] = { SIM_IGNORES_CHANGE, SIM_IGNORES_ADDRESS, SIM_ONE_VOICE,
					    SIM_SAME_ADDRESS, SIM_WRONG_SOURCE };

	for (size_t i = 0; i < ARRAY_LEN(misdeeds); i++) {
		struct sim_config c = named("home-router");

		c.servers[0].misdeed = misdeeds[i];
		(void)sim_expect_none_wrong(&c, c.profile->truth, SIM_EXPECT_SEEDS);
		sim_expect(&c, "filtering = unknown\nnat = yes\n");
	}
}

/* plexus and coturn: whatever comes in is a hairpin, and whose address it shows is not said. */
static void e28_the_source_of_a_hairpin_is_told(void **state)
{
	struct sim_config c = named("home-router");

	sim_expect(&c, "hairpin = external-source\n");
	c = named("internal-hairpin");
	sim_expect(&c, "hairpin = internal-source\n");
	c = named("no-hairpin");
	sim_expect(&c, "hairpin = no\n");
	/* Where the filter may hide it, silence says nothing. */
	c = named("symmetric-random");
	sim_expect(&c, "hairpin = unknown\n");
	/* Linux drops what shows its own address. */
	c = named("internal-hairpin");
	c.hides_own_source = true;
	sim_expect(&c, "hairpin = unknown\n");
	assert_int_equal(sim_verdict(&c).hairpin.cause, CAUSE_HOST_HIDES);
	assert_int_equal(sim_verdict(&c).hairpin.possible,
			 1u << HAIRPIN_NO | 1u << HAIRPIN_INTERNAL_SOURCE);
}

/* tailscale saw hairpins in 57 of 100 runs of one router: ours is asked until it is sure. */
static void e28_the_answer_is_the_same_every_time(void **state)
{
	struct sim_config c = named("home-router");

	c.access.loss = 0.05;
	assert_true(sim_expect_none_wrong(&c, "hairpin = external-source\n", 50) < 0.05);
	c = named("no-hairpin");
	c.access.loss = 0.05;
	assert_true(sim_expect_none_wrong(&c, "hairpin = no\n", 50) < 0.05);
}

/* P2PD says "symmetric" where bursts are dropped: cheap routers have a limit. */
static void e27_a_rate_limit_is_not_a_symmetric_nat(void **state)
{
	struct sim_config c = named("rate-limited");

	sim_expect(&c, "rate-limit = yes\nmapping = endpoint-independent\n"
		       "filtering = address-and-port-dependent\ndelta.type = equal\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e08_a_long_way_is_not_a_filter),
		cmocka_unit_test(e11_loss_does_not_make_a_filter_stricter),
		cmocka_unit_test(e12_an_answer_belongs_to_its_question),
		cmocka_unit_test(e13_where_an_answer_comes_from_is_looked_at),
		cmocka_unit_test(e28_the_source_of_a_hairpin_is_told),
		cmocka_unit_test(e28_the_answer_is_the_same_every_time),
		cmocka_unit_test(e27_a_rate_limit_is_not_a_symmetric_nat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
