#include <errno.h>
#include <stdlib.h>

#include "sim_deep_parts.h"

#define CALLS_MAX 400000 /* of deep_next: one that spins must not hang a test */

static bool is_bound(const struct sim_deep *s, const struct addr *local)
{
	for (size_t i = 0; i < DEEP_SLOTS_MAX; i++) {
		if (addr_equal(&s->slots[i], local))
			return true;
	}
	return false;
}

void sim_deep_from_host(struct sim_deep *s, struct bytes packet)
{
	struct packet p;
	size_t i;

	if (!packet_parse(packet, &p))
		abort();
	i = addr_equal_ip(&p.source, &s->world.hosts[1].addr);
	sim_path_from_host(&s->world, &s->world.hosts[i], packet);
}

static void do_open(struct sim_deep *s, const struct deep_action *a)
{
	struct addr local = a->local.family != ADDR_NONE ? a->local : s->world.hosts[0].addr;
	struct sim_deep_result *r = s->result;

	if (a->slot >= DEEP_SLOTS_MAX || s->slots[a->slot].family != ADDR_NONE)
		abort();
	local.port = a->port;
	while (local.port == 0 || (a->port == 0 && is_bound(s, &local)))
		local.port = (uint16_t)(32768 + rng_below(&s->world.hosts[0].rng, 28232));
	if (is_bound(s, &local) || sim_happens(&s->world, s->config->taken_per_mille)) {
		deep_on_open_failed(s->deep, a->slot, -EADDRINUSE, s->world.now_us);
		return;
	}
	s->slots[a->slot] = local;
	s->open++;
	if (s->open > r->most_open)
		r->most_open = s->open;
	deep_on_open(s->deep, a->slot, &local, s->world.now_us);
}

static void do_send(struct sim_deep *s, const struct deep_action *a)
{
	struct sim_deep_result *r = s->result;
	uint8_t buf[SIM_PACKET_LEN];
	size_t len;

	if (a->slot >= DEEP_SLOTS_MAX || s->slots[a->slot].family == ADDR_NONE)
		abort();
	if (r->datagrams < SIM_DEEP_SENDS_MAX)
		s->sends_us[r->datagrams] = s->world.now_us;
	r->datagrams++;
	if ((a->flags & DEEP_SEND_FRAGMENTS) != 0) {
		if (s->config->has_no_raw_sockets)
			abort();
		sim_deep_fragments(s, &s->slots[a->slot], &a->to, a->data,
				   (a->flags & DEEP_SEND_REVERSED) != 0, sim_deep_from_host);
		return;
	}
	len = packet_build_udp(buf, sizeof(buf), &s->slots[a->slot], &a->to, a->data);
	if (len == 0 || len > SIM_DEEP_MTU) {
		if ((a->flags & DEEP_SEND_DF) != 0)
			deep_on_send_error(s->deep, a->slot, -EMSGSIZE, s->world.now_us);
		else
			sim_deep_fragments(s, &s->slots[a->slot], &a->to, a->data, false,
					   sim_deep_from_host);
		return;
	}
	packet_set_ttl(buf, a->ttl != 0 ? a->ttl : 64);
	sim_deep_from_host(s, bytes_of(buf, len));
}

static void do_close(struct sim_deep *s, uint16_t slot)
{
	if (slot >= DEEP_SLOTS_MAX || s->slots[slot].family == ADDR_NONE)
		abort();
	s->slots[slot] = (struct addr){ 0 };
	s->open--;
}

static struct addr tcp_local(struct sim_deep *s, uint16_t port)
{
	struct addr local = addr_with_port(&s->world.hosts[0].addr, port);

	if (port == 0)
		local.port = (uint16_t)(32768 + rng_below(&s->world.hosts[0].rng, 28232));
	return local;
}

static void do_tcp(struct sim_deep *s, const struct deep_action *a)
{
	struct addr local = tcp_local(s, a->port);

	if (a->kind == DEEP_LISTEN)
		sim_deep_tcp_listen(s, a->slot, &local);
	else if (a->kind == DEEP_CONNECT)
		sim_deep_tcp_connect(s, a->slot, &local, &a->to);
	else if (a->kind == DEEP_WRITE)
		sim_deep_tcp_write(s, a->slot, a->data);
	else
		sim_deep_tcp_close(s, a->slot);
}

static void do_action(struct sim_deep *s, const struct deep_action *a)
{
	switch (a->kind) {
	case DEEP_OPEN:
		do_open(s, a);
		break;
	case DEEP_SEND:
		do_send(s, a);
		break;
	case DEEP_CLOSE:
		do_close(s, a->slot);
		break;
	default:
		do_tcp(s, a);
		break;
	}
}

void sim_deep_host_run(struct sim_deep *s)
{
	struct deep_action a;

	s->is_awake = false;
	while (s->result->calls < CALLS_MAX) {
		s->result->calls++;
		switch (deep_next(s->deep, s->world.now_us, &a)) {
		case DEEP_FINISHED:
			s->result->ended = true;
			s->deadline_us = UINT64_MAX;
			return;
		case DEEP_WAIT:
			s->deadline_us = a.deadline_us;
			return;
		default:
			do_action(s, &a);
			break;
		}
	}
	s->deadline_us = UINT64_MAX;
}

static uint16_t slot_at(const struct sim_deep *s, const struct addr *local)
{
	uint16_t i = 0;

	while (i < DEEP_SLOTS_MAX && !addr_equal(&s->slots[i], local))
		i++;
	return i;
}

static void on_udp(struct sim_deep *s, const struct addr *from, const struct addr *to,
		   struct bytes data)
{
	uint16_t slot = slot_at(s, to);

	if (slot == DEEP_SLOTS_MAX)
		return;
	s->is_awake = true;
	deep_on_datagram(s->deep, slot, from, data, s->world.now_us);
}

static void on_error(struct sim_deep *s, const struct packet *p)
{
	bool too_big = p->source.family == ADDR_IPV6
			       ? p->icmp_type == ICMP6_TOO_BIG
			       : p->icmp_type == ICMP4_UNREACHABLE && p->icmp_code == 4;
	struct deep_icmp icmp = { .type = p->icmp_type, .code = p->icmp_code };
	struct packet about;
	uint16_t slot;

	if (s->config->hides_icmp || !packet_parse_quoted(p->data, &about))
		return;
	slot = slot_at(s, &about.source);
	if (slot == DEEP_SLOTS_MAX)
		return;
	icmp.router = p->source;
	icmp.to = about.destination;
	icmp.inside = about.data;
	icmp.mtu = too_big ? p->icmp_rest & 0xffff : 0;
	s->is_awake = true;
	deep_on_icmp(s->deep, slot, &icmp, s->world.now_us);
}

void sim_deep_host_on_packet(struct sim_deep *s, struct bytes packet)
{
	struct sim_deep_whole whole;
	struct packet p;

	if (s->result->ended || packet.len > SIM_DEEP_MTU || !packet_parse(packet, &p) ||
	    !packet_checksums_ok(packet))
		return;
	if (packet_is_fragment(&p)) {
		if (sim_deep_piece(s, &p, &whole))
			on_udp(s, &whole.source, &whole.destination, whole.data);
	} else if (p.kind == PACKET_DATAGRAM) {
		on_udp(s, &p.source, &p.destination, p.data);
	} else if (p.kind == PACKET_SEGMENT) {
		sim_deep_tcp_at_host(s, &p);
	} else if (p.kind == PACKET_ERROR) {
		on_error(s, &p);
	}
}
