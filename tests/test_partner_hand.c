/* What a partner sends for the other one: answers to who asked, and not too many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "partner_kit.h"
#include "stun_attr.h"

static struct partner_kit kit;

static void send_for_each_other(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 2);

	assert_true(partner_kit_hand(k, 0, 0, 1, &partner_kit_client));
	partner_kit_run(k, 30);
	assert_int_equal(k->sides[1].took[PARTNER_SEND], 1);
	assert_true(addr_equal(&k->sides[1].sent.to, &partner_kit_client));
	assert_int_equal(k->sides[1].sent.port, 1);

	assert_true(partner_kit_hand(k, 1, 1, 0, &partner_kit_client6));
	partner_kit_run(k, 30);
	assert_int_equal(k->sides[0].took[PARTNER_SEND], 1);
	assert_true(addr_equal(&k->sides[0].sent.to, &partner_kit_client6));
	assert_false(partner_kit_hand(k, 0, 2, 0, &partner_kit_client)); /* no such face */
}

static void too_much_is_not_sent(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 18);
	uint32_t *took = k->sides[1].took;

	k->delay_ms = 0;
	partner_kit_run(k, 2000);
	k->sides[1].p.setup.rate = 100;
	for (int i = 0; i < 200; i++) {
		assert_true(partner_kit_hand(k, 0, 0, 0, &partner_kit_client));
		if (i % 20 == 19)
			partner_kit_run(k, 1);
	}
	assert_in_range(took[PARTNER_SEND], 100, 102);
	assert_int_equal(took[PARTNER_SEND] + took[PARTNER_LIMITED], 200);
	partner_kit_run(k, 500);
	for (int i = 0; i < 100; i++)
		assert_true(partner_kit_hand(k, 0, 0, 0, &partner_kit_client));
	partner_kit_run(k, 5);
	assert_in_range(took[PARTNER_SEND], 145, 155);
}

static void one_address_gets_its_share(void **state)
{
	static const uint8_t key[16] = "a key of a test";
	struct partner_kit *k = partner_kit_live(&kit, 22);
	uint32_t *took = k->sides[1].took;
	struct limit *limit = limit_new(10, 20, 64, key);
	struct addr other = addr_ipv4(93, 200, 7, 9, 40000);

	assert_non_null(limit);
	partner_kit_run(k, 2000);
	k->sides[1].p.setup.limit = limit;
	for (int i = 0; i < 60; i++)
		assert_true(partner_kit_hand(k, 0, 0, 0, i < 50 ? &partner_kit_client : &other));
	partner_kit_run(k, 50);
	assert_int_equal(took[PARTNER_SEND], 30);
	assert_int_equal(took[PARTNER_LIMITED], 30);
	limit_free(limit);
}

/* What the partner signs, and is still not sent. `own` is where clients see us. */
static void what_is_no_answer_is_refused(void **state)
{
	struct partner_kit *k = partner_kit_live(&kit, 19);
	struct partner_session *s = &k->sides[0].p.session;
	uint8_t msg[2048], buf[PARTNER_DATAGRAM_MAX];
	struct addr other = addr_ipv4(93, 184, 7, 10, 40000);
	struct stun_tid tid = stun_tid_make((const uint8_t *)"another one!");
	const struct {
		const char *why;
		int kind; /* 0: as it should be */
		struct addr to;
	} cases[] = {
		{ "as it should be", 0, partner_kit_client },
		{ "tells another address", 1, partner_kit_client },
		{ "a request", 2, partner_kit_client },
		{ "an error", 3, partner_kit_client },
		{ "no STUN", 4, partner_kit_client },
		{ "nothing", 5, partner_kit_client },
		{ "another method", 6, partner_kit_client },
		{ "RFC 3489", 7, partner_kit_client },
		{ "no address in it", 8, partner_kit_client },
		{ "port 0", 0, addr_ipv4(93, 184, 7, 9, 0) },
		{ "private", 0, addr_ipv4(10, 1, 2, 3, 40000) },
		{ "loopback", 0, addr_ipv4(127, 0, 0, 1, 40000) },
		{ "multicast", 0, addr_ipv4(224, 0, 0, 251, 5353) },
		{ "broadcast", 0, addr_ipv4(255, 255, 255, 255, 40000) },
		{ "the secrets of a cloud", 0, addr_ipv4(169, 254, 169, 254, 80) },
		{ "unspecified", 0, addr_ipv4(0, 0, 0, 0, 40000) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct partner_hand h = { .to = cases[i].to };
		enum partner_took want = i == 0 ? PARTNER_SEND : PARTNER_REFUSED, took;
		struct stun_builder b;

		h.msg = partner_kit_answer(msg, sizeof(msg),
					   cases[i].kind == 1 ? &other : &cases[i].to,
					   cases[i].kind == 7);
		if (cases[i].kind == 2)
			msg[0] = 0;
		if (cases[i].kind == 3)
			msg[1] = 0x11;
		if (cases[i].kind == 4)
			msg[0] |= 0x80;
		if (cases[i].kind == 5)
			h.msg.len = 0;
		if (cases[i].kind == 6)
			msg[1] |= 2;
		if (cases[i].kind == 8) {
			b = stun_build(msg, sizeof(msg), STUN_BINDING, STUN_SUCCESS, &tid);
			assert_int_equal(stun_build_finish(&b, &h.msg), STUN_OK);
		}
		took = partner_kit_say(k, 1,
				       partner_put_hand(buf, sizeof(buf), &s->keys.hand_out,
							++k->sides[0].number, &h));
		if (took != want)
			fail_msg("%s: %s", cases[i].why, partner_took_name(took));
	}
}

/* The size that still goes, and one byte more (STUN counts in fours). */
static void long_answers_are_refused(void **state)
{
	static const struct {
		size_t padding;
		enum partner_took want;
	} cases[] = { { PARTNER_MSG_MAX - 20 - 12 - 4, PARTNER_SEND },
		      { PARTNER_MSG_MAX - 20 - 12, PARTNER_REFUSED } };
	struct partner_kit *k = partner_kit_live(&kit, 20);
	uint8_t msg[2048], buf[2048];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_tid tid = stun_tid_make((const uint8_t *)"another one!");
		struct stun_builder b =
			stun_build(msg, sizeof(msg), STUN_BINDING, STUN_SUCCESS, &tid);
		struct partner_hand h = { .to = partner_kit_client };
		struct bytes d;

		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &partner_kit_client);
		memset(stun_build_attr(&b, STUN_ATTR_PADDING, cases[i].padding), 0,
		       cases[i].padding);
		assert_int_equal(stun_build_finish(&b, &h.msg), STUN_OK);
		d = partner_put_hand(buf, sizeof(buf), &k->sides[0].p.session.keys.hand_out,
				     ++k->sides[0].number, &h);
		assert_int_equal(partner_kit_say(k, 1, d), cases[i].want);
	}
}

static void in_a_lab_special_addresses_are_served(void **state)
{
	static const struct {
		const char *why;
		struct addr own, to;
		bool may;
	} cases[] = {
		{ "lab",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 192, 168, 3, 4 }, 0 },
		  true },
		{ "out of a lab",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 8, 8, 8, 8 }, 0 },
		  true },
		{ "multicast",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 239, 1, 1, 1 }, 0 },
		  false },
		{ "broadcast",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 255, 255, 255, 255 }, 0 },
		  false },
		{ "cloud",
		  { 1, 3478, { 169, 254, 0, 1 }, 0 },
		  { 1, 80, { 169, 254, 169, 254 }, 0 },
		  false },
		{ "no lab",
		  { 1, 3478, { 84, 20, 3, 1 }, 0 },
		  { 1, 5000, { 192, 168, 3, 4 }, 0 },
		  false },
		{ "other family",
		  { 1, 3478, { 84, 20, 3, 1 }, 0 },
		  { 2, 5000, { 0x2a, 1, 4, 0xf8 }, 0 },
		  false },
		{ "disguised",
		  { 2, 3478, { 0x2a, 6 }, 0 },
		  { 2, 5000, { [10] = 255, 255, 10, 0, 0, 1 }, 0 },
		  false },
		{ "with a zone",
		  { 2, 3478, { 0xfe, 0x80, [15] = 1 }, 0 },
		  { 2, 5000, { 0xfe, 0x80, [15] = 2 }, 3 },
		  false },
		{ "IPv6",
		  { 2, 3478, { 0x2a, 6 }, 0 },
		  { 2, 5000, { 0x2a, 1, 4, 0xf8, [15] = 1 }, 0 },
		  true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (partner_may_reach(&cases[i].own, &cases[i].to) != cases[i].may)
			fail_msg("%s", cases[i].why);
	}
}

static void faces_have_to_fit(void **state)
{
	const struct addr a = addr_ipv4(84, 20, 3, 1, 3478), b = addr_ipv4(91, 80, 1, 1, 3478),
			  c = addr_ipv4(10, 0, 0, 1, 3478);
	const struct partner_face own = { { a, addr_with_port(&a, 3479) } },
				  good = { { b, addr_with_port(&b, 3479) } },
				  other_port = { { b, addr_with_port(&b, 3500) } },
				  private = { { c, addr_with_port(&c, 3479) } }, none = { 0 };

	assert_int_equal(partner_fit(&own, &good), PARTNER_FIT_OK);
	assert_int_equal(partner_fit(&own, &none), PARTNER_FIT_MISSING);
	assert_int_equal(partner_fit(&none, &good), PARTNER_FIT_ABSENT);
	assert_int_equal(partner_fit(&own, &own), PARTNER_FIT_SAME);
	assert_int_equal(partner_fit(&own, &other_port), PARTNER_FIT_PORTS);
	assert_int_equal(partner_fit(&own, &private), PARTNER_FIT_SPECIAL);
	assert_int_equal(partner_fit(&private, &good), PARTNER_FIT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(send_for_each_other),
		cmocka_unit_test(too_much_is_not_sent),
		cmocka_unit_test(one_address_gets_its_share),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(long_answers_are_refused),
		cmocka_unit_test(in_a_lab_special_addresses_are_served),
		cmocka_unit_test(faces_have_to_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
