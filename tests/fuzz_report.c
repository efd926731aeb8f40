/*
 * A report as JSON: what was taken prints as text and as JSON, nothing in it reaches a terminal
 * raw, the JSON is taken again and prints the same, and the page is one (page_law.h).
 */
#include "natprobe/html/report_html.h"
#include "natprobe/report/report_json.h"
#include "natprobe/report/report_read.h"
#include "natprobe/report/report_text.h"
#include "fuzz_check.h"
#include "page_law.h"

static void check_text(const struct report *r, bool verbose)
{
	const struct report_style style = { .verbose = verbose,
					    .utf8 = verbose,
					    .quiet = !verbose };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	FUZZ_CHECK(out != NULL);
	report_text(r, &style, out);
	FUZZ_CHECK(fclose(out) == 0);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK((text[i] >= ' ' && text[i] != 0x7f) || text[i] == '\n' || text[i] < 0);
	free(text);
	FUZZ_CHECK(report_exit(r) <= EXIT_INCONCLUSIVE);
}

/* Freed by the caller. */
static char *print(const struct report *r, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	FUZZ_CHECK(out != NULL);
	FUZZ_CHECK(report_json(r, out));
	FUZZ_CHECK(fclose(out) == 0);
	return text;
}

static void check_again(const struct report *r)
{
	struct report_read_error err;
	struct report_document *again;
	size_t len = 0, second_len = 0;
	char *text = print(r, &len);
	char *second;

	again = report_read(bytes_of(text, len), &err);
	if (again == NULL)
		(void)fprintf(stderr, "%s\n", err.text);
	FUZZ_CHECK(again != NULL);
	second = print(report_document_report(again), &second_len);
	FUZZ_CHECK(len == second_len && memcmp(text, second, len) == 0);
	report_document_free(again);
	free(text);
	free(second);
}

static void check_page(const struct report *r)
{
	char *text = NULL;
	size_t len = 0, at;
	FILE *out = open_memstream(&text, &len);
	const char *fault;

	FUZZ_CHECK(out != NULL);
	FUZZ_CHECK(report_html(r, out));
	FUZZ_CHECK(fclose(out) == 0);
	fault = page_fault(text, len, &at);
	if (fault != NULL)
		(void)fprintf(stderr, "%s at %zu\n", fault, at);
	FUZZ_CHECK(fault == NULL);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct report_read_error err;
	struct report_document *d = report_read(bytes_of(data, len), &err);

	if (d == NULL) {
		FUZZ_CHECK(err.text[0] != '\0');
		return 0;
	}
	check_text(report_document_report(d), true);
	check_text(report_document_report(d), false);
	check_page(report_document_report(d));
	check_again(report_document_report(d));
	report_document_free(d);
	return 0;
}
