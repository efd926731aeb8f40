/* html: whatever a text holds, it stays text. */
#include "natprobe/html/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

#define UNKNOWN "\xef\xbf\xbd"

static void text_stays_text(void **state)
{
	static const struct {
		const char *why, *text, *want;
	} cases[] = {
		{ "plain", "eth0, 192.0.2.1", "eth0, 192.0.2.1" },
		{ "nothing", "", "" },
		{ "an element", "<b>&amp;", "&#60;b&#62;&#38;amp;" },
		{ "quotes", "\"'` onload=x", "&#34;&#39;` onload=x" },
		{ "a line", "a\nb", "a\nb" },
		{ "controls", "a\tb\rc\x1b[1m\x7f",
		  "a" UNKNOWN "b" UNKNOWN "c" UNKNOWN "[1m" UNKNOWN },
		{ "C1 controls", "\xc2\x80\xc2\x9f\xc2\xa0", UNKNOWN UNKNOWN "\xc2\xa0" },
		{ "other alphabets", "\xc3\xbc \xe2\x86\x92 \xf0\x9f\x8c\x8d",
		  "\xc3\xbc \xe2\x86\x92 \xf0\x9f\x8c\x8d" },
		{ "a byte alone",
		  "a\xff"
		  "b\x80",
		  "a" UNKNOWN "b" UNKNOWN },
		{ "cut off", "a\xe2\x86", "a" UNKNOWN UNKNOWN },
		{ "longer than needed", "\xc0\xbc\xe0\x80\xbc",
		  UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN },
		{ "half a pair", "\xed\xa0\x80", UNKNOWN UNKNOWN UNKNOWN },
		{ "beyond the last", "\xf4\x90\x80\x80", UNKNOWN UNKNOWN UNKNOWN UNKNOWN },
		{ "no letter", "\xef\xbf\xbe\xef\xb7\x90", UNKNOWN UNKNOWN },
		{ "turned round",
		  "\xe2\x80\xae"
		  "gpj.exe\xe2\x81\xa6\xd8\x9c",
		  UNKNOWN "gpj.exe" UNKNOWN UNKNOWN },
		{ "lines that are none", "\xe2\x80\xa8\xe2\x80\xa9", UNKNOWN UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&got, &len);

		assert_non_null(out);
		html_text(out, cases[i].text);
		fclose(out);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s, not %s", cases[i].why, got, cases[i].want);
		free(got);
	}
}

static void formats_are_markup_and_arguments_are_not(void **state)
{
	char *got = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&got, &len);

	assert_non_null(out);
	html_put(out, "<b title=\"%s\">%s</b>%d %+d %u %zu %.0f %.2f 100%%", "\"", "<i>%d", -3, 4,
		 5u, (size_t)6, 7.4, 8.125);
	fclose(out);
	assert_string_equal(got, "<b title=\"&#34;\">&#60;i&#62;%d</b>-3 +4 5 6 7 8.12 100%");
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_stays_text),
		cmocka_unit_test(formats_are_markup_and_arguments_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
