#include "turn_client_state.h"

#define DATA_MAX 65507 /* of a UDP datagram over IPv4 */

static bool get_peer(const struct stun_msg *msg, struct addr *out)
{
	struct bytes value;

	return stun_msg_find(msg, STUN_ATTR_XOR_PEER_ADDRESS, &value) &&
	       stun_attr_get_xor_addr(value, &msg->tid, out) == STUN_OK;
}

static uint8_t number_of(const struct turn_client *c, const struct tc_peer *p)
{
	return (uint8_t)(p - c->peers);
}

/* A Data indication (RFC 8656, section 11.4); from whom no permission is for, it is nothing. */
enum turn_client_input tc_on_data(struct turn_client *c, const struct stun_msg *msg,
				  uint64_t now_us, struct turn_client_data *out)
{
	const struct tc_peer *p;
	struct stun_icmp icmp;
	struct bytes value;
	struct addr from;

	if (!get_peer(msg, &from))
		return TURN_CLIENT_NOTHING;
	p = tc_peer_of_ip(c, &from, now_us);
	if (p == NULL)
		return TURN_CLIENT_NOTHING;
	if (stun_msg_find(msg, STUN_ATTR_ICMP, &value)) {
		if (stun_attr_get_icmp(value, &icmp) != STUN_OK)
			return TURN_CLIENT_NOTHING;
		*out = (struct turn_client_data){ number_of(c, p), from, { 0 }, icmp };
		return TURN_CLIENT_ICMP;
	}
	if (!stun_msg_find(msg, STUN_ATTR_DATA, &value))
		return TURN_CLIENT_NOTHING;
	*out = (struct turn_client_data){ number_of(c, p), from, value, { 0 } };
	return TURN_CLIENT_DATA;
}

enum turn_client_input tc_on_channel(struct turn_client *c, struct bytes in, uint64_t now_us,
				     struct turn_client_data *out)
{
	const struct tc_peer *p;
	struct turn_chan chan;

	if (turn_chan_parse(in, &chan) != STUN_OK ||
	    chan.number - TURN_CHAN_FIRST >= TURN_CLIENT_PEERS_MAX)
		return TURN_CLIENT_NOTHING;
	p = &c->peers[chan.number - TURN_CHAN_FIRST];
	if (p->addr.family == ADDR_NONE || p->removed || p->channel.until_us <= now_us)
		return TURN_CLIENT_NOTHING;
	*out = (struct turn_client_data){ number_of(c, p), p->addr, chan.data, { 0 } };
	return TURN_CLIENT_DATA;
}

static enum turn_client_sending indicate(struct turn_client *c, const struct addr *peer,
					 struct bytes data, bool dont_fragment, void *buf,
					 size_t cap, struct bytes *out)
{
	uint8_t random[12];
	struct stun_tid tid;
	struct stun_builder b;
	uint8_t *to;

	c->random(c->random_arg, random, sizeof(random));
	tid = stun_tid_make(random);
	b = stun_build(buf, cap, TURN_SEND, STUN_INDICATION, &tid);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	if (dont_fragment)
		(void)stun_attr_put_flag(&b, STUN_ATTR_DONT_FRAGMENT);
	to = stun_build_attr(&b, STUN_ATTR_DATA, data.len);
	if (to != NULL && data.len > 0)
		memcpy(to, data.data, data.len);
	return stun_build_finish(&b, out) == STUN_OK ? TURN_CLIENT_FRAMED : TURN_CLIENT_TOO_LONG;
}

enum turn_client_sending turn_client_send(struct turn_client *c, int peer, struct bytes data,
					  bool dont_fragment, uint64_t now_us, void *buf,
					  size_t cap, struct bytes *out)
{
	const struct tc_peer *p;
	struct turn_chan chan;

	if (peer < 0 || peer >= TURN_CLIENT_PEERS_MAX || c->peers[peer].removed ||
	    c->peers[peer].addr.family == ADDR_NONE)
		return TURN_CLIENT_NO_PEER;
	p = &c->peers[peer];
	if ((c->phase != TC_ALIVE && c->phase != TC_MOVING) || p->permission.until_us <= now_us)
		return TURN_CLIENT_NOT_PERMITTED;
	if (data.len > DATA_MAX)
		return TURN_CLIENT_TOO_LONG;
	if (dont_fragment || p->channel.until_us <= now_us)
		return indicate(c, &p->addr, data, dont_fragment, buf, cap, out);
	chan = (struct turn_chan){ (uint16_t)(TURN_CHAN_FIRST + peer), data };
	return turn_chan_build(buf, cap, &chan, c->reliable, out) == STUN_OK ? TURN_CLIENT_FRAMED
									     : TURN_CLIENT_TOO_LONG;
}
