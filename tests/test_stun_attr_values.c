/* stun_attr: what values of each kind may be. */
#include "stun_attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attr_sample.h"

static void text_is_utf8(void **state)
{
	static const struct {
		const char *why;
		struct bytes text;
		bool is_right;
	} cases[] = {
		{ "ASCII", BYTES("plain ~"), true },
		{ "two bytes, first", BYTES("\xc2\x80"), true },
		{ "two bytes, last", BYTES("\xdf\xbf"), true },
		{ "three bytes, first", BYTES("\xe0\xa0\x80"), true },
		{ "three bytes, last", BYTES("\xef\xbf\xbf"), true },
		{ "below the surrogates", BYTES("\xed\x9f\xbf"), true },
		{ "above the surrogates", BYTES("\xee\x80\x80"), true },
		{ "four bytes, first", BYTES("\xf0\x90\x80\x80"), true },
		{ "four bytes, last", BYTES("\xf4\x8f\xbf\xbf"), true },
		{ "Matrix, of RFC 5769", BYTES("\xe3\x83\x9e\xe3\x83\x88"), true },
		{ "NUL", BYTES("a\0b"), false },
		{ "a continuation alone", BYTES("\x80"), false },
		{ "overlong NUL", BYTES("\xc0\x80"), false },
		{ "overlong, two bytes", BYTES("\xc1\xbf"), false },
		{ "overlong, three bytes", BYTES("\xe0\x9f\xbf"), false },
		{ "overlong, four bytes", BYTES("\xf0\x8f\xbf\xbf"), false },
		{ "a surrogate", BYTES("\xed\xa0\x80"), false },
		{ "above U+10FFFF", BYTES("\xf4\x90\x80\x80"), false },
		{ "five bytes", BYTES("\xf8\x88\x80\x80\x80"), false },
		{ "0xff", BYTES("\xff"), false },
		{ "cut after one of two", BYTES("a\xc2"), false },
		{ "cut after two of three", BYTES("a\xe3\x83"), false },
		{ "cut after three of four", BYTES("a\xf0\x90\x80"), false },
		{ "second byte is ASCII", BYTES("\xc2\x61"), false },
		{ "third byte is ASCII", BYTES("\xe3\x83\x61"), false },
		{ "fourth byte is a head", BYTES("\xf0\x90\x80\xc2"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes out = BYTES("old");
		enum stun_result rc = stun_attr_get_bytes(STUN_ATTR_USERNAME, cases[i].text, &out);

		if (rc != (cases[i].is_right ? STUN_OK : STUN_MALFORMED))
			fail_msg("%s: %d", cases[i].why, rc);
		if (!bytes_equal(out, cases[i].is_right ? cases[i].text : BYTES("old")))
			fail_msg("%s: other text", cases[i].why);
	}
}

static void bad_text_is_not_written(void **state)
{
	uint8_t buf[64];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	struct bytes out;

	assert_int_equal(stun_attr_put_bytes(&b, STUN_ATTR_REALM, BYTES("\xff")), STUN_MALFORMED);
	assert_int_equal(b.len, STUN_HEADER_LEN);
	assert_int_equal(stun_build_finish(&b, &out), STUN_NO_SPACE);
}

static void a_terminator_behind_software_is_dropped(void **state)
{
	struct bytes out;

	assert_int_equal(stun_attr_get_bytes(STUN_ATTR_SOFTWARE, BYTES("Vovida.org 0.97\0"), &out),
			 STUN_OK);
	assert_true(bytes_equal(out, BYTES("Vovida.org 0.97")));
	assert_int_equal(stun_attr_get_bytes(STUN_ATTR_SOFTWARE, BYTES("\0\0"), &out), STUN_OK);
	assert_int_equal(out.len, 0);
	assert_int_equal(stun_attr_get_bytes(STUN_ATTR_USERNAME, BYTES("name\0"), &out),
			 STUN_MALFORMED);
}

static void an_unknown_type_is_just_bytes(void **state)
{
	uint8_t buf[64];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	struct bytes out;

	assert_int_equal(stun_attr_get_bytes(0x7fff, BYTES("a\0\xff"), &out), STUN_OK);
	assert_true(bytes_equal(out, BYTES("a\0\xff")));
	assert_int_equal(stun_attr_put_bytes(&b, 0x7fff, out), STUN_OK);
	assert_memory_equal(buf + STUN_HEADER_LEN, "\x7f\xff\0\3a\0\xff\0", 8);
}

static void reserved_bits_are_ignored(void **state)
{
	struct addr a;
	struct stun_error e;
	struct stun_change c;
	struct stun_icmp icmp;
	uint16_t v16;
	uint8_t v8;
	bool reserve;

	assert_int_equal(stun_attr_get_addr(BYTES("\xff\x01\0\1\1\2\3\4"), &a), STUN_OK);
	assert_int_equal(stun_attr_get_u8(BYTES("\x11\xff\xff\xff"), &v8), STUN_OK);
	assert_int_equal(v8, 17);
	assert_int_equal(stun_attr_get_u16(BYTES("\x40\1\xff\xff"), &v16), STUN_OK);
	assert_int_equal(v16, 0x4001);
	assert_int_equal(stun_attr_get_error(BYTES("\xff\xff\xfc\x25"), &e), STUN_OK);
	assert_int_equal(e.code, 437);
	assert_int_equal(stun_attr_get_change(BYTES("\xff\xff\xff\xfb"), &c), STUN_OK);
	assert_true(!c.address && c.port);
	assert_int_equal(stun_attr_get_even_port(BYTES("\x7f"), &reserve), STUN_OK);
	assert_false(reserve);
	assert_int_equal(stun_attr_get_icmp(BYTES("\xff\xff\3\4\0\0\5\x78"), &icmp), STUN_OK);
	assert_true(icmp.type == 3 && icmp.code == 4 && icmp.data == 1400);
}

static void addresses_have_their_values(void **state)
{
	struct addr v4 = addr_ipv4(192, 0, 2, 1, 32853);
	struct addr v6;
	struct addr got;

	assert_true(addr_parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853", 0, &v6));
	assert_int_equal(stun_attr_get_addr(BYTES(V4), &got), STUN_OK);
	assert_true(addr_equal(&got, &v4));
	assert_int_equal(stun_attr_get_addr(BYTES(V6), &got), STUN_OK);
	assert_true(addr_equal(&got, &v6));
	assert_int_equal(stun_attr_get_xor_addr(BYTES(V4_XOR), &tid, &got), STUN_OK);
	assert_true(addr_equal(&got, &v4));
	assert_int_equal(stun_attr_get_xor_addr(BYTES(V6_XOR), &tid, &got), STUN_OK);
	assert_true(addr_equal(&got, &v6));
}

static void an_address_without_family_is_not_written(void **state)
{
	static const struct addr none = { .family = ADDR_NONE };
	uint8_t buf[64];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);

	assert_int_equal(stun_attr_put_addr(&b, STUN_ATTR_MAPPED_ADDRESS, &none), STUN_MALFORMED);
	assert_int_equal(b.len, STUN_HEADER_LEN);
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	assert_int_equal(stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &none),
			 STUN_MALFORMED);
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	assert_int_equal(stun_attr_put_addr_error(&b, 3, 440, BYTES("")), STUN_MALFORMED);
}

static void error_codes_have_their_range(void **state)
{
	static const struct {
		struct bytes value;
		uint16_t code; /* 0: malformed */
	} cases[] = {
		{ BYTES("\0\0\3\0"), 300 },   { BYTES("\0\0\6\x63"), 699 },
		{ BYTES("\0\0\4\x14"), 420 }, { BYTES("\0\0\2\x63"), 0 },
		{ BYTES("\0\0\7\0"), 0 },     { BYTES("\0\0\4\x64"), 0 },
		{ BYTES("\0\0\4\xff"), 0 },   { BYTES("\0\0\0\0"), 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_error e = { .code = 0 };
		enum stun_result rc = stun_attr_get_error(cases[i].value, &e);

		assert_int_equal(rc, cases[i].code != 0 ? STUN_OK : STUN_MALFORMED);
		assert_int_equal(e.code, cases[i].code);
	}
}

static void only_error_codes_are_written(void **state)
{
	static const uint16_t wrong[] = { 0, 299, 700, 65535 };
	uint8_t buf[64];

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct stun_builder b =
			stun_build(buf, sizeof(buf), STUN_BINDING, STUN_ERROR, &tid);

		assert_int_equal(stun_attr_put_error(&b, wrong[i], BYTES("")), STUN_MALFORMED);
		assert_true(b.failed);
	}
}

static void a_bad_reason_does_not_cost_the_code(void **state)
{
	struct stun_error e;

	assert_int_equal(stun_attr_get_error(BYTES("\0\0\4\1\xff\xfe"), &e), STUN_OK);
	assert_int_equal(e.code, 401);
	assert_int_equal(e.reason.len, 0);
	assert_int_equal(stun_attr_get_error(BYTES("\0\0\4\1No\0\0"), &e), STUN_OK);
	assert_true(bytes_equal(e.reason, BYTES("No")));
}

static void lists_of_types_are_cut_at_cap(void **state)
{
	uint16_t types[3] = { 9, 9, 9 };
	size_t count;
	uint8_t buf[64];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_ERROR, &tid);

	assert_int_equal(stun_attr_get_types(BYTES("\0\1\0\2\0\3"), types, 2, &count), STUN_OK);
	assert_int_equal(count, 2);
	assert_true(types[0] == 1 && types[1] == 2 && types[2] == 9);
	assert_int_equal(stun_attr_get_types(BYTES(""), types, 2, &count), STUN_MALFORMED);
	assert_int_equal(count, 2); /* untouched */
	assert_int_equal(stun_attr_put_types(&b, types, 0), STUN_MALFORMED);
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_ERROR, &tid);
	assert_int_equal(stun_attr_put_types(&b, types, STUN_VALUE_MAX / 2 + 1), STUN_MALFORMED);
}

static void change_flags_are_two_bits(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct stun_change v = { .address = (i & 1) != 0, .port = (i & 2) != 0 };
		uint8_t buf[28];
		struct stun_builder b =
			stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
		struct stun_change got;

		assert_int_equal(stun_attr_put_change(&b, v), STUN_OK);
		assert_int_equal(buf[27], (v.address ? 4 : 0) + (v.port ? 2 : 0));
		assert_int_equal(stun_attr_get_change(bytes_of(buf + 24, 4), &got), STUN_OK);
		assert_true(got.address == v.address && got.port == v.port);
	}
}

static void algorithms_may_lack_the_last_padding(void **state)
{
	struct stun_algorithm list[2];
	struct stun_algorithm one;
	size_t count;

	assert_int_equal(stun_attr_get_algorithm(BYTES("\0\2\0\3abc"), &one), STUN_OK);
	assert_true(one.number == STUN_PASSWORD_SHA256 && bytes_equal(one.params, BYTES("abc")));
	assert_int_equal(stun_attr_get_algorithm(BYTES("\0\2\0\3abc\xff"), &one), STUN_OK);
	assert_int_equal(
		stun_attr_get_algorithms(BYTES("\0\1\0\1a\0\0\0\0\2\0\3abc"), list, 2, &count),
		STUN_OK);
	assert_int_equal(count, 2);
	assert_int_equal(list[1].number, STUN_PASSWORD_SHA256);
	assert_true(bytes_equal(list[1].params, BYTES("abc")));
}

static void algorithms_must_stay_inside(void **state)
{
	static const struct {
		const char *why;
		struct bytes value;
	} cases[] = {
		{ "empty", BYTES("") },
		{ "parameters cut", BYTES("\0\2\0\3ab") },
		{ "longest parameters", BYTES("\0\2\xff\xff"
					      "abcd") },
		{ "second cut", BYTES("\0\2\0\0\0\1\0") },
		{ "second's parameters cut", BYTES("\0\2\0\0\0\1\0\5abcd") },
	};
	struct stun_algorithm one;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_algorithm list[4];
		size_t count = 77;

		if (stun_attr_get_algorithms(cases[i].value, list, 4, &count) != STUN_MALFORMED)
			fail_msg("%s: accepted", cases[i].why);
		assert_int_equal(count, 77);
	}
	assert_int_equal(stun_attr_get_algorithm(BYTES("\0\2\0\0\0\1\0\0"), &one), STUN_MALFORMED);
}

static void algorithms_are_cut_at_cap_but_all_are_checked(void **state)
{
	struct stun_algorithm one;
	size_t count;

	assert_int_equal(stun_attr_get_algorithms(BYTES("\0\2\0\0\0\1\0\0"), &one, 1, &count),
			 STUN_OK);
	assert_int_equal(count, 1);
	assert_int_equal(stun_attr_get_algorithms(BYTES("\0\2\0\0\0\1\0\1"), &one, 1, &count),
			 STUN_MALFORMED);
}

static void a_token_is_a_nonce_and_a_block(void **state)
{
	static const struct {
		struct bytes value, nonce, block;
	} cases[] = {
		{ BYTES("\0\4noncblock"), BYTES("nonc"), BYTES("block") },
		{ BYTES("\0\4nonc"), BYTES("nonc"), BYTES("") },
		{ BYTES("\0\0block"), BYTES(""), BYTES("block") },
		{ BYTES("\0\0"), BYTES(""), BYTES("") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t buf[64];
		struct stun_builder b =
			stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
		struct stun_token got;

		assert_int_equal(stun_attr_get_token(cases[i].value, &got), STUN_OK);
		assert_true(bytes_equal(got.nonce, cases[i].nonce));
		assert_true(bytes_equal(got.block, cases[i].block));
		assert_int_equal(stun_attr_put_token(&b, &got), STUN_OK);
		assert_memory_equal(buf + STUN_HEADER_LEN + 4, cases[i].value.data,
				    cases[i].value.len);
	}
}

static void a_nonce_must_stay_inside_its_token(void **state)
{
	static const struct bytes cases[] = { BYTES(""), BYTES("\0"), BYTES("\0\5nonc"),
					      BYTES("\xff\xff"
						    "x") };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_token got = { .block = BYTES("old") };

		assert_int_equal(stun_attr_get_token(cases[i], &got), STUN_MALFORMED);
		assert_int_equal(got.block.len, 3);
	}
}

static void an_absurd_token_is_not_written(void **state)
{
	static uint8_t buf[STUN_MESSAGE_MAX];
	const struct {
		size_t nonce, block;
		enum stun_result want;
	} cases[] = {
		{ STUN_VALUE_MAX - 2, 0, STUN_OK },
		{ 12, STUN_VALUE_MAX - 14, STUN_OK },
		{ STUN_VALUE_MAX - 1, 0, STUN_MALFORMED },
		{ 12, STUN_VALUE_MAX - 13, STUN_MALFORMED },
		{ SIZE_MAX, 0, STUN_MALFORMED },
		{ 12, SIZE_MAX - 12, STUN_MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const uint8_t zeros[STUN_VALUE_MAX];
		struct stun_token v = { bytes_of(zeros, cases[i].nonce),
					bytes_of(zeros, cases[i].block) };
		struct stun_builder b =
			stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);

		assert_int_equal(stun_attr_put_token(&b, &v), cases[i].want);
		assert_int_equal(b.failed, cases[i].want != STUN_OK);
	}
}

static void absurd_algorithms_are_not_written(void **state)
{
	uint8_t buf[64];
	struct stun_algorithm v = { .number = 1, .params = bytes_of(buf, SIZE_MAX) };
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_ERROR, &tid);

	assert_int_equal(stun_attr_put_algorithm(&b, &v), STUN_MALFORMED);
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_ERROR, &tid);
	assert_int_equal(stun_attr_put_algorithms(&b, &v, 0), STUN_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_utf8),
		cmocka_unit_test(bad_text_is_not_written),
		cmocka_unit_test(a_terminator_behind_software_is_dropped),
		cmocka_unit_test(an_unknown_type_is_just_bytes),
		cmocka_unit_test(reserved_bits_are_ignored),
		cmocka_unit_test(addresses_have_their_values),
		cmocka_unit_test(an_address_without_family_is_not_written),
		cmocka_unit_test(error_codes_have_their_range),
		cmocka_unit_test(only_error_codes_are_written),
		cmocka_unit_test(a_bad_reason_does_not_cost_the_code),
		cmocka_unit_test(lists_of_types_are_cut_at_cap),
		cmocka_unit_test(change_flags_are_two_bits),
		cmocka_unit_test(algorithms_may_lack_the_last_padding),
		cmocka_unit_test(algorithms_must_stay_inside),
		cmocka_unit_test(algorithms_are_cut_at_cap_but_all_are_checked),
		cmocka_unit_test(absurd_algorithms_are_not_written),
		cmocka_unit_test(a_token_is_a_nonce_and_a_block),
		cmocka_unit_test(a_nonce_must_stay_inside_its_token),
		cmocka_unit_test(an_absurd_token_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
