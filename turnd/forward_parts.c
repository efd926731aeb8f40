#include "forward_parts.h"

/* IP and UDP headers count: else empty datagrams would be free. */
#define HEADERS_V4 28
#define HEADERS_V6 48

#define DTLS_RECORD 16384 /* RFC 6347, section 4.1 */

enum turnd_step forward_drop(struct turnd *t, struct flow *flow, enum stats_drop why)
{
	counter_add(&t->stats.drops[why], 1);
	if (flow == NULL)
		return TURND_NOTHING;
	if (why == STATS_DROP_PERMISSION || why == STATS_DROP_POLICY)
		counter_add(&flow->counts.dropped_policy, 1);
	else if (why == STATS_DROP_BUDGET)
		counter_add(&flow->counts.dropped_budget, 1);
	return TURND_NOTHING;
}

bool forward_allows(struct turnd *t, struct flow *flow, const struct addr *peer)
{
	enum policy_verdict v = turnd_judge_peer(t, flow->realm, peer, PORTS_DATAGRAMS);

	if (v == POLICY_ALLOWED)
		return true;
	counter_add(&t->stats.denied[v], 1);
	(void)forward_drop(t, flow, STATS_DROP_POLICY);
	return false;
}

bool forward_takes(struct turnd *t, struct flow *flow, enum quota_way way, uint32_t bytes,
		   uint64_t now_us)
{
	const struct realm_limits *limits = &flow->realm->limits;
	struct quota_bucket *own = way == QUOTA_TO_PEER ? &flow->to_peer : &flow->to_client;

	/* Its own first: who floods an allocation takes nothing from others. */
	if (!quota_bucket_takes(own, limits->allocation_bytes_per_s, bytes, now_us))
		return false;
	if (limits->user_bytes_per_s != 0 && flow->share != NULL &&
	    !quota_share_takes(flow->share, way, limits->user_bytes_per_s, bytes, now_us))
		return false;
	return t->snapshot->total_bytes_per_s == 0 ||
	       quota_total_takes(t->shared->quota, way, t->snapshot->total_bytes_per_s, bytes,
				 now_us);
}

bool forward_has_budget(struct turnd *t, struct flow *flow, enum quota_way way,
			const struct addr *peer, size_t len, uint64_t now_us)
{
	size_t bytes = len + (peer->family == ADDR_IPV6 ? HEADERS_V6 : HEADERS_V4);

	if (forward_takes(t, flow, way, (uint32_t)bytes, now_us))
		return true;
	(void)forward_drop(t, flow, STATS_DROP_BUDGET);
	return false;
}

/*
 * Between datagrams TTL counts down as in a router, across families too (RFC 7915, section 4 and
 * 5), and DSCP and ECN stay. A stream has no such fields of its own for each message.
 */
bool forward_ip(const struct five_tuple *client, struct turnd_ip in, struct turnd_ip *out)
{
	*out = TURND_IP_DEFAULT;
	if (five_tuple_is_stream(client))
		return true;
	if (in.ttl == 0 || in.ttl == 1)
		return false;
	if (in.ttl > 0)
		out->ttl = (int16_t)(in.ttl - 1);
	out->tos = in.tos;
	return true;
}

bool forward_fits(const struct five_tuple *client, size_t len)
{
	switch (client->transport) {
	case STUN_UDP:
		return len <= forward_udp_max(client->client.family);
	case STUN_DTLS:
		return len <= DTLS_RECORD;
	default:
		return true;
	}
}

/* Drawn for many indications at once: the system is asked once in a hundred packets. */
struct stun_tid forward_tid(struct turnd *t)
{
	const uint8_t *at;

	if (t->random_left < TURND_TID_RANDOM) {
		t->io->random(t->io->arg, t->random, sizeof(t->random));
		t->random_left = sizeof(t->random);
	}
	t->random_left -= TURND_TID_RANDOM;
	at = t->random + t->random_left;
	return stun_tid_make(at);
}
