/* natprobe show: prints a saved report again. */
#include <config.h>

#include <string.h>

#include "command.h"
#include "natprobe/report/document.h"
#include "natprobe/html/html_file.h"
#include "option_rows.h"
#include "natprobe/report/redact.h"
#include "natprobe/report/report_json.h"
#include "natprobe/report/report_text.h"

struct show_options {
	bool json;
	bool quiet;
	bool verbose;
	bool explain;
	bool rfc;
	bool redact;
	char *html;
	bool help;
};

static const struct opt table[] = {
	OPT_ROW_FLAG(struct show_options, json, 'j',
		     "print JSON again, as this natprobe writes it"),
	OPT_ROW_FLAG(struct show_options, quiet, 'q', "print one line per interface and family"),
	OPT_ROW_FLAG(struct show_options, verbose, 'v', "print the evidence as well"),
	OPT_ROW_FLAG(struct show_options, explain, 0, "say of each value what it means"),
	OPT_ROW_FLAG(struct show_options, rfc, 0,
		     "say what the RFCs require of a NAT, and whether this one does it"),
	OPT_ROW_FLAG(struct show_options, redact, 0,
		     "mask public addresses, so that the report may be shown to strangers"),
	ROW_HTML(struct show_options),
	OPT_ROW_HELP(struct show_options),
	{ 0 },
};

static const struct opt_program program = {
	.name = "natprobe",
	.synopsis = "show [OPTION]... FILE",
	.summary = "Prints what natprobe check --json wrote to FILE (-: standard input) as text.",
	.table = table,
	.size = sizeof(struct show_options),
};

static int usage(const char *why)
{
	fprintf(stderr, "natprobe: show: %s\n", why);
	return EXIT_USAGE;
}

static bool print(const struct show_options *o, const struct report *r)
{
	struct report_style style = {
		.colour = command_has_colour(),
		.utf8 = command_has_utf8(),
		.quiet = o->quiet,
		.verbose = o->verbose,
		.explain = o->explain,
		.rfc = o->rfc,
	};

	if (o->json)
		return report_json(r, stdout);
	report_text(r, &style, stdout);
	return fflush(stdout) == 0 && !ferror(stdout);
}

static int write_all(const struct show_options *o, const struct report *r)
{
	int rc = EXIT_REACHED;

	if (!print(o, r)) {
		fputs("natprobe: cannot write the report\n", stderr);
		rc = EXIT_FAILED;
	}
	if (o->html != NULL && html_file_write(r, o->html) != 0)
		rc = EXIT_FAILED;
	return rc;
}

static int write_redacted(const struct show_options *o, const struct report *r)
{
	struct redacted *masked = redact_new(r);
	int rc = EXIT_FAILED;

	if (masked != NULL)
		rc = write_all(o, redact_report(masked));
	else
		fputs("natprobe: out of memory\n", stderr);
	redact_free(masked);
	return rc;
}

static int show(const struct show_options *o, const char *path)
{
	struct report_document *d = document_read(path);
	const struct report *r;
	int rc;

	if (d == NULL)
		return EXIT_USAGE;
	r = report_document_report(d);
	rc = o->redact ? write_redacted(o, r) : write_all(o, r);
	report_document_free(d);
	return rc;
}

static int run(struct show_options *o, int argc, char **argv)
{
	struct opt_error err;
	char *path;
	size_t count;

	if (!opt_defaults(&program, o, &err) ||
	    !command_read_args(&program, argc, argv, o, &path, 1, &count, &err))
		return usage(err.text);
	if (o->help) {
		opt_print_help(&program, stdout);
		return EXIT_REACHED;
	}
	if (o->quiet && (o->verbose || o->explain || o->rfc))
		return usage("--quiet does not go with --verbose, --explain and --rfc");
	if (o->html != NULL && strcmp(o->html, "-") == 0)
		return usage("standard output has the report; name a file for --html");
	if (count != 1)
		return usage("name one file that natprobe check --json wrote, or -");
	return show(o, path);
}

int cmd_show(int argc, char **argv, const struct command *all)
{
	struct show_options o = { 0 };
	int rc = run(&o, argc, argv);

	opt_clear(&program, &o);
	return rc;
}
