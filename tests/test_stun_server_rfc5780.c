/* NAT behaviour discovery (RFC 5780, section 6), at sites of one address and of two. */
#include "stun_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_talk.h"
#include "stun_attr.h"
#include "stun_auth.h"

/* RFC 5780, table 1, from every socket, in both families and both dialects. */
static void change_request_from_every_socket(void **state)
{
	struct talk t;

	for (unsigned int i = 0; i < 4 * 4 * 2; i++) {
		uint8_t socket = i & 3;
		unsigned int flags = i >> 2 & 3;
		const struct stun_site *site = i >> 4 ? &talk_site6 : &talk_site4;

		talk_start(&t, &talk_modern);
		talk_put_change(&t, flags);
		t.q.site = site;
		t.q.socket = socket;
		t.q.from = i >> 4 ? talk_client6 : talk_client4;
		assert_int_equal(talk_run(&t), STUN_REPLY);
		assert_int_equal(t.reply.socket, socket ^ flags);
		assert_true(addr_equal(&t.reply.to, &t.q.from));
		talk_expect_mapped(&t, &t.q.from);
		talk_expect_addr(&t, STUN_ATTR_MAPPED_ADDRESS, &t.q.from);
		talk_expect_addr(&t, STUN_ATTR_RESPONSE_ORIGIN, &site->seen_as[socket ^ flags]);
		talk_expect_addr(&t, STUN_ATTR_OTHER_ADDRESS, &site->seen_as[socket ^ 3]);
	}
}

static void others_are_named_without_being_asked(void **state)
{
	struct talk t;

	talk_start(&t, &talk_modern);
	t.q.socket = 3;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	talk_expect_addr(&t, STUN_ATTR_RESPONSE_ORIGIN, &talk_site4.seen_as[3]);
	talk_expect_addr(&t, STUN_ATTR_OTHER_ADDRESS, &talk_site4.seen_as[0]);
	assert_int_equal(t.reply.msg.len, 68);
}

/* The mapping tests of RFC 5780 apply to streams too; a change of source does not. */
static void streams_name_others_and_refuse_change(void **state)
{
	static const enum stun_transport transports[] = { STUN_TCP, STUN_TLS, STUN_DTLS };
	static const uint16_t change = STUN_ATTR_CHANGE_REQUEST;
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		talk_start(&t, &talk_modern);
		t.q.transport = transports[i];
		assert_int_equal(talk_run(&t), STUN_REPLY);
		talk_expect_addr(&t, STUN_ATTR_OTHER_ADDRESS, &talk_site4.seen_as[3]);

		talk_start(&t, &talk_modern);
		talk_put_change(&t, 3);
		t.q.transport = transports[i];
		talk_run(&t);
		talk_expect_unknown(&t, &change, 1);

		talk_start(&t, &talk_classic);
		t.q.transport = transports[i];
		/* Over DTLS it is owed an error (RFC 8489, section 11). */
		assert_int_equal(talk_run(&t),
				 transports[i] == STUN_DTLS ? STUN_REPLY_ERROR : STUN_DROP_FOREIGN);
	}
}

static void what_is_not_offered_is_unknown(void **state)
{
	static const uint16_t types[] = { STUN_ATTR_CHANGE_REQUEST, STUN_ATTR_RESPONSE_PORT,
					  STUN_ATTR_PADDING };
	struct talk t;

	for (size_t i = 0; i < TALK_PLAIN_CASES * ARRAY_LEN(types); i++) {
		size_t n = i / ARRAY_LEN(types);
		const uint16_t *type = &types[i % ARRAY_LEN(types)];

		talk_start(&t, &talk_modern);
		talk_be_plain(&t, n);
		talk_put_raw(&t, *type, BYTES("\0\0\0\6"));
		talk_put_raw(&t, 0x8555,
			     BYTES("twelve bytes")); /* room for an answer, see PADDING */
		if (talk_run(&t) != STUN_REPLY_ERROR)
			fail_msg("%s: %s is known", talk_plain_case(n), stun_attr_name(*type));
		talk_expect_unknown(&t, type, 1);
	}
}

static void response_port_changes_the_port_alone(void **state)
{
	struct talk t;

	for (uint8_t socket = 0; socket < 4; socket++) {
		talk_start(&t, &talk_modern);
		t.q.socket = socket;
		assert_int_equal(stun_attr_put_u16(&t.b, STUN_ATTR_RESPONSE_PORT, 41000), STUN_OK);
		assert_int_equal(talk_run(&t), STUN_REPLY);
		assert_true(addr_equal_ip(&t.reply.to, &talk_client4));
		assert_int_equal(t.reply.to.port, 41000);
		assert_int_equal(t.reply.socket, socket);
		talk_expect_mapped(&t, &talk_client4);
	}
}

static void bad_requests_get_400(void **state)
{
	static const struct {
		const char *why;
		uint16_t type;
		struct bytes value;
	} cases[] = {
		{ "CHANGE-REQUEST, empty", STUN_ATTR_CHANGE_REQUEST, { 0 } },
		{ "CHANGE-REQUEST, a byte less", STUN_ATTR_CHANGE_REQUEST, BYTES("\0\0\0") },
		{ "CHANGE-REQUEST, a byte more", STUN_ATTR_CHANGE_REQUEST, BYTES("\0\0\0\2\0") },
		{ "RESPONSE-PORT 0", STUN_ATTR_RESPONSE_PORT, BYTES("\0\0\0\0") },
		{ "RESPONSE-PORT, a byte less", STUN_ATTR_RESPONSE_PORT, BYTES("\x10\0\0") },
		{ "RESPONSE-PORT, a byte more", STUN_ATTR_RESPONSE_PORT, BYTES("\x10\0\0\0\0") },
	};
	struct talk t;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		talk_start(&t, &talk_modern);
		talk_put_raw(&t, cases[i].type, cases[i].value);
		if (talk_run(&t) != STUN_REPLY_ERROR)
			fail_msg("%s: outcome %s", cases[i].why, stun_outcome_name(t.outcome));
		talk_expect_error(&t, 400);
		assert_int_equal(t.reply.msg.len, 28);
	}
}

static void padding_with_response_port_is_400(void **state)
{
	struct talk t;

	talk_start(&t, &talk_modern);
	talk_put_padding(&t, 1200);
	assert_int_equal(stun_attr_put_u16(&t.b, STUN_ATTR_RESPONSE_PORT, 41000), STUN_OK);
	talk_run(&t);
	talk_expect_error(&t, 400);
	assert_true(t.reply.msg.len <= t.q.datagram.len);
}

/* For every length: never longer than what was asked, PADDING where there is room. */
static void padding_never_amplifies(void **state)
{
	for (unsigned int i = 0; i < 8; i++) {
		bool fingerprint = (i & 1) != 0, v6 = (i & 2) != 0, full = (i & 4) != 0;
		size_t addr_len = v6 ? 24 : 12;
		size_t least = 24 + addr_len + (fingerprint ? 8u : 0u);

		/* Not offered, it is an unknown attribute: 420, and still not longer. */
		least = full ? least + 3 * addr_len : SIZE_MAX;
		for (size_t len = 0; len <= 1500; len += len < 200 ? 1 : 97) {
			struct talk t;

			talk_start(&t, &talk_modern);
			t.q.site = !full ? NULL : v6 ? &talk_site6 : &talk_site4;
			t.q.from = v6 ? talk_client6 : talk_client4;
			talk_put_padding(&t, len);
			if (fingerprint)
				assert_int_equal(stun_auth_put_fingerprint(&t.b), STUN_OK);
			talk_run(&t);
			size_t asked = t.q.datagram.len;

			if (asked >= least) {
				assert_int_equal(t.outcome, STUN_REPLY);
				assert_true(stun_msg_has(&t.msg, STUN_ATTR_PADDING));
				assert_int_equal(t.reply.msg.len, asked);
			} else if (asked >= (full ? 28u : 36u) + (fingerprint ? 8u : 0u)) {
				talk_expect_error(&t, full ? 400 : 420);
				assert_true(t.reply.msg.len <= asked);
			} else {
				assert_int_equal(t.outcome, STUN_DROP_NO_ROOM);
			}
		}
	}
}

static void padding_is_zeroed_and_stays_in_the_buffer(void **state)
{
	struct talk t;
	struct bytes value;

	talk_start(&t, &talk_modern);
	talk_put_padding(&t, 1800);
	t.cap = 1500;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_equal(t.reply.msg.len, 1500);
	assert_int_equal(t.answer[1500], 0xEE);
	assert_true(stun_msg_find(&t.msg, STUN_ATTR_PADDING, &value));
	for (size_t i = 0; i < value.len; i++)
		assert_int_equal(value.data[i], 0);
}

static void padding_with_unknown_attribute_does_not_amplify(void **state)
{
	static const uint16_t unknown = 0x7000;
	struct talk t;

	talk_start(&t, &talk_modern);
	talk_put_raw(&t, unknown, (struct bytes){ 0 });
	talk_put_padding(&t, 0);
	assert_int_equal(talk_run(&t), STUN_DROP_NO_ROOM);

	talk_start(&t, &talk_modern);
	talk_put_raw(&t, unknown, (struct bytes){ 0 });
	talk_put_padding(&t, 8);
	talk_run(&t);
	talk_expect_unknown(&t, &unknown, 1);
	assert_int_equal(t.reply.msg.len, t.q.datagram.len);
}

static void first_of_duplicates_counts(void **state)
{
	struct talk t;

	talk_start(&t, &talk_modern);
	talk_put_change(&t, 1);
	talk_put_raw(&t, STUN_ATTR_CHANGE_REQUEST, BYTES("bad"));
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_equal(t.reply.socket, 1);

	talk_start(&t, &talk_modern);
	talk_put_raw(&t, STUN_ATTR_RESPONSE_PORT, BYTES("\xa0\x28\0\0"));
	talk_put_raw(&t, STUN_ATTR_RESPONSE_PORT, BYTES("\0\x35\0\0"));
	talk_put_raw(&t, STUN_ATTR_RESPONSE_PORT, BYTES("bad"));
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_int_equal(t.reply.to.port, 41000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_request_from_every_socket),
		cmocka_unit_test(others_are_named_without_being_asked),
		cmocka_unit_test(streams_name_others_and_refuse_change),
		cmocka_unit_test(what_is_not_offered_is_unknown),
		cmocka_unit_test(response_port_changes_the_port_alone),
		cmocka_unit_test(bad_requests_get_400),
		cmocka_unit_test(padding_with_response_port_is_400),
		cmocka_unit_test(padding_never_amplifies),
		cmocka_unit_test(padding_is_zeroed_and_stays_in_the_buffer),
		cmocka_unit_test(padding_with_unknown_attribute_does_not_amplify),
		cmocka_unit_test(first_of_duplicates_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
