/* stun_msg: header, walk and builder; random messages there and back. */
#include "stun_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rng.h"

#define COOKIE_AND_ID      \
	"\x21\x12\xa4\x42" \
	"abcdefghijkl"

static const struct stun_tid tid = { .bytes = COOKIE_AND_ID };

static struct stun_msg parsed(struct bytes in)
{
	struct stun_msg msg;

	assert_int_equal(stun_msg_parse(in, &msg), STUN_OK);
	return msg;
}

static void a_datagram_is_judged_by_its_header(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
		enum stun_result want;
	} cases[] = {
		{ "empty", BYTES(""), STUN_FOREIGN },
		{ "a byte less than a header",
		  BYTES("\0\1\0\0\x21\x12\xa4\x42"
			"abcdefghijk"),
		  STUN_FOREIGN },
		{ "a header", BYTES("\0\1\0\0" COOKIE_AND_ID), STUN_OK },
		{ "no cookie",
		  BYTES("\0\1\0\0"
			"abcdefghijklmnop"),
		  STUN_OK },
		{ "highest type", BYTES("\x3f\xff\0\0" COOKIE_AND_ID), STUN_OK },
		{ "second bit", BYTES("\x40\1\0\0" COOKIE_AND_ID), STUN_FOREIGN },
		{ "first bit", BYTES("\x80\1\0\0" COOKIE_AND_ID), STUN_FOREIGN },
		{ "DTLS, by its length", BYTES("\x16\xfe\xff\0" COOKIE_AND_ID), STUN_MALFORMED },
		{ "length above", BYTES("\0\1\0\4" COOKIE_AND_ID), STUN_MALFORMED },
		{ "length below", BYTES("\0\1\0\0" COOKIE_AND_ID "\x80\x22\0\0"), STUN_MALFORMED },
		{ "odd length", BYTES("\0\1\0\1" COOKIE_AND_ID "x"), STUN_MALFORMED },
		{ "length of 2", BYTES("\0\1\0\2" COOKIE_AND_ID "xx"), STUN_MALFORMED },
		{ "longest length", BYTES("\0\1\xff\xfc" COOKIE_AND_ID), STUN_MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_msg msg = { .method = 77 };
		enum stun_result got = stun_msg_parse(cases[i].in, &msg);

		if (got != cases[i].want)
			fail_msg("%s: %d, not %d", cases[i].why, got, cases[i].want);
		if (got != STUN_OK)
			assert_int_equal(msg.method, 77); /* out is untouched */
	}
}

static void an_attribute_must_stay_inside(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
		enum stun_result want;
	} cases[] = {
		{ "empty value", BYTES("\0\1\0\4" COOKIE_AND_ID "\x80\x22\0\0"), STUN_OK },
		{ "value and padding", BYTES("\0\1\0\x08" COOKIE_AND_ID "\x80\x22\0\1x???"),
		  STUN_OK },
		{ "four more than is there", BYTES("\0\1\0\4" COOKIE_AND_ID "\x80\x22\0\4"),
		  STUN_MALFORMED },
		{ "one more than is there", BYTES("\0\1\0\x08" COOKIE_AND_ID "\x80\x22\0\5xxxx"),
		  STUN_MALFORMED },
		{ "one that needs absent padding", BYTES("\0\1\0\4" COOKIE_AND_ID "\x80\x22\0\1"),
		  STUN_MALFORMED },
		{ "longest", BYTES("\0\1\0\x08" COOKIE_AND_ID "\x80\x22\xff\xffxxxx"),
		  STUN_MALFORMED },
		{ "the second one", BYTES("\0\1\0\x08" COOKIE_AND_ID "\x80\x22\0\0\x80\x22\0\1"),
		  STUN_MALFORMED },
		{ "one behind the integrity",
		  BYTES("\0\1\0\x1c" COOKIE_AND_ID "\0\x08\0\x14"
			"12345678901234567890"
			"\x80\x22\0\1"),
		  STUN_MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_msg msg;

		if (stun_msg_parse(cases[i].in, &msg) != cases[i].want)
			fail_msg("%s: not %d", cases[i].why, cases[i].want);
	}
}

static void every_method_and_class_comes_back(void **state)
{
	uint8_t buf[STUN_HEADER_LEN];
	struct bytes out;

	for (uint32_t i = 0; i < 4 * 0x1000; i++) {
		uint16_t method = (uint16_t)(i / 4);
		struct stun_builder b = stun_build(buf, sizeof(buf), method, i % 4, &tid);
		struct stun_msg msg;

		assert_int_equal(stun_build_finish(&b, &out), STUN_OK);
		msg = parsed(out);
		assert_int_equal(msg.method, method);
		assert_int_equal(msg.class, i % 4);
	}
}

static void types_are_those_of_the_rfcs(void **state)
{
	static const struct {
		uint16_t method;
		enum stun_class class;
		const char *type;
	} cases[] = {
		{ STUN_BINDING, STUN_REQUEST, "\x00\x01" },
		{ STUN_BINDING, STUN_INDICATION, "\x00\x11" },
		{ STUN_BINDING, STUN_SUCCESS, "\x01\x01" },
		{ STUN_BINDING, STUN_ERROR, "\x01\x11" },
		{ TURN_ALLOCATE, STUN_ERROR, "\x01\x13" },
		{ TURN_SEND, STUN_INDICATION, "\x00\x16" },
		{ 0xfff, STUN_ERROR, "\x3f\xff" },
	};
	uint8_t buf[STUN_HEADER_LEN];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)stun_build(buf, sizeof(buf), cases[i].method, cases[i].class, &tid);
		assert_memory_equal(buf, cases[i].type, 2);
	}
}

static void a_transaction_id_knows_its_cookie(void **state)
{
	struct stun_tid made = stun_tid_make((const uint8_t *)"abcdefghijkl");
	struct stun_tid other = made;

	assert_true(stun_tid_equal(&made, &tid));
	assert_false(stun_tid_is_classic(&made));
	for (size_t i = 0; i < sizeof(other.bytes); i++) {
		other = made;
		other.bytes[i] ^= 1;
		assert_false(stun_tid_equal(&made, &other));
		assert_int_equal(stun_tid_is_classic(&other), i < 4);
	}
}

#define NAME     "\x80\x22\0\1n\0\0\0"
#define REQUIRED "\x7f\x01\0\0"
#define INTEGRITY      \
	"\0\x08\0\x14" \
	"12345678901234567890"
#define SHA256         \
	"\0\x1c\0\x10" \
	"1234567890123456"
#define FINGERPRINT "\x80\x28\0\4crc."

static char letter(uint16_t type)
{
	switch (type) {
	case STUN_ATTR_MESSAGE_INTEGRITY:
		return 'I';
	case STUN_ATTR_MESSAGE_INTEGRITY_SHA256:
		return 'S';
	case STUN_ATTR_FINGERPRINT:
		return 'F';
	default:
		return 'n';
	}
}

/* The walk as text: a letter for each attribute. */
static void walk_text(const struct stun_msg *msg, char *text)
{
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;

	while (stun_walk_next(&walk, &attr))
		*text++ = letter(attr.type);
	*text = '\0';
}

static void only_protection_is_visible_behind_protection(void **state)
{
	static const struct {
		const char *shown;
		struct bytes attrs;
	} cases[] = {
		{ "", BYTES("") },
		{ "n", BYTES(NAME) },
		{ "nn", BYTES(NAME NAME) },
		{ "nI", BYTES(NAME INTEGRITY) },
		{ "nS", BYTES(NAME SHA256) },
		{ "nF", BYTES(NAME FINGERPRINT) },
		{ "nISF", BYTES(NAME INTEGRITY SHA256 FINGERPRINT) },
		{ "I", BYTES(INTEGRITY NAME) },
		{ "S", BYTES(SHA256 NAME) },
		{ "IF", BYTES(INTEGRITY NAME FINGERPRINT) },
		{ "IS", BYTES(INTEGRITY NAME SHA256 NAME) },
		{ "ISF", BYTES(INTEGRITY NAME SHA256 NAME FINGERPRINT) },
		{ "nI", BYTES(NAME INTEGRITY INTEGRITY) },
		{ "nI", BYTES(NAME INTEGRITY NAME REQUIRED) },
		{ "S", BYTES(SHA256 INTEGRITY) }, /* behind SHA256 only FINGERPRINT */
		{ "SF", BYTES(SHA256 INTEGRITY FINGERPRINT) },
		{ "S", BYTES(SHA256 SHA256) },
		{ "IS", BYTES(INTEGRITY SHA256 INTEGRITY SHA256) },
		{ "", BYTES(FINGERPRINT NAME) }, /* not the last: it does not count */
		{ "n", BYTES(NAME FINGERPRINT FINGERPRINT) },
		{ "I", BYTES(INTEGRITY FINGERPRINT SHA256) },
		{ "n", BYTES(NAME FINGERPRINT INTEGRITY) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t buf[200] = "\0\1\0\0" COOKIE_AND_ID;
		struct stun_msg msg;
		char shown[20];

		buf[3] = (uint8_t)cases[i].attrs.len;
		memcpy(buf + STUN_HEADER_LEN, cases[i].attrs.data, cases[i].attrs.len);
		msg = parsed(bytes_of(buf, STUN_HEADER_LEN + cases[i].attrs.len));
		walk_text(&msg, shown);
		if (strcmp(shown, cases[i].shown) != 0)
			fail_msg("case %zu: \"%s\", not \"%s\"", i, shown, cases[i].shown);
		assert_int_equal(msg.integrity != 0, strchr(shown, 'I') != NULL);
		assert_int_equal(msg.integrity_sha256 != 0, strchr(shown, 'S') != NULL);
		assert_int_equal(msg.fingerprint != 0, strchr(shown, 'F') != NULL);
	}
}

static void offsets_point_at_attribute_headers(void **state)
{
	struct stun_msg msg =
		parsed(BYTES("\0\1\0\x3c" COOKIE_AND_ID NAME INTEGRITY SHA256 FINGERPRINT));

	assert_int_equal(msg.visible_end, 28);
	assert_int_equal(msg.integrity, 28);
	assert_int_equal(msg.integrity_sha256, 52);
	assert_int_equal(msg.fingerprint, 72);
}

static void the_first_of_duplicates_wins(void **state)
{
	struct stun_msg msg = parsed(BYTES("\0\1\0\x18" COOKIE_AND_ID "\x80\x22\0\1a\0\0\0"
					   "\x80\x22\0\1b\0\0\0"
					   "\0\x06\0\1c\0\0\0"));
	struct bytes value = BYTES("old");

	assert_true(stun_msg_find(&msg, STUN_ATTR_SOFTWARE, &value));
	assert_true(bytes_equal(value, BYTES("a")));
	assert_true(stun_msg_has(&msg, STUN_ATTR_USERNAME));
	assert_false(stun_msg_find(&msg, STUN_ATTR_REALM, &value));
	assert_true(bytes_equal(value, BYTES("a"))); /* untouched */
}

static void what_is_hidden_is_not_found(void **state)
{
	struct stun_msg msg = parsed(BYTES("\0\1\0\x20" COOKIE_AND_ID INTEGRITY NAME));

	assert_false(stun_msg_has(&msg, STUN_ATTR_SOFTWARE));
	assert_true(stun_msg_has(&msg, STUN_ATTR_MESSAGE_INTEGRITY));
}

static bool knows_username(uint16_t type)
{
	return type == STUN_ATTR_USERNAME;
}

static void unknown_types_are_listed_once(void **state)
{
	struct stun_msg msg = parsed(BYTES("\0\1\0\x18" COOKIE_AND_ID "\0\x06\0\0"
					   "\x7f\x01\0\0"
					   "\x80\x01\0\0"
					   "\0\0\0\0"
					   "\x7f\x01\0\0"
					   "\x7f\xff\0\0"));
	uint16_t types[4] = { 9, 9, 9, 9 };

	assert_int_equal(stun_msg_unknown(&msg, knows_username, types, 4), 3);
	assert_int_equal(types[0], 0x7f01);
	assert_int_equal(types[1], 0);
	assert_int_equal(types[2], 0x7fff);
	assert_int_equal(types[3], 9);
	assert_int_equal(stun_msg_unknown(&msg, knows_username, types, 2), 2);
	assert_int_equal(stun_msg_unknown(&msg, knows_username, NULL, 0), 0);
}

static void unknown_types_behind_integrity_are_ignored(void **state)
{
	struct stun_msg msg = parsed(BYTES("\0\1\0\x1c" COOKIE_AND_ID INTEGRITY REQUIRED));
	uint16_t types[4];

	/* MESSAGE-INTEGRITY itself is for the caller to know. */
	assert_int_equal(stun_msg_unknown(&msg, knows_username, types, 4), 1);
	assert_int_equal(types[0], STUN_ATTR_MESSAGE_INTEGRITY);
}

static void padding_is_zero_and_nothing_behind_is_touched(void **state)
{
	uint8_t buf[64];

	for (size_t len = 0; len <= 9; len++) {
		struct stun_builder b;
		uint8_t *value;

		memset(buf, 0xee, sizeof(buf));
		b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
		value = stun_build_attr(&b, STUN_ATTR_SOFTWARE, len);
		assert_ptr_equal(value, buf + STUN_HEADER_LEN + 4);
		assert_int_equal(b.len, STUN_HEADER_LEN + 4 + (len + 3) / 4 * 4);
		for (const uint8_t *p = value; p < buf + sizeof(buf); p++) {
			bool is_padding = p >= value + len && p < buf + b.len;

			assert_int_equal(*p, is_padding ? 0 : 0xee);
		}
		assert_int_equal(buf[3], b.len - STUN_HEADER_LEN);
	}
}

static void what_does_not_fit_changes_nothing(void **state)
{
	for (size_t cap = 0; cap < 48; cap++) {
		uint8_t buf[48];
		uint8_t before[48];
		struct stun_builder b;
		struct bytes out = BYTES("old");
		size_t len;

		memset(buf, 0xee, sizeof(buf));
		b = stun_build(buf, cap, STUN_BINDING, STUN_REQUEST, &tid);
		(void)stun_build_attr(&b, STUN_ATTR_SOFTWARE, 8);
		memcpy(before, buf, sizeof(buf));
		len = b.len;
		assert_null(stun_build_attr(&b, STUN_ATTR_SOFTWARE, 13));
		assert_null(stun_build_attr(&b, STUN_ATTR_DONT_FRAGMENT, 0)); /* failed for good */
		assert_memory_equal(buf, before, sizeof(buf));
		assert_int_equal(b.len, len);
		assert_int_equal(stun_build_finish(&b, &out), STUN_NO_SPACE);
		assert_int_equal(out.len, 3);
	}
}

static void a_message_fills_its_buffer_to_the_last_byte(void **state)
{
	uint8_t buf[STUN_HEADER_LEN + 12];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	struct bytes out;

	assert_non_null(stun_build_attr(&b, STUN_ATTR_SOFTWARE, 5));
	assert_int_equal(stun_build_finish(&b, &out), STUN_OK);
	assert_int_equal(out.len, sizeof(buf));
	assert_ptr_equal(out.data, buf);
}

static void the_length_field_is_the_limit(void **state)
{
	static uint8_t buf[STUN_MESSAGE_MAX + 100];
	static const struct {
		size_t len;
		bool fits;
	} cases[] = {
		{ STUN_VALUE_MAX, true },      { STUN_VALUE_MAX - 1, true },
		{ STUN_VALUE_MAX + 1, false }, { UINT16_MAX, false },
		{ UINT16_MAX + 1, false },     { SIZE_MAX, false },
		{ SIZE_MAX - 3, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_builder b =
			stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
		uint8_t *value = stun_build_attr(&b, STUN_ATTR_PADDING, cases[i].len);
		struct bytes out;

		assert_int_equal(value != NULL, cases[i].fits);
		if (!cases[i].fits)
			continue;
		assert_null(stun_build_attr(&b, STUN_ATTR_DONT_FRAGMENT, 0));
		out = bytes_of(buf, b.len);
		assert_int_equal(out.len, STUN_MESSAGE_MAX);
		assert_memory_equal(buf + 2, "\xff\xfc", 2);
		(void)parsed(out);
	}
}

static void the_longest_message_may_end_in_anything(void **state)
{
	static uint8_t buf[STUN_MESSAGE_MAX];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	struct stun_msg msg;

	(void)stun_build_attr(&b, STUN_ATTR_PADDING, STUN_VALUE_MAX - 4);
	(void)stun_build_attr(&b, STUN_ATTR_MESSAGE_INTEGRITY, 0);
	msg = parsed(bytes_of(buf, b.len));
	assert_int_equal(msg.integrity, STUN_MESSAGE_MAX - 4); /* above 65535 */
	assert_true(stun_msg_has(&msg, STUN_ATTR_MESSAGE_INTEGRITY));
}

/* Random attributes that do not end the visible part, written and read back. */
static void random_messages_come_back(void **state)
{
	struct rng rng = rng_seed(2026);
	uint8_t pool[64];

	rng_fill(&rng, pool, sizeof(pool));
	for (int i = 0; i < 3000; i++) {
		uint8_t buf[1500];
		struct stun_attr put[12];
		struct stun_tid id;
		uint32_t count = rng_below(&rng, ARRAY_LEN(put));
		struct stun_builder b;
		struct stun_walk walk;
		struct stun_attr got;
		struct stun_msg msg;

		rng_fill(&rng, id.bytes, sizeof(id.bytes));
		b = stun_build(buf, sizeof(buf), (uint16_t)rng_below(&rng, 0x1000),
			       rng_below(&rng, 4), &id);
		for (uint32_t k = 0; k < count; k++) {
			put[k].type = (uint16_t)(0x4000 + rng_below(&rng, 0x4000));
			put[k].value = bytes_of(pool, rng_below(&rng, sizeof(pool) + 1));
			memcpy(stun_build_attr(&b, put[k].type, put[k].value.len), pool,
			       put[k].value.len);
		}
		msg = parsed(bytes_of(buf, b.len));
		assert_true(stun_tid_equal(&msg.tid, &id));
		walk = stun_msg_walk(&msg);
		for (uint32_t k = 0; k < count; k++) {
			assert_true(stun_walk_next(&walk, &got));
			assert_int_equal(got.type, put[k].type);
			assert_true(bytes_equal(got.value, put[k].value));
		}
		assert_false(stun_walk_next(&walk, &got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_is_judged_by_its_header),
		cmocka_unit_test(an_attribute_must_stay_inside),
		cmocka_unit_test(every_method_and_class_comes_back),
		cmocka_unit_test(types_are_those_of_the_rfcs),
		cmocka_unit_test(a_transaction_id_knows_its_cookie),
		cmocka_unit_test(only_protection_is_visible_behind_protection),
		cmocka_unit_test(offsets_point_at_attribute_headers),
		cmocka_unit_test(the_first_of_duplicates_wins),
		cmocka_unit_test(what_is_hidden_is_not_found),
		cmocka_unit_test(unknown_types_are_listed_once),
		cmocka_unit_test(unknown_types_behind_integrity_are_ignored),
		cmocka_unit_test(padding_is_zero_and_nothing_behind_is_touched),
		cmocka_unit_test(what_does_not_fit_changes_nothing),
		cmocka_unit_test(a_message_fills_its_buffer_to_the_last_byte),
		cmocka_unit_test(the_length_field_is_the_limit),
		cmocka_unit_test(the_longest_message_may_end_in_anything),
		cmocka_unit_test(random_messages_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
