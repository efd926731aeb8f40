/* natprobe plan: what two networks can expect of each other, by two saved reports. */
#include <config.h>

#include "command.h"
#include "natprobe/planning/plan_report.h"
#include "natprobe/report/document.h"
#include "option_rows.h"

/* Clocks that were compared over a rendezvous agree about that well. */
#define START_ERROR_US 20000

struct plan_options {
	char *strategy;
	bool relay;
	bool json;
	bool help;
};

static const struct opt table[] = {
	{ .name = "strategy",
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct plan_options, strategy),
	  .flags = OPT_CLI_ONLY,
	  .value = "NAME",
	  .help = "this strategy alone, whatever its chance: direct, port-mapping, simultaneous, "
		  "low-ttl, delayed, prediction, birthday, mixed, tcp, tcp-low-ttl or relay" },
	OPT_ROW_FLAG(struct plan_options, relay, 0, "one of them has a TURN server"),
	ROW_JSON(struct plan_options),
	OPT_ROW_HELP(struct plan_options),
	{ 0 },
};

static const struct opt_program program = {
	.name = "natprobe",
	.synopsis = "plan [OPTION]... A B",
	.summary = "Says how two hosts would connect, and with which chance, by two files that "
		   "natprobe check --json wrote. Nobody is asked over the network.",
	.table = table,
	.size = sizeof(struct plan_options),
};

static int usage(const char *why)
{
	fprintf(stderr, "natprobe: plan: %s\n", why);
	return EXIT_USAGE;
}

static int inconclusive(const char *path)
{
	fprintf(stderr, "natprobe: plan: %s tells of no interface from which a server answered\n",
		path);
	return EXIT_INCONCLUSIVE;
}

static bool print(const struct plan_options *o, const struct plan_report *r)
{
	if (o->json)
		return plan_report_json(r, stdout);
	plan_report_text(r, stdout);
	return fflush(stdout) == 0 && !ferror(stdout);
}

static int tell(const struct plan_options *o, uint32_t only, struct report_document *const docs[2],
		char **paths)
{
	struct punch_plan_options options = { .only = only,
					      .start_error_us = START_ERROR_US,
					      .has_relay =
						      o->relay || only == PUNCH_BIT(PUNCH_RELAY) };
	const char *names[2][PEER_PATHS_MAX];
	struct peer_profile profiles[2];
	struct punch_plan plan;

	for (size_t i = 0; i < 2; i++) {
		if (plan_report_profile(report_document_report(docs[i]), &profiles[i], names[i]) ==
		    0)
			return inconclusive(paths[i]);
	}
	options.apart = plan_report_is_apart(&profiles[0], &profiles[1]);
	punch_plan_make(&profiles[0], &profiles[1], &options, &plan);
	struct plan_report r = { .files = { paths[0], paths[1] },
				 .profiles = { &profiles[0], &profiles[1] },
				 .names = { names[0], names[1] },
				 .plan = &plan };
	if (print(o, &r))
		return EXIT_REACHED;
	fprintf(stderr, "natprobe: cannot write the plan\n");
	return EXIT_FAILED;
}

static int plan(const struct plan_options *o, uint32_t only, char **paths)
{
	struct report_document *docs[2];
	int rc = document_pair_read(paths, docs) ? tell(o, only, docs, paths) : EXIT_USAGE;

	document_pair_clear(docs);
	return rc;
}

static int run(const struct plan_options *o, char **paths, size_t count)
{
	const char *fault = document_pair_fault(paths, count);
	uint32_t only = 0;

	if (o->help) {
		opt_print_help(&program, stdout);
		return EXIT_REACHED;
	}
	if (fault != NULL)
		return usage(fault);
	if (o->strategy != NULL) {
		enum punch_strategy s = punch_strategy_find(o->strategy);

		if (s == PUNCH_NONE)
			return usage("there is no such strategy; natprobe plan --help lists them");
		only = PUNCH_BIT(s);
	}
	return plan(o, only, paths);
}

int cmd_plan(int argc, char **argv, const struct command *all)
{
	struct plan_options o;
	struct opt_error err;
	char *paths[2];
	size_t count;
	int rc;

	if (!opt_defaults(&program, &o, &err))
		return usage(err.text);
	if (command_read_args(&program, argc, argv, &o, paths, 2, &count, &err))
		rc = run(&o, paths, count);
	else
		rc = usage(err.text);
	opt_clear(&program, &o);
	return rc;
}
