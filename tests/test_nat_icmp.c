/* ICMP through the NAT model (RFC 5508), and what answers packets that nobody asked for. */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S ((uint64_t)1000000)

static struct rig rig;

/* A port unreachable about the packet that came out last. */
static const struct rig_packet *object(enum nat_side side, struct addr from, struct addr to)
{
	uint8_t quote[512];
	size_t len = rig.out[0].packet.whole.len;
	bool ipv4 = from.family == ADDR_IPV4;

	assert_true(len <= sizeof(quote));
	memcpy(quote, rig.out[0].bytes, len);
	return rig_icmp(&rig, side, from, to, ipv4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE,
			ipv4 ? 3 : 4, 0, bytes_of(quote, len));
}

static void errors_reach_the_host_with_its_own_addresses_inside(void **state)
{
	struct nat_config c = rig_config();

	for (int v6 = 0; v6 < 2; v6++) {
		struct addr host = v6 ? rig_host6(0, 5000) : rig_host(0, 5000);
		struct addr remote = v6 ? rig_remote6(0, 3478) : rig_remote(0, 3478);
		struct addr router = v6 ? rig_remote6(9, 0) : rig_remote(9, 0);
		struct packet about;

		c.allocation = NAT_RANDOM;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		const struct rig_packet *o = object(NAT_OUTSIDE, router, x);
		assert_non_null(o);
		assert_int_equal(o->side, NAT_INSIDE);
		assert_true(addr_equal_ip(&o->packet.destination, &host));
		assert_true(addr_equal_ip(&o->packet.source, &router));
		assert_true(packet_parse_quoted(o->packet.data, &about));
		assert_true(addr_equal(&about.source, &host));
		assert_true(addr_equal(&about.destination, &remote));
		assert_true(packet_checksums_ok(o->packet.data));
		assert_true(rig_gets_in(&rig, remote, x, &host)); /* REQ-12: it lives on */
		rig_close(&rig);
	}
}

static void errors_from_inside_show_the_external_address(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	struct packet about;

	c.allocation = NAT_RANDOM;
	rig_open(&rig, &c, 3);
	struct addr x = rig_map(&rig, host, remote);
	assert_true(rig_gets_in(&rig, remote, x, &host));
	const struct rig_packet *o = object(NAT_INSIDE, host, remote);
	assert_non_null(o);
	assert_int_equal(o->side, NAT_OUTSIDE);
	assert_true(addr_equal_ip(&o->packet.source, &x));
	assert_true(packet_parse_quoted(o->packet.data, &about));
	assert_true(addr_equal(&about.destination, &x));
	assert_true(packet_checksums_ok(o->packet.data));
	rig_close(&rig);
}

static void errors_about_nothing_are_dropped(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);

	rig_open(&rig, &c, 3);
	struct addr x = rig_map(&rig, host, remote);
	nat_flush(rig.nat, rig.now_us);
	assert_null(object(NAT_OUTSIDE, remote, x));
	assert_null(rig_icmp(&rig, NAT_OUTSIDE, remote, x, ICMP4_UNREACHABLE, 3, 0, BYTES("E")));
	rig_close(&rig);
}

static void errors_may_be_dropped_or_deadly(void **state)
{
	static const struct {
		bool drops, dies;
	} cases[] = { { false, false }, { true, false }, { false, true } };
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = rig_config();

		c.drops_icmp_errors = cases[i].drops;
		c.dies_on_icmp = cases[i].dies;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		assert_int_equal(object(NAT_OUTSIDE, remote, x) != NULL, !cases[i].drops);
		assert_int_equal(rig_gets_in(&rig, remote, x, &host), !cases[i].dies);
		rig_close(&rig);
	}
}

static void an_echo_comes_back_to_who_sent_it(void **state)
{
	struct nat_config c = rig_config();
	struct addr remote = rig_remote(0, 0), x = addr_ipv4(203, 0, 113, 1, 0);
	uint32_t id[2];

	rig_open(&rig, &c, 3);
	for (unsigned k = 0; k < 2; k++) {
		const struct rig_packet *o =
			rig_icmp(&rig, NAT_INSIDE, rig_host(k, 0), remote, ICMP4_ECHO_REQUEST, 0,
				 99u << 16 | k, BYTES("ping"));
		assert_non_null(o);
		assert_true(addr_equal_ip(&o->packet.source, &x));
		id[k] = o->packet.icmp_rest;
	}
	assert_int_equal(id[0] >> 16, 99);
	assert_int_not_equal(id[1] >> 16, 99);
	for (unsigned k = 0; k < 2; k++) {
		struct addr host = rig_host(k, 0);
		const struct rig_packet *o = rig_icmp(&rig, NAT_OUTSIDE, remote, x,
						      ICMP4_ECHO_REPLY, 0, id[k], BYTES("ping"));
		assert_non_null(o);
		assert_true(addr_equal_ip(&o->packet.destination, &host));
		assert_int_equal(o->packet.icmp_rest, 99u << 16 | k);
	}
	assert_null(rig_icmp(&rig, NAT_OUTSIDE, rig_remote(1, 0), x, ICMP4_ECHO_REPLY, 0, id[0],
			     BYTES("ping")));
	rig_close(&rig);
}

static void strangers_meet_the_reaction_told(void **state)
{
	static const struct {
		uint8_t reaction;
		bool replies;
	} cases[] = { { NAT_DROP, false }, { NAT_ICMP, true }, { NAT_RST, false } };
	struct addr host = rig_host(0, 5000), stranger = rig_remote(1, 1);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = rig_config();

		c.unsolicited = cases[i].reaction;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, rig_remote(0, 3478));
		for (int mapped = 0; mapped < 2; mapped++) {
			struct addr to = mapped ? x : addr_with_port(&x, 7777);
			const struct rig_packet *o = rig_udp(&rig, NAT_OUTSIDE, stranger, to);

			assert_int_equal(o != NULL, cases[i].replies);
			if (o == NULL)
				continue;
			assert_int_equal(o->side, NAT_OUTSIDE);
			assert_int_equal(o->packet.kind, PACKET_ERROR);
			assert_int_equal(o->packet.icmp_code, mapped ? 13 : 3);
			assert_true(addr_equal_ip(&o->packet.destination, &stranger));
		}
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_reach_the_host_with_its_own_addresses_inside),
		cmocka_unit_test(errors_from_inside_show_the_external_address),
		cmocka_unit_test(errors_about_nothing_are_dropped),
		cmocka_unit_test(errors_may_be_dropped_or_deadly),
		cmocka_unit_test(an_echo_comes_back_to_who_sent_it),
		cmocka_unit_test(strangers_meet_the_reaction_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
