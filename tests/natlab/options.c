#include <config.h>

#include "options.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define FIELD(name) OPT_FIELD(struct lab_options, name)

static const struct opt run_table[] = {
	{ .name = "log",
	  .letter = 'l',
	  .type = OPT_STR,
	  .offset = FIELD(log),
	  .flags = OPT_CLI_ONLY,
	  .value = "FILE",
	  .help = "write each decision of a box to FILE as a line of JSON; -: to stderr" },
	{ .name = "seed",
	  .type = OPT_INT,
	  .offset = FIELD(seed),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "0",
	  .min = 1,
	  .max = INT64_MAX,
	  .value = "N",
	  .help = "all chance follows from N; default: another one each time" },
	{ .name = "stund",
	  .type = OPT_STR,
	  .offset = FIELD(stund),
	  .flags = OPT_CLI_ONLY,
	  .value = "PATH",
	  .help = "the server's program; default: the one that came with natlab" },
	{ .name = "help",
	  .letter = 'h',
	  .type = OPT_FLAG,
	  .offset = FIELD(help),
	  .flags = OPT_CLI_ONLY,
	  .help = "print this help" },
	{ 0 },
};

const struct opt_program run_program = {
	.name = "natlab",
	.synopsis = "run [OPTION]... PROFILE [OPTION]... -- COMMAND [ARGUMENT]...",
	.summary = "Runs COMMAND behind a NAT. It finds the servers outside in NATPROBE_SERVER and "
		   "NATPROBE_RENDEZVOUS; natlab ends with its status, or 125 for its own failure.",
	.table = run_table,
	.size = sizeof(struct lab_options),
};

bool options_open_log(const struct lab_options *o, FILE **log)
{
	*log = NULL;
	if (o->log == NULL)
		return true;
	*log = strcmp(o->log, "-") == 0 ? stderr : fopen(o->log, "we");
	if (*log == NULL) {
		fprintf(stderr, "natlab: cannot write %s: %s\n", o->log, strerror(errno));
		return false;
	}
	setvbuf(*log, NULL, _IOLBF, 0);
	return true;
}

uint64_t options_seed(const struct lab_options *o)
{
	uint64_t seed = (uint64_t)o->seed;

	if (seed == 0 && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = 1;
	return seed;
}
