/*
 * pipe_end - what stands at an end of `natprobe pipe` while bench_pipe measures it. It starts the
 * command behind its options, with both ends of its standard input and output in hand, and prints what
 * came of it as one line of JSON: bytes, seconds, and the most memory that the command had.
 */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "wire.h"

#define BLOCK       65536
#define KEYS_MAX    4096
#define PATIENCE_MS 60000 /* of one key, and of the first one for the path as well */

struct settings {
	uint64_t bytes;   /* of source; 0: as many as it takes */
	uint64_t ms;      /* of sink: from the first byte on; 0: to the end */
	uint64_t keys;    /* of keys */
	uint64_t pace_ms; /* between two of them */
};

struct result {
	uint64_t bytes, us;
	uint64_t waits_us[KEYS_MAX];
	size_t keys;
};

/* The command: what it reads is written to `in`, what it writes comes out of `out`. */
struct program {
	pid_t pid;
	int in, out;
};

static int die(const char *what)
{
	fprintf(stderr, "pipe_end: %s: %s\n", what, strerror(errno));
	return 2;
}

static void become(char *const argv[], const int in[2], const int out[2])
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(in[0], 0);
	(void)dup2(out[1], 1);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
	(void)signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	_exit(127);
}

static bool start(struct program *p, char *const argv[])
{
	int in[2], out[2];

	if (pipe(in) != 0 || pipe(out) != 0)
		return false;
	p->pid = fork();
	if (p->pid == 0)
		become(argv, in, out);
	close(in[0]);
	close(out[1]);
	p->in = in[1];
	p->out = out[0];
	return p->pid > 0;
}

static ssize_t read_some(int fd, void *buf, size_t cap)
{
	ssize_t n;

	do {
		n = read(fd, buf, cap);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* False: nobody reads any more. */
static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static void hang_up(struct program *p)
{
	close(p->in);
	p->in = -1;
}

/* --- the roles --- */

static void run_source(struct program *p, const struct settings *set, struct result *r)
{
	static uint8_t block[BLOCK];
	uint64_t began_us = clock_us();

	while (set->bytes == 0 || r->bytes < set->bytes) {
		uint64_t left = set->bytes - r->bytes;
		size_t n = set->bytes > 0 && left < BLOCK ? (size_t)left : BLOCK;

		if (!write_all(p->in, block, n))
			break;
		r->bytes += n;
	}
	hang_up(p);
	while (read_some(p->out, block, sizeof(block)) > 0)
		;
	r->us = clock_us() - began_us;
}

static void run_sink(struct program *p, const struct settings *set, struct result *r)
{
	static uint8_t block[BLOCK];
	uint64_t began_us = 0;
	ssize_t n;

	if (set->ms == 0)
		hang_up(p);
	while ((n = read_some(p->out, block, sizeof(block))) > 0) {
		uint64_t now_us = clock_us();

		if (began_us == 0)
			began_us = now_us;
		r->bytes += (uint64_t)n;
		r->us = now_us - began_us;
		if (set->ms > 0 && r->us >= set->ms * 1000)
			break;
	}
	if (set->ms > 0)
		(void)kill(p->pid, SIGTERM);
}

static void run_echo(struct program *p, struct result *r)
{
	static uint8_t block[BLOCK];
	ssize_t n;

	while ((n = read_some(p->out, block, sizeof(block))) > 0) {
		r->bytes += (uint64_t)n;
		if (!write_all(p->in, block, (size_t)n))
			break;
	}
	hang_up(p);
}

/* How long a byte takes to the other side and back; 0: it did not come. */
static uint64_t press(struct program *p)
{
	struct pollfd ready = { .fd = p->out, .events = POLLIN };
	uint64_t began_us = clock_us();
	uint8_t key = 'k';

	if (!write_all(p->in, &key, 1) || poll(&ready, 1, PATIENCE_MS) != 1 ||
	    read_some(p->out, &key, 1) != 1)
		return 0;
	return clock_us() - began_us;
}

static void run_keys(struct program *p, const struct settings *set, struct result *r)
{
	/* The first one waits for the path. */
	bool is_there = press(p) > 0;

	while (is_there && r->keys < set->keys) {
		poll(NULL, 0, (int)set->pace_ms);
		r->waits_us[r->keys] = press(p);
		is_there = r->waits_us[r->keys] > 0;
		r->keys += is_there;
	}
	hang_up(p);
}

/* --- what came of it --- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double share_ms(const struct result *r, size_t percent)
{
	return r->keys > 0 ? (double)r->waits_us[(r->keys - 1) * percent / 100] / 1000 : 0;
}

static void print_result(struct result *r, int status, long most_kb)
{
	qsort(r->waits_us, r->keys, sizeof(r->waits_us[0]), compare);
	printf("{\"bytes\": %llu, \"seconds\": %.3f, \"mbit\": %.2f, \"rss_kb\": %ld, "
	       "\"keys\": %zu, \"p50_ms\": %.2f, \"p95_ms\": %.2f, \"most_ms\": %.2f, "
	       "\"status\": %d}\n",
	       (unsigned long long)r->bytes, (double)r->us / 1e6,
	       r->us > 0 ? (double)r->bytes * 8 / (double)r->us : 0, most_kb, r->keys,
	       share_ms(r, 50), share_ms(r, 95), share_ms(r, 100),
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int run(const char *role, const struct settings *set, char *const argv[])
{
	static struct result r;
	struct rusage usage = { 0 };
	struct program p;
	int status = 0;

	if (!start(&p, argv))
		return die(argv[0]);
	if (strcmp(role, "source") == 0)
		run_source(&p, set, &r);
	else if (strcmp(role, "sink") == 0)
		run_sink(&p, set, &r);
	else if (strcmp(role, "echo") == 0)
		run_echo(&p, &r);
	else
		run_keys(&p, set, &r);
	while (wait4(p.pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	print_result(&r, status, usage.ru_maxrss);
	return 0;
}

static int usage(FILE *to, int rc)
{
	fprintf(to, "usage: pipe_end source [--bytes N] -- COMMAND...\n"
		    "       pipe_end sink [--ms N] -- COMMAND...\n"
		    "       pipe_end echo -- COMMAND...\n"
		    "       pipe_end keys [--keys N] [--pace MS] -- COMMAND...\n");
	return rc;
}

static const struct option options[] = {
	{ "bytes", required_argument, NULL, 'b' }, { "ms", required_argument, NULL, 'm' },
	{ "keys", required_argument, NULL, 'k' },  { "pace", required_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },        { 0 },
};

static bool is_role(const char *word)
{
	static const char *const roles[] = { "source", "sink", "echo", "keys" };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(word, roles[i]) == 0)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct settings set = { .keys = 100, .pace_ms = 20 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t n = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;

		if (c == 'b')
			set.bytes = n;
		else if (c == 'm')
			set.ms = n;
		else if (c == 'k')
			set.keys = n < KEYS_MAX ? n : KEYS_MAX;
		else if (c == 'p')
			set.pace_ms = n;
		else
			return c == 'h' ? usage(stdout, 0) : usage(stderr, 2);
	}
	/* The role may stand before the options: getopt put it behind them, and before the command. */
	if (argc - optind < 2 || !is_role(argv[optind]))
		return usage(stderr, 2);
	(void)signal(SIGPIPE, SIG_IGN);
	return run(argv[optind], &set, argv + optind + 1);
}
