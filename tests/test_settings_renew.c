/* settings_renew: what changes without a file being read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cert.h"
#include "settings_kit.h"

#define NONCE_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define BASE      "listen = 127.0.0.1\nrelay-address = 127.0.0.1\nrealm = a.example\n"

static struct settings *renew(struct settings *before, uint64_t now_s)
{
	struct settings *s = settings_renew(&kit_conf, before, NULL, now_s, &kit_err);

	if (s == NULL)
		fail_msg("%s", kit_err.text);
	settings_release(before);
	return s;
}

static void write_users(const char *realm, const char *name)
{
	char line[USERS_LINE_MAX + 1], text[2 * USERS_LINE_MAX];

	assert_int_equal(users_make_line(bytes_of_str(realm), bytes_of_str(name),
					 bytes_of_str("christmas"), line),
			 USERS_OK);
	snprintf(text, sizeof(text), "[%s]\n%s\n", realm, line);
	kit_write("users", text);
}

/* A configuration that names a file of each kind. */
static struct settings *make_of_files(void)
{
	struct settings *s;
	struct cert c;
	char text[1024];

	assert_true(cert_make(&c, "turn.example.org"));
	write_users("a.example", "carol");
	kit_write("secrets", "old secret\n");
	kit_write("oauth", "north A256GCM AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
	kit_write("nonces", NONCE_KEY);
	snprintf(text, sizeof(text),
		 BASE "password-file = @users\nnonce-key-file = @nonces\n"
		      "oauth-key-file = @oauth\noauth-server-name = turn\n"
		      "cert-file = %s\nkey-file = %s\n"
		      "[realm b.example]\nauth-secret-file = @secrets\nserver-name = b.example\n",
		 c.cert_file, c.key_file);
	s = kit_make(text, NULL);
	cert_remove(&c);
	kit_remove_files();
	return s;
}

static void no_file_is_read(void **state)
{
	struct settings *before = settings_retain(make_of_files()), *s = before;
	const struct snapshot *was = &before->snapshot, *is;
	uint64_t now_s = (uint64_t)time(NULL);

	assert_null(settings_new(&kit_conf, before, &kit_err));
	for (int day = 1; day <= 3; day++)
		s = renew(s, now_s + (uint64_t)day * SETTINGS_KEY_LIFE_S);
	is = &s->snapshot;
	assert_int_equal(is->realm_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(is->realms[i].id == was->realms[i].id);
		assert_ptr_equal(is->realms[i].users, was->realms[i].users);
		assert_ptr_equal(is->realms[i].tokens, was->realms[i].tokens);
	}
	assert_int_equal(s->name_count, 2);
	assert_string_equal(s->names[1].server_name, "b.example");
	assert_ptr_equal(s->names[0].tls, before->names[0].tls);
	/* Keys of a fleet are for all of it to change. */
	assert_memory_equal(&is->nonces, &was->nonces, sizeof(is->nonces));
	settings_release(before);
	assert_int_equal(users_count(s->snapshot.realms[0].users), 1);
	settings_release(s);
}

static enum nonce_verdict judge(const struct settings *s, const char nonce[static NONCE_LEN])
{
	struct addr client = addr_ipv4(192, 0, 2, 1, 99);
	struct nonce_facts facts;

	return nonce_check(&s->snapshot.nonces, bytes_of(nonce, NONCE_LEN), &client, 1001, &facts);
}

static void databases_that_stay_the_same_are_not_read_either(void **state)
{
	struct settings *before = make_of_files();
	struct settings *s = settings_renew_users(&kit_conf, before, 1000, &kit_err);

	assert_false(settings_is_outdated(before, &kit_conf));
	assert_non_null(s);
	assert_ptr_equal(s->snapshot.realms[0].users, before->snapshot.realms[0].users);
	settings_release(before);
	settings_release(s);
}

static void keys_change_after_a_day(void **state)
{
	struct settings *s = kit_make(BASE "[user alice]\npassword = wonderland\n", NULL);
	struct addr client = addr_ipv4(192, 0, 2, 1, 99);
	uint64_t start_s = (uint64_t)time(NULL) + 1; /* not before they were made */
	uint8_t number = s->snapshot.tickets.number;
	char nonce[NONCE_LEN];

	nonce_make(&s->snapshot.nonces, &client, 0, 1000, nonce);
	s = renew(s, start_s + SETTINGS_KEY_LIFE_S / 2);
	assert_int_equal(s->snapshot.tickets.number, number);
	assert_int_equal(judge(s, nonce), NONCE_FRESH);
	s = renew(s, start_s + SETTINGS_KEY_LIFE_S);
	assert_int_not_equal(s->snapshot.tickets.number, number);
	number = s->snapshot.tickets.number;
	assert_int_equal(judge(s, nonce), NONCE_FRESH);
	s = renew(s, start_s + SETTINGS_KEY_LIFE_S + 3600);
	assert_int_equal(s->snapshot.tickets.number, number);
	assert_int_equal(judge(s, nonce), NONCE_FRESH);
	s = renew(s, start_s + 2 * SETTINGS_KEY_LIFE_S);
	assert_int_not_equal(s->snapshot.tickets.number, number);
	assert_int_equal(judge(s, nonce), NONCE_FORGED);
	settings_release(s);
}

static void draining_may_end_without_a_file(void **state)
{
	struct settings *s;

	write_users("a.example", "carol");
	s = kit_make(BASE "password-file = @users\ndraining = on\n", NULL);
	kit_remove_files();
	assert_true(s->snapshot.draining);
	kit_conf.draining = false;
	s = renew(s, (uint64_t)time(NULL));
	assert_false(s->snapshot.draining);
	assert_int_equal(users_count(s->snapshot.realms[0].users), 1);
	settings_release(s);
}

#define LIST_MAX 16

struct list {
	char names[LIST_MAX][32];
	size_t count;
};

static void note(void *arg, const char *path, int error)
{
	struct list *l = arg;

	assert_true(l->count < LIST_MAX);
	assert_int_equal(error, ENOENT);
	snprintf(l->names[l->count++], sizeof(l->names[0]), "%s", strrchr(path, '/') + 1);
}

static void each_file_that_cannot_be_read_is_named_once(void **state)
{
	static const char *const names[] = { "users", "oauth", "secrets", "nonces" };
	struct settings *s = make_of_files();
	struct list l = { 0 };
	size_t found = 0;

	settings_unreadable(&kit_conf, note, &l);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		for (size_t k = 0; k < l.count; k++)
			found += strcmp(l.names[k], names[i]) == 0;
	}
	assert_int_equal(found, ARRAY_LEN(names));
	assert_int_equal(l.count, ARRAY_LEN(names) + 2); /* and certificate and key */
	settings_release(s);
	assert_true(kit_load("realm = a.example\npassword-file = @\n"));
	l.count = 0;
	settings_unreadable(&kit_conf, note, &l);
	assert_int_equal(l.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_is_read),
		cmocka_unit_test(databases_that_stay_the_same_are_not_read_either),
		cmocka_unit_test(keys_change_after_a_day),
		cmocka_unit_test(draining_may_end_without_a_file),
		cmocka_unit_test(each_file_that_cannot_be_read_is_named_once),
	};

	return cmocka_run_group_tests(tests, kit_set_up, kit_tear_down);
}
