/* The way back: what peers send, to the client (RFC 8656, section 11.3 and 12.7). */
#include "forward_parts.h"
#include "stun_attr.h"
#include "turn_chan.h"

#define ATTR_HEADER 4
#define XOR_V4      8
#define XOR_V6      20

_Static_assert(STUN_HEADER_LEN + ATTR_HEADER + XOR_V6 + ATTR_HEADER <= TURND_HEADROOM, "headroom");

/* Zeros behind the data: on a stream, and in a DATA attribute. Returns how many. */
static size_t pad(uint8_t *data, size_t len)
{
	size_t padding = wire_padding(len);

	memset(data + len, 0, padding);
	return padding;
}

static struct bytes channel_data(const struct flow *flow, uint16_t number, uint8_t *data,
				 size_t len)
{
	uint8_t *start = data - TURN_CHAN_HEADER_LEN;
	size_t whole = TURN_CHAN_HEADER_LEN + len;

	turn_chan_put_header(start, number, (uint16_t)len);
	if (five_tuple_is_stream(&flow->tuple))
		whole += pad(data, len);
	return bytes_of(start, whole);
}

/* How much a Data indication has before the data. */
static size_t indication_header(const struct addr *peer)
{
	size_t xor_len = peer->family == ADDR_IPV6 ? XOR_V6 : XOR_V4;

	return STUN_HEADER_LEN + ATTR_HEADER + xor_len + ATTR_HEADER;
}

/*
 * The builder lays out what stands before the data; the attribute that the data is, and the
 * length of the message with it, are written here, since the data stays where it is.
 */
static struct bytes data_indication(struct turnd *t, const struct addr *peer, uint8_t *data,
				    size_t len)
{
	size_t before = indication_header(peer);
	uint8_t *start = data - before;
	struct stun_tid tid = forward_tid(t);
	struct stun_builder b = stun_build(start, before, TURN_DATA, STUN_INDICATION, &tid);
	size_t whole = before + len + pad(data, len);

	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	wire_store_u16(data - ATTR_HEADER, STUN_ATTR_DATA);
	wire_store_u16(data - ATTR_HEADER + 2, (uint16_t)len);
	wire_store_u16(start + 2, (uint16_t)(whole - STUN_HEADER_LEN));
	return bytes_of(start, whole);
}

/* Does the length of what the client would get still fit its field, and its transport? */
static bool fits(const struct flow *flow, const struct addr *peer, bool has_channel, size_t len)
{
	size_t whole;

	if (has_channel)
		return len <= UINT16_MAX && forward_fits(&flow->tuple, TURN_CHAN_HEADER_LEN + len);
	whole = indication_header(peer) + len + wire_padding(len);
	return whole - STUN_HEADER_LEN <= UINT16_MAX && forward_fits(&flow->tuple, whole);
}

enum turnd_step turnd_from_peer(struct turnd *t, struct relay_end *end, const struct addr *from,
				uint8_t *data, size_t len, struct turnd_ip ip,
				const struct turnd_now *now, struct turnd_out *out)
{
	struct flow *flow = end->flow;
	struct addr peer = turnd_call_peer(t, from);
	uint64_t now_ms = now->us / 1000;
	const struct peers_permission *permission =
		peers_find_permission(&flow->peers, &peer, now_ms);
	const struct peers_channel *channel;

	if (permission == NULL)
		return forward_drop(t, flow, STATS_DROP_PERMISSION);
	if (permission->is_relay && !forward_allows(t, flow, &peer))
		return TURND_NOTHING;
	if (forward_is_away(flow))
		return forward_drop(t, flow, STATS_DROP_AWAY);
	channel = peers_find_bound(&flow->peers, &peer, now_ms);
	if (!fits(flow, &peer, channel != NULL, len))
		return forward_drop(t, flow, STATS_DROP_TOO_LONG);
	if (!forward_ip(&flow->tuple, ip, &out->ip))
		return forward_drop(t, flow, STATS_DROP_TTL);
	if (!forward_has_budget(t, flow, QUOTA_TO_CLIENT, &peer, len, now->us))
		return TURND_NOTHING;

	counter_add(&flow->counts.to_client_packets, 1);
	counter_add(&flow->counts.to_client_bytes, len);
	counter_add(&t->stats.to_client_packets, 1);
	counter_add(&t->stats.to_client_bytes, len);
	forward_to_client(out, flow,
			  channel != NULL ? channel_data(flow, channel->number, data, len)
					  : data_indication(t, &peer, data, len));
	return TURND_TO_CLIENT;
}
