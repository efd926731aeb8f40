/* The nonce cookie, and what is refused as a bid-down (RFC 8489, section 9.2 and 18.1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stun_feature.h"

static const struct stun_tid tid = { { 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
				       12 } };

static void bits_are_counted_from_the_left(void **state)
{
	static const struct {
		uint32_t features;
		const char *cookie;
	} cases[] = {
		{ 0, "obMatJos2AAAA" },
		{ STUN_FEATURE_PASSWORD_ALGORITHMS, "obMatJos2gAAA" },
		{ STUN_FEATURE_USERNAME_ANONYMITY, "obMatJos2QAAA" },
		{ STUN_FEATURE_PASSWORD_ALGORITHMS | STUN_FEATURE_USERNAME_ANONYMITY,
		  "obMatJos2wAAA" },
		{ 2, "obMatJos2AAAC" }, /* RFC 8489, appendix B.1 */
		{ 0xffffff, "obMatJos2////" },
		{ 0xfbefbe, "obMatJos2++++" },
		{ 0x00108b, "obMatJos2ABCL" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char cookie[STUN_NONCE_COOKIE_LEN];
		uint32_t features = 7;

		stun_nonce_cookie_put(cases[i].features, cookie);
		assert_memory_equal(cookie, cases[i].cookie, sizeof(cookie));
		assert_true(stun_nonce_cookie_get(bytes_of(cookie, sizeof(cookie)), &features));
		assert_int_equal(features, cases[i].features);
	}
}

static void every_bit_goes_there_and_back(void **state)
{
	char cookie[STUN_NONCE_COOKIE_LEN];

	for (uint32_t bit = 0; bit < 24; bit++) {
		uint32_t features;

		stun_nonce_cookie_put(1u << bit, cookie);
		assert_true(stun_nonce_cookie_get(bytes_of(cookie, sizeof(cookie)), &features));
		assert_int_equal(features, 1u << bit);
	}
	stun_nonce_cookie_put(0, cookie);
	assert_memory_equal(cookie, "obMatJos2AAAA", STUN_NONCE_COOKIE_LEN);
}

static void other_nonces_have_no_cookie(void **state)
{
	static const struct {
		const char *why;
		struct bytes nonce;
	} cases[] = {
		{ "empty", BYTES("") },
		{ "none", { 0 } },
		{ "a byte less", BYTES("obMatJos2AAA") },
		{ "another word", BYTES("obMatJos3AAAA") },
		{ "another case", BYTES("OBMATJOS2AAAA") },
		{ "not at the start", BYTES(" obMatJos2AAAA") },
		{ "no base64", BYTES("obMatJos2AA=A") },
		{ "no base64, of URLs", BYTES("obMatJos2AA-_") },
		{ "NUL", BYTES("obMatJos2AAA\0") },
		{ "not ASCII", BYTES("obMatJos2AAA\xc1") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t features = 7;

		if (stun_nonce_cookie_get(cases[i].nonce, &features) || features != 7)
			fail_msg("%s", cases[i].why);
	}
}

/* SHA-256, then MD5, as they stand in a value. */
static const uint8_t both[] = { 0, 2, 0, 0, 0, 1, 0, 0 };
static const uint8_t swapped[] = { 0, 1, 0, 0, 0, 2, 0, 0 };
static const uint8_t weak[] = { 0, 1, 0, 0 };

#define COOKIE_ON  "obMatJos2gAAAx"
#define COOKIE_OFF "obMatJos2QAAAx"

struct shape {
	const char *why, *nonce;
	struct bytes all; /* PASSWORD-ALGORITHMS; empty: not there */
	struct bytes one; /* PASSWORD-ALGORITHM; empty: not there */
	bool ok;
	uint16_t algorithm;
};

static struct stun_msg build(const struct shape *s, enum stun_class class, uint8_t *buf, size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, TURN_ALLOCATE, class, &tid);
	struct stun_msg msg;
	struct bytes raw;

	if (s->nonce != NULL)
		stun_attr_put_bytes(&b, STUN_ATTR_NONCE, bytes_of_str(s->nonce));
	if (s->all.len > 0)
		memcpy(stun_build_attr(&b, STUN_ATTR_PASSWORD_ALGORITHMS, s->all.len), s->all.data,
		       s->all.len);
	if (s->one.len > 0)
		memcpy(stun_build_attr(&b, STUN_ATTR_PASSWORD_ALGORITHM, s->one.len), s->one.data,
		       s->one.len);
	assert_int_equal(stun_build_finish(&b, &raw), STUN_OK);
	assert_int_equal(stun_msg_parse(raw, &msg), STUN_OK);
	return msg;
}

static void a_client_notices_that_algorithms_are_missing(void **state)
{
	static const struct shape cases[] = {
		{ "all there", COOKIE_ON, BYTES("\0\2\0\0"), { 0 }, true, 0 },
		{ "taken away", COOKIE_ON, { 0 }, { 0 }, false, 0 },
		{ "not announced", COOKIE_OFF, { 0 }, { 0 }, true, 0 },
		{ "no cookie", "obMat", { 0 }, { 0 }, true, 0 },
		{ "no nonce", NULL, { 0 }, { 0 }, true, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t buf[128];
		struct stun_msg msg = build(&cases[i], STUN_ERROR, buf, sizeof(buf));

		if (stun_feature_is_bid_down(&msg) == cases[i].ok)
			fail_msg("%s", cases[i].why);
	}
}

static void a_server_takes_what_it_offered(void **state)
{
	const struct bytes offered = bytes_of(both, sizeof(both));
	const struct bytes sha256 = BYTES("\0\2\0\0"), md5 = BYTES("\0\1\0\0"), none = { 0 };
	const struct shape cases[] = {
		{ "the better one", COOKIE_ON, offered, sha256, true, STUN_PASSWORD_SHA256 },
		{ "the other one", COOKIE_ON, offered, md5, true, STUN_PASSWORD_MD5 },
		{ "an old client", COOKIE_ON, none, none, true, STUN_PASSWORD_MD5 },
		{ "not announced", COOKIE_OFF, none, none, true, STUN_PASSWORD_MD5 },
		{ "not announced, named", COOKIE_OFF, offered, sha256, true, STUN_PASSWORD_MD5 },
		{ "no nonce", NULL, offered, sha256, true, STUN_PASSWORD_MD5 },
		{ "list alone", COOKIE_ON, offered, none, false, 0 },
		{ "choice alone", COOKIE_ON, none, sha256, false, 0 },
		{ "list in another order", COOKIE_ON, bytes_of(swapped, sizeof(swapped)), sha256,
		  false, 0 },
		{ "list made weaker", COOKIE_ON, bytes_of(weak, sizeof(weak)), md5, false, 0 },
		{ "not among the list", COOKIE_ON, offered, BYTES("\0\3\0\0"), false, 0 },
		{ "with parameters", COOKIE_ON, offered, BYTES("\0\2\0\4abcd"), false, 0 },
		{ "cut short", COOKIE_ON, offered, BYTES("\0\2\0"), false, 0 },
		{ "parameters cut short", COOKIE_ON, offered, BYTES("\0\2\0\4"), false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t buf[128];
		struct stun_msg msg = build(&cases[i], STUN_REQUEST, buf, sizeof(buf));
		uint16_t algorithm = 0;

		if (stun_feature_algorithm(&msg, offered, &algorithm) != cases[i].ok ||
		    algorithm != cases[i].algorithm)
			fail_msg("%s: algorithm %u", cases[i].why, algorithm);
	}
}

static void a_server_that_offered_none_takes_none(void **state)
{
	const struct shape named = { "named",           COOKIE_ON, bytes_of(both, sizeof(both)),
				     BYTES("\0\2\0\0"), false,     0 };
	uint8_t buf[128];
	struct stun_msg msg = build(&named, STUN_REQUEST, buf, sizeof(buf));
	uint16_t algorithm = 7;

	assert_false(stun_feature_algorithm(&msg, (struct bytes){ 0 }, &algorithm));
	assert_int_equal(algorithm, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bits_are_counted_from_the_left),
		cmocka_unit_test(every_bit_goes_there_and_back),
		cmocka_unit_test(other_nonces_have_no_cookie),
		cmocka_unit_test(a_client_notices_that_algorithms_are_missing),
		cmocka_unit_test(a_server_takes_what_it_offered),
		cmocka_unit_test(a_server_that_offered_none_takes_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
