/*
 * Which external ports there are to choose from, and who else uses them. What has to be the only
 * one to make mappings comes first, alone; the rest follows from the mapped ports that the server
 * told of all fresh sockets of all trials (deep_ports_judge.c).
 *
 *	step by destination   sockets that speak to several endpoints of the server in a row
 *	background            a counter's distance over some quiet seconds
 *	range                 sockets on the first and the last port that is no system port
 */
#include "deep_ports.h"

#include "deep_trials.h"

#define QUIET_US      4000000
#define QUIET_ROUNDS  2     /* a counter that wraps meanwhile is looked at once more */
#define ROUND_MAX     20000 /* mappings in that time: more is a wrap */
#define LOST_AFTER_US 3000000
#define PORT_FIRST    1024
#define PORT_LAST     65535
#define COUNTER_LOW   32768
#define COUNTER_SPAN  28000

static bool is_local(const struct deep *d, uint8_t family)
{
	return family == deep_config(d)->local.family;
}

static bool maps_by_destination(const struct verdict *v)
{
	return v->mapping.value == BEHAVIOUR_ADDRESS_DEPENDENT ||
	       v->mapping.value == BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT ||
	       v->mapping.value == BEHAVIOUR_PORT_DEPENDENT;
}

static bool applies(const struct deep *d)
{
	return deep_cooperates(d) && deep_verdict(d)->nat.value == VERDICT_YES;
}

static uint16_t ask(struct deep *d, uint16_t socket, const struct addr *to, uint8_t copies)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };

	return deep_order(d, socket, to, &o, copies);
}

/* Each endpoint once: sent again, an order could be the one that makes the mapping. */
static void start_steps(struct deep *d, struct ports *p)
{
	struct addr server = deep_config(d)->server, other = *deep_other(d);
	struct addr to[PORTS_ENDPOINTS] = { server, addr_with_port(&server, other.port),
					    addr_with_port(&other, server.port), other };

	if (!maps_by_destination(deep_verdict(d)) || !is_local(d, other.family))
		return;
	for (int i = 0; i < PORTS_WALKERS; i++) {
		struct walker *w = &p->walkers[i];

		w->socket = deep_open(d, 0);
		for (int j = 0; j < PORTS_ENDPOINTS && w->socket != DEEP_NO_SOCKET; j++)
			w->orders[j] = ask(d, w->socket, &to[j], 1);
	}
	p->walkers_until_us = deep_now_us(d) + deep_backlog_us(d) + deep_rtt_us(d) * 3 / 2 + 300000;
}

static void start_edge(struct deep *d, struct ports *p, int32_t port)
{
	struct edge *e;

	if (port < PORT_FIRST || port > PORT_LAST || p->edge_count == PORTS_EDGES)
		return;
	e = &p->edges[p->edge_count++];
	e->socket = deep_open(d, (uint16_t)port);
	if (e->socket != DEEP_NO_SOCKET)
		(void)ask(d, e->socket, NULL, 0);
	p->edges_until_us = deep_now_us(d) + LOST_AFTER_US;
}

static void start_edges(struct deep *d, struct ports *p)
{
	const struct verdict_ports *v = &deep_verdict(d)->ports;

	if (v->delta != DELTA_EQUAL && v->delta != DELTA_PRESERVING)
		return;
	start_edge(d, p, PORT_FIRST - (v->delta == DELTA_PRESERVING ? v->value : 0));
	start_edge(d, p, PORT_LAST - (v->delta == DELTA_PRESERVING ? v->value : 0));
}

/* On an even port: counters that keep the parity then take whole steps. */
static void open_counter(struct deep *d, struct ports *p)
{
	uint16_t random;

	deep_random(d, &random, sizeof(random));
	p->counter = deep_open(d, (uint16_t)(COUNTER_LOW + random % COUNTER_SPAN / 2 * 2));
	p->counter_until_us = deep_now_us(d) + LOST_AFTER_US;
	if (p->counter != DEEP_NO_SOCKET)
		(void)ask(d, p->counter, NULL, 0);
}

static void start(struct deep *d, void *state)
{
	struct ports *p = state;

	p->counter = DEEP_NO_SOCKET;
	start_steps(d, p);
	start_edges(d, p);
	p->counts = deep_verdict(d)->ports.delta == DELTA_INDEPENDENT &&
		    deep_verdict(d)->ports.value != 0;
}

static void close_walkers(struct deep *d, struct ports *p)
{
	p->walkers_until_us = 0;
	for (int i = 0; i < PORTS_WALKERS; i++)
		deep_close(d, p->walkers[i].socket);
}

static void close_edges(struct deep *d, struct ports *p)
{
	p->edges_until_us = 0;
	for (int i = 0; i < p->edge_count; i++)
		deep_close(d, p->edges[i].socket);
}

/* The next socket of the counter: at once, then after a quiet time. */
static void step_counter(struct deep *d, struct ports *p)
{
	uint64_t now_us = deep_now_us(d);

	if (p->counter != DEEP_NO_SOCKET && now_us < p->counter_until_us)
		return;
	if (p->counter != DEEP_NO_SOCKET) {
		deep_close(d, p->counter);
		p->counter = DEEP_NO_SOCKET;
	}
	if (now_us < p->quiet_until_us)
		return;
	if (p->tries++ >= PORTS_COUNTER_TRIES) {
		p->counts = false;
		return;
	}
	open_counter(d, p);
}

static void step(struct deep *d, void *state)
{
	struct ports *p = state;
	uint64_t now_us = deep_now_us(d);

	if (p->walkers_until_us != 0 && p->walkers_until_us <= now_us)
		close_walkers(d, p);
	if (p->edges_until_us != 0 && p->edges_until_us <= now_us)
		close_edges(d, p);
	if (p->walkers_until_us == 0 && p->edges_until_us == 0 && p->counts)
		step_counter(d, p);
}

/* Mappings between two of ours, by the counter's step; negative: it wrapped, or moves otherwise. */
static long mappings_between(const struct verdict_ports *v, uint16_t a, uint16_t b)
{
	long moved = (long)b - a;

	if (v->value == 0 || moved % v->value != 0)
		return -1;
	return moved / v->value - 1;
}

static void on_count(struct deep *d, struct ports *p, uint16_t port, uint64_t left_us)
{
	long others;

	deep_close(d, p->counter);
	p->counter = DEEP_NO_SOCKET;
	p->tries = 0;
	if (p->has_count) {
		others = mappings_between(&deep_verdict(d)->ports, p->count_port, port);
		if (others >= 0 && others < ROUND_MAX) {
			p->background_known = true;
			p->background = (uint32_t)others;
			p->background_us = left_us - p->count_us;
		}
		p->rounds++;
	}
	p->has_count = true;
	p->count_port = port;
	p->count_us = left_us;
	if (p->background_known || p->rounds >= QUIET_ROUNDS)
		p->counts = false;
	else
		p->quiet_until_us = deep_now_us(d) + QUIET_US;
}

static void on_walk(struct ports *p, uint16_t socket, uint16_t order_id, const struct addr *mapped)
{
	for (int i = 0; i < PORTS_WALKERS; i++) {
		struct walker *w = &p->walkers[i];

		for (int j = 0; w->socket == socket && j < PORTS_ENDPOINTS; j++) {
			if (w->orders[j] == order_id)
				w->ports[j] = mapped->port;
		}
	}
}

static bool are_edges_known(const struct ports *p)
{
	for (int i = 0; i < p->edge_count; i++) {
		if (p->edges[i].socket != DEEP_NO_SOCKET && p->edges[i].mapped == 0)
			return false;
	}
	return true;
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *a)
{
	struct deep_order_times t = { 0 };
	struct ports *p = state;

	if (a->mapped.family == ADDR_NONE || a->report.outcome >= COOP_BAD_TOKEN)
		return;
	if (socket == p->counter) {
		(void)deep_order_times(d, socket, order_id, &t);
		on_count(d, p, a->mapped.port, t.first_us);
		return;
	}
	on_walk(p, socket, order_id, &a->mapped);
	for (int i = 0; i < p->edge_count; i++) {
		if (p->edges[i].socket == socket)
			p->edges[i].mapped = a->mapped.port;
	}
	if (p->edges_until_us != 0 && are_edges_known(p))
		close_edges(d, p);
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	struct ports *p = state;

	if (opened)
		return;
	if (socket == p->counter)
		p->counter = DEEP_NO_SOCKET;
	for (int i = 0; i < PORTS_WALKERS; i++) {
		if (p->walkers[i].socket == socket)
			p->walkers[i].socket = DEEP_NO_SOCKET;
	}
	for (int i = 0; i < p->edge_count; i++) {
		if (p->edges[i].socket == socket)
			p->edges[i].socket = DEEP_NO_SOCKET;
	}
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	const struct ports *p = state;

	if (p->walkers_until_us != 0 || p->edges_until_us != 0) {
		if (p->walkers_until_us == 0)
			return p->edges_until_us;
		if (p->edges_until_us == 0 || p->walkers_until_us < p->edges_until_us)
			return p->walkers_until_us;
		return p->edges_until_us;
	}
	if (!p->counts)
		return UINT64_MAX;
	return p->counter != DEEP_NO_SOCKET ? p->counter_until_us : p->quiet_until_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	const struct ports *p = state;

	return p->walkers_until_us == 0 && p->edges_until_us == 0 && !p->counts;
}

const struct deep_trial deep_ports = {
	.name = "ports",
	.alone = true,
	.state_size = sizeof(struct ports),
	.applies = applies,
	.start = start,
	.step = step,
	.on_open = on_open,
	.on_report = on_report,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = deep_ports_end,
};
