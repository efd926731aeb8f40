/* Base64: the vectors of RFC 4648, and nothing but one way to write a thing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base64.h"
#include "rng.h"

static void the_vectors_of_rfc_4648_hold(void **state)
{
	static const struct {
		struct bytes plain;
		const char *text;
	} cases[] = {
		{ BYTES(""), "" },
		{ BYTES("f"), "Zg==" },
		{ BYTES("fo"), "Zm8=" },
		{ BYTES("foo"), "Zm9v" },
		{ BYTES("foob"), "Zm9vYg==" },
		{ BYTES("fooba"), "Zm9vYmE=" },
		{ BYTES("foobar"), "Zm9vYmFy" },
		{ BYTES("\xfb\xff\xbf"), "+/+/" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[16] = { 0 };
		uint8_t back[16];
		size_t len;

		base64_put(cases[i].plain, text);
		assert_string_equal(text, cases[i].text);
		assert_true(base64_get(bytes_of_str(text), back, sizeof(back), &len));
		assert_true(bytes_equal(bytes_of(back, len), cases[i].plain));
	}
}

static void what_nobody_writes_is_refused(void **state)
{
	static const struct {
		const char *why, *text;
	} cases[] = {
		{ "no padding", "Zg" },
		{ "half a padding", "Zg=" },
		{ "padding alone", "====" },
		{ "three of padding", "Z===" },
		{ "padding inside", "Zg==Zg==" },
		{ "a space", "Zm9 " },
		{ "a line end", "Zm9v\n" },
		{ "the other alphabet", "-_-_" },
		{ "bits left over", "Zh==" },
		{ "bits left over", "Zm9=" },
		{ "above ASCII", "Zm9\xff" },
		{ "below the letters", "Zm9@" },
		{ "above the letters", "Zm9[" },
		{ "below the small ones", "Zm9`" },
		{ "above the small ones", "Zm9{" },
		{ "above the digits", "Zm9:" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t out[16];
		size_t len = 99;

		if (base64_get(bytes_of_str(cases[i].text), out, sizeof(out), &len))
			fail_msg("%s: accepted", cases[i].why);
		assert_int_equal(len, 99);
	}
}

static void a_buffer_that_is_too_small_is_left_alone(void **state)
{
	uint8_t out[4] = { 7, 7, 7, 7 };
	size_t len;

	assert_false(base64_get(BYTES("Zm9v"), out, 2, &len));
	assert_int_equal(out[0], 7);
	assert_true(base64_get(BYTES("Zm9v"), out, 3, &len));
	assert_int_equal(len, 3);
	assert_int_equal(out[3], 7);
}

static void random_bytes_come_back(void **state)
{
	struct rng rng = rng_seed(64);

	for (size_t len = 0; len < 200; len++) {
		uint8_t in[200], out[201];
		char text[BASE64_LEN(200)];
		size_t got;

		rng_fill(&rng, in, len);
		base64_put(bytes_of(in, len), text);
		assert_true(base64_get(bytes_of(text, BASE64_LEN(len)), out, sizeof(out), &got));
		assert_true(bytes_equal(bytes_of(out, got), bytes_of(in, len)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_rfc_4648_hold),
		cmocka_unit_test(what_nobody_writes_is_refused),
		cmocka_unit_test(a_buffer_that_is_too_small_is_left_alone),
		cmocka_unit_test(random_bytes_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
