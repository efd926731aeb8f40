#include "forward.h"

#include "forward_parts.h"
#include "request.h"
#include "turn_chan.h"

/* What a Send says. */
struct send {
	struct addr peer;
	struct bytes data;
	bool has_peer, has_data, dont_fragment;
};

/* The allocation whose client this is: by its 5-tuple, and by its connection, where it has one. */
static struct flow *find_flow(const struct turnd *t, const struct turnd_in *in)
{
	struct alloc *a = alloc_table_find(t->allocs, &in->tuple);

	return a != NULL && a->flow.link == in->link ? &a->flow : NULL;
}

/* The relay socket for peers of that family; NULL: the allocation has none. */
static struct relay_end *find_end(struct flow *flow, uint8_t family)
{
	for (size_t i = 0; i < ARRAY_LEN(flow->ends); i++) {
		struct relay_end *end = &flow->ends[i];

		if (end->relayed.family == family && end->protocol == 17)
			return end;
	}
	return NULL;
}

/* For a peer that has a permission or a channel. is_relay: its port has to be judged as well. */
static enum turnd_step to_peer(struct turnd *t, struct flow *flow, const struct turnd_in *in,
			       const struct addr *peer, bool is_relay, struct bytes data,
			       const struct turnd_now *now, struct turnd_out *out)
{
	struct relay_end *end = find_end(flow, peer->family);

	if (end == NULL)
		return forward_drop(t, flow, STATS_DROP_PERMISSION);
	if (peer->port == 0)
		return forward_drop(t, flow, STATS_DROP_MALFORMED);
	if (is_relay && !forward_allows(t, flow, peer))
		return TURND_NOTHING;
	if (data.len > forward_udp_max(peer->family))
		return forward_drop(t, flow, STATS_DROP_TOO_LONG);
	if (!forward_ip(&in->tuple, in->ip, &out->ip))
		return forward_drop(t, flow, STATS_DROP_TTL);
	if (!forward_has_budget(t, flow, QUOTA_TO_PEER, peer, data.len, now->us))
		return TURND_NOTHING;

	counter_add(&flow->counts.to_peer_packets, 1);
	counter_add(&flow->counts.to_peer_bytes, data.len);
	counter_add(&t->stats.to_peer_packets, 1);
	counter_add(&t->stats.to_peer_bytes, data.len);
	out->data = data;
	out->end = end;
	out->peer = is_relay ? turnd_reach_peer(t, peer, PORTS_DATAGRAMS) : *peer;
	out->dont_fragment = false;
	return TURND_TO_PEER;
}

enum turnd_step forward_channel(struct turnd *t, const struct turnd_in *in,
				const struct turnd_now *now, struct turnd_out *out)
{
	const struct peers_channel *channel;
	struct turn_chan chan;
	struct flow *flow;

	if (turn_chan_parse(in->data, &chan) != STUN_OK)
		return forward_drop(t, NULL, STATS_DROP_FOREIGN);
	flow = find_flow(t, in);
	if (flow == NULL)
		return forward_drop(t, NULL, STATS_DROP_NO_ALLOC);
	channel = peers_find_channel(&flow->peers, chan.number, now->us / 1000);
	if (channel == NULL)
		return forward_drop(t, flow, STATS_DROP_CHANNEL);
	return to_peer(t, flow, in, &channel->peer, channel->is_relay, chan.data, now, out);
}

/* Takes one attribute; the first of its kind counts. Returns false for what spoils the message. */
static bool take_attr(struct send *s, const struct stun_attr *a, const struct stun_tid *tid)
{
	switch (a->type) {
	case STUN_ATTR_XOR_PEER_ADDRESS:
		if (s->has_peer)
			return true;
		s->has_peer = true;
		return stun_attr_get_xor_addr(a->value, tid, &s->peer) == STUN_OK;
	case STUN_ATTR_DATA:
		if (!s->has_data)
			s->data = a->value;
		s->has_data = true;
		return true;
	case STUN_ATTR_DONT_FRAGMENT:
		s->dont_fragment = true;
		return stun_attr_get_flag(a->value) == STUN_OK;
	default:
		return !stun_attr_is_required(a->type) || turn_attr_is_known(a->type);
	}
}

static bool gather(const struct stun_msg *msg, struct send *s)
{
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr a;

	while (stun_walk_next(&walk, &a)) {
		if (!take_attr(s, &a, &msg->tid))
			return false;
	}
	return s->has_peer && s->has_data;
}

/*
 * DF of an IPv4 datagram is the client's to set; where a datagram of either side is IPv6, the
 * attribute is ignored (RFC 8656, section 13), but not from a stream (section 15).
 */
static bool minds_fragments(const struct five_tuple *client, const struct addr *peer)
{
	return five_tuple_is_stream(client) ||
	       (client->client.family == ADDR_IPV4 && peer->family == ADDR_IPV4);
}

enum turnd_step forward_send(struct turnd *t, const struct turnd_in *in, const struct stun_msg *msg,
			     const struct turnd_now *now, struct turnd_out *out)
{
	struct flow *flow = find_flow(t, in);
	const struct peers_permission *permission;
	struct send s = { 0 };
	enum turnd_step step;

	if (flow == NULL)
		return forward_drop(t, NULL, STATS_DROP_NO_ALLOC);
	if (!gather(msg, &s))
		return forward_drop(t, flow, STATS_DROP_MALFORMED);
	permission = peers_find_permission(&flow->peers, &s.peer, now->us / 1000);
	if (permission == NULL)
		return forward_drop(t, flow, STATS_DROP_PERMISSION);
	step = to_peer(t, flow, in, &s.peer, permission->is_relay, s.data, now, out);
	if (step == TURND_TO_PEER)
		out->dont_fragment = s.dont_fragment && minds_fragments(&in->tuple, &s.peer);
	return step;
}
