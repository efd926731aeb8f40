/*
 * bench_stund - server CPU time per Binding over UDP: stund beside coturn, and beside the
 * floor, a bare loop of recvmmsg and sendmmsg. Loopback only; the result is JSON.
 *
 * All three run all the time and get their load in turn, in slices so short that what else
 * the machine does hits all alike.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load_binding.h"
#include "tests/bench/contest.h"
#include "tests/bench/floor.h"
#include "tests/bench/procs.h"
#include "udp.h"
#include "wire.h"

#define START_TRIES    50  /* of a tenth of a second each */
#define PROBE_MS       100 /* for the first answer of a server that may not be up yet */
#define WARM_MS        100
#define COTURN_MOST    0.65
#define FLOOR_MOST     1.10
#define RECEIVE_BUFFER (1 << 20) /* stund's default */

struct settings {
	int rounds, sources, window;
	uint64_t round_ms;
	char *stund, *coturn;
	bool assert_ratios, shared_cpu, loud;
};

enum { STUND, COTURN, FLOOR, SERVERS };

/* Beside a contestant. */
struct server {
	struct addr at;
	struct load_binding *load;
	size_t answer_len;
};

static struct server servers[SERVERS];
static struct load_result run_server(struct contestant *c, uint64_t ms);
static struct contestant contest[SERVERS] = {
	{ .name = "stund", .run = run_server, .arg = &servers[STUND] },
	{ .name = "coturn", .run = run_server, .arg = &servers[COTURN] },
	{ .name = "floor", .run = run_server, .arg = &servers[FLOOR] },
};

static struct load_result run_server(struct contestant *c, uint64_t ms)
{
	struct load_until until = { ms, UINT64_MAX, CONTEST_PATIENCE };
	struct server *s = c->arg;

	return load_binding_run(s->load, &until);
}

static void stop_all(void)
{
	for (int i = 0; i < SERVERS; i++) {
		load_binding_close(servers[i].load);
		servers[i].load = NULL;
		procs_stop(contest[i].pid);
		contest[i].pid = 0;
	}
}

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "bench_stund: %s: %s\n", what, detail);
	stop_all();
	exit(2);
}

/* A port of 127.0.0.1 that nobody has now. */
static struct addr free_port(void)
{
	struct addr at = addr_ipv4(127, 0, 0, 1, 0);
	struct udp_options options = { 0 };
	int fd = udp_open(&at, &options, &at);

	if (fd < 0)
		die("no free port", strerror(-fd));
	close(fd);
	return at;
}

static pid_t start_stund(struct server *s, const struct settings *set)
{
	char at[ADDR_TEXT_MAX];
	char *argv[] = { set->stund,
			 "--listen",
			 at,
			 "--no-tcp",
			 "--workers=1",
			 "--rate-limit=10000000",
			 "--rate-burst=10000000",
			 "--log-level=warn",
			 NULL };

	s->at = free_port();
	addr_print(&s->at, at);
	return procs_start(argv, set->loud);
}

/* Plain STUN without credentials, all else in its defaults; no file is read or written. */
static pid_t start_coturn(struct server *s, const struct settings *set)
{
	char port[8];
	char *argv[] = { set->coturn,
			 "-n",
			 "--listening-ip=127.0.0.1",
			 "--listening-port",
			 port,
			 "--stun-only",
			 "--no-auth",
			 "--no-tcp",
			 "--no-tls",
			 "--no-dtls",
			 "--no-cli",
			 "--no-rfc5780",
			 "--log-file=stdout",
			 "--userdb=/dev/null",
			 "--pidfile=/dev/null",
			 NULL };

	s->at = free_port();
	snprintf(port, sizeof(port), "%u", s->at.port);
	return procs_start(argv, set->loud);
}

static int run_floor(void *arg)
{
	struct server *s = arg;
	struct udp_options options = { .reuse_port = true, .receive_buffer = RECEIVE_BUFFER };

	return floor_run(&s->at, &options, s->answer_len);
}

static pid_t start_floor(struct server *s, size_t answer_len)
{
	s->at = free_port();
	s->answer_len = answer_len;
	return procs_fork(run_floor, s);
}

static struct load_binding *open_load(const struct server *s, uint32_t sources, int window)
{
	struct load_binding_config config = { s->at, addr_ipv4(127, 0, 1, 1, 0), sources, window };
	struct load_binding *load = load_binding_open(&config);

	if (load == NULL)
		die("sources", strerror(errno));
	return load;
}

/* Waits for the first answer, and learns how long answers are. */
static void await_answers(int which, const struct settings *set)
{
	static const struct load_until once = { PROBE_MS, 1, PROBE_MS };
	struct contestant *c = &contest[which];
	struct server *s = &servers[which];
	struct load_result r = { 0 };

	s->load = open_load(s, 1, 1);
	for (int i = 0; i < START_TRIES && r.done == 0 && procs_is_alive(c->pid); i++)
		r = load_binding_run(s->load, &once);
	if (r.done == 0)
		die(c->name, procs_is_alive(c->pid) ? "does not answer" : "has ended");
	s->answer_len = load_binding_answer_len(s->load);
	load_binding_close(s->load);
	s->load = open_load(s, (uint32_t)set->sources, set->window);
	run_server(c, WARM_MS);
}

static void print_server(int which, const struct settings *set)
{
	printf("    { ");
	contest_print(&contest[which], set->rounds, "answers");
	printf(", \"answer_bytes\": %zu }%s\n", servers[which].answer_len,
	       which == SERVERS - 1 ? "" : ",");
}

static bool report(const struct settings *set, bool split)
{
	bool with_coturn = contest[COTURN].pid > 0;
	double stund = contest_median(contest[STUND].cpu_ns, set->rounds);
	double to_floor = stund / contest_median(contest[FLOOR].cpu_ns, set->rounds);
	double to_coturn =
		with_coturn ? stund / contest_median(contest[COTURN].cpu_ns, set->rounds) : 0;
	bool pass = to_floor <= FLOOR_MOST && with_coturn && to_coturn <= COTURN_MOST;

	printf("{ \"bench\": \"stund\", \"rounds\": %d, \"round_ms\": %llu, \"sources\": %d, "
	       "\"window\": %d,\n  \"own_cpu_for_load\": %s,\n  \"servers\": [\n",
	       set->rounds, (unsigned long long)set->round_ms, set->sources, set->window,
	       split ? "true" : "false");
	for (int i = 0; i < SERVERS; i++) {
		if (contest[i].pid <= 0)
			continue;
		print_server(i, set);
		pass = pass && contest_is_sound(&contest[i]);
	}
	printf("  ],\n  \"stund_to_floor\": %.3f, \"floor_most\": %.2f,\n", to_floor, FLOOR_MOST);
	if (with_coturn)
		printf("  \"stund_to_coturn\": %.3f, ", to_coturn);
	else
		printf("  \"stund_to_coturn\": null, ");
	printf("\"coturn_most\": %.2f,\n  \"pass\": %s }\n", COTURN_MOST, pass ? "true" : "false");
	return pass;
}

static const char usage[] =
	"usage: bench_stund [OPTION]...\n"
	"Prints as JSON what a Binding over UDP costs stund, coturn and a bare loop.\n"
	"\n"
	"  --stund=PATH     the stund to measure (stund/stund)\n"
	"  --coturn=PATH    the coturn to measure (turnserver); empty: none\n"
	"  --rounds=N       rounds, of which the median counts (7)\n"
	"  --round-ms=MS    load for each server in a round (1000)\n"
	"  --sources=N      addresses that ask (16)\n"
	"  --window=N       requests in flight in all (128)\n"
	"  --shared-cpu     let load and servers run where the system puts them; otherwise, where\n"
	"                   there are two CPUs, one is the load's alone and the rest the servers'\n"
	"  --assert         exit with 1 unless stund costs at most 0.65 x coturn and 1.10 x the\n"
	"                   bare loop\n"
	"  --loud           let the servers speak\n"
	"  --help           print this\n";

static int number(const char *text, int least, int most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < least || n > most) {
		fprintf(stderr, "bench_stund: %s: not a number from %d to %d\n", text, least, most);
		exit(2);
	}
	return (int)n;
}

static struct settings read_args(int argc, char **argv)
{
	static const struct option options[] = {
		{ "stund", required_argument, NULL, 's' },
		{ "coturn", required_argument, NULL, 'c' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "round-ms", required_argument, NULL, 'm' },
		{ "sources", required_argument, NULL, 'n' },
		{ "window", required_argument, NULL, 'w' },
		{ "shared-cpu", no_argument, NULL, 'u' },
		{ "assert", no_argument, NULL, 'a' },
		{ "loud", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct settings set = { .rounds = 7,
				.round_ms = 1000,
				.sources = 16,
				.window = 128,
				.stund = "stund/stund",
				.coturn = "turnserver" };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			set.stund = optarg;
			break;
		case 'c':
			set.coturn = optarg;
			break;
		case 'r':
			set.rounds = number(optarg, 1, CONTEST_ROUNDS_MAX);
			break;
		case 'm':
			set.round_ms = (uint64_t)number(optarg, 1, 600000);
			break;
		case 'n':
			set.sources = number(optarg, 1, 250);
			break;
		case 'w':
			set.window = number(optarg, 1, LOAD_WINDOW_MAX);
			break;
		case 'u':
			set.shared_cpu = true;
			break;
		case 'a':
			set.assert_ratios = true;
			break;
		case 'l':
			set.loud = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "bench_stund: %s: what is that?\n", argv[optind]);
		exit(2);
	}
	return set;
}

int main(int argc, char **argv)
{
	struct settings set = read_args(argc, argv);
	bool split = !set.shared_cpu && procs_split_cpus(), pass;
	const char *who, *why;

	contest[STUND].pid = start_stund(&servers[STUND], &set);
	if (set.coturn[0] != '\0')
		contest[COTURN].pid = start_coturn(&servers[COTURN], &set);
	await_answers(STUND, &set);
	contest[FLOOR].pid = start_floor(&servers[FLOOR], servers[STUND].answer_len);
	await_answers(FLOOR, &set);
	if (contest[COTURN].pid > 0)
		await_answers(COTURN, &set);
	why = contest_run(contest, SERVERS, set.rounds, set.round_ms, &who);
	if (why != NULL)
		die(who, why);
	pass = report(&set, split);
	stop_all();
	return pass || !set.assert_ratios ? 0 : 1;
}
