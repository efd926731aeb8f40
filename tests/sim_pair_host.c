#include <errno.h>
#include <stdlib.h>

#include "addr_special.h"
#include "natprobe/map/portmap_wire.h"
#include "sim_pair_parts.h"

#define CALLS_MAX        200000 /* of punch_next: one that spins must not hang a test */
#define EPHEMERAL_LOW    32768  /* Linux's range of local ports */
#define EPHEMERAL_SPAN   28232
#define ICMP_MOST        20 /* a system says "port unreachable" that often */
#define RELAY_FIRST_PORT 49152
#define TTL_USUAL        64

/* --- sockets --- */

static bool is_bound(const struct sim_pair_host *h, uint16_t port)
{
	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++) {
		if (h->slots[i].open && !h->slots[i].is_relay && h->slots[i].local.port == port)
			return true;
	}
	return false;
}

static bool is_bound_tcp(const struct sim_pair_host *h, uint16_t port)
{
	for (size_t i = 0; i < SIM_PAIR_TCP_MAX; i++) {
		if (h->tcp.ends[i].state != 0 && h->tcp.ends[i].local.port == port)
			return true;
	}
	return false;
}

uint16_t sim_pair_pick_port(struct sim_pair_host *h, bool is_tcp)
{
	uint16_t port;

	do {
		port = (uint16_t)(EPHEMERAL_LOW + rng_below(&h->rng, EPHEMERAL_SPAN));
	} while (is_tcp ? is_bound_tcp(h, port) : is_bound(h, port));
	return port;
}

static void do_open(struct sim_pair_host *h, const struct punch_action *a)
{
	struct sim_pair_slot *slot = &h->slots[a->slot];
	struct addr local = addr_with_port(&h->addr, a->port);

	if (a->slot >= PUNCH_SLOTS_MAX || slot->open || a->path != 0)
		abort();
	if (a->port != 0 && is_bound(h, a->port)) {
		h->world->driver->on_open_failed(h->end, a->slot, EADDRINUSE, sim_pair_clock(h));
		return;
	}
	if (a->port == 0)
		local.port = sim_pair_pick_port(h, false);
	*slot = (struct sim_pair_slot){ .open = true, .local = local };
	h->world->driver->on_open(h->end, a->slot, &local, sim_pair_clock(h));
}

static uint16_t slot_at(const struct sim_pair_host *h, const struct addr *local, bool is_relay)
{
	uint16_t i = 0;

	while (i < PUNCH_SLOTS_MAX && !(h->slots[i].open && h->slots[i].is_relay == is_relay &&
					addr_equal(&h->slots[i].local, local)))
		i++;
	return i;
}

/* --- the relay: an allocation for each slot that asks for one, on a line that loses nothing --- */

struct addr sim_pair_relay_addr(unsigned side)
{
	return addr_ipv4(20, 50, 0, (uint8_t)(10 + side), 0);
}

static uint32_t line_us(const struct sim_pair_host *h)
{
	uint32_t rtt_us = h->world->config->rtt_us;

	return (rtt_us != 0 ? rtt_us : SIM_PAIR_RTT_US) / 2 + h->net->profile.access.delay_us;
}

static void do_open_relay(struct sim_pair_host *h, const struct punch_action *a)
{
	struct addr relayed = sim_pair_relay_addr(h->who);

	if (a->slot >= PUNCH_SLOTS_MAX || h->slots[a->slot].open || !h->world->config->has_relay)
		abort();
	relayed.port = (uint16_t)(RELAY_FIRST_PORT + h->relays++);
	h->slots[a->slot] =
		(struct sim_pair_slot){ .open = true, .is_relay = true, .local = relayed };
	/* Allocate is asked twice: without credentials, then with them. */
	sim_pair_put(h->world, SIM_PAIR_RELAY_OPEN, (size_t)h->who * 1024 + a->slot,
		     h->world->now_us + 4ull * line_us(h), (struct bytes){ 0 });
}

void sim_pair_host_on_relay_open(struct sim_pair_host *h, uint16_t slot)
{
	if (!h->slots[slot].open || h->is_finished)
		return;
	h->is_awake = true;
	h->world->driver->on_relay(h->end, slot, &h->slots[slot].local, 0, sim_pair_clock(h));
}

static bool is_permitted(const struct sim_pair_host *h, const struct addr *peer)
{
	for (size_t i = 0; i < h->permitted_count; i++) {
		if (addr_equal_ip(&h->permitted[i], peer))
			return true;
	}
	return false;
}

static void send_by_relay(struct sim_pair_host *h, struct sim_pair_slot *slot,
			  const struct punch_action *a)
{
	uint8_t buf[SIM_PACKET_LEN];
	size_t len;

	if (a->to.family != slot->local.family || addr_special_find(&a->to) != NULL) {
		h->world->driver->on_send_failed(h->end, a->slot, EAFNOSUPPORT, sim_pair_clock(h));
		return;
	}
	if (!is_permitted(h, &a->to) && h->permitted_count < SIM_PAIR_PERMISSIONS)
		h->permitted[h->permitted_count++] = a->to;
	len = packet_build_udp(buf, sizeof(buf), &slot->local, &a->to, a->data);
	sim_pair_put(h->world, SIM_PAIR_TO_RELAY, h->who, h->world->now_us + line_us(h),
		     bytes_of(buf, len));
}

void sim_pair_at_relay(struct sim_pair_world *w, unsigned side, const struct packet *p)
{
	struct sim_pair_host *h = &w->hosts[side];
	uint16_t slot = slot_at(h, &p->destination, true);

	if (p->kind != PACKET_DATAGRAM || slot == PUNCH_SLOTS_MAX || !is_permitted(h, &p->source))
		return;
	sim_pair_put(w, SIM_PAIR_FROM_RELAY, side, w->now_us + line_us(h), p->whole);
}

void sim_pair_host_on_relayed(struct sim_pair_host *h, struct bytes packet)
{
	struct packet p;
	uint16_t slot;

	if (h->is_finished || !packet_parse(packet, &p))
		return;
	slot = slot_at(h, &p.destination, true);
	if (slot == PUNCH_SLOTS_MAX)
		return;
	h->is_awake = true;
	h->world->driver->on_datagram(h->end, slot, &p.source, p.data, sim_pair_clock(h));
}

/* --- actions --- */

static void do_send(struct sim_pair_host *h, const struct punch_action *a)
{
	struct sim_pair_slot *slot = &h->slots[a->slot];
	uint8_t buf[SIM_PACKET_LEN];
	size_t len;

	if (a->slot >= PUNCH_SLOTS_MAX || !slot->open || a->to.port == 0)
		abort();
	if (slot->is_relay) {
		send_by_relay(h, slot, a);
		return;
	}
	if (a->to.family != slot->local.family) {
		h->world->driver->on_send_failed(h->end, a->slot, EAFNOSUPPORT, sim_pair_clock(h));
		return;
	}
	len = packet_build_udp(buf, sizeof(buf), &slot->local, &a->to, a->data);
	packet_set_ttl(buf, a->ttl != 0 ? a->ttl : TTL_USUAL);
	sim_pair_from_host(h, bytes_of(buf, len));
}

static void do_tell(struct sim_pair_host *h, const struct punch_action *a)
{
	struct sim_pair_world *w = h->world;
	const struct sim_pair_config *c = w->config;
	uint64_t at_us =
		w->now_us + (c->carrier_delay_us != 0 ? c->carrier_delay_us : SIM_PAIR_CARRIER_US);

	if (c->one_way && h->who == 1)
		return;
	while (c->carrier_loss_per_mille > 0 &&
	       rng_below(&w->rng, 1000) < c->carrier_loss_per_mille)
		at_us += 1000000;
	if (at_us < h->last_message_us)
		at_us = h->last_message_us;
	h->last_message_us = at_us;
	for (size_t i = 0; i < SIM_PAIR_MESSAGES_MAX; i++) {
		struct sim_pair_message *m = &w->messages[i];

		if (m->used)
			continue;
		if (a->data.len > sizeof(m->data))
			abort();
		m->used = true;
		m->to = 1 - h->who;
		m->len = a->data.len;
		memcpy(m->data, a->data.data, a->data.len);
		sim_pair_put(w, SIM_PAIR_MESSAGE, i, at_us, (struct bytes){ 0 });
		return;
	}
	abort();
}

static void do_tcp(struct sim_pair_host *h, const struct punch_action *a)
{
	struct addr local = addr_with_port(&h->addr, a->port);

	if (a->kind == PUNCH_WRITE) {
		sim_pair_tcp_write(&h->tcp, a->slot, a->data);
		return;
	}
	if (a->kind == PUNCH_DISCONNECT) {
		sim_pair_tcp_close(&h->tcp, a->slot, a->quiet);
		return;
	}
	if (a->port == 0)
		local.port = sim_pair_pick_port(h, true);
	if (a->kind == PUNCH_LISTEN)
		sim_pair_tcp_listen(&h->tcp, a->slot, &local);
	else
		sim_pair_tcp_connect(&h->tcp, a->slot, &local, &a->to, a->ttl);
}

static void do_action(struct sim_pair_host *h, const struct punch_action *a)
{
	switch (a->kind) {
	case PUNCH_OPEN:
		do_open(h, a);
		break;
	case PUNCH_OPEN_RELAY:
		do_open_relay(h, a);
		break;
	case PUNCH_MAP:
		sim_pair_gateway_map(h, a);
		break;
	case PUNCH_SEND:
		do_send(h, a);
		break;
	case PUNCH_CLOSE:
		if (a->slot >= PUNCH_SLOTS_MAX || !h->slots[a->slot].open)
			abort();
		h->slots[a->slot].open = false;
		break;
	case PUNCH_TELL:
		do_tell(h, a);
		break;
	default:
		do_tcp(h, a);
		break;
	}
}

void sim_pair_host_run(struct sim_pair_host *h)
{
	struct punch_action a;

	h->is_awake = false;
	h->deadline_us = UINT64_MAX;
	while (!h->is_finished && h->calls < CALLS_MAX) {
		h->calls++;
		switch (h->world->driver->next(h->end, sim_pair_clock(h), &a)) {
		case PUNCH_FINISHED:
			h->is_finished = true;
			h->ended_us = h->world->now_us;
			return;
		case PUNCH_WAIT:
			if (a.deadline_us != UINT64_MAX)
				h->deadline_us = (uint64_t)((int64_t)a.deadline_us - h->clock_us);
			return;
		default:
			do_action(h, &a);
			break;
		}
	}
}

unsigned sim_pair_host_open(const struct sim_pair_host *h)
{
	unsigned n = 0;

	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++)
		n += h->slots[i].open;
	for (size_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++)
		n += h->tcp.used[i];
	return n;
}

/* --- what comes in --- */

static void say_unreachable(struct sim_pair_host *h, const struct packet *p)
{
	bool ipv4 = p->source.family == ADDR_IPV4;
	uint8_t buf[PACKET_ERROR_MAX];
	size_t len;

	if (h->icmp_sent++ >= ICMP_MOST)
		return;
	len = packet_build_error(buf, sizeof(buf), &h->addr, &p->source,
				 ipv4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE, ipv4 ? 3 : 4, 0,
				 p->whole);
	sim_pair_from_host(h, bytes_of(buf, len));
}

static void on_udp(struct sim_pair_host *h, const struct packet *p)
{
	uint16_t slot = slot_at(h, &p->destination, false);

	if (p->destination.port == PORTMAP_ANNOUNCE_PORT) {
		sim_pair_gateway_on_packet(h, p);
		return;
	}
	if (slot == PUNCH_SLOTS_MAX) {
		say_unreachable(h, p);
		return;
	}
	h->is_awake = true;
	h->world->driver->on_datagram(h->end, slot, &p->source, p->data, sim_pair_clock(h));
}

static enum punch_icmp icmp_kind(const struct packet *p)
{
	bool ipv4 = p->source.family == ADDR_IPV4;

	if (p->icmp_type == (ipv4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED))
		return PUNCH_ICMP_TTL;
	return p->icmp_code == (ipv4 ? 3 : 4) ? PUNCH_ICMP_PORT : PUNCH_ICMP_UNREACHABLE;
}

static void on_error(struct sim_pair_host *h, const struct packet *p)
{
	struct packet about;
	uint16_t slot;

	if (!packet_parse_quoted(p->data, &about))
		return;
	if (about.kind == PACKET_SEGMENT) {
		sim_pair_tcp_on_error(&h->tcp, &about);
		return;
	}
	slot = slot_at(h, &about.source, false);
	if (slot == PUNCH_SLOTS_MAX)
		return;
	h->is_awake = true;
	h->world->driver->on_icmp(h->end, slot, &about.destination, icmp_kind(p),
				  sim_pair_clock(h));
}

void sim_pair_host_on_packet(struct sim_pair_host *h, struct bytes packet)
{
	struct packet p;

	if (h->is_finished || !packet_parse(packet, &p) || !packet_checksums_ok(packet))
		return;
	if (p.kind == PACKET_DATAGRAM)
		on_udp(h, &p);
	else if (p.kind == PACKET_SEGMENT)
		sim_pair_tcp_on_segment(&h->tcp, &p);
	else if (p.kind == PACKET_ERROR)
		on_error(h, &p);
}
