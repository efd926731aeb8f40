#include "tests/bench/accuracy_run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 64

/* All scores, in memory that the processes share: each writes its own. */
struct sheet {
	const struct accuracy_settings *settings;
	const struct nat_random *made_up;
	size_t profiles, cells;
	struct score *scores; /* by profile, seed, interface; one that is not `used` did not run */
	bool *used;
};

static size_t cell_of(const struct sheet *s, size_t profile, unsigned seed, unsigned interface)
{
	return (profile * s->settings->seeds + seed) * SIM_INTERFACES_MAX + interface;
}

static const struct nat_profile *profile_at(const struct sheet *s, size_t i)
{
	if (s->made_up != NULL)
		return &s->made_up[i].profile;
	return s->settings->profile != NULL ? s->settings->profile : &nat_profiles[i];
}

static struct sim_config config_of(const struct sheet *s, size_t profile, unsigned seed)
{
	return (struct sim_config){
		.profile = profile_at(s, profile),
		.seed = s->settings->first_seed + seed,
		.rtt_us = s->settings->rtt_us,
		.access.loss = s->settings->loss,
		.confidence = s->settings->confidence,
	};
}

static void run_one(const struct sheet *s, const struct expect *truth, size_t profile,
		    unsigned seed)
{
	struct sim_config c = config_of(s, profile, seed);
	struct sim_result results[SIM_INTERFACES_MAX];
	size_t n = sim_run(&c, results);

	for (unsigned i = 0; i < n; i++) {
		size_t cell = cell_of(s, profile, seed, i);

		score_judge(truth, &results[i], &s->scores[cell]);
		s->used[cell] = true;
	}
}

/* Every jobs-th diagnosis. */
static void run_share(const struct sheet *s, unsigned job, unsigned jobs)
{
	for (size_t p = 0; p < s->profiles; p++) {
		struct sim_config c = config_of(s, p, 0);
		struct expect truth = score_truth(&c);

		for (unsigned seed = (job + (unsigned)p) % jobs; seed < s->settings->seeds;
		     seed += jobs)
			run_one(s, &truth, p, seed);
		expect_free(&truth);
	}
}

static bool run_jobs(const struct sheet *s, unsigned jobs)
{
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

static bool run_all(const struct sheet *s)
{
	unsigned jobs = s->settings->jobs < JOBS_MAX ? s->settings->jobs : JOBS_MAX;

	if (jobs > 1)
		return run_jobs(s, jobs);
	run_share(s, 0, 1);
	return true;
}

static enum accuracy_class class_of(double loss)
{
	if (loss <= 0)
		return ACCURACY_CLEAN;
	if (loss <= 0.0501)
		return ACCURACY_LOSSY;
	return loss <= 0.1001 ? ACCURACY_BAD : ACCURACY_WORSE;
}

static bool says(const struct nat_profile *p, const char *line)
{
	return strstr(p->truth, line) != NULL;
}

static struct accuracy_profile profile_of(const struct sim_config *c)
{
	const struct nat_profile *p = c->profile;

	return (struct accuracy_profile){
		.profile = p,
		.class = (uint8_t)class_of(score_loss(c)),
		.is_delayed = p->access.delay_us > 0 || p->access.jitter_us > 0,
		.is_all_positive = says(p, "filtering = endpoint-independent\n") &&
				   says(p, "hairpin = external-source\n") &&
				   says(p, "pcp = yes\n") && says(p, "nat-pmp = yes\n"),
	};
}

static bool add_up(const struct sheet *s, struct accuracy_level *out)
{
	for (size_t p = 0; p < s->profiles; p++) {
		struct sim_config c = config_of(s, p, 0);
		struct accuracy_profile *sum = &out->profiles[p];
		size_t cells = (size_t)s->settings->seeds * SIM_INTERFACES_MAX;
		struct expect truth;

		*sum = profile_of(&c);
		sum->times_us = calloc(cells, sizeof(*sum->times_us));
		if (sum->times_us == NULL)
			return false;
		truth = score_truth(&c);
		for (size_t i = 0; i < cells; i++) {
			if (s->used[p * cells + i])
				accuracy_add(sum, &truth, &s->scores[p * cells + i]);
		}
		expect_free(&truth);
		accuracy_close(sum);
	}
	return true;
}

static void *shared_memory(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

static struct nat_random *make_up(unsigned count)
{
	struct nat_random *all = calloc(count, sizeof(*all));

	/* What they are does not depend on the seeds of the diagnoses. */
	for (unsigned i = 0; all != NULL && i < count; i++)
		nat_random_profile(i, &all[i]);
	return all;
}

static size_t count_of(const struct accuracy_settings *s)
{
	if (s->made_up > 0)
		return s->made_up;
	return s->profile != NULL ? 1 : nat_profile_count;
}

bool accuracy_run(const struct accuracy_settings *settings, struct accuracy_level *out)
{
	struct sheet s = { .settings = settings, .profiles = count_of(settings) };
	bool ok = false;

	*out = (struct accuracy_level){ .settings = *settings, .profile_count = s.profiles };
	s.cells = s.profiles * settings->seeds * SIM_INTERFACES_MAX;
	s.scores = shared_memory(s.cells * sizeof(*s.scores));
	s.used = shared_memory(s.cells * sizeof(*s.used));
	if (settings->made_up > 0)
		out->made_up = make_up(settings->made_up);
	s.made_up = out->made_up;
	out->profiles = calloc(s.profiles, sizeof(*out->profiles));
	if (s.scores != NULL && s.used != NULL && out->profiles != NULL &&
	    (settings->made_up == 0 || out->made_up != NULL))
		ok = run_all(&s) && add_up(&s, out);
	if (s.scores != NULL)
		munmap(s.scores, s.cells * sizeof(*s.scores));
	if (s.used != NULL)
		munmap(s.used, s.cells * sizeof(*s.used));
	return ok;
}

void accuracy_free(struct accuracy_level *l)
{
	for (size_t i = 0; l->profiles != NULL && i < l->profile_count; i++)
		free(l->profiles[i].times_us);
	free(l->profiles);
	free(l->made_up);
	*l = (struct accuracy_level){ 0 };
}
