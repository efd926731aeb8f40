/*
 * punch_matrix - all pairs of profiles in the simulated network: what trials of punching reach,
 * beside what an oracle says can be reached. --help says the rest.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/nat_truth.h"
#include "tests/punch_score.h"

#define PROFILES_MAX 96
#define LOSSES_MAX   4
#define JOBS_MAX     64

struct options {
	const struct nat_profile *list[PROFILES_MAX];
	size_t count;
	unsigned seeds, first_seed, jobs, made_up, first_made_up;
	uint32_t losses[LOSSES_MAX]; /* per mille */
	size_t loss_count;
	bool json, asserts, says, no_oracle, same;
	uint32_t error_us, carrier_loss;
	uint32_t only;
	uint16_t local_port;
};

/* In memory that the jobs share. */
struct shared {
	struct punch_score cells[JOBS_MAX][PROFILES_MAX][PROFILES_MAX];
	struct punch_oracle oracle[PROFILES_MAX][PROFILES_MAX];
};

static struct peer_profile known[2][PROFILES_MAX]; /* of one seed and loss */
static bool is_known[2][PROFILES_MAX];

static void fail_usage(const char *why)
{
	fprintf(stderr, "punch_matrix: %s (see --help)\n", why);
	exit(2);
}

static void help(void)
{
	puts("Usage: punch_matrix [OPTION]...\n"
	     "Trials of punching between all pairs of profiles, on a virtual clock.\n\n"
	     "  --seeds N         draws of the boxes and of all other chance (20; 200 for the "
	     "proof)\n"
	     "  --first-seed N    from this one on (1)\n"
	     "  --loss LIST       percent that each link loses each way (0,2)\n"
	     "  --profiles LIST   ids or names (all)\n"
	     "  --random N        N networks that chance made up, in place of the profiles\n"
	     "  --first-random N  from this one on (1)\n"
	     "  --only STRATEGY   nothing but that\n"
	     "  --local-port N    both want their path from this port\n"
	     "  --same            each profile with itself, behind the same boxes\n"
	     "  --clock-error MS  bound of what the two clocks are wrong (10)\n"
	     "  --carrier-loss N  per mille of the meeting's messages that come a second late (0)\n"
	     "  --jobs N          processes (2)\n"
	     "  --no-oracle       do not ask what can be reached\n"
	     "  --json            one object for each pair\n"
	     "  --says            on stderr, whatever is wrong with a trial\n"
	     "  --assert          exit 1 where a pair or all of them miss what is demanded");
	exit(0);
}

static unsigned number(const char *text, unsigned most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || n > most)
		fail_usage("that is no number");
	return (unsigned)n;
}

static void take_losses(struct options *o, char *list)
{
	o->loss_count = 0;
	for (char *p = strtok(list, ","); p != NULL; p = strtok(NULL, ",")) {
		if (o->loss_count == LOSSES_MAX)
			fail_usage("too many losses");
		o->losses[o->loss_count++] = (uint32_t)(strtod(p, NULL) * 10 + 0.5);
	}
}

static void take_profiles(struct options *o, char *list)
{
	for (char *p = strtok(list, ","); p != NULL; p = strtok(NULL, ",")) {
		const struct nat_profile *found = nat_profile_find(p);

		if (found == NULL || o->count == PROFILES_MAX)
			fail_usage("there is no such profile");
		o->list[o->count++] = found;
	}
}

/* They stay until the end: reports name them. */
static void make_up(struct options *o)
{
	static struct nat_random all[PROFILES_MAX];
	static char ids[PROFILES_MAX][8];

	o->count = 0;
	for (unsigned i = 0; i < o->made_up; i++) {
		unsigned which = o->first_made_up + i;

		nat_random_profile(which, &all[i]);
		(void)snprintf(ids[i], sizeof(ids[i]), "R%u", which % 1000000);
		all[i].profile.id = ids[i];
		o->list[o->count++] = &all[i].profile;
	}
}

static void take_option(struct options *o, int option)
{
	switch (option) {
	case 's':
		o->seeds = number(optarg, 1000000);
		break;
	case 'f':
		o->first_seed = number(optarg, 1000000);
		break;
	case 'l':
		take_losses(o, optarg);
		break;
	case 'p':
		take_profiles(o, optarg);
		break;
	case 'r':
		o->made_up = number(optarg, PROFILES_MAX);
		break;
	case 'R':
		o->first_made_up = number(optarg, 1000000);
		break;
	case 'o':
		if (punch_strategy_find(optarg) == PUNCH_NONE)
			fail_usage("there is no such strategy");
		o->only = PUNCH_BIT(punch_strategy_find(optarg));
		break;
	case 'P':
		o->local_port = (uint16_t)number(optarg, UINT16_MAX);
		break;
	case 'j':
		o->jobs = number(optarg, JOBS_MAX);
		break;
	case 'S':
		o->same = true;
		break;
	case 'e':
		o->error_us = 1000 * number(optarg, 100000);
		break;
	case 'c':
		o->carrier_loss = number(optarg, 999);
		break;
	case 'J':
		o->json = true;
		break;
	case 'v':
		o->says = true;
		break;
	case 'n':
		o->no_oracle = true;
		break;
	case 'a':
		o->asserts = true;
		break;
	case 'h':
		help();
		break;
	default:
		fail_usage("no such option");
	}
}

static void take_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ "first-seed", required_argument, NULL, 'f' },
		{ "loss", required_argument, NULL, 'l' },
		{ "profiles", required_argument, NULL, 'p' },
		{ "random", required_argument, NULL, 'r' },
		{ "first-random", required_argument, NULL, 'R' },
		{ "only", required_argument, NULL, 'o' },
		{ "local-port", required_argument, NULL, 'P' },
		{ "same", no_argument, NULL, 'S' },
		{ "clock-error", required_argument, NULL, 'e' },
		{ "carrier-loss", required_argument, NULL, 'c' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "json", no_argument, NULL, 'J' },
		{ "says", no_argument, NULL, 'v' },
		{ "no-oracle", no_argument, NULL, 'n' },
		{ "assert", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(o, option);
	if (optind != argc || o->jobs == 0)
		fail_usage("what is that?");
	if (o->made_up > 0)
		make_up(o);
	for (size_t i = 0; o->count < nat_profile_count && i < nat_profile_count && (o->count == i);
	     i++)
		o->list[o->count++] = &nat_profiles[i];
}

/* Where a row ends. */
static size_t last_of(const struct options *o, size_t i)
{
	return o->same ? i + 1 : o->count;
}

/* A diagnosis of each network is made once for a seed and a loss, whoever it meets. */
static const struct peer_profile *diagnosis(size_t i, unsigned side,
					    const struct sim_pair_config *c)
{
	if (!is_known[side][i])
		sim_pair_diagnose(c, side, &known[side][i]);
	is_known[side][i] = true;
	return &known[side][i];
}

static void run_pair(const struct options *o, struct shared *all, unsigned job, size_t i, size_t k,
		     uint64_t seed, uint32_t loss)
{
	struct sim_pair_config c =
		sim_pair_drawn(o->list[i], o->same ? NULL : o->list[k], seed, loss, o->error_us);
	bool is_swapped = c.profiles[0] != o->list[i];

	c.only = o->only;
	c.local_ports[0] = c.local_ports[1] = o->local_port;
	c.carrier_loss_per_mille = o->carrier_loss;
	c.known[0] = diagnosis(is_swapped ? k : i, 0, &c);
	c.known[1] = diagnosis(is_swapped ? i : k, 1, &c);
	punch_score_trial(&c, o->says ? stderr : NULL, &all->cells[job][i][k]);
}

static void run_seed(const struct options *o, struct shared *all, unsigned job, uint64_t seed,
		     uint32_t loss)
{
	memset(is_known, 0, sizeof(is_known));
	for (size_t i = 0; i < o->count; i++) {
		for (size_t k = i; k < last_of(o, i); k++)
			run_pair(o, all, job, i, k, seed, loss);
	}
}

static void ask_oracle(const struct options *o, struct shared *all, unsigned job)
{
	size_t n = 0;

	for (size_t i = 0; i < o->count && !o->no_oracle; i++) {
		for (size_t k = i; k < last_of(o, i); k++) {
			if (n++ % o->jobs == job)
				punch_oracle_ask(o->list[i], o->list[k], o->same,
						 &all->oracle[i][k]);
		}
	}
}

static void work(const struct options *o, struct shared *all, unsigned job)
{
	ask_oracle(o, all, job);
	for (unsigned s = 0; s < o->seeds; s++) {
		if (s % o->jobs != job)
			continue;
		for (size_t l = 0; l < o->loss_count; l++)
			run_seed(o, all, job, o->first_seed + s, o->losses[l]);
	}
}

static void run_jobs(const struct options *o, struct shared *all)
{
	bool failed = false;
	int status;

	fflush(stdout);
	for (unsigned job = 1; job < o->jobs; job++) {
		pid_t pid = fork();

		if (pid < 0)
			fail_usage("cannot fork");
		if (pid == 0) {
			work(o, all, job);
			_exit(0);
		}
	}
	work(o, all, 0);
	while (wait(&status) > 0)
		failed = failed || status != 0;
	if (failed)
		fail_usage("a job died");
	for (unsigned job = 1; job < o->jobs; job++) {
		for (size_t i = 0; i < o->count; i++) {
			for (size_t k = i; k < o->count; k++)
				punch_score_add(&all->cells[0][i][k], &all->cells[job][i][k]);
		}
	}
}

static char sign_of(const struct options *o, const struct punch_oracle *oracle)
{
	return o->no_oracle ? ' ' : punch_oracle_sign(punch_oracle_best(oracle));
}

static void print_matrix(const struct options *o, const struct shared *all)
{
	puts("Percent of trials with a path of their own, beside the oracle: R reachable, p with "
	     "luck, - never.");
	printf("%5s", "");
	for (size_t i = 0; i < o->count; i++)
		printf(" %4s", o->list[i]->id);
	putchar('\n');
	for (size_t i = 0; i < o->count; i++) {
		printf("%5s", o->list[i]->id);
		for (size_t k = 0; k < i; k++)
			printf("     ");
		for (size_t k = i; k < o->count; k++) {
			const struct punch_score *s = &all->cells[0][i][k];

			printf(" %c%3.0f", sign_of(o, &all->oracle[i][k]),
			       s->trials > 0 ? 100.0 * s->reached / s->trials : 0);
		}
		putchar('\n');
	}
}

static void print_cell(const struct options *o, const struct punch_score *s, const char *a,
		       const char *b, const struct punch_oracle *oracle)
{
	double n = s->trials > 0 ? s->trials : 1, reached = s->reached > 0 ? s->reached : 1;

	printf("{\"a\":\"%s\",\"b\":\"%s\"", a, b);
	if (!o->no_oracle && oracle != NULL)
		printf(",\"oracle\":{\"udp\":\"%c\",\"tcp\":\"%c\"}",
		       punch_oracle_sign((enum punch_oracle_answer)oracle->udp),
		       punch_oracle_sign((enum punch_oracle_answer)oracle->tcp));
	printf(",\"trials\":%u,\"reached\":%u,\"tcp\":%u,\"relayed\":%u,\"withRelay\":%u,"
	       "\"formula\":%.4f,\"promised\":%.4f,\"brier\":%.5f,\"unfinished\":%u,"
	       "\"disagreed\":%u,\"leftOpen\":%u,\"late\":%u,\"reasons\":{\"right\":%u,"
	       "\"unsure\":%u,\"wrong\":%u},\"toPathMs\":%.1f,\"packets\":%.1f,\"by\":{",
	       s->trials, s->reached, s->tcp, s->relayed, s->with_relay, s->formula / n,
	       s->promised / n, s->brier / n, s->unfinished, s->disagreed, s->left_open, s->late,
	       s->reasons_right, s->reasons_unsure, s->reasons_wrong,
	       s->to_path_us / reached / 1000, s->sent / reached);
	for (size_t i = 0, first = 1; i < PUNCH_STRATEGIES; i++) {
		if (s->by_strategy[i] == 0)
			continue;
		printf("%s\"%s\":%u", first ? "" : ",", punch_strategy_word((enum punch_strategy)i),
		       s->by_strategy[i]);
		first = 0;
	}
	puts("}}");
}

static void print_sum(const struct punch_score *s, FILE *to)
{
	double n = s->trials > 0 ? s->trials : 1;

	fprintf(to,
		"%u trials: %u reached, %u of them by TCP; %u relayed; Brier score %.4f; "
		"reasons %u right, %u unsure, %u wrong; %u unfinished, %u disagreed, %u left "
		"open, %u late\n",
		s->trials, s->reached, s->tcp, s->relayed, s->brier / n, s->reasons_right,
		s->reasons_unsure, s->reasons_wrong, s->unfinished, s->disagreed, s->left_open,
		s->late);
	if (s->ports_wanted > 0)
		fprintf(to, "%u of %u ends on the given port\n", s->ports_held, s->ports_wanted);
	for (size_t i = 0; i < PUNCH_REASONS; i++) {
		if (s->wrong_by_reason[i] > 0)
			fprintf(to, "wrong: %u times %s\n", s->wrong_by_reason[i],
				punch_reason_word((enum punch_reason)i));
	}
}

static unsigned report(const struct options *o, const struct shared *all)
{
	struct punch_score sum = { 0 };
	FILE *to = o->json ? stderr : stdout;
	unsigned misses = 0;
	char name[64];

	for (size_t i = 0; i < o->count; i++) {
		for (size_t k = i; k < last_of(o, i); k++) {
			const struct punch_score *s = &all->cells[0][i][k];
			const struct punch_oracle *oracle =
				o->no_oracle ? NULL : &all->oracle[i][k];

			punch_score_add(&sum, s);
			if (o->json)
				print_cell(o, s, o->list[i]->id, o->list[k]->id, oracle);
			snprintf(name, sizeof(name), "%s x %s", o->list[i]->id, o->list[k]->id);
			misses += punch_score_check(s, name, oracle, to);
		}
	}
	if (o->json)
		print_cell(o, &sum, "all", "all", NULL);
	else
		print_matrix(o, all);
	print_sum(&sum, to);
	return misses + punch_score_check_all(&sum, to);
}

int main(int argc, char **argv)
{
	static struct options o = { .seeds = 20,
				    .first_seed = 1,
				    .first_made_up = 1,
				    .jobs = 2,
				    .losses = { 0, 20 },
				    .error_us = 10000,
				    .loss_count = 2 };
	struct shared *all;
	unsigned misses;
	FILE *to;

	take_options(&o, argc, argv);
	to = o.json ? stderr : stdout;
	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		fail_usage("no memory");
	run_jobs(&o, all);
	misses = report(&o, all);
	if (misses == 0)
		fputs("All that is demanded is met.\n", to);
	else
		fprintf(to, "%u demands are missed.\n", misses);
	return o.asserts && misses > 0 ? 1 : 0;
}
