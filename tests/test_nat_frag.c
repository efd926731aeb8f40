/* Fragments, sizes and payloads in the NAT model. */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "stun_attr.h"
#include "stun_msg.h"

#define PIECE 512

static struct rig rig;

struct pieces {
	uint8_t bytes[4][PIECE + 60];
	size_t len[4];
	size_t count;
};

static void cut_ipv4(const uint8_t *whole, size_t len, uint16_t id, struct pieces *out)
{
	size_t left = len - 20, offset = 0;

	out->count = 0;
	while (left > 0) {
		size_t n = left < PIECE ? left : PIECE;
		uint8_t *p = out->bytes[out->count];

		memcpy(p, whole, 20);
		memcpy(p + 20, whole + 20 + offset, n);
		wire_store_u16(p + 2, (uint16_t)(20 + n));
		wire_store_u16(p + 4, id);
		wire_store_u16(p + 6, (uint16_t)((left > n ? 0x2000u : 0u) | offset / 8));
		wire_store_u16(p + 10, 0);
		wire_store_u16(p + 10, packet_sum_end(packet_sum(0, bytes_of(p, 20))));
		out->len[out->count++] = 20 + n;
		left -= n;
		offset += n;
	}
}

static void cut_ipv6(const uint8_t *whole, size_t len, uint32_t id, struct pieces *out)
{
	size_t left = len - 40, offset = 0;

	out->count = 0;
	while (left > 0) {
		size_t n = left < PIECE ? left : PIECE;
		uint8_t *p = out->bytes[out->count];

		memcpy(p, whole, 40);
		wire_store_u16(p + 4, (uint16_t)(8 + n));
		p[6] = 44;
		p[40] = whole[6];
		p[41] = 0;
		wire_store_u16(p + 42, (uint16_t)(offset | (left > n ? 1u : 0u)));
		wire_store_u32(p + 44, id);
		memcpy(p + 48, whole + 40 + offset, n);
		out->len[out->count++] = 48 + n;
		left -= n;
		offset += n;
	}
}

static void cut(struct addr from, struct addr to, struct pieces *out)
{
	static uint8_t whole[2048], data[1200];
	size_t len;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	len = packet_build_udp(whole, sizeof(whole), &from, &to, bytes_of(data, sizeof(data)));
	if (from.family == ADDR_IPV4)
		cut_ipv4(whole, len, 4711, out);
	else
		cut_ipv6(whole, len, 4711, out);
	assert_int_equal(out->count, 3);
}

/* The UDP checksum of the pieces that came out, put together; all in one input's `out`. */
static bool together_right(const struct rig_packet *const *got, size_t count, struct addr from,
			   struct addr to)
{
	uint8_t whole[2048];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		const struct packet *p = &got[i]->packet;
		size_t n = p->whole.len - p->transport;

		if (!addr_equal_ip(&p->source, &from) || !addr_equal_ip(&p->destination, &to))
			return false;
		memcpy(whole + p->fragment_offset, p->whole.data + p->transport, n);
		len += n;
	}
	uint32_t sum = packet_pseudo_sum(&from, &to, PACKET_UDP, len);
	return packet_sum_end(packet_sum(sum, bytes_of(whole, len))) == 0;
}

static size_t send_in_order(enum nat_side side, const struct pieces *pieces, const size_t *order,
			    struct rig_packet *got)
{
	size_t count = 0;

	for (size_t i = 0; i < 3; i++) {
		(void)rig_input(&rig, side,
				bytes_of(pieces->bytes[order[i]], pieces->len[order[i]]));
		for (size_t k = 0; k < rig.out_count && count < 3; k++) {
			got[count] = rig.out[k];
			got[count].packet.whole.data = got[count].bytes;
			count++;
		}
	}
	return count;
}

static const size_t in_order[3] = { 0, 1, 2 }, last_first[3] = { 2, 1, 0 };

static void inbound_fragments(struct addr host, struct addr remote)
{
	static const struct {
		uint8_t rule;
		const size_t *order;
		size_t passes;
	} cases[] = {
		{ NAT_FRAGMENTS_ANY_ORDER, in_order, 3 },
		{ NAT_FRAGMENTS_ANY_ORDER, last_first, 3 },
		{ NAT_FRAGMENTS_IN_ORDER, in_order, 3 },
		{ NAT_FRAGMENTS_IN_ORDER, last_first, 1 },
		{ NAT_FRAGMENTS_DROP, in_order, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct rig_packet got[3];
		const struct rig_packet *all[3] = { &got[0], &got[1], &got[2] };
		struct nat_config c = rig_config();
		struct pieces pieces;

		c.allocation = NAT_RANDOM;
		c.fragments = cases[i].rule;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		cut(remote, x, &pieces);
		size_t count = send_in_order(NAT_OUTSIDE, &pieces, cases[i].order, got);
		assert_int_equal(count, cases[i].passes);
		if (count == 3)
			assert_true(together_right(all, 3, remote, host));
		assert_true(rig_gets_in(&rig, remote, x, &host));
		rig_close(&rig);
	}
}

static void inbound_fragments_pass_as_told(void **state)
{
	inbound_fragments(rig_host(0, 5000), rig_remote(0, 3478));
	inbound_fragments(rig_host6(0, 5000), rig_remote6(0, 3478));
}

static void a_plain_router_drops_fragments_as_told(void **state)
{
	static const struct {
		uint8_t rule;
		const size_t *order;
		size_t passes;
	} cases[] = {
		{ NAT_FRAGMENTS_ANY_ORDER, last_first, 3 },
		{ NAT_FRAGMENTS_IN_ORDER, in_order, 3 },
		{ NAT_FRAGMENTS_IN_ORDER, last_first, 1 },
		{ NAT_FRAGMENTS_DROP, in_order, 0 },
	};
	static struct rig_packet got[3];
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	struct pieces pieces;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = { .fragments = cases[i].rule };

		rig_open(&rig, &c, 3);
		cut(remote, host, &pieces);
		assert_int_equal(send_in_order(NAT_OUTSIDE, &pieces, cases[i].order, got),
				 cases[i].passes);
		cut(host, remote, &pieces);
		assert_int_equal(send_in_order(NAT_INSIDE, &pieces, cases[i].order, got), 3);
		rig_close(&rig);
	}
}

static void outbound_fragments_pass_in_any_order(void **state)
{
	static struct rig_packet got[3];
	const struct rig_packet *all[3] = { &got[0], &got[1], &got[2] };
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	struct addr external = addr_ipv4(203, 0, 113, 1, 0);
	struct nat_config c = rig_config();
	struct pieces pieces;

	c.allocation = NAT_RANDOM;
	c.fragments = NAT_FRAGMENTS_DROP; /* inbound only */
	rig_open(&rig, &c, 3);
	cut(host, remote, &pieces);
	assert_int_equal(send_in_order(NAT_INSIDE, &pieces, last_first, got), 3);
	external.port = got[0].packet.source.port;
	assert_true(together_right(all, 3, external, remote));
	rig_close(&rig);
}

static void outbound_fragments_pass_as_told(void **state)
{
	static const struct {
		uint8_t rule;
		const size_t *order;
		size_t passes;
	} cases[] = {
		{ NAT_FRAGMENTS_IN_ORDER, in_order, 3 },
		{ NAT_FRAGMENTS_IN_ORDER, last_first, 1 },
		{ NAT_FRAGMENTS_DROP, in_order, 0 },
	};
	static struct rig_packet got[3];
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	struct pieces pieces;

	cut(host, remote, &pieces);
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct nat_config plain = { 0 }, c = i % 2 == 0 ? rig_config() : plain;

		c.fragments_out = cases[i / 2].rule;
		rig_open(&rig, &c, 3);
		assert_int_equal(send_in_order(NAT_INSIDE, &pieces, cases[i / 2].order, got),
				 cases[i / 2].passes);
		rig_close(&rig);
	}
}

static void fragments_of_what_is_filtered_stay_outside(void **state)
{
	static struct rig_packet got[3];
	struct addr host = rig_host(0, 5000);
	struct nat_config c = rig_config();
	struct pieces pieces;

	rig_open(&rig, &c, 3);
	struct addr x = rig_map(&rig, host, rig_remote(0, 3478));
	cut(rig_remote(1, 3478), x, &pieces);
	assert_int_equal(send_in_order(NAT_OUTSIDE, &pieces, in_order, got), 0);
	assert_int_equal(send_in_order(NAT_OUTSIDE, &pieces, last_first, got), 0);
	rig_close(&rig);
}

static size_t build_large(uint8_t *buf, size_t cap, bool df)
{
	static uint8_t data[1400];
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	size_t len = packet_build_udp(buf, cap, &host, &remote, bytes_of(data, sizeof(data)));

	if (!df) {
		buf[6] = 0;
		wire_store_u16(buf + 10, 0);
		wire_store_u16(buf + 10, packet_sum_end(packet_sum(0, bytes_of(buf, 20))));
	}
	return len;
}

static void what_is_too_big_is_cut_or_refused(void **state)
{
	static const struct {
		const char *why;
		uint32_t mtu;
		bool df, fragments_df, silent;
		size_t pieces;
		bool refused;
	} cases[] = {
		{ "fits", 0, true, false, false, 1, false },
		{ "DF", 1280, true, false, false, 0, true },
		{ "DF, silent", 1280, true, false, true, 0, false },
		{ "DF ignored", 1280, true, true, false, 2, false },
		{ "no DF", 1280, false, false, false, 2, false },
		{ "no DF, small", 600, false, false, false, 3, false },
	};
	struct addr remote = rig_remote(0, 3478), external = addr_ipv4(203, 0, 113, 1, 5000);
	uint8_t buf[2048];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = rig_config();
		size_t len = build_large(buf, sizeof(buf), cases[i].df);

		c.mtu = cases[i].mtu;
		c.fragments_df = cases[i].fragments_df;
		c.silent_too_big = cases[i].silent;
		c.gateway = addr_ipv4(192, 168, 1, 1, 0);
		rig_open(&rig, &c, 3);
		const struct rig_packet *o = rig_input(&rig, NAT_INSIDE, bytes_of(buf, len));
		assert_int_equal(rig.out_count, cases[i].refused ? 1 : cases[i].pieces);
		if (cases[i].refused) {
			assert_int_equal(o->side, NAT_INSIDE);
			assert_int_equal(o->packet.kind, PACKET_ERROR);
			assert_int_equal(o->packet.icmp_code, 4);
			assert_int_equal(o->packet.icmp_rest, 1280);
			assert_true(addr_equal_ip(&o->packet.source, &c.gateway));
		} else if (cases[i].pieces > 1) {
			const struct rig_packet *all[3] = { &rig.out[0], &rig.out[1], &rig.out[2] };

			if (!together_right(all, rig.out_count, external, remote))
				fail_msg("%s: the pieces do not fit together", cases[i].why);
		}
		rig_close(&rig);
	}
}

static void ipv6_is_refused_and_never_cut(void **state)
{
	static uint8_t data[1400];
	struct addr host = rig_host6(0, 5000), remote = rig_remote6(0, 3478);
	struct nat_config c = rig_config();
	uint8_t buf[2048];
	size_t len =
		packet_build_udp(buf, sizeof(buf), &host, &remote, bytes_of(data, sizeof(data)));

	c.mtu = 1280;
	c.fragments_df = true;
	rig_open(&rig, &c, 3);
	const struct rig_packet *o = rig_input(&rig, NAT_INSIDE, bytes_of(buf, len));
	assert_non_null(o);
	assert_int_equal(o->packet.icmp_type, ICMP6_TOO_BIG);
	assert_int_equal(o->packet.icmp_rest, 1280);
	rig_close(&rig);
}

static void large_packets_from_outside_may_vanish(void **state)
{
	static uint8_t data[1200];
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	uint8_t buf[2048];

	for (int limited = 0; limited < 2; limited++) {
		struct nat_config c = rig_config();

		c.max_inbound = limited == 1 ? 1227 : 1228;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		size_t len = packet_build_udp(buf, sizeof(buf), &remote, &x,
					      bytes_of(data, sizeof(data)));
		assert_int_equal(rig_input(&rig, NAT_OUTSIDE, bytes_of(buf, len)) == NULL, limited);
		assert_true(rig_gets_in(&rig, remote, x, &host));
		rig_close(&rig);
	}
}

/* A Binding answer with both kinds of mapped address; says what arrives in them. */
static void ask(struct addr host, struct addr remote, struct addr x, struct addr *plain,
		struct addr *xored)
{
	static const struct stun_tid tid = { { 1, 2, 3 } };
	uint8_t message[128], buf[256];
	struct stun_builder b =
		stun_build(message, sizeof(message), STUN_BINDING, STUN_SUCCESS, &tid);
	struct bytes built, value;
	struct stun_msg msg;

	(void)stun_attr_put_addr(&b, STUN_ATTR_MAPPED_ADDRESS, &x);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &x);
	assert_int_equal(stun_build_finish(&b, &built), STUN_OK);
	size_t len = packet_build_udp(buf, sizeof(buf), &remote, &x, built);
	const struct rig_packet *o = rig_input(&rig, NAT_OUTSIDE, bytes_of(buf, len));
	assert_non_null(o);
	assert_true(addr_equal(&o->packet.destination, &host));
	assert_int_equal(stun_msg_parse(o->packet.data, &msg), STUN_OK);
	assert_true(stun_msg_find(&msg, STUN_ATTR_MAPPED_ADDRESS, &value));
	assert_int_equal(stun_attr_get_addr(value, plain), STUN_OK);
	assert_true(stun_msg_find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &tid, xored), STUN_OK);
}

static void an_alg_rewrites_what_is_not_masked(void **state)
{
	for (int i = 0; i < 4; i++) {
		bool v6 = i % 2 == 1, alg = i >= 2;
		struct addr host = v6 ? rig_host6(0, 5000) : rig_host(0, 5000);
		struct addr remote = v6 ? rig_remote6(0, 3478) : rig_remote(0, 3478);
		struct nat_config c = rig_config();
		struct addr plain, xored;

		c.alg = alg;
		c.allocation = NAT_RANDOM;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		ask(host, remote, x, &plain, &xored);
		assert_true(addr_equal(&plain, alg ? &host : &x));
		assert_true(addr_equal(&xored, &x));
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inbound_fragments_pass_as_told),
		cmocka_unit_test(a_plain_router_drops_fragments_as_told),
		cmocka_unit_test(outbound_fragments_pass_in_any_order),
		cmocka_unit_test(outbound_fragments_pass_as_told),
		cmocka_unit_test(fragments_of_what_is_filtered_stay_outside),
		cmocka_unit_test(what_is_too_big_is_cut_or_refused),
		cmocka_unit_test(ipv6_is_refused_and_never_cut),
		cmocka_unit_test(large_packets_from_outside_may_vanish),
		cmocka_unit_test(an_alg_rewrites_what_is_not_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
