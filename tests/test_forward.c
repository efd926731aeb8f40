/* forward: from clients to peers (RFC 8656, section 11.2, 12.6 and 13 to 15). */
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

static struct forward_kit k;
static struct flow *flow; /* of a client over UDP and IPv4 */
static struct turnd_out out;
static uint8_t message[70000];
static uint8_t zeros[66000];

static struct addr peer4, peer6;

static int set_up(void **state)
{
	forward_kit_init(&k);
	peer4 = addr_ipv4(8, 8, 8, 8, 5000);
	assert_true(addr_parse("[2a00:1450::8]:5000", 0, &peer6));
	flow = forward_kit_add(&k, 1, STUN_UDP, ADDR_IPV4);
	memset(&out, 0xee, sizeof(out));
	out.dont_fragment = true; /* as the packet before may have left it */
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

/* ChannelData as it comes; its length field may lie. */
static enum turnd_step channel_of(const struct flow *f, uint16_t number, uint16_t says, size_t has)
{
	struct turnd_in in;

	turn_chan_put_header(message, number, says);
	in = forward_kit_in(f, bytes_of(message, TURN_CHAN_HEADER_LEN + has));
	return forward_channel(&k.t, &in, &k.now, &out);
}

static enum turnd_step channel(uint16_t number, uint16_t len)
{
	return channel_of(flow, number, len, len);
}

#define expect_drop(step, why)                                            \
	do {                                                              \
		uint64_t before_ = dropped(why), all_ = dropped_in_all(); \
                                                                          \
		assert_int_equal(step, TURND_NOTHING);                    \
		assert_int_equal(dropped(why), before_ + 1);              \
		assert_int_equal(dropped_in_all(), all_ + 1);             \
	} while (0)

static struct stun_builder send_to(const struct addr *peer)
{
	static const uint8_t random[12] = "indication 1";
	struct stun_tid tid = stun_tid_make(random);
	struct stun_builder b =
		stun_build(message, sizeof(message), TURN_SEND, STUN_INDICATION, &tid);

	if (peer != NULL)
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	return b;
}

static enum turnd_step send_it(const struct flow *f, const struct stun_builder *b)
{
	struct turnd_in in;
	struct stun_msg msg;
	struct bytes raw;

	assert_int_equal(stun_build_finish(b, &raw), STUN_OK);
	assert_int_equal(stun_msg_parse(raw, &msg), STUN_OK);
	in = forward_kit_in(f, raw);
	return forward_send(&k.t, &in, &msg, &k.now, &out);
}

static enum turnd_step send_len(const struct flow *f, const struct addr *peer, size_t len)
{
	struct stun_builder b = send_to(peer);

	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, bytes_of(zeros, len));
	return send_it(f, &b);
}

static void channel_data_goes_to_its_peer(void **state)
{
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	forward_kit_bind(&k, flow, CHANNEL + 1, &peer6);
	assert_int_equal(channel(CHANNEL, 100), TURND_TO_PEER);
	assert_ptr_equal(out.data.data, message + 4); /* a view: nothing is copied */
	assert_int_equal(out.data.len, 100);
	assert_ptr_equal(out.end, &flow->ends[0]);
	assert_true(addr_equal(&out.peer, &peer4));
	assert_false(out.dont_fragment);
	assert_int_equal(channel(CHANNEL + 1, 7), TURND_TO_PEER);
	assert_ptr_equal(out.end, &flow->ends[1]);
	assert_true(addr_equal(&out.peer, &peer6));

	assert_int_equal(counter_read(&flow->counts.to_peer_packets), 2);
	assert_int_equal(counter_read(&flow->counts.to_peer_bytes), 107);
	assert_int_equal(counter_read(&k.t.stats.to_peer_packets), 2);
	assert_int_equal(counter_read(&k.t.stats.to_peer_bytes), 107);
	assert_int_equal(dropped_in_all(), 0);
}

static void the_length_field_rules(void **state)
{
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	expect_drop(channel_of(flow, CHANNEL, 101, 100), STATS_DROP_FOREIGN);
	expect_drop(channel_of(flow, CHANNEL, 0xffff, 100), STATS_DROP_FOREIGN);
	expect_drop(channel_of(flow, CHANNEL, 1, 0), STATS_DROP_FOREIGN);
	assert_int_equal(channel_of(flow, CHANNEL, 97, 100), TURND_TO_PEER);
	assert_int_equal(out.data.len, 97);
	assert_int_equal(channel_of(flow, CHANNEL, 0, 0), TURND_TO_PEER);
	assert_int_equal(out.data.len, 0);
}

static void a_header_cut_short_is_no_channel_data(void **state)
{
	struct turnd_in in;

	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	turn_chan_put_header(message, CHANNEL, 0);
	for (size_t len = 0; len < TURN_CHAN_HEADER_LEN; len++) {
		in = forward_kit_in(flow, bytes_of(message, len));
		expect_drop(forward_channel(&k.t, &in, &k.now, &out), STATS_DROP_FOREIGN);
	}
}

static void only_bound_channels_go_through(void **state)
{
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	expect_drop(channel(CHANNEL + 1, 4), STATS_DROP_CHANNEL);
	expect_drop(channel(0x7ffe, 4), STATS_DROP_CHANNEL);
	forward_kit_bind(&k, flow, 0x7ffe, &peer6); /* RFC 5766, where that is on */
	assert_int_equal(channel(0x7ffe, 4), TURND_TO_PEER);
}

static void channel_data_keeps_neither_channel_nor_permission(void **state)
{
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	for (uint64_t s = 0; s < 600; s += 20) {
		assert_int_equal(channel(CHANNEL, 4), TURND_TO_PEER);
		k.now.us += 20 * S;
		assert_true((peers_find_permission(&flow->peers, &peer4, k.now.us / 1000) !=
			     NULL) == (s + 20 < 300));
	}
	expect_drop(channel(CHANNEL, 4), STATS_DROP_CHANNEL);
}

static void without_an_allocation_nothing_moves(void **state)
{
	struct flow stranger = { .tuple = flow->tuple };

	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	stranger.tuple.client.port++;
	expect_drop(channel_of(&stranger, CHANNEL, 4, 4), STATS_DROP_NO_ALLOC);
	expect_drop(send_len(&stranger, &peer4, 4), STATS_DROP_NO_ALLOC);
	stranger.tuple = flow->tuple;
	stranger.tuple.transport = STUN_TCP;
	expect_drop(channel_of(&stranger, CHANNEL, 4, 4), STATS_DROP_NO_ALLOC);
}

/* A connection that has the 5-tuple of one that was lost has to show a ticket first. */
static void another_connection_is_not_the_client(void **state)
{
	struct flow *tcp = forward_kit_add(&k, 2, STUN_TCP, ADDR_IPV4), other = { 0 };

	forward_kit_bind(&k, tcp, CHANNEL, &peer4);
	other.tuple = tcp->tuple;
	other.link = &other;
	expect_drop(channel_of(&other, CHANNEL, 4, 4), STATS_DROP_NO_ALLOC);
	expect_drop(send_len(&other, &peer4, 4), STATS_DROP_NO_ALLOC);
	assert_int_equal(channel_of(tcp, CHANNEL, 4, 4), TURND_TO_PEER);
}

static void send_needs_a_permission_whatever_the_port(void **state)
{
	struct addr other = addr_ipv4(8, 8, 8, 9, 5000), far = peer4;

	forward_kit_permit(&k, flow, &peer4);
	assert_int_equal(send_len(flow, &peer4, 33), TURND_TO_PEER);
	assert_int_equal(out.data.len, 33);
	assert_ptr_equal(out.end, &flow->ends[0]);
	assert_true(addr_equal(&out.peer, &peer4));
	assert_false(out.dont_fragment);
	far.port = 1;
	assert_int_equal(send_len(flow, &far, 0), TURND_TO_PEER);
	assert_int_equal(out.data.len, 0);
	assert_true(addr_equal(&out.peer, &far));

	expect_drop(send_len(flow, &other, 33), STATS_DROP_PERMISSION);
	expect_drop(send_len(flow, &peer6, 33), STATS_DROP_PERMISSION);
	assert_int_equal(counter_read(&flow->counts.dropped_policy), 2);
}

static void send_does_not_keep_a_permission(void **state)
{
	forward_kit_permit(&k, flow, &peer4);
	for (int i = 0; i < 299; i++) {
		k.now.us += S;
		assert_int_equal(send_len(flow, &peer4, 1), TURND_TO_PEER);
	}
	k.now.us += S - 1000;
	assert_int_equal(send_len(flow, &peer4, 1), TURND_TO_PEER);
	k.now.us += 1000;
	expect_drop(send_len(flow, &peer4, 1), STATS_DROP_PERMISSION);
}

static void a_channel_lets_send_through_as_well(void **state)
{
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	assert_int_equal(send_len(flow, &peer4, 5), TURND_TO_PEER);
}

static void send_without_peer_or_data_is_dropped(void **state)
{
	struct stun_builder b = send_to(NULL);

	forward_kit_permit(&k, flow, &peer4);
	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, BYTES("data"));
	expect_drop(send_it(flow, &b), STATS_DROP_MALFORMED);
	b = send_to(&peer4);
	expect_drop(send_it(flow, &b), STATS_DROP_MALFORMED);

	b = send_to(NULL);
	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, BYTES("data"));
	memcpy(stun_build_attr(&b, STUN_ATTR_XOR_PEER_ADDRESS, 8), "\0\3\1\2\3\4\5\6", 8);
	expect_drop(send_it(flow, &b), STATS_DROP_MALFORMED);

	b = send_to(&peer4);
	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, BYTES("data"));
	(void)stun_build_attr(&b, STUN_ATTR_DONT_FRAGMENT, 4);
	expect_drop(send_it(flow, &b), STATS_DROP_MALFORMED);
}

static void the_first_of_two_counts(void **state)
{
	struct addr other = addr_ipv4(8, 8, 8, 9, 5000);
	struct stun_builder b = send_to(&peer4);

	forward_kit_permit(&k, flow, &peer4);
	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, BYTES("first"));
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, &other);
	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, BYTES("second"));
	assert_int_equal(send_it(flow, &b), TURND_TO_PEER);
	assert_true(addr_equal(&out.peer, &peer4));
	assert_true(bytes_equal(out.data, BYTES("first")));
}

static void send_with_what_must_be_understood_is_dropped(void **state)
{
	static const struct {
		uint16_t type;
		bool is_dropped;
	} cases[] = {
		{ 0x7fff, true },
		{ 0x0033, true },
		{ STUN_ATTR_PRIORITY, true }, /* ICE's, and a mystery to TURN */
		{ 0x8fff, false },
		{ 0xffff, false },
		{ STUN_ATTR_LIFETIME, false }, /* known, and not expected here */
		{ STUN_ATTR_USERNAME, false },
	};

	forward_kit_permit(&k, flow, &peer4);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_builder b = send_to(&peer4);

		(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, BYTES("data"));
		(void)stun_build_attr(&b, cases[i].type, 4);
		if (cases[i].is_dropped)
			expect_drop(send_it(flow, &b), STATS_DROP_MALFORMED);
		else
			assert_int_equal(send_it(flow, &b), TURND_TO_PEER);
	}
}

static void port_0_is_nowhere(void **state)
{
	struct addr nowhere = addr_with_port(&peer4, 0);

	forward_kit_permit(&k, flow, &peer4);
	expect_drop(send_len(flow, &nowhere, 4), STATS_DROP_MALFORMED);
	forward_kit_bind(&k, flow, CHANNEL, &nowhere);
	expect_drop(channel(CHANNEL, 4), STATS_DROP_MALFORMED);
}

static void a_family_that_is_not_allocated_is_out_of_reach(void **state)
{
	forward_kit_permit(&k, flow, &peer6);
	forward_kit_bind(&k, flow, CHANNEL, &peer6);
	flow->ends[1] = (struct relay_end){ .flow = flow };
	expect_drop(send_len(flow, &peer6, 4), STATS_DROP_PERMISSION);
	expect_drop(channel(CHANNEL, 4), STATS_DROP_PERMISSION);
}

static void data_does_not_leave_a_tcp_allocation(void **state)
{
	forward_kit_permit(&k, flow, &peer4);
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	flow->ends[0].protocol = 6;
	expect_drop(send_len(flow, &peer4, 4), STATS_DROP_PERMISSION);
	expect_drop(channel(CHANNEL, 4), STATS_DROP_PERMISSION);
}

static void on_turnds_own_addresses_each_port_is_judged(void **state)
{
	struct flow *other = forward_kit_add(&k, 3, STUN_UDP, ADDR_IPV4);
	struct addr relayed = other->ends[0].relayed, closed = relayed;
	struct addr server = addr_ipv4(91, 80, 0, 1, 3478), beside = server;

	closed.port ^= 1;
	beside.port++;
	forward_kit_permit(&k, flow, &relayed);
	forward_kit_permit(&k, flow, &server);
	forward_kit_bind(&k, flow, CHANNEL, &relayed);
	assert_int_equal(send_len(flow, &relayed, 4), TURND_TO_PEER);
	assert_true(addr_equal(&out.peer, &other->ends[0].local)); /* by the short way */
	assert_int_equal(channel(CHANNEL, 4), TURND_TO_PEER);
	assert_true(addr_equal(&out.peer, &other->ends[0].local));
	expect_drop(send_len(flow, &closed, 4), STATS_DROP_POLICY);
	expect_drop(send_len(flow, &server, 4), STATS_DROP_POLICY);
	assert_int_equal(send_len(flow, &beside, 4), TURND_TO_PEER);
	assert_int_equal(counter_read(&k.t.stats.denied[POLICY_RELAY_PORT]), 1);
	assert_int_equal(counter_read(&k.t.stats.denied[POLICY_OWN]), 1);

	/* A relay socket that is closed is not there any more, bound or not. */
	ports_release(k.ports[0], relayed.port);
	expect_drop(send_len(flow, &relayed, 4), STATS_DROP_POLICY);
	expect_drop(channel(CHANNEL, 4), STATS_DROP_POLICY);
	assert_int_equal(counter_read(&flow->counts.dropped_policy), 4);
}

static void what_no_datagram_holds_is_dropped(void **state)
{
	struct flow *tcp = forward_kit_add(&k, 2, STUN_TCP, ADDR_IPV4);

	forward_kit_bind(&k, tcp, CHANNEL, &peer4);
	forward_kit_bind(&k, tcp, CHANNEL + 1, &peer6);
	assert_int_equal(channel_of(tcp, CHANNEL, 65507, 65507), TURND_TO_PEER);
	assert_int_equal(out.data.len, 65507);
	expect_drop(channel_of(tcp, CHANNEL, 65508, 65508), STATS_DROP_TOO_LONG);
	assert_int_equal(channel_of(tcp, CHANNEL + 1, 65527, 65527), TURND_TO_PEER);
	expect_drop(channel_of(tcp, CHANNEL + 1, 65528, 65528), STATS_DROP_TOO_LONG);
	assert_int_equal(send_len(tcp, &peer4, 65507), TURND_TO_PEER);
	expect_drop(send_len(tcp, &peer4, 65508), STATS_DROP_TOO_LONG);
}

/* RFC 8656, section 13 to 15. */
static void dont_fragment_is_minded_where_it_can(void **state)
{
	static const struct {
		enum stun_transport transport;
		uint8_t client, peer;
		bool df;
	} cases[] = {
		{ STUN_UDP, ADDR_IPV4, ADDR_IPV4, true },
		{ STUN_UDP, ADDR_IPV4, ADDR_IPV6, false },
		{ STUN_UDP, ADDR_IPV6, ADDR_IPV4, false },
		{ STUN_UDP, ADDR_IPV6, ADDR_IPV6, false },
		{ STUN_DTLS, ADDR_IPV4, ADDR_IPV4, true },
		{ STUN_DTLS, ADDR_IPV6, ADDR_IPV4, false },
		{ STUN_TCP, ADDR_IPV4, ADDR_IPV4, true },
		{ STUN_TCP, ADDR_IPV6, ADDR_IPV4, true },
		{ STUN_TLS, ADDR_IPV6, ADDR_IPV6, true },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow *f = forward_kit_add(&k, 10 + i, cases[i].transport, cases[i].client);
		const struct addr *peer = cases[i].peer == ADDR_IPV4 ? &peer4 : &peer6;
		struct stun_builder b = send_to(peer);

		forward_kit_permit(&k, f, peer);
		(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, BYTES("data"));
		(void)stun_attr_put_flag(&b, STUN_ATTR_DONT_FRAGMENT);
		assert_int_equal(send_it(f, &b), TURND_TO_PEER);
		if (out.dont_fragment != cases[i].df)
			fail_msg("case %u", i);
		assert_int_equal(send_len(f, peer, 3), TURND_TO_PEER);
		assert_false(out.dont_fragment);
	}
}

static void ttl_counts_down_and_tos_stays(void **state)
{
	static const struct {
		enum stun_transport transport;
		struct turnd_ip in, out;
	} cases[] = {
		{ STUN_UDP, { 64, 0xb9 }, { 63, 0xb9 } }, { STUN_UDP, { 2, 0 }, { 1, 0 } },
		{ STUN_UDP, { 255, 3 }, { 254, 3 } },     { STUN_UDP, { -1, -1 }, { -1, -1 } },
		{ STUN_DTLS, { 9, 1 }, { 8, 1 } },        { STUN_TCP, { 64, 0xb9 }, { -1, -1 } },
		{ STUN_TLS, { 1, 0xff }, { -1, -1 } },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow *f = forward_kit_add(&k, 10 + i, cases[i].transport, ADDR_IPV4);
		struct turnd_in in = forward_kit_in(f, bytes_of(message, 8));

		forward_kit_bind(&k, f, CHANNEL, i % 2 == 0 ? &peer4 : &peer6);
		turn_chan_put_header(message, CHANNEL, 4);
		in.ip = cases[i].in;
		assert_int_equal(forward_channel(&k.t, &in, &k.now, &out), TURND_TO_PEER);
		assert_int_equal(out.ip.ttl, cases[i].out.ttl);
		assert_int_equal(out.ip.tos, cases[i].out.tos);
	}
}

static void a_datagram_at_its_last_hop_goes_no_further(void **state)
{
	struct turnd_in in = forward_kit_in(flow, bytes_of(message, 8));

	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	turn_chan_put_header(message, CHANNEL, 4);
	in.ip.ttl = 1;
	expect_drop(forward_channel(&k.t, &in, &k.now, &out), STATS_DROP_TTL);
	in.ip.ttl = 0;
	expect_drop(forward_channel(&k.t, &in, &k.now, &out), STATS_DROP_TTL);
}

/* 72 bytes of data are 100 on the wire of IPv4, and 120 on that of IPv6. */
static void ten_pass_in_a_second(struct flow *one, struct flow *two)
{
	uint64_t before = dropped(STATS_DROP_BUDGET);

	for (int i = 0; i < 10; i++)
		assert_int_equal(channel_of(i % 2 == 0 ? one : two, CHANNEL, 72, 72),
				 TURND_TO_PEER);
	expect_drop(channel_of(one, CHANNEL, 0, 0), STATS_DROP_BUDGET);
	expect_drop(channel_of(two, CHANNEL, 0, 0), STATS_DROP_BUDGET);
	k.now.us += S / 10;
	assert_int_equal(channel_of(one, CHANNEL, 72, 72), TURND_TO_PEER);
	expect_drop(send_len(two, &peer4, 0), STATS_DROP_BUDGET);
	assert_int_equal(dropped(STATS_DROP_BUDGET), before + 3);
}

static void an_allocation_has_its_bandwidth(void **state)
{
	struct flow *other = forward_kit_add(&k, 2, STUN_UDP, ADDR_IPV4);

	k.realm.limits.allocation_bytes_per_s = 1000;
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	forward_kit_bind(&k, other, CHANNEL, &peer4);
	ten_pass_in_a_second(flow, flow);
	assert_int_equal(counter_read(&flow->counts.dropped_budget), 3);
	ten_pass_in_a_second(other, other);
}

static void a_user_has_its_bandwidth(void **state)
{
	struct flow *other = forward_kit_add(&k, 2, STUN_UDP, ADDR_IPV4);
	struct flow *stranger = forward_kit_add(&k, 3, STUN_UDP, ADDR_IPV4);

	k.realm.limits.user_bytes_per_s = 1000;
	other->share = flow->share;
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	forward_kit_bind(&k, other, CHANNEL, &peer4);
	forward_kit_bind(&k, stranger, CHANNEL, &peer4);
	ten_pass_in_a_second(flow, other);
	ten_pass_in_a_second(stranger, stranger);
}

static void all_have_their_bandwidth(void **state)
{
	struct flow *other = forward_kit_add(&k, 2, STUN_UDP, ADDR_IPV4);

	k.snapshot.total_bytes_per_s = 1000;
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	forward_kit_bind(&k, other, CHANNEL, &peer4);
	ten_pass_in_a_second(flow, other);
}

static void who_is_over_its_own_limit_takes_nothing_from_others(void **state)
{
	struct flow *other = forward_kit_add(&k, 2, STUN_UDP, ADDR_IPV4);

	k.snapshot.total_bytes_per_s = 2000;
	k.realm.limits.allocation_bytes_per_s = 1000;
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	forward_kit_bind(&k, other, CHANNEL, &peer4);
	for (int i = 0; i < 1000; i++)
		(void)channel_of(flow, CHANNEL, 72, 72);
	for (int i = 0; i < 10; i++)
		assert_int_equal(channel_of(other, CHANNEL, 72, 72), TURND_TO_PEER);
}

static void headers_count(void **state)
{
	k.realm.limits.allocation_bytes_per_s = 480;
	forward_kit_bind(&k, flow, CHANNEL, &peer6);
	for (int i = 0; i < 10; i++)
		assert_int_equal(channel(CHANNEL, 0), TURND_TO_PEER);
	expect_drop(channel(CHANNEL, 0), STATS_DROP_BUDGET);
}

static void relaying_allocates_nothing(void **state)
{
	size_t before;

	if (!alloc_count_works())
		skip();
	k.realm.limits.allocation_bytes_per_s = k.realm.limits.user_bytes_per_s = 10000;
	k.snapshot.total_bytes_per_s = 10000;
	forward_kit_bind(&k, flow, CHANNEL, &peer4);
	before = alloc_count();
	for (int i = 0; i < 100; i++) {
		(void)channel(CHANNEL, 100);
		(void)channel(CHANNEL + 1, 100);
		(void)send_len(flow, &peer4, 100);
		(void)send_len(flow, &peer6, 100);
	}
	assert_int_equal(alloc_count(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(channel_data_goes_to_its_peer),
		TEST(the_length_field_rules),
		TEST(a_header_cut_short_is_no_channel_data),
		TEST(only_bound_channels_go_through),
		TEST(channel_data_keeps_neither_channel_nor_permission),
		TEST(without_an_allocation_nothing_moves),
		TEST(another_connection_is_not_the_client),
		TEST(send_needs_a_permission_whatever_the_port),
		TEST(send_does_not_keep_a_permission),
		TEST(a_channel_lets_send_through_as_well),
		TEST(send_without_peer_or_data_is_dropped),
		TEST(the_first_of_two_counts),
		TEST(send_with_what_must_be_understood_is_dropped),
		TEST(port_0_is_nowhere),
		TEST(a_family_that_is_not_allocated_is_out_of_reach),
		TEST(data_does_not_leave_a_tcp_allocation),
		TEST(on_turnds_own_addresses_each_port_is_judged),
		TEST(what_no_datagram_holds_is_dropped),
		TEST(dont_fragment_is_minded_where_it_can),
		TEST(ttl_counts_down_and_tos_stays),
		TEST(a_datagram_at_its_last_hop_goes_no_further),
		TEST(an_allocation_has_its_bandwidth),
		TEST(a_user_has_its_bandwidth),
		TEST(all_have_their_bandwidth),
		TEST(who_is_over_its_own_limit_takes_nothing_from_others),
		TEST(headers_count),
		TEST(relaying_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
