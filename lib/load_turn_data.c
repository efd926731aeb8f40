/* Data through the channels of load_turn, in one direction. */
#include "load_turn_state.h"
#include "turn_chan.h"

static void choose_flow(void *arg, uint32_t slot)
{
	struct load_turn *l = arg;

	l->flow_of_slot[slot] = l->next_flow;
	l->next_flow = l->next_flow + 1 < l->flows ? l->next_flow + 1 : 0;
}

/* A ticket, and behind it what all payloads have. */
static void write_payload(const struct load_turn *l, const struct load_ticket *t, uint8_t *to)
{
	load_ticket_put(t, to);
	memcpy(to + LOAD_TICKET_LEN, l->pattern + LOAD_TICKET_LEN,
	       l->config.payload - LOAD_TICKET_LEN);
}

static bool is_payload(const struct load_turn *l, const uint8_t *data)
{
	return memcmp(data + LOAD_TICKET_LEN, l->pattern + LOAD_TICKET_LEN,
		      l->config.payload - LOAD_TICKET_LEN) == 0;
}

static size_t write_from_client(void *arg, const struct load_ticket *t, uint8_t *buf,
				struct udp_dgram *out)
{
	const struct load_turn *l = arg;

	turn_chan_put_header(buf, LOAD_TURN_CHANNEL, (uint16_t)l->config.payload);
	write_payload(l, t, buf + TURN_CHAN_HEADER_LEN);
	out->peer = l->config.server;
	out->local = load_turn_client(l, l->flow_of_slot[t->slot]);
	return TURN_CHAN_HEADER_LEN + l->config.payload;
}

static bool find_at_peer(void *arg, const struct udp_dgram *in, struct load_ticket *out)
{
	const struct load_turn *l = arg;

	if (in->data.len != l->config.payload)
		return false;
	load_ticket_get(in->data.data, out);
	return true;
}

static enum load_arrival take_at_peer(void *arg, const struct load_ticket *t,
				      const struct udp_dgram *in)
{
	const struct load_turn *l = arg;
	uint32_t flow = l->flow_of_slot[t->slot];
	struct addr peer = load_turn_peer(l, flow);
	bool right = addr_equal(&in->peer, &l->flow[flow].relayed) &&
		     addr_equal_ip(&in->local, &peer) && is_payload(l, in->data.data);

	return right ? LOAD_DONE : LOAD_WRONG;
}

static size_t write_from_peer(void *arg, const struct load_ticket *t, uint8_t *buf,
			      struct udp_dgram *out)
{
	const struct load_turn *l = arg;
	uint32_t flow = l->flow_of_slot[t->slot];

	write_payload(l, t, buf);
	out->peer = l->flow[flow].relayed;
	out->local = load_turn_peer(l, flow);
	return l->config.payload;
}

static bool find_at_client(void *arg, const struct udp_dgram *in, struct load_ticket *out)
{
	const struct load_turn *l = arg;
	struct turn_chan chan;

	if (turn_chan_parse(in->data, &chan) != STUN_OK || chan.number != LOAD_TURN_CHANNEL ||
	    chan.data.len != l->config.payload)
		return false;
	load_ticket_get(chan.data.data, out);
	return true;
}

static enum load_arrival take_at_client(void *arg, const struct load_ticket *t,
					const struct udp_dgram *in)
{
	const struct load_turn *l = arg;
	struct addr client = load_turn_client(l, l->flow_of_slot[t->slot]);
	bool right = addr_equal(&in->peer, &l->config.server) &&
		     addr_equal_ip(&in->local, &client) &&
		     is_payload(l, in->data.data + TURN_CHAN_HEADER_LEN);

	return right ? LOAD_DONE : LOAD_WRONG;
}

static const struct load_kind to_peers = {
	.begin = choose_flow,
	.write = write_from_client,
	.find = find_at_peer,
	.take = take_at_peer,
};

static const struct load_kind to_clients = {
	.begin = choose_flow,
	.write = write_from_peer,
	.find = find_at_client,
	.take = take_at_client,
};

struct load_result load_turn_relay(struct load_turn *l, enum load_turn_direction direction,
				   uint32_t flows, const struct load_until *until)
{
	l->flows = flows;
	l->next_flow = l->next_flow < flows ? l->next_flow : 0;
	if (direction == LOAD_TURN_TO_PEERS)
		return load_run(l->data, &to_peers, l, l->client_fd, l->peer_fd, until);
	return load_run(l->data, &to_clients, l, l->peer_fd, l->client_fd, until);
}
