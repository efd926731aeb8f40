/* ICMP errors about what a client sent, to the client (RFC 8656, section 11.5). */
#include "forward_parts.h"
#include "stun_attr.h"

#define V4_UNREACHABLE 3
#define V4_TOO_BIG     4 /* code of V4_UNREACHABLE */
#define V4_EXCEEDED    11
#define V6_UNREACHABLE 1
#define V6_TOO_BIG     2
#define V6_EXCEEDED    3

static bool is_passed_on(const struct turnd_icmp *icmp)
{
	if (icmp->peer.family == ADDR_IPV4)
		return icmp->type == V4_UNREACHABLE || icmp->type == V4_EXCEEDED;
	return icmp->type == V6_UNREACHABLE || icmp->type == V6_TOO_BIG ||
	       icmp->type == V6_EXCEEDED;
}

/* Whether the error has an MTU to tell (section 18.13). */
static bool has_mtu(const struct turnd_icmp *icmp)
{
	if (icmp->peer.family == ADDR_IPV4)
		return icmp->type == V4_UNREACHABLE && icmp->code == V4_TOO_BIG;
	return icmp->type == V6_TOO_BIG;
}

enum turnd_step turnd_from_icmp(struct turnd *t, struct relay_end *end,
				const struct turnd_icmp *icmp, const struct turnd_now *now,
				uint8_t *buf, struct turnd_out *out)
{
	struct stun_icmp value = { .type = icmp->type,
				   .code = icmp->code,
				   .data = has_mtu(icmp) ? icmp->data : 0 };
	struct addr peer = turnd_call_peer(t, &icmp->peer);
	struct flow *flow = end->flow;
	struct stun_builder b;
	struct stun_tid tid;
	struct bytes msg;

	if (!is_passed_on(icmp))
		return forward_drop(t, flow, STATS_DROP_UNASKED);
	if (peers_find_permission(&flow->peers, &peer, now->us / 1000) == NULL)
		return forward_drop(t, flow, STATS_DROP_PERMISSION);
	if (forward_is_away(flow))
		return forward_drop(t, flow, STATS_DROP_AWAY);
	tid = forward_tid(t);
	b = stun_build(buf, TURND_ANSWER_MAX, TURN_DATA, STUN_INDICATION, &tid);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	(void)stun_attr_put_icmp(&b, &value);
	if (stun_build_finish(&b, &msg) != STUN_OK)
		return forward_drop(t, flow, STATS_DROP_MALFORMED); /* a peer of no family */

	counter_add(&t->stats.icmp, 1);
	out->ip = TURND_IP_DEFAULT;
	forward_to_client(out, flow, msg);
	return TURND_TO_CLIENT;
}
