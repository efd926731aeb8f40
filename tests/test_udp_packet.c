/* udp_packet: the datagram in a packet, or nothing. */
#include "natprobe/net/udp_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* 192.168.1.2:7001 says "quad" to 192.168.1.2:7000. */
#define HEAD     "\x45\x00\x00\x20\x00\x01\x40\x00\x40\x11\x00\x00"
#define IPS      "\xc0\xa8\x01\x02\xc0\xa8\x01\x02"
#define UDP_FOUR "\x1b\x59\x1b\x58\x00\x0c\x00\x00quad"

static void a_datagram_is_read(void **state)
{
	const struct addr from = addr_ipv4(192, 168, 1, 2, 7001);
	const struct addr to = addr_ipv4(192, 168, 1, 2, 7000);
	struct udp_packet got;

	assert_true(udp_packet_parse(BYTES(HEAD IPS UDP_FOUR), &got));
	assert_true(addr_equal(&got.from, &from));
	assert_true(addr_equal(&got.to, &to));
	assert_true(bytes_equal(got.data, BYTES("quad")));
}

static void options_and_padding_are_passed_over(void **state)
{
	struct udp_packet got;

	assert_true(udp_packet_parse(BYTES("\x46\x00\x00\x24\x00\x01\x40\x00\x40\x11\x00\x00" IPS
					   "\x01\x01\x01\x00" UDP_FOUR "\0\0\0\0\0\0"),
				     &got));
	assert_true(bytes_equal(got.data, BYTES("quad")));
}

static void anything_else_is_refused(void **state)
{
	static const struct {
		const char *why;
		struct bytes packet;
	} cases[] = {
		{ "nothing", BYTES("") },
		{ "half a header", BYTES("\x45\x00\x00\x20\x00\x01") },
		{ "a byte short", BYTES(HEAD IPS "\x1b\x59\x1b\x58\x00\x0c\x00\x00qua") },
		{ "IPv6", BYTES("\x65\x00\x00\x20\x00\x01\x40\x00\x40\x11\x00\x00" IPS UDP_FOUR) },
		{ "a header of 16 bytes",
		  BYTES("\x44\x00\x00\x20\x00\x01\x40\x00\x40\x11\x00\x00" IPS UDP_FOUR) },
		{ "options that are not there",
		  BYTES("\x4f\x00\x00\x3c\x00\x01\x40\x00\x40\x11\x00\x00" IPS UDP_FOUR) },
		{ "shorter in all than its header",
		  BYTES("\x45\x00\x00\x13\x00\x01\x40\x00\x40\x11\x00\x00" IPS UDP_FOUR) },
		{ "the first fragment",
		  BYTES("\x45\x00\x00\x20\x00\x01\x20\x00\x40\x11\x00\x00" IPS UDP_FOUR) },
		{ "the last fragment",
		  BYTES("\x45\x00\x00\x20\x00\x01\x00\x03\x40\x11\x00\x00" IPS UDP_FOUR) },
		{ "TCP", BYTES("\x45\x00\x00\x20\x00\x01\x40\x00\x40\x06\x00\x00" IPS UDP_FOUR) },
		{ "a UDP length of 7", BYTES(HEAD IPS "\x1b\x59\x1b\x58\x00\x07\x00\x00quad") },
		{ "a UDP length beyond the packet",
		  BYTES(HEAD IPS "\x1b\x59\x1b\x58\x00\x0d\x00\x00quad\0") },
		{ "no room for UDP",
		  BYTES("\x45\x00\x00\x18\x00\x01\x40\x00\x40\x11\x00\x00" IPS UDP_FOUR) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct udp_packet got = { .from.port = 7 };

		if (udp_packet_parse(cases[i].packet, &got))
			fail_msg("%s: taken", cases[i].why);
		assert_int_equal(got.from.port, 7);
	}
}

static void no_length_reads_beyond(void **state)
{
	const struct bytes whole = BYTES(HEAD IPS UDP_FOUR);

	for (size_t len = 0; len < whole.len; len++) {
		struct udp_packet got;

		assert_false(udp_packet_parse(bytes_of(whole.data, len), &got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_is_read),
		cmocka_unit_test(options_and_padding_are_passed_over),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(no_length_reads_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
