#include <stdlib.h>

#include "addr_special.h"
#include "natlab/hop.h"
#include "sim_pair_parts.h"

static struct sim_pair_net *net_of(struct sim_pair_world *w, const struct sim_event *e)
{
	return &w->nets[e->who / NAT_LAYERS_MAX];
}

static void send_way(struct sim_pair_world *w, struct sim_way *way, uint8_t side,
		     struct sim_event event, struct bytes packet)
{
	event.at_us = w->now_us;
	if (sim_way_send(way, &w->rng, &w->queue, event, packet) == 0)
		sim_pair_log_lost(w, side, packet);
}

static struct sim_event at_box(const struct sim_pair_world *w, size_t net, size_t layer,
			       enum nat_side side)
{
	return (struct sim_event){ .kind = SIM_PAIR_AT_BOX,
				   .who = (uint16_t)(net * NAT_LAYERS_MAX + layer),
				   .side = (uint8_t)side,
				   .at_us = w->now_us };
}

/* To the host of this network that it is addressed to, if any. */
static void to_host(struct sim_pair_world *w, const struct sim_pair_net *net, struct bytes packet)
{
	struct hop_ends ends;

	if (!hop_ends(packet, &ends))
		return;
	for (size_t i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct sim_pair_host *h = &w->hosts[i];
		struct sim_event e = { .kind = SIM_PAIR_AT_HOST, .who = h->who };

		if (h->net == net && addr_equal_ip(&h->addr, &ends.destination))
			send_way(w, &h->down, h->who, e, packet);
	}
}

static void leave_box(struct sim_pair_box *box, enum nat_side side, struct bytes packet)
{
	struct sim_pair_world *w = box->world;
	struct sim_pair_net *net = &w->nets[box->net];
	struct sim_event e = { .kind = SIM_PAIR_AT_CORE, .who = box->net };

	if (packet.len > SIM_PACKET_LEN)
		return;
	if (side == NAT_OUTSIDE && box->layer == 0)
		send_way(w, &net->out, box->net, e, packet);
	else if (side == NAT_OUTSIDE)
		sim_queue_put(&w->queue, at_box(w, box->net, box->layer - 1u, NAT_INSIDE), packet);
	else if (box->layer + 1u < net->profile.layer_count)
		sim_queue_put(&w->queue, at_box(w, box->net, box->layer + 1u, NAT_OUTSIDE), packet);
	else
		to_host(w, net, packet);
}

static void on_emit(void *arg, enum nat_side side, struct bytes packet)
{
	leave_box(arg, side, packet);
}

static void on_decision(void *arg, const struct nat_event *event)
{
	sim_pair_log_decision(arg, event);
}

/* The packet goes through the box, unless it is for the box itself, or its TTL ends. */
static bool enters(struct sim_pair_box *box, enum nat_side side, uint8_t *packet, size_t len)
{
	const struct nat_config *c = &box->world->nets[box->net].profile.layers[box->layer];
	uint8_t error[PACKET_ERROR_MAX];
	size_t error_len;

	if (sim_way_enter(c, side, packet, len, error, &error_len))
		return true;
	sim_pair_log_ended(box->world, box->net, bytes_of(packet, len));
	if (error_len > 0)
		leave_box(box, side, bytes_of(error, error_len));
	return false;
}

static void look_after(struct sim_pair_world *w, struct sim_pair_box *box)
{
	uint64_t due_us = nat_tick(box->nat, w->now_us);

	if (due_us >= box->tick_us)
		return;
	box->tick_us = due_us;
	sim_pair_put(w, SIM_PAIR_TICK, (size_t)box->net * NAT_LAYERS_MAX + box->layer, due_us,
		     (struct bytes){ 0 });
}

void sim_pair_at_box(struct sim_pair_world *w, const struct sim_event *e, struct bytes packet)
{
	struct sim_pair_box *box = &net_of(w, e)->boxes[e->who % NAT_LAYERS_MAX];
	uint8_t buf[SIM_PACKET_LEN];

	sim_pair_trace(w, e->side == NAT_INSIDE ? "inside of box" : "outside of box", e->who,
		       packet);
	memcpy(buf, packet.data, packet.len);
	if (!enters(box, (enum nat_side)e->side, buf, packet.len))
		return;
	nat_input(box->nat, (enum nat_side)e->side, bytes_of(buf, packet.len), w->now_us);
	look_after(w, box);
}

void sim_pair_tick(struct sim_pair_world *w, const struct sim_event *e)
{
	struct sim_pair_box *box = &net_of(w, e)->boxes[e->who % NAT_LAYERS_MAX];

	if (box->tick_us != e->at_us)
		return; /* an earlier one took its place */
	box->tick_us = UINT64_MAX;
	look_after(w, box);
}

bool sim_pair_net_owns(const struct sim_pair_world *w, size_t net, const struct addr *a)
{
	const struct sim_pair_net *n = &w->nets[net];

	if (addr_special_find(a) != NULL)
		return false; /* nobody routes it */
	for (size_t i = 0; i < n->profile.layer_count; i++) {
		if (nat_owns(n->boxes[i].nat, a))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(w->hosts); i++) {
		if (w->hosts[i].net == n && addr_equal_ip(&w->hosts[i].addr, a))
			return true;
	}
	return false;
}

/* Routers on the way: true where the packet comes through them. */
static bool pass_routers(struct sim_pair_world *w, uint8_t *packet, size_t len, unsigned hops)
{
	uint8_t error[PACKET_ERROR_MAX];
	size_t error_len;
	struct hop_ends ends;

	if (!hop_ends(bytes_of(packet, len), &ends))
		return false;
	for (unsigned i = 0; i < hops; i++) {
		struct addr self = nat_plan_server(ends.source.family, 0);

		self.ip[addr_ip_len(self.family) - 1] = (uint8_t)(1 + i);
		if (sim_way_hop(packet, len, &self, error, &error_len))
			continue;
		sim_pair_log_ended(w, sim_pair_net_owns(w, 1, &ends.source) && w->net_count > 1,
				   bytes_of(packet, len));
		if (error_len > 0)
			sim_pair_from_core(w, bytes_of(error, error_len));
		return false;
	}
	return true;
}

/* To whoever has its destination. */
void sim_pair_from_core(struct sim_pair_world *w, struct bytes packet)
{
	struct sim_event e = { 0 };
	struct hop_ends ends;
	struct packet p;

	if (!hop_ends(packet, &ends))
		return;
	sim_pair_trace(w, "public network", 0, packet);
	if (sim_pair_is_server(&ends.destination)) {
		sim_pair_put(w, SIM_PAIR_AT_SERVERS, 0, w->now_us, packet);
		return;
	}
	for (unsigned i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct addr relay = sim_pair_relay_addr(i);

		if (addr_equal_ip(&relay, &ends.destination) && packet_parse(packet, &p)) {
			sim_pair_at_relay(w, i, &p);
			return;
		}
	}
	for (size_t i = 0; i < w->net_count; i++) {
		if (!sim_pair_net_owns(w, i, &ends.destination))
			continue;
		if (w->nets[i].profile.layer_count == 0) {
			to_host(w, &w->nets[i], packet);
			return;
		}
		e = at_box(w, i, 0, NAT_OUTSIDE);
		send_way(w, &w->nets[i].in, (uint8_t)i, e, packet);
		return;
	}
}

void sim_pair_at_core(struct sim_pair_world *w, struct bytes packet)
{
	uint8_t buf[SIM_PACKET_LEN];
	struct hop_ends ends;

	memcpy(buf, packet.data, packet.len);
	if (hop_ends(packet, &ends) &&
	    pass_routers(w, buf, packet.len,
			 sim_pair_is_server(&ends.destination) ? 1 : SIM_PAIR_PUBLIC_HOPS))
		sim_pair_from_core(w, bytes_of(buf, packet.len));
}

static bool is_on_link(const struct sim_pair_host *h, const struct addr *to)
{
	size_t whole =
		(h->addr.family == ADDR_IPV4 ? SIM_PAIR_PREFIX_LEN4 : SIM_PAIR_PREFIX_LEN6) / 8;

	return to->family == h->addr.family && memcmp(to->ip, h->addr.ip, whole) == 0 &&
	       !addr_equal_ip(to, &h->gateway);
}

/* To a neighbour, or to itself. */
static void send_on_link(struct sim_pair_host *h, const struct addr *to, struct bytes packet)
{
	struct sim_pair_world *w = h->world;

	for (size_t i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct sim_pair_host *other = &w->hosts[i];

		if (other->net == h->net && addr_equal_ip(&other->addr, to))
			sim_pair_put(w, SIM_PAIR_AT_HOST, other->who,
				     w->now_us + (other == h ? 0 : 2 * SIM_PAIR_INSIDE_US), packet);
	}
}

void sim_pair_from_host(struct sim_pair_host *h, struct bytes packet)
{
	struct sim_pair_world *w = h->world;
	size_t layers = h->net->profile.layer_count;
	struct sim_event e = { .kind = SIM_PAIR_AT_CORE };
	struct hop_ends ends;

	sim_pair_trace(w, "from host", h->who, packet);
	if (!hop_ends(packet, &ends))
		return;
	if (is_on_link(h, &ends.destination)) {
		send_on_link(h, &ends.destination, packet);
		return;
	}
	if (layers > 0)
		e = at_box(w, (size_t)(h->net - w->nets), layers - 1, NAT_INSIDE);
	send_way(w, &h->up, h->who, e, packet);
}

static void start_ways(struct sim_pair_world *w, struct sim_pair_net *net)
{
	uint32_t rtt_us = w->config->rtt_us != 0 ? w->config->rtt_us : SIM_PAIR_RTT_US;
	uint32_t inside_us = rtt_us >= 4 * SIM_PAIR_INSIDE_US ? SIM_PAIR_INSIDE_US : rtt_us / 4;
	struct nat_link_config asked = { .loss = w->config->loss_per_mille / 1000.0 };

	net->out = net->in = (struct sim_way){ 0 };
	sim_way_add(&net->out, &asked, rtt_us / 2 - inside_us);
	sim_way_add(&net->in, &asked, rtt_us - rtt_us / 2 - inside_us);
	for (size_t i = 0; i < ARRAY_LEN(w->hosts); i++) {
		struct sim_pair_host *h = &w->hosts[i];

		if (h->net != net)
			continue;
		h->up = h->down = (struct sim_way){ 0 };
		sim_way_add(&h->up, &net->profile.access, inside_us);
		sim_way_add(&h->down, &net->profile.access, inside_us);
	}
}

/* The boxes choose as they did for the diagnosis (sim_deep). */
static void start_boxes(struct sim_pair_world *w, uint8_t n)
{
	struct sim_pair_net *net = &w->nets[n];
	struct sim_config c = { .profile = &net->profile, .seed = sim_pair_seed(w->config, n) };
	struct rng seeds = sim_pair_seeds(&c);

	for (uint8_t i = 0; i < net->profile.layer_count; i++) {
		struct sim_pair_box *box = &net->boxes[i];
		struct nat_io io = { .emit = on_emit, .log = on_decision, .arg = box };

		*box = (struct sim_pair_box){
			.world = w, .net = n, .layer = i, .tick_us = UINT64_MAX
		};
		box->nat = nat_new(&net->profile.layers[i], rng_next(&seeds), &io);
		if (box->nat == NULL)
			abort();
	}
}

void sim_pair_path_start(struct sim_pair_world *w)
{
	for (uint8_t i = 0; i < w->net_count; i++) {
		start_ways(w, &w->nets[i]);
		start_boxes(w, i);
	}
}

void sim_pair_path_end(struct sim_pair_world *w)
{
	for (size_t i = 0; i < w->net_count; i++) {
		for (size_t k = 0; k < w->nets[i].profile.layer_count; k++)
			nat_free(w->nets[i].boxes[k].nat);
	}
}
