/* port_packet: datagrams and segments as an interface shows them. */
#include "natprobe/reach/port_packet.h"
#include "tests/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint8_t buf[256];

static struct addr host(uint8_t family, uint16_t port)
{
	struct addr a = addr_ipv4(192, 168, 1, 2, port);

	if (family == ADDR_IPV6)
		a = (struct addr){ .family = ADDR_IPV6,
				   .port = port,
				   .ip = { 0x2a, 0x10, [15] = 2 } };
	return a;
}

static void what_is_built_is_read(void **state)
{
	static const uint8_t families[] = { ADDR_IPV4, ADDR_IPV6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct addr from = host(families[i], 3478), to = host(families[i], 4900);
		struct port_packet p;
		size_t len = packet_build_udp(buf, sizeof(buf), &from, &to, BYTES("ping"));

		assert_true(port_packet_parse(bytes_of(buf, len), &p));
		assert_int_equal(p.transport, PACKET_UDP);
		assert_true(addr_equal(&p.from, &from) && addr_equal(&p.to, &to));
		assert_true(bytes_equal(p.data, BYTES("ping")));
		/* what a link pads is no part of it */
		assert_true(port_packet_parse(bytes_of(buf, len + 18), &p));
		assert_int_equal(p.data.len, 4);
		for (size_t n = 0; n < len; n++) {
			if (port_packet_parse(bytes_of(buf, n), &p))
				fail_msg("%zu of %zu bytes: read", n, len);
		}
	}
}

static void only_the_first_segment_is_a_syn(void **state)
{
	static const struct {
		uint8_t flags;
		bool is_syn;
	} segments[] = {
		{ PACKET_SYN, true },
		{ PACKET_SYN | PACKET_ACK, false },
		{ PACKET_ACK, false },
		{ PACKET_RST, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
		struct addr from = host(ADDR_IPV4, 3478), to = host(ADDR_IPV4, 4900);
		struct packet_tcp t = { .flags = segments[i].flags };
		struct port_packet p;
		size_t len = packet_build_tcp(buf, sizeof(buf), &from, &to, &t, BYTES(""));

		assert_true(port_packet_parse(bytes_of(buf, len), &p));
		assert_int_equal(p.transport, PACKET_TCP);
		assert_int_equal(p.is_syn, segments[i].is_syn);
	}
}

static void fragments_and_others_are_left_out(void **state)
{
	struct addr from = host(ADDR_IPV4, 3478), to = host(ADDR_IPV4, 4900);
	struct port_packet p = { .transport = 99 };
	size_t len = packet_build_udp(buf, sizeof(buf), &from, &to, BYTES("ping"));

	buf[6] = 0x20; /* more fragments */
	assert_false(port_packet_parse(bytes_of(buf, len), &p));
	buf[6] = 0x00;
	buf[7] = 0x01; /* a later one */
	assert_false(port_packet_parse(bytes_of(buf, len), &p));
	buf[7] = 0x00;
	buf[6] = 0x40; /* DF */
	assert_true(port_packet_parse(bytes_of(buf, len), &p));
	buf[9] = 1; /* ICMP */
	assert_false(port_packet_parse(bytes_of(buf, len), &p));
	buf[9] = 17;
	buf[0] = 0x44; /* a header that is too short */
	assert_false(port_packet_parse(bytes_of(buf, len), &p));
	buf[0] = 0x75;
	assert_false(port_packet_parse(bytes_of(buf, len), &p));
	assert_false(port_packet_parse((struct bytes){ 0 }, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read),
		cmocka_unit_test(only_the_first_segment_is_a_syn),
		cmocka_unit_test(fragments_and_others_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
