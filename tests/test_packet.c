/* Packets are built, read and rewritten with right checksums. */
#include "tests/packet.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/rng.h"

static struct addr make(uint8_t family, struct rng *rng)
{
	struct addr a = { .family = family, .port = (uint16_t)rng_next(rng) };

	rng_fill(rng, a.ip, addr_ip_len(family));
	return a;
}

static size_t build(uint8_t kind, uint8_t *buf, size_t cap, const struct addr *from,
		    const struct addr *to, struct bytes data)
{
	struct packet_tcp tcp = { 1, 2, PACKET_ACK };
	bool ipv4 = from->family == ADDR_IPV4;

	switch (kind) {
	case PACKET_DATAGRAM:
		return packet_build_udp(buf, cap, from, to, data);
	case PACKET_SEGMENT:
		return packet_build_tcp(buf, cap, from, to, &tcp, data);
	case PACKET_ECHO_REQUEST:
		return packet_build_icmp(buf, cap, from, to,
					 ipv4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST, 0,
					 (uint32_t)from->port << 16, data);
	default:
		return packet_build_icmp(buf, cap, from, to,
					 ipv4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY, 0,
					 (uint32_t)to->port << 16, data);
	}
}

/* A port of 0 where the kind has none. */
static struct addr as_seen(uint8_t kind, struct addr a, bool is_source)
{
	if ((kind == PACKET_ECHO_REQUEST && !is_source) || (kind == PACKET_ECHO_REPLY && is_source))
		a.port = 0;
	return a;
}

static void what_is_built_reads_and_rewrites(void **state)
{
	struct rng rng = rng_seed(11);

	for (int i = 0; i < 4000; i++) {
		uint8_t family = i % 2 == 0 ? ADDR_IPV4 : ADDR_IPV6,
			kind = (uint8_t)(1 + i / 2 % 4);
		struct addr from = make(family, &rng), to = make(family, &rng);
		struct addr new_from = make(family, &rng), new_to = make(family, &rng);
		uint8_t buf[256], data[64];
		struct packet p;

		rng_fill(&rng, data, sizeof(data));
		size_t len = build(kind, buf, sizeof(buf), &from, &to,
				   bytes_of(data, rng_below(&rng, sizeof(data))));
		assert_true(packet_parse(bytes_of(buf, len), &p));
		assert_true(packet_checksums_ok(bytes_of(buf, len)));
		assert_int_equal(p.kind, kind);
		from = as_seen(kind, from, true);
		to = as_seen(kind, to, false);
		assert_true(addr_equal(&p.source, &from) && addr_equal(&p.destination, &to));

		packet_rewrite(buf, &p, &new_from, &new_to);
		assert_true(packet_checksums_ok(bytes_of(buf, len)));
		assert_true(packet_parse(bytes_of(buf, len), &p));
		new_from = as_seen(kind, new_from, true);
		new_to = as_seen(kind, new_to, false);
		assert_true(addr_equal(&p.source, &new_from));
		assert_true(addr_equal(&p.destination, &new_to));
		assert_true(packet_hop(buf, len));
		assert_true(packet_checksums_ok(bytes_of(buf, len)));

		buf[len - 1] ^= 0x55; /* a wrong one stays wrong */
		packet_rewrite(buf, &p, &from, NULL);
		assert_false(packet_checksums_ok(bytes_of(buf, len)));
	}
}

static void a_quote_is_rewritten_with_both_checksums(void **state)
{
	struct rng rng = rng_seed(12);

	for (int i = 0; i < 1000; i++) {
		uint8_t family = i % 2 == 0 ? ADDR_IPV4 : ADDR_IPV6;
		struct addr from = make(family, &rng), to = make(family, &rng);
		struct addr new_from = make(family, &rng);
		uint8_t inner[128], buf[256];
		struct packet p, about;
		size_t len = packet_build_udp(inner, sizeof(inner), &from, &to, BYTES("seven b"));

		len -= (size_t)i % 8; /* only some of it may be quoted */
		len = packet_build_error(buf, sizeof(buf), &to, &from, 3, 1, 0,
					 bytes_of(inner, len));
		assert_true(packet_parse(bytes_of(buf, len), &p));
		assert_int_equal(p.kind, PACKET_ERROR);
		assert_true(packet_rewrite_quoted(buf, &p, &new_from, NULL));
		assert_true(packet_checksums_ok(bytes_of(buf, len)));
		assert_true(packet_parse_quoted(p.data, &about));
		assert_true(addr_equal(&about.source, &new_from));
		assert_true(addr_equal(&about.destination, &to));
	}
}

static void udp_without_checksum_stays_without(void **state)
{
	struct addr from = addr_ipv4(10, 0, 0, 1, 1), to = addr_ipv4(10, 0, 0, 2, 2);
	struct addr other = addr_ipv4(192, 0, 2, 1, 77);
	uint8_t buf[64];
	struct packet p;
	size_t len = packet_build_udp(buf, sizeof(buf), &from, &to, BYTES("x"));

	buf[26] = buf[27] = 0;
	assert_true(packet_parse(bytes_of(buf, len), &p));
	packet_rewrite(buf, &p, &other, NULL);
	assert_int_equal(buf[26] | buf[27], 0);
	assert_true(packet_checksums_ok(bytes_of(buf, len)));
}

static void what_contradicts_itself_is_refused(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		uint8_t value;
	} cases[] = {
		{ "version", 0, 0x55 },
		{ "header below 20", 0, 0x44 },
		{ "header beyond the end", 0, 0x4f },
		{ "longer than it is", 3, 200 },
		{ "shorter than its header", 3, 19 },
		{ "UDP longer than IP", 25, 60 },
		{ "UDP shorter than itself", 25, 7 },
	};
	struct addr from = addr_ipv4(10, 0, 0, 1, 1), to = addr_ipv4(10, 0, 0, 2, 2);
	uint8_t buf[64], bent[64];
	size_t len = packet_build_udp(buf, sizeof(buf), &from, &to, BYTES("abc"));

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct packet p = { .ttl = 7 };

		memcpy(bent, buf, len);
		bent[cases[i].at] = cases[i].value;
		if (packet_parse(bytes_of(bent, len), &p))
			fail_msg("%s: accepted", cases[i].why);
		assert_int_equal(p.ttl, 7); /* untouched */
	}
}

static void a_last_hop_is_the_last(void **state)
{
	struct addr from = addr_ipv4(10, 0, 0, 1, 1), to = addr_ipv4(10, 0, 0, 2, 2);
	uint8_t buf[64];
	size_t len = packet_build_udp(buf, sizeof(buf), &from, &to, BYTES("abc"));
	int hops = 0;

	while (packet_hop(buf, len))
		hops++;
	assert_int_equal(hops, 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_reads_and_rewrites),
		cmocka_unit_test(a_quote_is_rewritten_with_both_checksums),
		cmocka_unit_test(udp_without_checksum_stays_without),
		cmocka_unit_test(what_contradicts_itself_is_refused),
		cmocka_unit_test(a_last_hop_is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
