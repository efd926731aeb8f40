/*
 * regress - is a saved expectation of use? Networks that stay as they are must raise no alarm,
 * and one behaviour that changes must be noticed and named. In sim_net; the result is JSON.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/network_change.h"
#include "tests/saved.h"
#include "wire.h"

#define JOBS_MAX          64
#define INCONCLUSIVE_MOST 0.05
#define DETECTED_LEAST    0.99

struct options {
	unsigned runs, changes, first_seed, jobs;
	double loss;
	bool asserts, verbose;
};

enum mark { NOT_RUN = 0, CLEAN, OPEN, ALARM, NAMED, MISNAMED };

struct cell {
	uint8_t mark; /* enum mark */
	char first[280];
};

struct sheet {
	const struct options *o;
	struct cell *same;    /* [runs] */
	struct cell *changed; /* [profile][change][changes] */
};

static size_t changed_count(const struct options *o)
{
	return nat_profile_count * network_change_count * o->changes;
}

static struct sim_config config_of(const struct options *o, const struct nat_profile *p,
				   uint64_t seed)
{
	return (struct sim_config){ .profile = p, .seed = seed, .access.loss = o->loss };
}

static void note(struct cell *cell, enum mark mark, const struct saved_judgement *j)
{
	cell->mark = (uint8_t)mark;
	snprintf(cell->first, sizeof(cell->first), "%s", j->first);
}

/* The same network twice. */
static void run_same(const struct sheet *s, size_t i)
{
	const struct nat_profile *p = &nat_profiles[i % nat_profile_count];
	struct sim_config before = config_of(s->o, p, s->o->first_seed + 2 * i);
	struct sim_config after = config_of(s->o, p, s->o->first_seed + 2 * i + 1);
	struct saved_judgement j;
	struct saved saved;

	saved_write(&before, &saved);
	j = saved_judge(&saved, &after, NULL);
	note(&s->same[i], j.missed > 0 ? ALARM : j.open > 0 ? OPEN : CLEAN, &j);
}

static void run_changed(const struct sheet *s, size_t i)
{
	size_t pair = i / s->o->changes;
	const struct nat_profile *p = &nat_profiles[pair / network_change_count];
	const struct network_change *change = &network_changes[pair % network_change_count];
	struct nat_profile other = *p;
	struct sim_config before = config_of(s->o, p, s->o->first_seed + 2 * i);
	struct sim_config after = config_of(s->o, &other, s->o->first_seed + 2 * i + 1);
	struct saved_judgement j;
	struct saved saved;

	if (!change->apply(&other))
		return;
	saved_write(&before, &saved);
	j = saved_judge(&saved, &after, change->property);
	note(&s->changed[i], j.names ? NAMED : MISNAMED, &j);
}

static void run_share(const struct sheet *s, unsigned job, unsigned jobs)
{
	for (size_t i = job; i < s->o->runs; i += jobs)
		run_same(s, i);
	for (size_t i = job; i < changed_count(s->o); i += jobs)
		run_changed(s, i);
}

static bool run_all(const struct sheet *s)
{
	unsigned jobs = s->o->jobs < JOBS_MAX ? s->o->jobs : JOBS_MAX;
	pid_t pids[JOBS_MAX];
	bool ok = true;

	for (unsigned i = 0; i < jobs; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			run_share(s, i, jobs);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < jobs; i++) {
		int status = -1;

		ok = pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0 && ok;
	}
	return ok;
}

static size_t count(const struct cell *cells, size_t n, enum mark mark)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += cells[i].mark == mark;
	return found;
}

static void tell_same(const struct sheet *s)
{
	for (size_t i = 0; i < s->o->runs; i++) {
		const struct cell *c = &s->same[i];

		if (c->mark == ALARM || (s->o->verbose && c->mark == OPEN))
			fprintf(stderr, "%s, run %zu: %s: %s\n",
				nat_profiles[i % nat_profile_count].name, i,
				c->mark == ALARM ? "false alarm" : "inconclusive", c->first);
	}
}

/* Which networks hide which changes. */
static void tell_changed(const struct sheet *s)
{
	for (size_t pair = 0; pair < nat_profile_count * network_change_count; pair++) {
		const struct cell *cells = &s->changed[pair * s->o->changes];
		size_t missed = count(cells, s->o->changes, MISNAMED);
		size_t i = 0;

		if (missed == 0)
			continue;
		while (cells[i].mark != MISNAMED)
			i++;
		fprintf(stderr, "%s, other %s: %zu of %u not named, such as: %s\n",
			nat_profiles[pair / network_change_count].name,
			network_changes[pair % network_change_count].property, missed,
			s->o->changes, cells[i].first);
	}
}

static bool report(const struct sheet *s)
{
	size_t changed = changed_count(s->o);
	size_t alarms = count(s->same, s->o->runs, ALARM);
	size_t open = count(s->same, s->o->runs, OPEN);
	size_t named = count(s->changed, changed, NAMED);
	size_t all = named + count(s->changed, changed, MISNAMED);
	double detected = all > 0 ? (double)named / (double)all : 1;
	double inconclusive = s->o->runs > 0 ? (double)open / s->o->runs : 0;

	printf("{ \"bench\": \"regress\", \"loss\": %g, \"runs\": %u, \"false_alarms\": %zu, "
	       "\"inconclusive\": %.4f,\n  \"changes\": %zu, \"named\": %.4f }\n",
	       s->o->loss, s->o->runs, alarms, inconclusive, all, detected);
	return alarms == 0 && inconclusive <= INCONCLUSIVE_MOST && detected >= DETECTED_LEAST;
}

static void usage(FILE *out)
{
	fputs("Usage: regress [OPTION]...\n"
	      "Save what networks are, and compare: with themselves, and with a change.\n"
	      "\n"
	      "  --runs N         comparisons of networks that did not change (1000)\n"
	      "  --changes N      of each change of each network (4)\n"
	      "  --first-seed N   the first seed (1)\n"
	      "  --loss P         percent lost each way (5)\n"
	      "  --jobs N         processes (one for each CPU)\n"
	      "  --verbose        tell of inconclusive runs as well\n"
	      "  --assert         exit 1 unless there is no false alarm, at most 5 % are\n"
	      "                   inconclusive, and 99 % of the changes are named\n",
	      out);
}

static unsigned number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value > most) {
		fprintf(stderr, "regress: \"%s\" is no number up to %lu\n", text, most);
		exit(2);
	}
	return (unsigned)value;
}

enum { RUNS = 256, CHANGES, FIRST_SEED, LOSS, JOBS, VERBOSE, ASSERT, HELP };

static const struct option long_options[] = {
	{ "runs", required_argument, NULL, RUNS },
	{ "changes", required_argument, NULL, CHANGES },
	{ "first-seed", required_argument, NULL, FIRST_SEED },
	{ "loss", required_argument, NULL, LOSS },
	{ "jobs", required_argument, NULL, JOBS },
	{ "verbose", no_argument, NULL, VERBOSE },
	{ "assert", no_argument, NULL, ASSERT },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static void take_option(struct options *o, int option)
{
	switch (option) {
	case RUNS:
		o->runs = number(optarg, 1000000);
		break;
	case CHANGES:
		o->changes = number(optarg, 1000);
		break;
	case FIRST_SEED:
		o->first_seed = number(optarg, 1000000000);
		break;
	case LOSS:
		o->loss = number(optarg, 100) / 100.0;
		break;
	case JOBS:
		o->jobs = number(optarg, JOBS_MAX);
		break;
	case VERBOSE:
		o->verbose = true;
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

static void *shared_cells(size_t n)
{
	void *p = mmap(NULL, (n + 1) * sizeof(struct cell), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		fprintf(stderr, "regress: out of memory\n");
		exit(2);
	}
	return p;
}

int main(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct options o = { .runs = 1000, .changes = 4, .first_seed = 1, .loss = 0.05 };
	struct sheet s = { .o = &o };
	int option;

	o.jobs = cpus > 0 ? (unsigned)cpus : 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(&o, option);
	if (optind != argc || o.jobs == 0) {
		usage(stderr);
		return 2;
	}
	s.same = shared_cells(o.runs);
	s.changed = shared_cells(changed_count(&o));
	if (!run_all(&s)) {
		fprintf(stderr, "regress: a process died\n");
		return 2;
	}
	tell_same(&s);
	tell_changed(&s);
	return !report(&s) && o.asserts;
}
