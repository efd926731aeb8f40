/* How natprobe relay is given its credentials. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "natprobe/relay/relay_secrets.h"

#define VARIABLE "NATPROBE_TURN_PASSWORD"

static struct relay_secrets s;

/* The name of a file that holds this; the test removes it. */
static char path[] = "/tmp/natkit-secrets-XXXXXX";

static void write_file(const char *text)
{
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static bool is(struct bytes got, const char *want)
{
	return bytes_equal(got, bytes_of_str(want));
}

static void a_password_in_a_file(void **state)
{
	static const char *const texts[] = { "open sesame", "open sesame\n", "open sesame\r\n",
					     "open sesame\nand another line\n",
					     "open\xe3\x80\x80sesame\n" /* is prepared */ };
	const char *what, *why;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_file(texts[i]);
		assert_true(relay_secrets_read(&s, "alice", path, NULL, &what, &why));
		unlink(path);
		assert_true(is(s.credentials.username, "alice"));
		assert_true(is(s.credentials.password, "open sesame"));
		relay_secrets_clear(&s);
		assert_int_equal(s.password[0], 0);
	}
}

static void a_password_in_the_environment(void **state)
{
	const char *what, *why;

	assert_non_null(freopen("/dev/null", "re", stdin)); /* nobody there to be asked */
	setenv(VARIABLE, "swordfish", 1);
	assert_true(relay_secrets_read(&s, "bob", NULL, NULL, &what, &why));
	assert_true(is(s.credentials.password, "swordfish"));
	setenv(VARIABLE, "", 1);
	assert_false(relay_secrets_read(&s, "bob", NULL, NULL, &what, &why));
	unsetenv(VARIABLE);
	assert_false(relay_secrets_read(&s, "bob", NULL, NULL, &what, &why));
	assert_string_equal(what, VARIABLE);
	assert_true(strlen(why) > 10);
}

static void a_name_has_508_bytes_at_most(void **state)
{
	char name[510];
	const char *what, *why;

	memset(name, 'a', sizeof(name));
	setenv(VARIABLE, "swordfish", 1);
	name[508] = '\0';
	assert_true(relay_secrets_read(&s, name, NULL, NULL, &what, &why));
	name[508] = 'a';
	name[509] = '\0';
	assert_false(relay_secrets_read(&s, name, NULL, NULL, &what, &why));
	assert_non_null(strstr(why, "508"));
	unsetenv(VARIABLE);
}

static void none_at_all(void **state)
{
	const char *what, *why;

	assert_true(relay_secrets_read(&s, NULL, NULL, NULL, &what, &why));
	assert_int_equal(s.credentials.username.len, 0);
	assert_int_equal(s.credentials.access_token.len, 0);
}

static void what_cannot_be_a_password(void **state)
{
	static const char *const texts[] = { "", "\n", "\xff\xfe\n", "a\tb\n" };
	const char *what, *why;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_file(texts[i]);
		if (relay_secrets_read(&s, "alice", path, NULL, &what, &why))
			fail_msg("case %zu is taken", i);
		assert_ptr_equal(what, path);
		unlink(path);
	}
	assert_false(relay_secrets_read(&s, "alice", "/nonexistent", NULL, &what, &why));
}

static void an_access_token(void **state)
{
	const char *what, *why;

	write_file("# made for tests\n\nkid north\nkey  MTIzNA==\r\ntoken\tAAECAw==\n");
	assert_true(relay_secrets_read(&s, NULL, NULL, path, &what, &why));
	unlink(path);
	assert_true(is(s.credentials.username, "north"));
	assert_true(is(s.credentials.mac_key, "1234"));
	assert_true(bytes_equal(s.credentials.access_token, BYTES("\x00\x01\x02\x03")));
	assert_int_equal(s.credentials.password.len, 0);
}

static void what_is_no_token_file(void **state)
{
	static const char *const texts[] = {
		"",
		"kid a\nkey MTIzNA==\n",
		"kid a\ntoken MTIzNA==\n",
		"key MTIzNA==\ntoken MTIzNA==\n",
		"kid\nkey MTIzNA==\ntoken MTIzNA==\n",
		"kid a\nkey MTIzNA\ntoken MTIzNA==\n",
		"kid a\nkey MTIzNA==\ntoken !\n",
		"kid a\nkey MTIzNA==\ntoken MTIzNA==\nsecret b\n",
	};
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		s = (struct relay_secrets){ 0 };
		if (relay_secrets_parse_token(&s, bytes_of_str(texts[i]), &why))
			fail_msg("case %zu is taken", i);
		assert_true(strlen(why) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_in_a_file),
		cmocka_unit_test(a_password_in_the_environment),
		cmocka_unit_test(a_name_has_508_bytes_at_most),
		cmocka_unit_test(none_at_all),
		cmocka_unit_test(what_cannot_be_a_password),
		cmocka_unit_test(an_access_token),
		cmocka_unit_test(what_is_no_token_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
