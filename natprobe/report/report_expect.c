/* How a run meets what was expected, for people. */
#include "report_tests.h"

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define PLAIN  "\033[0m"

static void print_word(const struct report_test *t, const struct report_style *style, FILE *out)
{
	static const char *const colours[TEST_RESULTS] = {
		[TEST_PASSED] = GREEN,
		[TEST_FAILED] = RED,
		[TEST_OPEN] = YELLOW,
		[TEST_SKIPPED] = "",
	};
	const char *word = report_test_word((enum report_test_result)t->result);

	fprintf(out, "  %s%-6s%s  ", style->colour ? colours[t->result] : "", word,
		style->colour ? PLAIN : "");
}

static void print_test(const struct report_tests *all, const struct report_test *t,
		       const struct report_style *style, FILE *out)
{
	char place[REPORT_TEST_TEXT_MAX];
	char text[REPORT_TEST_TEXT_MAX];

	print_word(t, style, out);
	report_test_place(t, place);
	fprintf(out, "%s%s%s\n", place, place[0] != '\0' ? ": " : "", t->property->name);
	fprintf(out, "          expected  %s %s  (%s:%u)\n",
		expect_operator_word((enum expect_operator)t->line->operator), t->line->wanted,
		all->file, t->line->line);
	fprintf(out, "          got       %s\n", report_test_got(t, text));
	if (t->probe == NULL || t->probe->verdict == NULL)
		return;
	if (report_evidence(t->property, t->probe->verdict, text)[0] != '\0')
		fprintf(out, "          seen      %s\n", text);
}

void report_expect(const struct report_tests *t, const struct report_style *style, FILE *out)
{
	size_t missed = t->by_result[TEST_FAILED];
	size_t open = t->by_result[TEST_OPEN];

	if (missed + open == 0)
		fprintf(out, "%s: as expected, %zu of %zu met\n", t->file, t->count, t->count);
	else
		fprintf(out, "%s: %zu missed, %zu open, %zu met\n", t->file, missed, open,
			t->by_result[TEST_PASSED]);
	for (size_t i = 0; i < t->count; i++) {
		if (style->verbose || t->items[i].result != TEST_PASSED)
			print_test(t, &t->items[i], style, out);
	}
}
