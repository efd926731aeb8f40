/* Users and their keys: who gets in, who does not, and that those cost the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "alloc_count.h"
#include "users_talk.h"

#define MANY 1000

static const uint16_t algorithms[] = { STUN_PASSWORD_MD5, STUN_PASSWORD_SHA256 };

static struct users *crowd(size_t count)
{
	struct users *u = users_new_set();
	uint32_t line;

	for (size_t i = 0; i < count; i++) {
		char name[32], password[32];

		(void)snprintf(name, sizeof(name), "user-%zu", i);
		(void)snprintf(password, sizeof(password), "secret %zu", i);
		assert_int_equal(users_add(u, bytes_of_str(name), bytes_of_str(password)),
				 USERS_OK);
	}
	assert_int_equal(users_finish(u, &line), USERS_OK);
	return u;
}

static struct users *alice_and_bob(void)
{
	struct users *u = users_new_set();
	uint32_t line;

	assert_int_equal(users_add(u, BYTES("alice"), BYTES("wonderland")), USERS_OK);
	assert_int_equal(users_add(u, BYTES("bob"), BYTES("builder")), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	return u;
}

static void a_user_gets_in_with_either_algorithm(void **state)
{
	struct users *u = alice_and_bob();
	struct users_key key;

	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		assert_int_equal(
			ask(u, algorithms[i], BYTES("alice"), BYTES("wonderland"), NOW, NULL, &key),
			USERS_ACCEPTED);
		assert_int_equal(key.source, USERS_CONFIGURED);
		assert_true(key.expires_s == USERS_NEVER);
		assert_int_equal(
			ask(u, algorithms[i], BYTES("bob"), BYTES("builder"), NOW, NULL, &key),
			USERS_ACCEPTED);
	}
	users_free(u);
}

static void all_others_stay_outside(void **state)
{
	static const struct {
		const char *why;
		struct bytes name, password;
	} cases[] = {
		{ "another's password", BYTES("alice"), BYTES("builder") },
		{ "an unknown name", BYTES("carol"), BYTES("wonderland") },
		{ "no name", BYTES(""), BYTES("wonderland") },
		{ "a shorter name", BYTES("alic"), BYTES("wonderland") },
		{ "a longer name", BYTES("alicea"), BYTES("wonderland") },
		{ "another case", BYTES("Alice"), BYTES("wonderland") },
		{ "a NUL at the end", BYTES("alice\0"), BYTES("wonderland") },
		{ "a NUL and more", BYTES("alice\0x"), BYTES("wonderland") },
		{ "a NUL alone", BYTES("\0"), BYTES("wonderland") },
		{ "quotes", BYTES("\"alice\""), BYTES("wonderland") },
		{ "no password", BYTES("alice"), BYTES("") },
		{ "not UTF-8", BYTES("alice\xff"), BYTES("wonderland") },
	};
	struct users *u = alice_and_bob();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t k = 0; k < ARRAY_LEN(algorithms); k++) {
			if (ask(u, algorithms[k], cases[i].name, cases[i].password, NOW, NULL,
				NULL) != USERS_WRONG)
				fail_msg("%s: accepted", cases[i].why);
		}
	}
	users_free(u);
}

static void an_algorithm_that_nobody_offered_lets_nobody_in(void **state)
{
	struct users *u = alice_and_bob();
	const struct users_key *key;
	struct signed_request r;
	struct users_match m;

	sign(&r, STUN_PASSWORD_SHA256, BYTES("alice"), BYTES("wonderland"));
	users_find(u, BYTES("alice"), 3, NOW, &m);
	assert_int_equal(users_try(&m, &r.msg, &key), USERS_WRONG);
	users_find(u, BYTES("alice"), 0, NOW, &m);
	assert_int_equal(users_try(&m, &r.msg, &key), USERS_WRONG);
	users_free(u);
}

static void a_key_of_one_algorithm_is_none_of_the_other(void **state)
{
	struct users *u = alice_and_bob();
	const struct users_key *key;
	struct signed_request r;
	struct users_match m;

	sign(&r, STUN_PASSWORD_SHA256, BYTES("alice"), BYTES("wonderland"));
	users_find(u, BYTES("alice"), STUN_PASSWORD_MD5, NOW, &m);
	assert_int_equal(users_try(&m, &r.msg, &key), USERS_WRONG);
	users_free(u);
}

static void a_request_without_integrity_is_wrong(void **state)
{
	static const struct stun_tid tid = { { 0x21, 0x12, 0xa4, 0x42 } };
	struct users *u = alice_and_bob();
	const struct users_key *key;
	struct users_match m;
	struct stun_msg msg;
	struct bytes raw;
	uint8_t buf[64];
	struct stun_builder b = stun_build(buf, sizeof(buf), TURN_ALLOCATE, STUN_REQUEST, &tid);

	assert_int_equal(stun_build_finish(&b, &raw), STUN_OK);
	assert_int_equal(stun_msg_parse(raw, &msg), STUN_OK);
	users_find(u, BYTES("alice"), STUN_PASSWORD_MD5, NOW, &m);
	assert_int_equal(users_try(&m, &msg, &key), USERS_WRONG);
	assert_int_equal(m.effort.checks, m.count);
	users_free(u);
}

static void every_one_of_many_is_found(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, MANY };

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		struct users *u = crowd(sizes[s]);
		struct users_match m;

		assert_int_equal(users_count(u), sizes[s]);
		for (size_t i = 0; i < sizes[s]; i++) {
			uint8_t hash[STUN_USERHASH_LEN];
			char name[32];

			(void)snprintf(name, sizeof(name), "user-%zu", i);
			users_find(u, bytes_of_str(name), STUN_PASSWORD_MD5, NOW, &m);
			assert_int_equal(m.keys[0].source, USERS_CONFIGURED);
			uint64_t id = m.keys[0].user;
			stun_userhash(bytes_of_str(name), REALM, hash);
			users_find_hash(u, bytes_of(hash, sizeof(hash)), STUN_PASSWORD_MD5, NOW,
					&m);
			assert_int_equal(m.keys[0].source, USERS_CONFIGURED);
			assert_true(m.keys[0].user == id);
			assert_true(bytes_equal(m.name, bytes_of_str(name)));
		}
		users_free(u);
	}
}

/* What the house promises: unknown, known with a wrong password, all the same work. */
static void wrong_user_and_wrong_password_cost_the_same(void **state)
{
	static const char *const names[] = {
		"user-0", "user-999",          "user-500", "nobody",
		"zzzz",   "1900000000:user-1", "1:user-1", "1900000000"
	};
	struct users *u = users_new_set();
	struct users_effort first = { 0 };
	uint32_t line;

	for (size_t i = 0; i < MANY; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "user-%zu", i);
		assert_int_equal(users_add(u, bytes_of_str(name), BYTES("p")), USERS_OK);
	}
	assert_int_equal(users_add_secret(u, BYTES("north"), USERS_SHA1), USERS_OK);
	assert_int_equal(users_add_secret(u, BYTES("south"), USERS_SHA256), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct users_match m;

		assert_int_equal(ask(u, STUN_PASSWORD_SHA256, bytes_of_str(names[i]), BYTES("bad"),
				     NOW, &m, NULL),
				 USERS_WRONG);
		if (i == 0)
			first = m.effort;
		if (memcmp(&first, &m.effort, sizeof(first)) != 0)
			fail_msg("%s: %u steps, %u compares, %u HMACs, %u keys, %u checks",
				 names[i], m.effort.steps, m.effort.compares, m.effort.hmacs,
				 m.effort.keys, m.effort.checks);
	}
	assert_in_range(first.steps, 9, 10);
	assert_int_equal(first.compares, 1);
	assert_int_equal(first.hmacs, 2);
	assert_int_equal(first.keys, 3);
	assert_int_equal(first.checks, 3);
	users_free(u);
}

/* A right password costs the same as well: no key is left out once one fits. */
static void success_costs_the_same_too(void **state)
{
	struct users *u = users_new_set();
	struct users_match good, bad;
	uint32_t line;

	assert_int_equal(users_add(u, BYTES("alice"), BYTES("wonderland")), USERS_OK);
	assert_int_equal(users_add_secret(u, BYTES("north"), USERS_SHA1), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	assert_int_equal(
		ask(u, STUN_PASSWORD_MD5, BYTES("alice"), BYTES("wonderland"), NOW, &good, NULL),
		USERS_ACCEPTED);
	assert_int_equal(ask(u, STUN_PASSWORD_MD5, BYTES("carol"), BYTES("x"), NOW, &bad, NULL),
			 USERS_WRONG);
	assert_memory_equal(&good.effort, &bad.effort, sizeof(good.effort));
	users_free(u);
}

static void a_wrong_userhash_costs_what_a_wrong_password_costs(void **state)
{
	struct users *u = crowd(MANY);
	struct users_match known, unknown;
	const struct users_key *key;
	struct signed_request r;
	uint8_t hash[STUN_USERHASH_LEN];

	sign(&r, STUN_PASSWORD_SHA256, BYTES("user-7"), BYTES("bad"));
	stun_userhash(BYTES("user-7"), REALM, hash);
	users_find_hash(u, bytes_of(hash, sizeof(hash)), STUN_PASSWORD_SHA256, NOW, &known);
	assert_int_equal(users_try(&known, &r.msg, &key), USERS_WRONG);
	hash[31] ^= 1;
	users_find_hash(u, bytes_of(hash, sizeof(hash)), STUN_PASSWORD_SHA256, NOW, &unknown);
	assert_int_equal(users_try(&unknown, &r.msg, &key), USERS_WRONG);
	assert_int_equal(unknown.keys[0].source, USERS_NOBODY);
	assert_int_equal(unknown.name.len, 0);
	assert_memory_equal(&known.effort, &unknown.effort, sizeof(known.effort));
	users_free(u);
}

static void a_userhash_lets_its_user_in(void **state)
{
	struct users *u = alice_and_bob();
	const struct users_key *key;
	struct signed_request r;
	struct users_match m;
	uint8_t hash[STUN_USERHASH_LEN + 1] = { 0 };

	sign(&r, STUN_PASSWORD_SHA256, BYTES("bob"), BYTES("builder"));
	stun_userhash(BYTES("bob"), REALM, hash);
	users_find_hash(u, bytes_of(hash, 32), STUN_PASSWORD_SHA256, NOW, &m);
	assert_true(bytes_equal(m.name, BYTES("bob")));
	assert_int_equal(users_try(&m, &r.msg, &key), USERS_ACCEPTED);
	for (size_t len = 0; len <= sizeof(hash); len++) {
		users_find_hash(u, bytes_of(hash, len), STUN_PASSWORD_SHA256, NOW, &m);
		assert_int_equal(m.keys[0].source, len == 32 ? USERS_CONFIGURED : USERS_NOBODY);
	}
	for (size_t bit = 0; bit < 256; bit++) {
		hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
		users_find_hash(u, bytes_of(hash, 32), STUN_PASSWORD_SHA256, NOW, &m);
		assert_int_equal(m.keys[0].source, USERS_NOBODY);
		hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	users_free(u);
}

/* The decoy stands first in the table: neither of its names may open it. */
static void nobody_is_the_decoy(void **state)
{
	static const uint8_t zeros[STUN_USERHASH_LEN];
	struct users *u = crowd(3);
	struct users_match m;

	users_find(u, BYTES(""), STUN_PASSWORD_MD5, NOW, &m);
	assert_int_equal(m.keys[0].source, USERS_NOBODY);
	users_find_hash(u, bytes_of(zeros, sizeof(zeros)), STUN_PASSWORD_MD5, NOW, &m);
	assert_int_equal(m.keys[0].source, USERS_NOBODY);
	users_free(u);
}

static void a_decoy_is_refused_even_where_it_fits(void **state)
{
	struct users *u = alice_and_bob();
	const struct users_key *key;
	struct signed_request r;
	struct users_match m;

	sign(&r, STUN_PASSWORD_MD5, BYTES("alice"), BYTES("wonderland"));
	users_find(u, BYTES("alice"), STUN_PASSWORD_MD5, NOW, &m);
	m.keys[0].source = USERS_NOBODY;
	assert_int_equal(users_try(&m, &r.msg, &key), USERS_WRONG);
	assert_null(key);
	users_free(u);
}

static void names_and_passwords_are_prepared(void **state)
{
	struct users *u = users_new_set();
	uint32_t line;

	/* a letter and its accent; another space */
	assert_int_equal(users_add(u, BYTES("Ame\u0301lie"), BYTES("le\u3000pass")), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	assert_int_equal(ask(u, STUN_PASSWORD_SHA256, BYTES("Am\u00e9lie"), BYTES("le pass"), NOW,
			     NULL, NULL),
			 USERS_ACCEPTED);
	assert_int_equal(ask(u, STUN_PASSWORD_SHA256, BYTES("Ame\u0301lie"), BYTES("le pass"), NOW,
			     NULL, NULL),
			 USERS_WRONG);
	users_free(u);
}

static void what_cannot_be_prepared_is_refused(void **state)
{
	static const uint8_t key[USERS_KEY_LEN];
	uint8_t name[USERS_NAME_MAX + 1];
	struct users *u = users_new_set();
	struct users *none = NULL;

	memset(name, 'n', sizeof(name));
	assert_int_equal(users_add(u, BYTES(""), BYTES("p")), USERS_BAD_NAME);
	assert_int_equal(users_add(u, BYTES("a\0b"), BYTES("p")), USERS_BAD_NAME);
	assert_int_equal(users_add(u, BYTES("a\nb"), BYTES("p")), USERS_BAD_NAME);
	assert_int_equal(users_add(u, BYTES("\xff"), BYTES("p")), USERS_BAD_NAME);
	assert_int_equal(users_add(u, bytes_of(name, sizeof(name)), BYTES("p")), USERS_BAD_NAME);
	assert_int_equal(users_add(u, bytes_of(name, USERS_NAME_MAX), BYTES("p")), USERS_OK);
	assert_int_equal(users_add(u, BYTES("a"), BYTES("")), USERS_BAD_PASSWORD);
	assert_int_equal(users_add(u, BYTES("a"), BYTES("p\0q")), USERS_BAD_PASSWORD);
	assert_int_equal(users_count(u), 1);
	assert_int_equal(users_new(BYTES(""), key, &none), USERS_BAD_REALM);
	assert_int_equal(users_new(BYTES("a\tb"), key, &none), USERS_BAD_REALM);
	assert_null(none);
	users_free(u);
	users_free(NULL);
}

static void a_user_of_the_configuration_may_not_stand_there_twice(void **state)
{
	struct users *u = users_new_set();
	uint32_t line = 7;

	assert_int_equal(users_add(u, BYTES("alice"), BYTES("one")), USERS_OK);
	assert_int_equal(users_add(u, BYTES("bob"), BYTES("one")), USERS_OK);
	assert_int_equal(users_add(u, BYTES("alice"), BYTES("two")), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_TWICE);
	assert_int_equal(line, 0);
	users_free(u);
}

static void an_empty_set_lets_nobody_in(void **state)
{
	struct users *u = crowd(0);

	assert_false(users_has_any(u));
	assert_int_equal(users_count(u), 0);
	assert_int_equal(ask(u, STUN_PASSWORD_MD5, BYTES("alice"), BYTES("x"), NOW, NULL, NULL),
			 USERS_WRONG);
	users_free(u);
}

/* Quotas follow a user over a reload, and never join two users. */
static void a_user_id_is_the_same_after_a_reload(void **state)
{
	struct users *a = alice_and_bob();
	struct users *b = crowd(2);
	struct users *c = alice_and_bob();
	struct users_match ma, mb, mc;

	users_find(a, BYTES("alice"), STUN_PASSWORD_MD5, NOW, &ma);
	users_find(c, BYTES("alice"), STUN_PASSWORD_SHA256, NOW + 5, &mc);
	users_find(b, BYTES("user-0"), STUN_PASSWORD_MD5, NOW, &mb);
	assert_true(ma.keys[0].user == mc.keys[0].user);
	assert_true(ma.keys[0].user != mb.keys[0].user);
	users_find(a, BYTES("bob"), STUN_PASSWORD_MD5, NOW, &mb);
	assert_true(ma.keys[0].user != mb.keys[0].user);
	users_free(a);
	users_free(b);
	users_free(c);
}

static void another_realm_gives_another_id_and_key(void **state)
{
	static const uint8_t key[USERS_KEY_LEN] = "one key for two realms";
	struct users *a, *b;
	struct users_match ma, mb;
	uint32_t line;

	assert_int_equal(users_new(BYTES("north.example"), key, &a), USERS_OK);
	assert_int_equal(users_new(BYTES("south.example"), key, &b), USERS_OK);
	assert_int_equal(users_add(a, BYTES("alice"), BYTES("p")), USERS_OK);
	assert_int_equal(users_add(b, BYTES("alice"), BYTES("p")), USERS_OK);
	assert_int_equal(users_finish(a, &line), USERS_OK);
	assert_int_equal(users_finish(b, &line), USERS_OK);
	users_find(a, BYTES("alice"), STUN_PASSWORD_MD5, NOW, &ma);
	users_find(b, BYTES("alice"), STUN_PASSWORD_MD5, NOW, &mb);
	assert_true(ma.keys[0].user != mb.keys[0].user);
	assert_memory_not_equal(&ma.keys[0].key, &mb.keys[0].key, sizeof(ma.keys[0].key));
	assert_true(bytes_equal(users_realm(b), BYTES("south.example")));
	users_free(a);
	users_free(b);
}

static void a_lookup_allocates_nothing(void **state)
{
	struct users *u = users_new_set();
	uint32_t line;
	size_t before;

	if (!alloc_count_works()) {
		users_free(u);
		skip();
	}
	assert_int_equal(users_add(u, BYTES("alice"), BYTES("wonderland")), USERS_OK);
	assert_int_equal(users_add_secret(u, BYTES("north"), USERS_SHA1), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	before = alloc_count();
	for (int i = 0; i < 100; i++) {
		(void)ask(u, STUN_PASSWORD_MD5, BYTES("alice"), BYTES("wonderland"), NOW, NULL,
			  NULL);
		(void)ask(u, STUN_PASSWORD_SHA256, BYTES("1:x"), BYTES("y"), NOW, NULL, NULL);
	}
	assert_int_equal(alloc_count(), before);
	users_free(u);
}

static void a_wiped_match_is_zero(void **state)
{
	static const uint8_t zeros[sizeof(struct users_match)];
	struct users *u = alice_and_bob();
	struct users_match m;

	users_find(u, BYTES("alice"), STUN_PASSWORD_MD5, NOW, &m);
	users_match_wipe(&m);
	assert_memory_equal(&m, zeros, sizeof(zeros));
	users_free(u);
}

static void every_result_has_words(void **state)
{
	for (int r = USERS_OK; r <= USERS_LINE_OPEN_REALM; r++)
		assert_string_not_equal(users_why((enum users_result)r), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_gets_in_with_either_algorithm),
		cmocka_unit_test(all_others_stay_outside),
		cmocka_unit_test(an_algorithm_that_nobody_offered_lets_nobody_in),
		cmocka_unit_test(a_key_of_one_algorithm_is_none_of_the_other),
		cmocka_unit_test(a_request_without_integrity_is_wrong),
		cmocka_unit_test(every_one_of_many_is_found),
		cmocka_unit_test(wrong_user_and_wrong_password_cost_the_same),
		cmocka_unit_test(success_costs_the_same_too),
		cmocka_unit_test(a_wrong_userhash_costs_what_a_wrong_password_costs),
		cmocka_unit_test(a_userhash_lets_its_user_in),
		cmocka_unit_test(nobody_is_the_decoy),
		cmocka_unit_test(a_decoy_is_refused_even_where_it_fits),
		cmocka_unit_test(names_and_passwords_are_prepared),
		cmocka_unit_test(what_cannot_be_prepared_is_refused),
		cmocka_unit_test(a_user_of_the_configuration_may_not_stand_there_twice),
		cmocka_unit_test(an_empty_set_lets_nobody_in),
		cmocka_unit_test(a_user_id_is_the_same_after_a_reload),
		cmocka_unit_test(another_realm_gives_another_id_and_key),
		cmocka_unit_test(a_lookup_allocates_nothing),
		cmocka_unit_test(a_wiped_match_is_zero),
		cmocka_unit_test(every_result_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
