#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "natprobe/net/packet_tap.h"
#include "natprobe/net/random.h"
#include "probe_state.h"

/* Slower still, and a path that drops what exceeds a rate would not show it. */
#define GENTLE_RATE_PER_S 75
#define GENTLE_BURST      20

/* No more than a silent server may cost beside a verdict that stands. */
#define TLS_MAX_MS 5000

static const struct addr *udp_of(const struct server *s, uint8_t family)
{
	return &s->udp[server_family(family)];
}

static const struct addr *tcp_of(const struct server *s, uint8_t family)
{
	return &s->tcp[server_family(family)];
}

static bool alloc_arrays(struct probe *p)
{
	size_t n = p->config->server_count;

	p->servers = calloc(n + 1, sizeof(*p->servers));
	p->detours = calloc(n + 1, sizeof(*p->detours));
	p->tls = calloc(n + 1, sizeof(*p->tls));
	p->tls_results = calloc(n + 1, sizeof(*p->tls_results));
	return p->servers != NULL && p->detours != NULL && p->tls != NULL && p->tls_results != NULL;
}

struct probe *probe_new(const struct probe_config *config, const struct iface_choice *choice,
			size_t index)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->config = config;
	p->index = index;
	p->choice = *choice;
	p->tap = -1;
	if (alloc_arrays(p))
		return p;
	probe_free(p);
	return NULL;
}

void probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	probe_deep_free(p);
	probe_turn_free(p->turn);
	probe_io_free(p->io);
	discover_free(p->discover);
	if (p->tap >= 0)
		close(p->tap);
	for (size_t i = 0; i < p->tls_count; i++)
		tls_check_free(p->tls[i]);
	portal_check_free(p->portal);
	upnp_release(p->upnp);
	free(p->tls);
	free(p->tls_results);
	free(p->servers);
	free(p->detours);
	free(p);
}

size_t probe_index(const struct probe *p)
{
	return p->index;
}

/* The first server that a route of this interface leads to decides on the source. */
static bool find_source(struct probe *p)
{
	const uint8_t family = p->choice.family;
	bool has_server = false;

	for (size_t i = 0; i < p->config->server_count; i++) {
		const struct server *s = &p->config->servers[i];
		const struct addr *to = s->tls ? tcp_of(s, family) : udp_of(s, family);

		if (to->family == ADDR_NONE)
			continue;
		has_server = true;
		if (iface_find_route(&p->choice, to, &p->route) != 0)
			continue;
		p->source.local = p->route.source;
		p->source.device = p->route.is_local ? NULL : p->choice.name;
		return true;
	}
	p->why = has_server            ? "no route leads from here to a server"
		 : family == ADDR_IPV6 ? "no server has an IPv6 address"
				       : "no server has an IPv4 address";
	return false;
}

/* A verdict tells of so many; the TURN server is one of them. */
static size_t most_servers(const struct probe *p)
{
	return p->config->turn != NULL ? VERDICT_SERVERS_MAX - 1 : SIZE_MAX;
}

static void add_server(struct probe *p, const struct server *s)
{
	const struct addr *udp = udp_of(s, p->choice.family);
	const struct addr *tcp = tcp_of(s, p->choice.family);

	if (s->tls || udp->family == ADDR_NONE || p->server_count == most_servers(p))
		return;
	p->servers[p->server_count++] = (struct discover_server){ .addr = *udp, .name = s->name };
	if (tcp->family != ADDR_NONE && !addr_equal(udp, tcp))
		p->detours[p->detour_count++] = (struct probe_detour){ *udp, *tcp };
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void on_tls_done(void *arg)
{
	struct probe *p = arg;

	p->tls_open--;
	p->config->on_change(p->config->arg, p);
}

static bool start_tls(struct probe *p, const struct server *s)
{
	struct tls_check_config config = {
		.base = p->config->base,
		.tls = p->config->tls,
		.source = p->source,
		.server = s,
		.timeout_ms = at_most(p->config->timeout_ms, TLS_MAX_MS),
		.on_done = on_tls_done,
		.arg = p,
	};

	if (!s->tls || tcp_of(s, p->choice.family)->family == ADDR_NONE)
		return true;
	p->tls[p->tls_count] = tls_check_new(&config);
	if (p->tls[p->tls_count] == NULL)
		return false;
	p->tls_count++;
	p->tls_open++;
	return true;
}

static void start_portal(struct probe *p)
{
	struct portal_check_config config = {
		.base = p->config->base,
		.source = p->source,
		.url = p->config->portal,
		.to = p->config->portal_at[server_family(p->choice.family)],
	};

	if (config.url != NULL && config.to.family != ADDR_NONE)
		p->portal = portal_check_new(&config);
}

/* An IGD says nothing about IPv6 but which firewall it has. */
static bool has_upnp_gateway(const struct probe *p)
{
	return p->choice.family == ADDR_IPV4 && p->route.gateway.family == ADDR_IPV4;
}

void probe_prepare(struct probe *p)
{
	if (!find_source(p))
		return;
	for (size_t i = 0; i < p->config->server_count; i++) {
		add_server(p, &p->config->servers[i]);
		if (!start_tls(p, &p->config->servers[i]))
			p->why = "out of memory";
	}
	start_portal(p);
	if (p->config->asks_upnp && has_upnp_gateway(p))
		p->upnp = upnp_start(&p->source, &p->route.gateway);
}

static void on_rest(void *arg)
{
	struct probe *p = arg;

	p->config->on_change(p->config->arg, p);
}

static void on_turned(void *arg)
{
	struct probe *p = arg;

	p->is_turning = false;
	p->config->on_change(p->config->arg, p);
}

static void start_turn(struct probe *p)
{
	const struct probe_turn_config config = {
		.base = p->config->base,
		.source = p->source,
		.server = p->config->turn,
		.timeout_ms = p->config->timeout_ms,
		.on_rest = on_rest,
		.on_done = on_turned,
		.arg = p,
	};

	p->awaits_turn = false;
	p->turn = probe_turn_new(&config, discover_verdict(p->discover));
	p->is_turning = p->turn != NULL;
}

static void on_discovered(void *arg)
{
	struct probe *p = arg;

	p->is_discovering = false;
	p->awaits_turn = p->config->turn != NULL && !p->is_stopped;
	if (p->awaits_turn && p->has_floor)
		start_turn(p);
	p->config->on_change(p->config->arg, p);
}

static bool make_discovery(struct probe *p)
{
	struct discover_timing timing = discover_timing_default();
	struct discover_config config = {
		.local = p->source.local,
		.servers = p->servers,
		.server_count = p->server_count,
		.random = random_draw,
		.timing = &timing,
		.gateway = p->route.gateway,
		.confidence = p->config->confidence,
		.local_port = p->config->local_port,
	};

	if (p->config->is_gentle) {
		timing.rate_per_s = GENTLE_RATE_PER_S;
		timing.burst = GENTLE_BURST;
	}
	timing.deadline_us = (uint32_t)at_most(timing.deadline_us, p->config->timeout_ms * 1000);
	config.sees_own_source = p->route.is_local ||
				 packet_tap_open(p->choice.index, &p->source.local, &p->tap) == 0;
	p->discover = discover_new(&config);
	return p->discover != NULL;
}

static bool start_discovery(struct probe *p)
{
	struct probe_io_config config = {
		.base = p->config->base,
		.batch = p->config->batch,
		.source = p->source,
		.detours = p->detours,
		.detour_count = p->detour_count,
		.on_rest = on_rest,
		.on_done = on_discovered,
		.arg = p,
	};

	if (!make_discovery(p))
		return false;
	discover_take_floor(p->discover, false);
	config.discover = p->discover;
	config.tap = p->tap;
	p->io = probe_io_new(&config);
	p->is_discovering = p->io != NULL;
	return p->is_discovering;
}

/* Whether the local port of the user's choice is to be had here; says why not. */
static bool can_use_local_port(struct probe *p)
{
	struct addr bound;
	int fd;

	if (p->config->local_port == 0)
		return true;
	fd = probe_socket_udp(&p->source, p->config->local_port, &bound);
	if (fd >= 0) {
		close(fd);
		return true;
	}
	p->why = fd == -EADDRINUSE               ? "somebody else has this local port"
		 : fd == -EACCES || fd == -EPERM ? "this local port takes a privilege"
						 : "this local port cannot be opened";
	return false;
}

void probe_start(struct probe *p)
{
	if (p->source.local.family == ADDR_NONE)
		return;
	if (p->server_count == 0)
		p->why = "only stuns: servers were given, and they tell nothing about UDP";
	else if (!can_use_local_port(p))
		return;
	else if (!start_discovery(p))
		p->why = "out of memory";
}

void probe_stop(struct probe *p)
{
	p->is_stopped = true;
	p->awaits_turn = false;
	if (p->io != NULL)
		probe_io_stop(p->io);
	if (p->is_turning)
		probe_turn_stop(p->turn);
	probe_deep_stop(p);
	for (size_t i = 0; i < p->tls_count; i++)
		tls_check_stop(p->tls[i]);
}

static bool is_at_work(const struct probe *p)
{
	return p->is_discovering || p->awaits_turn || p->is_turning || p->is_deepening;
}

size_t probe_parts(const struct probe *p)
{
	return p->tls_count + (p->io != NULL ? 1 : 0);
}

size_t probe_open_parts(const struct probe *p)
{
	return p->tls_open + (is_at_work(p) ? 1 : 0);
}

bool probe_wants_floor(const struct probe *p)
{
	if (p->is_turning)
		return probe_turn_wants_floor(p->turn);
	return p->awaits_turn || (p->is_discovering && discover_wants_floor(p->discover));
}

void probe_take_floor(struct probe *p, bool granted)
{
	if (p->has_floor == granted || !is_at_work(p))
		return;
	p->has_floor = granted;
	if (p->awaits_turn && granted)
		start_turn(p);
	if (!p->is_discovering)
		return;
	discover_take_floor(p->discover, granted);
	if (granted)
		probe_io_wake(p->io);
}
