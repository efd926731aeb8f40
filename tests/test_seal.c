/* AES-GCM and AES-SIV: the vectors of their specifications, and nothing of a block that does not open. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd/seal.h"

static const uint8_t zeros[64];

/* Test cases 1, 2, 13 and 14 of McGrew and Viega: key, nonce and text are zero. */
static void the_vectors_of_gcm_hold(void **state)
{
	static const struct {
		size_t key_len, plain_len;
		struct bytes sealed;
	} cases[] = {
		{ 16, 0,
		  BYTES("\x58\xe2\xfc\xce\xfa\x7e\x30\x61\x36\x7f\x1d\x57\xa4\xe7\x45\x5a") },
		{ 16, 16,
		  BYTES("\x03\x88\xda\xce\x60\xb6\xa3\x92\xf3\x28\xc2\xb9\x71\xb2\xfe\x78"
			"\xab\x6e\x47\xd4\x2c\xec\x13\xbd\xf5\x3a\x67\xb2\x12\x57\xbd\xdf") },
		{ 32, 0,
		  BYTES("\x53\x0f\x8a\xfb\xc7\x45\x36\xb9\xa9\x63\xb4\xf1\xc4\xcb\x73\x8b") },
		{ 32, 16,
		  BYTES("\xce\xa7\x40\x3d\x4d\x60\x6b\x6e\x07\x4e\xc5\xd3\xba\xf3\x9d\x18"
			"\xd0\xd1\xc8\xa7\x99\x99\x6b\xf0\x26\x5b\x98\xb5\xd4\x8a\xb9\x19") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes key = bytes_of(zeros, cases[i].key_len);
		struct bytes plain = bytes_of(zeros, cases[i].plain_len);
		uint8_t sealed[32], back[16];

		assert_true(seal_put(key, zeros, (struct bytes){ 0 }, plain, sealed));
		assert_memory_equal(sealed, cases[i].sealed.data, cases[i].sealed.len);
		assert_true(seal_get(key, zeros, (struct bytes){ 0 }, cases[i].sealed, back));
		assert_memory_equal(back, zeros, plain.len);
	}
}

struct rig {
	struct bytes key, aad;
	uint8_t nonce[SEAL_NONCE_LEN];
	uint8_t sealed[12 + SEAL_TAG_LEN];
};

static struct rig rig_new(void)
{
	struct rig r = { .key = bytes_of(zeros, 32), .aad = BYTES("who") };

	assert_true(seal_put(r.key, r.nonce, r.aad, BYTES("a dozen byte"), r.sealed));
	return r;
}

static bool opens(const struct rig *r, uint8_t out[static 12])
{
	return seal_get(r->key, r->nonce, r->aad, bytes_of(r->sealed, sizeof(r->sealed)), out);
}

static void what_does_not_open_leaves_nothing(void **state)
{
	struct rig r = rig_new();
	uint8_t out[12];

	assert_true(opens(&r, out));
	assert_memory_equal(out, "a dozen byte", sizeof(out));
	for (size_t i = 0; i < sizeof(r.sealed); i++) {
		r.sealed[i] ^= 0x40;
		memset(out, 7, sizeof(out));
		if (opens(&r, out))
			fail_msg("byte %zu: opened", i);
		assert_memory_equal(out, zeros, sizeof(out));
		r.sealed[i] ^= 0x40;
	}
}

static void key_nonce_and_aad_count(void **state)
{
	static const uint8_t other[32] = { [31] = 1 };
	struct rig r = rig_new();
	uint8_t out[12];

	r.key = bytes_of(other, sizeof(other));
	assert_false(opens(&r, out));
	r = rig_new();
	r.key.len = 16;
	assert_false(opens(&r, out));
	r = rig_new();
	r.nonce[11] = 1;
	assert_false(opens(&r, out));
	r = rig_new();
	r.aad = BYTES("wh");
	assert_false(opens(&r, out));
	r.aad = (struct bytes){ 0 };
	assert_false(opens(&r, out));
}

static void less_than_a_tag_is_nothing(void **state)
{
	struct rig r = rig_new();
	uint8_t out[12];

	for (size_t len = 0; len < sizeof(r.sealed); len++)
		assert_false(seal_get(r.key, r.nonce, r.aad, bytes_of(r.sealed, len), out));
}

/* RFC 5297, appendix A.1; and whatever is changed does not open. */
static void the_vector_of_siv_holds(void **state)
{
	static const struct bytes
		key = BYTES("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0"
			    "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff"),
		aad = BYTES("\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
			    "\x20\x21\x22\x23\x24\x25\x26\x27"),
		plain = BYTES("\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee"),
		sealed = BYTES("\x85\x63\x2d\x07\xc6\xe8\xf3\x7f\x95\x0a\xcd\x32\x0a\x2e\xcc\x93"
			       "\x40\xc0\x2b\x96\x90\xc4\xdc\x04\xda\xef\x7f\x6a\xfe\x5c");
	uint8_t out[30], back[14];

	assert_int_equal(key.len, SEAL_SIV_KEY_LEN);
	assert_true(seal_siv_put(key.data, aad, plain, out));
	assert_memory_equal(out, sealed.data, sealed.len);
	assert_true(seal_siv_get(key.data, aad, sealed, back));
	assert_memory_equal(back, plain.data, plain.len);
	for (size_t i = 0; i < sizeof(out); i++) {
		out[i] ^= 1;
		assert_false(seal_siv_get(key.data, aad, bytes_of(out, sizeof(out)), back));
		assert_memory_equal(back, zeros, sizeof(back));
		out[i] ^= 1;
	}
	assert_false(seal_siv_get(key.data, bytes_of(aad.data, aad.len - 1), sealed, back));
	for (size_t len = 0; len <= SEAL_TAG_LEN; len++)
		assert_false(seal_siv_get(key.data, aad, bytes_of(out, len), back));
}

static void keys_have_two_lengths(void **state)
{
	for (size_t len = 0; len < 70; len++)
		assert_int_equal(seal_is_key_len(len), len == 16 || len == 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_gcm_hold),
		cmocka_unit_test(what_does_not_open_leaves_nothing),
		cmocka_unit_test(key_nonce_and_aad_count),
		cmocka_unit_test(less_than_a_tag_is_nothing),
		cmocka_unit_test(the_vector_of_siv_holds),
		cmocka_unit_test(keys_have_two_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
