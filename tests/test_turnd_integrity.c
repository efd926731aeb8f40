/* What stands in a request that was signed: bidding down, cutting off, adding to it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "stun_feature.h"
#include "turnd_kit.h"

struct bid {
	const char *why;
	struct bytes one, all; /* empty: left out */
	bool by_sha256, with_sha256_key;
	uint16_t expected;
};

#define ALL    BYTES("\0\2\0\0\0\1\0\0")
#define SHA256 BYTES("\0\2\0\0")
#define MD5    BYTES("\0\1\0\0")

static uint16_t make_bid(const struct bid *bid)
{
	struct stun_builder *b;

	rig_prepare(&c, TURN_REFRESH);
	b = &c.b;
	assert_true(stun_key_long_term(
		&c.key, bid->with_sha256_key ? STUN_PASSWORD_SHA256 : STUN_PASSWORD_MD5, c.user,
		bytes_of(c.realm, c.realm_len), c.password));
	(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME, c.user);
	(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, bytes_of(c.realm, c.realm_len));
	(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, bytes_of(c.nonce, c.nonce_len));
	if (bid->all.len > 0)
		memcpy(stun_build_attr(b, STUN_ATTR_PASSWORD_ALGORITHMS, bid->all.len),
		       bid->all.data, bid->all.len);
	if (bid->one.len > 0)
		memcpy(stun_build_attr(b, STUN_ATTR_PASSWORD_ALGORITHM, bid->one.len),
		       bid->one.data, bid->one.len);
	if (bid->by_sha256)
		(void)stun_auth_put_sha256(b, &c.key, STUN_SHA256_FULL);
	else
		(void)stun_auth_put_integrity(b, &c.key);
	return rig_send_request(&c);
}

static void nobody_bids_down(void **state)
{
	static const struct bid bids[] = {
		{ "RFC 5389", BYTES(""), BYTES(""), false, false, 0 },
		{ "RFC 8489", SHA256, ALL, true, true, 0 },
		{ "RFC 8489 with MD5 named", MD5, ALL, true, false, 0 },
		{ "SHA-256 named and SHA-1 used", SHA256, ALL, false, true, 0 },
		{ "the list taken out", SHA256, BYTES(""), true, true, 400 },
		{ "the choice taken out", BYTES(""), ALL, true, true, 400 },
		{ "both taken out", BYTES(""), BYTES(""), true, true, 401 },
		{ "SHA-256 taken out of the list", MD5, MD5, true, false, 400 },
		{ "the list turned round", MD5, BYTES("\0\1\0\0\0\2\0\0"), true, false, 400 },
		{ "the list longer", SHA256, BYTES("\0\2\0\0\0\1\0\0\0\3\0\0"), true, true, 400 },
		{ "a choice that was not offered", BYTES("\0\3\0\0"), ALL, true, true, 400 },
		{ "a choice with parameters", BYTES("\0\2\0\4abcd"), ALL, true, true, 400 },
		{ "a choice of half a number", BYTES("\0\2"), ALL, true, true, 400 },
		{ "another algorithm than named", MD5, ALL, true, true, 401 },
		{ "the other way round", SHA256, ALL, true, false, 401 },
	};

	start();
	assert_int_equal(rig_allocate(&c), 0);
	for (size_t i = 0; i < ARRAY_LEN(bids); i++) {
		uint16_t code = make_bid(&bids[i]);

		if (code != bids[i].expected)
			fail_msg("%s: %d", bids[i].why, code);
	}
}

/* The features stand in the nonce, and a nonce that was changed is none. */
static void a_cookie_that_was_changed_is_no_nonce(void **state)
{
	struct bid plain = { "without the bit", BYTES(""), BYTES(""), false, false, 438 };
	struct bid named = { "named all the same", SHA256, ALL, true, false, 438 };

	start();
	assert_int_equal(rig_allocate(&c), 0);
	stun_nonce_cookie_put(STUN_FEATURE_USERNAME_ANONYMITY, (char *)c.nonce);
	assert_int_equal(make_bid(&plain), 438);
	assert_int_equal(make_bid(&named), 438);
	stun_nonce_cookie_put(0, (char *)c.nonce);
	assert_int_equal(make_bid(&plain), 438);
	memcpy(c.nonce, "xbMat", 5);
	assert_int_equal(make_bid(&plain), 438);
}

static void a_signature_that_is_cut_is_wrong(void **state)
{
	start();
	c.sha256 = true;
	assert_int_equal(rig_allocate(&c), 0);
	for (size_t len = STUN_SHA256_MIN; len <= STUN_SHA256_FULL; len += 4) {
		struct stun_algorithm chosen = { .number = STUN_PASSWORD_SHA256 };
		struct stun_builder *b = rig_request(&c, TURN_REFRESH);

		(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME, c.user);
		(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, RIG_REALM);
		(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, bytes_of(c.nonce, c.nonce_len));
		memcpy(stun_build_attr(b, STUN_ATTR_PASSWORD_ALGORITHMS, ALL.len), ALL.data,
		       ALL.len);
		(void)stun_attr_put_algorithm(b, &chosen);
		(void)stun_auth_put_sha256(b, &c.key, len);
		assert_int_equal(rig_send_request(&c), len == STUN_SHA256_FULL ? 0 : 401);
	}
}

static void a_hash_stands_for_a_name(void **state)
{
	static uint8_t wrong[STUN_USERHASH_LEN + 4];

	start();
	c.sha256 = c.userhash = true;
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_refresh(&c, 600), 0);
	rig_become(&c, BYTES("bob"), BYTES("swordfish"));
	assert_int_equal(rig_refresh(&c, 600), 441);
	rig_become(&c, BYTES("nobody"), BYTES("swordfish"));
	assert_int_equal(rig_refresh(&c, 600), 401);
	for (size_t len = 0; len <= sizeof(wrong); len += 4) {
		struct stun_builder *b = rig_request(&c, TURN_REFRESH);

		memcpy(stun_build_attr(b, STUN_ATTR_USERHASH, len), wrong, len);
		(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, RIG_REALM);
		(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, bytes_of(c.nonce, c.nonce_len));
		(void)stun_auth_put_integrity(b, &c.key);
		assert_int_equal(rig_send_request(&c), 401);
	}
}

static void a_name_goes_before_a_hash(void **state)
{
	uint8_t hash[STUN_USERHASH_LEN];

	start();
	assert_int_equal(rig_allocate(&c), 0);
	stun_userhash(BYTES("bob"), RIG_REALM, hash);
	rig_prepare(&c, TURN_REFRESH);
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_USERHASH, bytes_of(hash, sizeof(hash)));
	assert_int_equal(rig_ask(&c), 0);
}

/* One attribute behind the integrity of a request that would be granted without it. */
static uint16_t append(uint16_t method, uint16_t type, struct bytes value)
{
	uint8_t *to;

	rig_prepare(&c, method);
	rig_sign(&c);
	to = stun_build_attr(&c.b, type, value.len);
	assert_non_null(to);
	if (value.len > 0)
		memcpy(to, value.data, value.len);
	return rig_send_request(&c);
}

static void what_stands_behind_the_integrity_has_no_effect(void **state)
{
	static const struct {
		uint16_t type;
		struct bytes value;
	} added[] = {
		{ STUN_ATTR_LIFETIME, BYTES("\0\0\0\0") }, /* would delete the allocation */
		{ STUN_ATTR_LIFETIME, BYTES("\0") },       /* 400 */
		{ STUN_ATTR_XOR_PEER_ADDRESS, BYTES("\0\1\0\0\x4b\x12\xa4\x43") }, /* 403 */
		{ STUN_ATTR_CHANNEL_NUMBER, BYTES("\xff\xff\0\0") },
		{ STUN_ATTR_REQUESTED_ADDRESS_FAMILY, BYTES("\7\0\0\0") },
		{ STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, BYTES("\2\0\0\0") },
		{ STUN_ATTR_REQUESTED_TRANSPORT, BYTES("\xff\0\0\0") },
		{ STUN_ATTR_EVEN_PORT, BYTES("\x80") },
		{ STUN_ATTR_RESERVATION_TOKEN, BYTES("12345678") },
		{ STUN_ATTR_DONT_FRAGMENT, BYTES("1") },
		{ STUN_ATTR_MOBILITY_TICKET, BYTES("12345678") },
		{ STUN_ATTR_CONNECTION_ID, BYTES("1") },
		{ STUN_ATTR_USERNAME, BYTES("bob") },
		{ STUN_ATTR_USERHASH, BYTES("bob") },
		{ STUN_ATTR_REALM, BYTES("example.net") },
		{ STUN_ATTR_NONCE, BYTES("x") },
		{ STUN_ATTR_ACCESS_TOKEN, BYTES("x") },
		{ STUN_ATTR_PASSWORD_ALGORITHM, SHA256 }, /* half of a pair: 400 */
		{ STUN_ATTR_PASSWORD_ALGORITHMS, MD5 },
		{ STUN_ATTR_MESSAGE_INTEGRITY, BYTES("12345678901234567890") },
		{ STUN_ATTR_ORIGIN, BYTES("https://example.net") },
		{ 0x7777, BYTES("abcd") }, /* 420 */
	};
	static const uint16_t methods[] = { TURN_REFRESH, TURN_CREATE_PERMISSION,
					    TURN_CHANNEL_BIND };
	const struct alloc *a;

	start();
	rig_use_tokens(&r);
	assert_int_equal(rig_allocate(&c), 0);
	a = turnd_next(r.worker[0].turnd, NULL);
	for (size_t i = 0; i < ARRAY_LEN(added); i++) {
		for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
			uint16_t code = append(methods[m], added[i].type, added[i].value);

			if (code != 0)
				fail_msg("%s in %s: %d", stun_attr_name(added[i].type),
					 stun_method_name(methods[m]), code);
			assert_int_equal(turnd_count(r.worker[0].turnd), 1);
			assert_int_equal(a->until_ms, r.now.us / 1000 + 600000);
		}
	}
	assert_int_equal(peers_count_permissions(&a->flow.peers, r.now.us / 1000), 1);
}

/* SHA-256 may stand behind SHA-1; then it alone counts. */
static void a_second_integrity_is_the_one_that_counts(void **state)
{
	uint8_t wrong[STUN_SHA256_FULL] = { 0 };

	start();
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(append(TURN_REFRESH, STUN_ATTR_MESSAGE_INTEGRITY_SHA256,
				bytes_of(wrong, sizeof(wrong))),
			 401);
	rig_prepare(&c, TURN_REFRESH);
	rig_sign(&c);
	(void)stun_auth_put_sha256(&c.b, &c.key, STUN_SHA256_FULL);
	assert_int_equal(rig_send_request(&c), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_bids_down),
		TEST(a_cookie_that_was_changed_is_no_nonce),
		TEST(a_signature_that_is_cut_is_wrong),
		TEST(a_hash_stands_for_a_name),
		TEST(a_name_goes_before_a_hash),
		TEST(what_stands_behind_the_integrity_has_no_effect),
		TEST(a_second_integrity_is_the_one_that_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
