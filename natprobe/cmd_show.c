/* natprobe show: prints a saved report again. */
#include <config.h>

#include "command.h"
#include "document.h"
#include "opt_rows.h"
#include "redact.h"
#include "report_json.h"
#include "report_text.h"

struct show_options {
	bool json;
	bool quiet;
	bool verbose;
	bool explain;
	bool rfc;
	bool redact;
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

static bool print_redacted(const struct show_options *o, const struct report *r)
{
	struct redacted *masked = redact_new(r);
	bool ok = masked != NULL && print(o, redact_report(masked));

	redact_free(masked);
	return ok;
}

static int show(const struct show_options *o, const char *path)
{
	struct report_document *d = document_read(path);
	const struct report *r;
	bool ok;

	if (d == NULL)
		return EXIT_USAGE;
	r = report_document_report(d);
	ok = o->redact ? print_redacted(o, r) : print(o, r);
	report_document_free(d);
	if (ok)
		return EXIT_REACHED;
	fputs("natprobe: cannot write the report\n", stderr);
	return EXIT_FAILED;
}

int cmd_show(int argc, char **argv, const struct command *all)
{
	struct show_options o;
	struct opt_error err;
	char *path;
	size_t count;

	if (!opt_defaults(&program, &o, &err) ||
	    !command_read_args(&program, argc, argv, &o, &path, 1, &count, &err))
		return usage(err.text);
	if (o.help) {
		opt_print_help(&program, stdout);
		return EXIT_REACHED;
	}
	if (o.quiet && (o.verbose || o.explain || o.rfc))
		return usage("--quiet does not go with --verbose, --explain and --rfc");
	if (count != 1)
		return usage("name one file that natprobe check --json wrote, or -");
	return show(&o, path);
}
