/*
 * ports - the long run of tests/test_allocation.c: each rule of port allocation, sampled and
 * judged many times. One line of JSON for each: how often it was wrong or unknown, what error was
 * claimed, and how often predictions came true.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/port_cases.h"

#define ERROR_MAX 2e-4

static const char usage[] = "Usage: ports [RUNS]\n"
			    "\n"
			    "Runs each rule of port allocation RUNS times (default 1000).\n";

static void print(const struct port_case *c, const struct port_score *s)
{
	double known = s->runs - s->unknown > 0 ? s->runs - s->unknown : 1;

	printf("{\"rule\":\"%s\",\"runs\":%u,\"wrong\":%u,\"unknown\":%u,"
	       "\"parity_unknown\":%u,\"claimed\":%.3g,\"samples\":%.1f,"
	       "\"predicted\":%.3f,\"came\":%.3f,\"first_predicted\":%.3f,"
	       "\"first_came\":%.3f}\n",
	       c->why, s->runs, s->wrong, s->unknown, s->parity_unknown, s->claimed,
	       (double)s->samples / s->runs, s->predicted / known, s->hits / known,
	       s->predicted_first / known, s->hits_first / known);
}

static bool read_runs(const char *text, unsigned *runs)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || n < 1 || n > 1000000)
		return false;
	*runs = (unsigned)n;
	return true;
}

int main(int argc, char **argv)
{
	unsigned runs = 1000, wrong = 0;
	double claimed = 0;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (argc > 2 || (argc == 2 && !read_runs(argv[1], &runs))) {
		(void)fputs(usage, stderr);
		return 2;
	}
	for (size_t i = 0; i < port_case_count; i++) {
		struct port_score s = { 0 };

		for (unsigned n = 0; n < runs; n++)
			port_case_run(&port_cases[i], (uint64_t)i << 32 | n, ERROR_MAX, &s);
		print(&port_cases[i], &s);
		wrong += s.wrong;
		claimed += s.claimed;
	}
	printf("{\"wrong\":%u,\"claimed\":%.3g}\n", wrong, claimed);
	return EXIT_SUCCESS;
}
