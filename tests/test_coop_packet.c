/* coop_packet: packets made by hand, taken apart by the model's reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "packet.h"
#include "rng.h"
#include "stund/coop_packet.h"

static const struct addr ends[2][2] = {
	{ { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } },
	  { .family = ADDR_IPV4, .port = 40000, .ip = { 198, 51, 100, 7 } } },
	{ { .family = ADDR_IPV6, .port = 3478, .ip = { 0x20, 1, [15] = 1 } },
	  { .family = ADDR_IPV6, .port = 40000, .ip = { 0x20, 1, [15] = 7 } } },
};

static uint8_t payload[COOP_SIZE_MAX + 1];
static struct coop_udp udp;
static uint8_t buf[COOP_PACKET_MAX];

static void make(int v, size_t len)
{
	struct rng r = rng_seed(len);

	rng_fill(&r, payload, sizeof(payload));
	assert_true(coop_udp_make(&udp, &ends[v][0], &ends[v][1], bytes_of(payload, len)));
}

static void a_datagram_has_its_checksum(void **state)
{
	for (int v = 0; v < 2; v++) {
		for (size_t len = 0; len < 70; len++) {
			make(v, len);
			assert_int_equal(udp.len, len + 8);
			uint32_t s = packet_pseudo_sum(&udp.from, &udp.to, PACKET_UDP, udp.len);
			assert_int_equal(packet_sum_end(packet_sum(s, bytes_of(udp.raw, udp.len))),
					 0);
		}
	}
}

static void what_is_too_long_or_of_two_families_is_refused(void **state)
{
	assert_true(
		coop_udp_make(&udp, &ends[0][0], &ends[0][1], bytes_of(payload, COOP_SIZE_MAX)));
	assert_false(coop_udp_make(&udp, &ends[0][0], &ends[0][1],
				   bytes_of(payload, COOP_SIZE_MAX + 1)));
	assert_false(coop_udp_make(&udp, &ends[0][0], &ends[1][1], bytes_of(payload, 9)));
}

/* Appends what a fragment has to what came before it. */
static void put_together(int v, struct bytes raw, bool is_last, uint8_t *whole, size_t *len)
{
	struct packet p;

	assert_true(raw.len > 0 && raw.len <= 1280); /* any link takes it */
	assert_true(packet_parse(raw, &p));
	assert_true(packet_checksums_ok(raw)); /* of the IP header */
	assert_true(addr_equal_ip(&p.source, &ends[v][0]));
	assert_true(addr_equal_ip(&p.destination, &ends[v][1]));
	assert_int_equal(p.protocol, PACKET_UDP);
	assert_int_equal(p.fragment_offset, *len);
	assert_int_equal(p.more_fragments, !is_last);
	assert_true(v == 1 || !p.dont_fragment);
	assert_int_equal(p.fragment_id, v == 0 ? (0x1234 ^ 0x5678) : 0x12345678);
	memcpy(whole + *len, raw.data + p.transport, raw.len - p.transport);
	*len += raw.len - p.transport;
	assert_true(is_last || *len % 8 == 0);
}

static void fragments_make_the_datagram(void **state)
{
	static const size_t sizes[] = { 8, 9, 72, 600, 1192, 2383, 2392, 2393, 4000, 4096 };
	static uint8_t whole[COOP_UDP_LEN + COOP_SIZE_MAX];

	for (int v = 0; v < 2; v++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			size_t len = 0;

			make(v, sizes[i]);
			unsigned int count = coop_fragment_count(&udp);
			assert_in_range(count, 2, COOP_FRAGMENTS_MAX);
			for (unsigned int n = 0; n < count; n++)
				put_together(v, coop_fragment(&udp, n, 0x12345678, buf),
					     n == count - 1, whole, &len);
			assert_int_equal(len, udp.len);
			assert_memory_equal(whole, udp.raw, udp.len);
		}
	}
}

static void an_icmp_error_quotes_what_it_is_about(void **state)
{
	for (int v = 0; v < 2; v++) {
		struct packet p, inner;
		struct bytes raw;

		make(v, 68);
		raw = coop_icmp(&udp, buf);
		assert_true(packet_parse(raw, &p));
		assert_true(packet_checksums_ok(raw));
		assert_int_equal(p.kind, PACKET_ERROR);
		assert_true(addr_equal_ip(&p.source, &ends[v][1]));
		assert_true(addr_equal_ip(&p.destination, &ends[v][0]));
		assert_int_equal(p.icmp_type, v == 0 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE);
		assert_int_equal(p.icmp_code, v == 0 ? 3 : 4);
		assert_true(packet_parse_quoted(p.data, &inner));
		assert_true(packet_checksums_ok(p.data));
		assert_true(addr_equal(&inner.source, &ends[v][0]));
		assert_true(addr_equal(&inner.destination, &ends[v][1]));
		assert_memory_equal(p.data.data + inner.transport + 8, payload, 68);
	}
}

/* A long one is quoted as far as it goes. */
static void a_quote_is_cut(void **state)
{
	for (int v = 0; v < 2; v++) {
		struct packet p;

		make(v, 2000);
		assert_true(packet_parse(coop_icmp(&udp, buf), &p));
		assert_true(packet_checksums_ok(p.whole));
		assert_int_equal(p.data.len, (v == 0 ? 20 : 40) + 548);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_has_its_checksum),
		cmocka_unit_test(what_is_too_long_or_of_two_families_is_refused),
		cmocka_unit_test(fragments_make_the_datagram),
		cmocka_unit_test(an_icmp_error_quotes_what_it_is_about),
		cmocka_unit_test(a_quote_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
