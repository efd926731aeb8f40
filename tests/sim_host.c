#include "sim_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "stun_attr.h"

#define CALLS_MAX      20000 /* of discover_next: one that spins must not hang a test */
#define EPHEMERAL_LOW  32768 /* Linux's range of local ports */
#define EPHEMERAL_SPAN 28232

void sim_host_start(struct sim_world *w, struct sim_host *h, const struct discover_config *config)
{
	struct discover_config own = *config;

	h->world = w;
	own.local = h->addr;
	own.random_arg = &h->rng;
	h->discover = discover_new(&own);
	if (h->discover == NULL)
		abort();
	h->is_awake = true;
}

static bool is_bound(const struct sim_host *h, uint16_t port)
{
	for (size_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (h->slots[i].family != ADDR_NONE && h->slots[i].port == port)
			return true;
	}
	for (size_t i = 0; i < VANTAGE_ENDS; i++) {
		if (h->ends[i].family != ADDR_NONE && h->ends[i].port == port)
			return true;
	}
	for (size_t i = 0; i < VANTAGE_CALLS; i++) {
		if (h->calls[i].local.family != ADDR_NONE && h->calls[i].local.port == port)
			return true;
	}
	return false;
}

uint16_t sim_host_pick_port(struct sim_host *h)
{
	uint16_t port;

	do {
		port = (uint16_t)(EPHEMERAL_LOW + rng_below(&h->rng, EPHEMERAL_SPAN));
	} while (is_bound(h, port));
	return port;
}

static void do_open(struct sim_host *h, const struct discover_action *a)
{
	const struct sim_config *c = h->world->config;
	struct addr local = addr_with_port(&h->addr, a->port);

	if (a->slot >= DISCOVER_SLOTS_MAX || h->slots[a->slot].family != ADDR_NONE)
		abort();
	if (c->no_sockets || (c->open_fails && h->opened > 0)) {
		discover_on_open_failed(h->discover, a->slot, -EMFILE);
		return;
	}
	if (a->port != 0 && is_bound(h, a->port)) {
		discover_on_open_failed(h->discover, a->slot, -EADDRINUSE);
		return;
	}
	if (a->port == 0)
		local.port = sim_host_pick_port(h);
	h->slots[a->slot] = local;
	h->open++;
	h->opened++;
	discover_on_open(h->discover, a->slot, &local);
}

static void do_close(struct sim_host *h, uint8_t slot)
{
	if (slot >= DISCOVER_SLOTS_MAX || h->slots[slot].family == ADDR_NONE)
		abort();
	h->slots[slot] = (struct addr){ 0 };
	h->open--;
}

/* Somebody who does not see our requests, but knows our sockets and servers. */
static void forge(struct sim_host *h, uint8_t slot, const struct addr *server)
{
	struct sim_world *w = h->world;
	struct addr lie = addr_ipv4(198, 51, 100, 66, 666);
	uint8_t random[12], buf[128];
	struct bytes answer = { 0 };
	struct stun_builder b;
	struct stun_tid tid;

	rng_fill(&w->rng, random, sizeof(random));
	tid = stun_tid_make(random);
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &tid);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &lie);
	(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, &lie);
	(void)stun_build_finish(&b, &answer);
	discover_on_datagram(h->discover, slot, server, answer, w->now_us);
	discover_on_datagram(h->discover, slot, &lie, bytes_of(random, sizeof(random)), w->now_us);
}

static bool is_server(const struct sim_world *w, const struct addr *to)
{
	for (size_t i = 0; i < w->server_count; i++) {
		for (uint8_t socket = 0; socket <= SIM_PLAIN_SOCKET; socket++) {
			struct addr e = sim_endpoint(w->config, i, socket);

			if (addr_equal(&e, to))
				return true;
		}
	}
	return false;
}

void sim_host_note_send(struct sim_host *h)
{
	struct sim_result *r = h->result;

	if (r->datagrams < SIM_SENDS_MAX)
		h->sends_us[r->datagrams] = h->world->now_us;
	r->datagrams++;
}

static void do_send(struct sim_host *h, const struct discover_action *a)
{
	struct sim_world *w = h->world;
	uint8_t buf[SIM_PACKET_LEN];
	size_t len;

	if (a->slot >= DISCOVER_SLOTS_MAX || h->slots[a->slot].family == ADDR_NONE)
		abort();
	if (sim_happens(w, w->config->refused_per_mille)) {
		discover_on_send_error(h->discover, a->slot, -EPERM);
		return;
	}
	sim_host_note_send(h);
	len = packet_build_udp(buf, sizeof(buf), &h->slots[a->slot], &a->to, a->data);
	sim_path_from_host(w, h, bytes_of(buf, len));
	if (w->config->forges && is_server(w, &a->to))
		forge(h, a->slot, &a->to);
}

static void do_connect(struct sim_host *h, const struct discover_action *a)
{
	if (a->slot >= DISCOVER_CONNECTIONS_MAX || h->connections[a->slot])
		abort();
	h->connections[a->slot] = true;
	h->open++;
	h->result->connections++;
	sim_tcp_connect(h, a->slot, a->port != 0 ? a->port : sim_host_pick_port(h), &a->to,
			a->data);
}

static void do_disconnect(struct sim_host *h, uint8_t slot)
{
	if (slot >= DISCOVER_CONNECTIONS_MAX || !h->connections[slot])
		abort();
	h->connections[slot] = false;
	h->open--;
	sim_tcp_close(h, slot);
}

static void do_action(struct sim_host *h, const struct discover_action *a)
{
	switch (a->kind) {
	case DISCOVER_OPEN:
		do_open(h, a);
		break;
	case DISCOVER_SEND:
		do_send(h, a);
		break;
	case DISCOVER_CLOSE:
		do_close(h, a->slot);
		break;
	case DISCOVER_CONNECT:
		do_connect(h, a);
		break;
	case DISCOVER_DISCONNECT:
		do_disconnect(h, a->slot);
		break;
	default:
		abort();
	}
}

void sim_host_end(struct sim_host *h)
{
	struct sim_result *r = h->result;

	r->ended = true;
	r->elapsed_us = h->world->now_us - SIM_START_US;
	r->open_at_end = h->open;
	h->deadline_us = UINT64_MAX;
}

static void end_discovery(struct sim_host *h)
{
	h->result->verdict = *discover_verdict(h->discover);
	if (h->world->config->turn != NULL)
		sim_vantage_start(h);
	else
		sim_host_end(h);
}

void sim_host_run(struct sim_host *h)
{
	struct discover_action a;

	h->is_awake = false;
	if (h->vantage != NULL) {
		sim_vantage_run(h);
		return;
	}
	while (h->result->calls < CALLS_MAX) {
		h->result->calls++;
		switch (discover_next(h->discover, h->world->now_us, &a)) {
		case DISCOVER_DONE:
			end_discovery(h);
			return;
		case DISCOVER_WAIT:
			h->deadline_us = a.deadline_us;
			return;
		default:
			do_action(h, &a);
			break;
		}
	}
	h->deadline_us = UINT64_MAX;
}

bool sim_host_wants_floor(const struct sim_host *h)
{
	if (h->result->ended)
		return false;
	return h->vantage != NULL ? vantage_wants_floor(h->vantage)
				  : discover_wants_floor(h->discover);
}

void sim_host_take_floor(struct sim_host *h, bool granted)
{
	h->has_floor = granted;
	if (h->vantage == NULL)
		discover_take_floor(h->discover, granted);
}

static void on_udp(struct sim_host *h, const struct packet *p)
{
	if (h->vantage != NULL) {
		sim_vantage_on_udp(h, p);
		return;
	}
	for (uint8_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (!addr_equal(&h->slots[i], &p->destination))
			continue;
		h->is_awake = true;
		discover_on_datagram(h->discover, i, &p->source, p->data, h->world->now_us);
		return;
	}
}

/* Linux drops what seems to come from itself. */
static bool is_martian(const struct sim_world *w, const struct packet *p)
{
	for (size_t i = 0; i < w->host_count; i++) {
		if (addr_equal_ip(&w->hosts[i].addr, &p->source))
			return w->config->hides_own_source;
	}
	return false;
}

void sim_host_on_packet(struct sim_host *h, struct bytes packet)
{
	struct packet p;

	/* ICMP errors end nothing. */
	if (h->result->ended || !packet_parse(packet, &p) || !packet_checksums_ok(packet) ||
	    is_martian(h->world, &p))
		return;
	if (p.kind == PACKET_DATAGRAM)
		on_udp(h, &p);
	else if (p.kind == PACKET_SEGMENT && !sim_vantage_on_segment(h, &p))
		sim_tcp_at_host(h, &p);
}

void sim_host_on_connected(struct sim_host *h, uint8_t slot, const struct addr *local)
{
	h->is_awake = true;
	if (h->vantage != NULL) {
		vantage_on_connected(h->vantage, slot, h->world->now_us);
		return;
	}
	discover_on_connected(h->discover, slot, h->world->config->tcp_hides_local ? NULL : local,
			      h->world->now_us);
}

void sim_host_on_stream(struct sim_host *h, uint8_t slot, enum discover_stream what,
			struct bytes data)
{
	h->is_awake = true;
	if (h->vantage != NULL) {
		if (what == DISCOVER_STREAM_CLOSED)
			vantage_on_disconnected(h->vantage, slot);
		else
			vantage_on_stream(h->vantage, slot, data, h->world->now_us);
		return;
	}
	if (what == DISCOVER_STREAM_CLOSED) {
		h->connections[slot] = false;
		h->open--;
	}
	discover_on_stream(h->discover, slot, what, data, h->world->now_us);
}
