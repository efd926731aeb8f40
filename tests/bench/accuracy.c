/*
 * accuracy - diagnoses of every network of the table in sim_net, judged by the truth: right,
 * unknown, wrong; time, packets, and whether the claimed confidence holds. The result is JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/accuracy_report.h"
#include "wire.h"

#define LEVELS_MAX 3

struct options {
	struct accuracy_settings settings;
	double loss; /* less than 0: 0, 5 and 10 % */
	bool json, table, asserts;
};

static void usage(FILE *out)
{
	fputs("Usage: accuracy [OPTION]...\n"
	      "Diagnose every network of the table many times and judge what comes of it.\n"
	      "\n"
	      "  --seeds N         diagnoses of each network (50)\n"
	      "  --first-seed N    the first seed (1)\n"
	      "  --loss P          percent lost each way; without it 0, 5 and 10 in turn\n"
	      "  --profile NAME    this network only\n"
	      "  --random N        N networks made up instead, whose truth follows from the boxes\n"
	      "  --rtt MS          round trip (50)\n"
	      "  --confidence P    percent that the diagnosis is to reach\n"
	      "  --jobs N          processes (one for each CPU)\n"
	      "  --json            no table, even on a terminal\n"
	      "  --table           a table on standard error, even without a terminal\n"
	      "  --assert          exit 1 where a bound is missed\n",
	      out);
}

static void fail_usage(const char *option, const char *value)
{
	fprintf(stderr, "accuracy: --%s cannot be \"%s\"\n", option, value);
	exit(2);
}

static double number(const char *option, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (*end == '%')
		end++;
	if (end == text || *end != '\0' || !(value >= least && value <= most))
		fail_usage(option, text);
	return value;
}

static const struct nat_profile *profile(const char *word)
{
	const struct nat_profile *p = nat_profile_find(word);

	if (p == NULL)
		fail_usage("profile", word);
	return p;
}

enum {
	SEEDS = 256,
	FIRST_SEED,
	LOSS,
	PROFILE,
	RANDOM,
	RTT,
	CONFIDENCE,
	JOBS,
	JSON,
	TABLE,
	ASSERT,
	HELP
};

static const struct option long_options[] = {
	{ "seeds", required_argument, NULL, SEEDS },
	{ "first-seed", required_argument, NULL, FIRST_SEED },
	{ "loss", required_argument, NULL, LOSS },
	{ "profile", required_argument, NULL, PROFILE },
	{ "random", required_argument, NULL, RANDOM },
	{ "rtt", required_argument, NULL, RTT },
	{ "confidence", required_argument, NULL, CONFIDENCE },
	{ "jobs", required_argument, NULL, JOBS },
	{ "json", no_argument, NULL, JSON },
	{ "table", no_argument, NULL, TABLE },
	{ "assert", no_argument, NULL, ASSERT },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static void take_option(struct options *o, int option)
{
	switch (option) {
	case SEEDS:
		o->settings.seeds = (unsigned)number("seeds", optarg, 1, 100000);
		break;
	case FIRST_SEED:
		o->settings.first_seed = (unsigned)number("first-seed", optarg, 0, 1e9);
		break;
	case LOSS:
		o->loss = number("loss", optarg, 0, 100) / 100;
		break;
	case PROFILE:
		o->settings.profile = profile(optarg);
		break;
	case RANDOM:
		o->settings.made_up = (unsigned)number("random", optarg, 1, 100000);
		break;
	case RTT:
		o->settings.rtt_us = (uint32_t)(1000 * number("rtt", optarg, 0.1, 10000));
		break;
	case CONFIDENCE:
		o->settings.confidence = number("confidence", optarg, 1, 99.999999) / 100;
		break;
	case JOBS:
		o->settings.jobs = (unsigned)number("jobs", optarg, 1, 64);
		break;
	case JSON:
		o->json = true;
		break;
	case TABLE:
		o->table = true;
		break;
	case ASSERT:
		o->asserts = true;
		break;
	case HELP:
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static struct options read_options(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct options o = {
		.settings = { .seeds = 50, .first_seed = 1, .rtt_us = 50000 },
		.loss = -1,
	};
	int option;

	o.settings.jobs = cpus > 0 ? (unsigned)cpus : 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(&o, option);
	if (optind != argc) {
		usage(stderr);
		exit(2);
	}
	return o;
}

static size_t run_levels(const struct options *o, struct accuracy_level levels[LEVELS_MAX])
{
	static const double losses[LEVELS_MAX] = { 0, 0.05, 0.10 };
	size_t count = o->loss < 0 ? LEVELS_MAX : 1;

	for (size_t i = 0; i < count; i++) {
		struct accuracy_settings s = o->settings;

		s.loss = o->loss < 0 ? losses[i] : o->loss;
		if (!accuracy_run(&s, &levels[i])) {
			fprintf(stderr, "accuracy: no memory, or a process died\n");
			exit(2);
		}
	}
	return count;
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	struct accuracy_level levels[LEVELS_MAX] = { 0 };
	size_t count = run_levels(&o, levels);
	unsigned missed = 0;

	if (o.table || (!o.json && isatty(STDOUT_FILENO)))
		accuracy_print_table(stderr, levels, count);
	accuracy_print_json(stdout, levels, count);
	if (o.asserts)
		missed = accuracy_assert(stderr, levels, count);
	for (size_t i = 0; i < count; i++)
		accuracy_free(&levels[i]);
	return missed > 0;
}
