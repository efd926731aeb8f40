/* Who signed a request: every way to be wrong, and what it is answered with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "alloc_count.h"
#include "stun_feature.h"
#include "turnd/auth.h"
#include "turnd_rig.h"

#define SECRET    BYTES("north")
#define NAME      BYTES("turn.example")
#define KID       BYTES("key-1")
#define OTHER_KID BYTES("key-2")

static struct rig r;
static struct rig_client c;
static struct token_keys *tokens;

static void start(void)
{
	rig_start(&r);
	rig_client(&c, &r, 4000);
}

static int prepare(void **state)
{
	rig_init(&r);
	return 0;
}

static int stop(void **state)
{
	rig_stop(&r);
	token_keys_free(tokens);
	tokens = NULL;
	return 0;
}

static struct addr a_peer(void)
{
	return addr_ipv4(91, 80, 9, 9, 7000);
}

/* A request of the method that is in order but for who sends it. */
static void ask_for(struct rig_client *who, uint16_t method)
{
	struct stun_builder *b = rig_request(who, method);
	struct addr peer = a_peer();

	switch (method) {
	case TURN_ALLOCATE:
		(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, 17);
		break;
	case TURN_CHANNEL_BIND:
		(void)stun_attr_put_u16(b, STUN_ATTR_CHANNEL_NUMBER, 0x4001);
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		break;
	case TURN_CREATE_PERMISSION:
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
		break;
	default:
		break;
	}
}

static uint16_t ask(struct rig_client *who, uint16_t method)
{
	ask_for(who, method);
	return rig_ask(who);
}

/* Time-limited credentials beside the users with passwords. */
static void add_timed(struct users_credential *out, uint64_t until_s)
{
	static const uint8_t key[USERS_KEY_LEN] = "another key";
	uint32_t line;

	users_free(r.users[0]);
	assert_int_equal(users_new(RIG_REALM, key, &r.users[0]), USERS_OK);
	assert_int_equal(users_add(r.users[0], BYTES("alice"), BYTES("open sesame")), USERS_OK);
	assert_int_equal(users_add(r.users[0], BYTES("bob"), BYTES("swordfish")), USERS_OK);
	assert_int_equal(users_add_secret(r.users[0], SECRET, USERS_SHA1), USERS_OK);
	assert_int_equal(users_finish(r.users[0], &line), USERS_OK);
	r.realms[0].users = r.users[0];
	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, ':', BYTES("carol"), until_s, out),
			 USERS_OK);
}

static void sign_in(struct rig_client *who, struct bytes user, struct bytes password)
{
	who->user = user;
	who->password = password;
}

enum who { NOBODY, GUESSER, STRANGER, OTHER, EXPIRED, GOOD, KINDS };

static const char *const names[KINDS] = { "no credentials", "bad password", "unknown user",
					  "another user",   "expired",      "good" };

static void become(enum who who, const struct users_credential *timed)
{
	c.challenged = who != NOBODY;
	switch (who) {
	case GUESSER:
		sign_in(&c, BYTES("alice"), BYTES("open sesam"));
		break;
	case STRANGER:
		sign_in(&c, BYTES("alicf"), BYTES("open sesame"));
		break;
	case OTHER:
		sign_in(&c, BYTES("bob"), BYTES("swordfish"));
		break;
	case EXPIRED:
		sign_in(&c, bytes_of_str(timed->username), bytes_of_str(timed->password));
		break;
	default:
		sign_in(&c, BYTES("alice"), BYTES("open sesame"));
		break;
	}
}

struct row {
	uint16_t method;
	uint16_t expected[KINDS];
};

/* Alice has the allocation; only of EXPIRED it is Carol's. */
static void run_matrix(bool is_strict)
{
	const struct row rows[] = {
		{ TURN_ALLOCATE, { 401, 401, 401, 437, 401, 437 } },
		{ TURN_REFRESH, { 401, 401, 401, 441, is_strict ? 401 : 0, 0 } },
		{ TURN_CREATE_PERMISSION, { 401, 401, 401, 441, is_strict ? 401 : 0, 0 } },
		{ TURN_CHANNEL_BIND, { 401, 401, 401, 441, is_strict ? 401 : 0, 0 } },
	};
	struct users_credential timed;
	uint16_t port = 4000;

	add_timed(&timed, RIG_WALL_S + 60);
	r.realms[0].strict_expiry = is_strict;
	start();
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i / 2];

		for (enum who who = NOBODY; who < KINDS; who++) {
			uint16_t code;

			r.now.wall_s = RIG_WALL_S;
			rig_client(&c, &r, ++port);
			c.sha256 = i % 2 == 1;
			become(who == EXPIRED ? EXPIRED : GOOD, &timed);
			c.challenged = false;
			assert_int_equal(rig_allocate(&c), 0);
			r.now.wall_s += 61;
			become(who, &timed);
			code = ask(&c, row->method);
			if (code != row->expected[who])
				fail_msg("%s, %s: %d", stun_method_name(row->method), names[who],
					 code);
			assert_int_equal(c.is_signed, who >= OTHER);
			become(who == EXPIRED ? EXPIRED : GOOD, &timed);
			r.now.wall_s = RIG_WALL_S;
			assert_int_equal(rig_refresh(&c, 0), 0); /* it was not touched */
		}
	}
}

static void each_method_asks_who_it_is(void **state)
{
	run_matrix(false);
}

static void strict_realms_refresh_nothing_with_old_credentials(void **state)
{
	run_matrix(true);
}

static void expired_credentials_allocate_nothing(void **state)
{
	struct users_credential timed;

	add_timed(&timed, RIG_WALL_S + 60);
	start();
	sign_in(&c, bytes_of_str(timed.username), bytes_of_str(timed.password));
	r.now.wall_s += 59;
	assert_int_equal(rig_challenge(&c), 401);
	r.now.wall_s += 1;
	assert_int_equal(rig_allocate(&c), 401);
	assert_true(c.is_signed);
	assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	r.now.wall_s -= 1;
	assert_int_equal(rig_allocate(&c), 0);
}

static void a_signature_without_its_attributes_is_400(void **state)
{
	static const uint16_t needed[] = { STUN_ATTR_USERNAME, STUN_ATTR_REALM, STUN_ATTR_NONCE };

	start();
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_allocate(&c), 0);
	for (size_t missing = 0; missing < ARRAY_LEN(needed); missing++) {
		for (int kind = 0; kind < 2; kind++) {
			struct stun_builder *b = rig_request(&c, TURN_REFRESH);
			struct bytes realm = bytes_of(c.realm, c.realm_len);
			struct bytes nonce = bytes_of(c.nonce, c.nonce_len);

			if (missing != 0)
				(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME, c.user);
			if (missing != 1)
				(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, realm);
			if (missing != 2)
				(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, nonce);
			if (kind == 0)
				(void)stun_auth_put_integrity(b, &c.key);
			else
				(void)stun_auth_put_sha256(b, &c.key, STUN_SHA256_FULL);
			assert_int_equal(rig_send_request(&c), 400);
			assert_false(c.is_signed);
			assert_false(stun_msg_has(&r.answer, STUN_ATTR_NONCE));
		}
	}
}

static bool find(uint16_t type, struct bytes *value)
{
	return rig_find(&r, type, value);
}

static void check_challenge(bool has_tokens, bool has_userhash)
{
	static const uint8_t both[] = { 0, 2, 0, 0, 0, 1, 0, 0 };
	struct nonce_facts facts;
	struct bytes value;

	assert_true(find(STUN_ATTR_REALM, &value));
	assert_true(bytes_equal(value, RIG_REALM));
	assert_true(find(STUN_ATTR_PASSWORD_ALGORITHMS, &value));
	assert_true(bytes_equal(value, bytes_of(both, sizeof(both))));
	assert_true(find(STUN_ATTR_NONCE, &value));
	assert_int_equal(
		nonce_check(&r.snapshot.nonces, value, &c.tuple.client, r.now.wall_s, &facts),
		NONCE_FRESH);
	assert_int_equal(facts.features,
			 STUN_FEATURE_PASSWORD_ALGORITHMS |
				 (has_userhash ? STUN_FEATURE_USERNAME_ANONYMITY : 0));
	assert_int_equal(find(STUN_ATTR_THIRD_PARTY_AUTHORIZATION, &value), has_tokens);
	if (has_tokens)
		assert_true(bytes_equal(value, NAME));
	assert_false(find(STUN_ATTR_USERNAME, &value) || find(STUN_ATTR_USERHASH, &value));
}

static void use_tokens(void)
{
	struct token_key key = {
		.kid = KID,
		.algorithm = TOKEN_A256GCM,
		.secret = BYTES("the authorization server's secret"),
		.until_s = UINT64_MAX,
	};

	tokens = token_keys_new(NAME);
	assert_non_null(tokens);
	assert_true(token_keys_add(tokens, &key));
	key.kid = OTHER_KID;
	key.secret = BYTES("another secret, of the same length");
	assert_true(token_keys_add(tokens, &key));
	r.realms[0].tokens = tokens;
}

static void every_challenge_is_whole(void **state)
{
	struct users_credential timed;

	start();
	assert_int_equal(rig_challenge(&c), 401);
	check_challenge(false, true);
	sign_in(&c, BYTES("alice"), BYTES("wrong"));
	assert_int_equal(rig_allocate(&c), 401);
	check_challenge(false, true);
	sign_in(&c, BYTES("alice"), BYTES("open sesame"));
	r.now.wall_s += 600;
	assert_int_equal(rig_allocate(&c), 438);
	check_challenge(false, true);

	use_tokens();
	assert_int_equal(rig_challenge(&c), 401);
	check_challenge(true, true);
	c.nonce[30] ^= 1;
	assert_int_equal(rig_allocate(&c), 438);
	check_challenge(true, true);

	add_timed(&timed, r.now.wall_s + 60);
	assert_int_equal(rig_challenge(&c), 401);
	check_challenge(true, false); /* Carol's hash could not be found */
}

static void a_right_password_with_a_wrong_nonce_is_438_and_signed(void **state)
{
	struct addr client;

	start();
	client = c.tuple.client;
	for (int sha256 = 0; sha256 < 2; sha256++) {
		c.sha256 = sha256 == 1;
		c.tuple.client = client;
		assert_int_equal(rig_challenge(&c), 401);
		r.now.wall_s += 600;
		assert_int_equal(rig_allocate(&c), 438);
		assert_true(c.is_signed);
		rig_learn(&c);
		c.tuple.client.port++;
		assert_int_equal(rig_allocate(&c), 438);
		assert_true(c.is_signed);
		c.tuple.client = addr_ipv4(91, 80, 1, 2, 4000);
		assert_int_equal(rig_allocate(&c), 438);
		assert_true(c.is_signed);
		c.nonce[40] ^= 1;
		assert_int_equal(rig_allocate(&c), 438);
		assert_true(c.is_signed);
		c.password = BYTES("wrong");
		assert_int_equal(rig_allocate(&c), 401); /* the nonce comes last */
		assert_false(c.is_signed);
		c.password = BYTES("open sesame");
		assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	}
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_allocate(&c), 0);
}

static void a_rotated_key_leaves_nonces_good(void **state)
{
	static const uint8_t next[NONCE_KEY_LEN] = "the next key", last[NONCE_KEY_LEN] = "the last";

	start();
	assert_int_equal(rig_challenge(&c), 401);
	nonce_keys_rotate(&r.snapshot.nonces, next);
	assert_int_equal(rig_allocate(&c), 0);
	nonce_keys_rotate(&r.snapshot.nonces, last);
	assert_int_equal(rig_refresh(&c, 600), 438);
	rig_learn(&c);
	assert_int_equal(rig_refresh(&c, 600), 0);
}

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

	ask_for(&c, TURN_REFRESH);
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
	sign_in(&c, BYTES("bob"), BYTES("swordfish"));
	assert_int_equal(rig_refresh(&c, 600), 441);
	sign_in(&c, BYTES("nobody"), BYTES("swordfish"));
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
	ask_for(&c, TURN_REFRESH);
	(void)stun_attr_put_bytes(&c.b, STUN_ATTR_USERHASH, bytes_of(hash, sizeof(hash)));
	assert_int_equal(rig_ask(&c), 0);
}

/* One attribute behind the integrity of a request that would be granted without it. */
static uint16_t append(uint16_t method, uint16_t type, struct bytes value)
{
	uint8_t *to;

	ask_for(&c, method);
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
	use_tokens();
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
	ask_for(&c, TURN_REFRESH);
	rig_sign(&c);
	(void)stun_auth_put_sha256(&c.b, &c.key, STUN_SHA256_FULL);
	assert_int_equal(rig_send_request(&c), 0);
}

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
	c.token = bytes_of(value, token_make(tokens, kid, &content, nonce, value, TOKEN_LEN_MAX));
	assert_true(c.token.len > 0);
}

static void a_token_signs_for_its_user(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	use_tokens();
	start();
	bring_token(KID, 600, value);
	for (int sha256 = 0; sha256 < 2; sha256++) {
		c.sha256 = sha256 == 1;
		assert_int_equal(rig_allocate(&c), 0);
		assert_int_equal(rig_refresh(&c, 300), 0);
		assert_int_equal(ask(&c, TURN_CREATE_PERMISSION), 0);
		assert_int_equal(rig_refresh(&c, 0), 0);
	}
}

static void tokens_of_another_key_are_another_user_s(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	use_tokens();
	start();
	bring_token(KID, 600, value);
	assert_int_equal(rig_allocate(&c), 0);
	bring_token(OTHER_KID, 600, value);
	assert_int_equal(rig_refresh(&c, 600), 441);
	assert_true(c.is_signed);
	bring_token(KID, 300, value); /* a new one of the same key */
	assert_int_equal(rig_refresh(&c, 600), 0);
}

/* Signs with the key of the token, and leaves the token out. */
static uint16_t ask_without_token(uint16_t method)
{
	ask_for(&c, method);
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

	use_tokens();
	start();
	bring_token(KID, 600, value);
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
	r.realms[1].tokens = tokens;
	assert_int_equal(rig_refresh(&c, 600), 441);
	c.realm_id = 0;

	/* Somebody else with a password, on the same 5-tuple. */
	c.token.len = 0;
	sign_in(&c, BYTES("bob"), BYTES("swordfish"));
	assert_int_equal(rig_refresh(&c, 600), 441);
}

static void a_token_that_is_wrong_is_401(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];

	use_tokens();
	start();
	bring_token(KID, 600, value);
	assert_int_equal(rig_challenge(&c), 401);
	c.user = OTHER_KID;
	assert_int_equal(rig_allocate(&c), 401);
	c.user = KID;
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
	r.now.wall_s += 10; /* the token is not */
	assert_int_equal(rig_allocate(&c), 401);
	r.now.wall_s -= 6; /* within what clocks may differ by */
	assert_int_equal(rig_allocate(&c), 0);
}

static void realms_do_not_know_each_others_users(void **state)
{
	start();
	c.realm_id = snapshot_realm_id(RIG_OTHER);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(c.realm_len, RIG_OTHER.len);
	assert_memory_equal(c.realm, RIG_OTHER.data, RIG_OTHER.len);
	assert_int_equal(rig_allocate(&c), 401);
	c.password = BYTES("close sesame");
	assert_int_equal(rig_allocate(&c), 0);

	/* Bob of one realm is not Bob of the other, though they have one password. */
	sign_in(&c, BYTES("bob"), BYTES("swordfish"));
	c.tuple.client.port++;
	c.challenged = false;
	assert_int_equal(rig_allocate(&c), 0);
	c.realm_id = snapshot_realm_id(RIG_REALM);
	c.challenged = false;
	assert_int_equal(rig_refresh(&c, 600), 441);
}

/* What auth_check did for the request that the client has built. */
static struct users_effort effort_of(struct rig_client *who, uint16_t expected)
{
	struct turnd_in in = { .tuple = who->tuple };
	struct request q = {
		.t = r.worker[0].turnd,
		.in = &in,
		.now = &r.now,
		.realm = &r.realms[0],
	};
	struct bytes raw;

	assert_int_equal(stun_build_finish(&who->b, &raw), STUN_OK);
	assert_int_equal(stun_msg_parse(raw, &q.msg), STUN_OK);
	assert_int_equal(auth_check(&q), expected);
	assert_int_equal(q.is_authentic, expected == 0);
	return q.effort;
}

static void a_wrong_user_costs_what_a_wrong_password_costs(void **state)
{
	struct users_effort good, guess, stranger;
	struct users_credential timed;

	add_timed(&timed, RIG_WALL_S + 60);
	start();
	for (int kind = 0; kind < 4; kind++) {
		c.sha256 = kind % 2 == 1;
		c.userhash = kind / 2 == 1;
		become(GOOD, NULL);
		assert_int_equal(rig_challenge(&c), 401);
		ask_for(&c, TURN_ALLOCATE);
		rig_sign(&c);
		good = effort_of(&c, 0);
		become(GUESSER, NULL);
		ask_for(&c, TURN_ALLOCATE);
		rig_sign(&c);
		guess = effort_of(&c, 401);
		become(STRANGER, NULL);
		ask_for(&c, TURN_ALLOCATE);
		rig_sign(&c);
		stranger = effort_of(&c, 401);
		assert_memory_equal(&guess, &stranger, sizeof(guess));
		assert_memory_equal(&guess, &good, sizeof(guess));
		assert_int_equal(guess.checks, c.userhash ? 1 : 2);
		assert_true(guess.steps > 0 && guess.compares == 1);
	}
}

/* Messages of all kinds by somebody who has proven nothing; `i` varies them. */
static void pester(unsigned int i)
{
	static const uint16_t methods[] = { TURN_ALLOCATE,
					    TURN_REFRESH,
					    TURN_CREATE_PERMISSION,
					    TURN_CHANNEL_BIND,
					    STUN_BINDING,
					    TURN_SEND,
					    0x123 };
	struct addr peer = a_peer();

	c.tuple.client = addr_ipv4(91, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i,
				   (uint16_t)(1024 + i));
	c.challenged = i % 2 == 1;
	c.sha256 = i % 4 == 1;
	c.password = BYTES("wrong");
	(void)ask(&c, methods[i % ARRAY_LEN(methods)]);
	(void)rig_send(&c, &peer, BYTES("data"));
	(void)rig_channel(&c, 0x4001, BYTES("data"));
	c.request[0] = (uint8_t)i;
	(void)rig_give(&c, bytes_of(c.request, i % 64));
}

static void strangers_touch_no_heap_and_leave_nothing(void **state)
{
	uint8_t value[TOKEN_LEN_MAX];
	size_t before;

	if (!alloc_count_works())
		skip();
	use_tokens();
	start();
	assert_int_equal(rig_challenge(&c), 401);
	pester(0);
	before = alloc_count();
	for (unsigned int i = 0; i < 2000; i++)
		pester(i);
	assert_int_equal(alloc_count(), before);

	/* Nor does a token, of whoever has no nonce for his address. */
	bring_token(KID, 600, value);
	before = alloc_count();
	c.challenged = true;
	assert_int_equal(rig_allocate(&c), 438);
	c.nonce[20] ^= 1;
	assert_int_equal(rig_allocate(&c), 438);
	assert_int_equal(alloc_count(), before);
	assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	assert_int_equal(r.opened, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_method_asks_who_it_is),
		TEST(strict_realms_refresh_nothing_with_old_credentials),
		TEST(expired_credentials_allocate_nothing),
		TEST(a_signature_without_its_attributes_is_400),
		TEST(every_challenge_is_whole),
		TEST(a_right_password_with_a_wrong_nonce_is_438_and_signed),
		TEST(a_rotated_key_leaves_nonces_good),
		TEST(nobody_bids_down),
		TEST(a_cookie_that_was_changed_is_no_nonce),
		TEST(a_signature_that_is_cut_is_wrong),
		TEST(a_hash_stands_for_a_name),
		TEST(a_name_goes_before_a_hash),
		TEST(what_stands_behind_the_integrity_has_no_effect),
		TEST(a_second_integrity_is_the_one_that_counts),
		TEST(a_token_signs_for_its_user),
		TEST(tokens_of_another_key_are_another_user_s),
		TEST(the_key_of_a_token_is_good_for_its_allocation_only),
		TEST(a_token_that_is_wrong_is_401),
		TEST(realms_do_not_know_each_others_users),
		TEST(a_wrong_user_costs_what_a_wrong_password_costs),
		TEST(strangers_touch_no_heap_and_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
