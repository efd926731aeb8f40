/*
 * bench_codec - CPU time of what programs do to messages all day, as JSON.
 */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/alloc_count.h"
#include "tests/codec_load.h"

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
static bool measure(const struct codec_step *step, const struct settings *s, const char *comma)
{
	double ns[ROUNDS_MAX];
	uint64_t times = runs_in(step, s->round_ns);
	size_t allocations;

	if (times == 0) {
		(void)fprintf(stderr, "bench_codec: %s: wrong result\n", step->name);
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

static int usage(FILE *to, int status)
{
	(void)fputs("usage: bench_codec [--rounds N] [--round-ms MS]\n"
		    "Prints CPU nanoseconds (median, least and most of N rounds, 7 unless told)\n"
		    "for each path through the codec, and how often it allocated, as JSON.\n"
		    "A round takes MS milliseconds, 50 unless told. Exits with 1 when a path\n"
		    "allocates or goes wrong.\n",
		    to);
	return status;
}

/* A number from 1 to `max`; 0 for anything else. */
static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && *end == '\0' && v <= max ? v : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "round-ms", required_argument, NULL, 'm' },
		{ 0 },
	};
	struct settings s = { .rounds = 7, .round_ns = 50000000 };
	const struct codec_step *steps;
	size_t count;
	bool ok = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h')
			return usage(stdout, 0);
		if (c == 'r')
			s.rounds = number(optarg, ROUNDS_MAX);
		else if (c == 'm')
			s.round_ns = (uint64_t)number(optarg, 60000) * 1000000;
		else
			return usage(stderr, 2);
	}
	if (optind != argc || s.rounds == 0 || s.round_ns == 0)
		return usage(stderr, 2);

	steps = codec_load_init(&count);
	printf("{\"bench\":\"codec\",\"unit\":\"CPU ns per run\",\"rounds\":%zu,\"results\":[",
	       s.rounds);
	for (size_t i = 0; i < count; i++)
		ok = measure(&steps[i], &s, i > 0 ? "," : "") && ok;
	printf("\n]}\n");
	return ok ? 0 : 1;
}
