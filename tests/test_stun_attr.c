#include "stun_attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attr_copy.h"
#include "rng.h"

#define COOKIE_AND_ID      \
	"\x21\x12\xa4\x42" \
	"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"

static const struct stun_tid tid = { .bytes = COOKIE_AND_ID };

/* Addresses that RFC 5769 has, sections 2.2 and 2.3: 192.0.2.1:32853 and an IPv6 one. */
#define V4     "\0\x01\x80\x55\xc0\x00\x02\x01"
#define V4_XOR "\0\x01\xa1\x47\xe1\x12\xa6\x43"
#define V6     "\0\x02\x80\x55\x20\x01\x0d\xb8\x12\x34\x56\x78\0\x11\x22\x33\x44\x55\x66\x77"
#define V6_XOR "\0\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"

/* What a value must still be when a byte is cut off or put behind. */
enum sizes {
	EXACT,  /* neither */
	LONGER, /* a byte more is as good, a byte less is not */
	ANY,    /* both are as good */
};

static const struct {
	uint16_t type;
	enum sizes sizes;
	struct bytes right;
} samples[] = {
	{ STUN_ATTR_MAPPED_ADDRESS, EXACT, BYTES(V4) },
	{ STUN_ATTR_MAPPED_ADDRESS, EXACT, BYTES(V6) },
	{ STUN_ATTR_RESPONSE_ADDRESS, EXACT, BYTES(V4) },
	{ STUN_ATTR_CHANGE_REQUEST, EXACT, BYTES("\0\0\0\6") },
	{ STUN_ATTR_SOURCE_ADDRESS, EXACT, BYTES(V4) },
	{ STUN_ATTR_CHANGED_ADDRESS, EXACT, BYTES(V4) },
	{ STUN_ATTR_USERNAME, LONGER, BYTES("u") },
	{ STUN_ATTR_USERNAME, ANY,
	  BYTES("\xe3\x83\x9e"
		"abc") },
	{ STUN_ATTR_PASSWORD, ANY, BYTES("pass") },
	{ STUN_ATTR_MESSAGE_INTEGRITY, EXACT, BYTES("12345678901234567890") },
	{ STUN_ATTR_ERROR_CODE, LONGER, BYTES("\0\0\4\1") },
	{ STUN_ATTR_ERROR_CODE, ANY, BYTES("\0\0\4\1Unauthenticated") },
	{ STUN_ATTR_UNKNOWN_ATTRIBUTES, EXACT, BYTES("\x7f\xff") },
	{ STUN_ATTR_UNKNOWN_ATTRIBUTES, EXACT, BYTES("\x7f\xff\0\1\0\2") },
	{ STUN_ATTR_REFLECTED_FROM, EXACT, BYTES(V4) },
	{ STUN_ATTR_CHANNEL_NUMBER, EXACT, BYTES("\x40\1\0\0") },
	{ STUN_ATTR_LIFETIME, EXACT, BYTES("\0\0\2\x58") },
	{ STUN_ATTR_XOR_PEER_ADDRESS, EXACT, BYTES(V4_XOR) },
	{ STUN_ATTR_XOR_PEER_ADDRESS, EXACT, BYTES(V6_XOR) },
	{ STUN_ATTR_DATA, LONGER, BYTES("") },
	{ STUN_ATTR_DATA, ANY, BYTES("data") },
	{ STUN_ATTR_REALM, ANY, BYTES("example.org") },
	{ STUN_ATTR_NONCE, LONGER, BYTES("n") },
	{ STUN_ATTR_NONCE, ANY, BYTES("obMatJos2") },
	{ STUN_ATTR_XOR_RELAYED_ADDRESS, EXACT, BYTES(V6_XOR) },
	{ STUN_ATTR_REQUESTED_ADDRESS_FAMILY, EXACT, BYTES("\2\0\0\0") },
	{ STUN_ATTR_EVEN_PORT, EXACT, BYTES("\x80") },
	{ STUN_ATTR_REQUESTED_TRANSPORT, EXACT, BYTES("\x11\0\0\0") },
	{ STUN_ATTR_DONT_FRAGMENT, EXACT, BYTES("") },
	{ STUN_ATTR_ACCESS_TOKEN, LONGER, BYTES("\0\0") },
	{ STUN_ATTR_ACCESS_TOKEN, ANY, BYTES("\0\4nonctoken") },
	{ STUN_ATTR_MESSAGE_INTEGRITY_SHA256, EXACT, BYTES("1234567890123456") },
	{ STUN_ATTR_MESSAGE_INTEGRITY_SHA256, EXACT, BYTES("12345678901234567890") },
	{ STUN_ATTR_MESSAGE_INTEGRITY_SHA256, EXACT, BYTES("12345678901234567890123456789012") },
	{ STUN_ATTR_PASSWORD_ALGORITHM, EXACT, BYTES("\0\2\0\0") },
	{ STUN_ATTR_PASSWORD_ALGORITHM, EXACT, BYTES("\0\2\0\4abcd") },
	{ STUN_ATTR_USERHASH, EXACT, BYTES("12345678901234567890123456789012") },
	{ STUN_ATTR_XOR_MAPPED_ADDRESS, EXACT, BYTES(V4_XOR) },
	{ STUN_ATTR_XOR_MAPPED_ADDRESS, EXACT, BYTES(V6_XOR) },
	{ STUN_ATTR_RESERVATION_TOKEN, EXACT, BYTES("12345678") },
	{ STUN_ATTR_PRIORITY, EXACT, BYTES("\x6e\0\1\xff") },
	{ STUN_ATTR_USE_CANDIDATE, EXACT, BYTES("") },
	{ STUN_ATTR_PADDING, ANY, BYTES("padding") },
	{ STUN_ATTR_RESPONSE_PORT, EXACT, BYTES("\x13\x88\0\0") },
	{ STUN_ATTR_CONNECTION_ID, EXACT, BYTES("\1\2\3\4") },
	{ STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, EXACT, BYTES("\2\0\0\0") },
	{ STUN_ATTR_ADDRESS_ERROR_CODE, LONGER, BYTES("\2\0\4\x28") },
	{ STUN_ATTR_ADDRESS_ERROR_CODE, ANY, BYTES("\1\0\5\x08Insufficient Capacity") },
	{ STUN_ATTR_PASSWORD_ALGORITHMS, EXACT, BYTES("\0\2\0\0\0\1\0\0") },
	{ STUN_ATTR_PASSWORD_ALGORITHMS, EXACT, BYTES("\0\2\0\3abc\0\0\1\0\0") },
	{ STUN_ATTR_ALTERNATE_DOMAIN, LONGER, BYTES("a") },
	{ STUN_ATTR_ALTERNATE_DOMAIN, ANY, BYTES("turn.example.org") },
	{ STUN_ATTR_ICMP, EXACT, BYTES("\0\0\3\4\0\0\5\x78") },
	{ STUN_ATTR_SOFTWARE, ANY, BYTES("natkit") },
	{ STUN_ATTR_ALTERNATE_SERVER, EXACT, BYTES(V6) },
	{ STUN_ATTR_CACHE_TIMEOUT, EXACT, BYTES("\0\0\0\x3c") },
	{ STUN_ATTR_FINGERPRINT, EXACT, BYTES("\xe5\x7a\x3b\xcf") },
	{ STUN_ATTR_ICE_CONTROLLED, EXACT, BYTES("\x93\x2f\xf9\xb1\x51\x26\x3b\x36") },
	{ STUN_ATTR_ICE_CONTROLLING, EXACT, BYTES("\x93\x2f\xf9\xb1\x51\x26\x3b\x36") },
	{ STUN_ATTR_RESPONSE_ORIGIN, EXACT, BYTES(V4) },
	{ STUN_ATTR_OTHER_ADDRESS, EXACT, BYTES(V6) },
	{ STUN_ATTR_THIRD_PARTY_AUTHORIZATION, ANY, BYTES("turn.example.org") },
	{ STUN_ATTR_ORIGIN, ANY, BYTES("https://example.org") },
	{ STUN_ATTR_MOBILITY_TICKET, LONGER, BYTES("") },
	{ STUN_ATTR_MOBILITY_TICKET, ANY, BYTES("ticket") },
};

static uint8_t big[STUN_MESSAGE_MAX];

/* Reads and writes the value by its kind; what was written is in *out. */
static enum attr_copy copy_value(uint16_t type, struct bytes value, struct bytes *out)
{
	struct stun_builder b = stun_build(big, sizeof(big), STUN_BINDING, STUN_REQUEST, &tid);
	struct stun_attr attr = { type, value };
	enum attr_copy rc = attr_copy(&b, &tid, &attr);

	if (rc == ATTR_COPIED)
		*out = bytes_of(big + STUN_HEADER_LEN + 4,
				(size_t)(big[STUN_HEADER_LEN + 2] << 8 | big[STUN_HEADER_LEN + 3]));
	return rc;
}

static void want(const char *why, uint16_t type, struct bytes value, enum attr_copy rc)
{
	struct bytes out;
	enum attr_copy got = copy_value(type, value, &out);

	if (got != rc)
		fail_msg("%s, %s (%zu bytes): %d, not %d", stun_attr_name(type), why, value.len,
			 got, rc);
}

static void every_attribute_has_a_sample(void **state)
{
	size_t count;
	const struct stun_attr_info *rows = stun_attr_table(&count);

	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (size_t k = 0; k < ARRAY_LEN(samples); k++)
			found |= samples[k].type == rows[i].type;
		if (!found)
			fail_msg("%s: no sample", rows[i].name);
	}
}

/* At an odd address too: nothing may rely on alignment. */
static void a_right_value_is_written_as_it_was_read(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		for (size_t offset = 0; offset < 4; offset++) {
			struct bytes right = samples[i].right;
			uint8_t moved[64];
			struct bytes out;

			memcpy(moved + offset, right.data, right.len);
			if (copy_value(samples[i].type, bytes_of(moved + offset, right.len),
				       &out) != ATTR_COPIED)
				fail_msg("%s: refused", stun_attr_name(samples[i].type));
			if (!bytes_equal(out, right))
				fail_msg("%s: written otherwise", stun_attr_name(samples[i].type));
		}
	}
}

static void a_byte_less_or_more_is_judged(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct bytes right = samples[i].right;
		enum sizes sizes = samples[i].sizes;
		uint8_t more[64] = { 0 };

		memcpy(more, right.data, right.len);
		more[right.len] = 'x';
		want("a byte more", samples[i].type, bytes_of(more, right.len + 1),
		     sizes == EXACT ? ATTR_UNREADABLE : ATTR_COPIED);
		if (right.len > 0)
			want("a byte less", samples[i].type, bytes_of(more, right.len - 1),
			     sizes == ANY ? ATTR_COPIED : ATTR_UNREADABLE);
	}
}

static void only_known_families_are_taken(void **state)
{
	static const uint8_t families[] = { 0, 3, 0x10, 0xff };

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		uint8_t kind = stun_attr_info(samples[i].type)->kind;
		size_t at = kind == STUN_KIND_ADDR_ERROR ? 0 : 1;
		uint8_t value[64];

		if (kind != STUN_KIND_ADDR && kind != STUN_KIND_XOR_ADDR &&
		    kind != STUN_KIND_ADDR_ERROR)
			continue;
		memcpy(value, samples[i].right.data, samples[i].right.len);
		for (size_t k = 0; k < ARRAY_LEN(families); k++) {
			value[at] = families[k];
			want("unknown family", samples[i].type,
			     bytes_of(value, samples[i].right.len), ATTR_UNREADABLE);
		}
		if (kind == STUN_KIND_ADDR_ERROR)
			continue;
		value[at] = samples[i].right.data[at] ^ 3; /* IPv4 and IPv6 swapped */
		want("length of the other family", samples[i].type,
		     bytes_of(value, samples[i].right.len), ATTR_UNREADABLE);
	}
}

/* Both ends of what the table allows, and a byte beyond. */
static void the_table_holds_the_limits(void **state)
{
	static uint8_t value[STUN_VALUE_MAX + 1];
	size_t count;
	const struct stun_attr_info *rows = stun_attr_table(&count);

	for (size_t i = 0; i < count; i++) {
		const struct stun_attr_info *r = &rows[i];
		bool is_error = r->kind == STUN_KIND_ERROR || r->kind == STUN_KIND_ADDR_ERROR;

		if (r->kind != STUN_KIND_BYTES && r->kind != STUN_KIND_TEXT && !is_error)
			continue;
		memset(value, 'x', sizeof(value));
		if (is_error)
			memcpy(value, "\1\0\4\1", 4);
		want("shortest", r->type, bytes_of(value, r->min_len), ATTR_COPIED);
		if (r->min_len > 0)
			want("too short", r->type, bytes_of(value, r->min_len - 1u),
			     ATTR_UNREADABLE);
		want("longest we write", r->type, bytes_of(value, r->put_max), ATTR_COPIED);
		if (r->put_max < r->max_len) {
			want("longer than we write", r->type, bytes_of(value, r->put_max + 1u),
			     ATTR_UNWRITABLE);
			want("longest", r->type, bytes_of(value, r->max_len), ATTR_UNWRITABLE);
		}
		want("too long", r->type, bytes_of(value, r->max_len + 1u), ATTR_UNREADABLE);
	}
}

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
		{ "second byte is ASCII",
		  BYTES("\xc2"
			"a"),
		  false },
		{ "third byte is ASCII",
		  BYTES("\xe3\x83"
			"a"),
		  false },
		{ "fourth byte is a head", BYTES("\xf0\x90\x80\xc2"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		want(cases[i].why, STUN_ATTR_USERNAME, cases[i].text,
		     cases[i].is_right ? ATTR_COPIED : ATTR_UNREADABLE);
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
	struct bytes out;

	assert_int_equal(stun_attr_get_bytes(0x7fff, BYTES("a\0\xff"), &out), STUN_OK);
	assert_true(bytes_equal(out, BYTES("a\0\xff")));
	want("unknown", 0x7fff, BYTES("a\0\xff"), ATTR_COPIED);
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

static void absurd_algorithms_are_not_written(void **state)
{
	struct stun_algorithm v = { .number = 1, .params = bytes_of(big, SIZE_MAX) };
	uint8_t buf[64];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_ERROR, &tid);

	assert_int_equal(stun_attr_put_algorithm(&b, &v), STUN_MALFORMED);
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_ERROR, &tid);
	assert_int_equal(stun_attr_put_algorithms(&b, &v, 0), STUN_MALFORMED);
}

/* Each sample into a buffer of each size: it fits, or nothing has changed. */
static void a_put_that_does_not_fit_leaves_no_trace(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct stun_attr attr = { samples[i].type, samples[i].right };
		size_t need = STUN_HEADER_LEN + 4 + (attr.value.len + 3) / 4 * 4;

		for (size_t cap = STUN_HEADER_LEN; cap <= need; cap++) {
			uint8_t buf[100];
			struct stun_builder b;
			enum attr_copy rc;

			memset(buf, 0xee, sizeof(buf));
			b = stun_build(buf, cap, STUN_BINDING, STUN_REQUEST, &tid);
			rc = attr_copy(&b, &tid, &attr);
			assert_int_equal(rc, cap < need ? ATTR_UNWRITABLE : ATTR_COPIED);
			assert_int_equal(b.len, cap < need ? STUN_HEADER_LEN : need);
			assert_int_equal(b.failed, cap < need);
			for (size_t k = b.len; k < sizeof(buf); k++)
				assert_int_equal(buf[k], 0xee);
		}
	}
}

/* A message of random samples, in random order, copied attribute by attribute. */
static void random_messages_are_copied_whole(void **state)
{
	struct rng rng = rng_seed(8489);

	for (int i = 0; i < 2000; i++) {
		uint8_t first[1500];
		uint8_t second[1500];
		struct stun_builder a = stun_build(first, sizeof(first), 1, STUN_REQUEST, &tid);
		struct stun_builder b = stun_build(second, sizeof(second), 1, STUN_REQUEST, &tid);
		uint32_t count = 1 + rng_below(&rng, 12);
		struct stun_walk walk;
		struct stun_attr attr;
		struct stun_msg msg;

		while (count-- > 0) {
			size_t k = rng_below(&rng, ARRAY_LEN(samples));

			attr = (struct stun_attr){ samples[k].type, samples[k].right };
			assert_int_equal(attr_copy(&a, &tid, &attr), ATTR_COPIED);
		}
		assert_int_equal(stun_msg_parse(bytes_of(first, a.len), &msg), STUN_OK);
		walk = stun_msg_walk(&msg);
		while (stun_walk_next(&walk, &attr))
			assert_int_equal(attr_copy(&b, &msg.tid, &attr), ATTR_COPIED);
		assert_true(b.len <= a.len);
		/* Only what protection hides is missing, and it comes last. */
		assert_memory_equal(first + STUN_HEADER_LEN, second + STUN_HEADER_LEN,
				    msg.visible_end - STUN_HEADER_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_attribute_has_a_sample),
		cmocka_unit_test(a_right_value_is_written_as_it_was_read),
		cmocka_unit_test(a_byte_less_or_more_is_judged),
		cmocka_unit_test(only_known_families_are_taken),
		cmocka_unit_test(the_table_holds_the_limits),
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
		cmocka_unit_test(a_put_that_does_not_fit_leaves_no_trace),
		cmocka_unit_test(random_messages_are_copied_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
