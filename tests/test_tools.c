/* tools: password files and time-limited credentials, as an operator makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "turnd/tools.h"
#include "turnd/users.h"

static char folder[] = "/tmp/natkit-tools-XXXXXX";
static char path[64];
static struct opt_error err;

static void write_file(const char *text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static size_t read_file(char *text, size_t cap)
{
	FILE *in = fopen(path, "re");
	size_t len;

	assert_non_null(in);
	len = fread(text, 1, cap - 1, in);
	text[len] = '\0';
	fclose(in);
	return len;
}

static bool add(const char *realm, const char *name, const char *input)
{
	struct turnd_conf conf = { .realm = (char *)(uintptr_t)realm,
				   .add_user = (char *)(uintptr_t)name,
				   .base.password_file = path };
	FILE *in = tmpfile();
	bool ok;

	assert_non_null(in);
	fputs(input, in);
	rewind(in);
	ok = tools_add_user(&conf, in, &err);
	fclose(in);
	return ok;
}

/* How many users of the realm the file has. */
static size_t count_users(const char *realm)
{
	static const uint8_t key[USERS_KEY_LEN];
	char text[8192];
	size_t len = read_file(text, sizeof(text)), count;
	struct users *u;
	uint32_t line;

	assert_int_equal(users_new(bytes_of_str(realm), key, &u), USERS_OK);
	assert_int_equal(users_add_file(u, bytes_of(text, len), &line), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	count = users_count(u);
	users_free(u);
	return count;
}

static void expect_line(const char *realm, const char *name, const char *password)
{
	char text[8192], line[USERS_LINE_MAX + 1];

	read_file(text, sizeof(text));
	assert_int_equal(users_make_line(bytes_of_str(realm), bytes_of_str(name),
					 bytes_of_str(password), line),
			 USERS_OK);
	if (strstr(text, line) == NULL)
		fail_msg("no line of %s: %s", name, text);
}

static void a_file_is_made_for_its_owner_alone(void **state)
{
	char text[4096];
	struct stat st;

	unlink(path);
	assert_true(add("a.example", "alice", "wonderland\n"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	expect_line("a.example", "alice", "wonderland");
	read_file(text, sizeof(text));
	assert_null(strstr(text, "wonderland"));
	assert_int_equal(count_users("a.example"), 1);
}

static void users_join_the_section_of_their_realm(void **state)
{
	char text[8192];

	write_file("# ours\n[a.example]\n[b.example]\n");
	assert_true(add("a.example", "alice", "one"));
	assert_true(add("b.example", "bob", "two\nignored\n"));
	assert_true(add("c.example", "carol", "three\r\n"));
	assert_true(add("a.example", "dave \xc3\xa9", "four"));
	assert_int_equal(count_users("a.example"), 2);
	assert_int_equal(count_users("b.example"), 1);
	assert_int_equal(count_users("c.example"), 1);
	expect_line("b.example", "bob", "two");
	expect_line("c.example", "carol", "three");
	read_file(text, sizeof(text));
	assert_int_equal(strncmp(text, "# ours\n[a.example]\n", 19), 0);
}

static void a_new_password_takes_the_place_of_the_old(void **state)
{
	char before[8192], after[8192];

	write_file("");
	assert_true(add("a.example", "alice", "one"));
	assert_true(add("a.example", "bob", "two"));
	read_file(before, sizeof(before));
	assert_true(add("a.example", "alice", "three"));
	assert_int_equal(count_users("a.example"), 2);
	expect_line("a.example", "alice", "three");
	expect_line("a.example", "bob", "two");
	assert_true(add("a.example", "alice", "one"));
	read_file(after, sizeof(after));
	assert_string_equal(before, after);
	/* The same name in another realm is another user. */
	assert_true(add("b.example", "alice", "four"));
	expect_line("a.example", "alice", "one");
}

static bool take_away(const char *realm, const char *name)
{
	struct turnd_conf conf = { .realm = (char *)(uintptr_t)realm,
				   .remove_user = (char *)(uintptr_t)name,
				   .base.password_file = path };

	return tools_remove_user(&conf, &err);
}

static void who_is_removed_leaves_all_others(void **state)
{
	char before[8192], after[8192];

	write_file("# ours\n");
	assert_true(add("a.example", "bob", "two"));
	assert_true(add("b.example", "alice", "three"));
	assert_true(add("b.example", "dave", "four"));
	read_file(before, sizeof(before));
	assert_true(add("a.example", "alic\xc3\xa9", "one"));
	/* By the name as it is prepared: composed. */
	assert_true(take_away("a.example", "alice\xcc\x81"));
	read_file(after, sizeof(after));
	assert_string_equal(before, after);
	assert_true(take_away("b.example", "dave"));
	assert_int_equal(count_users("a.example"), 1);
	assert_int_equal(count_users("b.example"), 1);
	expect_line("a.example", "bob", "two");
	expect_line("b.example", "alice", "three");
}

static void who_is_not_there_cannot_be_removed(void **state)
{
	char before[8192], after[8192];

	write_file("");
	assert_true(add("a.example", "alice", "one"));
	read_file(before, sizeof(before));
	assert_false(take_away("b.example", "alice"));
	assert_non_null(strstr(err.text, "no such user"));
	assert_false(take_away("a.example", "alic"));
	assert_false(take_away("a.example", "\x01"));
	read_file(after, sizeof(after));
	assert_string_equal(before, after);
	unlink(path);
	assert_false(take_away("a.example", "alice"));
	assert_int_not_equal(access(path, F_OK), 0);
}

static void a_group_that_could_read_it_still_can(void **state)
{
	struct stat st;

	write_file("");
	assert_int_equal(chmod(path, 0664), 0);
	assert_true(add("a.example", "alice", "one"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void what_cannot_be_added_changes_nothing(void **state)
{
	char text[4096];

	write_file("no password file at all\n");
	assert_false(add("a.example", "alice", "one"));
	assert_non_null(strstr(err.text, ":1: "));
	read_file(text, sizeof(text));
	assert_string_equal(text, "no password file at all\n");
	write_file("# mine\n");
	assert_false(add("a.example", "alice", ""));
	assert_false(add("a.example", "alice", "\n"));
	assert_false(add("a.example", "al\nice", "one"));
	assert_false(add("a.example", "alice", "\x01"));
	read_file(text, sizeof(text));
	assert_string_equal(text, "# mine\n");
}

static void a_link_stays_a_link(void **state)
{
	char link[80];
	struct stat st;
	struct turnd_conf conf = { .realm = "a.example",
				   .add_user = "zoe",
				   .base.password_file = link };
	FILE *in = tmpfile();

	snprintf(link, sizeof(link), "%s/link", folder);
	write_file("");
	assert_int_equal(symlink(path, link), 0);
	fputs("secret\n", in);
	rewind(in);
	assert_true(tools_add_user(&conf, in, &err));
	fclose(in);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_line("a.example", "zoe", "secret");
	unlink(link);
}

static void credentials_are_json_for_webrtc(void **state)
{
	struct turnd_conf conf = { .realm = "turn.example.org",
				   .make_credential = "al\"ice",
				   .base.auth_secret_file = path,
				   .auth_secret_separator = ":",
				   .ttl_ms = 86400000,
				   .port = 3478,
				   .tls_port = 5349,
				   .udp = true,
				   .tcp = true,
				   .cert_file = "x" };
	struct users_credential want;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *json;

	write_file("# the new one first\nnew secret\nold secret\n");
	assert_true(tools_make_credential(&conf, 1000, out, &err));
	fclose(out);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	assert_int_equal(users_make_timed(bytes_of_str("new secret"), USERS_SHA1, ':',
					  bytes_of_str("al\"ice"), 87400, &want),
			 USERS_OK);
	assert_string_equal(json_string_value(json_object_get(json, "username")), want.username);
	assert_string_equal(json_string_value(json_object_get(json, "credential")), want.password);
	json_t *urls = json_object_get(json, "urls");
	assert_int_equal(json_array_size(urls), 3);
	assert_string_equal(json_string_value(json_array_get(urls, 0)),
			    "turn:turn.example.org:3478?transport=udp");
	assert_string_equal(json_string_value(json_array_get(urls, 2)),
			    "turns:turn.example.org:5349?transport=tcp");
	json_decref(json);
	free(text);
	conf.realm = "A realm";
	assert_false(tools_make_credential(&conf, 1000, stdout, &err));
	assert_non_null(strstr(err.text, "--uri"));
}

static int set_up(void **state)
{
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/users", folder);
	return 0;
}

/* Nothing may be left beside the file. */
static int tear_down(void **state)
{
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_made_for_its_owner_alone),
		cmocka_unit_test(users_join_the_section_of_their_realm),
		cmocka_unit_test(a_new_password_takes_the_place_of_the_old),
		cmocka_unit_test(who_is_removed_leaves_all_others),
		cmocka_unit_test(who_is_not_there_cannot_be_removed),
		cmocka_unit_test(a_group_that_could_read_it_still_can),
		cmocka_unit_test(what_cannot_be_added_changes_nothing),
		cmocka_unit_test(a_link_stays_a_link),
		cmocka_unit_test(credentials_are_json_for_webrtc),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
