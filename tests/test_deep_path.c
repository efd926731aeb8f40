/* The deeper look at the path: what has a property, what only looks like it, and what hides it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "natprobe/report/property.h"
#include "sim_deep.h"

static struct sim_deep_result result;

static struct sim_deep_config case_of(const char *profile)
{
	const struct nat_profile *p = nat_profile_find(profile);

	assert_non_null(p);
	return (struct sim_deep_config){ .net = { .profile = p, .seed = 5, .server_count = 1 },
					 .longest_s = 20 };
}

static const struct deep_value *value(enum deep_property which)
{
	return &result.verdict.deep.values[which];
}

static const struct property *row(enum deep_property which)
{
	return &property_table[property_count - DEEP_PROPERTIES + which];
}

static void run(const char *profile)
{
	struct sim_deep_config c = case_of(profile);

	sim_deep_run(&c, &result);
	assert_true(result.ended);
	assert_int_equal(result.open_at_end, 0);
}

static void expect_text(const char *profile, enum deep_property which, const char *wanted)
{
	struct property_value v;

	property_get(row(which), &result.verdict, &v);
	if (strcmp(v.text, wanted) != 0)
		fail_msg("%s: %s is %s, not %s", profile, row(which)->name, v.text, wanted);
}

static void expect_unknown(enum deep_property which, enum verdict_cause cause)
{
	const struct deep_value *v = value(which);

	if (v->state != DEEP_UNKNOWN || v->cause != cause)
		fail_msg("%s: state %u, cause %s", row(which)->name, v->state,
			 verdict_cause_word((enum verdict_cause)v->cause));
}

static void what_looks_like_it_is_not(void **state)
{
	static const struct {
		enum deep_property which;
		const char *profile, *has, *other, *has_not;
	} cases[] = {
		{ DEEP_NATS, "N32", "2", "L3", "1" },
		{ DEEP_NATS, "N31", "2", "N52", "1" },
		{ DEEP_NATS, "N04", "1", "N02", "0" },
		{ DEEP_DS_LITE, "N46", "yes", "N47", "no" },
		{ DEEP_NATS, "N46", "1", "N47", "1" },
		{ DEEP_464XLAT, "N48", "yes", "N49", "no" },
		{ DEEP_DS_LITE, "N46", "yes", "N48", "no" },
		{ DEEP_NPTV6, "N50", "yes", "N51", "no" },
		{ DEEP_NAT64_PREFIX, "N41", "96", "N42", "none" },
		{ DEEP_EARLY_INBOUND, "K1", "remapped", "K2", "kept" },
		{ DEEP_UNEXPECTED, "N39", "ends-mapping", "N07", "survives" },
		{ DEEP_ICMP_ERROR, "N39", "ends-mapping", "N53", "survives" },
		{ DEEP_ICMP_PASSED, "N39", "yes", "N53", "no" },
		{ DEEP_FRAGMENTS_IN, "N54", "in-order", "N37", "no" },
		{ DEEP_DF, "N55", "icmp", "N56", "silent" },
		{ DEEP_ALG, "N38", "yes", "N29", "no" },
		{ DEEP_FILTERING_TCP, "N58", "endpoint-independent", "N05",
		  "endpoint-independent" },
		{ DEEP_SYN_REACTION, "N43", "rst", "N44", "icmp" },
		{ DEEP_PORT_CLASH, "K1", "overloaded", "N07", "moved" },
		{ DEEP_PORT_CLASH, "N30", "kept", "N01", "kept" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run(cases[i].profile);
		expect_text(cases[i].profile, cases[i].which, cases[i].has);
		run(cases[i].other);
		expect_text(cases[i].other, cases[i].which, cases[i].has_not);
	}
}

static void sizes_are_four_bytes_wide(void **state)
{
	static const struct {
		const char *profile;
		double out, in;
	} cases[] = {
		{ "N07", 1500, 1500 }, { "N55", 1492, 1492 }, { "N56", 1400, 1400 },
		{ "N37", 1500, 1280 }, { "N46", 1460, 1460 }, { "N48", 1480, 1480 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run(cases[i].profile);
		assert_true(value(DEEP_MTU_OUT)->low == cases[i].out);
		assert_true(value(DEEP_MTU_OUT)->high == cases[i].out + 3);
		assert_true(value(DEEP_MTU_IN)->low == cases[i].in);
		assert_true(value(DEEP_MTU_IN)->high == cases[i].in + 3);
	}
}

static void any_limit_is_found(void **state)
{
	for (uint32_t limit = 700; limit < 1480; limit += 61) {
		struct sim_deep_config c = case_of("N07");
		struct nat_profile p = *c.net.profile;

		p.layers[0].mtu = limit;
		p.layers[0].max_inbound = limit + 13;
		c.net.profile = &p;
		sim_deep_run(&c, &result);
		assert_true(value(DEEP_MTU_OUT)->low <= limit);
		assert_true(value(DEEP_MTU_OUT)->high >= limit);
		assert_true(value(DEEP_MTU_OUT)->high - value(DEEP_MTU_OUT)->low == 3);
		assert_true(value(DEEP_MTU_IN)->low <= limit + 13);
		assert_true(value(DEEP_MTU_IN)->high >= limit + 13);
	}
}

static void a_server_without_raw_sockets_is_named(void **state)
{
	struct sim_deep_config c = case_of("N07");

	c.server_has_no_raw_sockets = true;
	sim_deep_run(&c, &result);
	expect_unknown(DEEP_FRAGMENTS_IN, CAUSE_NO_COOPERATION);
	expect_unknown(DEEP_ICMP_ERROR, CAUSE_NO_COOPERATION);
	expect_unknown(DEEP_ICMP_PASSED, CAUSE_NO_COOPERATION);
	expect_text("N07", DEEP_UNEXPECTED, "survives");
	expect_text("N07", DEEP_FRAGMENTS_OUT, "any-order");
}

static void a_host_without_raw_sockets_fragments_in_order(void **state)
{
	struct sim_deep_config c = case_of("N07");

	c.has_no_raw_sockets = true;
	sim_deep_run(&c, &result);
	expect_unknown(DEEP_FRAGMENTS_OUT, CAUSE_LOCAL_ERROR);
	c = case_of("N41"); /* a NAT64 that drops them */
	c.has_no_raw_sockets = true;
	sim_deep_run(&c, &result);
	expect_text("N41", DEEP_FRAGMENTS_OUT, "no");
}

static void a_host_that_hides_icmp_knows_nothing_of_it(void **state)
{
	struct sim_deep_config c = case_of("N55");

	c.hides_icmp = true;
	sim_deep_run(&c, &result);
	expect_unknown(DEEP_DF, CAUSE_LOCAL_ERROR);
	expect_unknown(DEEP_ICMP_PASSED, CAUSE_LOCAL_ERROR);
	expect_text("N55", DEEP_ICMP_ERROR, "survives");
	expect_text("N55", DEEP_NATS, "1"); /* one box that filters, next to us */
	c = case_of("N26");                 /* lets everybody in: only routers tell */
	c.hides_icmp = true;
	sim_deep_run(&c, &result);
	expect_unknown(DEEP_NATS, CAUSE_AMBIGUOUS);
}

static void with_one_address_a_router_may_be_a_nat(void **state)
{
	struct sim_deep_config c = case_of("L3");

	c.has_no_second = true;
	sim_deep_run(&c, &result);
	expect_unknown(DEEP_NATS, CAUSE_AMBIGUOUS);
	expect_unknown(DEEP_PORT_CLASH, CAUSE_NOT_TRIED);
	c = case_of("N32");
	c.has_no_second = true;
	sim_deep_run(&c, &result);
	expect_text("N32", DEEP_NATS, "2"); /* the gateway has a private address outside */
}

/* The outer one lets everybody in, so that the inner one is the outermost that filters. */
static void a_nat_that_is_open_counts_as_well(void **state)
{
	struct sim_deep_config c = case_of("N57");
	struct nat_profile p = *c.net.profile;

	p.layers[0].filtering = NAT_EI;
	p.layers[0].silent_hop = p.layers[1].silent_hop = false;
	c.net.profile = &p;
	sim_deep_run(&c, &result);
	expect_text("an open NAT", DEEP_NATS, "2");
	p.layers[0].allocation = NAT_RANDOM;
	sim_deep_run(&c, &result);
	expect_unknown(DEEP_NATS, CAUSE_AMBIGUOUS);
	p.layers[1].nat_pmp = true; /* the gateway tells */
	sim_deep_run(&c, &result);
	expect_text("an open NAT", DEEP_NATS, "2");
}

static void silent_routers_make_it_unknown(void **state)
{
	run("N57");
	expect_unknown(DEEP_NATS, CAUSE_AMBIGUOUS);
}

static void routers_are_told_in_order(void **state)
{
	const struct verdict_deep *v = &result.verdict.deep;
	struct addr gateway, outer;

	run("N32");
	gateway = nat_plan_gateway(nat_profile_find("N32"), 1);
	outer = nat_plan_gateway(nat_profile_find("N32"), 0);
	assert_in_range(v->hop_count, 4, DEEP_HOPS_MAX);
	assert_true(addr_equal_ip(&v->hops[0].router, &gateway));
	assert_true(addr_equal_ip(&v->hops[1].router, &outer));
	assert_int_equal(v->hops[2].router.family, ADDR_IPV4);
	assert_false(v->hops[2].reached);
	assert_true(v->hops[3].reached);
	assert_int_equal(v->hop_count, 4);
}

static void without_cooperation_the_rest_is_told(void **state)
{
	struct sim_deep_config c = case_of("N50");

	c.no_cooperation = true;
	sim_deep_run(&c, &result);
	expect_text("N50", DEEP_NPTV6, "yes");
	expect_text("N50", DEEP_NAT64_PREFIX, "none");
	for (unsigned i = DEEP_FILTERING_TCP; i <= DEEP_NATS; i++)
		expect_unknown((enum deep_property)i, CAUSE_NO_COOPERATION);
	c = case_of("N02");
	c.no_cooperation = true;
	sim_deep_run(&c, &result);
	expect_text("N02", DEEP_NATS, "0");
}

static void without_dns_no_nat64_is_told_of(void **state)
{
	struct sim_deep_config c = case_of("N48");

	c.dns_is_silent = true;
	sim_deep_run(&c, &result);
	expect_unknown(DEEP_NAT64_PREFIX, CAUSE_DNS_SILENT);
	expect_unknown(DEEP_464XLAT, CAUSE_DNS_SILENT);
}

static void mappings_that_differ_hide_who_came_first(void **state)
{
	run("N17");
	expect_unknown(DEEP_EARLY_INBOUND, CAUSE_FILTERED);
	expect_text("N17", DEEP_UNEXPECTED, "survives");
	expect_text("N17", DEEP_NATS, "1");
}

static void cut_short_it_says_so(void **state)
{
	struct sim_deep_config c = case_of("N07");

	c.stops_at_us = SIM_START_US + 6000000;
	sim_deep_run(&c, &result);
	assert_true(result.verdict.deep.cut);
	expect_unknown(DEEP_FILTERING_TCP, CAUSE_TIMEOUT);
	expect_text("N07", DEEP_ALG, "no");
}

static void sockets_that_are_taken_hang_nothing(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct sim_deep_config c = case_of("N29");

		c.net.seed = seed;
		c.taken_per_mille = 600;
		c.net.access.loss = 0.05;
		sim_deep_run(&c, &result);
		assert_true(result.ended);
		assert_int_equal(result.open_at_end, 0);
		assert_true(result.elapsed_us < 60000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_looks_like_it_is_not),
		cmocka_unit_test(sizes_are_four_bytes_wide),
		cmocka_unit_test(any_limit_is_found),
		cmocka_unit_test(a_server_without_raw_sockets_is_named),
		cmocka_unit_test(a_host_without_raw_sockets_fragments_in_order),
		cmocka_unit_test(a_host_that_hides_icmp_knows_nothing_of_it),
		cmocka_unit_test(with_one_address_a_router_may_be_a_nat),
		cmocka_unit_test(a_nat_that_is_open_counts_as_well),
		cmocka_unit_test(silent_routers_make_it_unknown),
		cmocka_unit_test(routers_are_told_in_order),
		cmocka_unit_test(without_cooperation_the_rest_is_told),
		cmocka_unit_test(without_dns_no_nat64_is_told_of),
		cmocka_unit_test(mappings_that_differ_hide_who_came_first),
		cmocka_unit_test(cut_short_it_says_so),
		cmocka_unit_test(sockets_that_are_taken_hang_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
