/* natlab twin: a NAT that natprobe measured, rebuilt: as a file, or at once around a command. */
#include <config.h>

#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "lab.h"
#include "natprobe/file.h"
#include "option_rows.h"
#include "session.h"
#include "spaces.h"
#include "topology.h"
#include "twin_report.h"
#include "twin_text.h"

enum family_choice {
	FAMILY_ANY,
	FAMILY_IPV4,
	FAMILY_IPV6,
};

struct twin_options {
	char *interface;
	int family; /* enum family_choice */
	int64_t line;
	bool expect;
	char *log, *dir, *stund;
	int64_t seed;
	bool help;
};

#define FIELD(name) OPT_FIELD(struct twin_options, name)

static const struct opt table[] = {
	{ .name = "interface",
	  .letter = 'i',
	  .type = OPT_STR,
	  .offset = FIELD(interface),
	  .flags = OPT_CLI_ONLY,
	  .value = "NAME",
	  .help = "of the report; default: the first that reached a verdict" },
	{ .name = "family",
	  .type = OPT_ENUM,
	  .offset = FIELD(family),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "any",
	  .choices = "any|ipv4|ipv6",
	  .help = "of that interface" },
	{ .name = "line",
	  .type = OPT_INT,
	  .offset = FIELD(line),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "0",
	  .min = 1,
	  .max = INT64_MAX,
	  .value = "N",
	  .help = "of a log that natprobe watch wrote; default: its last one" },
	OPT_ROW_FLAG(struct twin_options, expect, 'e',
		     "print what natprobe check --expect takes, instead of the network"),
	ROW_LOG(struct twin_options),
	ROW_DIR(struct twin_options),
	ROW_SEED(struct twin_options),
	ROW_STUND(struct twin_options),
	OPT_ROW_HELP(struct twin_options),
	{ 0 },
};

static const struct opt_program program = {
	.name = "natlab twin",
	.synopsis = "[OPTION]... REPORT [OPTION]... [-- COMMAND [ARGUMENT]...]",
	.summary =
		"Rebuilds the NAT of REPORT, which natprobe check --json or natprobe watch --log "
		"wrote (-: standard input). Prints it as a file for natlab up, or runs COMMAND "
		"behind it.",
	.table = table,
	.size = sizeof(struct twin_options),
};

static int failure(const char *what, const char *why)
{
	fprintf(stderr, "natlab: %s: %s\n", what, why);
	return EXIT_OURS;
}

/* --- a report becomes a file, and that a plan --- */

static struct report_document *read_report(const char *path, int64_t line)
{
	struct report_document *d;
	struct lab_error err;
	char *text;
	size_t len;
	int rc = file_read(path, TWIN_BYTES_MAX, &text, &len);

	if (rc != 0) {
		(void)failure(path, strerror(-rc));
		return NULL;
	}
	d = twin_report_read(bytes_of(text, len), line, &err);
	free(text);
	if (d == NULL)
		(void)failure(path, err.text);
	return d;
}

static void print(const struct report_probe *of, FILE *out)
{
	struct nat_twin t;

	nat_twin_derive(of->verdict, of->family, &t);
	twin_print(&t, of, out);
}

/* Of what would be printed: what runs here runs there. */
static bool plan_of(const struct report_probe *of, struct lab_plan *plan)
{
	struct opt_error why = { "out of memory" };
	struct lab_error err;
	struct topology t;
	size_t len = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);
	bool ok = out != NULL && opt_defaults(topology_program(), &t, &why);

	if (out != NULL) {
		print(of, out);
		ok = fclose(out) == 0 && ok;
	}
	if (!ok) {
		free(text);
		return failure("twin", why.text) == 0;
	}
	ok = opt_read_text(topology_program(), "twin", text, len, &t, &why);
	if (!ok)
		(void)failure("twin", why.text);
	else if (!topology_plan(&t, plan, &err))
		ok = failure("twin", err.text) == 0;
	opt_clear(topology_program(), &t);
	free(text);
	return ok;
}

/* --- what is asked for --- */

static int run(const struct twin_options *o, const struct report_probe *of, char **argv)
{
	struct request request = {
		.common = { .log = o->log, .dir = o->dir, .stund = o->stund, .seed = o->seed }
	};
	struct session_command command = { .node = TWIN_HOST, .argv = argv };
	struct lab_plan *plan = calloc(1, sizeof(*plan));
	int status = EXIT_OURS;

	if (plan != NULL && plan_of(of, plan)) {
		plan->seed = request_seed(&request);
		status = session_run(plan, &request, &command, 1);
	}
	free(plan);
	return status;
}

static int write_text(const struct twin_options *o, const struct report_probe *of)
{
	bool ok = true;

	if (o->expect)
		ok = twin_print_expected(of, stdout);
	else
		print(of, stdout);
	return ok && fflush(stdout) == 0 && !ferror(stdout) ? 0 : failure("stdout", "cannot write");
}

static int twin(const struct twin_options *o, const char *path, char **argv)
{
	static const uint8_t families[] = { [FAMILY_IPV4] = ADDR_IPV4, [FAMILY_IPV6] = ADDR_IPV6 };
	struct twin_choice choice = { o->interface, families[o->family], o->line };
	struct report_document *d = read_report(path, o->line);
	const struct report_probe *of;
	struct lab_error err;
	int status;

	if (d == NULL)
		return EXIT_OURS;
	of = twin_report_pick(report_document_report(d), &choice, &err);
	if (of != NULL && report_outcome(of) == VERDICT_INCONCLUSIVE)
		fprintf(stderr,
			"natlab: %s: NAT, mapping or filtering is unknown; the file says what is "
			"taken instead\n",
			path);
	if (of == NULL)
		status = failure(path, err.text);
	else if (argv != NULL)
		status = run(o, of, argv);
	else
		status = write_text(o, of);
	report_document_free(d);
	return status;
}

/* --- the line --- */

static int read_line(struct twin_options *o, int argc, char **argv, const char **path)
{
	struct opt_error err;
	int first, behind = 0;

	if (!opt_read_args(&program, argc, argv, o, &first, &err) ||
	    (first < argc &&
	     !opt_read_args(&program, argc - first, argv + first, o, &behind, &err))) {
		fprintf(stderr, "natlab: %s\n", err.text);
		return EXIT_OURS;
	}
	if (o->help) {
		opt_print_help(&program, stdout);
		return 0;
	}
	if (first >= argc)
		return failure("twin", "name a file that natprobe check --json wrote, or -");
	if (first + behind < argc)
		return failure(argv[first + behind], "twin takes one report; a command stands "
						     "behind --");
	*path = argv[first];
	return -1;
}

/* Where the command begins; argc: there is none. */
static int find_command(int argc, char **argv)
{
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	return at;
}

int cmd_twin(int argc, char **argv)
{
	int end = find_command(argc, argv);
	char **command = end < argc ? argv + end + 1 : NULL;
	struct twin_options o;
	struct opt_error err;
	const char *path = NULL;
	int status;

	if (!opt_defaults(&program, &o, &err))
		return failure("twin", err.text);
	status = read_line(&o, end, argv, &path);
	if (status < 0 && command != NULL && command[0] == NULL)
		status = failure("twin", "the command behind -- is missing");
	if (status < 0 && command != NULL && o.expect)
		status = failure("--expect", "it prints a file, and runs no command");
	if (status < 0)
		status = twin(&o, path, command);
	opt_clear(&program, &o);
	return status;
}
