#include "check.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "natprobe/deep/deep.h"
#include "natprobe/discover/discover.h"
#include "natprobe/discover/floor.h"
#include "progress.h"
#include "natprobe/net/tls_check.h"

#define DESCRIPTORS_BESIDE 64   /* of what is not a probe */
#define DEEP_DATAGRAM_MAX  4200 /* bytes that a cooperating server sends at most */

struct check {
	struct probe_config config;
	struct probe **probes;
	size_t count;
	struct report_probe *reports;
	struct floor *floor;
	struct event *deadline;
	struct event *interrupt;
	struct progress *progress;
	bool is_running, is_deep;
	bool was_interrupted;
};

static size_t open_parts(const struct check *c, size_t *total)
{
	size_t open = 0;

	*total = 0;
	for (size_t i = 0; i < c->count; i++) {
		open += probe_open_parts(c->probes[i]);
		*total += probe_parts(c->probes[i]);
	}
	return open;
}

/* Returns whether it wants the floor. */
static bool ask_for_floor(struct check *c, struct probe *p)
{
	bool wants = probe_wants_floor(p);
	size_t next = floor_want(c->floor, probe_index(p), wants);

	if (!wants)
		probe_take_floor(p, false);
	if (next != FLOOR_NOBODY)
		probe_take_floor(c->probes[next], true);
	return wants;
}

static void pass_floor(struct check *c, struct probe *p)
{
	if (!ask_for_floor(c, p))
		(void)ask_for_floor(c, p); /* who lets others go first wants it again */
}

/* Of deeper looks that may share a NAT one counts at a time; the rest begins once all have. */
static void ask_for_turn(struct check *c, size_t i)
{
	size_t next = floor_want(c->floor, i, probe_deep_is_to_count(c->probes[i]));

	if (next != FLOOR_NOBODY)
		probe_deep_take_turn(c->probes[next], DEEP_TURN_COUNT);
}

static void end_turns(struct check *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (!floor_is_wanted(c->floor, i))
			probe_deep_take_turn(c->probes[i], DEEP_TURN_ALL);
	}
}

static void on_change(void *arg, struct probe *p)
{
	struct check *c = arg;
	size_t total;
	size_t open = open_parts(c, &total);

	if (c->is_deep) {
		ask_for_turn(c, probe_index(p));
		end_turns(c);
	} else {
		pass_floor(c, p);
	}
	progress_set(c->progress, total - open, total);
	if (open == 0 && c->is_running)
		event_base_loopbreak(c->config.base);
}

static void stop_all(struct check *c)
{
	for (size_t i = 0; i < c->count; i++)
		probe_stop(c->probes[i]);
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	stop_all(arg);
}

void check_stop(struct check *c)
{
	c->was_interrupted = true;
	stop_all(c);
}

/* What was probed is worth a report; whoever presses ^C again wants none. */
static void on_interrupt(evutil_socket_t fd, short events, void *arg)
{
	struct check *c = arg;

	event_del(c->interrupt);
	check_stop(c);
}

static bool needs_tls(const struct check *c)
{
	for (size_t i = 0; i < c->config.server_count; i++) {
		if (c->config.servers[i].tls)
			return true;
	}
	return false;
}

static bool add_probes(struct check *c, const struct iface_choice *choices, size_t count)
{
	while (c->count < count) {
		struct probe *p = probe_new(&c->config, &choices[c->count], c->count);

		if (p == NULL)
			return false;
		c->probes[c->count++] = p;
		(void)floor_add(c->floor, choices[probe_index(p)].family);
	}
	return true;
}

static bool alloc_all(struct check *c, const struct iface_choice *choices, size_t count)
{
	c->config.batch =
		c->config.deep ? udp_batch_new_for(DEEP_DATAGRAM_MAX, 0) : udp_batch_new();
	if (needs_tls(c))
		c->config.tls = tls_check_context(); /* reads all that the system trusts */
	c->probes = calloc(count + 1, sizeof(*c->probes));
	c->reports = calloc(count + 1, sizeof(*c->reports));
	c->floor = floor_new(count);
	c->deadline = evtimer_new(c->config.base, on_deadline, c);
	c->interrupt = evsignal_new(c->config.base, SIGINT, on_interrupt, c);
	if (c->config.batch == NULL || (needs_tls(c) && c->config.tls == NULL) ||
	    c->probes == NULL || c->reports == NULL || c->floor == NULL || c->deadline == NULL ||
	    c->interrupt == NULL)
		return false;
	return add_probes(c, choices, count);
}

struct check *check_new(const struct check_config *config)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->config = config->probe;
	c->config.batch = NULL;
	c->config.tls = NULL;
	c->config.on_change = on_change;
	c->config.arg = c;
	if (!alloc_all(c, config->choices, config->choice_count)) {
		check_free(c);
		return NULL;
	}
	if (config->shows_progress)
		c->progress = progress_new(c->config.base);
	return c;
}

void check_free(struct check *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++)
		probe_free(c->probes[i]);
	progress_free(c->progress);
	if (c->deadline != NULL)
		event_free(c->deadline);
	if (c->interrupt != NULL)
		event_free(c->interrupt);
	floor_free(c->floor);
	udp_batch_free(c->config.batch);
	SSL_CTX_free(c->config.tls);
	free(c->probes);
	free(c->reports);
	free(c);
}

/* Each interface may need many sockets at once; where they are refused, the probe says so. */
static void allow_descriptors(const struct check *c)
{
	const rlim_t deep = c->config.deep ? DEEP_SLOTS_MAX + DEEP_CONNECTIONS_MAX : 0;
	const rlim_t need =
		DESCRIPTORS_BESIDE + c->count * (DISCOVER_SLOTS_MAX + DISCOVER_CONNECTIONS_MAX +
						 VERDICT_SERVERS_MAX + 2 + deep);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void start_all(struct check *c)
{
	for (size_t i = 0; i < c->count; i++)
		probe_prepare(c->probes[i]);
	for (size_t i = 0; i < c->count; i++)
		probe_start(c->probes[i]);
}

static void run_base(struct check *c)
{
	/* A server that resets a connection we write to ends that connection, and not natprobe. */
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);

	event_base_dispatch(c->config.base);
	signal(SIGPIPE, before);
}

/* Of the probe that has most before it. */
static void say_deep(void *arg, char text[static PROGRESS_TEXT_MAX])
{
	const struct check *c = arg;
	char one[PROBE_DEEP_TEXT_MAX];
	double least = 1;

	text[0] = '\0';
	for (size_t i = 0; i < c->count; i++) {
		double share = probe_deep_progress(c->probes[i], one);

		if (one[0] == '\0' || (text[0] != '\0' && share >= least))
			continue;
		least = share;
		snprintf(text, PROGRESS_TEXT_MAX, "%s", one);
	}
}

/* All discoveries are over: what makes so many mappings would spoil their samples. */
static void run_deep(struct check *c)
{
	event_del(c->deadline);
	c->is_deep = true;
	for (size_t i = 0; i < c->count; i++)
		c->is_running |= probe_deep_start(c->probes[i]);
	for (size_t i = 0; i < c->count; i++)
		ask_for_turn(c, i);
	end_turns(c);
	progress_say(c->progress, say_deep, c);
	if (c->is_running)
		run_base(c);
}

void check_run(struct check *c)
{
	const uint64_t ms = c->config.timeout_ms;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	size_t total;

	allow_descriptors(c);
	event_add(c->deadline, &tv);
	event_add(c->interrupt, NULL);
	start_all(c);
	c->is_running = open_parts(c, &total) > 0;
	progress_set(c->progress, 0, total);
	if (c->is_running)
		run_base(c);
	c->is_running = false;
	if (c->config.deep && !c->was_interrupted)
		run_deep(c);
	event_del(c->interrupt);
	event_del(c->deadline);
	progress_free(c->progress);
	c->progress = NULL;
	for (size_t i = 0; i < c->count; i++)
		probe_conclude(c->probes[i], &c->reports[i]);
}

bool check_is_running(const struct check *c)
{
	return c->is_running;
}

bool check_was_interrupted(const struct check *c)
{
	return c->was_interrupted;
}

const struct report_probe *check_probes(const struct check *c)
{
	return c->reports;
}
