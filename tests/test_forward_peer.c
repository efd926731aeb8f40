/* forward_peer, forward_icmp: from peers to clients (RFC 8656, section 11.3, 11.5, 12.7 and 16). */
#include "turnd/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "alloc_count.h"
#include "forward_kit.h"
#include "stun_attr.h"
#include "turn_chan.h"

#define CHANNEL FORWARD_KIT_CHANNEL
#define S       UINT64_C(1000000)
#define LONGEST 65527

static struct forward_kit k;
static struct flow *flow; /* of a client over UDP and IPv4 */
static struct turnd_out out;
static struct turnd_ip ip;
static uint8_t room[TURND_HEADROOM + LONGEST + TURND_TAILROOM];
static uint8_t *const data = room + TURND_HEADROOM;

static struct addr peer4, peer6;

static int set_up(void **state)
{
	forward_kit_init(&k);
	peer4 = addr_ipv4(8, 8, 8, 8, 5000);
	assert_true(addr_parse("[2a00:1450::8]:5000", 0, &peer6));
	flow = forward_kit_add(&k, 1, STUN_UDP, ADDR_IPV4);
	memset(&out, 0xee, sizeof(out));
	ip = TURND_IP_DEFAULT;
	return 0;
}

static int tear_down(void **state)
{
	forward_kit_free(&k);
	return 0;
}

static uint64_t dropped(enum stats_drop why)
{
	return counter_read(&k.t.stats.drops[why]);
}

static uint64_t dropped_in_all(void)
{
	uint64_t n = 0;

	for (int i = 0; i < STATS_DROPS; i++)
		n += dropped((enum stats_drop)i);
	return n;
}

#define expect_drop(step, why)                                            \
	do {                                                              \
		uint64_t before_ = dropped(why), all_ = dropped_in_all(); \
                                                                          \
		assert_int_equal(step, TURND_NOTHING);                    \
		assert_int_equal(dropped(why), before_ + 1);              \
		assert_int_equal(dropped_in_all(), all_ + 1);             \
	} while (0)

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + 1);
}

/* A datagram with a pattern, and poison around it. */
static enum turnd_step from_to(struct flow *f, const struct addr *from, size_t len)
{
	struct relay_end *end = &f->ends[from->family == ADDR_IPV4 ? 0 : 1];

	memset(room, 0xaa, TURND_HEADROOM);
	memset(data + len, 0xaa, TURND_TAILROOM);
	for (size_t i = 0; i < len; i++)
		data[i] = byte_at(i);
	return turnd_from_peer(&k.t, end, from, data, len, ip, &k.now, &out);
}

static enum turnd_step from(const struct addr *peer, size_t len)
{
	return from_to(flow, peer, len);
}

static void expect_pattern(struct bytes got, size_t len)
{
	assert_int_equal(got.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(got.data[i], byte_at(i));
}

static void expect_zeros(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], 0);
}

static void expect_client(const struct flow *f)
{
	assert_true(five_tuple_equal(&out.tuple, &f->tuple));
	assert_ptr_equal(out.link, f->link);
	assert_int_equal(out.socket, 0);
}

static void expect_indication(const struct flow *f, const struct addr *peer, size_t len)
{
	struct stun_msg msg;
	struct bytes value;
	struct addr said;

	expect_client(f);
	assert_int_equal(stun_msg_parse(out.data, &msg), STUN_OK);
	assert_false(stun_tid_is_classic(&msg.tid));
	assert_int_equal(msg.method, TURN_DATA);
	assert_int_equal(msg.class, STUN_INDICATION);
	assert_true(stun_msg_find(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &msg.tid, &said), STUN_OK);
	assert_true(addr_equal(&said, peer));
	assert_true(stun_msg_find(&msg, STUN_ATTR_DATA, &value));
	assert_ptr_equal(value.data, data); /* not copied */
	expect_pattern(value, len);
	expect_zeros(data + len, wire_padding(len));
	assert_ptr_equal(data + len + wire_padding(len), out.data.data + out.data.len);
}

static void expect_channel_data(const struct flow *f, uint16_t number, size_t len)
{
	struct turn_chan chan;
	size_t padding = five_tuple_is_stream(&f->tuple) ? wire_padding(len) : 0;

	expect_client(f);
	assert_int_equal(turn_chan_parse(out.data, &chan), STUN_OK);
	assert_int_equal(chan.number, number);
	assert_ptr_equal(chan.data.data, data);
	expect_pattern(chan.data, len);
	assert_int_equal(out.data.len, TURN_CHAN_HEADER_LEN + len + padding);
	expect_zeros(data + len, padding);
}

static void without_a_channel_it_is_a_data_indication(void **state)
{
	forward_kit_permit(&k, flow, &peer4);
	forward_kit_permit(&k, flow, &peer6);
	for (size_t len = 0; len <= 1472; len++) {
		assert_int_equal(from(&peer4, len), TURND_TO_CLIENT);
		expect_indication(flow, &peer4, len);
		assert_int_equal(from(&peer6, len), TURND_TO_CLIENT);
		expect_indication(flow, &peer6, len);
	}
	assert_int_equal(counter_read(&flow->counts.to_client_packets), 2 * 1473);
	assert_int_equal(counter_read(&flow->counts.to_client_bytes), 1472 * 1473);
	assert_int_equal(counter_read(&k.t.stats.to_client_packets), 2 * 1473);
	assert_int_equal(counter_read(&k.t.stats.to_client_bytes), 1472 * 1473);
	assert_int_equal(dropped_in_all(), 0);
}

static void on_a_channel_it_is_channel_data(void **state)
{
	struct flow *tcp = forward_kit_add(&k, 2, STUN_TCP, ADDR_IPV4);

	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	forward_kit_bind(&k, tcp, CHANNEL + 1, &peer6);
	for (size_t len = 0; len <= 1472; len++) {
		assert_int_equal(from(&peer4, len), TURND_TO_CLIENT);
		expect_channel_data(flow, CHANNEL, len);
		assert_int_equal(from_to(tcp, &peer6, len), TURND_TO_CLIENT);
		expect_channel_data(tcp, CHANNEL + 1, len);
	}
}

static void a_permission_is_for_all_ports_and_a_channel_for_one(void **state)
{
	struct addr other = addr_with_port(&peer4, 1);

	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	assert_int_equal(from(&other, 10), TURND_TO_CLIENT);
	expect_indication(flow, &other, 10);
	assert_int_equal(from(&peer4, 10), TURND_TO_CLIENT);
	expect_channel_data(flow, CHANNEL, 10);
}

static void without_permission_nothing_comes(void **state)
{
	struct addr other = addr_ipv4(8, 8, 8, 9, 5000);

	expect_drop(from(&peer4, 4), STATS_DROP_PERMISSION);
	forward_kit_permit(&k, flow, &peer4);
	expect_drop(from(&other, 4), STATS_DROP_PERMISSION);
	expect_drop(from(&peer6, 4), STATS_DROP_PERMISSION);
	assert_int_equal(counter_read(&flow->counts.dropped_policy), 3);
}

/* Section 9: a channel outlives its permission, and does not stand for it. */
static void a_permission_ends_whatever_comes(void **state)
{
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	for (int i = 0; i < 299; i++) {
		k.now.us += S;
		assert_int_equal(from(&peer4, 4), TURND_TO_CLIENT);
	}
	k.now.us += S;
	expect_drop(from(&peer4, 4), STATS_DROP_PERMISSION);
	forward_kit_permit(&k, flow, &peer4);
	assert_int_equal(from(&peer4, 4), TURND_TO_CLIENT);
	expect_channel_data(flow, CHANNEL, 4);
	k.now.us += 299 * S;
	assert_int_equal(from(&peer4, 4), TURND_TO_CLIENT);
	expect_channel_data(flow, CHANNEL, 4);
	forward_kit_permit(&k, flow, &peer4);
	k.now.us += S;
	assert_int_equal(from(&peer4, 4), TURND_TO_CLIENT);
	expect_indication(flow, &peer4, 4);
}

static void what_turnds_own_addresses_send_is_judged_with_its_port(void **state)
{
	struct flow *other = forward_kit_add(&k, 3, STUN_UDP, ADDR_IPV4);
	struct addr relayed = other->ends[0].relayed, local = other->ends[0].local;
	struct addr server = addr_ipv4(91, 80, 0, 1, 3478), beside = server;

	forward_kit_permit(&k, flow, &relayed);
	forward_kit_permit(&k, flow, &server);
	assert_int_equal(from(&local, 8), TURND_TO_CLIENT);
	expect_indication(flow, &relayed, 8); /* called by its public name */
	assert_int_equal(from(&relayed, 8), TURND_TO_CLIENT);
	expect_indication(flow, &relayed, 8);
	forward_kit_bind(&k, flow, CHANNEL, &relayed);
	assert_int_equal(from(&local, 8), TURND_TO_CLIENT);
	expect_channel_data(flow, CHANNEL, 8);

	expect_drop(from(&server, 8), STATS_DROP_POLICY);
	beside.port++;
	assert_int_equal(from(&beside, 8), TURND_TO_CLIENT);
	ports_release(k.ports[0], relayed.port);
	expect_drop(from(&local, 8), STATS_DROP_POLICY);
	assert_int_equal(counter_read(&k.t.stats.denied[POLICY_OWN]), 1);
	assert_int_equal(counter_read(&k.t.stats.denied[POLICY_RELAY_PORT]), 1);
	assert_int_equal(counter_read(&flow->counts.dropped_policy), 2);
}

static void a_header_that_does_not_fit_drops_the_datagram(void **state)
{
	static const struct {
		enum stun_transport transport;
		uint8_t client, peer;
		uint16_t channel_most, data_most;
	} cases[] = {
		{ STUN_UDP, ADDR_IPV4, ADDR_IPV4, 65503, 65468 },
		{ STUN_UDP, ADDR_IPV4, ADDR_IPV6, 65503, 65456 },
		{ STUN_UDP, ADDR_IPV6, ADDR_IPV4, 65523, 65488 },
		{ STUN_DTLS, ADDR_IPV4, ADDR_IPV4, 16380, 16348 },
		{ STUN_TCP, ADDR_IPV4, ADDR_IPV4, 65507, 65507 },
		{ STUN_TLS, ADDR_IPV6, ADDR_IPV6, 65527, 65504 },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow *f = forward_kit_add(&k, 10 + i, cases[i].transport, cases[i].client);
		const struct addr *peer = cases[i].peer == ADDR_IPV4 ? &peer4 : &peer6;
		struct addr other = addr_with_port(peer, 1);
		size_t longest = cases[i].peer == ADDR_IPV4 ? 65507 : 65527;

		forward_kit_bind(&k, f, CHANNEL, peer);
		assert_int_equal(from_to(f, peer, cases[i].channel_most), TURND_TO_CLIENT);
		expect_channel_data(f, CHANNEL, cases[i].channel_most);
		assert_int_equal(from_to(f, &other, cases[i].data_most), TURND_TO_CLIENT);
		expect_indication(f, &other, cases[i].data_most);
		if (cases[i].channel_most < longest)
			expect_drop(from_to(f, peer, cases[i].channel_most + 1u),
				    STATS_DROP_TOO_LONG);
		if (cases[i].data_most < longest)
			expect_drop(from_to(f, &other, cases[i].data_most + 1u),
				    STATS_DROP_TOO_LONG);
	}
}

static void ttl_counts_down_and_tos_stays(void **state)
{
	static const struct {
		enum stun_transport transport;
		struct turnd_ip in, out;
	} cases[] = {
		{ STUN_UDP, { 64, 0xb9 }, { 63, 0xb9 } }, { STUN_UDP, { 2, 0 }, { 1, 0 } },
		{ STUN_UDP, { -1, -1 }, { -1, -1 } },     { STUN_TCP, { 64, 0xb9 }, { -1, -1 } },
		{ STUN_TLS, { 1, 3 }, { -1, -1 } },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow *f = forward_kit_add(&k, 10 + i, cases[i].transport, ADDR_IPV4);

		forward_kit_permit(&k, f, i % 2 == 0 ? &peer4 : &peer6);
		ip = cases[i].in;
		assert_int_equal(from_to(f, i % 2 == 0 ? &peer4 : &peer6, 4), TURND_TO_CLIENT);
		assert_int_equal(out.ip.ttl, cases[i].out.ttl);
		assert_int_equal(out.ip.tos, cases[i].out.tos);
	}
	forward_kit_permit(&k, flow, &peer4);
	ip = (struct turnd_ip){ 1, 0 };
	expect_drop(from(&peer4, 4), STATS_DROP_TTL);
	ip.ttl = 0;
	expect_drop(from(&peer4, 4), STATS_DROP_TTL);
}

/* 72 bytes of data are 100 on the wire of IPv4. */
static void ten_pass_in_a_second(struct flow *one, struct flow *two)
{
	for (int i = 0; i < 10; i++)
		assert_int_equal(from_to(i % 2 == 0 ? one : two, &peer4, 72), TURND_TO_CLIENT);
	expect_drop(from_to(one, &peer4, 0), STATS_DROP_BUDGET);
	expect_drop(from_to(two, &peer4, 0), STATS_DROP_BUDGET);
	k.now.us += S / 10;
	assert_int_equal(from_to(one, &peer4, 72), TURND_TO_CLIENT);
	expect_drop(from_to(two, &peer4, 0), STATS_DROP_BUDGET);
	k.now.us += S;
}

static void each_bandwidth_holds_this_way_too(void **state)
{
	struct flow *other = forward_kit_add(&k, 2, STUN_UDP, ADDR_IPV4);

	other->share = flow->share;
	forward_kit_permit(&k, flow, &peer4);
	forward_kit_permit(&k, other, &peer4);
	k.realm.limits.allocation_bytes_per_s = 1000;
	ten_pass_in_a_second(flow, flow);
	ten_pass_in_a_second(other, other);
	k.realm.limits = (struct realm_limits){ .user_bytes_per_s = 1000 };
	ten_pass_in_a_second(flow, other);
	k.realm.limits.user_bytes_per_s = 0;
	k.snapshot.total_bytes_per_s = 1000;
	ten_pass_in_a_second(flow, other);
	assert_int_equal(counter_read(&flow->counts.dropped_budget) +
				 counter_read(&other->counts.dropped_budget),
			 12);
}

static void what_comes_takes_nothing_from_what_goes(void **state)
{
	uint8_t message[TURN_CHAN_HEADER_LEN + 72] = { 0 };
	struct turnd_in in = forward_kit_in(flow, bytes_of(message, sizeof(message)));

	turn_chan_put_header(message, CHANNEL, 72);
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	k.realm.limits.allocation_bytes_per_s = k.realm.limits.user_bytes_per_s = 1000;
	k.snapshot.total_bytes_per_s = 1000;
	ten_pass_in_a_second(flow, flow);
	k.now.us -= S;
	for (int i = 0; i < 10; i++)
		assert_int_equal(forward_channel(&k.t, &in, &k.now, &out), TURND_TO_PEER);
	assert_int_equal(forward_channel(&k.t, &in, &k.now, &out), TURND_NOTHING);
}

static void nothing_waits_for_a_client_that_is_away(void **state)
{
	static const enum stun_transport transports[] = { STUN_UDP, STUN_TCP, STUN_TLS, STUN_DTLS };
	struct turnd_icmp icmp = { .peer = peer4, .type = 3, .code = 3 };
	uint8_t buf[TURND_ANSWER_MAX];

	for (uint32_t i = 0; i < ARRAY_LEN(transports); i++) {
		struct flow *f = forward_kit_add(&k, 10 + i, transports[i], ADDR_IPV4);

		forward_kit_permit(&k, f, &peer4);
		alloc_table_hide(k.t.allocs, (struct alloc *)f); /* its first member */
		expect_drop(from_to(f, &peer4, 4), STATS_DROP_AWAY);
		expect_drop(turnd_from_icmp(&k.t, &f->ends[0], &icmp, &k.now, buf, &out),
			    STATS_DROP_AWAY);
	}
}

static void indications_have_ids_of_their_own(void **state)
{
	uint8_t ids[300][16];

	forward_kit_permit(&k, flow, &peer4);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(from(&peer4, 4), TURND_TO_CLIENT);
		memcpy(ids[i], out.data.data + 4, 16);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(ids[i], ids[j], 16);
	}
	assert_int_equal(k.draws, 3); /* not one call a packet */
}

static void relaying_allocates_nothing(void **state)
{
	size_t before;

	if (!alloc_count_works())
		skip();
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	forward_kit_permit(&k, flow, &peer6);
	before = alloc_count();
	for (int i = 0; i < 100; i++) {
		(void)from(&peer4, 100);
		(void)from(&peer6, 100);
	}
	assert_int_equal(alloc_count(), before);
}

/* The attribute and the address of the last answer. */
static struct stun_icmp expect_icmp(const struct flow *f, const struct addr *peer)
{
	struct stun_icmp icmp;
	struct stun_msg msg;
	struct bytes value;
	struct addr said;

	expect_client(f);
	assert_int_equal(stun_msg_parse(out.data, &msg), STUN_OK);
	assert_int_equal(msg.method, TURN_DATA);
	assert_int_equal(msg.class, STUN_INDICATION);
	assert_true(stun_msg_find(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &msg.tid, &said), STUN_OK);
	assert_true(addr_equal(&said, peer));
	assert_false(stun_msg_has(&msg, STUN_ATTR_DATA));
	assert_true(stun_msg_find(&msg, STUN_ATTR_ICMP, &value));
	assert_int_equal(stun_attr_get_icmp(value, &icmp), STUN_OK);
	assert_int_equal(out.ip.ttl, -1);
	assert_int_equal(out.ip.tos, -1);
	return icmp;
}

static enum turnd_step icmp_about(const struct addr *peer, uint8_t type, uint8_t code)
{
	static uint8_t buf[TURND_ANSWER_MAX];
	struct turnd_icmp icmp = { .peer = *peer, .type = type, .code = code, .data = 1280 };

	return turnd_from_icmp(&k.t, &flow->ends[peer->family == ADDR_IPV4 ? 0 : 1], &icmp, &k.now,
			       buf, &out);
}

/* Section 11.5 names the types, 18.13 those that have an MTU. */
static void icmp_errors_of_five_types_are_passed_on(void **state)
{
	uint64_t passed = 0;

	forward_kit_permit(&k, flow, &peer4);
	forward_kit_permit(&k, flow, &peer6);
	for (int v6 = 0; v6 < 2; v6++) {
		const struct addr *peer = v6 ? &peer6 : &peer4;

		for (int type = 0; type < 256; type++) {
			bool wanted = v6 ? type >= 1 && type <= 3 : type == 3 || type == 11;
			bool has_mtu = v6 ? type == 2 : type == 3;
			struct stun_icmp icmp;

			if (!wanted) {
				expect_drop(icmp_about(peer, (uint8_t)type, 4), STATS_DROP_UNASKED);
				continue;
			}
			assert_int_equal(icmp_about(peer, (uint8_t)type, 4), TURND_TO_CLIENT);
			icmp = expect_icmp(flow, peer);
			assert_int_equal(icmp.type, type);
			assert_int_equal(icmp.code, 4);
			assert_int_equal(icmp.data, has_mtu ? 1280 : 0);
			passed++;
		}
	}
	assert_int_equal(counter_read(&k.t.stats.icmp), passed);
	assert_int_equal(counter_read(&flow->counts.to_client_packets), 0);
}

static void only_too_big_has_an_mtu(void **state)
{
	forward_kit_permit(&k, flow, &peer4);
	for (uint8_t code = 0; code < 16; code++) {
		assert_int_equal(icmp_about(&peer4, 3, code), TURND_TO_CLIENT);
		assert_int_equal(expect_icmp(flow, &peer4).data, code == 4 ? 1280 : 0);
	}
	assert_int_equal(icmp_about(&peer4, 11, 4), TURND_TO_CLIENT);
	assert_int_equal(expect_icmp(flow, &peer4).data, 0);
	forward_kit_permit(&k, flow, &peer6);
	for (uint8_t type = 1; type <= 3; type++) {
		assert_int_equal(icmp_about(&peer6, type, 4), TURND_TO_CLIENT);
		assert_int_equal(expect_icmp(flow, &peer6).data, type == 2 ? 1280 : 0);
	}
}

static void icmp_is_for_whom_the_permission_is(void **state)
{
	struct addr other = addr_ipv4(8, 8, 8, 9, 5000), far = addr_with_port(&peer4, 1);

	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	assert_int_equal(icmp_about(&far, 3, 3), TURND_TO_CLIENT);
	(void)expect_icmp(flow, &far);
	assert_int_equal(icmp_about(&peer4, 3, 3), TURND_TO_CLIENT); /* bound or not (12.5) */
	(void)expect_icmp(flow, &peer4);
	expect_drop(icmp_about(&other, 3, 3), STATS_DROP_PERMISSION);
	k.now.us += 300 * S;
	expect_drop(icmp_about(&peer4, 3, 3), STATS_DROP_PERMISSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_channel_it_is_a_data_indication),
		TEST(on_a_channel_it_is_channel_data),
		TEST(a_permission_is_for_all_ports_and_a_channel_for_one),
		TEST(without_permission_nothing_comes),
		TEST(a_permission_ends_whatever_comes),
		TEST(what_turnds_own_addresses_send_is_judged_with_its_port),
		TEST(a_header_that_does_not_fit_drops_the_datagram),
		TEST(ttl_counts_down_and_tos_stays),
		TEST(each_bandwidth_holds_this_way_too),
		TEST(what_comes_takes_nothing_from_what_goes),
		TEST(nothing_waits_for_a_client_that_is_away),
		TEST(indications_have_ids_of_their_own),
		TEST(relaying_allocates_nothing),
		TEST(icmp_errors_of_five_types_are_passed_on),
		TEST(only_too_big_has_an_mtu),
		TEST(icmp_is_for_whom_the_permission_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
