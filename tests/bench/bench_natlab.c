/*
 * bench_natlab - what natlab costs on the way of a packet, as JSON.
 *
 * Started outside it runs itself behind a profile. There, requests to the server outside tell how
 * many packets pass in a second (each request and each answer is one); their round trip, compared
 * with that to a server of the same kind on loopback, tells the delay that natlab adds.
 */
#include <config.h>

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "sockaddr.h"
#include "tests/bench/procs.h"
#include "udp.h"
#include "wire.h"

#define PACKETS_LEAST 30000 /* per second */
#define ADDED_MOST_US 100
#define PORT          3478
#define REQUEST_LEN   20
#define SAMPLES_MAX   20000
#define WAIT_MS       200
#define TRIES_MAX     100

struct settings {
	const char *natlab, *stund, *profile;
	uint64_t round_ms;
	int window;
	bool asserts, is_inside;
	uint64_t started_us;
};

static struct settings set = {
	.natlab = "tests/natlab/natlab",
	.stund = "stund/stund",
	.profile = "home-router",
	.round_ms = 1000,
	.window = 64,
};

static int die(const char *what, const char *detail)
{
	fprintf(stderr, "bench_natlab: %s: %s\n", what, detail);
	return 2;
}

static void make_request(uint8_t out[static REQUEST_LEN], uint32_t number)
{
	static const uint8_t head[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };

	memset(out, 0, REQUEST_LEN);
	memcpy(out, head, sizeof(head));
	wire_store_u32(out + 16, number);
}

static bool send_request(int fd, uint32_t number)
{
	uint8_t request[REQUEST_LEN];

	make_request(request, number);
	return send(fd, request, sizeof(request), 0) == REQUEST_LEN;
}

/* The number of an answered request, or -1 when none came in time. */
static int64_t receive_answer(int fd, int wait_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	uint8_t answer[512];
	ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

	if (n < 0 && poll(&ready, 1, wait_ms) == 1)
		n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	if (n < REQUEST_LEN)
		return -1;
	return (int64_t)((uint32_t)answer[16] << 24 | (uint32_t)answer[17] << 16 |
			 (uint32_t)answer[18] << 8 | answer[19]);
}

static int open_to(const struct addr *server)
{
	struct udp_options options = { 0 };
	struct addr any = { .family = server->family };
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(server, &sa);
	int fd = udp_open(&any, &options, NULL);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, len) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool await_server(int fd)
{
	for (uint32_t i = 0; i < TRIES_MAX; i++) {
		if (send_request(fd, i) && receive_answer(fd, WAIT_MS) >= 0)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* --- packets per second --- */

static double measure_rate(int fd)
{
	uint64_t start_us = clock_us(), end_us = start_us + set.round_ms * 1000;
	uint64_t answers = 0;
	uint32_t number = 0;

	for (int i = 0; i < set.window; i++)
		send_request(fd, number++);
	while (clock_us() < end_us) {
		if (receive_answer(fd, WAIT_MS) >= 0)
			answers++;
		send_request(fd, number++); /* also for one that was lost */
	}
	double seconds = (double)(clock_us() - start_us) / 1e6;
	while (receive_answer(fd, 10) >= 0)
		;
	return 2 * (double)answers / seconds;
}

/* --- delay --- */

struct delay {
	double median_us, p99_us;
	size_t samples;
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct delay measure_delay(int fd)
{
	static double samples[SAMPLES_MAX];
	uint64_t end_us = clock_us() + set.round_ms * 1000;
	struct delay d = { 0 };

	for (uint32_t i = 0; d.samples < SAMPLES_MAX && clock_us() < end_us; i++) {
		uint64_t sent_us = clock_us();

		if (send_request(fd, i) && receive_answer(fd, WAIT_MS) == (int64_t)i)
			samples[d.samples++] = (double)(clock_us() - sent_us);
	}
	if (d.samples == 0)
		return d;
	qsort(samples, d.samples, sizeof(samples[0]), compare);
	d.median_us = samples[d.samples / 2];
	d.p99_us = samples[d.samples * 99 / 100];
	return d;
}

/* --- inside --- */

static bool parse_server(struct addr *out)
{
	const char *text = getenv("NATPROBE_SERVER");

	return text != NULL && addr_parse(text, PORT, out);
}

static int report(double rate, const struct delay *direct, const struct delay *through,
		  uint64_t start_ms)
{
	double added = (through->median_us - direct->median_us) / 2;
	double added_p99 = (through->p99_us - direct->p99_us) / 2;
	bool pass = rate >= PACKETS_LEAST && added < ADDED_MOST_US;

	printf("{ \"bench\": \"natlab\", \"profile\": \"%s\", \"start_ms\": %llu,\n"
	       "  \"packets_per_s\": %.0f, \"packets_least\": %d,\n"
	       "  \"added_us\": %.1f, \"added_p99_us\": %.1f, \"added_most_us\": %d,\n"
	       "  \"round_trip_us\": %.1f, \"loopback_us\": %.1f, \"samples\": %zu,\n"
	       "  \"pass\": %s }\n",
	       set.profile, (unsigned long long)start_ms, rate, PACKETS_LEAST, added, added_p99,
	       ADDED_MOST_US, through->median_us, direct->median_us, through->samples,
	       pass ? "true" : "false");
	return set.asserts && !pass ? 1 : 0;
}

static int run_inside(void)
{
	uint64_t start_ms = (clock_us() - set.started_us) / 1000;
	char *argv[] = { (char *)(uintptr_t)set.stund, "--listen=127.0.0.1", "--rate-limit=0",
			 "--workers=1", NULL };
	struct addr loopback = addr_ipv4(127, 0, 0, 1, PORT), outside;
	struct delay direct, through;
	pid_t stund;
	double rate;
	int near, far;

	if (!parse_server(&outside))
		return die("NATPROBE_SERVER", "no address");
	stund = procs_start(argv, false);
	near = open_to(&loopback);
	far = open_to(&outside);
	if (near < 0 || far < 0 || !await_server(near) || !await_server(far))
		return die("servers", "no answer");
	direct = measure_delay(near);
	through = measure_delay(far);
	rate = measure_rate(far);
	procs_stop(stund);
	return report(rate, &direct, &through, start_ms);
}

/* --- outside --- */

static int run_outside(const char *self)
{
	char profile[64], stund[512], round[64], window[64], started[64];
	char *argv[16] = { (char *)(uintptr_t)set.natlab,
			   "run",
			   "--delay=0",
			   (char *)(uintptr_t)set.profile,
			   "--",
			   (char *)(uintptr_t)self,
			   "--inside",
			   profile,
			   stund,
			   round,
			   window };
	int n = 11;

	snprintf(profile, sizeof(profile), "--profile=%s", set.profile);
	snprintf(stund, sizeof(stund), "--stund=%s", set.stund);
	snprintf(round, sizeof(round), "--round-ms=%llu", (unsigned long long)set.round_ms);
	snprintf(window, sizeof(window), "--window=%d", set.window);
	snprintf(started, sizeof(started), "--started=%llu", (unsigned long long)clock_us());
	argv[n++] = started;
	if (set.asserts)
		argv[n++] = "--assert";
	execvp(argv[0], argv);
	return die(argv[0], "cannot be run");
}

static const char usage[] =
	"usage: bench_natlab [OPTION]...\n"
	"Prints as JSON how many packets pass natlab in a second, and the delay that it adds.\n"
	"\n"
	"  --natlab=PATH      the program (tests/natlab/natlab)\n"
	"  --stund=PATH       the server to compare with (stund/stund)\n"
	"  --profile=PROFILE  what is in the way (home-router)\n"
	"  --round-ms=N       how long each of three rounds takes (1000)\n"
	"  --window=N         requests under way at once (64)\n"
	"  --assert           exit 1 when it is too slow\n"
	"  --help             this text\n";

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (*end != '\0' || end == text || n < least || n > most)
		exit(die(text, "not a number, or out of range"));
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "natlab", required_argument, NULL, 'n' },
		{ "stund", required_argument, NULL, 's' },
		{ "profile", required_argument, NULL, 'p' },
		{ "round-ms", required_argument, NULL, 'r' },
		{ "window", required_argument, NULL, 'w' },
		{ "assert", no_argument, NULL, 'a' },
		{ "inside", no_argument, NULL, 'i' },
		{ "started", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'n':
			set.natlab = optarg;
			break;
		case 's':
			set.stund = optarg;
			break;
		case 'p':
			set.profile = optarg;
			break;
		case 'r':
			set.round_ms = number(optarg, 1, 600000);
			break;
		case 'w':
			set.window = (int)number(optarg, 1, 4096);
			break;
		case 'a':
			set.asserts = true;
			break;
		case 'i':
			set.is_inside = true;
			break;
		case 't':
			set.started_us = number(optarg, 0, UINT64_MAX);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc)
		return die(argv[optind], "not an option");
	return set.is_inside ? run_inside() : run_outside(argv[0]);
}
