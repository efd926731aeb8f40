/* Discoveries from an IPv6 host whose servers are IPv4 ones, behind a NAT64. */
#include "natprobe/discover/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim_net.h"
#include "wire.h"

static struct verdict run(const struct nat_profile *p, uint8_t misdeed)
{
	struct sim_config c = { .profile = p, .seed = 7, .server_count = 1 };
	struct sim_result r[SIM_INTERFACES_MAX];

	c.servers[0].misdeed = misdeed;
	assert_int_equal(sim_run(&c, r), 1);
	assert_true(r[0].ended);
	return r[0].verdict;
}

static void each_length_of_prefix_is_found(void **state)
{
	static const uint8_t lengths[] = { 32, 40, 48, 56, 64, 96 };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct nat_profile p = *nat_profile_find("nat64");
		struct addr *prefix = &p.layers[0].nat64_prefix;
		struct verdict v;

		memset(prefix, 0, sizeof(*prefix));
		assert_true(addr_parse_ip("2a10:22:3344:5566::", 0, prefix));
		memset(prefix->ip + lengths[i] / 8, 0, 16u - lengths[i] / 8u);
		p.layers[0].nat64_prefix_len = lengths[i];
		v = run(&p, SIM_HONEST);
		if (v.nat64.value != VERDICT_YES || v.nat64_prefix_len != lengths[i])
			fail_msg("/%u: %s, /%u", lengths[i],
				 verdict_answer_word((enum verdict_answer)v.nat64.value),
				 v.nat64_prefix_len);
		assert_true(addr_equal(&v.nat64_prefix, prefix));
		assert_int_equal(v.nat.value, VERDICT_YES);
		assert_int_equal(v.mapped.family, ADDR_IPV4);
		assert_int_equal(v.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
		assert_int_equal(v.mapping_tcp.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
		assert_int_equal(v.filtering.value, BEHAVIOUR_ADDRESS_DEPENDENT);
		assert_int_equal(v.ports.delta, DELTA_EQUAL);
		assert_int_equal(v.pooling.value, POOLING_PAIRED);
		assert_int_equal(v.hairpin.value, HAIRPIN_NO);
	}
}

static void a_hairpin_comes_back_through_the_prefix(void **state)
{
	struct nat_profile p = *nat_profile_find("nat64");
	struct verdict v;

	p.layers[0].hairpin = NAT_HAIRPIN_EXTERNAL;
	v = run(&p, SIM_HONEST);
	assert_int_equal(v.hairpin.value, HAIRPIN_EXTERNAL_SOURCE);
	assert_int_equal(v.hairpin.source.family, ADDR_IPV6);
}

/* A server with one address, asked through the prefix that all may use. */
static void one_address_is_enough_to_tell(void **state)
{
	struct verdict v = run(nat_profile_find("nat64"), SIM_ONE_ADDRESS);

	assert_int_equal(v.nat64.value, VERDICT_YES);
	assert_int_equal(v.nat.value, VERDICT_YES);
	assert_int_equal(v.filtering.value, BEHAVIOUR_UNKNOWN);
}

static void a_private_alternate_is_not_asked(void **state)
{
	struct verdict v = run(nat_profile_find("nat64"), SIM_PRIVATE_ALTERNATE);
	bool found = false;

	for (size_t i = 0; i < v.finding_count; i++)
		found = found || v.findings[i].cause == CAUSE_ALTERNATE_UNUSABLE;
	assert_true(found);
	assert_int_equal(v.nat64.value, VERDICT_YES);
}

static void others_are_no_nat64(void **state)
{
	assert_int_equal(run(nat_profile_find("home-router"), SIM_HONEST).nat64.value, VERDICT_NO);
	assert_int_equal(run(nat_profile_find("ipv6-firewall"), SIM_HONEST).nat64.value,
			 VERDICT_NO);
	assert_int_equal(run(nat_profile_find("ipv6-firewall"), SIM_DEAD).nat64.value,
			 VERDICT_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_length_of_prefix_is_found),
		cmocka_unit_test(a_hairpin_comes_back_through_the_prefix),
		cmocka_unit_test(one_address_is_enough_to_tell),
		cmocka_unit_test(a_private_alternate_is_not_asked),
		cmocka_unit_test(others_are_no_nat64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
