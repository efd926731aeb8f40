/* natprobe show: prints a saved report again. */
#include <config.h>

#include "command.h"
#include "document.h"
#include "opt.h"
#include "redact.h"
#include "report_json.h"
#include "report_text.h"

#define FIELD(name) OPT_FIELD(struct show_options, name)

struct show_options {
	bool json;
	bool quiet;
	bool verbose;
	bool explain;
	bool redact;
	bool help;
};

static const struct opt table[] = {
	{ .name = "json",
	  .letter = 'j',
	  .type = OPT_FLAG,
	  .offset = FIELD(json),
	  .flags = OPT_CLI_ONLY,
	  .help = "print JSON again, as this natprobe writes it" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPT_FLAG,
	  .offset = FIELD(quiet),
	  .flags = OPT_CLI_ONLY,
	  .help = "print one line per interface and family" },
	{ .name = "verbose",
	  .letter = 'v',
	  .type = OPT_FLAG,
	  .offset = FIELD(verbose),
	  .flags = OPT_CLI_ONLY,
	  .help = "print the evidence as well" },
	{ .name = "explain",
	  .type = OPT_FLAG,
	  .offset = FIELD(explain),
	  .flags = OPT_CLI_ONLY,
	  .help = "say of each value what it means" },
	{ .name = "redact",
	  .type = OPT_FLAG,
	  .offset = FIELD(redact),
	  .flags = OPT_CLI_ONLY,
	  .help = "mask public addresses, so that the report may be shown to strangers" },
	{ .name = "help",
	  .letter = 'h',
	  .type = OPT_FLAG,
	  .offset = FIELD(help),
	  .flags = OPT_CLI_ONLY,
	  .help = "print this help" },
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
	if (o.quiet && (o.verbose || o.explain))
		return usage("--quiet does not go with --verbose and --explain");
	if (count != 1)
		return usage("name one file that natprobe check --json wrote, or -");
	return show(&o, path);
}
