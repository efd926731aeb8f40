/* Time-limited credentials: their form, their end, and several secrets at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rng.h"
#include "users_talk.h"

#define SECRET   BYTES("north wind")
#define LATER    (NOW + 3600)
#define PASSWORD "2OROk1QSf240PGOhcJwID6hiUvo="

static struct users *set_of(struct bytes secret, enum users_hash hash)
{
	struct users *u = users_new_set();
	uint32_t line;

	assert_int_equal(users_add_secret(u, secret, hash), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	return u;
}

static enum users_verdict ask_made(const struct users *u, struct bytes secret, enum users_hash hash,
				   const char *name, uint64_t now_s, struct users_key *key)
{
	struct users_credential c;

	assert_int_equal(users_make_timed(secret, hash, ':', bytes_of_str(name), LATER, &c),
			 USERS_OK);
	return ask(u, STUN_PASSWORD_MD5, bytes_of_str(c.username), bytes_of_str(c.password), now_s,
		   NULL, key);
}

/* By openssl dgst -hmac. */
static void passwords_are_those_that_others_make(void **state)
{
	struct users_credential c;

	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, ':', BYTES("alice"), NOW, &c),
			 USERS_OK);
	assert_string_equal(c.username, "1800000000:alice");
	assert_string_equal(c.password, PASSWORD);
	assert_int_equal(users_make_timed(SECRET, USERS_SHA256, ':', BYTES("alice"), NOW, &c),
			 USERS_OK);
	assert_string_equal(c.password, "SeWvZC3dA85m6A1n2EelzH1SXQcEn37ypjRL9KA9eVM=");
	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, '|', BYTES(""), NOW, &c), USERS_OK);
	assert_string_equal(c.username, "1800000000");
}

static void credentials_are_good_until_they_end(void **state)
{
	struct users *u = set_of(SECRET, USERS_SHA1);
	struct users_key key;

	assert_int_equal(ask(u, STUN_PASSWORD_MD5, BYTES("1800000000:alice"), BYTES(PASSWORD),
			     NOW - 1, NULL, &key),
			 USERS_ACCEPTED);
	assert_int_equal(key.source, USERS_TIMED);
	assert_true(key.expires_s == NOW);
	assert_int_equal(ask(u, STUN_PASSWORD_SHA256, BYTES("1800000000:alice"), BYTES(PASSWORD),
			     NOW - 1, NULL, &key),
			 USERS_ACCEPTED);
	assert_int_equal(ask(u, STUN_PASSWORD_MD5, BYTES("1800000000:alice"), BYTES(PASSWORD), NOW,
			     NULL, &key),
			 USERS_EXPIRED);
	users_free(u);
}

/* Wrong and over is wrong: nobody learns about time from a password that he has not. */
static void a_wrong_password_does_not_expire(void **state)
{
	struct users *u = set_of(SECRET, USERS_SHA1);

	assert_int_equal(ask(u, STUN_PASSWORD_MD5, BYTES("1:alice"), BYTES("x"), NOW, NULL, NULL),
			 USERS_WRONG);
	users_free(u);
}

/* All are signed with the secret; only some have the form. */
static void a_name_has_one_of_two_forms(void **state)
{
	static const struct {
		const char *why;
		struct bytes name;
		enum users_verdict want;
	} cases[] = {
		{ "expiry and name", BYTES("1800003600:alice"), USERS_ACCEPTED },
		{ "expiry", BYTES("1800003600"), USERS_ACCEPTED },
		{ "an empty name", BYTES("1800003600:"), USERS_ACCEPTED },
		{ "separators in the name", BYTES("1800003600:a:b"), USERS_ACCEPTED },
		{ "19 digits", BYTES("9999999999999999999:a"), USERS_ACCEPTED },
		{ "20 digits", BYTES("18446744073709551615:a"), USERS_WRONG },
		{ "an overflow", BYTES("36893488149219103232:a"), USERS_WRONG },
		{ "no digits", BYTES(":alice"), USERS_WRONG },
		{ "nothing", BYTES(""), USERS_WRONG },
		{ "a name alone", BYTES("alice"), USERS_WRONG },
		{ "the name first", BYTES("alice:1800003600"), USERS_WRONG },
		{ "a sign", BYTES("+1800003600:alice"), USERS_WRONG },
		{ "a minus", BYTES("-1:alice"), USERS_WRONG },
		{ "a space", BYTES(" 1800003600:alice"), USERS_WRONG },
		{ "hex", BYTES("0x7fffffff:alice"), USERS_WRONG },
		{ "another separator", BYTES("1800003600|alice"), USERS_WRONG },
		{ "a fraction", BYTES("1800003600.5:alice"), USERS_WRONG },
		{ "a NUL in the name", BYTES("1800003600:al\0ice"), USERS_WRONG },
		{ "a NUL at the end", BYTES("1800003600\0"), USERS_WRONG },
		{ "quotes", BYTES("\"1800003600:a\""), USERS_WRONG },
		{ "long ago", BYTES("0:alice"), USERS_EXPIRED },
	};
	struct users *u = set_of(SECRET, USERS_SHA1);
	struct stun_key secret;

	stun_key_make(&secret, SECRET);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t hmac[STUN_INTEGRITY_LEN];
		char password[BASE64_LEN(STUN_INTEGRITY_LEN)];

		stun_key_hmac_sha1(&secret, cases[i].name, hmac);
		base64_put(bytes_of(hmac, sizeof(hmac)), password);
		if (ask(u, STUN_PASSWORD_MD5, cases[i].name, bytes_of(password, sizeof(password)),
			NOW, NULL, NULL) != cases[i].want)
			fail_msg("%s: another verdict", cases[i].why);
	}
	users_free(u);
}

static void a_name_that_is_too_long_is_nobody_s(void **state)
{
	struct users *u = set_of(SECRET, USERS_SHA1);
	uint8_t name[800];
	struct users_match m;

	memset(name, 'a', sizeof(name));
	memcpy(name, "1800003600:", 11);
	users_find(u, bytes_of(name, 763), STUN_PASSWORD_MD5, NOW, &m);
	assert_int_equal(m.keys[1].source, USERS_TIMED);
	users_find(u, bytes_of(name, 764), STUN_PASSWORD_MD5, NOW, &m);
	assert_int_equal(m.keys[1].source, USERS_NOBODY);
	users_free(u);
}

static void the_separator_can_be_another(void **state)
{
	struct users *u = users_new_set();
	struct users_credential c;
	uint32_t line;

	assert_int_equal(users_add_secret(u, SECRET, USERS_SHA256), USERS_OK);
	assert_int_equal(users_set_separator(u, '|'), USERS_OK);
	for (const char *bad = "0 9azAZ\n\x7f"; *bad != '\0'; bad++)
		assert_int_equal(users_set_separator(u, *bad), USERS_BAD_SEPARATOR);
	assert_int_equal(users_set_separator(u, '\0'), USERS_BAD_SEPARATOR);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	assert_int_equal(users_make_timed(SECRET, USERS_SHA256, '|', BYTES("a"), LATER, &c),
			 USERS_OK);
	assert_int_equal(ask(u, STUN_PASSWORD_MD5, bytes_of_str(c.username),
			     bytes_of_str(c.password), NOW, NULL, NULL),
			 USERS_ACCEPTED);
	assert_int_equal(ask_made(u, SECRET, USERS_SHA256, "a", NOW, NULL), USERS_WRONG);
	users_free(u);
}

static void several_secrets_are_valid_at_once(void **state)
{
	static const char *const secrets[] = { "north", "south", "east", "west" };
	struct users *u = users_new_set();
	struct users_key first, key;
	uint32_t line;

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		assert_int_equal(users_add_secret(u, bytes_of_str(secrets[i]),
						  i % 2 == 0 ? USERS_SHA1 : USERS_SHA256),
				 USERS_OK);
	assert_int_equal(users_add_secret(u, BYTES("more"), USERS_SHA1), USERS_TOO_MANY);
	assert_int_equal(users_add_secret(u, BYTES(""), USERS_SHA1), USERS_BAD_SECRET);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	assert_true(users_has_any(u));
	assert_int_equal(users_count(u), 0); /* so that there is no USERHASH */
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		enum users_hash hash = i % 2 == 0 ? USERS_SHA1 : USERS_SHA256;
		enum users_hash wrong = i % 2 == 0 ? USERS_SHA256 : USERS_SHA1;

		assert_int_equal(ask_made(u, bytes_of_str(secrets[i]), hash, "a", NOW, &key),
				 USERS_ACCEPTED);
		if (i == 0)
			first = key;
		assert_true(key.user == first.user); /* whoever signed for him */
		assert_int_equal(ask_made(u, bytes_of_str(secrets[i]), wrong, "a", NOW, &key),
				 USERS_WRONG);
	}
	assert_int_equal(ask_made(u, BYTES("up"), USERS_SHA1, "a", NOW, NULL), USERS_WRONG);
	users_free(u);
}

/* A quota is by person, not by credential. */
static void a_user_id_is_that_of_the_name(void **state)
{
	struct users *u = set_of(SECRET, USERS_SHA1);
	struct users_match a, b, c, d;

	users_find(u, BYTES("1800003600:alice"), STUN_PASSWORD_MD5, NOW, &a);
	users_find(u, BYTES("1800003601:alice"), STUN_PASSWORD_SHA256, NOW, &b);
	users_find(u, BYTES("1800003600:bob"), STUN_PASSWORD_MD5, NOW, &c);
	assert_true(a.keys[1].user == b.keys[1].user);
	assert_true(a.keys[1].user != c.keys[1].user);
	users_find(u, BYTES("1800003600"), STUN_PASSWORD_MD5, NOW, &c);
	users_find(u, BYTES("1800003601"), STUN_PASSWORD_MD5, NOW, &d);
	assert_true(c.keys[1].user != d.keys[1].user); /* nothing says that they are one */
	users_find(u, BYTES("1800003600:"), STUN_PASSWORD_MD5, NOW, &a);
	users_find(u, BYTES("1800003601:"), STUN_PASSWORD_MD5, NOW, &b);
	assert_true(a.keys[1].user != b.keys[1].user);
	users_find(u, BYTES("1800003600:1800003601"), STUN_PASSWORD_MD5, NOW, &c);
	assert_true(c.keys[1].user != d.keys[1].user);
	users_free(u);
}

static void users_of_other_sources_come_first_and_apart(void **state)
{
	struct users *u = users_new_set();
	struct users_key known, timed;
	uint32_t line;

	assert_int_equal(users_add(u, BYTES("1800003600:alice"), BYTES("wonderland")), USERS_OK);
	assert_int_equal(users_add_secret(u, SECRET, USERS_SHA1), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	assert_int_equal(ask(u, STUN_PASSWORD_MD5, BYTES("1800003600:alice"), BYTES("wonderland"),
			     NOW, NULL, &known),
			 USERS_ACCEPTED);
	assert_int_equal(known.source, USERS_CONFIGURED);
	assert_int_equal(ask_made(u, SECRET, USERS_SHA1, "alice", NOW, &timed), USERS_ACCEPTED);
	assert_int_equal(timed.source, USERS_TIMED);
	assert_true(known.user != timed.user);
	users_free(u);
}

/* Not even where the one has as his name what stands behind the other's expiry. */
static void a_timed_user_never_has_the_id_of_another_source(void **state)
{
	struct users *u = users_new_set();
	struct users_match known, timed;
	uint32_t line;

	assert_int_equal(users_add(u, BYTES(":alice"), BYTES("wonderland")), USERS_OK);
	assert_int_equal(users_add(u, BYTES("1800003600"), BYTES("wonderland")), USERS_OK);
	assert_int_equal(users_add_secret(u, SECRET, USERS_SHA1), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	users_find(u, BYTES(":alice"), STUN_PASSWORD_MD5, NOW, &known);
	users_find(u, BYTES("1800003600:alice"), STUN_PASSWORD_MD5, NOW, &timed);
	assert_int_equal(known.keys[0].source, USERS_CONFIGURED);
	assert_int_equal(timed.keys[1].source, USERS_TIMED);
	assert_true(known.keys[0].user != timed.keys[1].user);
	users_find(u, BYTES("1800003600"), STUN_PASSWORD_MD5, NOW, &timed);
	assert_true(timed.keys[0].user != timed.keys[1].user);
	users_free(u);
}

static void what_is_made_is_checked(void **state)
{
	struct users_credential c = { "old", "old" };
	uint8_t name[USERS_NAME_MAX];

	memset(name, 'n', sizeof(name));
	assert_int_equal(users_make_timed(BYTES(""), USERS_SHA1, ':', BYTES("a"), 1, &c),
			 USERS_BAD_SECRET);
	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, '1', BYTES("a"), 1, &c),
			 USERS_BAD_SEPARATOR);
	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, ':', BYTES("a\0b"), 1, &c),
			 USERS_BAD_NAME);
	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, ':',
					  bytes_of(name, USERS_NAME_MAX - 10), NOW, &c),
			 USERS_BAD_NAME);
	assert_string_equal(c.username, "old");
	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, ':',
					  bytes_of(name, USERS_NAME_MAX - 11), NOW, &c),
			 USERS_OK);
	assert_int_equal(strlen(c.username), USERS_NAME_MAX);
}

/* The name is signed: each byte of it, and each of the password. */
static void every_changed_byte_is_refused(void **state)
{
	struct users *u = set_of(SECRET, USERS_SHA1);
	struct rng rng = rng_seed(1);
	struct users_credential good;

	assert_int_equal(users_make_timed(SECRET, USERS_SHA1, ':', BYTES("alice"), LATER, &good),
			 USERS_OK);
	for (size_t i = 0; i < strlen(good.username) + strlen(good.password); i++) {
		struct users_credential c = good;
		char *at = i < strlen(good.username) ? &c.username[i]
						     : &c.password[i - strlen(good.username)];

		*at = (char)((uint8_t)*at ^ (1 + rng_below(&rng, 127)));
		if (ask(u, STUN_PASSWORD_MD5, bytes_of(c.username, strlen(good.username)),
			bytes_of(c.password, strlen(good.password)), NOW, NULL,
			NULL) != USERS_WRONG)
			fail_msg("byte %zu: accepted", i);
	}
	users_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_are_those_that_others_make),
		cmocka_unit_test(credentials_are_good_until_they_end),
		cmocka_unit_test(a_wrong_password_does_not_expire),
		cmocka_unit_test(a_name_has_one_of_two_forms),
		cmocka_unit_test(a_name_that_is_too_long_is_nobody_s),
		cmocka_unit_test(the_separator_can_be_another),
		cmocka_unit_test(several_secrets_are_valid_at_once),
		cmocka_unit_test(a_user_id_is_that_of_the_name),
		cmocka_unit_test(users_of_other_sources_come_first_and_apart),
		cmocka_unit_test(a_timed_user_never_has_the_id_of_another_source),
		cmocka_unit_test(what_is_made_is_checked),
		cmocka_unit_test(every_changed_byte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
