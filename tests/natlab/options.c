#include <config.h>

#include "options.h"

#include <string.h>

#include "lab.h"
#include "option_rows.h"

#define FIELD(name) OPT_FIELD(struct lab_options, name)

static const struct opt general_rows[] = {
	ROW_LOG(struct lab_options),
	ROW_DIR(struct lab_options),
	ROW_SEED(struct lab_options),
	ROW_STUND(struct lab_options),
	{ .name = "engine",
	  .type = OPT_ENUM,
	  .offset = FIELD(engine),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "profile",
	  .choices = "profile|model|kernel",
	  .help = "what the boxes are: as the profile says, or the model although it says kernel" },
	{ .name = "layer",
	  .type = OPT_INT,
	  .offset = FIELD(layer),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "0",
	  .min = 0,
	  .max = NAT_LAYERS_MAX - 1,
	  .value = "N",
	  .help = "which box of several the behaviours are of; 0: the outermost" },
	OPT_ROW_FLAG(struct lab_options, upnp, 0,
		     "a Linux box runs miniupnpd: UPnP, NAT-PMP and PCP as they are out there"),
	{ .name = "second-address",
	  .type = OPT_FLAG,
	  .offset = FIELD(second_address),
	  .flags = OPT_CLI_ONLY,
	  .help = "each interface of the host has a second address" },
	OPT_ROW_HELP(struct lab_options),
};

#define HEADINGS 1

/* The rows above, a heading, the behaviours, and the end. */
static const struct opt *table(void)
{
	static struct opt rows[ARRAY_LEN(general_rows) + HEADINGS + BEHAVIOURS_MAX + 1];

	if (rows[0].name != NULL)
		return rows;
	memcpy(rows, general_rows, sizeof(general_rows));
	rows[ARRAY_LEN(general_rows)] = (struct opt){ .help = "Behaviour of a box and its line" };
	behaviour_rows(rows + ARRAY_LEN(general_rows) + HEADINGS, FIELD(values), OPT_CLI_ONLY);
	return rows;
}

const struct opt_program *options_run(void)
{
	static struct opt_program program = {
		.name = "natlab run",
		.synopsis = "[OPTION]... PROFILE [OPTION]... -- COMMAND [ARGUMENT]...",
		.summary = "Runs COMMAND behind a NAT. It finds the servers outside in "
			   "NATPROBE_SERVER "
			   "and NATPROBE_RENDEZVOUS. Ends with its status, or 125 for a failure of "
			   "natlab.",
		.size = sizeof(struct lab_options),
	};

	program.table = table();
	return &program;
}

const struct opt_program *options_pair(void)
{
	static struct opt_program program = {
		.name = "natlab pair",
		.synopsis = "[OPTION]... PROFILE_A [OPTION]... PROFILE_B [OPTION]... -- COMMAND_A "
			    "-- COMMAND_B",
		.summary = "Runs two commands, each behind a NAT of its own. A command that is one "
			   "word is run by sh -c. Options behind a profile are for that one. Ends "
			   "with the first status that is not 0, or 125 for a failure of natlab.",
		.size = sizeof(struct lab_options),
	};

	program.table = table();
	return &program;
}

/* --- the line --- */

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "natlab: %s: %s\n", what, why);
	return false;
}

/* Reads options from argv[*at] on; argv[*at] itself is skipped, as the name of a program. */
static bool read_options(struct request *r, struct lab_options *o, int argc, char **argv, int *at)
{
	struct opt_error err;
	int first = 0;

	if (!opt_read_args(r->program, argc - *at, argv + *at, o, &first, &err)) {
		fprintf(stderr, "natlab: %s\n", err.text);
		return false;
	}
	*at += first;
	r->help = r->help || o->help;
	return true;
}

static bool is_end(char **argv, int argc, int at)
{
	return at >= argc || strcmp(argv[at - 1], "--") == 0;
}

static bool read_profile(struct request *r, size_t i, int argc, char **argv, int *at)
{
	struct lab_error err;

	if (is_end(argv, argc, *at))
		return complain(r->program->name, "a profile is missing; natlab list shows them");
	r->profiles[i] = lab_profile(argv[*at], &err);
	if (r->profiles[i] == NULL)
		return complain(r->program->name, err.text);
	return read_options(r, &r->own[i], argc, argv, at);
}

bool request_read(struct request *r, const struct opt_program *program, size_t profiles, int argc,
		  char **argv)
{
	struct opt_error err;
	int at = 0;

	*r = (struct request){ .program = program, .count = profiles };
	if (!opt_defaults(program, &r->common, &err))
		return complain(program->name, err.text);
	for (size_t i = 0; i < profiles; i++) {
		if (!opt_defaults(program, &r->own[i], &err))
			return complain(program->name, err.text);
	}
	if (!read_options(r, &r->common, argc, argv, &at))
		return false;
	for (size_t i = 0; i < profiles && !r->help; i++) {
		if (!read_profile(r, i, argc, argv, &at))
			return false;
	}
	if (r->help)
		return true;
	if (strcmp(argv[at - 1], "--") != 0)
		return complain(argv[at < argc ? at : 0], at < argc
								  ? "a command stands behind --"
								  : "-- and a command are missing");
	if (at >= argc)
		return complain(program->name, "the command behind -- is missing");
	r->rest = argv + at;
	return true;
}

void request_clear(struct request *r)
{
	opt_clear(r->program, &r->common);
	for (size_t i = 0; i < r->count; i++)
		opt_clear(r->program, &r->own[i]);
}

#define DEFINE_LAST(name)                                                      \
	const char *request_##name(const struct request *r)                    \
	{                                                                      \
		const char *last = r->common.name;                             \
                                                                               \
		for (size_t i = 0; i < r->count; i++)                          \
			last = r->own[i].name != NULL ? r->own[i].name : last; \
		return last;                                                   \
	}

DEFINE_LAST(log)
DEFINE_LAST(dir)
DEFINE_LAST(stund)

uint64_t request_seed(const struct request *r)
{
	uint64_t seed = (uint64_t)r->common.seed;

	for (size_t i = 0; i < r->count; i++)
		seed = r->own[i].seed != 0 ? (uint64_t)r->own[i].seed : seed;
	return lab_seed((int64_t)seed);
}

/* --- what they do to boxes --- */

static bool choose_engine(const struct lab_options *o, struct lab_box *box, struct lab_error *err)
{
	if (o->engine == ENGINE_MODEL)
		box->nft = NULL;
	if (o->engine == ENGINE_KERNEL && box->nft == NULL)
		return lab_fail(err,
				"--engine=kernel: %s has no ruleset; natlab list shows which "
				"profiles have",
				box->name);
	return true;
}

static bool apply(const struct lab_options *o, struct lab_plan *plan, size_t first,
		  struct lab_error *err)
{
	size_t at = first + (size_t)o->layer;
	struct lab_box *box = &plan->boxes[at];

	if (at >= plan->box_count)
		return lab_fail(err, "--layer=%d: there are %zu boxes, the outermost is 0",
				(int)o->layer, plan->box_count - first);
	if (!choose_engine(o, box, err))
		return false;
	if (box->nft != NULL && behaviours_name(&o->values, false))
		return lab_fail(err,
				"%s is Linux itself, which takes no behaviours; with "
				"--engine=model it does",
				box->name);
	if (o->upnp && box->nft == NULL)
		return lab_fail(
			err,
			"--upnp: %s is no Linux box, only these run miniupnpd; the model has "
			"--pcp and --nat-pmp",
			box->name);
	box->upnp = box->upnp || o->upnp;
	if (o->second_address && !lab_add_second_address(plan, err))
		return false;
	return behaviours_apply(&o->values, &box->config, &box->line, err) &&
	       lab_settle_box(plan, at, err);
}

bool request_apply(const struct request *r, size_t i, struct lab_plan *plan, size_t first,
		   struct lab_error *err)
{
	return apply(&r->common, plan, first, err) && apply(&r->own[i], plan, first, err);
}
