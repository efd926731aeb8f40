/*
 * turnd: what doc/security.md asks for and no other test shows. Nothing of memory leaks in padding,
 * lengths at the edge of 16 bits do no harm, and a quota holds as long as what it counts.
 */
#include "turnd/turnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stun_stream.h"
#include "turn_chan.h"
#include "turn_story.h"
#include "turnd_rig.h"

#define POISON 0xa5

static struct rig r;
static struct rig_client c;

static int setup(void **state)
{
	rig_init(&r);
	return 0;
}

static int teardown(void **state)
{
	rig_stop(&r);
	return 0;
}

static void start(void)
{
	rig_start(&r);
	rig_client(&c, &r, 4000);
}

/* Every byte behind a value, up to the next attribute. */
static void check_padding(struct bytes raw, const char *what)
{
	struct stun_msg msg;
	struct stun_walk walk;
	struct stun_attr attr;

	assert_int_equal(stun_msg_parse(raw, &msg), STUN_OK);
	walk = stun_msg_walk(&msg);
	while (stun_walk_next(&walk, &attr)) {
		for (size_t i = 0; i < wire_padding(attr.value.len); i++) {
			if (attr.value.data[attr.value.len + i] != 0)
				fail_msg("%s: padding of 0x%04x is not zero", what, attr.type);
		}
	}
}

static void poison(void)
{
	memset(r.buf, POISON, sizeof(r.buf));
	memset(r.datagram, POISON, sizeof(r.datagram));
}

/* The answer to what is asked of a poisoned turnd. */
static void answer_is_clean(uint16_t code, uint16_t want, const char *what)
{
	assert_int_equal(code, want);
	check_padding(r.out.data, what);
}

static uint16_t ask_poisoned(uint16_t method)
{
	rig_prepare(&c, method);
	poison();
	return rig_ask(&c);
}

static void padding_of_answers_is_zero(void **state)
{
	struct snapshot_alternate alternate = { .addr = addr_ipv4(91, 80, 7, 7, 3478),
						.domain = "five5",
						.transport = STUN_UDP };

	r.snapshot.stun.software = "natkit"; /* 6 bytes, as the realm has 11 and the domain 5 */
	start();
	(void)rig_request(&c, STUN_BINDING);
	poison();
	answer_is_clean(rig_send_request(&c), 0, "Binding");
	poison();
	answer_is_clean(rig_challenge(&c), 401, "401");
	answer_is_clean(ask_poisoned(TURN_ALLOCATE), 0, "Allocate");
	for (uint16_t method = TURN_REFRESH; method <= TURN_CHANNEL_BIND; method++) {
		if (method == TURN_REFRESH || method >= TURN_CREATE_PERMISSION)
			answer_is_clean(ask_poisoned(method), 0, "a success");
	}
	(void)rig_request(&c, TURN_REFRESH);
	(void)stun_attr_put_u32(&c.b, 0x7ff1, 1);
	poison();
	answer_is_clean(rig_ask(&c), 420, "420 with one attribute");
	answer_is_clean(ask_poisoned(TURN_ALLOCATE), 437, "437");
	rig_client(&c, &r, 4001);
	assert_int_equal(rig_challenge(&c), 401);
	r.snapshot.alternates = &alternate;
	r.snapshot.alternate_count = 1;
	answer_is_clean(ask_poisoned(TURN_ALLOCATE), 300, "300");
}

static void padding_of_data_is_zero(void **state)
{
	struct addr peer = rig_peer();
	struct bytes text = BYTES("a few bytes");
	struct relay_end *end;

	start();
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_permit(&c, &peer), 0);
	end = rig_end_of(&r, &c.relayed[0]);
	for (size_t len = 0; len <= text.len; len++) {
		poison();
		assert_int_equal(rig_from_peer(&r, end, &peer, bytes_of(text.data, len)),
				 TURND_TO_CLIENT);
		check_padding(r.out.data, "Data");
	}
}

/* On a connection, where ChannelData is padded (RFC 8656, section 12.5). */
static void padding_of_channel_data_is_zero(void **state)
{
	struct addr peer = rig_peer();
	struct relay_end *end;

	start();
	c.tuple.transport = STUN_TCP;
	c.link = &c;
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &peer), 0);
	end = rig_end_of(&r, &c.relayed[0]);
	for (size_t len = 1; len < 8; len++) {
		poison();
		assert_int_equal(rig_from_peer(&r, end, &peer, bytes_of("1234567", len)),
				 TURND_TO_CLIENT);
		assert_int_equal(r.out.data.len, 4 + len + wire_padding(len));
		for (size_t i = 4 + len; i < r.out.data.len; i++)
			assert_int_equal(r.out.data.data[i], 0);
	}
}

/* Lengths that wrap when something is added, and their neighbours. */
static const uint16_t edges[] = { 0x7fff, 0x8000, 0xfff0, 0xfff8, 0xfffb,
				  0xfffc, 0xfffd, 0xfffe, 0xffff };

static void lengths_beyond_a_datagram_relay_nothing(void **state)
{
	struct addr peer = rig_peer();
	uint8_t data[64] = { 0x40, 0x01 };

	start();
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &peer), 0);
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		data[2] = (uint8_t)(edges[i] >> 8);
		data[3] = (uint8_t)edges[i];
		for (size_t len = 0; len <= sizeof(data); len++)
			assert_int_equal(rig_give(&c, bytes_of(data, len)), TURND_NOTHING);
	}
	/* The same of a message, and of an attribute. */
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		uint8_t edge[2] = { (uint8_t)(edges[i] >> 8), (uint8_t)edges[i] };

		(void)stun_attr_put_bytes(rig_request(&c, STUN_BINDING), STUN_ATTR_USERNAME,
					  BYTES("alice"));
		memcpy(c.request + 2, edge, 2);
		assert_int_equal(rig_give(&c, bytes_of(c.request, c.b.len)), TURND_NOTHING);
		(void)stun_attr_put_bytes(rig_request(&c, STUN_BINDING), STUN_ATTR_USERNAME,
					  BYTES("alice"));
		memcpy(c.request + 22, edge, 2);
		assert_int_equal(rig_give(&c, bytes_of(c.request, c.b.len)), TURND_NOTHING);
	}
}

/*
 * A frame of that length in a stream, and the byte behind it: whatever part of it is there, its end is
 * found where it is, and not before all of it has come.
 */
static void check_edge_in_stream(uint8_t first, uint16_t len)
{
	static uint8_t stream[0x10000 + 32];
	struct bytes frame;
	size_t header = first < 0x40 ? 20 : 4, used;
	size_t all = header + len + wire_padding(len);
	bool is_whole_stun = first >= 0x40 || len % 4 == 0;

	memset(stream, 0, sizeof(stream));
	memcpy(stream, "\x00\x01\x00\x00\x21\x12\xa4\x42", 8);
	stream[0] = first;
	stream[2] = (uint8_t)(len >> 8);
	stream[3] = (uint8_t)len;
	for (size_t have = header; have <= all + 1; have++) {
		enum stun_result want = have < all ? STUN_SHORT : STUN_OK;

		if (!is_whole_stun)
			want = STUN_MALFORMED;
		if (stun_stream_next(bytes_of(stream, have), sizeof(stream), &frame, &used) != want)
			fail_msg("0x%02x, length %u: wrong with %zu bytes", first, len, have);
		if (want != STUN_OK)
			continue;
		assert_int_equal(used, all);
		assert_int_equal(frame.len, header + len);
	}
}

static void lengths_at_the_edge_survive_every_split(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		check_edge_in_stream(0x00, edges[i]);
		check_edge_in_stream(0x40, edges[i]);
	}
	start();
}

/* One unit: who has lost the connection of a mobile allocation does not get another one. */
static void a_unit_is_held_as_long_as_its_relay_socket(void **state)
{
	struct rig_client again;

	r.realms[0].limits.user_allocations = 1;
	r.snapshot.mobility = true;
	start();
	c.tuple.transport = STUN_TCP;
	c.link = &c;
	assert_int_equal(story_allocate(&c, &(struct story_allocate){ .mobile = true }), 0);
	turnd_link_ended(r.worker[0].turnd, &c.tuple, c.link, &r.now);
	assert_int_equal(r.open, 1);
	rig_client(&again, &r, 4001);
	assert_int_equal(rig_allocate(&again), 486);
	rig_pass(&r, UINT64_C(601) * 1000);
	rig_client(&again, &r, 4001);
	assert_int_equal(r.open, 0);
	assert_int_equal(rig_allocate(&again), 0);

	/* Deleted, it is free at once. */
	assert_int_equal(rig_refresh(&again, 0), 0);
	assert_int_equal(r.open, 0);
	rig_client(&again, &r, 4002);
	assert_int_equal(rig_allocate(&again), 0);
}

/* One more than fits is refused; and fits once one of the others is gone. */
static void allocations_have_limits_that_are_released(void **state)
{
	static const struct {
		const char *what;
		uint32_t *limit;
	} limits[] = {
		{ "of a user", &r.realms[0].limits.user_allocations },
		{ "of a realm", &r.realms[0].limits.realm_allocations },
		{ "of a source", &r.snapshot.source_allocations },
		{ "of all", &r.snapshot.total_allocations },
	};
	struct rig_client clients[3];

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		uint16_t code;

		if (i > 0) {
			rig_stop(&r);
			rig_init(&r);
		}
		*limits[i].limit = 2;
		start();
		for (uint16_t n = 0; n < 3; n++)
			rig_client(&clients[n], &r, (uint16_t)(4000 + n));
		assert_int_equal(rig_allocate(&clients[0]), 0);
		assert_int_equal(rig_allocate(&clients[1]), 0);
		code = rig_allocate(&clients[2]);
		if (code != 486 && code != 508)
			fail_msg("%s: %u", limits[i].what, code);
		assert_int_equal(rig_refresh(&clients[0], 0), 0);
		assert_int_equal(rig_allocate(&clients[2]), 0);
	}
}

static void peers_have_limits_that_are_released(void **state)
{
	struct addr peers[3] = { story_peer(1, 7000), story_peer(2, 7000), story_peer(3, 7000) };

	r.realms[0].limits.permissions = 2;
	r.realms[0].limits.channels = 1;
	start();
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_refresh(&c, 3600), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &peers[0]), 0);
	assert_int_equal(rig_permit(&c, &peers[1]), 0);
	assert_int_equal(rig_permit(&c, &peers[2]), 508);
	assert_int_equal(rig_bind(&c, 0x4002, &peers[1]), 508);
	rig_pass(&r, 601000);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_permit(&c, &peers[2]), 0);
	assert_int_equal(rig_bind(&c, 0x4002, &peers[1]), 0);
}

/* Whatever the client's header says: only what is relayed has a TTL of its own. */
static void answers_leave_with_the_usual_header(void **state)
{
	static const uint16_t methods[] = { STUN_BINDING, TURN_ALLOCATE, TURN_CREATE_PERMISSION,
					    TURN_CHANNEL_BIND, TURN_REFRESH };
	const struct turnd_ip usual = TURND_IP_DEFAULT;

	start();
	c.ip = (struct turnd_ip){ .ttl = 1, .tos = 0xb8 };
	assert_int_equal(rig_challenge(&c), 401);
	assert_memory_equal(&r.out.ip, &usual, sizeof(usual));
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		rig_prepare(&c, methods[i]);
		assert_int_equal(methods[i] == STUN_BINDING ? rig_send_request(&c) : rig_ask(&c),
				 0);
		assert_memory_equal(&r.out.ip, &usual, sizeof(usual));
		assert_true(addr_equal(&r.out.tuple.server, &c.tuple.server));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(padding_of_answers_is_zero),
		TEST(padding_of_data_is_zero),
		TEST(padding_of_channel_data_is_zero),
		TEST(lengths_beyond_a_datagram_relay_nothing),
		TEST(lengths_at_the_edge_survive_every_split),
		TEST(a_unit_is_held_as_long_as_its_relay_socket),
		TEST(allocations_have_limits_that_are_released),
		TEST(peers_have_limits_that_are_released),
		TEST(answers_leave_with_the_usual_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
