#include <errno.h>
#include <stdlib.h>

#include "sim_deep_parts.h"

#define CALLS_MAX 400000 /* of deep_next: one that spins must not hang a test */

static bool is_bound(const struct sim_deep *s, uint16_t port)
{
	for (size_t i = 0; i < DEEP_SLOTS_MAX; i++) {
		if (s->slots[i].family != ADDR_NONE && s->slots[i].port == port)
			return true;
	}
	return false;
}

static void do_open(struct sim_deep *s, const struct deep_action *a)
{
	struct addr local = a->local.family != ADDR_NONE ? a->local : s->world.hosts[0].addr;
	struct sim_deep_result *r = s->result;

	if (a->slot >= DEEP_SLOTS_MAX || s->slots[a->slot].family != ADDR_NONE)
		abort();
	local.port = a->port;
	while (local.port == 0 || (a->port == 0 && is_bound(s, local.port)))
		local.port = (uint16_t)(32768 + rng_below(&s->world.hosts[0].rng, 28232));
	if (is_bound(s, local.port) || sim_happens(&s->world, s->config->taken_per_mille)) {
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
	len = packet_build_udp(buf, sizeof(buf), &s->slots[a->slot], &a->to, a->data);
	if (len == 0)
		deep_on_send_error(s->deep, a->slot, -EMSGSIZE, s->world.now_us);
	else
		sim_path_from_host(&s->world, &s->world.hosts[0], bytes_of(buf, len));
}

static void do_close(struct sim_deep *s, uint16_t slot)
{
	if (slot >= DEEP_SLOTS_MAX || s->slots[slot].family == ADDR_NONE)
		abort();
	s->slots[slot] = (struct addr){ 0 };
	s->open--;
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
	case DEEP_LISTEN:
	case DEEP_CONNECT:
		deep_on_closed(s->deep, a->slot, -EOPNOTSUPP, s->world.now_us);
		break;
	default:
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

void sim_deep_host_on_packet(struct sim_deep *s, struct bytes packet)
{
	struct packet p;

	if (s->result->ended || !packet_parse(packet, &p) || !packet_checksums_ok(packet) ||
	    p.kind != PACKET_DATAGRAM)
		return;
	for (uint16_t i = 0; i < DEEP_SLOTS_MAX; i++) {
		if (!addr_equal(&s->slots[i], &p.destination))
			continue;
		s->is_awake = true;
		deep_on_datagram(s->deep, i, &p.source, p.data, s->world.now_us);
		return;
	}
}
