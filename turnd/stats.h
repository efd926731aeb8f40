/*
 * stats - what a worker counts, and how it is told.
 *
 * Each worker owns one and is the only one that writes it; any thread reads.
 */
#ifndef NATKIT_TURND_STATS_H
#define NATKIT_TURND_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "counter.h"
#include "countries.h"
#include "policy.h"
#include "stun_server.h"

#define STATS_TRANSPORTS (STUN_DTLS + 1)
#define STATS_CODES      24

/* Methods of requests, for counters: Binding, Allocate, ... and all others. */
enum stats_method {
	STATS_BINDING,
	STATS_ALLOCATE,
	STATS_REFRESH,
	STATS_CREATE_PERMISSION,
	STATS_CHANNEL_BIND,
	STATS_CONNECT,
	STATS_CONNECTION_BIND,
	STATS_OTHER,
	STATS_METHODS,
};

/* Why something was dropped without an answer. */
enum stats_drop {
	STATS_DROP_FOREIGN,    /* neither STUN nor ChannelData, or malformed */
	STATS_DROP_UNASKED,    /* a response, or an indication that is none of ours */
	STATS_DROP_NO_ALLOC,   /* ChannelData or Send without an allocation */
	STATS_DROP_CHANNEL,    /* of a channel that is not bound */
	STATS_DROP_PERMISSION, /* to or from a peer without permission */
	STATS_DROP_POLICY,     /* a peer that the policy denies */
	STATS_DROP_MALFORMED,  /* Send without peer or data */
	STATS_DROP_TOO_LONG,   /* the header does not fit any more */
	STATS_DROP_BUDGET,     /* over a bandwidth limit */
	STATS_DROP_LIMITED,    /* an error answer over its source's budget */
	STATS_DROP_TTL,        /* its time to live is over */
	STATS_DROP_CLIENT,     /* a client that is not allowed to ask */
	STATS_DROP_AWAY,       /* for a mobile client whose connection has ended */
	STATS_DROPS,
};

/* Why an allocation ended. */
enum stats_end {
	STATS_END_REFRESH, /* the client deleted it */
	STATS_END_EXPIRED,
	STATS_END_LINK,   /* its connection ended */
	STATS_END_KICKED, /* by the operator */
	STATS_END_POLICY, /* a reload took its realm away */
	STATS_END_STOP,
	STATS_ENDS,
};

struct turnd_stats {
	_Atomic uint64_t requests[STATS_METHODS]; /* that could be read */
	_Atomic uint64_t successes[STATS_METHODS];
	_Atomic uint64_t errors[STATS_CODES]; /* by code: stats_code */
	_Atomic uint64_t drops[STATS_DROPS];
	_Atomic uint64_t denied[POLICY_VERDICTS]; /* peers, by why */
	_Atomic uint64_t allocations;             /* alive now */
	_Atomic uint64_t tcp_peers;               /* connections to peers now (RFC 6062) */
	_Atomic uint64_t ended[STATS_ENDS];
	_Atomic uint64_t to_peer_packets, to_peer_bytes;
	_Atomic uint64_t to_client_packets, to_client_bytes;
	_Atomic uint64_t icmp; /* errors passed on */
	struct countries requests_by_country;
	struct countries allocations_by_country; /* all there were */
};

/* The place of an error code in `errors`; the last one is for all that have none of their own. */
size_t stats_code(uint16_t code);
/* The code of a place; 0 for the last one. */
uint16_t stats_code_at(size_t place);

const char *stats_method_word(enum stats_method m);
const char *stats_drop_word(enum stats_drop d);
const char *stats_end_word(enum stats_end e);

#endif
