/* Clients without the magic cookie (RFC 3489). */
#include "stun_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_talk.h"
#include "stun_attr.h"

static void classic_change_request_from_every_socket(void **state)
{
	struct talk t;

	for (unsigned int i = 0; i < 4 * 4; i++) {
		uint8_t socket = i & 3;
		unsigned int flags = i >> 2 & 3;

		talk_start(&t, &talk_classic);
		talk_put_change(&t, flags);
		t.q.socket = socket;
		assert_int_equal(talk_run(&t), STUN_REPLY);
		assert_int_equal(t.reply.socket, socket ^ flags);
		talk_expect_addr(&t, STUN_ATTR_MAPPED_ADDRESS, &talk_client4);
		talk_expect_addr(&t, STUN_ATTR_SOURCE_ADDRESS, &talk_site4.seen_as[socket ^ flags]);
		talk_expect_addr(&t, STUN_ATTR_CHANGED_ADDRESS, &talk_site4.seen_as[socket ^ 3]);
		talk_expect_no(&t, STUN_ATTR_XOR_MAPPED_ADDRESS);
		talk_expect_no(&t, STUN_ATTR_OTHER_ADDRESS);
		talk_expect_no(&t, STUN_ATTR_RESPONSE_ORIGIN);
	}
}

/* Silence, since vovida's client and its kin take any answer for a success. */
static void classic_change_without_other_is_met_with_silence(void **state)
{
	struct talk t;

	for (unsigned int flags = 0; flags < 4; flags++) {
		talk_start(&t, &talk_classic);
		t.q.site = &talk_half_site;
		talk_put_change(&t, flags);
		assert_int_equal(talk_run(&t), flags == 0 ? STUN_REPLY : STUN_DROP_CHANGE);
		if (flags != 0)
			continue;
		talk_expect_addr(&t, STUN_ATTR_MAPPED_ADDRESS, &talk_client4);
		talk_expect_no(&t, STUN_ATTR_CHANGED_ADDRESS);
	}
}

static void classic_source_address_on_a_plain_listener(void **state)
{
	struct addr local = { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 9 } };
	struct talk t;

	talk_start(&t, &talk_classic);
	t.q.site = NULL;
	t.q.local = &local;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	talk_expect_addr(&t, STUN_ATTR_SOURCE_ADDRESS, &local);

	talk_start(&t, &talk_classic);
	t.q.site = NULL;
	assert_int_equal(talk_run(&t), STUN_REPLY);
	talk_expect_no(&t, STUN_ATTR_SOURCE_ADDRESS);
	assert_int_equal(t.reply.msg.len, 32);
}

static void classic_clients_only_where_wanted(void **state)
{
	struct talk t;

	talk_start(&t, &talk_classic);
	t.policy.rfc3489 = false;
	assert_int_equal(talk_run(&t), STUN_DROP_CLASSIC);
}

static void response_address_is_never_honoured(void **state)
{
	static const uint16_t type = STUN_ATTR_RESPONSE_ADDRESS;
	struct addr victim = { .family = ADDR_IPV4, .port = 53, .ip = { 203, 0, 113, 5 } };
	struct talk t;

	talk_start(&t, &talk_classic);
	assert_int_equal(stun_attr_put_addr(&t.b, type, &victim), STUN_OK);
	assert_int_equal(talk_run(&t), STUN_REPLY);
	assert_true(addr_equal(&t.reply.to, &talk_client4));
	talk_expect_no(&t, STUN_ATTR_REFLECTED_FROM);

	talk_start(&t, &talk_modern);
	assert_int_equal(stun_attr_put_addr(&t.b, type, &victim), STUN_OK);
	talk_run(&t);
	talk_expect_unknown(&t, &type, 1);
}

/* RFC 3489, section 11.2.10: the list has no padding, so an odd one repeats a member. */
static void classic_unknown_list_is_even(void **state)
{
	static const uint16_t want[] = { 0x0020, 0x0020 };
	struct talk t;

	talk_start(&t, &talk_classic);
	talk_put_raw(&t, 0x0020, BYTES("abcd"));
	talk_run(&t);
	talk_expect_unknown(&t, want, ARRAY_LEN(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classic_change_request_from_every_socket),
		cmocka_unit_test(classic_change_without_other_is_met_with_silence),
		cmocka_unit_test(classic_source_address_on_a_plain_listener),
		cmocka_unit_test(classic_clients_only_where_wanted),
		cmocka_unit_test(response_address_is_never_honoured),
		cmocka_unit_test(classic_unknown_list_is_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
