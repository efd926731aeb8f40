/* Binding, and what is not answered at all (RFC 8489, section 6.3). */
#include "stun_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_talk.h"
#include "stun_attr.h"
#include "stun_auth.h"

static void bare_request_gets_xor_mapped_and_no_more(void **state)
{
	struct talk t;

	for (size_t i = 0; i < TALK_PLAIN_CASES; i++) {
		talk_start(&t, &talk_modern);
		talk_be_plain(&t, i);
		if (talk_run(&t) != STUN_REPLY)
			fail_msg("%s: no reply", talk_plain_case(i));
		talk_expect_mapped(&t, &talk_client4);
		if (t.reply.msg.len != 32)
			fail_msg("%s: %zu bytes", talk_plain_case(i), t.reply.msg.len);
		assert_true(addr_equal(&t.reply.to, &talk_client4));
		assert_int_equal(t.reply.socket, 0);
	}
}

static void bare_request_over_ipv6(void **state)
{
	struct talk t;

	talk_start(&t, &talk_modern);
	t.q.from = talk_client6;
	t.q.site = NULL;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	talk_expect_mapped(&t, &talk_client6);
	assert_int_equal(t.reply.msg.len, 44);
}

static void mapped_ipv4_is_told_as_ipv4(void **state)
{
	struct addr v4 = { .family = ADDR_IPV4, .port = 40000, .ip = { 198, 51, 100, 7 } };
	struct talk t;

	talk_start(&t, &talk_modern);
	t.q.from = (struct addr){ .family = ADDR_IPV6,
				  .port = 40000,
				  .ip = { [10] = 0xff, 0xff, 198, 51, 100, 7 } };
	assert_int_equal(talk_run(&t), STUN_REPLY);
	talk_expect_mapped(&t, &v4);
	assert_true(addr_equal(&t.reply.to, &t.q.from)); /* as the socket knows it */
}

static void unknown_attributes_are_listed_once(void **state)
{
	static const uint16_t want[] = { 0x7001, STUN_ATTR_LIFETIME, 0x7002 };
	struct talk t;

	talk_start(&t, &talk_modern);
	talk_put_raw(&t, 0x7001, BYTES("abc"));
	talk_put_raw(&t, STUN_ATTR_LIFETIME, BYTES("\0\0\0\1"));
	talk_put_raw(&t, 0x7001, BYTES(""));
	talk_put_raw(&t, 0xC001, BYTES("optional"));
	talk_put_raw(&t, 0x7002, BYTES(""));
	talk_run(&t);
	talk_expect_unknown(&t, want, ARRAY_LEN(want));
}

static void a_long_unknown_list_is_cut(void **state)
{
	struct bytes value;
	struct talk t;

	for (int dialect = 0; dialect < 2; dialect++) {
		talk_start(&t, dialect ? &talk_classic : &talk_modern);
		for (uint16_t i = 0; i < 333; i++)
			talk_put_raw(&t, (uint16_t)(0x6000 + i), (struct bytes){ 0 });
		talk_run(&t);
		talk_expect_error(&t, 420);
		assert_true(stun_msg_find(&t.msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &value));
		assert_int_equal(value.len, 64);
	}
}

static void unknown_attribute_replies_stay_small(void **state)
{
	for (uint16_t count = 1; count < 60; count++) {
		struct talk t;

		talk_start(&t, &talk_modern);
		for (uint16_t i = 0; i < count; i++)
			talk_put_raw(&t, (uint16_t)(0x6000 + i), (struct bytes){ 0 });
		talk_run(&t);
		talk_expect_error(&t, 420);
		assert_true(t.reply.msg.len * 10 <= t.q.datagram.len * 16);
	}
}

static void stun_attributes_that_we_do_not_need_are_ignored(void **state)
{
	static const uint16_t types[] = {
		STUN_ATTR_USERNAME,
		STUN_ATTR_REALM,
		STUN_ATTR_NONCE,
		STUN_ATTR_USERHASH,
		STUN_ATTR_MAPPED_ADDRESS,
		STUN_ATTR_PASSWORD_ALGORITHM,
		STUN_ATTR_SOFTWARE,
		STUN_ATTR_OTHER_ADDRESS,
		STUN_ATTR_RESPONSE_ORIGIN,
		STUN_ATTR_CACHE_TIMEOUT,
		0x8555,
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		talk_start(&t, &talk_modern);
		talk_put_raw(&t, types[i], BYTES("whatever"));
		if (talk_run(&t) != STUN_REPLY)
			fail_msg("%s was not ignored", stun_attr_name(types[i]));
	}
	talk_start(&t, &talk_modern);
	talk_put_raw(&t, STUN_ATTR_MESSAGE_INTEGRITY, BYTES("01234567890123456789"));
	talk_put_change(&t, 3); /* behind the integrity: not there */
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_equal(t.reply.socket, 0);
	talk_expect_no(&t, STUN_ATTR_MESSAGE_INTEGRITY);
}

static void fingerprint_is_mirrored(void **state)
{
	struct talk t;

	talk_start(&t, &talk_modern);
	t.q.site = NULL;
	assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_not_equal(t.msg.fingerprint, 0);
	assert_int_equal(stun_auth_check_fingerprint(&t.msg), STUN_AUTH_OK);
	assert_int_equal(t.reply.msg.len, 40);

	talk_start(&t, &talk_modern);
	talk_put_raw(&t, 0x7000, BYTES(""));
	assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
	talk_run(&t);
	talk_expect_error(&t, 420);
	assert_int_equal(stun_auth_check_fingerprint(&t.msg), STUN_AUTH_OK);

	talk_start(&t, &talk_modern);
	talk_run(&t);
	talk_expect_no(&t, STUN_ATTR_FINGERPRINT);
}

static void wrong_fingerprint_is_dropped(void **state)
{
	struct talk t;

	talk_start(&t, &talk_modern);
	assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
	t.ask[t.b.len - 1] ^= 1;
	assert_int_equal(talk_run(&t), STUN_DROP_FOREIGN);

	/* An RFC 3489 client knows none: its number is an optional attribute there. */
	talk_start(&t, &talk_classic);
	talk_put_raw(&t, STUN_ATTR_FINGERPRINT, BYTES("abcd"));
	assert_int_equal(talk_run(&t), STUN_REPLY);
	talk_expect_no(&t, STUN_ATTR_FINGERPRINT);
}

static void only_requests_for_binding_are_answered(void **state)
{
	static const struct {
		uint16_t method;
		enum stun_class class;
		enum stun_outcome want;
	} cases[] = {
		{ STUN_BINDING, STUN_INDICATION, STUN_DROP_UNASKED },
		{ STUN_BINDING, STUN_SUCCESS, STUN_DROP_UNASKED },
		{ STUN_BINDING, STUN_ERROR, STUN_DROP_UNASKED },
		{ TURN_ALLOCATE, STUN_REQUEST, STUN_DROP_METHOD },
		{ TURN_SEND, STUN_INDICATION, STUN_DROP_UNASKED },
		{ STUN_SHARED_SECRET, STUN_REQUEST, STUN_DROP_METHOD },
		{ 0x000, STUN_REQUEST, STUN_DROP_METHOD },
		{ 0xFFF, STUN_REQUEST, STUN_DROP_METHOD },
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		talk_class(&t, cases[i].method, cases[i].class, &talk_modern);
		assert_int_equal(talk_run(&t), cases[i].want);
		talk_class(&t, cases[i].method, cases[i].class, &talk_classic);
		assert_int_equal(talk_run(&t), cases[i].want);
	}
}

static void foreign_and_broken_messages_are_dropped(void **state)
{
	struct talk t;

	talk_start(&t, &talk_modern);
	t.q.from.port = 0;
	assert_int_equal(talk_run(&t), STUN_DROP_FOREIGN);

	for (size_t len = 0; len < 28; len++) {
		talk_start(&t, &talk_modern);
		talk_put_change(&t, 0);
		assert_int_equal(talk_run(&t), STUN_REPLY);
		t.q.datagram.len = len;
		assert_int_equal(stun_server_answer(&t.policy, &t.q, t.answer, t.cap, &t.reply),
				 STUN_DROP_FOREIGN);
	}
	talk_start(&t, &talk_modern);
	t.ask[0] |= 0x40; /* ChannelData */
	assert_int_equal(talk_run(&t), STUN_DROP_FOREIGN);
}

static void a_small_buffer_yields_nothing(void **state)
{
	struct talk t;

	for (size_t cap = 0; cap <= 68; cap++) {
		talk_start(&t, &talk_modern);
		t.cap = cap;
		assert_int_equal(talk_run(&t), cap < 68 ? STUN_DROP_NO_ROOM : STUN_REPLY);
		assert_int_equal(t.answer[cap], 0xEE);
	}
}

static void software_is_told_where_wanted(void **state)
{
	struct bytes value;
	struct talk t;

	talk_start(&t, &talk_modern);
	t.policy.software = "natkit";
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_true(stun_msg_find(&t.msg, STUN_ATTR_SOFTWARE, &value));
	assert_true(bytes_equal(value, BYTES("natkit")));

	talk_start(&t, &talk_modern);
	assert_int_equal(talk_run(&t), STUN_REPLY);
	talk_expect_no(&t, STUN_ATTR_SOFTWARE);
}

static void reasons_are_told_where_the_source_is_proven(void **state)
{
	static const enum stun_transport transports[] = { STUN_UDP, STUN_TCP, STUN_TLS, STUN_DTLS };
	struct bytes value;
	struct stun_error error;
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		talk_start(&t, &talk_modern);
		t.q.transport = transports[i];
		talk_put_raw(&t, 0x7000, BYTES(""));
		talk_run(&t);
		talk_expect_error(&t, 420);
		assert_true(stun_msg_find(&t.msg, STUN_ATTR_ERROR_CODE, &value));
		assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
		assert_int_equal(error.reason.len > 0, transports[i] != STUN_UDP);
	}
}

static void outcomes_have_names(void **state)
{
	for (int i = 0; i < STUN_OUTCOMES; i++)
		assert_string_not_equal(stun_outcome_name((enum stun_outcome)i), "unknown");
	assert_string_equal(stun_outcome_name(STUN_OUTCOMES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_request_gets_xor_mapped_and_no_more),
		cmocka_unit_test(bare_request_over_ipv6),
		cmocka_unit_test(mapped_ipv4_is_told_as_ipv4),
		cmocka_unit_test(unknown_attributes_are_listed_once),
		cmocka_unit_test(a_long_unknown_list_is_cut),
		cmocka_unit_test(unknown_attribute_replies_stay_small),
		cmocka_unit_test(stun_attributes_that_we_do_not_need_are_ignored),
		cmocka_unit_test(fingerprint_is_mirrored),
		cmocka_unit_test(wrong_fingerprint_is_dropped),
		cmocka_unit_test(only_requests_for_binding_are_answered),
		cmocka_unit_test(foreign_and_broken_messages_are_dropped),
		cmocka_unit_test(a_small_buffer_yields_nothing),
		cmocka_unit_test(software_is_told_where_wanted),
		cmocka_unit_test(reasons_are_told_where_the_source_is_proven),
		cmocka_unit_test(outcomes_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
