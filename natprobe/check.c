#include "check.h"

#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "discover.h"
#include "packet_tap.h"
#include "probe_io.h"
#include "progress.h"
#include "tls_check.h"

#define TLS_MAX_MS 5000 /* no more than a silent server may cost beside a verdict that stands */

/* One interface in one family, and all that runs for it. */
struct probe {
	struct check *check;
	struct iface_choice choice;
	struct probe_source source;
	struct addr gateway;
	bool sees_own_source;
	struct discover_server *servers;
	size_t server_count;
	struct probe_detour *detours;
	size_t detour_count;
	struct discover *discover;
	struct probe_io *io;
	int tap; /* -1: none */
	struct tls_check **tls;
	struct report_tls *tls_results;
	size_t tls_count;
	const char *why; /* why UDP is not probed */
};

struct check {
	struct check_config config;
	struct udp_batch *batch;
	SSL_CTX *tls;
	struct probe *probes;
	struct report_probe *reports;
	struct event *deadline;
	struct event *interrupt;
	struct progress *progress;
	size_t total; /* of discoveries and TLS checks */
	size_t open;
};

static void draw_random(void *arg, void *buf, size_t len)
{
	/* Predictable transaction ids would let strangers forge a verdict. */
	if (RAND_bytes(buf, (int)len) != 1)
		abort();
}

static void on_part_done(void *arg)
{
	struct check *c = arg;

	c->open--;
	progress_set(c->progress, c->total - c->open, c->total);
	if (c->open == 0)
		event_base_loopbreak(c->config.base);
}

static const struct addr *udp_of(const struct server *s, uint8_t family)
{
	return &s->udp[server_family(family)];
}

static const struct addr *tcp_of(const struct server *s, uint8_t family)
{
	return &s->tcp[server_family(family)];
}

/* The first server that a route of this interface leads to decides on the source. */
static bool find_source(struct probe *p)
{
	const struct check_config *config = &p->check->config;
	bool has_server = false;

	for (size_t i = 0; i < config->server_count; i++) {
		const struct server *s = &config->servers[i];
		const struct addr *to =
			s->tls ? tcp_of(s, p->choice.family) : udp_of(s, p->choice.family);
		struct iface_route route;

		if (to->family == ADDR_NONE)
			continue;
		has_server = true;
		if (iface_find_route(&p->choice, to, &route) != 0)
			continue;
		p->source.local = route.source;
		p->source.device = route.is_local ? NULL : p->choice.name;
		p->gateway = route.gateway;
		p->sees_own_source = route.is_local ||
				     packet_tap_open(p->choice.index, &route.source, &p->tap) == 0;
		return true;
	}
	p->why = has_server                      ? "no route leads from here to a server"
		 : p->choice.family == ADDR_IPV6 ? "no server has an IPv6 address"
						 : "no server has an IPv4 address";
	return false;
}

static void add_server(struct probe *p, const struct server *s)
{
	const struct addr *udp = udp_of(s, p->choice.family);
	const struct addr *tcp = tcp_of(s, p->choice.family);

	if (s->tls || udp->family == ADDR_NONE)
		return;
	p->servers[p->server_count++] = (struct discover_server){ .addr = *udp, .name = s->name };
	if (tcp->family != ADDR_NONE && !addr_equal(udp, tcp))
		p->detours[p->detour_count++] = (struct probe_detour){ *udp, *tcp };
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool start_discovery(struct probe *p)
{
	struct check *c = p->check;
	struct discover_timing timing = discover_timing_default();
	struct discover_config config = {
		.local = p->source.local,
		.servers = p->servers,
		.server_count = p->server_count,
		.random = draw_random,
		.timing = &timing,
		.gateway = p->gateway,
		.sees_own_source = p->sees_own_source,
	};
	struct probe_io_config io = {
		.base = c->config.base,
		.batch = c->batch,
		.source = p->source,
		.detours = p->detours,
		.detour_count = p->detour_count,
		.tap = p->tap,
		.on_done = on_part_done,
		.arg = c,
	};

	timing.deadline_us = (uint32_t)at_most(timing.deadline_us, c->config.timeout_ms * 1000);
	p->discover = discover_new(&config);
	if (p->discover == NULL)
		return false;
	io.discover = p->discover;
	c->open++;
	c->total++;
	p->io = probe_io_new(&io);
	if (p->io != NULL)
		return true;
	c->open--;
	return false;
}

static bool start_tls(struct probe *p, const struct server *s)
{
	struct check *c = p->check;
	struct tls_check_config config = {
		.base = c->config.base,
		.tls = c->tls,
		.source = p->source,
		.server = s,
		.timeout_ms = at_most(c->config.timeout_ms, TLS_MAX_MS),
		.on_done = on_part_done,
		.arg = c,
	};

	if (!s->tls || tcp_of(s, p->choice.family)->family == ADDR_NONE)
		return true;
	p->tls[p->tls_count] = tls_check_new(&config);
	if (p->tls[p->tls_count] == NULL)
		return false;
	p->tls_count++;
	c->open++;
	c->total++;
	return true;
}

static void start_probe(struct probe *p)
{
	const struct check_config *config = &p->check->config;

	if (!find_source(p))
		return;
	for (size_t i = 0; i < config->server_count; i++) {
		add_server(p, &config->servers[i]);
		if (!start_tls(p, &config->servers[i]))
			p->why = "out of memory";
	}
	if (p->server_count == 0)
		p->why = "only stuns: servers were given, and they tell nothing about UDP";
	else if (!start_discovery(p))
		p->why = "out of memory";
}

static bool alloc_probe(struct probe *p, struct check *c, const struct iface_choice *choice)
{
	size_t n = c->config.server_count;

	p->check = c;
	p->choice = *choice;
	p->servers = calloc(n + 1, sizeof(*p->servers));
	p->detours = calloc(n + 1, sizeof(*p->detours));
	p->tls = calloc(n + 1, sizeof(*p->tls));
	p->tls_results = calloc(n + 1, sizeof(*p->tls_results));
	return p->servers != NULL && p->detours != NULL && p->tls != NULL && p->tls_results != NULL;
}

static void stop_all(struct check *c)
{
	for (size_t i = 0; i < c->config.choice_count; i++) {
		struct probe *p = &c->probes[i];

		if (p->io != NULL)
			probe_io_stop(p->io);
		for (size_t k = 0; k < p->tls_count; k++)
			tls_check_stop(p->tls[k]);
	}
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	stop_all(arg);
}

/* What was probed is worth a report; whoever presses ^C again wants none. */
static void on_interrupt(evutil_socket_t fd, short events, void *arg)
{
	struct check *c = arg;

	event_del(c->interrupt);
	stop_all(c);
}

static bool needs_tls(const struct check *c)
{
	for (size_t i = 0; i < c->config.server_count; i++) {
		if (c->config.servers[i].tls)
			return true;
	}
	return false;
}

static bool alloc_all(struct check *c, const struct iface_choice *choices)
{
	size_t n = c->config.choice_count;

	c->batch = udp_batch_new();
	if (needs_tls(c))
		c->tls = tls_check_context(); /* reads all certificates that the system trusts */
	c->probes = calloc(n + 1, sizeof(*c->probes));
	c->reports = calloc(n + 1, sizeof(*c->reports));
	c->deadline = evtimer_new(c->config.base, on_deadline, c);
	c->interrupt = evsignal_new(c->config.base, SIGINT, on_interrupt, c);
	if (c->batch == NULL || (needs_tls(c) && c->tls == NULL) || c->probes == NULL ||
	    c->reports == NULL || c->deadline == NULL || c->interrupt == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		c->probes[i].tap = -1;
	for (size_t i = 0; i < n; i++) {
		if (!alloc_probe(&c->probes[i], c, &choices[i]))
			return false;
	}
	return true;
}

struct check *check_new(const struct check_config *config)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->config = *config;
	if (!alloc_all(c, config->choices)) {
		check_free(c);
		return NULL;
	}
	if (config->shows_progress)
		c->progress = progress_new(config->base);
	return c;
}

static void free_probe(struct probe *p)
{
	probe_io_free(p->io);
	discover_free(p->discover);
	if (p->tap >= 0)
		close(p->tap);
	for (size_t i = 0; i < p->tls_count; i++)
		tls_check_free(p->tls[i]);
	free(p->tls);
	free(p->tls_results);
	free(p->servers);
	free(p->detours);
}

void check_free(struct check *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; c->probes != NULL && i < c->config.choice_count; i++)
		free_probe(&c->probes[i]);
	progress_free(c->progress);
	if (c->deadline != NULL)
		event_free(c->deadline);
	if (c->interrupt != NULL)
		event_free(c->interrupt);
	udp_batch_free(c->batch);
	SSL_CTX_free(c->tls);
	free(c->probes);
	free(c->reports);
	free(c);
}

static void conclude(struct probe *p, struct report_probe *out)
{
	for (size_t i = 0; i < p->tls_count; i++)
		p->tls_results[i] = *tls_check_result(p->tls[i]);
	*out = (struct report_probe){
		.interface = p->choice.name,
		.family = p->choice.family,
		.local = p->source.local,
		.verdict = p->discover != NULL ? discover_verdict(p->discover) : NULL,
		.why = p->why,
		.bound_to_device = probe_socket_binds_device(&p->source),
		.tls = p->tls_results,
		.tls_count = p->tls_count,
	};
	if (out->verdict == NULL && out->why == NULL)
		out->why = "interrupted";
}

void check_run(struct check *c)
{
	struct timeval tv = { .tv_sec = (time_t)(c->config.timeout_ms / 1000),
			      .tv_usec = (suseconds_t)(c->config.timeout_ms % 1000 * 1000) };

	event_add(c->deadline, &tv);
	event_add(c->interrupt, NULL);
	c->open++; /* keeps a part that ends at once from ending it all */
	for (size_t i = 0; i < c->config.choice_count; i++)
		start_probe(&c->probes[i]);
	c->open--;
	progress_set(c->progress, c->total - c->open, c->total);
	if (c->open > 0)
		event_base_dispatch(c->config.base);
	event_del(c->interrupt);
	event_del(c->deadline);
	progress_free(c->progress);
	c->progress = NULL;
	for (size_t i = 0; i < c->config.choice_count; i++)
		conclude(&c->probes[i], &c->reports[i]);
}

const struct report_probe *check_probes(const struct check *c)
{
	return c->reports;
}
