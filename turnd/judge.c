/* The one place where turnd asks its policies about peers, and knows its own relay addresses. */
#include "turnd_state.h"

/* What is asked of our own relay addresses. */
struct question {
	const struct turnd *t;
	enum ports_kind kind;
};

/* Does any worker have an open relay socket of that kind at that port of that relay? */
static bool has_socket(const struct turnd *t, size_t relay, uint16_t port, enum ports_kind kind)
{
	const struct turnd_shared *shared = t->shared;
	uint8_t worker = ports_worker_of(port, (uint8_t)shared->workers);

	return ports_is_live(shared->ports[relay * shared->workers + worker], port, kind);
}

/* The relay that has a socket at that address (port included), by its public or its own name. */
static const struct snapshot_relay *find_live(const struct turnd *t, const struct addr *a,
					      enum ports_kind kind, bool as_seen)
{
	const struct snapshot *s = t->snapshot;

	for (size_t i = 0; i < s->relay_count; i++) {
		const struct snapshot_relay *r = &s->relays[i];

		if (addr_equal_ip(as_seen ? &r->seen_as : &r->local, a) &&
		    has_socket(t, i, a->port, kind))
			return r;
	}
	return NULL;
}

static bool is_live(void *arg, const struct addr *a)
{
	const struct question *q = arg;

	return find_live(q->t, a, q->kind, true) != NULL ||
	       find_live(q->t, a, q->kind, false) != NULL;
}

enum policy_verdict turnd_judge_peer(const struct turnd *t, const struct realm *realm,
				     const struct addr *peer, enum ports_kind kind)
{
	struct question q = { t, kind };
	struct policy_live live = { is_live, &q };

	return policy_judge(realm->peers, peer, &live, NULL);
}

enum policy_verdict turnd_judge_ip(const struct turnd *t, const struct realm *realm,
				   const struct addr *ip, bool *is_relay)
{
	*is_relay = policy_wants_port(realm->peers, ip);
	return policy_judge_address(realm->peers, ip, NULL);
}

struct addr turnd_reach_peer(const struct turnd *t, const struct addr *peer, enum ports_kind kind)
{
	const struct snapshot_relay *r = find_live(t, peer, kind, true);

	return r != NULL ? addr_with_port(&r->local, peer->port) : *peer;
}

struct addr turnd_call_peer(const struct turnd *t, const struct addr *from)
{
	const struct snapshot *s = t->snapshot;

	for (size_t i = 0; i < s->relay_count; i++) {
		if (addr_equal_ip(&s->relays[i].local, from))
			return addr_with_port(&s->relays[i].seen_as, from->port);
	}
	return *from;
}
