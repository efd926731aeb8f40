/* NPTv6 (RFC 6296) in the NAT model: another prefix, the same checksums, no state. */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct rig rig;

static struct addr ip6(const char *text, uint16_t port)
{
	struct addr a = { 0 };

	assert_true(addr_parse_ip(text, port, &a));
	return a;
}

static struct nat_config config(const char *inside, const char *outside, uint8_t len)
{
	struct nat_config c = { .nptv6_len = len };

	c.nptv6_inside = ip6(inside, 0);
	c.nptv6_outside = ip6(outside, 0);
	return c;
}

static uint16_t sum_of(const struct addr *a)
{
	return packet_sum_end(packet_sum(0, bytes_of(a->ip, sizeof(a->ip))));
}

static void the_example_of_the_rfc_holds(void **state)
{
	/* RFC 6296, section 3.1 and appendix B. */
	struct nat_config c = config("fd01:203:405::", "2001:db8:1::", 48);
	struct addr host = ip6("fd01:203:405:1::1234", 5000), remote = rig_remote6(0, 3478);
	struct addr shown = ip6("2001:db8:1:d550::1234", 5000);

	rig_open(&rig, &c, 1);
	assert_true(nat_owns(rig.nat, &shown));
	const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host, remote);
	assert_non_null(o);
	assert_true(addr_equal(&o->packet.source, &shown));
	o = rig_udp(&rig, NAT_OUTSIDE, remote, shown);
	assert_non_null(o);
	assert_true(addr_equal(&o->packet.destination, &host));
	assert_int_equal(nat_mapping_count(rig.nat), 0);
	rig_close(&rig);
}

static void every_length_is_neutral_to_checksums(void **state)
{
	static const struct {
		uint8_t len;
		const char *host;
	} cases[] = {
		{ 32, "fd00:a:b:c::1" },
		{ 48, "fd00:a:b:ffff::1" },
		{ 56, "fd00:a:b:c12::1" },
		{ 64, "fd00:a:b:c:ffff:ffff:1:2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = config("fd00:a:b:c00::", "2a10:7:8:4300::", cases[i].len);
		struct addr host = ip6(cases[i].host, 5000), remote = rig_remote6(0, 3478);

		if (cases[i].len == 64)
			c.nptv6_inside = ip6("fd00:a:b:c::", 0);
		rig_open(&rig, &c, 1);
		const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host, remote);
		assert_non_null(o);
		struct addr shown = o->packet.source;
		assert_false(addr_equal_ip(&shown, &host));
		assert_int_equal(sum_of(&shown), sum_of(&host));
		assert_int_equal(shown.port, host.port);
		rig_close(&rig);
	}
}

static void errors_are_about_what_their_reader_sent(void **state)
{
	struct nat_config c = config("fd01:203:405::", "2001:db8:1::", 48);
	struct addr host = ip6("fd01:203:405:1::1234", 5000), remote = rig_remote6(0, 3478);
	struct addr shown = ip6("2001:db8:1:d550::1234", 0);
	uint8_t quoted[64];
	struct packet about;

	rig_open(&rig, &c, 1);
	const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host, remote);
	assert_non_null(o);
	size_t len = o->packet.whole.len;
	assert_in_range(len, 1, sizeof(quoted));
	memcpy(quoted, o->bytes, len);
	o = rig_icmp(&rig, NAT_OUTSIDE, remote, shown, ICMP6_UNREACHABLE, 4, 0,
		     bytes_of(quoted, len));
	assert_non_null(o);
	assert_true(packet_parse_quoted(o->packet.data, &about));
	assert_true(addr_equal(&about.source, &host));
	rig_close(&rig);
}

static void it_turns_back_where_it_is_told_to(void **state)
{
	struct nat_config c = config("fd01:203:405::", "2001:db8:1::", 48);
	struct addr host = ip6("fd01:203:405:1::1234", 5000);
	struct addr shown = ip6("2001:db8:1:d550::1234", 5001);

	rig_open(&rig, &c, 1);
	assert_null(rig_udp(&rig, NAT_INSIDE, host, shown));
	rig_close(&rig);
	c.hairpin = NAT_HAIRPIN_EXTERNAL;
	rig_open(&rig, &c, 1);
	const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host, shown);
	assert_non_null(o);
	assert_int_equal(o->side, NAT_INSIDE);
	assert_true(addr_equal_ip(&o->packet.destination, &host));
	assert_true(addr_equal_ip(&o->packet.source, &shown));
	rig_close(&rig);
}

static void a_firewall_beside_it_knows_hosts_by_their_own_addresses(void **state)
{
	struct nat_config c = config("fd01:203:405::", "2001:db8:1::", 48);
	struct addr host = ip6("fd01:203:405:1::1234", 5000), remote = rig_remote6(0, 3478);
	struct addr shown = ip6("2001:db8:1:d550::1234", 5000);

	c.filtering = NAT_APD;
	rig_open(&rig, &c, 1);
	assert_false(rig_gets_in(&rig, remote, shown, NULL));
	assert_non_null(rig_udp(&rig, NAT_INSIDE, host, remote));
	assert_true(rig_gets_in(&rig, remote, shown, &host));
	assert_false(rig_gets_in(&rig, rig_remote6(1, 3478), shown, NULL));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_rfc_holds),
		cmocka_unit_test(every_length_is_neutral_to_checksums),
		cmocka_unit_test(errors_are_about_what_their_reader_sent),
		cmocka_unit_test(it_turns_back_where_it_is_told_to),
		cmocka_unit_test(a_firewall_beside_it_knows_hosts_by_their_own_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
