#include "relay_end.h"
#include "request.h"
#include "turn_chan.h"

static bool is_number(const struct turnd *t, uint16_t number)
{
	return t->snapshot->rfc5766_channels ? turn_chan_is_number_5766(number)
					     : turn_chan_is_number(number);
}

static bool is_relay_address(const struct request *r, const struct addr *peer)
{
	bool is_relay = false;

	(void)turnd_judge_ip(r->t, r->realm, peer, &is_relay);
	return is_relay;
}

static bool is_allowed(struct request *r, const struct addr *peer)
{
	enum policy_verdict verdict = turnd_judge_peer(r->t, r->realm, peer, PORTS_DATAGRAMS);

	counter_add(&r->t->stats.denied[verdict], verdict != POLICY_ALLOWED);
	return verdict == POLICY_ALLOWED;
}

/* ChannelBind (RFC 8656, section 12.2). Channels are for datagrams: none on TCP (RFC 6062). */
uint16_t req_channel(struct request *r)
{
	const struct realm_limits *limits = &r->realm->limits;
	const struct addr *peer = &r->attrs.peers[0];
	const struct relay_end *end;

	if (!r->attrs.has_channel || r->attrs.peer_count == 0 || !is_number(r->t, r->attrs.channel))
		return 400;
	end = relay_end_of(&r->alloc->flow, peer->family);
	if (end == NULL)
		return 443;
	/* Nothing can be sent to port 0. */
	if (end->protocol != TURN_PROTOCOL_UDP || peer->port == 0 || !is_allowed(r, peer))
		return 403;
	return peers_code(peers_bind(&r->alloc->flow.peers, r->attrs.channel, peer,
				     is_relay_address(r, peer), limits->channels,
				     limits->permissions, r->now_ms));
}
