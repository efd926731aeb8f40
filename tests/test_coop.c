/* coop: tokens, orders and reports on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coop.h"

static const struct stun_tid tid = { .bytes = { 0x21, 0x12, 0xa4, 0x42, 1, 2, 3 } };
static const struct coop_token token = { .bytes = { 7, [15] = 9 } };

static const struct coop_order order = {
	.kind = COOP_ANSWER,
	.flags = COOP_CHANGE_IP | COOP_QUIET,
	.count = 3,
	.delay_ms = 123456,
	.gap_ms = 250,
	.size = 1200,
	.port = 40001,
	.wait_ms = 2000,
	.id = 0xbeef,
};

static bool order_equal(const struct coop_order *a, const struct coop_order *b)
{
	return a->kind == b->kind && a->flags == b->flags && a->count == b->count &&
	       a->delay_ms == b->delay_ms && a->gap_ms == b->gap_ms && a->size == b->size &&
	       a->port == b->port && a->wait_ms == b->wait_ms && a->id == b->id;
}

static void an_order_comes_back_as_it_was(void **state)
{
	uint8_t buf[200];
	struct bytes raw = coop_request(&tid, &token, &order, 0, buf, sizeof(buf)), v;
	struct stun_msg m;
	struct coop_order got = { 0 };
	struct coop_token t;

	assert_int_equal(raw.len, 20 + 4 + COOP_TOKEN_LEN + 4 + COOP_ORDER_LEN);
	assert_int_equal(stun_msg_parse(raw, &m), STUN_OK);
	assert_true(m.method == STUN_BINDING && m.class == STUN_REQUEST);
	assert_true(stun_msg_find(&m, COOP_ATTR_ORDER, &v));
	assert_int_equal(v.len, COOP_ORDER_LEN);
	assert_int_equal(coop_get_order(v, &got), STUN_OK);
	assert_true(order_equal(&got, &order));
	assert_true(stun_msg_find(&m, COOP_ATTR_TOKEN, &v));
	assert_int_equal(coop_get_token(v, &t), STUN_OK);
	assert_memory_equal(t.bytes, token.bytes, COOP_TOKEN_LEN);
}

/* The layout of doc/cooperation.md, byte by byte: others may have to read it. */
static void the_layout_is_the_documented_one(void **state)
{
	static const uint8_t wanted_order[COOP_ORDER_LEN] = { 1,    3,    0,    6,    0,    1,
							      0xe2, 0x40, 0,    250,  0x04, 0xb0,
							      0x9c, 0x41, 0x07, 0xd0, 0xbe, 0xef };
	static const uint8_t wanted_report[COOP_REPORT_LEN] = { 5, 2, 0xbe, 0xef, 1,    3,   13, 0,
								0, 0, 1,    2,    0,    0,   0,  0,
								0, 0, 3,    4,    0x05, 0xdc };
	static const struct coop_report report = {
		.outcome = COOP_UNREACHABLE,
		.kind = COOP_CONNECT,
		.id = 0xbeef,
		.index = 1,
		.icmp_type = 3,
		.icmp_code = 13,
		.elapsed_ms = 0x102,
		.clock_us = 0x304,
		.received = 1500,
	};
	uint8_t buf[200];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &tid);

	assert_int_equal(coop_put_order(&b, &order), STUN_OK);
	assert_int_equal(coop_put_report(&b, &report), STUN_OK);
	assert_int_equal(buf[20] << 8 | buf[21], COOP_ATTR_ORDER);
	assert_memory_equal(buf + 24, wanted_order, sizeof(wanted_order));
	assert_int_equal(buf[48] << 8 | buf[49], COOP_ATTR_REPORT);
	assert_memory_equal(buf + 52, wanted_report, sizeof(wanted_report));
}

static void an_answer_is_read(void **state)
{
	struct coop_report report = { .outcome = COOP_DONE, .clock_us = UINT64_MAX, .index = 7 };
	struct addr mapped = addr_ipv4(192, 0, 2, 7, 4000), other = addr_ipv4(192, 0, 2, 9, 3479);
	uint8_t buf[200];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &tid);
	struct coop_answer a;
	struct stun_msg m;

	(void)coop_put_token(&b, &token);
	(void)coop_put_report(&b, &report);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, &other);
	assert_int_equal(stun_msg_parse(bytes_of(buf, b.len), &m), STUN_OK);
	assert_true(coop_read_answer(&m, &a));
	assert_true(a.has_token && a.has_report);
	assert_memory_equal(a.token.bytes, token.bytes, COOP_TOKEN_LEN);
	assert_true(a.report.outcome == COOP_DONE && a.report.clock_us == UINT64_MAX);
	assert_int_equal(a.report.index, 7);
	assert_true(addr_equal(&a.mapped, &mapped) && addr_equal(&a.other, &other));
	assert_int_equal(a.plain.family, ADDR_NONE);
	assert_int_equal(a.size, b.len);
}

static void what_is_no_success_is_no_answer(void **state)
{
	uint8_t buf[200];
	struct coop_answer a;
	struct stun_msg m;

	for (int class = STUN_REQUEST; class <= STUN_ERROR; class ++) {
		struct stun_builder b =
			stun_build(buf, sizeof(buf), STUN_BINDING, (enum stun_class) class, &tid);

		assert_int_equal(stun_msg_parse(bytes_of(buf, b.len), &m), STUN_OK);
		assert_int_equal(coop_read_answer(&m, &a), class == STUN_SUCCESS);
		assert_false(a.has_token || a.has_report);
	}
}

static void values_that_are_short_are_malformed(void **state)
{
	uint8_t zeros[40] = { 0 };
	struct coop_order o = { .kind = 99 };
	struct coop_report r = { .outcome = 99 };
	struct coop_token t = { .bytes = { 99 } };

	assert_int_equal(coop_get_token(bytes_of(zeros, 15), &t), STUN_MALFORMED);
	assert_int_equal(coop_get_order(bytes_of(zeros, 23), &o), STUN_MALFORMED);
	assert_int_equal(coop_get_report(bytes_of(zeros, 23), &r), STUN_MALFORMED);
	assert_true(o.kind == 99 && r.outcome == 99 && t.bytes[0] == 99);
	assert_int_equal(coop_get_token(bytes_of(zeros, 40), &t), STUN_OK);
	assert_int_equal(coop_get_order(bytes_of(zeros, 40), &o), STUN_OK);
	assert_int_equal(coop_get_report(bytes_of(zeros, 40), &r), STUN_OK);
}

static void orders_have_bounds(void **state)
{
	static const struct {
		const char *why;
		bool is_sound;
		struct coop_order o;
	} cases[] = {
		{ "nothing", false, { 0 } },
		{ "one answer", true, { .kind = COOP_ANSWER, .count = 1 } },
		{ "no answer", false, { .kind = COOP_ANSWER } },
		{ "the most answers", true, { .kind = COOP_ANSWER, .count = COOP_COUNT_MAX } },
		{ "one more", false, { .kind = COOP_ANSWER, .count = COOP_COUNT_MAX + 1 } },
		{ "the longest answer",
		  true,
		  { .kind = COOP_ANSWER, .count = 1, .size = COOP_SIZE_MAX } },
		{ "a longer one",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .size = COOP_SIZE_MAX + 1 } },
		{ "an hour",
		  true,
		  { .kind = COOP_ANSWER, .count = 1, .delay_ms = COOP_DELAY_MAX_MS } },
		{ "more than that",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .delay_ms = COOP_DELAY_MAX_MS + 1 } },
		{ "a long gap",
		  false,
		  { .kind = COOP_ANSWER, .count = 2, .gap_ms = COOP_GAP_MAX_MS + 1 } },
		{ "a flag that nobody knows",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .flags = COOP_FLAGS + 1 } },
		{ "reversed, but whole",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .flags = COOP_REVERSED } },
		{ "fragments that must not be",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .flags = COOP_FRAGMENTS | COOP_DF } },
		{ "the other port, and any",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .flags = COOP_CHANGE_PORT | COOP_ANY_PORT } },
		{ "a connection",
		  true,
		  { .kind = COOP_CONNECT, .port = 4900, .wait_ms = COOP_WAIT_MAX_MS } },
		{ "a long wait", false, { .kind = COOP_CONNECT, .wait_ms = COOP_WAIT_MAX_MS + 1 } },
		{ "a watched answer",
		  true,
		  { .kind = COOP_ANSWER, .count = 1, .flags = COOP_ANY_PORT, .wait_ms = 30000 } },
		{ "for too long",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .flags = COOP_ANY_PORT, .wait_ms = 30001 } },
		{ "two of them",
		  false,
		  { .kind = COOP_ANSWER, .count = 2, .flags = COOP_ANY_PORT, .wait_ms = 9 } },
		{ "from a port that others share",
		  false,
		  { .kind = COOP_ANSWER, .count = 1, .wait_ms = 9 } },
		{ "in fragments",
		  false,
		  { .kind = COOP_ANSWER,
		    .count = 1,
		    .flags = COOP_ANY_PORT | COOP_FRAGMENTS,
		    .wait_ms = 9 } },
		{ "an ICMP error", true, { .kind = COOP_ICMP } },
		{ "an ICMP error from elsewhere",
		  false,
		  { .kind = COOP_ICMP, .flags = COOP_CHANGE_IP } },
		{ "an ICMP error to another port", false, { .kind = COOP_ICMP, .port = 9 } },
		{ "a kind that nobody knows", false, { .kind = 4, .count = 1 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (coop_order_is_sound(&cases[i].o) != cases[i].is_sound)
			fail_msg("%s: judged wrongly", cases[i].why);
	}
}

static void requests_are_as_long_as_wanted(void **state)
{
	static const struct {
		size_t size, len;
	} cases[] = {
		{ 0, 68 }, { 68, 68 }, { 71, 68 }, { 72, 72 }, { 75, 72 }, { 1000, 1000 },
	};
	uint8_t buf[1000];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			coop_request(&tid, &token, &order, cases[i].size, buf, sizeof(buf)).len,
			cases[i].len);
	assert_int_equal(coop_request(&tid, &token, &order, 1004, buf, sizeof(buf)).len, 0);
	assert_int_equal(coop_request(&tid, &token, &order, 0, buf, 67).len, 0);
	/* What asks for a token is long enough for it and all addresses of IPv6. */
	assert_int_equal(coop_request(&tid, NULL, NULL, 0, buf, sizeof(buf)).len,
			 20 + 4 + COOP_TOKEN_LEN + 4 * 24);
}

static void every_outcome_has_a_word(void **state)
{
	static const uint8_t outcomes[] = {
		COOP_ACCEPTED,    COOP_DONE,      COOP_CONNECTED, COOP_RESET,
		COOP_UNREACHABLE, COOP_TIMED_OUT, COOP_SENT,      COOP_BAD_TOKEN,
		COOP_BUSY,        COOP_UNABLE,    COOP_MALFORMED,
	};

	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		assert_string_not_equal(coop_outcome_name(outcomes[i]), "unknown");
	assert_string_equal(coop_outcome_name(0), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_comes_back_as_it_was),
		cmocka_unit_test(the_layout_is_the_documented_one),
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(what_is_no_success_is_no_answer),
		cmocka_unit_test(values_that_are_short_are_malformed),
		cmocka_unit_test(orders_have_bounds),
		cmocka_unit_test(requests_are_as_long_as_wanted),
		cmocka_unit_test(every_outcome_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
