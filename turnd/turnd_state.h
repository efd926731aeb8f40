/* turnd_state - the inside of a turnd. For the files of the deciding core alone. */
#ifndef NATKIT_TURND_STATE_H
#define NATKIT_TURND_STATE_H

#include "alloc.h"
#include "list.h"
#include "stats.h"
#include "tcp_peer.h"
#include "turnd.h"

#define TURND_TID_RANDOM 12 /* of a transaction id */

struct turnd {
	const struct snapshot *snapshot;
	const struct turnd_shared *shared;
	const struct turnd_io *io;
	struct alloc_table *allocs;
	struct wheel wheel;
	struct tcp_table *tcp; /* RFC 6062 */
	struct moves *moves;   /* RFC 8016; NULL: there were none */
	struct list reserved;  /* ports of EVEN-PORT; see reserved.h */
	struct flow nobody;    /* whose those are: it has no client and no permission */
	/* Came with the message at hand, and are not used yet. */
	const struct turnd_gift *gift_port, *gift_connection;
	uint64_t next_number;
	struct turnd_stats stats;
	uint16_t worker;

	/* Random bytes for the ids of indications, used from the end. */
	uint16_t random_left;
	uint8_t random[100 * TURND_TID_RANDOM];
};

/* The share of a relay address that a worker has. */
static inline struct ports *turnd_ports_of(const struct turnd *t, uint16_t worker, uint16_t relay)
{
	return t->shared->ports[(size_t)relay * t->shared->workers + worker];
}

/* This worker's. */
static inline struct ports *turnd_ports(const struct turnd *t, uint16_t relay)
{
	return turnd_ports_of(t, t->worker, relay);
}

/*
 * May this allocation reach the peer with its port, by datagrams or by streams? The choke point:
 * nobody else asks a policy.
 */
enum policy_verdict turnd_judge_peer(const struct turnd *t, const struct realm *realm,
				     const struct addr *peer, enum ports_kind kind);
/*
 * The same of an address alone, for CreatePermission. is_relay: turnd itself is there, as a relay
 * or with an endpoint: ports have to be judged each time.
 */
enum policy_verdict turnd_judge_ip(const struct turnd *t, const struct realm *realm,
				   const struct addr *ip, bool *is_relay);

/*
 * Relay addresses may be behind a NAT that does not turn packets round: among its own relay
 * addresses turnd takes the short way. These turn what a peer is called into where it is reached,
 * and back; any other address stays as it is.
 */
struct addr turnd_reach_peer(const struct turnd *t, const struct addr *peer, enum ports_kind kind);
struct addr turnd_call_peer(const struct turnd *t, const struct addr *from);

/*
 * Is its realm gone? If not, it is brought up to date: peers that are not allowed any more are cut
 * off. For what was made by another snapshot, or was on its way between workers.
 */
bool turnd_is_homeless(struct turnd *t, struct alloc *a);

/* Ends an allocation: sockets, ports, quota, memory; counted as `why`. */
void turnd_end(struct turnd *t, struct alloc *a, enum stats_end why);

#endif
