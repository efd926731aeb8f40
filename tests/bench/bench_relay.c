/*
 * bench_relay - what relaying costs a server: turnd with one worker, coturn with the threads that
 * it likes, and the floor, a bare forwarder. CPU time for each packet delivered and for each
 * allocation made and deleted, memory for each allocation held and after many are gone. Loopback
 * only; the result is JSON.
 */
#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/bench/contest.h"
#include "tests/bench/procs.h"
#include "tests/bench/rivals.h"

#define ALONE_MS        240000 /* of one test: permissions last 300 s */
#define WARM_MS         100
#define HELD_MOST       4096      /* bytes for each allocation */
#define CHURN_MOST      (1 << 20) /* bytes more than idle */
#define FILES_NOT_FLOWS 100       /* descriptors for all else */

struct settings {
	struct rivals_config rivals;
	int rounds;
	uint64_t round_ms;
	uint32_t few, many, held, cycles;
	bool assert_limits, shared_cpu;
};

/* The servers of the phase at hand, and what they take part in. */
static struct rival rivals[RIVALS];
static struct contestant contest[RIVALS];
static bool pass = true;

static void stop_all(void)
{
	for (int i = 0; i < RIVALS; i++) {
		rival_stop(&rivals[i]);
		contest[i].pid = 0;
	}
}

static void die(const char *who, const char *why)
{
	fprintf(stderr, "bench_relay: %s: %s\n", who, why);
	stop_all();
	exit(2);
}

static void start(uint8_t kind, const struct settings *set)
{
	const char *why = rival_start(&rivals[kind], kind, &set->rivals);

	if (why != NULL)
		die(rival_names[kind], why);
	contest[kind].name = rival_names[kind];
	contest[kind].pid = rivals[kind].pid;
	contest[kind].arg = &rivals[kind];
}

/* All of them answer to everything. */
static void ask(struct rival *r, const uint8_t *requests, uint32_t first, uint32_t count)
{
	struct load_result got;
	char why[64];

	got = load_turn_ask(r->load, requests, first, count, CONTEST_PATIENCE);
	if (got.done == count)
		return;
	snprintf(why, sizeof(why), "refuses a request with %u", load_turn_refusal(r->load));
	die(rival_names[r->kind], load_turn_refusal(r->load) != 0 ? why : "does not answer");
}

/* Prints the limit and whether turnd keeps it; 0: there is none. */
static void judge(const struct settings *set, double most)
{
	bool good = true;

	for (int i = 0; i < RIVALS; i++)
		good = good && (contest[i].pid <= 0 || contest_is_sound(&contest[i]));
	if (contest[RIVAL_TURND].pid > 0 && contest[RIVAL_COTURN].pid > 0) {
		double ratio = contest_median(contest[RIVAL_TURND].cpu_ns, set->rounds) /
			       contest_median(contest[RIVAL_COTURN].cpu_ns, set->rounds);

		printf("      \"turnd_to_coturn\": %.3f, ", ratio);
		good = good && (most <= 0 || ratio <= most);
	} else {
		printf("      \"turnd_to_coturn\": null, ");
		good = false;
	}
	if (most > 0)
		printf("\"most\": %.2f, ", most);
	printf("\"pass\": %s }", good ? "true" : "false");
	pass = pass && good;
}

static void compete(const struct settings *set, const char *name, const char *done, double most)
{
	const char *who, *why;
	const char *comma = "";

	why = contest_run(contest, RIVALS, set->rounds, set->round_ms, &who);
	if (why != NULL)
		die(who, why);
	printf("    { \"name\": \"%s\", \"servers\": [", name);
	for (int i = 0; i < RIVALS; i++) {
		if (contest[i].pid <= 0)
			continue;
		printf("%s\n      { ", comma);
		contest_print(&contest[i], set->rounds, done);
		printf(" }");
		comma = ",";
	}
	printf(" ],\n");
	judge(set, most);
}

/* --- packets --- */

static enum load_turn_direction direction; /* of the test at hand */
static uint32_t flows;

static struct load_result run_data(struct contestant *c, uint64_t ms)
{
	struct load_until until = { ms, UINT64_MAX, CONTEST_PATIENCE };
	struct rival *r = c->arg;

	return load_turn_relay(r->load, direction, flows, &until);
}

/* Channels of all flows, bound now: their permissions last as long as a test may. */
static void bind_all(void)
{
	static const uint8_t bind[] = { LOAD_TURN_BIND, LOAD_TURN_END };

	for (int i = 0; i < RIVALS; i++) {
		if (rivals[i].pid > 0 && i != RIVAL_FLOOR)
			ask(&rivals[i], bind, 0, flows);
	}
}

static void compete_data(const struct settings *set, enum load_turn_direction to, double most)
{
	char name[48];

	direction = to;
	bind_all();
	for (int i = 0; i < RIVALS; i++) {
		contest[i].run = run_data;
		if (contest[i].pid > 0)
			run_data(&contest[i], WARM_MS);
	}
	snprintf(name, sizeof(name), "%s with %u allocations",
		 to == LOAD_TURN_TO_PEERS ? "to peers" : "to clients", flows);
	compete(set, name, "packets", most);
	printf(",\n");
}

static void allocate_up_to(uint32_t count)
{
	static const uint8_t allocate[] = { LOAD_TURN_ALLOCATE, LOAD_TURN_END };

	for (int i = 0; i < RIVALS; i++) {
		if (rivals[i].pid > 0 && i != RIVAL_FLOOR)
			ask(&rivals[i], allocate, flows, count - flows);
	}
	flows = count;
}

static void measure_packets(const struct settings *set)
{
	for (uint8_t i = 0; i < RIVALS; i++)
		start(i, set);
	allocate_up_to(set->few);
	compete_data(set, LOAD_TURN_TO_PEERS, 0.85);
	compete_data(set, LOAD_TURN_TO_CLIENTS, 0.85);
	allocate_up_to(set->many);
	compete_data(set, LOAD_TURN_TO_PEERS, 0);
	compete_data(set, LOAD_TURN_TO_CLIENTS, 0.72);
	stop_all();
}

/* --- allocations --- */

static struct load_result run_cycles(struct contestant *c, uint64_t ms)
{
	struct load_until until = { ms, UINT64_MAX, CONTEST_PATIENCE };
	struct rival *r = c->arg;

	return load_turn_cycle(r->load, &until);
}

struct memory {
	uint64_t idle, after_cycles;       /* one process */
	uint64_t empty, holding, released; /* and a fresh one */
};

static struct memory memory[RIVALS];

/* The rest of the cycles, after the contest. */
static void finish_cycles(const struct settings *set, int which)
{
	uint64_t done = contest[which].done;
	struct load_until until = { 600000, done < set->cycles ? set->cycles - done : 0,
				    CONTEST_PATIENCE };

	(void)load_turn_cycle(rivals[which].load, &until);
	memory[which].after_cycles = procs_memory(rivals[which].pid);
}

static void measure_cycles(const struct settings *set)
{
	for (uint8_t i = 0; i < RIVAL_FLOOR; i++) {
		start(i, set);
		contest[i].run = run_cycles;
		memory[i].idle = procs_memory(rivals[i].pid);
	}
	compete(set, "allocate and delete", "cycles", 0.5);
	printf(" ],\n");
	for (int i = 0; i < RIVAL_FLOOR; i++) {
		if (rivals[i].pid > 0)
			finish_cycles(set, i);
	}
	stop_all();
}

static void measure_held(const struct settings *set)
{
	static const uint8_t allocate[] = { LOAD_TURN_ALLOCATE, LOAD_TURN_END };
	static const uint8_t delete[] = { LOAD_TURN_DELETE, LOAD_TURN_END };

	for (uint8_t i = 0; i < RIVAL_FLOOR; i++) {
		start(i, set);
		if (rivals[i].pid <= 0)
			continue;
		memory[i].empty = procs_memory(rivals[i].pid);
		ask(&rivals[i], allocate, 0, set->held);
		memory[i].holding = procs_memory(rivals[i].pid);
		ask(&rivals[i], delete, 0, set->held);
		memory[i].released = procs_memory(rivals[i].pid);
	}
	stop_all();
}

static long long grown(uint64_t from, uint64_t to)
{
	return (long long)to - (long long)from;
}

static long long bytes_held(const struct settings *set, const struct memory *m)
{
	return grown(m->empty, m->holding) / (long long)set->held;
}

static void report_memory(const struct settings *set)
{
	const char *comma = "";

	printf("  \"memory\": [");
	for (int i = 0; i < RIVAL_FLOOR; i++) {
		const struct memory *m = &memory[i];

		if (m->idle == 0)
			continue;
		printf("%s\n    { \"name\": \"%s\", \"idle\": %llu, \"grown_by_cycles\": %lld,\n"
		       "      \"bytes_per_allocation\": %lld, \"kept_after_release\": %lld }",
		       comma, rival_names[i], (unsigned long long)m->idle,
		       grown(m->idle, m->after_cycles), bytes_held(set, m),
		       grown(m->empty, m->released));
		comma = ",";
	}
	printf(" ],\n  \"bytes_per_allocation_most\": %d, \"grown_by_cycles_most\": %d,\n",
	       HELD_MOST, CHURN_MOST);
	pass = pass && bytes_held(set, &memory[RIVAL_TURND]) <= HELD_MOST &&
	       grown(memory[RIVAL_TURND].idle, memory[RIVAL_TURND].after_cycles) <= CHURN_MOST;
}

/* --- the program --- */

static const char usage[] =
	"usage: bench_relay [OPTION]...\n"
	"Prints as JSON what relaying costs turnd, coturn and a bare forwarder.\n"
	"\n"
	"  --turnd=PATH     the turnd to measure (turnd/turnd); empty: none\n"
	"  --coturn=PATH    the coturn to measure (turnserver); empty: none\n"
	"  --rounds=N       rounds of each test, of which the median counts (7)\n"
	"  --round-ms=MS    load for each server in a round (1000)\n"
	"  --window=N       packets in flight in all (128)\n"
	"  --payload=N      bytes of data in each (200)\n"
	"  --few=N          allocations of the first tests (16)\n"
	"  --many=N         allocations of the others (1000)\n"
	"  --held=N         allocations to measure memory with (2000)\n"
	"  --cycles=N       allocations made and deleted before memory is looked at (30000)\n"
	"  --shared-cpu     let load and servers run where the system puts them; otherwise, where\n"
	"                   there are two CPUs, one is the load's alone and the rest the servers'\n"
	"  --assert         exit with 1 unless turnd costs at most 0.85 x coturn with few\n"
	"                   allocations, 0.72 x with many towards clients, 0.5 x to allocate and\n"
	"                   delete, 4 KB an allocation held, and 1 MB after the cycles\n"
	"  --loud           let the servers speak\n"
	"  --help           print this\n";

static uint32_t number(const char *text, long least, long most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < least || n > most) {
		fprintf(stderr, "bench_relay: %s: not a number from %ld to %ld\n", text, least,
			most);
		exit(2);
	}
	return (uint32_t)n;
}

static void take_option(struct settings *set, int c)
{
	switch (c) {
	case 't':
		set->rivals.turnd = optarg;
		break;
	case 'c':
		set->rivals.coturn = optarg;
		break;
	case 'r':
		set->rounds = (int)number(optarg, 1, CONTEST_ROUNDS_MAX);
		break;
	case 'm':
		set->round_ms = number(optarg, 1, ALONE_MS);
		break;
	case 'w':
		set->rivals.window = (int)number(optarg, 1, LOAD_WINDOW_MAX);
		break;
	case 'p':
		set->rivals.payload = number(optarg, LOAD_TURN_PAYLOAD_MIN, LOAD_TURN_PAYLOAD_MAX);
		break;
	case 'f':
		set->few = number(optarg, 1, 10000);
		break;
	case 'n':
		set->many = number(optarg, 1, 10000);
		break;
	case 'd':
		set->held = number(optarg, 1, 10000);
		break;
	case 'y':
		set->cycles = number(optarg, 0, 10000000);
		break;
	case 'u':
		set->shared_cpu = true;
		break;
	case 'a':
		set->assert_limits = true;
		break;
	case 'l':
		set->rivals.loud = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		exit(2);
	}
}

static struct settings read_args(int argc, char **argv)
{
	static const struct option options[] = {
		{ "turnd", required_argument, NULL, 't' },
		{ "coturn", required_argument, NULL, 'c' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "round-ms", required_argument, NULL, 'm' },
		{ "window", required_argument, NULL, 'w' },
		{ "payload", required_argument, NULL, 'p' },
		{ "few", required_argument, NULL, 'f' },
		{ "many", required_argument, NULL, 'n' },
		{ "held", required_argument, NULL, 'd' },
		{ "cycles", required_argument, NULL, 'y' },
		{ "shared-cpu", no_argument, NULL, 'u' },
		{ "assert", no_argument, NULL, 'a' },
		{ "loud", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct settings set = { .rivals = { .turnd = "turnd/turnd",
					    .coturn = "turnserver",
					    .window = 128,
					    .payload = 200 },
				.rounds = 7,
				.round_ms = 1000,
				.few = 16,
				.many = 1000,
				.held = 2000,
				.cycles = 30000 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(&set, c);
	if (optind < argc || set.few > set.many ||
	    (uint64_t)set.rounds * set.round_ms * RIVALS > ALONE_MS) {
		fprintf(stderr, "bench_relay: few are no more than many, and all rounds of a test "
				"take four minutes at most\n");
		exit(2);
	}
	set.rivals.flows = set.many > set.held ? set.many : set.held;
	return set;
}

/* Every allocation is a descriptor: as many as we may have, for us and the servers. */
static void raise_file_limit(uint32_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted + FILES_NOT_FLOWS)
		die("descriptors", "too few for so many allocations (ulimit -n)");
}

int main(int argc, char **argv)
{
	struct settings set = read_args(argc, argv);
	bool split;

	raise_file_limit(set.rivals.flows);
	split = !set.shared_cpu && procs_split_cpus();
	printf("{ \"bench\": \"relay\", \"rounds\": %d, \"round_ms\": %llu, \"window\": %d, "
	       "\"payload\": %zu,\n  \"own_cpu_for_load\": %s,\n  \"tests\": [\n",
	       set.rounds, (unsigned long long)set.round_ms, set.rivals.window, set.rivals.payload,
	       split ? "true" : "false");
	measure_packets(&set);
	measure_cycles(&set);
	measure_held(&set);
	report_memory(&set);
	printf("  \"pass\": %s }\n", pass ? "true" : "false");
	return pass || !set.assert_limits ? 0 : 1;
}
