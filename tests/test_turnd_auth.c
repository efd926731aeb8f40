/* Who signed a request: every way to be wrong, and what it is answered with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "alloc_count.h"
#include "stun_feature.h"
#include "turnd/auth.h"
#include "turnd_kit.h"

#define SECRET BYTES("north")

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

enum who { NOBODY, GUESSER, STRANGER, OTHER, EXPIRED, GOOD, KINDS };

static const char *const names[KINDS] = { "no credentials", "bad password", "unknown user",
					  "another user",   "expired",      "good" };

static void become(enum who who, const struct users_credential *timed)
{
	c.challenged = who != NOBODY;
	switch (who) {
	case GUESSER:
		rig_become(&c, BYTES("alice"), BYTES("open sesam"));
		break;
	case STRANGER:
		rig_become(&c, BYTES("alicf"), BYTES("open sesame"));
		break;
	case OTHER:
		rig_become(&c, BYTES("bob"), BYTES("swordfish"));
		break;
	case EXPIRED:
		rig_become(&c, bytes_of_str(timed->username), bytes_of_str(timed->password));
		break;
	default:
		rig_become(&c, BYTES("alice"), BYTES("open sesame"));
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
		/* Relays UDP; and nobody joins a connection with the one of the allocation. */
		{ TURN_CONNECT, { 401, 401, 401, 441, is_strict ? 401 : 437, 437 } },
		{ TURN_CONNECTION_BIND, { 401, 401, 401, 400, is_strict ? 401 : 400, 400 } },
	};
	struct users_credential timed;
	uint16_t port = 4000;

	add_timed(&timed, RIG_WALL_S + 60);
	r.realms[0].strict_expiry = is_strict;
	r.snapshot.tcp_relay = true;
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
	rig_become(&c, bytes_of_str(timed.username), bytes_of_str(timed.password));
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
		assert_true(bytes_equal(value, RIG_SERVER_NAME));
	assert_false(find(STUN_ATTR_USERNAME, &value) || find(STUN_ATTR_USERHASH, &value));
}

static void every_challenge_is_whole(void **state)
{
	struct users_credential timed;

	start();
	assert_int_equal(rig_challenge(&c), 401);
	check_challenge(false, true);
	rig_become(&c, BYTES("alice"), BYTES("wrong"));
	assert_int_equal(rig_allocate(&c), 401);
	check_challenge(false, true);
	rig_become(&c, BYTES("alice"), BYTES("open sesame"));
	r.now.wall_s += 600;
	assert_int_equal(rig_allocate(&c), 438);
	check_challenge(false, true);

	rig_use_tokens(&r);
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

/* RFC 6062: it comes over a connection of its own, so from another port. */
static void a_connection_bind_may_show_the_nonce_of_another_port(void **state)
{
	r.snapshot.tcp_relay = true;
	start();
	c.tuple.transport = STUN_TCP;
	assert_int_equal(rig_challenge(&c), 401);
	c.tuple.client.port++;
	assert_int_equal(ask(&c, TURN_CONNECTION_BIND), 400); /* there is no such connection */
	assert_true(c.is_signed);
	assert_int_equal(ask(&c, TURN_CONNECT), 438);
	c.tuple.client = addr_ipv4(91, 80, 1, 2, 4000);
	assert_int_equal(ask(&c, TURN_CONNECTION_BIND), 438);
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
	rig_become(&c, BYTES("bob"), BYTES("swordfish"));
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
		rig_prepare(&c, TURN_ALLOCATE);
		rig_sign(&c);
		good = effort_of(&c, 0);
		become(GUESSER, NULL);
		rig_prepare(&c, TURN_ALLOCATE);
		rig_sign(&c);
		guess = effort_of(&c, 401);
		become(STRANGER, NULL);
		rig_prepare(&c, TURN_ALLOCATE);
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
	struct addr peer = rig_peer();

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
	static const uint8_t noise[64] = { 0, SEAL_NONCE_LEN };
	size_t before;

	rig_use_tokens(&r);
	start();
	assert_int_equal(rig_challenge(&c), 401);
	if (!alloc_count_works())
		skip();
	pester(0);
	before = alloc_count();
	for (unsigned int i = 0; i < 2000; i++)
		pester(i);
	assert_int_equal(alloc_count(), before);

	/* Nor does a token, of whoever has no nonce for his address. */
	c.token = bytes_of(noise, sizeof(noise));
	c.mac_key = c.password;
	before = alloc_count();
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
		TEST(a_connection_bind_may_show_the_nonce_of_another_port),
		TEST(a_rotated_key_leaves_nonces_good),
		TEST(realms_do_not_know_each_others_users),
		TEST(a_wrong_user_costs_what_a_wrong_password_costs),
		TEST(strangers_touch_no_heap_and_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
