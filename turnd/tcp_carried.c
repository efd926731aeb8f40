/* Bandwidth of connections over TCP (RFC 6062): what is over the limit is not lost, but waited for. */
#include "forward_parts.h"

#define SHARE       1500  /* taken at once: what a limit of any size has at some time */
#define REST_MAX_MS 60000 /* then it is looked at again */

static uint64_t least(uint64_t a, uint64_t b)
{
	return b != 0 && (a == 0 || b < a) ? b : a;
}

/* The narrowest limit; 0: none. */
static uint64_t rate_of(const struct turnd *t, const struct flow *flow)
{
	const struct realm_limits *limits = &flow->realm->limits;

	uint64_t of_user = flow->share != NULL ? limits->user_bytes_per_s : 0;

	return least(least(limits->allocation_bytes_per_s, of_user),
		     t->snapshot->total_bytes_per_s);
}

static void count(struct turnd *t, struct flow *flow, enum quota_way way, size_t bytes)
{
	bool to_peer = way == QUOTA_TO_PEER;

	counter_add(to_peer ? &flow->counts.to_peer_bytes : &flow->counts.to_client_bytes, bytes);
	counter_add(to_peer ? &t->stats.to_peer_bytes : &t->stats.to_client_bytes, bytes);
}

static void pay(struct turnd *t, struct tcp_peer *p, enum quota_way way, uint64_t now_us)
{
	while (p->owed[way] > 0) {
		uint32_t n = p->owed[way] < SHARE ? (uint32_t)p->owed[way] : SHARE;

		if (!forward_takes(t, &p->alloc->flow, way, n, now_us))
			return;
		p->owed[way] -= n;
	}
}

uint32_t turnd_carried(struct turnd *t, uint32_t connection_id, enum quota_way way, size_t bytes,
		       const struct turnd_now *now)
{
	struct tcp_peer *p = tcp_table_find(t->tcp, connection_id);
	uint64_t rate, ms;

	if (p == NULL)
		return 0;
	count(t, &p->alloc->flow, way, bytes);
	rate = rate_of(t, &p->alloc->flow);
	if (rate == 0)
		return 0;
	p->owed[way] += bytes;
	pay(t, p, way, now->us);
	if (p->owed[way] == 0)
		return 0;
	ms = p->owed[way] * 1000 / rate + 1;
	return ms < REST_MAX_MS ? (uint32_t)ms : REST_MAX_MS;
}
