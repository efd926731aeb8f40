/* A run as JUnit's XML, which every CI reads. */
#include "report_tests.h"

/* Printable ASCII as it is, what means something to XML by its number, anything else as ?. */
static void print_escaped(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			fprintf(out, "&#%u;", c);
		else
			fputc(c >= ' ' && c < 0x7f ? c : '?', out);
	}
}

static void print_attribute(const char *name, const char *text, FILE *out)
{
	fprintf(out, " %s=\"", name);
	print_escaped(text, out);
	fputc('"', out);
}

/* What a reader sees: got in the message, where from and why below it. */
static void print_outcome(const struct report_tests *all, const struct report_test *t, FILE *out)
{
	static const char *const elements[TEST_RESULTS] = {
		[TEST_FAILED] = "failure",
		[TEST_OPEN] = "error",
		[TEST_SKIPPED] = "skipped",
	};
	const char *element = elements[t->result];
	char text[REPORT_TEST_TEXT_MAX];

	fprintf(out, "      <%s", element);
	print_attribute("message", report_test_got(t, text), out);
	if (t->result == TEST_SKIPPED) {
		fputs("/>\n", out);
		return;
	}
	print_attribute("type", report_test_word((enum report_test_result)t->result), out);
	fputc('>', out);
	if (t->line != NULL) {
		print_escaped(all->file, out);
		fprintf(out, ":%u&#10;", t->line->line);
	}
	if (t->property != NULL && t->probe != NULL && t->probe->verdict != NULL)
		print_escaped(report_evidence(t->property, t->probe->verdict, text), out);
	fprintf(out, "</%s>\n", element);
}

static void print_test(const struct report_tests *all, const struct report_test *t, FILE *out)
{
	char text[REPORT_TEST_TEXT_MAX];
	double took_s = 0;

	if (t->probe != NULL && t->probe->verdict != NULL)
		took_s = (double)t->probe->verdict->elapsed_us / 1e6;
	fputs("    <testcase", out);
	report_test_place(t, text);
	print_attribute("classname", text[0] != '\0' ? text : "natprobe", out);
	print_attribute("name", report_test_name(t, text), out);
	fprintf(out, " time=\"%.3f\"", took_s);
	if (t->result == TEST_PASSED) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n", out);
	print_outcome(all, t, out);
	fputs("    </testcase>\n", out);
}

/* All tests of one interface; NULL: of none. */
static void print_suite(const struct report_tests *all, const struct report_probe *p, FILE *out)
{
	size_t count = 0, by_result[TEST_RESULTS] = { 0 };
	const struct report_test *first = NULL;
	char place[REPORT_TEST_TEXT_MAX];

	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].probe != p)
			continue;
		if (first == NULL)
			first = &all->items[i];
		by_result[all->items[i].result]++;
		count++;
	}
	if (first == NULL)
		return;
	fputs("  <testsuite", out);
	print_attribute("name", p != NULL ? report_test_place(first, place) : "not probed", out);
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n", count,
		by_result[TEST_FAILED], by_result[TEST_OPEN], by_result[TEST_SKIPPED]);
	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].probe == p)
			print_test(all, &all->items[i], out);
	}
	fputs("  </testsuite>\n", out);
}

bool report_junit(const struct report *r, const struct report_tests *t, FILE *out)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
	print_attribute("name", r->program, out);
	fprintf(out,
		" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n",
		t->count, t->by_result[TEST_FAILED], t->by_result[TEST_OPEN],
		t->by_result[TEST_SKIPPED], (double)r->elapsed_ms / 1000);
	for (size_t i = 0; i < r->probe_count; i++)
		print_suite(t, &r->probes[i], out);
	print_suite(t, NULL, out);
	fputs("</testsuites>\n", out);
	return fflush(out) == 0 && ferror(out) == 0;
}
