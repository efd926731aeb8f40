/* Password files: what is written is read, and each fault is named with its line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "rng.h"
#include "users_talk.h"

#define KEYS                                \
	"00112233445566778899aabbccddeeff " \
	"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff "

#define FILE_MAX 4096

/* By md5sum and sha256sum of "alice:example.org:wonderland". */
#define ALICE                               \
	"72f86f2053703faa0f521ce71cfe6f59 " \
	"f0c3ae808cef897043f79de49549776f1f58cb7c5364e03ab40abac620459848 alice"

static enum users_result add_text(struct users *u, const char *text, uint32_t *line)
{
	*line = 0;
	return users_add_file(u, bytes_of_str(text), line);
}

/* A file with alice (wonderland) and bob (builder), as --add-user would write it. */
static void write_file(char out[static FILE_MAX])
{
	char realm[USERS_LINE_MAX + 1], alice[USERS_LINE_MAX + 1], bob[USERS_LINE_MAX + 1];

	assert_int_equal(users_make_realm_line(REALM, realm), USERS_OK);
	assert_int_equal(users_make_line(REALM, BYTES("alice"), BYTES("wonderland"), alice),
			 USERS_OK);
	assert_int_equal(users_make_line(REALM, BYTES("bob"), BYTES("builder"), bob), USERS_OK);
	(void)snprintf(out, FILE_MAX, "# made by a test\n%s\n%s\n%s\n", realm, alice, bob);
}

static void a_user_of_a_file_gets_in(void **state)
{
	static const uint16_t algorithms[] = { STUN_PASSWORD_MD5, STUN_PASSWORD_SHA256 };
	struct users *u = users_new_set();
	struct users_key key;
	char text[FILE_MAX];
	uint32_t line;

	write_file(text);
	assert_null(strstr(text, "wonderland"));
	assert_int_equal(add_text(u, text, &line), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	assert_int_equal(users_count(u), 2);
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		assert_int_equal(
			ask(u, algorithms[i], BYTES("alice"), BYTES("wonderland"), NOW, NULL, &key),
			USERS_ACCEPTED);
		assert_int_equal(key.source, USERS_FROM_FILE);
		assert_int_equal(
			ask(u, algorithms[i], BYTES("bob"), BYTES("wonderland"), NOW, NULL, NULL),
			USERS_WRONG);
	}
	users_free(u);
}

static void a_line_has_the_keys_of_rfc_8489(void **state)
{
	char line[USERS_LINE_MAX + 1];

	assert_int_equal(users_make_line(REALM, BYTES("alice"), BYTES("wonderland"), line),
			 USERS_OK);
	assert_string_equal(line, ALICE);
}

static void the_configuration_goes_before_the_file(void **state)
{
	struct users *u = users_new_set();
	struct users_key key;
	char text[FILE_MAX];
	uint32_t line;

	write_file(text);
	assert_int_equal(add_text(u, text, &line), USERS_OK);
	assert_int_equal(users_add(u, BYTES("alice"), BYTES("mirror")), USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_OK);
	assert_int_equal(users_count(u), 2);
	assert_int_equal(
		ask(u, STUN_PASSWORD_MD5, BYTES("alice"), BYTES("mirror"), NOW, NULL, &key),
		USERS_ACCEPTED);
	assert_int_equal(key.source, USERS_CONFIGURED);
	assert_int_equal(
		ask(u, STUN_PASSWORD_MD5, BYTES("alice"), BYTES("wonderland"), NOW, NULL, NULL),
		USERS_WRONG);
	assert_int_equal(ask(u, STUN_PASSWORD_MD5, BYTES("bob"), BYTES("builder"), NOW, NULL, NULL),
			 USERS_ACCEPTED);
	users_free(u);
}

static void lines_that_are_fine(void **state)
{
	static const struct {
		const char *why, *text;
		size_t users;
	} cases[] = {
		{ "nothing", "", 0 },
		{ "empty lines", "\n\n\r\n", 0 },
		{ "comments", "# [x\n#\n", 0 },
		{ "a realm alone", "[example.org]", 0 },
		{ "a user", "[example.org]\n" KEYS "a\n", 1 },
		{ "no line end", "[example.org]\n" KEYS "a", 1 },
		{ "line ends of Windows", "[example.org]\r\n" KEYS "a\r\n" KEYS "b\r\n", 2 },
		{ "spaces in a name", "[example.org]\n" KEYS "a b  c\n", 1 },
		{ "any letters", "[example.org]\n" KEYS "\u00e9t\u00e9 [x] # y\n", 1 },
		{ "other realms", "[a]\n" KEYS "a\n[example.org]\n" KEYS "b\n[b]\n" KEYS "b\n", 1 },
		{ "our realm twice", "[example.org]\n" KEYS "a\n[x]\n[example.org]\n" KEYS "b", 2 },
		{ "brackets in a realm", "[a]b]\n" KEYS "a\n", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct users *u = users_new_set();
		uint32_t line;
		enum users_result r = add_text(u, cases[i].text, &line);

		if (r != USERS_OK || users_finish(u, &line) != USERS_OK)
			fail_msg("%s: line %u: %s", cases[i].why, line, users_why(r));
		assert_int_equal(users_count(u), cases[i].users);
		users_free(u);
	}
}

static void faults_are_named_with_their_line(void **state)
{
	static const struct {
		const char *why, *text;
		uint32_t line;
		enum users_result want;
	} cases[] = {
		{ "before a realm", "#\n" KEYS "a\n", 2, USERS_LINE_NO_REALM },
		{ "an open realm", "[example.org\n", 1, USERS_LINE_OPEN_REALM },
		{ "a bracket alone", "\n[", 2, USERS_LINE_OPEN_REALM },
		{ "something behind", "[example.org] \n", 1, USERS_LINE_OPEN_REALM },
		{ "an empty realm", "[]\n", 1, USERS_BAD_REALM },
		{ "a tab in a realm", "[a\tb]\n", 1, USERS_BAD_REALM },
		{ "a realm not prepared", "[a\u3000b]\n", 1, USERS_BAD_REALM },
		{ "a name alone", "[example.org]\n\nalice\n", 3, USERS_LINE_BAD_KEYS },
		{ "a password", "[example.org]\nalice:secret\n", 2, USERS_LINE_BAD_KEYS },
		{ "a space before", "[example.org]\n " KEYS "a\n", 2, USERS_LINE_BAD_KEYS },
		{ "a short key", "[x]\n00112233445566778899aabbccddeef a\n", 2,
		  USERS_LINE_BAD_KEYS },
		{ "one key", "[x]\n00112233445566778899aabbccddeeff a\n", 2, USERS_LINE_BAD_KEYS },
		{ "no hex", "[x]\n0011223344556677g899aabbccddeeff a\n", 2, USERS_LINE_BAD_KEYS },
		{ "no name", "[x]\n" KEYS "\n", 2, USERS_BAD_NAME },
		{ "a tab in a name", "[x]\n" KEYS "a\tb\n", 2, USERS_BAD_NAME },
		{ "not UTF-8", "[x]\n" KEYS "\xff\n", 2, USERS_BAD_NAME },
		{ "a name not prepared", "[x]\n" KEYS "e\u0301\n", 2, USERS_BAD_NAME },
		{ "two line ends", "[x]\n" KEYS "a\r\r\n", 2, USERS_BAD_NAME },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct users *u = users_new_set();
		uint32_t line;
		enum users_result r = add_text(u, cases[i].text, &line);

		if (r != cases[i].want || line != cases[i].line)
			fail_msg("%s: line %u: %s", cases[i].why, line, users_why(r));
		users_free(u);
	}
}

static void a_nul_is_no_part_of_a_name(void **state)
{
	struct users *u = users_new_set();
	uint32_t line = 0;

	assert_int_equal(users_add_file(u, BYTES("[example.org]\n" KEYS "a\0b\n"), &line),
			 USERS_BAD_NAME);
	assert_int_equal(line, 2);
	users_free(u);
}

static void a_second_line_of_a_user_is_named(void **state)
{
	struct users *u = users_new_set();
	uint32_t line = 0;

	assert_int_equal(add_text(u, "[example.org]\n" KEYS "a\n" KEYS "b\n\n" KEYS "a\n", &line),
			 USERS_OK);
	assert_int_equal(users_finish(u, &line), USERS_TWICE);
	assert_int_equal(line, 5);
	users_free(u);
}

static void a_line_has_an_end(void **state)
{
	uint8_t text[USERS_LINE_MAX + 1];
	struct users_line read;

	memset(text, 'a', sizeof(text));
	assert_int_equal(users_read_line(bytes_of(text, sizeof(text)), &read), USERS_LINE_TOO_LONG);
	assert_int_equal(users_read_line(bytes_of(text, sizeof(text) - 1), &read),
			 USERS_LINE_BAD_KEYS);
}

static void the_longest_names_fit(void **state)
{
	char line[USERS_LINE_MAX + 1];
	uint8_t longest[763];
	struct users_line read;

	memset(longest, 'n', sizeof(longest));
	assert_int_equal(
		users_make_line(REALM, bytes_of(longest, USERS_NAME_MAX), BYTES("p"), line),
		USERS_OK);
	assert_int_equal(users_read_line(bytes_of_str(line), &read), USERS_OK);
	assert_int_equal(read.kind, USERS_LINE_USER);
	assert_int_equal(read.text.len, USERS_NAME_MAX);
	assert_int_equal(
		users_make_line(REALM, bytes_of(longest, USERS_NAME_MAX + 1), BYTES("p"), line),
		USERS_BAD_NAME);
	assert_int_equal(users_make_realm_line(bytes_of(longest, sizeof(longest)), line), USERS_OK);
	assert_int_equal(users_read_line(bytes_of_str(line), &read), USERS_OK);
	assert_int_equal(read.kind, USERS_LINE_REALM);
	assert_int_equal(read.text.len, sizeof(longest));
}

static void lines_are_made_of_what_is_fine_only(void **state)
{
	char line[USERS_LINE_MAX + 1] = "old";

	assert_int_equal(users_make_line(BYTES(""), BYTES("a"), BYTES("p"), line), USERS_BAD_REALM);
	assert_int_equal(users_make_line(REALM, BYTES("a\nb"), BYTES("p"), line), USERS_BAD_NAME);
	assert_int_equal(users_make_line(REALM, BYTES("a"), BYTES(""), line), USERS_BAD_PASSWORD);
	assert_int_equal(users_make_realm_line(BYTES("a\nb"), line), USERS_BAD_REALM);
	assert_string_equal(line, "old");
}

/* Whatever becomes of a byte: the file is refused, or somebody else stands in it. */
static void changed_bytes_never_let_the_old_password_in(void **state)
{
	struct rng rng = rng_seed(6);
	char good[FILE_MAX];

	write_file(good);
	for (size_t i = 0; good[i] != '\0'; i++) {
		struct users *u = users_new_set();
		char text[FILE_MAX];
		uint32_t line;

		memcpy(text, good, sizeof(text));
		text[i] = (char)((uint8_t)text[i] ^ (1 + rng_below(&rng, 255)));
		if (users_add_file(u, bytes_of(text, strlen(good)), &line) == USERS_OK &&
		    users_finish(u, &line) == USERS_OK && users_count(u) == 2) {
			size_t in = ask(u, STUN_PASSWORD_MD5, BYTES("alice"), BYTES("wonderland"),
					NOW, NULL, NULL) == USERS_ACCEPTED;
			in += ask(u, STUN_PASSWORD_SHA256, BYTES("alice"), BYTES("wonderland"), NOW,
				  NULL, NULL) == USERS_ACCEPTED;
			in += ask(u, STUN_PASSWORD_MD5, BYTES("bob"), BYTES("builder"), NOW, NULL,
				  NULL) == USERS_ACCEPTED;
			in += ask(u, STUN_PASSWORD_SHA256, BYTES("bob"), BYTES("builder"), NOW,
				  NULL, NULL) == USERS_ACCEPTED;
			bool is_comment = i < (size_t)(strchr(good, '\n') - good);
			if (in == 4 && !is_comment && (text[i] ^ good[i]) != 0x20)
				fail_msg("byte %zu: did not count", i);
		}
		users_free(u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_of_a_file_gets_in),
		cmocka_unit_test(a_line_has_the_keys_of_rfc_8489),
		cmocka_unit_test(the_configuration_goes_before_the_file),
		cmocka_unit_test(lines_that_are_fine),
		cmocka_unit_test(faults_are_named_with_their_line),
		cmocka_unit_test(a_nul_is_no_part_of_a_name),
		cmocka_unit_test(a_second_line_of_a_user_is_named),
		cmocka_unit_test(a_line_has_an_end),
		cmocka_unit_test(the_longest_names_fit),
		cmocka_unit_test(lines_are_made_of_what_is_fine_only),
		cmocka_unit_test(changed_bytes_never_let_the_old_password_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
