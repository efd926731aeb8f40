#include "sim_parts.h"

#include <stdlib.h>

#include "natlab/hop.h"

#define INSIDE_US      200 /* between a host and the first box, each way */
#define DEFAULT_RTT_US 50000
#define NEIGHBOUR_US   1000 /* between two servers */

static void travel(struct sim_world *w, struct sim_way *way, uint64_t at_us, struct sim_event event,
		   struct bytes packet)
{
	event.at_us = at_us;
	sim_way_send(way, &w->rng, &w->queue, event, packet);
}

/* To the interface that it is addressed to, if any. */
static void to_host(struct sim_world *w, struct bytes packet)
{
	struct packet p;

	if (!packet_parse(packet, &p))
		return;
	for (size_t i = 0; i < w->host_count; i++) {
		struct sim_host *h = &w->hosts[i];
		struct sim_event e = { .kind = SIM_AT_HOST, .who = h->nic };

		if (addr_equal_ip(&h->addr, &p.destination))
			travel(w, &h->down, w->now_us, e, packet);
	}
}

static void leave_box(struct sim_box *box, enum nat_side side, struct bytes packet)
{
	struct sim_world *w = box->world;
	struct sim_event e = { .kind = SIM_AT_BOX, .at_us = w->now_us };

	if (packet.len > SIM_PACKET_LEN)
		return;
	if (side == NAT_OUTSIDE && box->layer == 0) {
		travel(w, &w->out, w->now_us, (struct sim_event){ .kind = SIM_AT_SERVERS }, packet);
	} else if (side == NAT_OUTSIDE || box->layer + 1 < w->profile->layer_count) {
		/* To the next box, at once, but not while this one is at work. */
		e.who = (uint16_t)(side == NAT_OUTSIDE ? box->layer - 1 : box->layer + 1);
		e.side = side == NAT_OUTSIDE ? NAT_INSIDE : NAT_OUTSIDE;
		sim_queue_put(&w->queue, e, packet);
	} else {
		to_host(w, packet);
	}
}

static void on_emit(void *arg, enum nat_side side, struct bytes packet)
{
	leave_box(arg, side, packet);
}

/* The packet goes through the box, unless it is for the box itself, or its TTL ends. */
static bool enters(struct sim_box *box, enum nat_side side, uint8_t *packet, size_t len)
{
	uint8_t error[PACKET_ERROR_MAX];
	size_t error_len;

	if (sim_way_enter(&box->world->profile->layers[box->layer], side, packet, len, error,
			  &error_len))
		return true;
	if (error_len > 0)
		leave_box(box, side, bytes_of(error, error_len));
	return false;
}

void sim_path_at_servers(struct sim_world *w, struct bytes packet)
{
	struct addr self = sim_server_addr(w, 0, 0);
	uint8_t buf[SIM_PACKET_LEN], error[PACKET_ERROR_MAX];
	size_t error_len;

	self.ip[addr_ip_len(self.family) - 1] = 1;
	memcpy(buf, packet.data, packet.len);
	if (sim_way_hop(buf, packet.len, &self, error, &error_len))
		(w->at_servers != NULL ? w->at_servers
				       : sim_server_on_packet)(w, bytes_of(buf, packet.len));
	else if (error_len > 0)
		sim_path_from_servers(w, bytes_of(error, error_len));
}

static void on_decision(void *arg, const struct nat_event *event)
{
	const struct sim_box *box = arg;

	sim_trace_decision(box->world, box->layer, event);
}

static void add_asked(struct sim_world *w, struct sim_way *way, bool out, uint32_t delay_us)
{
	struct nat_link_config c = w->config->access;

	if (out ? w->config->loss_in_only : w->config->loss_out_only)
		c.loss = 0;
	sim_way_add(way, &c, delay_us);
}

static void start_ways(struct sim_world *w)
{
	bool inside = w->config->loses_inside;
	uint32_t rtt_us = w->config->rtt_us != 0 ? w->config->rtt_us : DEFAULT_RTT_US;
	uint32_t inside_us = rtt_us >= 4 * INSIDE_US ? INSIDE_US : rtt_us / 4;
	uint32_t out_us = rtt_us / 2 - inside_us, in_us = rtt_us - rtt_us / 2 - inside_us;
	bool has_box = w->profile->layer_count > 0;

	w->out = w->in = (struct sim_way){ 0 };
	if (inside) {
		sim_way_add(&w->out, NULL, out_us);
		sim_way_add(&w->in, NULL, in_us);
	} else {
		add_asked(w, &w->out, true, out_us);
		add_asked(w, &w->in, false, in_us);
	}
	for (size_t i = 0; i < w->host_count; i++) {
		struct sim_host *h = &w->hosts[i];

		h->up = h->down = (struct sim_way){ 0 };
		sim_way_add(&h->up, &w->profile->access, inside_us);
		sim_way_add(&h->down, &w->profile->access, inside_us);
		if (!has_box || inside) {
			add_asked(w, &h->up, true, has_box ? 0 : out_us);
			add_asked(w, &h->down, false, has_box ? 0 : in_us);
		}
	}
}

void sim_path_start(struct sim_world *w, struct rng *seeds)
{
	start_ways(w);
	for (size_t i = 0; i < w->profile->layer_count; i++) {
		struct sim_box *box = &w->boxes[i];
		struct nat_io io = { .emit = on_emit, .arg = box };

		if (w->config->trace != NULL)
			io.log = on_decision;

		*box = (struct sim_box){ .world = w, .layer = i, .tick_us = UINT64_MAX };
		box->nat = nat_new(&w->profile->layers[i], rng_next(seeds), &io);
		if (box->nat == NULL)
			abort();
	}
}

void sim_path_end(struct sim_world *w)
{
	for (size_t i = 0; i < w->profile->layer_count; i++)
		nat_free(w->boxes[i].nat);
}

void sim_path_from_host(struct sim_world *w, struct sim_host *h, struct bytes packet)
{
	size_t layers = w->profile->layer_count;
	uint64_t at_us = SIM_START_US + w->config->wakes_after_us;
	struct sim_event e = { .kind = SIM_AT_SERVERS };

	sim_trace_packet(w, "from host", h->nic, packet);
	if (w->now_us < SIM_START_US + w->config->loses_until_us)
		return;
	if (layers > 0)
		e = (struct sim_event){ .kind = SIM_AT_BOX,
					.who = (uint16_t)(layers - 1),
					.side = NAT_INSIDE };
	travel(w, &h->up, at_us > w->now_us ? at_us : w->now_us, e, packet);
}

void sim_path_from_servers(struct sim_world *w, struct bytes packet)
{
	struct sim_event e = { .kind = SIM_AT_BOX, .who = 0, .side = NAT_OUTSIDE };

	struct packet p;

	sim_trace_packet(w, "from servers", 0, packet);
	if (packet_parse(packet, &p) && sim_turn_is_at(w, &p.destination)) {
		sim_put(w, SIM_AT_SERVERS, 0, w->now_us + NEIGHBOUR_US, packet);
		return;
	}
	if (w->profile->layer_count == 0)
		to_host(w, packet);
	else
		travel(w, &w->in, w->now_us, e, packet);
}

/* Asks a box what is due, and when to ask again. */
static void look_after(struct sim_world *w, size_t layer)
{
	struct sim_box *box = &w->boxes[layer];
	uint64_t due_us = nat_tick(box->nat, w->now_us);

	if (due_us >= box->tick_us)
		return;
	box->tick_us = due_us;
	sim_put(w, SIM_TICK, layer, due_us, (struct bytes){ 0 });
}

void sim_path_at_box(struct sim_world *w, const struct sim_event *e, struct bytes packet)
{
	uint8_t buf[SIM_PACKET_LEN];

	sim_trace_packet(w, e->side == NAT_INSIDE ? "inside of box" : "outside of box", e->who,
			 packet);
	memcpy(buf, packet.data, packet.len);
	if (!enters(&w->boxes[e->who], (enum nat_side)e->side, buf, packet.len))
		return;
	nat_input(w->boxes[e->who].nat, (enum nat_side)e->side, bytes_of(buf, packet.len),
		  w->now_us);
	look_after(w, e->who);
}

void sim_path_tick(struct sim_world *w, const struct sim_event *e)
{
	struct sim_box *box = &w->boxes[e->who];

	if (box->tick_us != e->at_us)
		return; /* an earlier one took its place */
	box->tick_us = UINT64_MAX;
	look_after(w, e->who);
}

void sim_path_new_address(struct sim_world *w)
{
	struct addr external;

	for (size_t i = 0; i < w->profile->layer_count; i++) {
		if (w->profile->layers[i].external_count == 0)
			continue;
		external = w->profile->layers[i].externals[0];
		external.ip[addr_ip_len(external.family) - 1] ^= 0x40;
		nat_new_address(w->boxes[i].nat, &external, w->now_us);
		return;
	}
}

void sim_path_flush(struct sim_world *w)
{
	size_t layers = w->profile->layer_count;

	if (layers > 0)
		nat_flush(w->boxes[layers - 1].nat, w->now_us);
}
