#include "steps.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/alloc_count.h"

#define ROUNDS_MAX 99

struct settings {
	size_t rounds;
	uint64_t round_ns;
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* How long `times` runs take; 0 when one goes wrong. */
static uint64_t run_many(const struct codec_step *step, uint64_t times)
{
	uint64_t start = cpu_ns();
	uint64_t took;

	for (uint64_t i = 0; i < times; i++) {
		if (!step->run())
			return 0;
	}
	took = cpu_ns() - start;
	return took > 0 ? took : 1;
}

/* How many runs fill a round; warms caches on the way. 0 when one goes wrong. */
static uint64_t runs_in(const struct codec_step *step, uint64_t round_ns)
{
	uint64_t times = 64;

	for (;;) {
		uint64_t took = run_many(step, times);

		if (took == 0)
			return 0;
		if (took >= round_ns / 4)
			return times * round_ns / took + 1;
		times *= 2;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Prints one result; false when the step went wrong or allocated. */
static bool measure(const char *name, const struct codec_step *step, const struct settings *s,
		    const char *comma)
{
	double ns[ROUNDS_MAX];
	uint64_t times = runs_in(step, s->round_ns);
	size_t allocations;

	if (times == 0) {
		(void)fprintf(stderr, "%s: %s: wrong result\n", name, step->name);
		return false;
	}
	allocations = alloc_count();
	for (size_t i = 0; i < s->rounds; i++)
		ns[i] = (double)run_many(step, times) / (double)times;
	allocations = alloc_count() - allocations;
	qsort(ns, s->rounds, sizeof(ns[0]), compare);
	printf("%s\n\t{\"path\":\"%s\",\"ns\":%.1f,\"ns_min\":%.1f,\"ns_max\":%.1f", comma,
	       step->name, ns[s->rounds / 2], ns[0], ns[s->rounds - 1]);
	if (alloc_count_works())
		printf(",\"allocations\":%zu", allocations);
	printf("}");
	return allocations == 0;
}

static int usage(FILE *to, const char *name, const char *what, int status)
{
	(void)fprintf(to,
		      "usage: bench_%s [--rounds N] [--round-ms MS]\n"
		      "Prints CPU nanoseconds (median, least and most of N rounds, 7 unless told)\n"
		      "for each %s, and how often it allocated, as JSON.\n"
		      "A round takes MS milliseconds, 50 unless told. Exits with 1 when a path\n"
		      "allocates or goes wrong.\n",
		      name, what);
	return status;
}

/* A number from 1 to `max`; 0 for anything else. */
static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && *end == '\0' && v <= max ? v : 0;
}

/* Returns whether the command line can be followed; else *status is how to end. */
static bool read_options(const char *name, const char *what, int argc, char **argv,
			 struct settings *s, int *status)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "round-ms", required_argument, NULL, 'm' },
		{ 0 },
	};
	bool is_clear = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			*status = usage(stdout, name, what, 0);
			return false;
		}
		if (c == 'r')
			s->rounds = number(optarg, ROUNDS_MAX);
		else if (c == 'm')
			s->round_ns = (uint64_t)number(optarg, 60000) * 1000000;
		else
			is_clear = false;
	}
	if (is_clear && optind == argc && s->rounds > 0 && s->round_ns > 0)
		return true;
	*status = usage(stderr, name, what, 2);
	return false;
}

int steps_main(const char *name, const char *what, const struct codec_step *(*load)(size_t *count),
	       int argc, char **argv)
{
	struct settings s = { .rounds = 7, .round_ns = 50000000 };
	const struct codec_step *steps;
	bool ok = true;
	size_t count;
	int status;

	if (!read_options(name, what, argc, argv, &s, &status))
		return status;
	steps = load(&count);
	printf("{\"bench\":\"%s\",\"unit\":\"CPU ns per run\",\"rounds\":%zu,\"results\":[", name,
	       s.rounds);
	for (size_t i = 0; i < count; i++)
		ok = measure(name, &steps[i], &s, i > 0 ? "," : "") && ok;
	printf("\n]}\n");
	return ok ? 0 : 1;
}
