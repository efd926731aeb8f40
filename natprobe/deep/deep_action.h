/* deep_action - what a deep diagnosis asks its shell to do; deep.h says how. */
#ifndef NATPROBE_DEEP_ACTION_H
#define NATPROBE_DEEP_ACTION_H

#include "addr.h"
#include "wire.h"

#define DEEP_SLOTS_MAX       512 /* UDP sockets at a time */
#define DEEP_CONNECTIONS_MAX 32  /* TCP sockets at a time: connections, listeners, accepted ones */
#define DEEP_ACCEPTED_FIRST  24  /* slots of accepted ones, which the shell chooses */

enum deep_kind {
	DEEP_WAIT,
	DEEP_OPEN, /* a UDP socket */
	DEEP_SEND,
	DEEP_CLOSE,
	DEEP_LISTEN,     /* TCP, on action.port, with SO_REUSEADDR and SO_REUSEPORT */
	DEEP_CONNECT,    /* TCP, from action.port, with both */
	DEEP_WRITE,      /* action.data, whole, on a connection that stands */
	DEEP_DISCONNECT, /* closes a connection, or what listens */
	DEEP_FINISHED,
};

/* Bits of DEEP_SEND. */
#define DEEP_SEND_DF        (1u << 0) /* Don't Fragment, whatever the path's MTU is thought to be */
#define DEEP_SEND_FRAGMENTS (1u << 1) /* in two fragments, whatever the MTU */
#define DEEP_SEND_REVERSED  (1u << 2) /* ... the last one first; needs a raw socket */

struct deep_action {
	uint8_t kind;      /* enum deep_kind */
	uint16_t slot;     /* of a UDP socket, or of a TCP one: two ranges of numbers */
	uint16_t port;     /* DEEP_OPEN, LISTEN, CONNECT: ours; 0: any */
	struct addr local; /* DEEP_OPEN: another address of this host; ADDR_NONE: config.local */
	struct addr to;
	uint8_t ttl;          /* DEEP_SEND: 0: as usual */
	uint8_t flags;        /* DEEP_SEND_* */
	struct bytes data;    /* good until the next call */
	uint64_t deadline_us; /* DEEP_WAIT */
};

#endif
