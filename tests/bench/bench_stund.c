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

#include "tests/bench/floor.h"
#include "tests/bench/procs.h"
#include "tests/bench/stun_load.h"
#include "udp.h"
#include "wire.h"

#define ROUNDS_MAX     99
#define START_TRIES    50 /* of a tenth of a second each */
#define SLICE_MS       50
#define PROBE_MS       100  /* for the first answer of a server that may not be up yet */
#define PATIENCE_MS    2000 /* for any answer later on: the machine may be busy */
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

struct server {
	const char *name;
	pid_t pid;
	struct addr at;
	struct stun_load *load;
	size_t answer_len;
	struct stun_load_result now; /* of the round at hand */
	uint64_t now_cpu_ns;
	uint64_t answers, bad, lost;
	double cpu_ns[ROUNDS_MAX]; /* per answer */
	double rate[ROUNDS_MAX];   /* answers per second of wall time */
};

static struct server servers[SERVERS] = { { .name = "stund" },
					  { .name = "coturn" },
					  { .name = "floor" } };

static void stop_all(void)
{
	for (int i = 0; i < SERVERS; i++) {
		stun_load_close(servers[i].load);
		servers[i].load = NULL;
		procs_stop(servers[i].pid);
		servers[i].pid = 0;
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

static void start_stund(struct server *s, const struct settings *set)
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
	s->pid = procs_start(argv, set->loud);
}

/* Plain STUN without credentials, all else in its defaults; no file is read or written. */
static void start_coturn(struct server *s, const struct settings *set)
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
	s->pid = procs_start(argv, set->loud);
}

static int run_floor(void *arg)
{
	struct server *s = arg;
	struct udp_options options = { .reuse_port = true, .receive_buffer = RECEIVE_BUFFER };

	return floor_run(&s->at, &options, s->answer_len);
}

static void start_floor(struct server *s, size_t answer_len)
{
	s->at = free_port();
	s->answer_len = answer_len;
	s->pid = procs_fork(run_floor, s);
}

/* Waits for the first answer, and learns how long answers are. */
static void await_answers(struct server *s, const struct settings *set)
{
	struct stun_load *probe = stun_load_open(&s->at, 1, 1);
	struct stun_load_result r = { 0 };

	if (probe == NULL)
		die("sources", strerror(errno));
	for (int i = 0; i < START_TRIES && r.answers == 0 && procs_is_alive(s->pid); i++) {
		r = stun_load_run(probe, 1, PROBE_MS);
		if (r.answers == 0 && r.lost == 0)
			usleep(100 * 1000); /* refused, and at once: the port is not open yet */
	}
	stun_load_close(probe);
	if (r.answers == 0)
		die(s->name, procs_is_alive(s->pid) ? "does not answer" : "has ended");
	s->answer_len = r.answer_len;
	s->load = stun_load_open(&s->at, set->sources, set->window);
	if (s->load == NULL)
		die("sources", strerror(errno));
	stun_load_run(s->load, 100, PATIENCE_MS); /* warm */
}

static void run_slice(struct server *s, uint64_t ms)
{
	uint64_t before = procs_cpu_ns(s->pid);
	struct stun_load_result r = stun_load_run(s->load, ms, PATIENCE_MS);

	s->now_cpu_ns += procs_cpu_ns(s->pid) - before;
	s->now.answers += r.answers;
	s->now.took_ns += r.took_ns;
	s->bad += r.bad;
	s->lost += r.lost;
}

static void end_round(struct server *s, int round)
{
	if (s->now.answers == 0)
		die(s->name, "stopped answering");
	if (s->now_cpu_ns == 0)
		die("no CPU times", "the kernel has no schedstat");
	s->cpu_ns[round] = (double)s->now_cpu_ns / (double)s->now.answers;
	s->rate[round] = (double)s->now.answers * 1e9 / (double)s->now.took_ns;
	s->answers += s->now.answers;
	s->now = (struct stun_load_result){ 0 };
	s->now_cpu_ns = 0;
}

static void run_round(int round, uint64_t ms)
{
	int slices = (int)((ms + SLICE_MS - 1) / SLICE_MS);

	for (int k = 0; k < slices; k++) {
		for (int i = 0; i < SERVERS; i++) { /* another one begins each time */
			struct server *s = &servers[(k + i) % SERVERS];

			if (s->pid > 0)
				run_slice(s, ms / (uint64_t)slices);
		}
	}
	for (int i = 0; i < SERVERS; i++) {
		if (servers[i].pid > 0)
			end_round(&servers[i], round);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, values, (size_t)count * sizeof(*values));
	qsort(sorted, (size_t)count, sizeof(*sorted), compare);
	return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* Distance of the extremes, as a part of the median. */
static double spread(const double *values, int count)
{
	double least = values[0], most = values[0];

	for (int i = 1; i < count; i++) {
		least = values[i] < least ? values[i] : least;
		most = values[i] > most ? values[i] : most;
	}
	return (most - least) / median(values, count);
}

static void print_server(const struct server *s, int rounds, bool last)
{
	printf("    { \"name\": \"%s\", \"cpu_ns\": %.0f, \"spread\": %.3f, "
	       "\"answers_per_s\": %.0f,\n"
	       "      \"answers\": %llu, \"lost\": %llu, \"bad\": %llu, \"answer_bytes\": %zu "
	       "}%s\n",
	       s->name, median(s->cpu_ns, rounds), spread(s->cpu_ns, rounds),
	       median(s->rate, rounds), (unsigned long long)s->answers, (unsigned long long)s->lost,
	       (unsigned long long)s->bad, s->answer_len, last ? "" : ",");
}

/* The answers that came were right, and next to none were lost. */
static bool is_sound(const struct server *s)
{
	return s->bad == 0 && s->lost * 1000 <= s->answers;
}

static bool report(const struct settings *set, bool split)
{
	bool with_coturn = servers[COTURN].pid > 0;
	double stund = median(servers[STUND].cpu_ns, set->rounds);
	double to_floor = stund / median(servers[FLOOR].cpu_ns, set->rounds);
	double to_coturn = with_coturn ? stund / median(servers[COTURN].cpu_ns, set->rounds) : 0;
	bool pass = to_floor <= FLOOR_MOST && with_coturn && to_coturn <= COTURN_MOST;

	printf("{ \"bench\": \"stund\", \"rounds\": %d, \"round_ms\": %llu, \"sources\": %d, "
	       "\"window\": %d,\n  \"own_cpu_for_load\": %s,\n  \"servers\": [\n",
	       set->rounds, (unsigned long long)set->round_ms, set->sources, set->window,
	       split ? "true" : "false");
	for (int i = 0; i < SERVERS; i++) {
		if (servers[i].pid <= 0)
			continue;
		print_server(&servers[i], set->rounds, i == SERVERS - 1);
		pass = pass && is_sound(&servers[i]);
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
			set.rounds = number(optarg, 1, ROUNDS_MAX);
			break;
		case 'm':
			set.round_ms = (uint64_t)number(optarg, 1, 600000);
			break;
		case 'n':
			set.sources = number(optarg, 1, 64);
			break;
		case 'w':
			set.window = number(optarg, 1, 4096);
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
	if (optind < argc || set.window % set.sources != 0 || set.window / set.sources > 64) {
		fprintf(stderr, "bench_stund: the window is shared out evenly, 64 each at most\n");
		exit(2);
	}
	return set;
}

int main(int argc, char **argv)
{
	struct settings set = read_args(argc, argv);
	bool split = !set.shared_cpu && procs_split_cpus(), pass;

	start_stund(&servers[STUND], &set);
	if (set.coturn[0] != '\0')
		start_coturn(&servers[COTURN], &set);
	await_answers(&servers[STUND], &set);
	start_floor(&servers[FLOOR], servers[STUND].answer_len);
	await_answers(&servers[FLOOR], &set);
	if (servers[COTURN].pid > 0)
		await_answers(&servers[COTURN], &set);
	for (int round = 0; round < set.rounds; round++)
		run_round(round, set.round_ms);
	pass = report(&set, split);
	stop_all();
	return pass || !set.assert_ratios ? 0 : 1;
}
