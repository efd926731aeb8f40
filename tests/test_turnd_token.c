/* Access tokens of an authorization server (RFC 7635). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd_kit.h"

/* A token of the authorization server, and a client who has it. */
static void bring_token(struct bytes kid, uint32_t lifetime_s, uint8_t value[static TOKEN_LEN_MAX])
{
	static const uint8_t nonce[SEAL_NONCE_LEN] = "never twice";
	struct token_content content = {
		.mac_key = BYTES("a key of twenty bytes"),
		.timestamp = r.now.wall_s << 16,
		.lifetime_s = lifetime_s,
	};

	c.user = kid;
	c.mac_key = content.mac_key;
	c.token = bytes_of(value, token_make(r.tokens, kid, &content, nonce, value, TOKEN_LEN_MAX));
	assert_true(c.token.len > 0);
}

static void a_token_signs_for_its_user(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	rig_use_tokens(&r);
	start();
	bring_token(RIG_KID, 600, value);
	for (int sha256 = 0; sha256 < 2; sha256++) {
		c.sha256 = sha256 == 1;
		assert_int_equal(rig_allocate(&c), 0);
		assert_int_equal(rig_refresh(&c, 300), 0);
		assert_int_equal(ask(&c, TURN_CREATE_PERMISSION), 0);
		assert_int_equal(rig_refresh(&c, 0), 0);
	}
}

/* turnutils_uclient signs with 16 bytes of 20; its server checks no more. */
static void the_cut_key_of_coturn_signs_too(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	rig_use_tokens(&r);
	start();
	bring_token(RIG_KID, 600, value);
	c.mac_key.len = TOKEN_MAC_KEY_CUT;
	assert_int_equal(rig_allocate(&c), 0);
	assert_true(c.is_signed);
	assert_int_equal(rig_refresh(&c, 300), 0);
	assert_int_equal(ask(&c, TURN_CREATE_PERMISSION), 0);
	c.mac_key.len--;
	assert_int_equal(rig_refresh(&c, 300), 401);
}

/* A token names nobody: what limits one user would limit them all. */
static void tokens_have_a_quota_of_their_own(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];
	struct rig_client other;

	rig_use_tokens(&r);
	start();
	r.realms[0].limits.user_allocations = 1;
	r.realms[0].limits.user_bytes_per_s = 1;
	bring_token(RIG_KID, 600, value);
	other = c;
	other.tuple.client.port++;
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_allocate(&other), 0);
	assert_null(turnd_next(r.worker[0].turnd, NULL)->flow.share);
	assert_int_equal(rig_refresh(&other, 0), 0);
	r.realms[0].limits.token_allocations = 1;
	assert_int_equal(rig_allocate(&other), 486);
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(rig_allocate(&other), 0);
}

static void a_token_of_a_newer_key_refreshes(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	rig_use_tokens(&r);
	start();
	bring_token(RIG_KID, 600, value);
	assert_int_equal(rig_allocate(&c), 0);
	bring_token(RIG_OTHER_KID, 600, value);
	assert_int_equal(rig_refresh(&c, 600), 0);
	assert_true(c.is_signed);
	bring_token(RIG_KID, 300, value); /* a new one of the first key */
	assert_int_equal(rig_refresh(&c, 600), 0);
}

/* Signs with the key of the token, and leaves the token out. */
static uint16_t ask_without_token(uint16_t method)
{
	rig_prepare(&c, method);
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_USERNAME, c.user);
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_REALM, bytes_of(c.realm, c.realm_len));
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_NONCE, bytes_of(c.nonce, c.nonce_len));
	stun_key_make(&c.key, c.mac_key);
	(void)stun_auth_put_integrity(&c.b, &c.key);
	return rig_send_request(&c);
}

static void the_key_of_a_token_is_good_for_its_allocation_only(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	rig_use_tokens(&r);
	start();
	bring_token(RIG_KID, 600, value);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(ask_without_token(TURN_ALLOCATE), 401);
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(ask_without_token(TURN_CREATE_PERMISSION), 0);
	assert_int_equal(ask_without_token(TURN_CHANNEL_BIND), 0);
	assert_int_equal(ask_without_token(TURN_REFRESH), 0);
	c.mac_key = BYTES("another key of such a length");
	assert_int_equal(ask_without_token(TURN_CREATE_PERMISSION), 401);

	/* In the other realm it is none, and its user is nobody. */
	c.realm_id = snapshot_realm_id(RIG_OTHER);
	c.mac_key = BYTES("a key of twenty bytes");
	assert_int_equal(ask_without_token(TURN_CREATE_PERMISSION), 401);
	r.realms[1].tokens = r.tokens;
	assert_int_equal(rig_refresh(&c, 600), 441);
	c.realm_id = 0;

	/* Somebody else with a password, on the same 5-tuple. */
	c.token.len = 0;
	rig_become(&c, BYTES("bob"), BYTES("swordfish"));
	assert_int_equal(rig_refresh(&c, 600), 441);
}

static void a_token_that_is_wrong_is_401(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	rig_use_tokens(&r);
	start();
	bring_token(RIG_KID, 600, value);
	assert_int_equal(rig_challenge(&c), 401);
	c.user = RIG_OTHER_KID;
	assert_int_equal(rig_allocate(&c), 401);
	c.user = RIG_KID;
	value[20] ^= 1; /* changed */
	assert_int_equal(rig_allocate(&c), 401);
	value[20] ^= 1;
	c.token.len--; /* cut */
	assert_int_equal(rig_allocate(&c), 401);
	c.token.len++;
	c.mac_key = BYTES("not the key in the token");
	assert_int_equal(rig_allocate(&c), 401);
	c.mac_key = BYTES("a key of twenty bytes");
	r.now.wall_s += 595; /* the nonce is good yet */
	assert_int_equal(rig_challenge(&c), 401);
	r.now.wall_s += 5; /* the token is not */
	assert_int_equal(rig_allocate(&c), 401);
	assert_true(c.is_signed);
	r.now.wall_s += 5; /* nor does it open any more */
	assert_int_equal(rig_allocate(&c), 401);
	assert_false(c.is_signed);
	r.now.wall_s -= 6;
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(c.lifetime_s, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_signs_for_its_user),
		TEST(the_cut_key_of_coturn_signs_too),
		TEST(tokens_have_a_quota_of_their_own),
		TEST(a_token_of_a_newer_key_refreshes),
		TEST(the_key_of_a_token_is_good_for_its_allocation_only),
		TEST(a_token_that_is_wrong_is_401),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
