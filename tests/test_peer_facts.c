/* peer_facts: what diagnoses of known networks tell a peer. */
#include "natprobe/peer/peer_facts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "natprobe/peer/peer_wire.h"
#include "sim_deep.h"
#include "wire.h"

static struct peer_path look_at(const struct nat_profile *profile)
{
	struct sim_config c = { .profile = profile, .seed = 5 };
	struct sim_result r[SIM_INTERFACES_MAX];
	struct peer_path p;

	assert_non_null(profile);
	assert_true(sim_run(&c, r) > 0);
	peer_path_of_verdict(&r[0].verdict, 24, &p);
	return p;
}

static struct peer_path look(const char *name)
{
	return look_at(nat_profile_find(name));
}

static struct peer_path look_deep(const char *name)
{
	struct sim_deep_config c = { .net = { .profile = nat_profile_find(name), .seed = 5 } };
	struct sim_deep_result r;
	struct peer_path p;

	assert_non_null(c.net.profile);
	sim_deep_run(&c, &r);
	peer_path_of_verdict(&r.verdict, 24, &p);
	return p;
}

static void without_nat_the_outside_is_the_host(void **state)
{
	struct peer_path p = look("open-internet");

	assert_int_equal(p.mapping, BEHAVIOUR_NONE);
	assert_int_equal(p.filtering, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(p.external_count, 1);
	assert_true(addr_equal(&p.externals[0], &p.local));
	assert_int_equal(p.local.port, 0);
	assert_int_equal(p.tcp_blocked, VERDICT_NO);
	assert_int_equal(p.portmap, VERDICT_UNKNOWN);
	assert_int_equal(p.rtt_us, 50000);
	assert_int_equal(p.nats, 0);

	p = look("ipv6-firewall");
	assert_int_equal(p.family, ADDR_IPV6);
	assert_int_equal(p.local_prefix_len, 24);
	assert_true(addr_equal(&p.externals[0], &p.local));
}

static void a_home_router_keeps_ports_and_opens_them(void **state)
{
	struct peer_path p = look("home-router");

	assert_int_equal(p.mapping, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(p.filtering, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(p.tcp_mapping, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(p.tcp_filtering, BEHAVIOUR_UNKNOWN);
	assert_int_equal(p.delta, DELTA_EQUAL);
	assert_int_equal(p.portmap, VERDICT_YES);
	assert_int_equal(p.hairpin, HAIRPIN_EXTERNAL_SOURCE);
	assert_int_equal(p.early_inbound, PEER_WORD_UNKNOWN);
	assert_true(p.chance > 0.99);
	assert_true(p.overload >= 0 && p.overload < 0.05);
	assert_true(p.loss >= 0 && p.loss < 0.03);
	assert_int_equal(p.port_low, 0);

	p = look_deep("home-router");
	assert_int_equal(p.tcp_filtering, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(p.nats, 1);
	assert_int_equal(p.opener_ttl, 2);
	assert_int_equal(p.early_inbound, PEER_WORD(DEEP_EARLY_KEPT));
	assert_int_equal(p.unexpected, PEER_WORD(DEEP_SURVIVES));
	assert_int_equal(p.syn_reaction, PEER_WORD(DEEP_SYN_SILENT));
	assert_in_range(p.lifetime_s, 240, 300);
}

static void reactions_are_told(void **state)
{
	struct peer_path p = look_deep("linux-masquerade");

	assert_int_equal(p.early_inbound, PEER_WORD(DEEP_EARLY_REMAPPED));
	assert_int_equal(p.syn_reaction, PEER_WORD(DEEP_SYN_RST));
	p = look_deep("fragile-mapping");
	assert_int_equal(p.unexpected, PEER_WORD(DEEP_ENDS_MAPPING));
	assert_int_equal(p.icmp_error, PEER_WORD(DEEP_ENDS_MAPPING));
}

static void a_port_mapping_behind_two_nats_helps_nobody(void **state)
{
	struct peer_path p = look("double-nat-home"), deep = look_deep("double-nat-home");

	assert_int_equal(p.portmap, VERDICT_UNKNOWN);
	assert_int_equal(p.nats, 2);
	assert_int_equal(deep.portmap, VERDICT_NO);
	assert_int_equal(deep.nats, 2);
	assert_int_equal(deep.opener_ttl, 3);
}

static void counters_are_told_with_their_background(void **state)
{
	struct peer_path p = look("symmetric-sequential");

	assert_int_equal(p.mapping, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(p.delta, DELTA_INDEPENDENT);
	assert_int_equal(p.delta_value, 1);
	assert_true(p.background_per_s == 0);
	assert_int_equal(p.port_low, 0); /* a counter tells of no range */
	assert_true(look_deep("symmetric-sequential").background_per_s == 0);

	p = look("symmetric-busy");
	assert_true(p.background_per_s > 0.5);
	p = look("symmetric-descending");
	assert_int_equal(p.delta_value, -1);
	assert_true(p.background_per_s == 0);
	p = look_deep("symmetric-step-10");
	assert_int_equal(p.per_destination, 10);
}

static void a_lot_has_a_range(void **state)
{
	struct peer_path p = look("cgn-block-512");

	assert_int_equal(p.delta, DELTA_RANDOM);
	assert_in_range(p.port_high - p.port_low + 1, 400, 700);
	assert_true(p.chance < 0.01);
	p = look_deep("cgn-block-512");
	assert_in_range(p.port_high - p.port_low + 1, 450, 600);
	p = look("symmetric-random");
	assert_true(p.port_high - p.port_low > 20000);
	p = look("port-overload");
	assert_true(p.overload > 0.1 && p.chance < 0.9);
}

static void a_pool_is_told_whole(void **state)
{
	struct peer_path p = look("arbitrary-pool");

	assert_int_equal(p.pooling, POOLING_ARBITRARY);
	assert_true(p.external_count >= 2);
	for (uint8_t i = 0; i < p.external_count; i++)
		assert_int_equal(p.externals[i].port, 0);
}

static void behind_a_nat64_the_outside_is_ipv4(void **state)
{
	struct peer_path p = look("nat64");

	assert_int_equal(p.family, ADDR_IPV6);
	assert_int_equal(p.externals[0].family, ADDR_IPV4);
	assert_int_equal(p.nat64_prefix.family, ADDR_IPV6);
	assert_int_equal(p.nat64_prefix_len, 96);
}

static void without_udp_tcp_tells_the_outside(void **state)
{
	struct peer_path p = look("udp-blocked");

	assert_int_equal(p.udp_blocked, VERDICT_YES);
	assert_int_equal(p.tcp_blocked, VERDICT_NO);
	assert_int_equal(p.external_count, 1);
	assert_false(addr_equal_ip(&p.externals[0], &p.local));
	assert_int_equal(p.mapping, BEHAVIOUR_UNKNOWN);
	assert_true(p.loss < 0 && p.background_per_s < 0 && p.overload < 0);

	p = look("rate-limited");
	assert_in_range(p.rate_per_s, 10, 100);
}

static void nothing_known_stays_unknown(void **state)
{
	struct verdict v = { 0 };
	struct peer_path p;

	peer_path_of_verdict(&v, 0, &p);
	assert_int_equal(p.external_count, 0);
	assert_int_equal(p.portmap, VERDICT_UNKNOWN);
	assert_true(p.loss < 0);

	v.mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
			     BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	v.ports.cause = CAUSE_MAPPING_LIMIT;
	v.ports.answered = 12;
	v.nat.value = VERDICT_YES;
	v.mapped = addr_ipv4(21, 0, 0, 2, 40000);
	peer_path_of_verdict(&v, 0, &p);
	assert_int_equal(p.mapping, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(p.mapping_cap, 12);
	assert_int_equal(p.external_count, 1);
}

static void portmap_is_judged_by_its_external_address(void **state)
{
	struct verdict v = { .nat.value = VERDICT_YES, .mapped = addr_ipv4(21, 0, 0, 2, 40000) };
	struct peer_path p;

	v.pcp.present.value = v.nat_pmp.present.value = v.upnp.present.value = VERDICT_NO;
	peer_path_of_verdict(&v, 24, &p);
	assert_int_equal(p.portmap, VERDICT_NO);
	v.upnp.present.value = VERDICT_UNKNOWN;
	peer_path_of_verdict(&v, 24, &p);
	assert_int_equal(p.portmap, VERDICT_UNKNOWN);
	v.upnp.present.value = VERDICT_NO;
	v.pcp.present.value = VERDICT_YES; /* it tells no address before it opens a port */
	peer_path_of_verdict(&v, 24, &p);
	assert_int_equal(p.portmap, VERDICT_YES);
	v.cgn.value = VERDICT_YES;
	peer_path_of_verdict(&v, 24, &p);
	assert_int_equal(p.portmap, VERDICT_NO);
	v.cgn.value = VERDICT_UNKNOWN;
	v.pcp.present.value = VERDICT_NO;
	v.upnp.present.value = VERDICT_YES;
	v.upnp.external = addr_ipv4(21, 0, 0, 2, 0);
	peer_path_of_verdict(&v, 24, &p);
	assert_int_equal(p.portmap, VERDICT_YES);
	v.upnp.result = 2;
	peer_path_of_verdict(&v, 24, &p);
	assert_int_equal(p.portmap, VERDICT_NO);
	v.upnp.result = 0;
	v.upnp.external = addr_ipv4(100, 64, 0, 2, 0);
	peer_path_of_verdict(&v, 24, &p);
	assert_int_equal(p.portmap, VERDICT_NO);
}

/* What is told of any network can be told, and no port of it is foretold with more than certainty. */
static void every_network_can_be_told(void **state)
{
	uint8_t buf[PEER_PROFILE_BYTES_MAX], again[PEER_PROFILE_BYTES_MAX];

	for (size_t i = 0; i < nat_profile_count; i++) {
		struct peer_profile p = { .path_count = 1 }, back;
		size_t len;

		p.paths[0] =
			i % 4 == 0 ? look_deep(nat_profiles[i].name) : look(nat_profiles[i].name);
		len = peer_profile_write(&p, buf, sizeof(buf));
		if (len == 0 || len > 200 || !peer_profile_read(bytes_of(buf, len), &back) ||
		    peer_profile_write(&back, again, sizeof(again)) != len ||
		    memcmp(buf, again, len) != 0)
			fail_msg("%s cannot be told (%zu bytes)", nat_profiles[i].name, len);
	}
}

static struct peer_path at(struct addr local, uint8_t prefix_len, struct addr external)
{
	return (struct peer_path){ .family = local.family,
				   .local = local,
				   .local_prefix_len = prefix_len,
				   .externals = { external },
				   .external_count = external.family != ADDR_NONE };
}

static void a_private_address_is_ours_only_with_reason(void **state)
{
	const struct addr here = addr_ipv4(21, 0, 0, 2, 0), there = addr_ipv4(21, 0, 0, 3, 0);
	const struct addr v6 = { .family = ADDR_IPV6, .ip = { 0x20, 1 } };
	struct peer_path a = at(addr_ipv4(192, 168, 1, 2, 0), 24, here);
	struct peer_path same = at(addr_ipv4(10, 0, 0, 2, 0), 8, here);
	struct peer_path elsewhere = at(addr_ipv4(10, 0, 0, 2, 0), 8, there);
	struct peer_path beside = at(addr_ipv4(192, 168, 1, 77, 0), 24, there);
	struct peer_path near = at(addr_ipv4(192, 168, 3, 1, 0), 22, there);
	struct peer_path other = at(v6, 64, v6), nobody = { 0 };

	assert_true(peer_shares_external(&a, &same));
	assert_false(peer_shares_external(&a, &elsewhere));
	assert_false(peer_shares_external(&a, &nobody));
	assert_true(peer_may_be_ours(&a, &same));
	assert_false(peer_may_be_ours(&a, &elsewhere));
	assert_true(peer_may_be_ours(&a, &beside));
	assert_false(peer_may_be_ours(&a, &near));
	assert_true(peer_may_be_ours(&near, &a)); /* by our own prefix */
	assert_false(peer_may_be_ours(&a, &other));
	assert_false(peer_may_be_ours(&nobody, &nobody));
	elsewhere.local_prefix_len = 0;
	assert_false(peer_may_be_ours(&elsewhere, &a));
}

/* The ports that it leaves out are not somebody's. */
static void a_counter_that_keeps_parity_has_no_background_of_its_own(void **state)
{
	static const int32_t steps[] = { 1, 2, -2, 4 };
	struct nat_profile profile = *nat_profile_find("symmetric-sequential");
	struct peer_path p;

	(void)state;
	profile.layers[0].allocation = NAT_PARITY_SEQUENTIAL;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		profile.layers[0].step = steps[i];
		p = look_at(&profile);
		assert_int_equal(p.delta, DELTA_INDEPENDENT);
		assert_int_equal(p.delta_value, steps[i] == 1 ? 2 : steps[i]);
		assert_true(p.keeps_parity);
		assert_true(p.background_per_s == 0);
	}
	profile.layers[0].background_per_s = 40;
	p = look_at(&profile);
	assert_true(p.background_per_s > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_nat_the_outside_is_the_host),
		cmocka_unit_test(a_home_router_keeps_ports_and_opens_them),
		cmocka_unit_test(reactions_are_told),
		cmocka_unit_test(a_port_mapping_behind_two_nats_helps_nobody),
		cmocka_unit_test(counters_are_told_with_their_background),
		cmocka_unit_test(a_counter_that_keeps_parity_has_no_background_of_its_own),
		cmocka_unit_test(a_lot_has_a_range),
		cmocka_unit_test(a_pool_is_told_whole),
		cmocka_unit_test(behind_a_nat64_the_outside_is_ipv4),
		cmocka_unit_test(without_udp_tcp_tells_the_outside),
		cmocka_unit_test(nothing_known_stays_unknown),
		cmocka_unit_test(every_network_can_be_told),
		cmocka_unit_test(portmap_is_judged_by_its_external_address),
		cmocka_unit_test(a_private_address_is_ours_only_with_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
