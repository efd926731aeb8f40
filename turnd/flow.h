/*
 * flow - what forwarding knows of an allocation: compact, and apart from the control state.
 *
 * A kernel fast path may mirror this: it holds decisions that were taken already. forward.h
 * reads it and counts in it; alloc.h owns and changes it.
 */
#ifndef NATKIT_FLOW_H
#define NATKIT_FLOW_H

#include "five_tuple.h"
#include "peers.h"
#include "quota.h"

struct realm;
struct flow;

/* REQUESTED-TRANSPORT: numbers of IP protocols. */
#define TURN_PROTOCOL_TCP 6
#define TURN_PROTOCOL_UDP 17

/* One relayed transport address and its socket. */
struct relay_end {
	struct flow *flow;
	struct addr local;   /* where the socket is bound */
	struct addr relayed; /* as clients and peers see it; family ADDR_NONE: no such end */
	void *shell;         /* what turnd_io's open_relay left here */
	uint16_t relay;      /* which of the snapshot's relays */
	uint16_t worker;     /* from whose share of the ports */
	uint8_t protocol;    /* 17, or 6 for TCP (RFC 6062) */
};

/* Counted by the worker of the flow; read by any thread with counter_read. */
struct flow_counts {
	_Atomic uint64_t to_peer_packets, to_peer_bytes;
	_Atomic uint64_t to_client_packets, to_client_bytes;
	_Atomic uint64_t dropped_policy; /* no permission, or denied */
	_Atomic uint64_t dropped_budget; /* over a bandwidth limit */
};

struct flow {
	struct five_tuple tuple;
	void *link;               /* the client's connection as the shell knows it; NULL on UDP */
	bool is_filed;            /* under its 5-tuple; if not, there is no client there */
	struct relay_end ends[2]; /* the second one: ADDITIONAL-ADDRESS-FAMILY */
	struct peers peers;
	const struct realm *realm; /* of the snapshot in use */
	struct quota_share *share; /* the user's bandwidth, shared by workers; NULL: not limited */
	struct quota_bucket to_peer, to_client; /* this allocation's own bandwidth */
	struct flow_counts counts;
};

#endif
