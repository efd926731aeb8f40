/* safe_name: what a peer may call its files, and how they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "natprobe/transfer/safe_name.h"

#define NAME_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NAME_255 \
	NAME_64 NAME_64 NAME_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void test_names(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
		enum safe_name verdict;
		const char *out; /* NULL: as it was */
	} cases[] = {
		{ "plain", BYTES("a.txt"), SAFE_NAME_OK, NULL },
		{ "in directories", BYTES("a/b/c"), SAFE_NAME_OK, NULL },
		{ "hidden", BYTES(".profile"), SAFE_NAME_OK, NULL },
		{ "dots that are none", BYTES("..."), SAFE_NAME_OK, NULL },
		{ "two dots in front", BYTES("..a/b.."), SAFE_NAME_OK, NULL },
		{ "not UTF-8", BYTES("\xff\xfe"), SAFE_NAME_OK, NULL },
		{ "backslashes", BYTES("..\\..\\x"), SAFE_NAME_OK, NULL },
		{ "255 bytes", BYTES(NAME_255), SAFE_NAME_OK, NULL },
		{ "a device with an extension", BYTES("aux.c"), SAFE_NAME_OK, NULL },
		{ "control characters", BYTES("a\nb\x1b[2J\x7f"), SAFE_NAME_CHANGED, "a_b_[2J_" },
		{ "a device", BYTES("con"), SAFE_NAME_CHANGED, "_con" },
		{ "a device in a directory", BYTES("x/Lpt1/y"), SAFE_NAME_CHANGED, "x/_Lpt1/y" },
		{ "no device", BYTES("com0"), SAFE_NAME_OK, NULL },
		{ "nothing", BYTES(""), SAFE_NAME_EMPTY, NULL },
		{ "absolute", BYTES("/etc/passwd"), SAFE_NAME_ABSOLUTE, NULL },
		{ "up", BYTES(".."), SAFE_NAME_DOTS, NULL },
		{ "up and down", BYTES("a/../../b"), SAFE_NAME_DOTS, NULL },
		{ "up at the end", BYTES("a/.."), SAFE_NAME_DOTS, NULL },
		{ "here", BYTES("./a"), SAFE_NAME_DOTS, NULL },
		{ "an empty component", BYTES("a//b"), SAFE_NAME_EMPTY, NULL },
		{ "a slash at the end", BYTES("a/"), SAFE_NAME_EMPTY, NULL },
		{ "a NUL", BYTES("a\0b"), SAFE_NAME_NUL, NULL },
		{ "256 bytes", BYTES(NAME_255 "x"), SAFE_NAME_LONG, NULL },
		{ "an unfinished file", BYTES("x/.a.natprobe-part"), SAFE_NAME_PART, NULL },
		{ "nearly one", BYTES("..natprobe-part"), SAFE_NAME_OK, NULL },
	};
	static uint8_t out[SAFE_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = 0;
		enum safe_name got = safe_name(cases[i].in, out, &len);
		struct bytes want = cases[i].out != NULL ? bytes_of_str(cases[i].out) : cases[i].in;

		if (got != cases[i].verdict)
			fail_msg("%s: %s", cases[i].why, safe_name_why(got));
		if (safe_name_is_good(got) && !bytes_equal(bytes_of(out, len), want))
			fail_msg("%s: %.*s", cases[i].why, (int)len, (const char *)out);
	}
}

static void test_depth_is_bounded(void **state)
{
	static uint8_t out[SAFE_PATH_MAX];
	static uint8_t in[2 * SAFE_PATH_MAX];
	size_t len;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = i % 2 == 0 ? 'a' : '/';
	assert_int_equal(safe_name(bytes_of(in, 2 * SAFE_DEPTH_MAX - 1), out, &len), SAFE_NAME_OK);
	assert_int_equal(safe_name(bytes_of(in, 2 * SAFE_DEPTH_MAX + 1), out, &len),
			 SAFE_NAME_DEEP);
	assert_int_equal(safe_name(bytes_of(in, SAFE_PATH_MAX + 1), out, &len), SAFE_NAME_LONG);
}

static void test_parts(void **state)
{
	char a[SAFE_COMPONENT_MAX + 1], b[SAFE_COMPONENT_MAX + 1];

	safe_name_part(BYTES("a.txt"), a);
	assert_string_equal(a, ".a.txt.natprobe-part");
	safe_name_part(BYTES(NAME_255), a);
	safe_name_part(bytes_of(NAME_255, 254), b);
	assert_int_equal(strlen(a), SAFE_COMPONENT_MAX);
	assert_int_equal(strlen(b), SAFE_COMPONENT_MAX);
	assert_string_not_equal(a, b);
}

static void test_what_is_shown(void **state)
{
	static const struct {
		struct bytes in;
		const char *out;
	} cases[] = {
		{ BYTES("a b"), "a b" },
		{ BYTES("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f" },
		{ BYTES("a\x1b[2J"), "a\\x1b[2J" },
		{ BYTES("a\\b"), "a\\\\b" },
		{ BYTES("\xff"), "\\xff" },
		{ BYTES("\xc2\x9b"), "\\xc2\\x9b" },
		{ BYTES("x\xe2\x80\xaetxt"), "x\\xe2\\x80\\xaetxt" },
		{ BYTES(""), "" },
	};
	char out[SAFE_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(safe_text(cases[i].in, out), cases[i].out);
	safe_text(BYTES(NAME_255 NAME_255 ".tar.gz"), out);
	assert_true(strlen(out) < SAFE_TEXT_MAX);
	assert_non_null(strstr(out, "..."));
	assert_non_null(strstr(out, ".tar.gz"));
	assert_string_equal(safe_text_cut(BYTES("0123456789"), out, 9), "01234...");
	assert_string_equal(safe_text_cut(BYTES("01234"), out, 9), "01234");
	assert_string_equal(safe_text_sentence(BYTES("a\\b\x1b"), out, sizeof(out)), "a\\b\\x1b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_what_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
