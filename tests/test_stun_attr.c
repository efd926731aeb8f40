/* stun_attr: every attribute of the table, right, a byte off, of a wrong family. */
#include "stun_attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attr_copy.h"
#include "attr_sample.h"
#include "rng.h"

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
	{ STUN_ATTR_ACCESS_TOKEN, LONGER, BYTES("\0\4nonc") },
	{ STUN_ATTR_ACCESS_TOKEN, ANY, BYTES("\0\4noncblock") },
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
		cmocka_unit_test(a_put_that_does_not_fit_leaves_no_trace),
		cmocka_unit_test(random_messages_are_copied_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
