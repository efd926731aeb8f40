#include "tests/bench/contest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/procs.h"

#define SLICE_MS 50

static void run_slice(struct contestant *c, uint64_t ms)
{
	uint64_t before = procs_cpu_ns(c->pid);
	struct load_result r = c->run(c, ms);

	c->now_cpu_ns += procs_cpu_ns(c->pid) - before;
	c->now.done += r.done;
	c->now.took_ns += r.took_ns;
	c->wrong += r.wrong;
	c->lost += r.lost;
}

static const char *end_round(struct contestant *c, int round)
{
	if (c->now.done == 0)
		return procs_is_alive(c->pid) ? "delivers nothing" : "has ended";
	if (c->now_cpu_ns == 0)
		return "has no CPU times: the kernel has no schedstat";
	c->cpu_ns[round] = (double)c->now_cpu_ns / (double)c->now.done;
	c->rate[round] = (double)c->now.done * 1e9 / (double)c->now.took_ns;
	c->done += c->now.done;
	c->now = (struct load_result){ 0 };
	c->now_cpu_ns = 0;
	return NULL;
}

static const char *run_round(struct contestant *all, int count, int round, uint64_t ms,
			     const char **who)
{
	int slices = (int)((ms + SLICE_MS - 1) / SLICE_MS);

	for (int k = 0; k < slices; k++) {
		for (int i = 0; i < count; i++) { /* another one begins each time */
			struct contestant *c = &all[(k + i) % count];

			if (c->pid > 0)
				run_slice(c, ms / (uint64_t)slices);
		}
	}
	for (int i = 0; i < count; i++) {
		const char *why = all[i].pid > 0 ? end_round(&all[i], round) : NULL;

		*who = all[i].name;
		if (why != NULL)
			return why;
	}
	return NULL;
}

const char *contest_run(struct contestant *all, int count, int rounds, uint64_t round_ms,
			const char **who)
{
	for (int i = 0; i < count; i++) {
		all[i].done = all[i].wrong = all[i].lost = 0;
		all[i].now = (struct load_result){ 0 };
		all[i].now_cpu_ns = 0;
	}
	for (int round = 0; round < rounds; round++) {
		const char *why = run_round(all, count, round, round_ms, who);

		if (why != NULL)
			return why;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double contest_median(const double *values, int count)
{
	double sorted[CONTEST_ROUNDS_MAX];

	memcpy(sorted, values, (size_t)count * sizeof(*values));
	qsort(sorted, (size_t)count, sizeof(*sorted), compare);
	return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double contest_spread(const double *values, int count)
{
	double least = values[0], most = values[0];

	for (int i = 1; i < count; i++) {
		least = values[i] < least ? values[i] : least;
		most = values[i] > most ? values[i] : most;
	}
	return (most - least) / contest_median(values, count);
}

bool contest_is_sound(const struct contestant *c)
{
	return c->wrong == 0 && c->lost * 1000 <= c->done;
}

void contest_print(const struct contestant *c, int rounds, const char *done)
{
	printf("\"name\": \"%s\", \"cpu_ns\": %.0f, \"spread\": %.3f, \"%s_per_s\": %.0f, "
	       "\"%s\": %llu, \"lost\": %llu, \"wrong\": %llu",
	       c->name, contest_median(c->cpu_ns, rounds), contest_spread(c->cpu_ns, rounds), done,
	       contest_median(c->rate, rounds), done, (unsigned long long)c->done,
	       (unsigned long long)c->lost, (unsigned long long)c->wrong);
}
