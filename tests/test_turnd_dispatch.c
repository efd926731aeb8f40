/* Which way a message of a client goes by its first bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd/request.h"
#include "turnd_kit.h"

static void binding_is_answered_to_everybody(void **state)
{
	struct addr mapped;
	struct bytes value;

	r.snapshot.realm_count = 0;
	start();
	(void)rig_request(&c, STUN_BINDING);
	assert_int_equal(rig_ask(&c), 0);
	assert_true(rig_find(&r, STUN_ATTR_XOR_MAPPED_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &r.answer.tid, &mapped), STUN_OK);
	assert_true(addr_equal(&mapped, &c.tuple.client));
	assert_int_equal(r.out.data.len, 32);
	assert_true(five_tuple_equal(&r.out.tuple, &c.tuple));
	assert_int_equal(counter_read(&stats()->requests[STATS_BINDING]), 1);
	assert_int_equal(counter_read(&stats()->successes[STATS_BINDING]), 1);

	(void)stun_build_attr(rig_request(&c, STUN_BINDING), 0x7777, 4);
	assert_int_equal(rig_ask(&c), 420);
	assert_int_equal(refused(420), 1);
}

static void binding_discovers_nats_where_that_is_set(void **state)
{
	struct stun_site site = { .has = { true, true, true, true } };
	struct stun_change change = { .address = true, .port = true };

	for (uint8_t i = 0; i < STUN_SITE_SOCKETS; i++)
		site.seen_as[i] = addr_ipv4(91, 80, 0, i / 2, (uint16_t)(3478 + i % 2));
	r.snapshot.stun.nat_discovery = true;
	start();
	c.site = &site;
	c.socket = 1;
	(void)stun_attr_put_change(rig_request(&c, STUN_BINDING), change);
	assert_int_equal(rig_ask(&c), 0);
	assert_int_equal(r.out.socket, 2);
	(void)stun_attr_put_u16(rig_request(&c, STUN_BINDING), STUN_ATTR_RESPONSE_PORT, 4444);
	assert_int_equal(rig_ask(&c), 0);
	assert_int_equal(r.out.socket, 1);
	assert_int_equal(r.out.tuple.client.port, 4444);
}

static void the_first_byte_tells_channels_from_noise(void **state)
{
	static const struct {
		uint8_t first;
		bool is_channel, is_channel_5766;
	} cases[] = {
		{ 0x3f, false, false }, { 0x40, true, true },   { 0x4f, true, true },
		{ 0x50, false, true },  { 0x7f, false, true },  { 0x80, false, false },
		{ 0x16, false, false }, { 0xff, false, false }, { 0x04, false, false },
	};
	uint8_t data[8] = { 0, 0, 0, 4 };

	start();
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		bool old = i >= ARRAY_LEN(cases);
		uint64_t foreign = dropped(STATS_DROP_FOREIGN);
		bool is_channel =
			old ? cases[i % ARRAY_LEN(cases)].is_channel_5766 : cases[i].is_channel;

		r.snapshot.rfc5766_channels = old;
		data[0] = cases[i % ARRAY_LEN(cases)].first;
		assert_int_equal(rig_give(&c, bytes_of(data, sizeof(data))), TURND_NOTHING);
		if (data[0] != 0x7f)
			assert_int_equal(dropped(STATS_DROP_FOREIGN) - foreign, !is_channel);
	}
}

static void noise_ends_a_stream_and_nothing_else(void **state)
{
	static const struct bytes noise[] = {
		BYTES(""),
		BYTES("\x00\x03\x00\x00\x21\x12\xa4\x42zwoelf bytes!"), /* a byte more than it says */
		BYTES("\x00\x03\x00\x04\x21\x12\xa4\x42zwoelf bytes"), /* four less */
		BYTES("\x01\x03\x00\x00\x21\x12\xa4\x43zwoelf bytes"), /* no magic cookie */
		BYTES("\x16\x03\x01\x00\x04"),
		BYTES("\xff\xff\xff\xff"),
	};

	start();
	for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
		over(STUN_TCP);
		assert_int_equal(rig_give(&c, noise[i]), TURND_CLOSE);
		assert_int_equal(r.out.data.len, 0);
		assert_ptr_equal(r.out.link, LINK);
		over(STUN_TLS);
		assert_int_equal(rig_give(&c, noise[i]), TURND_CLOSE);
		over(STUN_DTLS);
		assert_int_equal(rig_give(&c, noise[i]), TURND_NOTHING);
		over(STUN_UDP);
		assert_int_equal(rig_give(&c, noise[i]), TURND_NOTHING);
	}
	assert_int_equal(dropped(STATS_DROP_FOREIGN), 4 * ARRAY_LEN(noise));
}

static void a_classic_client_gets_an_answer_where_that_is_set_only(void **state)
{
	static const struct bytes old = BYTES("\x00\x01\x00\x00sechzehn bytes!!");

	start();
	assert_int_equal(rig_give(&c, old), TURND_NOTHING);
	assert_int_equal(dropped(STATS_DROP_FOREIGN), 1);
	r.snapshot.stun.rfc3489 = true;
	assert_int_equal(rig_give(&c, old), TURND_TO_CLIENT);
	assert_true(has(STUN_ATTR_MAPPED_ADDRESS));
}

static void what_nobody_asked_for_is_dropped(void **state)
{
	static const uint8_t classes[] = { STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };
	static const uint16_t known[] = {
		STUN_BINDING,           TURN_ALLOCATE, TURN_REFRESH,
		TURN_CREATE_PERMISSION, TURN_DATA,     TURN_CHANNEL_BIND
	};
	uint64_t count = 0;

	start();
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		for (size_t k = 0; k < ARRAY_LEN(known); k++) {
			(void)rig_request(&c, known[k]);
			c.b = stun_build(c.request, sizeof(c.request), known[k],
					 (enum stun_class)classes[i], &c.b.tid);
			assert_int_equal(rig_give(&c, built()), TURND_NOTHING);
			assert_int_equal(dropped(STATS_DROP_UNASKED), ++count);
		}
	}
}

static void unknown_methods_are_dropped(void **state)
{
	static const uint16_t unknown[] = { 0x002, 0x005, TURN_SEND,    TURN_DATA,
					    0x00d, 0xfff, TURN_CONNECT, TURN_CONNECTION_BIND };

	start();
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		(void)rig_request(&c, unknown[i]);
		assert_int_equal(rig_ask(&c), RIG_NOTHING);
	}
	assert_int_equal(dropped(STATS_DROP_UNASKED), ARRAY_LEN(unknown));
	assert_int_equal(counter_read(&stats()->requests[STATS_OTHER]), ARRAY_LEN(unknown));
}

static void a_wrong_fingerprint_is_dropped_and_a_right_one_mirrored(void **state)
{
	static const uint16_t asked[] = { STUN_BINDING, TURN_ALLOCATE };
	struct bytes raw;

	start();
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		(void)rig_request(&c, asked[i]);
		assert_int_equal(stun_auth_put_fingerprint(&c.b), STUN_OK);
		raw = built();
		c.request[raw.len - 1] ^= 1;
		over(STUN_TCP); /* its border is known: the stream goes on */
		assert_int_equal(rig_give(&c, raw), TURND_NOTHING);
		over(STUN_UDP);
		assert_int_equal(rig_give(&c, raw), TURND_NOTHING);
		assert_int_equal(dropped(STATS_DROP_FOREIGN), 2 * i + 2);
	}
	c.fingerprint = true;
	assert_int_equal(rig_allocate(&c), 0);
	c.fingerprint = false;
	assert_int_equal(rig_refresh(&c, 600), 0);
}

static void a_client_that_is_not_allowed_to_ask_hears_nothing(void **state)
{
	const char *why;

	assert_true(policy_rules_add(r.client_rules, POLICY_DENY, "91.80.1.0/24", &why));
	start();
	assert_int_equal(rig_challenge(&c), RIG_NOTHING);
	assert_int_equal(dropped(STATS_DROP_CLIENT), 1);
	(void)rig_request(&c, STUN_BINDING);
	assert_int_equal(rig_ask(&c), 0);
	c.tuple.client = addr_ipv4(91, 80, 2, 1, 4000);
	assert_int_equal(rig_allocate(&c), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(binding_is_answered_to_everybody),
		TEST(binding_discovers_nats_where_that_is_set),
		TEST(the_first_byte_tells_channels_from_noise),
		TEST(noise_ends_a_stream_and_nothing_else),
		TEST(a_classic_client_gets_an_answer_where_that_is_set_only),
		TEST(what_nobody_asked_for_is_dropped),
		TEST(unknown_methods_are_dropped),
		TEST(a_wrong_fingerprint_is_dropped_and_a_right_one_mirrored),
		TEST(a_client_that_is_not_allowed_to_ask_hears_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
