/* code: what people type, what they are given, and what a topic tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "natprobe/meet/code.h"
#include "natprobe/meet/words.h"
#include "rng.h"

static void draw(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void counts_what_means_the_same(void **state)
{
	static const struct {
		const char *typed, *want;
	} cases[] = {
		{ "37-copper-violin-harbor", "37-copper-violin-harbor" },
		{ "  37 Copper  VIOLIN_harbor\r\n", "37-copper-violin-harbor" },
		{ "37--copper - violin -- harbor-", "37-copper-violin-harbor" },
		{ "37\xe2\x80\x93"
		  "copper\xc2\xa0violin\xe2\x80\x91harbor",
		  "37-copper-violin-harbor" },
		{ "0037-copper-violin-harbor", "37-copper-violin-harbor" },
		{ "Our Own Secret!", "our-own-secret!" },
		{ "d\xc3\xbcrfen wir", "d\xc3\xbcrfen-wir" },
		{ "1234567890", "1234567890" },
		{ "1-some-other-thing", "1-some-other-thing" },
	};
	char out[CODE_MAX];
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(code_normalise(cases[i].typed, out, &why));
		assert_string_equal(out, cases[i].want);
	}
}

static void refuses_what_is_none(void **state)
{
	static const char *const typed[] = {
		"",
		" - ",
		"123456789",
		"37-coper-violin-harbor", /* mistyped: it would be a wrong guess */
		"37-copper-violin-harbour",
		"\xff\xfe-no-text-at-all",
		"tabs\x01inside-of-it",
		"cut-at-the-end-\xc3",
		"\x7f-delete-me-please",
	};
	char longest[2 * CODE_MAX], out[CODE_MAX] = "as it was";
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		why = NULL;
		assert_false(code_normalise(typed[i], out, &why));
		assert_non_null(why);
		assert_string_equal(out, "as it was");
	}
	memset(longest, 'a', sizeof(longest));
	longest[CODE_MAX] = 0;
	assert_false(code_normalise(longest, out, &why));
	longest[CODE_MAX - 1] = 0;
	assert_true(code_normalise(longest, out, &why));
}

static void makes_codes_that_count(void **state)
{
	struct rng r = rng_seed(1);
	char code[CODE_MAX], out[CODE_MAX], topic[32], want[32];
	uint8_t stretched[64] = { 0 };
	unsigned int number, low = 0, high = 0;
	const char *why;

	for (int i = 0; i < 2000; i++) {
		code_make(draw, &r, code);
		assert_true(code_normalise(code, out, &why));
		assert_string_equal(code, out);
		assert_int_equal(sscanf(code, "%u-", &number), 1);
		assert_in_range(number, 1, 9999);
		low += number < 100 ? 1 : 0;
		high += number > 9899 ? 1 : 0;
		rng_fill(&r, stretched, sizeof(stretched));
		code_topic(code, stretched, topic, sizeof(topic));
		(void)snprintf(want, sizeof(want), "natkit/c/%u", number);
		assert_string_equal(topic, want); /* and nothing of the words */
	}
	assert_in_range(low, 5, 45);
	assert_in_range(high, 5, 45);
}

static void tells_fourteen_bits_of_ones_own(void **state)
{
	uint8_t stretched[64];
	char a[32], b[32];

	memset(stretched, 0xff, sizeof(stretched));
	code_topic("our-own-secret", stretched, a, sizeof(a));
	assert_string_equal(a, "natkit/o/16383");
	memset(stretched, 0, 48); /* what makes the key is another part */
	memset(stretched + 50, 0, 14);
	code_topic("our-own-secret", stretched, b, sizeof(b));
	assert_string_equal(a, b);
	stretched[48] = 0;
	code_topic("our-own-secret", stretched, b, sizeof(b));
	assert_string_equal(b, "natkit/o/63");
}

/* Letters to be changed, left out or put in, until one word is the other; 2 is enough. */
static int distance(const char *a, const char *b)
{
	int row[WORD_MAX + 1], before, here;
	int len = (int)strlen(b);

	for (int j = 0; j <= len; j++)
		row[j] = j;
	for (int i = 0; a[i] != 0; i++) {
		before = row[0];
		row[0] = i + 1;
		for (int j = 1; j <= len; j++) {
			here = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
			if (before + (a[i] != b[j - 1] ? 1 : 0) < here)
				here = before + (a[i] != b[j - 1] ? 1 : 0);
			before = row[j];
			row[j] = here;
		}
	}
	return row[len];
}

static void has_words_that_are_told_apart(void **state)
{
	for (int i = 0; i < WORDS; i++) {
		assert_in_range(strlen(words[i]), 3, WORD_MAX);
		assert_int_equal(strspn(words[i], "abcdefghijklmnopqrstuvwxyz"), strlen(words[i]));
		for (int j = 0; j < i; j++) {
			if (strcmp(words[j], words[i]) >= 0 || distance(words[j], words[i]) < 2 ||
			    strncmp(words[j], words[i], 4) == 0)
				fail_msg("%s and %s", words[j], words[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_means_the_same),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(makes_codes_that_count),
		cmocka_unit_test(tells_fourteen_bits_of_ones_own),
		cmocka_unit_test(has_words_that_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
