/* Keys, MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256, FINGERPRINT (RFC 8489, section 9 and 14). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "stun_auth.h"

#include "crc32.h"

static const struct stun_tid tid = { { 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
				       12 } };

static struct stun_key key_of(const char *secret)
{
	struct stun_key key;

	stun_key_make(&key, bytes_of_str(secret));
	return key;
}

/* A request with something in it, whose padding counts. */
static struct stun_builder request(uint8_t *buf, size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, TURN_ALLOCATE, STUN_REQUEST, &tid);

	stun_attr_put_bytes(&b, STUN_ATTR_USERNAME, BYTES("george"));
	stun_attr_put_u32(&b, STUN_ATTR_LIFETIME, 600);
	return b;
}

static struct stun_msg parse(const struct stun_builder *b)
{
	struct stun_msg msg;
	struct bytes raw;

	assert_int_equal(stun_build_finish(b, &raw), STUN_OK);
	assert_int_equal(stun_msg_parse(raw, &msg), STUN_OK);
	return msg;
}

/* HMAC by another road: EVP, over a copy whose length is `value_len` bytes past b's end. */
static void reference_hmac(const EVP_MD *md, struct bytes secret, const struct stun_builder *b,
			   size_t value_len, uint8_t out[EVP_MAX_MD_SIZE])
{
	static uint8_t copy[STUN_MESSAGE_MAX];

	memcpy(copy, b->buf, b->len);
	wire_store_u16(copy + 2, (uint16_t)(b->len + 4 + value_len - STUN_HEADER_LEN));
	assert_non_null(HMAC(md, secret.data, (int)secret.len, copy, b->len, out, NULL));
}

static void the_hmac_of_plain_bytes_is_that_of_rfc_2202_and_rfc_4231(void **state)
{
	struct stun_key key = key_of("Jefe");
	uint8_t sha1[STUN_INTEGRITY_LEN], sha256[STUN_SHA256_FULL];

	stun_key_hmac_sha1(&key, BYTES("what do ya want for nothing?"), sha1);
	assert_memory_equal(sha1,
			    "\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74\x16\xd5\xf1\x84\xdf\x9c"
			    "\x25\x9a\x7c\x79",
			    sizeof(sha1));
	stun_key_hmac_sha256(&key, BYTES("what do ya want for nothing?"), sha256);
	assert_memory_equal(sha256,
			    "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
			    "\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43",
			    sizeof(sha256));
}

static void an_empty_text_has_an_hmac_too(void **state)
{
	struct stun_key key = key_of("k");
	uint8_t got[STUN_INTEGRITY_LEN], want[EVP_MAX_MD_SIZE];

	stun_key_hmac_sha1(&key, (struct bytes){ 0 }, got);
	assert_non_null(HMAC(EVP_sha1(), "k", 1, (const uint8_t *)"", 0, want, NULL));
	assert_memory_equal(got, want, sizeof(got));
}

static void secrets_of_any_length_give_the_hmac_of_rfc_2104(void **state)
{
	uint8_t secret[200];

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(i * 7 + 1);
	for (size_t len = 0; len <= sizeof(secret); len++) {
		uint8_t buf[256], sha1[EVP_MAX_MD_SIZE], sha256[EVP_MAX_MD_SIZE];
		struct stun_builder b = request(buf, sizeof(buf));
		struct stun_key key;

		stun_key_make(&key, bytes_of(secret, len));
		reference_hmac(EVP_sha1(), bytes_of(secret, len), &b, 20, sha1);
		assert_int_equal(stun_auth_put_integrity(&b, &key), STUN_OK);
		assert_memory_equal(b.buf + b.len - 20, sha1, 20);
		reference_hmac(EVP_sha256(), bytes_of(secret, len), &b, 32, sha256);
		assert_int_equal(stun_auth_put_sha256(&b, &key, STUN_SHA256_FULL), STUN_OK);
		assert_memory_equal(b.buf + b.len - 32, sha256, 32);
	}
}

static void long_term_secrets_are_hashes(void **state)
{
	/* The first is the example of RFC 8489, section 9.2.2. */
	static const uint8_t md5[] = { 0x84, 0x93, 0xfb, 0xc5, 0x3b, 0xa5, 0x82, 0xfb,
				       0x4c, 0x04, 0x4c, 0x45, 0x6b, 0xdc, 0x40, 0xeb };
	uint8_t sha256[32], out[STUN_SECRET_MAX];
	struct bytes user = BYTES("user"), realm = BYTES("realm"), pass = BYTES("pass");

	assert_int_equal(stun_secret_long_term(STUN_PASSWORD_MD5, user, realm, pass, out), 16);
	assert_memory_equal(out, md5, 16);

	assert_true(EVP_Digest("user:realm:pass", 15, sha256, NULL, EVP_sha256(), NULL));
	assert_int_equal(stun_secret_long_term(STUN_PASSWORD_SHA256, user, realm, pass, out), 32);
	assert_memory_equal(out, sha256, 32);
}

static void quotes_and_trailing_nuls_do_not_count(void **state)
{
	static const struct {
		const char *why;
		struct bytes user, realm, pass;
		bool same;
	} cases[] = {
		{ "plain", BYTES("user"), BYTES("realm"), BYTES("pass"), true },
		{ "quotes", BYTES("\"user\""), BYTES("\"realm\""), BYTES("pass"), true },
		{ "NULs", BYTES("user\0\0"), BYTES("realm\0"), BYTES("pass\0\0\0"), true },
		{ "quotes and NULs", BYTES("\"user\"\0"), BYTES("realm"), BYTES("pass"), true },
		{ "a quoted password", BYTES("user"), BYTES("realm"), BYTES("\"pass\""), false },
		{ "one quote", BYTES("\"user"), BYTES("realm"), BYTES("pass"), false },
		{ "a quote alone", BYTES("\""), BYTES("realm"), BYTES("pass"), false },
		{ "NUL in front", BYTES("\0user"), BYTES("realm"), BYTES("pass"), false },
		{ "nothing at all", { 0 }, { 0 }, { 0 }, false },
	};
	uint8_t want[STUN_SECRET_MAX], got[STUN_SECRET_MAX];

	stun_secret_long_term(STUN_PASSWORD_SHA256, BYTES("user"), BYTES("realm"), BYTES("pass"),
			      want);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		stun_secret_long_term(STUN_PASSWORD_SHA256, cases[i].user, cases[i].realm,
				      cases[i].pass, got);
		if ((memcmp(want, got, sizeof(got)) == 0) != cases[i].same)
			fail_msg("%s", cases[i].why);
	}
}

static void an_unknown_algorithm_makes_no_key(void **state)
{
	struct stun_key key = key_of("old"), same = key;
	uint8_t out[STUN_SECRET_MAX];
	struct bytes x = BYTES("x");

	assert_int_equal(stun_secret_long_term(0, x, x, x, out), 0);
	assert_int_equal(stun_secret_long_term(3, x, x, x, out), 0);
	assert_false(stun_key_long_term(&key, 0xffff, x, x, x));
	assert_memory_equal(&key, &same, sizeof(key));
}

static void a_wiped_key_is_gone(void **state)
{
	static const struct stun_key zero;
	struct stun_key key = key_of("secret");

	stun_key_wipe(&key);
	assert_memory_equal(&key, &zero, sizeof(key));
}

static struct stun_builder all_three(uint8_t *buf, size_t cap, const struct stun_key *key)
{
	struct stun_builder b = request(buf, cap);

	assert_int_equal(stun_auth_put_integrity(&b, key), STUN_OK);
	assert_int_equal(stun_auth_put_sha256(&b, key, STUN_SHA256_FULL), STUN_OK);
	assert_int_equal(stun_auth_put_fingerprint(&b), STUN_OK);
	return b;
}

static void all_three_in_one_message_hold(void **state)
{
	struct stun_key key = key_of("secret"), other = key_of("secreT");
	uint8_t buf[256];
	struct stun_builder b = all_three(buf, sizeof(buf), &key);
	struct stun_msg msg = parse(&b);

	assert_int_equal(stun_auth_check_integrity(&msg, &key), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check_sha256(&msg, &key, STUN_SHA256_FULL), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check(&msg, &key), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check_fingerprint(&msg), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check_integrity(&msg, &other), STUN_AUTH_WRONG);
	assert_int_equal(stun_auth_check_sha256(&msg, &other, STUN_SHA256_FULL), STUN_AUTH_WRONG);
	assert_int_equal(stun_auth_check(&msg, &other), STUN_AUTH_WRONG);
}

static void what_is_not_there_is_absent(void **state)
{
	struct stun_key key = key_of("secret");
	uint8_t buf[256];
	struct stun_builder b = request(buf, sizeof(buf));
	struct stun_msg msg = parse(&b);

	assert_int_equal(stun_auth_check_integrity(&msg, &key), STUN_AUTH_ABSENT);
	assert_int_equal(stun_auth_check_sha256(&msg, &key, STUN_SHA256_FULL), STUN_AUTH_ABSENT);
	assert_int_equal(stun_auth_check(&msg, &key), STUN_AUTH_ABSENT);
	assert_int_equal(stun_auth_check_fingerprint(&msg), STUN_AUTH_ABSENT);
}

static void every_bit_is_protected(void **state)
{
	struct stun_key key = key_of("secret");
	uint8_t buf[256];
	struct stun_builder b = all_three(buf, sizeof(buf), &key);
	struct stun_msg whole = parse(&b);
	size_t integrity_end = whole.integrity_sha256, sha256_end = whole.fingerprint;

	for (size_t bit = 0; bit < b.len * 8; bit++) {
		size_t at = bit / 8;
		struct stun_msg msg;

		buf[at] ^= (uint8_t)(1u << bit % 8);
		if (stun_msg_parse(bytes_of(buf, b.len), &msg) == STUN_OK) {
			if (at < integrity_end &&
			    stun_auth_check_integrity(&msg, &key) == STUN_AUTH_OK)
				fail_msg("MESSAGE-INTEGRITY misses bit %zu", bit);
			if (at < sha256_end &&
			    stun_auth_check_sha256(&msg, &key, STUN_SHA256_MIN) == STUN_AUTH_OK)
				fail_msg("MESSAGE-INTEGRITY-SHA256 misses bit %zu", bit);
			if (stun_auth_check_fingerprint(&msg) == STUN_AUTH_OK)
				fail_msg("FINGERPRINT misses bit %zu", bit);
		}
		buf[at] ^= (uint8_t)(1u << bit % 8);
	}
}

static void sha1_does_not_help_where_sha256_is_wrong(void **state)
{
	struct stun_key key = key_of("secret");
	uint8_t buf[256];
	struct stun_builder b = request(buf, sizeof(buf));

	stun_auth_put_integrity(&b, &key);
	stun_auth_put_sha256(&b, &key, STUN_SHA256_FULL);
	buf[b.len - 1] ^= 1;
	struct stun_msg msg = parse(&b);
	assert_int_equal(stun_auth_check_integrity(&msg, &key), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check(&msg, &key), STUN_AUTH_WRONG);
}

static void integrity_has_twenty_bytes(void **state)
{
	struct stun_key key = key_of("secret");

	for (size_t len = 0; len <= 24; len++) {
		uint8_t buf[256], hmac[EVP_MAX_MD_SIZE] = { 0 };
		struct stun_builder b = request(buf, sizeof(buf));
		size_t padded = (len + 3) / 4 * 4;

		reference_hmac(EVP_sha1(), BYTES("secret"), &b, padded, hmac);
		memcpy(stun_build_attr(&b, STUN_ATTR_MESSAGE_INTEGRITY, len), hmac, len);
		struct stun_msg msg = parse(&b);
		enum stun_auth_result want = len == 20 ? STUN_AUTH_OK : STUN_AUTH_WRONG;

		if (stun_auth_check_integrity(&msg, &key) != want)
			fail_msg("%zu bytes", len);
	}
}

static void sha256_is_cut_where_the_usage_allows_it(void **state)
{
	struct stun_key key = key_of("secret");

	for (size_t len = 0; len <= 36; len++) {
		uint8_t buf[256], hmac[EVP_MAX_MD_SIZE] = { 0 };
		struct stun_builder b = request(buf, sizeof(buf));
		size_t padded = (len + 3) / 4 * 4;

		reference_hmac(EVP_sha256(), BYTES("secret"), &b, padded, hmac);
		memcpy(stun_build_attr(&b, STUN_ATTR_MESSAGE_INTEGRITY_SHA256, len), hmac, len);
		struct stun_msg msg = parse(&b);
		for (size_t min = STUN_SHA256_MIN; min <= STUN_SHA256_FULL; min += 4) {
			bool fits = len >= min && len <= 32 && len % 4 == 0;
			bool ok = stun_auth_check_sha256(&msg, &key, min) == STUN_AUTH_OK;

			if (ok != fits)
				fail_msg("%zu bytes, %zu wanted", len, min);
		}
		if ((stun_auth_check(&msg, &key) == STUN_AUTH_OK) != (len == 32))
			fail_msg("%zu bytes without leave", len);
	}
}

static void a_cut_sha256_is_put_as_asked(void **state)
{
	struct stun_key key = key_of("secret");

	for (size_t len = STUN_SHA256_MIN; len <= STUN_SHA256_FULL; len += 4) {
		uint8_t buf[256];
		struct stun_builder b = request(buf, sizeof(buf));

		assert_int_equal(stun_auth_put_sha256(&b, &key, len), STUN_OK);
		assert_int_equal(stun_auth_put_fingerprint(&b), STUN_OK);
		struct stun_msg msg = parse(&b);
		assert_int_equal(stun_auth_check_sha256(&msg, &key, len), STUN_AUTH_OK);
		if (len < STUN_SHA256_FULL)
			assert_int_equal(stun_auth_check_sha256(&msg, &key, len + 4),
					 STUN_AUTH_WRONG);
		buf[b.len - 9] ^= 1; /* last byte of the HMAC */
		assert_int_equal(stun_auth_check_sha256(&msg, &key, len), STUN_AUTH_WRONG);
	}
}

static void fingerprint_has_four_bytes_and_is_last(void **state)
{
	static const size_t lengths[] = { 0, 1, 3, 5, 8 };
	uint8_t buf[256];

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct stun_builder b = request(buf, sizeof(buf));

		size_t at = b.len;
		uint8_t *value = stun_build_attr(&b, STUN_ATTR_FINGERPRINT, lengths[i]);

		/* As right as it can be, but for its length. */
		if (value + 4 <= b.buf + b.len)
			wire_store_u32(value,
				       crc32_update(0, bytes_of(buf, at)) ^ STUN_FINGERPRINT_MAGIC);
		struct stun_msg msg = parse(&b);
		if (stun_auth_check_fingerprint(&msg) == STUN_AUTH_OK)
			fail_msg("%zu bytes", lengths[i]);
	}

	struct stun_builder b = request(buf, sizeof(buf));
	stun_auth_put_fingerprint(&b);
	stun_attr_put_bytes(&b, STUN_ATTR_SOFTWARE, BYTES("x"));
	struct stun_msg msg = parse(&b);
	assert_int_not_equal(stun_auth_check_fingerprint(&msg), STUN_AUTH_OK);
}

static void what_follows_integrity_has_no_effect(void **state)
{
	struct stun_key key = key_of("secret");
	uint8_t buf[256];
	struct stun_builder b = request(buf, sizeof(buf));

	stun_auth_put_integrity(&b, &key);
	stun_attr_put_bytes(&b, STUN_ATTR_REALM, BYTES("late"));
	stun_auth_put_sha256(&b, &key, STUN_SHA256_FULL);
	stun_attr_put_bytes(&b, STUN_ATTR_NONCE, BYTES("later"));
	stun_auth_put_integrity(&b, &key);
	stun_auth_put_fingerprint(&b);
	struct stun_msg msg = parse(&b);

	assert_false(stun_msg_has(&msg, STUN_ATTR_REALM));
	assert_false(stun_msg_has(&msg, STUN_ATTR_NONCE));
	assert_int_equal(stun_auth_check_integrity(&msg, &key), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check_sha256(&msg, &key, STUN_SHA256_FULL), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check_fingerprint(&msg), STUN_AUTH_OK);
}

static void a_second_integrity_does_not_count(void **state)
{
	struct stun_key key = key_of("secret"), other = key_of("other");
	uint8_t buf[256];
	struct stun_builder b = request(buf, sizeof(buf));

	stun_auth_put_integrity(&b, &other);
	stun_auth_put_integrity(&b, &key);
	struct stun_msg msg = parse(&b);
	assert_int_equal(stun_auth_check_integrity(&msg, &key), STUN_AUTH_WRONG);
	assert_int_equal(stun_auth_check_integrity(&msg, &other), STUN_AUTH_OK);
}

static enum stun_result put_nth(int which, struct stun_builder *b, const struct stun_key *key)
{
	if (which == 0)
		return stun_auth_put_integrity(b, key);
	if (which == 1)
		return stun_auth_put_sha256(b, key, STUN_SHA256_FULL);
	return stun_auth_put_fingerprint(b);
}

static void a_put_without_room_changes_nothing(void **state)
{
	static const size_t needs[] = { 24, 36, 8 };
	struct stun_key key = key_of("secret");

	for (int which = 0; which < 3; which++) {
		uint8_t buf[256], before[256];
		struct stun_builder b = request(buf, sizeof(buf));
		struct bytes raw;

		b.cap = b.len + needs[which] - 1;
		memcpy(before, buf, sizeof(buf));
		assert_int_equal(put_nth(which, &b, &key), STUN_NO_SPACE);
		assert_memory_equal(buf, before, b.len);
		assert_int_equal(stun_build_finish(&b, &raw), STUN_NO_SPACE);

		b = request(buf, sizeof(buf));
		b.cap = b.len + needs[which];
		assert_int_equal(put_nth(which, &b, &key), STUN_OK);
	}
}

static void the_largest_message_holds(void **state)
{
	static uint8_t buf[STUN_MESSAGE_MAX], data[65000];
	struct stun_key key = key_of("secret");
	struct stun_builder b = request(buf, sizeof(buf));

	memset(data, 0x5a, sizeof(data));
	stun_attr_put_bytes(&b, STUN_ATTR_DATA, bytes_of(data, sizeof(data)));
	/* Fills it up to the last byte that a length can name. */
	stun_build_attr(&b, STUN_ATTR_PADDING, 65532 + STUN_HEADER_LEN - b.len - 4 - 24 - 36 - 8);
	stun_auth_put_integrity(&b, &key);
	stun_auth_put_sha256(&b, &key, STUN_SHA256_FULL);
	stun_auth_put_fingerprint(&b);
	struct stun_msg msg = parse(&b);
	assert_int_equal(msg.raw.len, 65532 + STUN_HEADER_LEN);
	assert_int_equal(stun_auth_check_integrity(&msg, &key), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check_sha256(&msg, &key, STUN_SHA256_FULL), STUN_AUTH_OK);
	assert_int_equal(stun_auth_check_fingerprint(&msg), STUN_AUTH_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hmac_of_plain_bytes_is_that_of_rfc_2202_and_rfc_4231),
		cmocka_unit_test(an_empty_text_has_an_hmac_too),
		cmocka_unit_test(secrets_of_any_length_give_the_hmac_of_rfc_2104),
		cmocka_unit_test(long_term_secrets_are_hashes),
		cmocka_unit_test(quotes_and_trailing_nuls_do_not_count),
		cmocka_unit_test(an_unknown_algorithm_makes_no_key),
		cmocka_unit_test(a_wiped_key_is_gone),
		cmocka_unit_test(all_three_in_one_message_hold),
		cmocka_unit_test(what_is_not_there_is_absent),
		cmocka_unit_test(every_bit_is_protected),
		cmocka_unit_test(sha1_does_not_help_where_sha256_is_wrong),
		cmocka_unit_test(integrity_has_twenty_bytes),
		cmocka_unit_test(sha256_is_cut_where_the_usage_allows_it),
		cmocka_unit_test(a_cut_sha256_is_put_as_asked),
		cmocka_unit_test(fingerprint_has_four_bytes_and_is_last),
		cmocka_unit_test(what_follows_integrity_has_no_effect),
		cmocka_unit_test(a_second_integrity_does_not_count),
		cmocka_unit_test(a_put_without_room_changes_nothing),
		cmocka_unit_test(the_largest_message_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
