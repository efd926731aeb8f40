/* natprobe diff: what differs between two saved reports. */
#include <config.h>

#include "command.h"
#include "natprobe/report/document.h"
#include "option_rows.h"
#include "natprobe/report/report_diff.h"

struct diff_options {
	bool json;
	bool help;
};

static const struct opt table[] = {
	ROW_JSON(struct diff_options),
	OPT_ROW_HELP(struct diff_options),
	{ 0 },
};

static const struct opt_program program = {
	.name = "natprobe",
	.synopsis = "diff [OPTION]... BEFORE AFTER",
	.summary = "Prints what differs between two files that natprobe check --json wrote.",
	.table = table,
	.size = sizeof(struct diff_options),
};

static int usage(const char *why)
{
	fprintf(stderr, "natprobe: diff: %s\n", why);
	return EXIT_USAGE;
}

static int failure(const char *what)
{
	fprintf(stderr, "natprobe: %s\n", what);
	return EXIT_USAGE; /* 1 would say that they differ */
}

static int print(const struct diff_options *o, struct report_document *const docs[2], char **paths)
{
	struct report_diff d;
	bool ok = true;
	int rc = EXIT_USAGE;

	if (!report_diff_make(report_document_report(docs[0]), report_document_report(docs[1]),
			      &d)) {
		report_diff_clear(&d);
		return failure("out of memory");
	}
	if (o->json)
		ok = report_diff_json(&d, paths[0], paths[1], stdout);
	else
		report_diff_text(&d, stdout);
	if (ok && fflush(stdout) == 0 && !ferror(stdout))
		rc = d.differs ? EXIT_FAILED : EXIT_REACHED;
	else
		failure("cannot write what differs");
	report_diff_clear(&d);
	return rc;
}

static int diff(const struct diff_options *o, char **paths)
{
	struct report_document *docs[2];
	int rc = document_pair_read(paths, docs) ? print(o, docs, paths) : EXIT_USAGE;

	document_pair_clear(docs);
	return rc;
}

int cmd_diff(int argc, char **argv, const struct command *all)
{
	struct diff_options o;
	struct opt_error err;
	const char *fault;
	char *paths[2];
	size_t count;

	if (!opt_defaults(&program, &o, &err) ||
	    !command_read_args(&program, argc, argv, &o, paths, 2, &count, &err))
		return usage(err.text);
	if (o.help) {
		opt_print_help(&program, stdout);
		return EXIT_REACHED;
	}
	fault = document_pair_fault(paths, count);
	return fault == NULL ? diff(&o, paths) : usage(fault);
}
