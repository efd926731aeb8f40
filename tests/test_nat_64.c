/* NAT64 (RFC 6146) with the prefixes of RFC 6052, and NAT66, in the NAT model. */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct rig rig;

static struct nat_config config_64(const char *prefix, uint8_t len)
{
	struct nat_config c = rig_config();

	c.external_count = 1;
	c.filtering = NAT_AD;
	c.nat64_prefix_len = len;
	assert_true(addr_parse_ip(prefix, 0, &c.nat64_prefix));
	return c;
}

static struct addr well_known(struct addr remote)
{
	struct addr a = { .family = ADDR_IPV6, .port = remote.port, .ip = { 0, 0x64, 0xff, 0x9b } };

	memcpy(a.ip + 12, remote.ip, 4);
	return a;
}

static void prefixes_of_all_lengths_hold_the_address(void **state)
{
	/* RFC 6052, section 2.4. */
	static const struct {
		uint8_t len;
		const char *prefix, *address;
	} cases[] = {
		{ 32, "2001:db8::", "2001:db8:c000:221::" },
		{ 40, "2001:db8:100::", "2001:db8:1c0:2:21::" },
		{ 48, "2001:db8:122::", "2001:db8:122:c000:2:2100::" },
		{ 56, "2001:db8:122:300::", "2001:db8:122:3c0:0:221::" },
		{ 64, "2001:db8:122:344::", "2001:db8:122:344:c0:2:2100::" },
		{ 96, "2001:db8:122:344::", "2001:db8:122:344::c000:221" },
	};
	struct addr host = rig_host6(0, 5000), remote = addr_ipv4(192, 0, 2, 33, 3478);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = config_64(cases[i].prefix, cases[i].len);
		struct addr to;

		rig_open(&rig, &c, 7);
		assert_true(addr_parse_ip(cases[i].address, 3478, &to));
		const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host, to);
		assert_non_null(o);
		assert_true(addr_equal(&o->packet.destination, &remote));
		struct addr x = o->packet.source;
		assert_true(addr_equal_ip(&x, &c.externals[0]));
		o = rig_udp(&rig, NAT_OUTSIDE, remote, x);
		assert_non_null(o);
		assert_true(addr_equal(&o->packet.destination, &host));
		assert_true(addr_equal(&o->packet.source, &to));
		rig_close(&rig);
	}
}

static void tcp_and_echo_cross_both_ways(void **state)
{
	struct nat_config c = config_64("64:ff9b::", 96);
	struct addr host = rig_host6(0, 5000), remote = rig_remote(0, 80);
	struct addr seen = well_known(remote);

	rig_open(&rig, &c, 7);
	const struct rig_packet *o = rig_tcp(&rig, NAT_INSIDE, host, seen, PACKET_SYN);
	assert_non_null(o);
	assert_int_equal(o->packet.tcp_flags, PACKET_SYN);
	struct addr x = o->packet.source;
	o = rig_tcp(&rig, NAT_OUTSIDE, remote, x, PACKET_SYN | PACKET_ACK);
	assert_non_null(o);
	assert_true(addr_equal(&o->packet.destination, &host));

	o = rig_icmp(&rig, NAT_INSIDE, host, seen, ICMP6_ECHO_REQUEST, 0, 77u << 16 | 3,
		     BYTES("ping"));
	assert_non_null(o);
	assert_int_equal(o->packet.protocol, PACKET_ICMP);
	assert_int_equal(o->packet.icmp_type, ICMP4_ECHO_REQUEST);
	o = rig_icmp(&rig, NAT_OUTSIDE, remote, x, ICMP4_ECHO_REPLY, 0, o->packet.icmp_rest,
		     BYTES("ping"));
	assert_non_null(o);
	assert_int_equal(o->packet.icmp_type, ICMP6_ECHO_REPLY);
	assert_int_equal(o->packet.icmp_rest, 77u << 16 | 3);
	rig_close(&rig);
}

static void icmp_errors_cross_with_what_they_quote(void **state)
{
	struct nat_config c = config_64("64:ff9b::", 96);
	struct addr host = rig_host6(0, 5000), remote = rig_remote(0, 3478);
	struct addr seen = well_known(remote);
	struct packet about;
	uint8_t quote[128];

	rig_open(&rig, &c, 7);
	const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host, seen);
	assert_non_null(o);
	size_t len = o->packet.whole.len;
	memcpy(quote, o->bytes, len);
	struct addr x = o->packet.source;
	o = rig_icmp(&rig, NAT_OUTSIDE, remote, x, ICMP4_UNREACHABLE, 3, 0, bytes_of(quote, len));
	assert_non_null(o);
	assert_int_equal(o->packet.icmp_type, ICMP6_UNREACHABLE);
	assert_int_equal(o->packet.icmp_code, 4);
	assert_true(packet_parse_quoted(o->packet.data, &about));
	assert_true(addr_equal(&about.source, &host) && addr_equal(&about.destination, &seen));
	assert_true(packet_checksums_ok(o->packet.data));

	o = rig_udp(&rig, NAT_OUTSIDE, remote, x);
	assert_non_null(o);
	len = o->packet.whole.len;
	memcpy(quote, o->bytes, len);
	o = rig_icmp(&rig, NAT_INSIDE, host, seen, ICMP6_UNREACHABLE, 4, 0, bytes_of(quote, len));
	assert_non_null(o);
	assert_int_equal(o->side, NAT_OUTSIDE);
	assert_int_equal(o->packet.icmp_type, ICMP4_UNREACHABLE);
	assert_int_equal(o->packet.icmp_code, 3);
	assert_true(packet_parse_quoted(o->packet.data, &about));
	assert_true(addr_equal(&about.source, &remote) && addr_equal(&about.destination, &x));
	assert_true(packet_checksums_ok(o->packet.data));
	rig_close(&rig);
}

static void a_checksum_that_ipv4_lacks_is_made(void **state)
{
	struct nat_config c = config_64("64:ff9b::", 96);
	struct addr host = rig_host6(0, 5000), remote = rig_remote(0, 3478);
	uint8_t buf[128];

	rig_open(&rig, &c, 7);
	const struct rig_packet *o = rig_udp(&rig, NAT_INSIDE, host, well_known(remote));
	assert_non_null(o);
	struct addr x = o->packet.source;
	size_t len = packet_build_udp(buf, sizeof(buf), &remote, &x, BYTES("odd"));
	buf[26] = buf[27] = 0;
	assert_non_null(rig_input(&rig, NAT_OUTSIDE, bytes_of(buf, len)));
	rig_close(&rig);
}

static void other_ipv6_is_not_translated(void **state)
{
	struct nat_config c = config_64("64:ff9b::", 96);
	struct addr host = rig_host6(0, 5000), remote = rig_remote6(0, 3478);

	rig_open(&rig, &c, 7);
	struct addr x = rig_map(&rig, host, remote);
	assert_true(addr_equal(&x, &host));
	rig_close(&rig);
}

static void nat66_translates_ports_and_addresses(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host6(0, 5000), remote = rig_remote6(0, 3478);

	c.allocation = NAT_OFFSET;
	c.offset = 100;
	rig_open(&rig, &c, 7);
	struct addr x = rig_map(&rig, host, remote);
	assert_true(addr_equal_ip(&x, &c.externals[1]));
	assert_int_equal(x.port, 5100);
	assert_true(rig_gets_in(&rig, remote, x, &host));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_of_all_lengths_hold_the_address),
		cmocka_unit_test(tcp_and_echo_cross_both_ways),
		cmocka_unit_test(icmp_errors_cross_with_what_they_quote),
		cmocka_unit_test(a_checksum_that_ipv4_lacks_is_made),
		cmocka_unit_test(other_ipv6_is_not_translated),
		cmocka_unit_test(nat66_translates_ports_and_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
