/* link_tag: a link tells which code it has to who knows that code, and to nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "natprobe/link/link_tag.h"

static void a_code_is_recognised(void **state)
{
	static const uint8_t salts[2][LINK_TAG_SALT_LEN] = { "one salt", "another" };
	char tags[2][LINK_TAG_MAX];

	for (int i = 0; i < 2; i++) {
		assert_true(link_tag_make("37-copper-violin-harbor", salts[i], tags[i]));
		assert_int_equal(strlen(tags[i]), LINK_TAG_MAX - 1);
		assert_true(link_tag_is_of(tags[i], "37-copper-violin-harbor"));
		assert_false(link_tag_is_of(tags[i], "37-copper-violin-harbour"));
		assert_null(strstr(tags[i], "copper"));
	}
	assert_string_not_equal(tags[0], tags[1]);
}

static void what_is_no_tag_is_of_no_code(void **state)
{
	static const uint8_t salt[LINK_TAG_SALT_LEN];
	char tag[LINK_TAG_MAX];

	assert_true(link_tag_make("1-a-b-c", salt, tag));
	assert_false(link_tag_is_of("", "1-a-b-c"));
	assert_false(link_tag_is_of("00", "1-a-b-c"));
	tag[0] = 'g';
	assert_false(link_tag_is_of(tag, "1-a-b-c"));
	tag[0] = '0';
	tag[LINK_TAG_MAX - 2] ^= 1;
	assert_false(link_tag_is_of(tag, "1-a-b-c"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_recognised),
		cmocka_unit_test(what_is_no_tag_is_of_no_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
