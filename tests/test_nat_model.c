/* Mapping and filtering of UDP by a NAT, a firewall and a router (RFC 4787). */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct rig rig;

static void open_with(uint8_t mapping, uint8_t filtering)
{
	struct nat_config c = rig_config();

	c.mapping = mapping;
	c.filtering = filtering;
	c.allocation = NAT_RANDOM;
	rig_open(&rig, &c, 7);
}

static bool same_mapping(struct addr one, struct addr two)
{
	struct addr host = one.family == ADDR_IPV4 ? rig_host(0, 5000) : rig_host6(0, 5000);
	struct addr a = rig_map(&rig, host, one), b = rig_map(&rig, host, two);

	assert_true(a.family != ADDR_NONE && b.family != ADDR_NONE);
	return addr_equal(&a, &b);
}

static void each_mapping_rule_looks_at_its_part_of_the_remote_endpoint(void **state)
{
	static const struct {
		uint8_t rule;
		bool other_port, other_address, other_both;
	} cases[] = {
		{ NAT_EI, true, true, true },
		{ NAT_AD, true, false, false },
		{ NAT_APD, false, false, false },
		{ NAT_PD, false, true, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_with(cases[i].rule, NAT_APD);
		assert_int_equal(same_mapping(rig_remote(0, 3478), rig_remote(0, 3479)),
				 cases[i].other_port);
		assert_int_equal(same_mapping(rig_remote(0, 3478), rig_remote(1, 3478)),
				 cases[i].other_address);
		assert_int_equal(same_mapping(rig_remote(0, 3478), rig_remote(1, 3479)),
				 cases[i].other_both);
		assert_int_equal(same_mapping(rig_remote6(0, 3478), rig_remote6(1, 3478)),
				 cases[i].other_address);
		assert_true(same_mapping(rig_remote(0, 3478), rig_remote(0, 3478)));
		rig_close(&rig);
	}
}

static void each_filtering_rule_looks_at_its_part_of_the_remote_endpoint(void **state)
{
	static const struct {
		uint8_t rule;
		bool other_port, other_address, other_both;
	} cases[] = {
		{ NAT_EI, true, true, true },     { NAT_AD, true, false, false },
		{ NAT_APD, false, false, false }, { NAT_PD, false, true, false },
		{ NAT_NONE, true, true, true },
	};
	struct addr host = rig_host(0, 5000);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_with(NAT_EI, cases[i].rule);
		struct addr x = rig_map(&rig, host, rig_remote(0, 3478));
		assert_true(rig_gets_in(&rig, rig_remote(0, 3478), x, &host));
		assert_int_equal(rig_gets_in(&rig, rig_remote(0, 3479), x, &host),
				 cases[i].other_port);
		assert_int_equal(rig_gets_in(&rig, rig_remote(1, 3478), x, &host),
				 cases[i].other_address);
		assert_int_equal(rig_gets_in(&rig, rig_remote(1, 3479), x, &host),
				 cases[i].other_both);
		/* Not even EIF lets in what no mapping is there for. */
		struct addr unmapped = addr_with_port(&x, (uint16_t)(x.port ^ 1));
		assert_int_equal(rig_gets_in(&rig, rig_remote(0, 3478), unmapped, NULL),
				 cases[i].rule == NAT_NONE);
		rig_close(&rig);
	}
}

static void a_filter_opens_for_all_that_the_mapping_sent_to(void **state)
{
	struct addr host = rig_host(0, 5000);

	open_with(NAT_EI, NAT_APD);
	struct addr x = rig_map(&rig, host, rig_remote(0, 3478));
	assert_false(rig_gets_in(&rig, rig_remote(1, 3479), x, NULL));
	(void)rig_map(&rig, host, rig_remote(1, 3479));
	assert_true(rig_gets_in(&rig, rig_remote(1, 3479), x, &host));
	assert_true(rig_gets_in(&rig, rig_remote(0, 3478), x, &host));
	assert_int_equal(rig_events(&rig, NAT_EVENT_MAPPED, NULL), 1);
	assert_int_equal(rig_events(&rig, NAT_EVENT_DROPPED, "filtered"), 1);
	rig_close(&rig);
}

static void a_firewall_filters_without_changing_addresses(void **state)
{
	struct addr host = rig_host6(0, 5000);

	open_with(NAT_NONE, NAT_AD);
	assert_false(rig_gets_in(&rig, rig_remote6(0, 3478), host, NULL));
	struct addr x = rig_map(&rig, host, rig_remote6(0, 3478));
	assert_true(addr_equal(&x, &host));
	assert_true(rig_gets_in(&rig, rig_remote6(0, 3478), host, &host));
	assert_true(rig_gets_in(&rig, rig_remote6(0, 3479), host, &host));
	assert_false(rig_gets_in(&rig, rig_remote6(1, 3478), host, NULL));
	rig_close(&rig);
}

static void a_zeroed_configuration_is_a_router(void **state)
{
	struct nat_config c = { 0 };
	struct addr host = rig_host(0, 5000);

	rig_open(&rig, &c, 7);
	assert_true(rig_gets_in(&rig, rig_remote(0, 3478), host, &host));
	struct addr x = rig_map(&rig, host, rig_remote(0, 3478));
	assert_true(addr_equal(&x, &host));
	assert_int_equal(nat_mapping_count(rig.nat), 0);
	assert_int_equal(rig.event_count, 0);
	rig_close(&rig);
}

static void a_family_without_external_address_is_not_translated(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host6(0, 5000);

	c.external_count = 1;
	rig_open(&rig, &c, 7);
	assert_false(rig_gets_in(&rig, rig_remote6(0, 3478), host, NULL));
	struct addr x = rig_map(&rig, host, rig_remote6(0, 3478));
	assert_true(addr_equal(&x, &host));
	assert_true(rig_gets_in(&rig, rig_remote6(0, 3478), host, &host));
	rig_close(&rig);
}

static void broken_packets_and_unknown_protocols_are_dropped(void **state)
{
	uint8_t buf[64];
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	size_t len = packet_build_udp(buf, sizeof(buf), &host, &remote, BYTES("abc"));

	open_with(NAT_EI, NAT_EI);
	for (size_t cut = 0; cut < len; cut++)
		assert_null(rig_input(&rig, NAT_INSIDE, bytes_of(buf, cut)));
	assert_non_null(rig_input(&rig, NAT_INSIDE, bytes_of(buf, len)));
	len = packet_build_ip(buf, sizeof(buf), &host, &remote, 47, 8);
	assert_null(rig_input(&rig, NAT_INSIDE, bytes_of(buf, len + 8)));
	assert_int_equal(rig_events(&rig, NAT_EVENT_DROPPED, "protocol"), 1);
	rig_close(&rig);
}

static void hairpinned(uint8_t kind, const struct addr *source)
{
	struct nat_config c = rig_config();
	struct addr host_a = rig_host(0, 5000), host_b = rig_host(1, 6000);

	c.hairpin = kind;
	rig_open(&rig, &c, 7);
	struct addr a = rig_map(&rig, host_a, rig_remote(0, 3478));
	struct addr b = rig_map(&rig, host_b, rig_remote(0, 3478));
	/* The filter of b's mapping does not know a yet. */
	assert_null(rig_udp(&rig, NAT_INSIDE, host_a, b));
	const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host_b, a);
	if (source == NULL) {
		assert_null(o);
	} else {
		assert_non_null(o);
		assert_int_equal(o->side, NAT_INSIDE);
		assert_true(addr_equal(&o->packet.destination, &host_a));
		assert_true(addr_equal(&o->packet.source, source->port == 1 ? &b : &host_b));
	}
	rig_close(&rig);
}

static void hairpinning_shows_the_source_that_it_is_told_to(void **state)
{
	hairpinned(NAT_HAIRPIN_NONE, NULL);
	hairpinned(NAT_HAIRPIN_EXTERNAL, &(struct addr){ .port = 1 });
	hairpinned(NAT_HAIRPIN_INTERNAL, &(struct addr){ .port = 2 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mapping_rule_looks_at_its_part_of_the_remote_endpoint),
		cmocka_unit_test(each_filtering_rule_looks_at_its_part_of_the_remote_endpoint),
		cmocka_unit_test(a_filter_opens_for_all_that_the_mapping_sent_to),
		cmocka_unit_test(a_firewall_filters_without_changing_addresses),
		cmocka_unit_test(a_zeroed_configuration_is_a_router),
		cmocka_unit_test(a_family_without_external_address_is_not_translated),
		cmocka_unit_test(broken_packets_and_unknown_protocols_are_dropped),
		cmocka_unit_test(hairpinning_shows_the_source_that_it_is_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
