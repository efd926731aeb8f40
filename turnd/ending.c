/* The end of an allocation, and whether a reload wants it. */
#include "moves.h"
#include "relay_end.h"
#include "stun_auth.h"
#include "turnd_state.h"

/* The client is told nothing; where it speaks over a connection, it sees that end. */
static bool ends_link(enum stats_end why)
{
	return why == STATS_END_KICKED || why == STATS_END_POLICY || why == STATS_END_STOP;
}

void turnd_end(struct turnd *t, struct alloc *a, enum stats_end why)
{
	struct quota_ask unit = {
		.user = a->user,
		.realm = a->realm,
		.source = a->flow.tuple.client,
	};
	void *link = a->flow.link;

	moves_forget(t->moves, a);
	wheel_cancel(&t->wheel, &a->timer);
	for (size_t i = 0; i < ARRAY_LEN(a->flow.ends); i++)
		relay_end_close(t, &a->flow.ends[i]);
	quota_release(t->shared->quota, &unit);
	stun_key_wipe(&a->token.key);
	alloc_table_remove(t->allocs, a);
	counter_sub(&t->stats.allocations, 1);
	counter_add(&t->stats.ended[why], 1);
	if (link != NULL && ends_link(why))
		t->io->end_link(t->io->arg, link);
}

struct review {
	struct turnd *t;
	const struct realm *realm;
};

static bool still_allows(void *arg, const struct addr *peer)
{
	const struct review *v = arg;
	bool is_relay;

	if (peer->port != 0)
		return turnd_judge_peer(v->t, v->realm, peer, PORTS_DATAGRAMS) == POLICY_ALLOWED;
	return turnd_judge_ip(v->t, v->realm, peer, &is_relay) == POLICY_ALLOWED;
}

static bool has_ports_judged(void *arg, const struct addr *peer)
{
	const struct review *v = arg;

	return policy_wants_port(v->realm->peers, peer);
}

bool turnd_is_homeless(struct turnd *t, struct alloc *a)
{
	struct review v = { .t = t, .realm = snapshot_realm(t->snapshot, a->realm) };

	a->flow.realm = v.realm;
	if (v.realm == NULL)
		return true;
	peers_review(&a->flow.peers, still_allows, &v);
	peers_mark_relays(&a->flow.peers, has_ports_judged, &v);
	tcp_peers_review(t, a);
	return false;
}
