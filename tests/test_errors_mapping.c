/*
 * What others get wrong about mapping and filtering, by the numbers of section 2.2 of the notes on
 * NAT traversal: each test says who says what, and that we do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim_expect.h"

static struct sim_config behind(const struct nat_profile *p)
{
	return (struct sim_config){ .profile = p, .seed = 1 };
}

static struct sim_config named(const char *name)
{
	const struct nat_profile *p = nat_profile_find(name);

	assert_non_null(p);
	return behind(p);
}

/*
 * P2PD and RFC 3489's tree ask about filtering before mapping: "full cone" and "restrict" for NATs
 * that have a mapping for every destination.
 */
static void e01_filtering_says_nothing_about_mapping(void **state)
{
	struct sim_config open = named("symmetric-open"),
			  restricted = named("symmetric-restricted");

	sim_expect(&open, "mapping = address-and-port-dependent\n"
			  "filtering = endpoint-independent\n");
	sim_expect(&restricted, "mapping = address-and-port-dependent\n"
				"filtering = address-dependent\n");
	assert_int_equal(sim_verdict(&open).legacy, LEGACY_SYMMETRIC);
	assert_int_equal(sim_verdict(&restricted).legacy, LEGACY_SYMMETRIC);
}

/* P2PD: equal addresses make "open internet", whatever the firewall. */
static void e02_a_public_address_is_not_an_open_one(void **state)
{
	struct sim_config c = named("stateful-firewall");

	sim_expect(&c, "nat = no\nfirewall = yes\nfiltering = address-and-port-dependent\n");
	assert_int_equal(sim_verdict(&c).legacy, LEGACY_SYMMETRIC_UDP_FIREWALL);
	c = named("address-firewall");
	sim_expect(&c, "nat = no\nfirewall = yes\nfiltering = address-dependent\n");
	c = named("open-internet");
	sim_expect(&c, "nat = no\nfirewall = no\nfiltering = endpoint-independent\n");
}

/* P2PD crashes, or says nothing, where there is IPv6 alone; its filtering is never measured. */
static void e09_ipv6_is_diagnosed_like_ipv4(void **state)
{
	struct sim_config c = named("ipv6-firewall");

	sim_expect(&c, "nat = no\nfirewall = yes\nfiltering = address-and-port-dependent\n");
	c = named("nat64");
	sim_expect(&c,
		   "nat = yes\nmapping = endpoint-independent\nfiltering = address-dependent\n");
}

/*
 * P2PD asks servers that share addresses from one socket: what it says to one opens the filter
 * for another one's answer.
 */
static void e10_servers_that_share_addresses_open_nothing(void **state)
{
	static const char *const names[] = { "home-router", "restricted-cone", "symmetric-random",
					     "stateful-firewall" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct sim_config c = named(names[i]);

		c.tells_alternate = true;
		sim_expect_truth(&c);
		c.server_count = 3;
		sim_expect_truth(&c);
	}
}

/* pion and coturn compare with 0.0.0.0, and so never see that there is no NAT. */
static void e14_the_real_local_address_is_compared(void **state)
{
	struct sim_config c = named("open-internet");
	struct verdict v = sim_verdict(&c);
	struct addr host = nat_plan_host(c.profile, 0);

	assert_int_equal(v.nat.value, VERDICT_NO);
	assert_true(addr_equal_ip(&v.local, &host));
	assert_true(addr_equal(&v.local, &v.mapped));
}

/*
 * stuntman opens filters with its mapping test and then finds them open. All of our filters are
 * asked by a socket that spoke to one endpoint; so a NAT that keeps them is seen.
 */
static void e15_mapping_and_filtering_have_sockets_of_their_own(void **state)
{
	static const char *const names[] = { "home-router", "restricted-cone", "symmetric-address",
					     "stateful-firewall", "port-keyed" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct sim_config c = named(names[i]);
		struct verdict v = sim_verdict(&c);

		sim_expect_truth(&c);
		for (size_t k = 1; k < v.sample_count; k++)
			assert_int_not_equal(v.samples[k].local_port, v.local.port);
	}
}

/* stuntman until 2024: a host without NAT is endpoint-independent. */
static void e16_without_nat_filtering_is_still_measured(void **state)
{
	struct sim_config c = named("address-firewall");

	sim_expect(&c, "mapping = none\nfiltering = address-dependent\n");
}

/* tailscale: other addresses and other ports are the same "varies by destination". */
static void e17_several_uplinks_are_not_a_symmetric_nat(void **state)
{
	struct sim_config c = named("multi-wan");

	sim_expect(&c, "mapping = endpoint-independent\npooling = per-destination\n");
	c = named("arbitrary-pool");
	sim_expect(&c, "mapping = endpoint-independent\npooling = arbitrary\n");
	c = named("symmetric-random");
	sim_expect(&c, "mapping = address-and-port-dependent\npooling = paired\n");
}

/* tailscale: two equal samples make an easy NAT. Here the same port at two servers proves nothing. */
static void e18_two_equal_samples_are_not_enough(void **state)
{
	struct sim_config c = named("port-keyed");

	c.server_count = 2;
	sim_expect(&c, "mapping = port-dependent\n");
	/* Where all have one port, that is left open. */
	c.servers[0].misdeed = c.servers[1].misdeed = SIM_ONE_ADDRESS;
	assert_true((sim_verdict(&c).mapping.possible & BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT)) !=
		    0);
}

/* plexus asks for mappings of TCP at the port that UDP has; TCP has a verdict of its own. */
static void e19_tcp_is_measured_over_tcp(void **state)
{
	struct nat_profile p = sim_profile("home-router");
	struct sim_config c = behind(&p);

	p.layers[0].has_tcp_rules = true;
	p.layers[0].tcp_mapping = NAT_APD;
	p.layers[0].tcp_filtering = NAT_APD;
	sim_expect(&c, "mapping = endpoint-independent\n"
		       "mapping.tcp = address-and-port-dependent\n");
	p = sim_profile("symmetric-random");
	p.layers[0].has_tcp_rules = true;
	p.layers[0].tcp_mapping = NAT_EI;
	p.layers[0].tcp_filtering = NAT_APD;
	sim_expect(&c, "mapping = address-and-port-dependent\n"
		       "mapping.tcp = endpoint-independent\n");
}

/* What depends on the port alone is outside RFC 4787, but real; most have no word for it. */
static void e20_what_depends_on_the_port_has_a_word(void **state)
{
	struct nat_profile p = sim_profile("port-keyed");
	struct sim_config c = behind(&p);

	sim_expect(&c, "mapping = port-dependent\nfiltering = address-and-port-dependent\n");
	p.layers[0].mapping = NAT_EI;
	p.layers[0].filtering = NAT_PD;
	sim_expect(&c, "mapping = endpoint-independent\nfiltering = port-dependent\n");
}

/* plexus: the strictest filtering where the server cannot tell, or all was lost. */
static void e21_what_no_server_tells_is_unknown(void **state)
{
	struct sim_config c = named("full-cone");

	c.servers[0].misdeed = SIM_ONE_ADDRESS;
	sim_expect(&c, "filtering = unknown\nmapping = unknown\nnat = yes\n");
	c.servers[0].misdeed = SIM_DROPS_CHANGE;
	sim_expect(&c, "filtering = unknown\nmapping = endpoint-independent\n");
	c.servers[0].misdeed = SIM_REFUSES_CHANGE;
	sim_expect(&c, "filtering = unknown\nmapping = endpoint-independent\n");
}

/* plexus keeps what it found for half an hour while addresses stay: we look, every time. */
static void e22_nothing_is_remembered(void **state)
{
	struct nat_profile p = sim_profile("home-router");
	struct sim_config c = behind(&p);

	sim_expect(&c, "filtering = address-and-port-dependent\nmapping = endpoint-independent\n");
	p.layers[0].filtering = NAT_EI;
	sim_expect(&c, "filtering = endpoint-independent\n");
	p.layers[0].mapping = NAT_APD;
	sim_expect(&c, "mapping = address-and-port-dependent\n");
}

/*
 * RFC 5780 has three filtering tests; a change of the port alone that is answered proves no more
 * than "address or looser" (erratum 7971). The fourth asks for a change of the address alone.
 */
static void e25_a_change_of_the_address_alone_is_asked_for(void **state)
{
	struct nat_profile p = sim_profile("restricted-cone");
	struct sim_config c = behind(&p);
	struct verdict v = sim_verdict(&c);

	sim_expect(&c, "filtering = address-dependent\n");
	assert_true(v.filter[FILTER_ADDRESS].sent > 0);
	assert_int_equal(v.filter[FILTER_ADDRESS].answered, 0);
	assert_true(v.filter[FILTER_PORT].answered > 0);
	p.layers[0].filtering = NAT_PD;
	sim_expect(&c, "filtering = port-dependent\n");
}

/* RFC 5780, section 4.3 compares two further endpoints; a NAT that keys on ports looks easy. */
static void e26_all_four_endpoints_are_compared(void **state)
{
	struct sim_config c = named("port-keyed");
	struct verdict v = sim_verdict(&c);
	bool seen[4] = { false };

	sim_expect(&c, "mapping = port-dependent\n");
	for (size_t i = 0; i < v.sighting_count; i++) {
		for (uint8_t k = 0; k < 4; k++) {
			struct addr endpoint = sim_endpoint(&c, 0, k);

			seen[k] = seen[k] || addr_equal(&v.sightings[i].endpoint, &endpoint);
		}
	}
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

/* No tool has a word for a NAT that changed its ways while it was looked at. */
static void e27_a_change_on_the_way_is_never_a_wrong_word(void **state)
{
	struct nat_profile p = sim_profile("load-dependent");
	struct sim_config c = behind(&p);

	sim_expect(&c, "mapping = endpoint-independent\n");
	/* The box reboots at any time of the run; ports move, rules do not. */
	p = sim_profile("full-cone");
	for (unsigned ms = 20; ms <= 400; ms += 20) {
		c.flush_at_us = SIM_START_US + ms * 1000;
		(void)sim_expect_none_wrong(&c,
					    "mapping in endpoint-independent,mixed\n"
					    "filtering in endpoint-independent,mixed\nnat = yes\n",
					    2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e01_filtering_says_nothing_about_mapping),
		cmocka_unit_test(e02_a_public_address_is_not_an_open_one),
		cmocka_unit_test(e09_ipv6_is_diagnosed_like_ipv4),
		cmocka_unit_test(e10_servers_that_share_addresses_open_nothing),
		cmocka_unit_test(e14_the_real_local_address_is_compared),
		cmocka_unit_test(e15_mapping_and_filtering_have_sockets_of_their_own),
		cmocka_unit_test(e16_without_nat_filtering_is_still_measured),
		cmocka_unit_test(e17_several_uplinks_are_not_a_symmetric_nat),
		cmocka_unit_test(e18_two_equal_samples_are_not_enough),
		cmocka_unit_test(e19_tcp_is_measured_over_tcp),
		cmocka_unit_test(e20_what_depends_on_the_port_has_a_word),
		cmocka_unit_test(e21_what_no_server_tells_is_unknown),
		cmocka_unit_test(e22_nothing_is_remembered),
		cmocka_unit_test(e25_a_change_of_the_address_alone_is_asked_for),
		cmocka_unit_test(e26_all_four_endpoints_are_compared),
		cmocka_unit_test(e27_a_change_on_the_way_is_never_a_wrong_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
