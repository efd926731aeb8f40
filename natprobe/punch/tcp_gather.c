#include <stdlib.h>

#include "nat64.h"
#include "natprobe/discover/probe_log.h"
#include "stun_stream.h"
#include "tcp_open.h"

#define ASKS_MAX   PUNCH_CONNECTIONS_MAX
#define ANSWER_MAX 512
#define TRIES_MAX  3

/* Ports that systems leave to programs (RFC 6335, section 6). */
#define PORT_FIRST 49152
#define PORT_COUNT 16384

#define PACE_US        5000
#define RTT_UNKNOWN_US 100000
#define PATIENCE_US    300000 /* and three round trips, before a SYN is taken for lost */

enum ask_state {
	ASK_DUE = 0,
	ASK_CONNECTING,
	ASK_CONNECTED, /* the request has to be written */
	ASK_ASKED,
	ASK_OVER, /* answered, or failed for good */
	ASK_HELD, /* a sample, before its time */
};

/* One of our ports, and one server. */
struct ask {
	uint8_t state; /* enum ask_state */
	uint8_t path, set, tries;
	bool is_sample;     /* `set` is not used */
	uint16_t port;      /* ours */
	struct addr server; /* as our host has to write it */
	uint64_t began_us;
	uint64_t next_us; /* ASK_DUE: when; ASK_CONNECTING: when it is given up */
	struct stun_tid tid;
	struct addr mapped;
	uint8_t data[ANSWER_MAX];
	size_t len;
};

struct tcp_gather {
	const struct peer_profile *ours;
	uint16_t first_slot;
	uint64_t deadline_us;
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
	uint8_t sets;
	uint8_t samples;
	uint16_t ports[PEER_PATHS_MAX][PEER_SETS];      /* whose mapping is asked for */
	uint16_t host_ports[PEER_PATHS_MAX][PEER_SETS]; /* for the network itself */
	struct ask asks[ASKS_MAX];
	uint16_t count;
	uint64_t paced_us;
	uint8_t out[PROBE_LEN];
};

static bool is_taken(const struct tcp_gather *g, uint16_t port)
{
	for (size_t p = 0; p < PEER_PATHS_MAX; p++) {
		for (size_t s = 0; s < PEER_SETS; s++) {
			if (g->ports[p][s] == port || g->host_ports[p][s] == port)
				return true;
		}
	}
	return false;
}

static uint16_t fresh_port(const struct tcp_gather *g)
{
	uint16_t port;

	do {
		g->random(g->random_arg, &port, sizeof(port));
		port = (uint16_t)(PORT_FIRST + port % PORT_COUNT);
	} while (is_taken(g, port));
	return port;
}

static void choose_ports(struct tcp_gather *g, uint16_t local_port)
{
	for (size_t p = 0; p < g->ours->path_count; p++) {
		for (size_t s = 0; s < g->sets; s++) {
			g->ports[p][s] = s == 0 && local_port != 0 ? local_port : fresh_port(g);
			g->host_ports[p][s] = fresh_port(g);
		}
	}
}

/* The first one of a row that is not used otherwise: one for the sample, and one for each set. */
static uint16_t fresh_row(const struct tcp_gather *g)
{
	uint16_t port;
	bool is_free = false;

	while (!is_free) {
		port = fresh_port(g);
		is_free = port <= UINT16_MAX - PEER_SETS;
		for (uint16_t i = 1; i <= PEER_SETS; i++)
			is_free = is_free && !is_taken(g, (uint16_t)(port + i));
	}
	return port;
}

/* Behind a NAT64 a server of IPv4 has another look. */
static bool reachable_as(const struct peer_path *path, const struct addr *server, struct addr *out)
{
	*out = *server;
	if (server->family == path->family)
		return true;
	return path->nat64_prefix.family != ADDR_NONE &&
	       nat64_embed(&path->nat64_prefix, path->nat64_prefix_len, server, out);
}

static void add_asks(struct tcp_gather *g, const struct addr *server, size_t room)
{
	struct addr to;

	for (uint8_t p = 0; p < g->ours->path_count; p++) {
		if (!reachable_as(&g->ours->paths[p], server, &to))
			continue;
		for (uint8_t s = 0; s < g->sets && g->count < room; s++) {
			struct ask *a = &g->asks[g->count++];

			a->path = p;
			a->set = s;
			a->port = g->ports[p][s];
			a->server = to;
		}
	}
}

static void add_samples(struct tcp_gather *g)
{
	for (uint8_t p = 0; p < g->ours->path_count; p++) {
		if ((g->samples >> p & 1) != 0)
			g->asks[g->count++] =
				(struct ask){ .state = ASK_HELD, .path = p, .is_sample = true };
	}
}

static size_t sample_count(const struct tcp_gather *g)
{
	size_t n = 0;

	for (uint8_t p = 0; p < g->ours->path_count; p++)
		n += g->samples >> p & 1;
	return n;
}

struct tcp_gather *tcp_gather_new(const struct tcp_gather_config *config)
{
	struct tcp_gather *g = calloc(1, sizeof(*g));
	size_t room = config->slot_count < ASKS_MAX ? config->slot_count : ASKS_MAX;

	if (g == NULL)
		return NULL;
	g->ours = config->ours;
	g->first_slot = config->first_slot;
	g->deadline_us = config->deadline_us;
	g->random = config->random;
	g->random_arg = config->random_arg;
	g->sets = config->sets < PEER_SETS ? config->sets : PEER_SETS;
	g->samples = config->samples;
	if (sample_count(g) > room)
		g->samples = 0;
	choose_ports(g, config->local_port);
	/* All ports ask the first server before any asks the next one. */
	for (size_t i = 0; i < config->server_count; i++)
		add_asks(g, &config->servers[i], room - sample_count(g));
	add_samples(g);
	return g;
}

void tcp_gather_free(struct tcp_gather *g)
{
	free(g);
}

static struct ask *find(struct tcp_gather *g, uint16_t slot)
{
	return slot >= g->first_slot && slot - g->first_slot < g->count
		       ? &g->asks[slot - g->first_slot]
		       : NULL;
}

static uint16_t slot_of(const struct tcp_gather *g, const struct ask *a)
{
	return (uint16_t)(g->first_slot + (a - g->asks));
}

static uint64_t patience_us(const struct tcp_gather *g, const struct ask *a)
{
	uint32_t rtt_us = g->ours->paths[a->path].rtt_us;

	return PATIENCE_US + 3 * (uint64_t)(rtt_us > 0 ? rtt_us : RTT_UNKNOWN_US);
}

static void connect_ask(struct tcp_gather *g, struct ask *a, uint64_t now_us,
			struct punch_action *action)
{
	/* The mapping of another attempt may be there, and is not the last one any more. */
	if (a->is_sample)
		a->port = fresh_row(g);
	a->state = ASK_CONNECTING;
	a->tries++;
	a->began_us = now_us;
	a->next_us = now_us + patience_us(g, a);
	g->paced_us = now_us + PACE_US;
	*action = (struct punch_action){
		.kind = PUNCH_CONNECT,
		.path = a->path,
		.slot = slot_of(g, a),
		.port = a->port,
		.to = a->server,
	};
}

static bool write_ask(struct tcp_gather *g, struct ask *a, struct punch_action *action)
{
	struct stun_builder b;
	uint8_t random[12];
	struct bytes request;

	g->random(g->random_arg, random, sizeof(random));
	a->tid = stun_tid_make(random);
	a->state = ASK_ASKED;
	b = stun_build(g->out, sizeof(g->out), STUN_BINDING, STUN_REQUEST, &a->tid);
	if (stun_build_finish(&b, &request) != STUN_OK)
		return false;
	*action = (struct punch_action){
		.kind = PUNCH_WRITE,
		.path = a->path,
		.slot = slot_of(g, a),
		.to = a->server,
		.data = request,
	};
	return true;
}

/* A SYN that met silence is sent anew, sooner than the system would. */
static void disconnect_ask(struct tcp_gather *g, struct ask *a, uint64_t now_us,
			   struct punch_action *action)
{
	a->state = ASK_DUE;
	a->next_us = now_us;
	*action = (struct punch_action){
		.kind = PUNCH_DISCONNECT,
		.path = a->path,
		.slot = slot_of(g, a),
		.quiet = true,
	};
}

static bool step_ask(struct tcp_gather *g, struct ask *a, uint64_t now_us,
		     struct punch_action *action)
{
	if (a->state == ASK_CONNECTED)
		return write_ask(g, a, action);
	if (now_us >= g->deadline_us || a->next_us > now_us)
		return false;
	if (a->state == ASK_CONNECTING && a->tries < TRIES_MAX) {
		disconnect_ask(g, a, now_us, action);
		return true;
	}
	if (a->state == ASK_DUE && g->paced_us <= now_us) {
		connect_ask(g, a, now_us, action);
		return true;
	}
	return false;
}

static uint64_t wait_until_us(const struct tcp_gather *g, uint64_t now_us)
{
	uint64_t at_us = g->deadline_us;

	if (now_us >= g->deadline_us)
		return UINT64_MAX;
	for (size_t i = 0; i < g->count; i++) {
		const struct ask *a = &g->asks[i];
		uint64_t due_us = a->next_us;

		if (a->state == ASK_DUE && due_us < g->paced_us)
			due_us = g->paced_us;
		else if (a->state != ASK_DUE &&
			 (a->state != ASK_CONNECTING || a->tries == TRIES_MAX))
			continue;
		if (due_us < at_us)
			at_us = due_us;
	}
	return at_us;
}

enum punch_kind tcp_gather_next(struct tcp_gather *g, uint64_t now_us, struct punch_action *action)
{
	for (size_t i = 0; i < g->count; i++) {
		if (step_ask(g, &g->asks[i], now_us, action))
			return (enum punch_kind)action->kind;
	}
	*action = (struct punch_action){
		.kind = PUNCH_WAIT,
		.deadline_us = wait_until_us(g, now_us),
	};
	return PUNCH_WAIT;
}

void tcp_gather_on_connected(struct tcp_gather *g, uint16_t slot, const struct addr *local,
			     uint64_t now_us)
{
	struct ask *a = find(g, slot);

	if (a != NULL && a->state == ASK_CONNECTING)
		a->state = ASK_CONNECTED;
}

static void read_answer(struct ask *a, struct bytes frame)
{
	struct probe_answer answer = { .from = a->server };
	struct stun_msg msg;

	if (stun_msg_parse(frame, &msg) != STUN_OK || msg.method != STUN_BINDING ||
	    (msg.class != STUN_SUCCESS && msg.class != STUN_ERROR) ||
	    !stun_tid_equal(&msg.tid, &a->tid))
		return;
	a->state = ASK_OVER;
	if (msg.class == STUN_ERROR)
		return;
	probe_read_answer(&msg, &answer);
	if (probe_answer_fits(&answer, &a->server) && answer.mapped.port != 0)
		a->mapped = answer.mapped;
}

static void on_data(struct ask *a, struct bytes data)
{
	size_t room = sizeof(a->data) - a->len;
	size_t n = data.len < room ? data.len : room;
	struct bytes frame;
	size_t used;

	if (a->state != ASK_ASKED || n == 0)
		return;
	memcpy(a->data + a->len, data.data, n);
	a->len += n;
	if (stun_stream_next(bytes_of(a->data, a->len), sizeof(a->data), &frame, &used) == STUN_OK)
		read_answer(a, frame);
}

void tcp_gather_on_stream(struct tcp_gather *g, uint16_t slot, enum punch_stream what,
			  struct bytes data, uint64_t now_us)
{
	struct ask *a = find(g, slot);

	if (a == NULL || a->state == ASK_DUE || a->state == ASK_OVER)
		return;
	if (what == PUNCH_STREAM_DATA) {
		on_data(a, data);
		return;
	}
	a->len = 0;
	a->state = a->tries < TRIES_MAX ? ASK_DUE : ASK_OVER;
	a->next_us = now_us + PATIENCE_US;
}

bool tcp_gather_is_done(const struct tcp_gather *g, uint64_t now_us)
{
	if (now_us >= g->deadline_us)
		return true;
	for (size_t i = 0; i < g->count; i++) {
		if (g->asks[i].state != ASK_OVER && g->asks[i].state != ASK_HELD)
			return false;
	}
	return true;
}

static bool is_told(const struct tcp_gather *g, uint8_t path, uint8_t set)
{
	bool is_asked = false;

	for (size_t i = 0; i < g->count; i++) {
		const struct ask *a = &g->asks[i];

		if (a->is_sample || a->path != path || a->set != set)
			continue;
		if (a->mapped.family != ADDR_NONE)
			return true;
		is_asked = true;
	}
	return !is_asked;
}

bool tcp_gather_has_all(const struct tcp_gather *g)
{
	bool has_all = true;

	for (uint8_t p = 0; p < g->ours->path_count; p++) {
		for (uint8_t s = 0; s < g->sets; s++)
			has_all = has_all && is_told(g, p, s);
	}
	return has_all;
}

/* One that answered; NULL: none did. */
static const struct addr *server_of(const struct tcp_gather *g, uint8_t path)
{
	for (size_t i = 0; i < g->count; i++) {
		if (g->asks[i].path == path && g->asks[i].mapped.family != ADDR_NONE)
			return &g->asks[i].server;
	}
	return NULL;
}

void tcp_gather_sample(struct tcp_gather *g, uint64_t deadline_us)
{
	if (g->samples == 0)
		return;
	g->deadline_us = deadline_us;
	for (size_t i = 0; i < g->count; i++) {
		struct ask *a = &g->asks[i];
		const struct addr *server = server_of(g, a->path);

		if (a->state != ASK_HELD) {
			a->state = ASK_OVER;
			continue;
		}
		a->state = server != NULL ? ASK_DUE : ASK_OVER;
		if (server != NULL)
			a->server = *server;
	}
}

static void add_endpoint(struct peer_offer *offer, const struct peer_endpoint *e)
{
	for (size_t i = 0; i < offer->endpoint_count; i++) {
		const struct peer_endpoint *other = &offer->endpoints[i];

		if (other->is_tcp && other->kind == e->kind && other->path == e->path &&
		    other->set == e->set && addr_equal(&other->addr, &e->addr))
			return;
	}
	if (offer->endpoint_count < PEER_ENDPOINTS_MAX)
		offer->endpoints[offer->endpoint_count++] = *e;
}

/* Returns whether a server told. */
static bool add_mapped(const struct tcp_gather *g, uint8_t path, uint8_t set,
		       struct peer_offer *offer)
{
	bool is_told = false;

	for (size_t i = 0; i < g->count; i++) {
		const struct ask *a = &g->asks[i];
		struct peer_endpoint e = {
			.kind = PEER_MAPPED,
			.path = path,
			.set = set,
			.is_tcp = true,
			.local_port = g->ports[path][set],
			.addr = a->mapped,
		};

		if (a->path != path || a->set != set || a->is_sample ||
		    a->mapped.family == ADDR_NONE)
			continue;
		add_endpoint(offer, &e);
		is_told = true;
	}
	return is_told;
}

static void add_set(const struct tcp_gather *g, uint8_t path, uint8_t set, struct peer_offer *offer)
{
	const struct peer_path *p = &g->ours->paths[path];
	struct peer_endpoint e = { .path = path, .set = set, .is_tcp = true };

	if (!add_mapped(g, path, set, offer) &&
	    (p->tcp_mapping == BEHAVIOUR_NONE || p->mapping == BEHAVIOUR_NONE)) {
		e.kind = PEER_MAPPED;
		e.local_port = g->ports[path][set];
		e.addr = addr_with_port(&p->local, e.local_port);
		add_endpoint(offer, &e);
	}
	e.kind = PEER_HOST;
	e.local_port = g->host_ports[path][set];
	e.addr = addr_with_port(&p->local, e.local_port);
	add_endpoint(offer, &e);
}

static void add_sample(const struct ask *a, struct peer_offer *offer, uint64_t now_us)
{
	uint8_t *count = &offer->sample_counts[a->path];

	if (!a->is_sample || a->mapped.family == ADDR_NONE || *count == PEER_SAMPLES_MAX)
		return;
	offer->samples[a->path][(*count)++] = (struct peer_sample){
		.local_port = a->port,
		.external_port = a->mapped.port,
		.ago_us = (uint32_t)(now_us - a->began_us),
	};
}

void tcp_gather_add(const struct tcp_gather *g, struct peer_offer *offer, uint64_t now_us)
{
	for (uint8_t s = 0; s < g->sets; s++) {
		for (uint8_t p = 0; p < g->ours->path_count; p++)
			add_set(g, p, s, offer);
	}
	for (size_t i = 0; i < g->count; i++)
		add_sample(&g->asks[i], offer, now_us);
}
