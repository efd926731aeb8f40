/* The deeper look over all profiles, judged by the truth of their boxes; and what it promises. */
#include "deep_score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SHARE_MIN 0.99
#define BURST_MAX 9 /* within 10 ms */

static struct sim_deep_result result;

static struct sim_deep_config case_of(const char *profile)
{
	const struct nat_profile *p = nat_profile_find(profile);

	assert_non_null(p);
	return (struct sim_deep_config){ .net = { .profile = p, .seed = 3, .server_count = 1 } };
}

static const struct deep_value *value(enum deep_property which)
{
	return &result.verdict.deep.values[which];
}

static void all_profiles_at(double loss, uint64_t seed)
{
	struct deep_score score = { 0 };

	for (size_t i = 0; i < nat_profile_count; i++)
		deep_score_run(&nat_profiles[i], seed, loss, stderr, &score);
	assert_int_equal(score.runs, nat_profile_count);
	assert_int_equal(score.broken, 0);
	assert_int_equal(score.late, 0);
	assert_int_equal(score.wide, 0);
	assert_true(score.exact >= SHARE_MIN * score.lines);
}

static void without_loss_values_are_exact_or_inside(void **state)
{
	all_profiles_at(0, 1);
}

static void with_loss_values_are_exact_or_inside(void **state)
{
	all_profiles_at(0.02, 2);
}

static void promises_hold_in_every_network(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i += 5) {
		struct sim_deep_config c = { .net = { .profile = &nat_profiles[i], .seed = 7 },
					     .mappings = 60 };

		sim_deep_run(&c, &result);
		assert_true(result.ended);
		assert_int_equal(result.open_at_end, 0);
		assert_in_range(result.most_open, 0, 60);
		assert_in_range(result.burst, 0, BURST_MAX);
		assert_true(result.verdict.deep.tried);
	}
}

static void without_cooperation_nothing_is_guessed(void **state)
{
	struct sim_deep_config c = case_of("N07");

	c.no_cooperation = true;
	sim_deep_run(&c, &result);
	assert_true(result.ended);
	assert_int_equal(value(DEEP_LIFETIME)->state, DEEP_UNKNOWN);
	assert_int_equal(value(DEEP_LIFETIME)->cause, CAUSE_NO_COOPERATION);
	assert_int_equal(value(DEEP_KEEPALIVE)->state, DEEP_UNKNOWN);
	assert_int_equal(value(DEEP_RANGE_LOW)->cause, CAUSE_NO_COOPERATION);
	assert_int_equal(result.verdict.deep.server.family, ADDR_NONE);
}

static void cut_short_it_gives_bounds(void **state)
{
	struct sim_deep_config c = case_of("N07"); /* 300 s */

	c.stops_at_us = SIM_START_US + 100000000;
	sim_deep_run(&c, &result);
	assert_true(result.ended);
	assert_true(result.verdict.deep.cut);
	assert_int_equal(value(DEEP_LIFETIME)->state, DEEP_NUMBER);
	assert_true(value(DEEP_LIFETIME)->low > 70 && value(DEEP_LIFETIME)->low < 100);
	assert_true(isinf(value(DEEP_LIFETIME)->high));
	assert_int_equal(value(DEEP_REFRESH_OUTBOUND)->state, DEEP_UNKNOWN);
	assert_in_range(result.elapsed_us, 99000000, 101000000);
}

static void a_lifetime_beyond_the_longest_is_a_bound(void **state)
{
	struct sim_deep_config c = case_of("N07");

	c.longest_s = 60;
	sim_deep_run(&c, &result);
	assert_int_equal(value(DEEP_LIFETIME)->state, DEEP_NUMBER);
	assert_true(value(DEEP_LIFETIME)->low > 59);
	assert_true(isinf(value(DEEP_LIFETIME)->high));
	assert_int_equal(value(DEEP_KEEPALIVE)->low, 29);
	assert_true(result.elapsed_us < 80000000);
}

static void ports_that_somebody_else_has_are_met(void **state)
{
	struct sim_deep_config c = case_of("N33"); /* 60 s, and 20 s one way */

	c.taken_per_mille = 200;
	sim_deep_run(&c, &result);
	assert_true(value(DEEP_LIFETIME)->low < 60 && value(DEEP_LIFETIME)->high >= 60);
	assert_true(value(DEEP_LIFETIME)->high < 1.1 * value(DEEP_LIFETIME)->low);
	assert_true(value(DEEP_LIFETIME_ONE_WAY)->low < 20 &&
		    value(DEEP_LIFETIME_ONE_WAY)->high >= 20);
}

static void a_sleep_makes_nothing_wrong(void **state)
{
	struct sim_deep_config c = case_of("N33");

	c.sleeps_for_us = 30000000;
	sim_deep_run(&c, &result);
	assert_true(result.ended);
	assert_true(value(DEEP_LIFETIME)->low <= 60 && value(DEEP_LIFETIME)->high >= 60);
	assert_true(value(DEEP_LIFETIME_ONE_WAY)->low <= 20 &&
		    value(DEEP_LIFETIME_ONE_WAY)->high >= 20);
}

static void turns_are_waited_for(void **state)
{
	struct sim_deep_config c = case_of("N17"); /* a counter, which is looked at alone */

	c.longest_s = 30;
	c.turn_us = 3000000;
	sim_deep_run(&c, &result);
	assert_true(result.ended);
	assert_in_range(result.first_us, c.turn_us, c.turn_us + 100000);
	assert_int_equal(result.out_of_turn, 0);
	assert_true(result.datagrams > 100);
	assert_int_equal(value(DEEP_BACKGROUND)->low, 0);
	assert_int_equal(value(DEEP_PER_DESTINATION)->low, 1);
	assert_int_equal(value(DEEP_LIFETIME)->state, DEEP_NUMBER);
	assert_true(value(DEEP_LIFETIME)->low > 29);
	assert_in_range(result.elapsed_us, 40000000, 80000000);
}

static void who_is_stopped_before_its_turn_ends(void **state)
{
	struct sim_deep_config c = case_of("N17");

	c.turn_us = 60000000;
	c.stops_at_us = SIM_START_US + 5000000;
	sim_deep_run(&c, &result);
	assert_true(result.ended);
	assert_int_equal(result.datagrams, 0);
	assert_int_equal(result.open_at_end, 0);
	assert_int_equal(result.elapsed_us, 5000000);
	assert_int_equal(value(DEEP_LIFETIME)->state, DEEP_UNKNOWN);
}

/* The box has few ports for us: what it did not map at all looks like what it forgot. */
static void a_mapping_that_never_was_did_not_end(void **state)
{
	struct nat_profile p = *nat_profile_find("N07");
	struct sim_deep_config c = { .net = { .profile = &p, .seed = 32, .server_count = 1 } };

	p.layers[0].mapping = NAT_APD;
	p.layers[0].filtering = NAT_EI;
	p.layers[0].allocation = NAT_SEQUENTIAL;
	p.layers[0].step = -1;
	p.layers[0].block_width = 256;
	p.layers[0].lifetime_s = 425;
	sim_deep_run(&c, &result);
	assert_int_equal(value(DEEP_LIFETIME_ONE_WAY)->state, DEEP_NUMBER);
	assert_true(value(DEEP_LIFETIME_ONE_WAY)->low > 60);
	assert_true(value(DEEP_LIFETIME_ONE_WAY)->high >= 425);
	assert_true(value(DEEP_LIFETIME)->high >= 425);
}

/* What a datagram nobody asked for has ended is not what Linux does with an early one. */
static void a_mapping_that_ended_was_not_moved(void **state)
{
	struct nat_profile p = *nat_profile_find("N07");
	struct sim_deep_config c = { .net = { .profile = &p, .seed = 5, .server_count = 1 } };

	p.layers[0].mapping = NAT_EI;
	p.layers[0].filtering = NAT_APD;
	p.layers[0].allocation = NAT_RANDOM;
	p.layers[0].lifetime_s = 20;
	p.layers[0].dies_on_unexpected = true;
	sim_deep_run(&c, &result);
	assert_int_equal(value(DEEP_UNEXPECTED)->word, DEEP_ENDS_MAPPING);
	assert_int_equal(value(DEEP_EARLY_INBOUND)->state, DEEP_UNKNOWN);
	assert_int_equal(value(DEEP_EARLY_INBOUND)->cause, CAUSE_AMBIGUOUS);
}

/* An answer that overtakes others meets the NAT sooner than the times of the server tell. */
static void unsteady_links_only_widen_a_lifetime(void **state)
{
	struct sim_deep_config c = case_of("N33"); /* 60 s, and 20 s one way */

	c.net.access = (struct nat_link_config){ .jitter_us = 60000,
						 .jitter_reorders = 1,
						 .reorder = 0.02 };
	for (c.net.seed = 1; c.net.seed <= 4; c.net.seed++) {
		sim_deep_run(&c, &result);
		assert_true(value(DEEP_LIFETIME)->low <= 60);
		assert_true(value(DEEP_LIFETIME)->high >= 60);
		assert_true(value(DEEP_LIFETIME_ONE_WAY)->low <= 20);
		assert_true(value(DEEP_LIFETIME_ONE_WAY)->high >= 20);
	}
}

/* Both routers grant a mapping; behind a second NAT nobody gets that far. */
static void a_mapping_is_used_and_not_only_granted(void **state)
{
	struct sim_deep_config c = case_of("N07");

	c.longest_s = 30;
	sim_deep_run(&c, &result);
	assert_int_equal(value(DEEP_PORTMAP_WORKS)->state, DEEP_WORD);
	assert_int_equal(value(DEEP_PORTMAP_WORKS)->word, DEEP_YES);
	c = case_of("N32");
	c.longest_s = 30;
	sim_deep_run(&c, &result);
	assert_int_equal(value(DEEP_PORTMAP_WORKS)->state, DEEP_WORD);
	assert_int_equal(value(DEEP_PORTMAP_WORKS)->word, DEEP_NO);
}

static void evidence_is_kept(void **state)
{
	struct sim_deep_config c = case_of("N33");
	const struct verdict_deep *v = &result.verdict.deep;

	sim_deep_run(&c, &result);
	assert_in_range(v->rung_count, 40, DEEP_RUNGS_MAX);
	for (size_t i = 0; i < v->rung_count; i++) {
		if (v->rungs[i].ladder == LADDER_TWO_WAY && v->rungs[i].alive)
			assert_true(v->rungs[i].waited_s < 60);
	}
	assert_true(v->sent > 0 && v->answered > 0 && v->elapsed_us > 60000000);
	assert_int_equal(v->sent, result.datagrams);
	assert_int_equal(v->mappings, result.most_open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_loss_values_are_exact_or_inside),
		cmocka_unit_test(with_loss_values_are_exact_or_inside),
		cmocka_unit_test(promises_hold_in_every_network),
		cmocka_unit_test(without_cooperation_nothing_is_guessed),
		cmocka_unit_test(cut_short_it_gives_bounds),
		cmocka_unit_test(a_lifetime_beyond_the_longest_is_a_bound),
		cmocka_unit_test(ports_that_somebody_else_has_are_met),
		cmocka_unit_test(a_sleep_makes_nothing_wrong),
		cmocka_unit_test(turns_are_waited_for),
		cmocka_unit_test(who_is_stopped_before_its_turn_ends),
		cmocka_unit_test(a_mapping_that_never_was_did_not_end),
		cmocka_unit_test(a_mapping_that_ended_was_not_moved),
		cmocka_unit_test(unsteady_links_only_widen_a_lifetime),
		cmocka_unit_test(a_mapping_is_used_and_not_only_granted),
		cmocka_unit_test(evidence_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
