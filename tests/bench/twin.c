/*
 * twin - is a rebuilt network a fixed point? Probes each network, rebuilds it, probes that.
 *
 *	twin [--deep] [--seeds N] [--random N] [--loss PERCENT] [--assert] [PROFILE ...]
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/nat_truth.h"
#include "tests/twin_score.h"
#include "wire.h"

#define OPEN_MOST 0.01

struct options {
	unsigned seeds, made_up;
	double loss;
	bool deep, asserts;
	char **profiles;
};

static const struct option long_options[] = {
	{ "deep", no_argument, NULL, 'd' },         { "seeds", required_argument, NULL, 's' },
	{ "random", required_argument, NULL, 'r' }, { "loss", required_argument, NULL, 'l' },
	{ "assert", no_argument, NULL, 'a' },       { 0 },
};

static unsigned number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || n > 1000000) {
		fprintf(stderr, "twin: \"%s\" is no number\n", text);
		exit(2);
	}
	return (unsigned)n;
}

static void read_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->deep = true;
			break;
		case 's':
			o->seeds = number(optarg);
			break;
		case 'r':
			o->made_up = number(optarg);
			break;
		case 'l':
			o->loss = number(optarg) / 100.0;
			break;
		case 'a':
			o->asserts = true;
			break;
		default:
			exit(2);
		}
	}
	o->profiles = argv + optind;
}

static bool is_chosen(const struct options *o, const struct nat_profile *p)
{
	for (char **word = o->profiles; *word != NULL; word++) {
		if (strcmp(*word, p->id) == 0 || strcmp(*word, p->name) == 0)
			return true;
	}
	return o->profiles[0] == NULL;
}

static void run(const struct options *o, const struct nat_profile *p, uint64_t seed,
		struct twin_score *score)
{
	struct twin_case c = { .profile = p, .seed = seed, .loss = o->loss, .deep = o->deep };

	twin_score_run(&c, stderr, score);
}

static void run_table(const struct options *o, struct twin_score *score)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		for (unsigned seed = 1; seed <= o->seeds; seed++) {
			if (is_chosen(o, &nat_profiles[i]))
				run(o, &nat_profiles[i], seed, score);
		}
	}
}

static void run_made_up(const struct options *o, struct twin_score *score)
{
	struct nat_random made;

	for (unsigned i = 1; i <= o->made_up; i++) {
		nat_random_profile(i, &made);
		run(o, &made.profile, i, score);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .seeds = 5 };
	struct twin_score s = { 0 };
	bool is_good;

	read_options(&o, argc, argv);
	if (o.made_up > 0)
		run_made_up(&o, &s);
	else
		run_table(&o, &s);
	is_good = s.other == 0 && s.broken == 0 && s.open <= OPEN_MOST * s.known;
	printf("{\"networks\":%u,\"known\":%u,\"equal\":%u,\"unknown\":%u,\"other\":%u,"
	       "\"broken\":%u,\"fixed_point\":%s}\n",
	       s.runs, s.known, s.equal, s.open, s.other, s.broken, is_good ? "true" : "false");
	return o.asserts && !is_good ? EXIT_FAILURE : EXIT_SUCCESS;
}
