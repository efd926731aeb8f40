/* A run as TAP, the Test Anything Protocol, version 13. */
#include "report_tests.h"

/* # and \ mean something in a description. */
static void print_escaped(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '#' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* A scalar of YAML in single quotes. */
static void print_member(const char *name, const char *text, FILE *out)
{
	fprintf(out, "  %s: '", name);
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputc('\'', out);
		fputc(*text, out);
	}
	fputs("'\n", out);
}

static void print_diagnosis(const struct report_tests *all, const struct report_test *t, FILE *out)
{
	char text[REPORT_TEST_TEXT_MAX];

	fputs("  ---\n", out);
	print_member("result", report_test_word((enum report_test_result)t->result), out);
	if (t->line != NULL) {
		snprintf(text, sizeof(text), "%s %s",
			 expect_operator_word((enum expect_operator)t->line->operator),
			 t->line->wanted);
		print_member("expected", text, out);
	}
	print_member("got", report_test_got(t, text), out);
	if (!t->got.known)
		print_member("reason", verdict_cause_word(t->got.cause), out);
	if (t->property != NULL && t->probe != NULL && t->probe->verdict != NULL &&
	    report_evidence(t->property, t->probe->verdict, text)[0] != '\0')
		print_member("seen", text, out);
	if (t->line != NULL) {
		print_member("file", all->file, out);
		fprintf(out, "  line: %u\n", t->line->line);
	}
	fputs("  ...\n", out);
}

static void print_test(const struct report_tests *all, size_t i, FILE *out)
{
	const struct report_test *t = &all->items[i];
	bool is_ok = t->result == TEST_PASSED || t->result == TEST_SKIPPED;
	char place[REPORT_TEST_TEXT_MAX];
	char text[REPORT_TEST_TEXT_MAX];

	fprintf(out, "%s %zu - ", is_ok ? "ok" : "not ok", i + 1);
	report_test_place(t, place);
	print_escaped(place, out);
	fputs(place[0] != '\0' ? ": " : "", out);
	print_escaped(report_test_name(t, text), out);
	report_test_got(t, text);
	if (t->result == TEST_SKIPPED) {
		fputs(" # SKIP ", out);
		print_escaped(text, out);
	} else if (is_ok && t->line == NULL) {
		fputs(": ", out);
		print_escaped(text, out);
	}
	fputc('\n', out);
	if (!is_ok)
		print_diagnosis(all, t, out);
}

void report_tap(const struct report_tests *t, FILE *out)
{
	fprintf(out, "TAP version 13\n1..%zu%s\n", t->count,
		t->count == 0 ? " # SKIP nothing was probed" : "");
	for (size_t i = 0; i < t->count; i++)
		print_test(t, i, out);
}
