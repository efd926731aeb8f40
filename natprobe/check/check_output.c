#include "check_output.h"

#include <stdlib.h>
#include <string.h>

#include "natprobe/file.h"
#include "natprobe/html/html_file.h"
#include "natprobe/report/redact.h"
#include "natprobe/report/report_json.h"
#include "natprobe/report/report_tests.h"
#include "natprobe/report/report_text.h"
#include "wire.h"

#define EXPECT_BYTES_MAX (256u << 10)

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_FAILED;
}

static bool is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

/* Files that would be written over each other. */
static int check_paths(const struct check_options *o)
{
	const struct {
		const char *option, *path;
	} files[] = { { "--save", o->save }, { "--junit", o->junit }, { "--html", o->html } };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (is_stdout(files[i].path)) {
			complain("-", "standard output has the report; name a file");
			return EXIT_USAGE;
		}
		for (size_t k = 0; k < i && files[i].path != NULL; k++) {
			if (files[k].path == NULL || strcmp(files[k].path, files[i].path) != 0)
				continue;
			fprintf(stderr,
				"natprobe: %s: %s and %s would write to one file; name two\n",
				files[i].path, files[k].option, files[i].option);
			return EXIT_USAGE;
		}
	}
	return 0;
}

int check_output_prepare(const struct check_options *options, struct expect *out)
{
	struct expect_error err;
	char *text;
	size_t len;
	int rc;
	bool ok;

	*out = (struct expect){ 0 };
	rc = check_paths(options);
	if (rc != 0 || options->expect == NULL)
		return rc;
	rc = file_read(options->expect, EXPECT_BYTES_MAX, &text, &len);
	if (rc != 0) {
		complain(options->expect, strerror(-rc));
		return EXIT_USAGE;
	}
	ok = expect_parse(bytes_of(text, len), out, &err);
	free(text);
	if (!ok) {
		fprintf(stderr, "natprobe: %s:%u: %s\n", options->expect, err.line, err.text);
		return EXIT_USAGE;
	}
	if (out->count == 0) {
		complain(options->expect, "it expects nothing; natprobe check --save FILE writes "
					  "one from what is found");
		return EXIT_USAGE;
	}
	return 0;
}

/* What there is to save: every interface that had an answer. Returns how many. */
static size_t gather(const struct report *r, struct expect_subject *subjects,
		     char (*names)[REPORT_NAME_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];

		if (p->verdict == NULL || report_outcome(p) == VERDICT_NO_SERVER)
			continue;
		subjects[count] = (struct expect_subject){ report_name(p->interface, names[count]),
							   p->family, p->verdict };
		count++;
	}
	return count;
}

static int save_subjects(const struct expect_subject *subjects, size_t count, const char *path)
{
	size_t len = expect_save(subjects, count, NULL, 0);
	char *text = malloc(len + 1);
	int rc;

	if (text == NULL)
		return complain(path, "out of memory");
	(void)expect_save(subjects, count, text, len + 1);
	rc = file_write(path, text, len);
	free(text);
	return rc == 0 ? 0 : complain(path, strerror(-rc));
}

/* Returns 0 or an exit code. That nobody answered is told by the exit code of the run. */
static int save(const struct report *r, const char *path)
{
	struct expect_subject *subjects = calloc(r->probe_count + 1, sizeof(*subjects));
	char(*names)[REPORT_NAME_MAX] = calloc(r->probe_count + 1, sizeof(*names));
	int rc = 0;

	if (subjects == NULL || names == NULL) {
		rc = complain(path, "out of memory");
	} else {
		size_t count = gather(r, subjects, names);

		if (count > 0)
			rc = save_subjects(subjects, count, path);
		else
			(void)complain(path, "not written, since no server answered");
	}
	free(names);
	free(subjects);
	return rc;
}

static int write_junit(const struct report *r, const struct report_tests *tests, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool ok = out != NULL && report_junit(r, tests, out);
	int rc;

	if (out != NULL && fclose(out) != 0)
		ok = false;
	if (!ok) {
		free(text);
		return complain(path, "out of memory");
	}
	rc = file_write(path, text, len);
	free(text);
	return rc == 0 ? 0 : complain(path, strerror(-rc));
}

static bool print(const struct report *r, const struct report_tests *tests,
		  const struct check_options *options, const struct report_style *style)
{
	if (options->json)
		return report_json(r, stdout);
	if (options->tap) {
		report_tap(tests, stdout);
	} else {
		report_text(r, style, stdout);
		if (r->expectations != NULL) {
			fputs(style->quiet ? "" : "\n", stdout);
			report_expect(r->expectations, style, stdout);
		}
	}
	return fflush(stdout) == 0 && !ferror(stdout);
}

/* Returns 0 or an exit code. */
static int write_all(const struct report *r, const struct report_tests *tests,
		     const struct check_options *options, const struct report_style *style)
{
	int rc = 0;

	if (!print(r, tests, options, style))
		rc = complain("standard output", "cannot write the report");
	if (options->junit != NULL && write_junit(r, tests, options->junit) != 0)
		rc = EXIT_FAILED;
	if (options->html != NULL && html_file_write(r, options->html) != 0)
		rc = EXIT_FAILED;
	if (options->save != NULL && save(r, options->save) != 0)
		rc = EXIT_FAILED;
	return rc;
}

static int print_redacted(const struct report *found, const struct check_options *options,
			  const struct report_style *style)
{
	struct redacted *masked = redact_new(found);
	int rc = (int)report_exit(found);

	if (masked == NULL)
		return complain("report", "out of memory");
	if (!print(redact_report(masked), NULL, options, style))
		rc = complain("standard output", "cannot write the report");
	if (options->html != NULL && html_file_write(redact_report(masked), options->html) != 0)
		rc = EXIT_FAILED;
	redact_free(masked);
	return rc;
}

int check_output(const struct report *found, const struct check_options *options,
		 const struct expect *expect, const struct report_style *style)
{
	const struct expect *given = options->expect != NULL ? expect : NULL;
	struct report r = *found;
	struct report_tests tests;
	int rc;

	if (options->redact)
		return print_redacted(found, options, style);
	if (!report_tests_make(found, given, options->expect, &tests)) {
		report_tests_clear(&tests);
		return complain("report", "out of memory");
	}
	if (given != NULL)
		r.expectations = &tests;
	rc = write_all(&r, &tests, options, style);
	if (rc == 0)
		rc = (int)report_exit(&r);
	report_tests_clear(&tests);
	return rc;
}
