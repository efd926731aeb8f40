/* natprobe punch: a path to another natprobe through the NATs of both, or why there is none. */
#include <config.h>

#include <time.h>
#include <unistd.h>

#include "command.h"
#include "natprobe/pair/pair_ways.h"
#include "natprobe/trial/trial_html.h"
#include "natprobe/trial/trial_json.h"
#include "natprobe/trial/trial_text.h"

static int complain(int rc, const char *what)
{
	fprintf(stderr, "natprobe: punch: %s\n", what);
	return rc;
}

static int usage(const char *what)
{
	return complain(EXIT_USAGE, what);
}

static struct report_style style_of(const struct punch_options *o)
{
	return (struct report_style){ .colour = command_has_colour(),
				      .utf8 = command_has_utf8(),
				      .quiet = o->quiet,
				      .verbose = o->verbose };
}

static void on_trial(const struct pair_run *run, const struct trial_record *r)
{
	const struct report_style style = style_of(run->options);

	if (run->options->json)
		return;
	trial_text_one(r, &style, stdout);
	(void)fflush(stdout);
}

/* In a line of its own, so that a script can take it; with --json standard output is JSON's. */
static void show_code(const struct punch_code *code, const struct punch_options *o)
{
	FILE *out = o->json ? stderr : stdout;

	if (!o->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "On the other side: natprobe punch CODE, and the code is\n");
	fprintf(out, "%s\n", code->text);
	(void)fflush(out);
}

static void set_time(struct trial_run *t)
{
	const time_t now = time(NULL);
	struct tm utc;

	(void)snprintf(t->program, sizeof(t->program), "natprobe " PACKAGE_VERSION);
	if (gmtime_r(&now, &utc) != NULL)
		(void)strftime(t->time, sizeof(t->time), "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* All of the run. Returns 0 or an exit code. */
static int report(struct pair_run *run)
{
	const struct punch_options *o = run->options;
	const struct report_style style = style_of(o);
	bool ok = true;

	set_time(&run->trials);
	if (o->json)
		ok = trial_json(&run->trials, stdout);
	else
		trial_text_summary(&run->trials, &style, stdout);
	if (!ok || fflush(stdout) != 0 || ferror(stdout))
		return complain(EXIT_FAILED, "cannot write the report");
	return o->html != NULL ? trial_html_write(&run->trials, o->html) : 0;
}

static int run_trials(struct pair_run *run)
{
	int rc, written = 0;

	rc = pair_run_all(run);
	if (run->trials.count > 0)
		written = report(run);
	if (rc == 0 && run->trials.count > 0)
		rc = (int)trial_exit(&run->trials);
	pair_run_clear(run);
	return written != 0 ? written : rc;
}

static int punch(const struct punch_options *o, char *operand)
{
	const struct pair_ways ways = {
		.like = { .command = "punch", .options = o, .on_trial = on_trial },
		.show_code = show_code,
		.run = run_trials,
	};

	return pair_ways_run(&ways, operand);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct punch_options *o, int argc, char **argv, char **code)
{
	const char *conflict;
	struct opt_error err;
	size_t count;

	*code = NULL;
	if (!opt_defaults(&punch_program, o, &err) ||
	    !command_read_args(&punch_program, argc, argv, o, code, 1, &count, &err))
		return usage(err.text);
	if (o->help) {
		opt_print_help(&punch_program, stdout);
		return EXIT_REACHED;
	}
	conflict = punch_options_conflict(o);
	return conflict != NULL ? usage(conflict) : -1;
}

int cmd_punch(int argc, char **argv, const struct command *all)
{
	struct punch_options o = { 0 };
	char *operand;
	int rc = read_options(&o, argc, argv, &operand);

	if (rc < 0)
		rc = punch(&o, operand);
	opt_clear(&punch_program, &o);
	return rc;
}
