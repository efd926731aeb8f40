/* natprobe check: options in, report out. */
#include <config.h>

#include "natprobe/check/check_options.h"
#include "natprobe/check/check_output.h"
#include "command.h"
#include "natprobe/check/diagnosis.h"

#define VERSION_TEXT "natprobe " PACKAGE_VERSION

/* All that a run owns. */
struct run {
	struct check_options options;
	struct expect expect; /* of --expect */
	struct diagnosis *diagnosis;
};

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int output(const struct run *run, const struct report *r)
{
	struct report_style style = {
		.colour = command_has_colour(),
		.utf8 = command_has_utf8(),
		.quiet = run->options.quiet,
		.verbose = run->options.verbose,
		.explain = run->options.explain,
		.rfc = run->options.rfc,
	};

	return check_output(r, &run->options, &run->expect, &style);
}

static void warn(const struct run *run)
{
	if (run->options.local_port == 0)
		return;
	fprintf(stderr,
		"natprobe: warning: what a NAT still keeps of earlier use of local port %u passes\n"
		"natprobe: warning: for its behaviour; leave the port alone for minutes first\n",
		(unsigned int)run->options.local_port);
}

static int check(struct run *run)
{
	struct report r;
	int rc = check_output_prepare(&run->options, &run->expect);

	if (rc != 0)
		return rc;
	run->diagnosis = diagnosis_new(&run->options);
	if (run->diagnosis == NULL) {
		fputs("natprobe: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	rc = diagnosis_prepare(run->diagnosis);
	if (rc != 0)
		return rc;
	warn(run);
	rc = diagnosis_run(run->diagnosis, &r);
	return rc == 0 ? output(run, &r) : rc;
}

static void clear(struct run *run)
{
	diagnosis_free(run->diagnosis);
	expect_free(&run->expect);
	opt_clear(&check_program, &run->options);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct run *run, int argc, char **argv, const struct command *all)
{
	struct check_options *o = &run->options;
	struct opt_error err;
	int first = argc;

	if (!opt_defaults(&check_program, o, &err) ||
	    !opt_read_args(&check_program, argc, argv, o, &first, &err)) {
		fprintf(stderr, "natprobe: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (o->help) {
		opt_print_help(&check_program, stdout);
		command_print_all(all, stdout);
		return EXIT_REACHED;
	}
	if (o->version) {
		puts(VERSION_TEXT);
		return EXIT_REACHED;
	}
	if (first < argc)
		return usage(argv[first], "check takes options only; servers go behind --server");
	if (o->quiet && (o->verbose || o->explain || o->rfc))
		return usage("--quiet", "does not go with --verbose, --explain and --rfc");
	if (o->redact && (o->expect != NULL || o->save != NULL || o->tap || o->junit != NULL))
		return usage("--redact", "goes with text and --json only");
	if (o->json && o->tap)
		return usage("--tap", "does not go with --json; --junit does");
	if (!o->ipv4 && !o->ipv6)
		o->ipv4 = o->ipv6 = true;
	return -1;
}

int cmd_check(int argc, char **argv, const struct command *all)
{
	struct run run = { 0 };
	int rc = read_options(&run, argc, argv, all);

	if (rc < 0)
		rc = check(&run);
	clear(&run);
	return rc;
}
