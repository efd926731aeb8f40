/*
 * What others get wrong about the choice of external ports, by the numbers of section 2.2 of the
 * notes on NAT traversal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim_expect.h"

static struct sim_config behind(const struct nat_profile *p)
{
	return (struct sim_config){ .profile = p, .seed = 1 };
}

static void expect_rule(const struct nat_profile *p, const char *type, int value)
{
	struct sim_config c = behind(p);
	char lines[80];

	snprintf(lines, sizeof(lines), "delta.type = %s\ndelta.value = %d\n", type, value);
	sim_expect(&c, lines);
}

/*
 * P2PD samples ports all at once, beside its type test: +1 becomes +2 or random where answers
 * overtake each other. What counts is the order of sending.
 */
static void e03_answers_that_overtake_each_other_change_nothing(void **state)
{
	static const char *const names[] = { "sequential-cone", "symmetric-sequential",
					     "symmetric-descending" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct nat_profile p = sim_profile(names[i]);
		struct sim_config c = behind(&p);

		/* Beyond the box all comes back in any order. */
		c.access.jitter_us = 40000;
		c.access.jitter_reorders = true;
		sim_expect_truth(&c);
		/* Before the box even what we send may overtake: then at least no wrong value. */
		c.loses_inside = true;
		(void)sim_expect_none_wrong(&c, p.truth, 10);
	}
}

/* Two interfaces behind one counter: each must not see the other's mappings as its own. */
static void e03_interfaces_take_turns(void **state)
{
	struct nat_profile p = sim_profile("two-nics-sequential");
	struct sim_config c = behind(&p);

	sim_expect_truth(&c);
}

/* P2PD: distances have no sign, so that -1 is +1, and prediction goes the wrong way. */
static void e04_steps_have_a_sign(void **state)
{
	static const int steps[] = { 1, -1, 2, -2, 3, -7, 16, -64 };
	struct nat_profile p = sim_profile("symmetric-descending");

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		p.layers[0].step = steps[i];
		expect_rule(&p, "independent", steps[i]);
	}
}

/* P2PD: dependent +1 with consecutive ports counts as preserving, and comes out as random. */
static void e05_dependent_by_one_is_seen(void **state)
{
	struct nat_profile p = sim_profile("symmetric-dependent");

	expect_rule(&p, "dependent", 1);
	p.layers[0].step = 2;
	expect_rule(&p, "dependent", 2);
	p.layers[0].step = -1;
	expect_rule(&p, "dependent", -1);
}

/* P2PD: 5 of 12 are "equal", and the rest is not spoken of. */
static void e06_how_many_ports_are_kept_is_told(void **state)
{
	static const unsigned kept[] = { 40, 60, 80, 100 };
	struct nat_profile p = sim_profile("port-overload");
	struct sim_config c = behind(&p);

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		char lines[80];

		p.layers[0].overload = 1 - kept[i] / 100.0;
		snprintf(lines, sizeof(lines), "delta.type = equal\ndelta.preserved = %u%%\n",
			 kept[i]);
		sim_expect(&c, lines);
		c.seed++;
	}
}

/* P2PD: parity is not known to it; sequences that keep it are +2, or an artefact of +3. */
static void e07_parity_is_seen(void **state)
{
	struct nat_profile p = sim_profile("parity-sequential");
	struct sim_config c = behind(&p);

	sim_expect(&c, "delta.type = independent\ndelta.value = 2\nparity = yes\n");
	p = sim_profile("parity-random");
	sim_expect(&c, "delta.type = random\nparity = yes\n");
	p = sim_profile("full-cone");
	sim_expect(&c, "delta.type = random\nparity = no\n");
}

/* P2PD: ports out of a small block are "random" and the block is lost. */
static void e07_blocks_are_seen(void **state)
{
	static const uint32_t widths[] = { 64, 512, 2048 };
	struct nat_profile p = sim_profile("cgn-block-512");
	struct sim_config c = behind(&p);

	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		struct verdict v;

		p.layers[0].block_width = widths[i];
		p.layers[0].subscriber_limit = widths[i];
		v = sim_verdict(&c);
		assert_int_equal(v.ports.delta, DELTA_RANDOM);
		assert_true(v.ports.low > 0 && v.ports.low < v.ports.high);
		assert_true((uint32_t)(v.ports.high - v.ports.low) < widths[i]);
	}
}

/* A sequence that wraps in its block: all of the steps but one are +1. */
static void e07_a_sequence_that_wraps_is_still_one(void **state)
{
	struct nat_profile p = sim_profile("cgn-deterministic");

	p.layers[0].block_width = 128;
	p.layers[0].subscriber_limit = 128;
	expect_rule(&p, "independent", 1);
}

/* frp: a spread of 1 to 5 is regular, a busy counter is not. */
static void e23_a_busy_counter_is_a_counter(void **state)
{
	static const double rates[] = { 1, 5, 20 };
	struct nat_profile p = sim_profile("symmetric-busy");

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		p.layers[0].background_per_s = rates[i];
		expect_rule(&p, "independent", 1);
	}
}

/* frp: two random ports that are close to each other are regular. */
static void e23_neighbours_by_chance_are_no_rule(void **state)
{
	struct nat_profile p = sim_profile("symmetric-random");
	struct sim_config c = behind(&p);

	/* In 64 ports, two neighbours are common. */
	p.layers[0].port_low = 40000;
	p.layers[0].port_high = 40511;
	for (c.seed = 1; c.seed < 40; c.seed += SIM_EXPECT_SEEDS)
		(void)sim_expect_none_wrong(&c, "delta.type = random\n", SIM_EXPECT_SEEDS);
}

/* EasyTier: one further sample within 100 of the others is a step; its size is not looked at. */
static void e24_the_size_of_a_step_is_measured(void **state)
{
	static const int steps[] = { 4, 10, 50, 99 };
	struct nat_profile p = sim_profile("symmetric-sequential");

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		p.layers[0].step = steps[i];
		expect_rule(&p, "independent", steps[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e03_answers_that_overtake_each_other_change_nothing),
		cmocka_unit_test(e03_interfaces_take_turns),
		cmocka_unit_test(e04_steps_have_a_sign),
		cmocka_unit_test(e05_dependent_by_one_is_seen),
		cmocka_unit_test(e06_how_many_ports_are_kept_is_told),
		cmocka_unit_test(e07_parity_is_seen),
		cmocka_unit_test(e07_blocks_are_seen),
		cmocka_unit_test(e07_a_sequence_that_wraps_is_still_one),
		cmocka_unit_test(e23_a_busy_counter_is_a_counter),
		cmocka_unit_test(e23_neighbours_by_chance_are_no_rule),
		cmocka_unit_test(e24_the_size_of_a_step_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
