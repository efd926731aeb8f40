#include "sim_parts.h"

#include <stdlib.h>

#include "turn_resolve.h"

#define CALLS_MAX  40000 /* with those of the discovery */
#define TIMEOUT_US 30000000
#define LINE_US    20000

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

void sim_vantage_start(struct sim_host *h)
{
	const struct sim_config *c = h->world->config;
	const struct addr to = sim_reach(c, &c->turn->addr);
	const struct vantage_target targets[] = { { TURN_OVER_UDP, to }, { TURN_OVER_TCP, to } };
	const struct vantage_config config = {
		.targets = targets,
		.target_count = c->turn->has_lines ? 2 : 1,
		.credentials = c->turn->credentials,
		.name = "turn:relay",
		.timeout_us = TIMEOUT_US,
		.random = fill_random,
		.random_arg = &h->rng,
	};

	memset(h->slots, 0, sizeof(h->slots));
	h->vantage = vantage_new(&config, &h->result->verdict, h->world->now_us);
	if (h->vantage == NULL)
		abort();
	h->vantage_since_us = h->world->now_us;
	h->is_awake = true;
}

static void bind_fresh(struct sim_host *h, struct addr *to)
{
	if (to->family != ADDR_NONE)
		abort();
	*to = addr_with_port(&h->addr, sim_host_pick_port(h));
	h->open++;
}

static void unbind(struct sim_host *h, struct addr *a)
{
	if (a->family == ADDR_NONE)
		abort();
	*a = (struct addr){ 0 };
	h->open--;
}

static void send_from(struct sim_host *h, const struct addr *from, const struct addr *to,
		      struct bytes data)
{
	uint8_t buf[SIM_PACKET_LEN];

	if (from->family == ADDR_NONE)
		abort();
	sim_host_note_send(h);
	sim_path_from_host(h->world, h,
			   bytes_of(buf, packet_build_udp(buf, sizeof(buf), from, to, data)));
}

/* Of an end that is no part of the network. */
static uint8_t line_of(const struct sim_host *h, uint8_t end)
{
	return (uint8_t)(h->nic * VANTAGE_ENDS + end);
}

static void do_action(struct sim_host *h, const struct vantage_action *a)
{
	struct addr turn = sim_reach(h->world->config, &h->world->config->turn->addr);

	switch (a->kind) {
	case VANTAGE_DIAL:
		bind_fresh(h, &h->ends[a->end]);
		vantage_on_dialled(h->vantage, a->end, h->world->now_us);
		break;
	case VANTAGE_HANG_UP:
		if (a->transport == TURN_OVER_TCP)
			sim_turn_on_line_closed(h->world, line_of(h, a->end));
		unbind(h, &h->ends[a->end]);
		break;
	case VANTAGE_SAY:
		if (a->transport == TURN_OVER_TCP)
			sim_put(h->world, SIM_TO_TURN, line_of(h, a->end),
				h->world->now_us + LINE_US, a->data);
		else
			send_from(h, &h->ends[a->end], &turn, a->data);
		break;
	case VANTAGE_CALL:
		bind_fresh(h, &h->calls[a->slot].local);
		h->result->connections++;
		sim_tcp_connect(h, a->slot, h->calls[a->slot].local.port, &a->to, a->data);
		break;
	case VANTAGE_END_CALL:
		sim_tcp_close(h, a->slot);
		unbind(h, &h->calls[a->slot].local);
		break;
	case VANTAGE_OPEN:
		bind_fresh(h, &h->slots[a->slot]);
		vantage_on_open(h->vantage, a->slot, &h->slots[a->slot]);
		break;
	case VANTAGE_SEND:
		send_from(h, &h->slots[a->slot], &a->to, a->data);
		break;
	case VANTAGE_CLOSE:
		unbind(h, &h->slots[a->slot]);
		break;
	default:
		abort();
	}
}

static void end(struct sim_host *h)
{
	vantage_conclude(h->vantage, &h->result->verdict);
	vantage_free(h->vantage);
	h->vantage = NULL;
	sim_host_end(h);
}

void sim_vantage_run(struct sim_host *h)
{
	struct vantage_action a;

	uint64_t stop_us = h->vantage_since_us + h->world->config->turn_stops_after_us;

	h->deadline_us = UINT64_MAX;
	if (stop_us > h->vantage_since_us && h->world->now_us >= stop_us)
		vantage_stop(h->vantage, h->world->now_us);
	if (!h->has_floor && vantage_wants_floor(h->vantage))
		return;
	while (h->result->calls++ < CALLS_MAX) {
		switch (vantage_next(h->vantage, h->world->now_us, &a)) {
		case VANTAGE_DONE:
			end(h);
			return;
		case VANTAGE_WAIT:
			h->deadline_us = a.deadline_us;
			if (stop_us > h->world->now_us && stop_us < a.deadline_us &&
			    stop_us > h->vantage_since_us)
				h->deadline_us = stop_us;
			return;
		default:
			do_action(h, &a);
			break;
		}
	}
	abort(); /* it spins */
}

void sim_vantage_on_udp(struct sim_host *h, const struct packet *p)
{
	uint64_t now_us = h->world->now_us;

	for (uint8_t i = 0; i < VANTAGE_ENDS; i++) {
		if (addr_equal(&h->ends[i], &p->destination)) {
			h->is_awake = true;
			vantage_on_frame(h->vantage, i, p->data, now_us);
		}
	}
	for (uint8_t i = 0; i < VANTAGE_SLOTS; i++) {
		if (addr_equal(&h->slots[i], &p->destination)) {
			h->is_awake = true;
			vantage_on_datagram(h->vantage, i, &p->source, p->data, now_us);
		}
	}
}

void sim_vantage_on_frame(struct sim_host *h, uint8_t end, struct bytes frame)
{
	if (h->vantage == NULL || h->ends[end].family == ADDR_NONE)
		return;
	h->is_awake = true;
	vantage_on_frame(h->vantage, end, frame, h->world->now_us);
}

/* A TCP that only takes calls, and does not talk. */
bool sim_vantage_on_segment(struct sim_host *h, const struct packet *p)
{
	uint8_t buf[SIM_PACKET_LEN];

	for (uint8_t i = 0; h->vantage != NULL && i < VANTAGE_CALLS; i++) {
		struct sim_call *c = &h->calls[i];
		bool is_known = addr_equal(&c->remote, &p->source);

		if (!addr_equal(&c->local, &p->destination))
			continue;
		if ((p->tcp_flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN) {
			struct packet_tcp answer = { .flags = PACKET_SYN | PACKET_ACK,
						     .ack = p->tcp_seq + 1 };

			if (!is_known)
				c->first = (uint32_t)rng_next(&h->rng);
			answer.seq = c->first;
			c->remote = p->source;
			sim_path_from_host(
				h->world, h,
				bytes_of(buf,
					 packet_build_tcp(buf, sizeof(buf), &c->local, &c->remote,
							  &answer, (struct bytes){ 0 })));
			return true;
		}
		if (!is_known)
			return false;
		if ((p->tcp_flags & PACKET_ACK) != 0 && p->tcp_ack == c->first + 1) {
			h->is_awake = true;
			vantage_on_accepted(h->vantage, i, &p->source);
		}
		return true;
	}
	return false;
}
