#include "relay_end.h"
#include "request.h"

static bool is_allowed(struct request *r, const struct addr *peer, bool *is_relay)
{
	enum policy_verdict verdict = turnd_judge_ip(r->t, r->realm, peer, is_relay);

	counter_add(&r->t->stats.denied[verdict], verdict != POLICY_ALLOWED);
	return verdict == POLICY_ALLOWED;
}

/* CreatePermission (RFC 8656, section 10.2): all of them or none. */
uint16_t req_permission(struct request *r)
{
	const struct turn_attrs *in = &r->attrs;
	struct flow *f = &r->alloc->flow;
	bool is_relay[REQUEST_PEERS_MAX];

	if (in->peer_count == 0)
		return 400;
	for (size_t i = 0; i < in->peer_count; i++) {
		if (relay_end_of(f, in->peers[i].family) == NULL)
			return 443;
	}
	for (size_t i = 0; i < in->peer_count; i++) {
		if (!is_allowed(r, &in->peers[i], &is_relay[i]))
			return 403;
	}
	if (in->has_more_peers)
		return 508;
	return peers_code(peers_permit(&f->peers, in->peers, is_relay, in->peer_count,
				       r->realm->limits.permissions, r->now_ms));
}
