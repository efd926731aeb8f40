/* The file that two partners share: bytes, a passphrase, and what is neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stund/partner_key.h"

static struct opt_error err;

static bool read_key(struct bytes content, uint8_t key[static PARTNER_KEY_LEN])
{
	char path[] = "/tmp/natkit-key-XXXXXX";
	int fd = mkstemp(path);
	bool ok;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.data, content.len), content.len);
	close(fd);
	ok = partner_key_read(path, key, &err);
	unlink(path);
	return ok;
}

static void bytes_are_the_key(void **state)
{
	uint8_t raw[PARTNER_KEY_LEN], key[PARTNER_KEY_LEN];

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 7);
	assert_true(read_key(bytes_of(raw, sizeof(raw)), key));
	assert_memory_equal(raw, key, sizeof(raw));
}

static void a_line_is_a_passphrase_whatever_ends_it(void **state)
{
	uint8_t key[4][PARTNER_KEY_LEN];

	assert_true(read_key(BYTES("a passphrase of some length"), key[0]));
	assert_true(read_key(BYTES("a passphrase of some length\n"), key[1]));
	assert_true(read_key(BYTES("a passphrase of some length\r\n"), key[2]));
	assert_true(read_key(BYTES("a passphrase of some Length\n"), key[3]));
	assert_memory_equal(key[0], key[1], PARTNER_KEY_LEN);
	assert_memory_equal(key[0], key[2], PARTNER_KEY_LEN);
	assert_memory_not_equal(key[0], key[3], PARTNER_KEY_LEN);
}

/* 32 bytes with the end of the line, and without: a passphrase in either case. */
static void text_of_32_bytes_is_still_a_passphrase(void **state)
{
	uint8_t key[2][PARTNER_KEY_LEN];

	assert_true(read_key(BYTES("0123456789abcdef0123456789abcde\n"), key[0]));
	assert_true(read_key(BYTES("0123456789abcdef0123456789abcde"), key[1]));
	assert_memory_equal(key[0], key[1], PARTNER_KEY_LEN);
}

static void what_is_no_key_is_named(void **state)
{
	static const struct {
		struct bytes content;
		const char *what;
	} cases[] = {
		{ BYTES(""), "shorter than 16" },
		{ BYTES("\n"), "shorter than 16" },
		{ BYTES("fifteen letters\n"), "shorter than 16" },
		{ BYTES("two lines of text\nare one too many\n"), "neither" },
		{ BYTES("\1\2\3"), "neither" },
		{ BYTES("\1 one more than thirty-two bytes."), "neither" },
	};
	uint8_t key[PARTNER_KEY_LEN], large[2000];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (read_key(cases[i].content, key) || strstr(err.text, cases[i].what) == NULL)
			fail_msg("case %zu: %s", i, err.text);
	}
	memset(large, 'x', sizeof(large));
	assert_false(read_key(bytes_of(large, sizeof(large)), key));
	assert_non_null(strstr(err.text, "longer"));
	assert_false(partner_key_read("/nowhere/key", key, &err));
	assert_non_null(strstr(err.text, "partner-key-file: /nowhere/key: "));
	assert_false(partner_key_read("/", key, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_the_key),
		cmocka_unit_test(a_line_is_a_passphrase_whatever_ends_it),
		cmocka_unit_test(text_of_32_bytes_is_still_a_passphrase),
		cmocka_unit_test(what_is_no_key_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
