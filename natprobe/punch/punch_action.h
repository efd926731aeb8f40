/* punch_action - what a punch trial asks its shell to do; punch.h says how. */
#ifndef NATPROBE_PUNCH_ACTION_H
#define NATPROBE_PUNCH_ACTION_H

#include "addr.h"
#include "wire.h"

#define PUNCH_SLOTS_MAX       384 /* UDP sockets at a time, and relayed addresses */
#define PUNCH_CONNECTIONS_MAX 48  /* TCP sockets at a time: connections, listeners, accepted ones */
#define PUNCH_ACCEPTED_FIRST  32  /* slots of accepted ones, which the shell chooses */
#define PUNCH_TELL_MAX        4096

enum punch_kind {
	PUNCH_WAIT,       /* nothing to do before action.deadline_us, unless something arrives */
	PUNCH_OPEN,       /* a UDP socket on the address of action.path, action.port (0: any) */
	PUNCH_OPEN_RELAY, /* an address of the TURN server, as one more slot */
	PUNCH_MAP,        /* have the gateway of action.path open a port to slot action.slot */
	PUNCH_SEND,
	PUNCH_CLOSE,
	PUNCH_LISTEN,     /* TCP, on action.path and action.port, SO_REUSEADDR and SO_REUSEPORT */
	PUNCH_CONNECT,    /* TCP, from action.path and action.port, with both, to action.to; with
			     action.ttl: that of the SYN */
	PUNCH_WRITE,      /* action.data, whole, on a connection that stands */
	PUNCH_DISCONNECT, /* closes a connection, or what listens; silently where action.quiet:
			     neither FIN nor RST leaves, if the system can */
	PUNCH_TELL,     /* action.data, to the other side through the meeting, once and in order */
	PUNCH_FINISHED, /* read punch_result; sockets of the path are still open */
};

struct punch_action {
	uint8_t kind; /* enum punch_kind */
	bool quiet;
	uint8_t path;  /* index into our profile */
	uint8_t ttl;   /* 0: as usual */
	uint16_t slot; /* of a UDP socket, or of a TCP one: two ranges of numbers */
	uint16_t port;
	struct addr to;
	struct bytes data;    /* good until the next call */
	uint64_t deadline_us; /* PUNCH_WAIT; UINT64_MAX: only when something arrives */
};

/* What came of a datagram, where the system tells (IP_RECVERR). */
enum punch_icmp {
	PUNCH_ICMP_TTL = 0,     /* it ended underway */
	PUNCH_ICMP_PORT,        /* port unreachable */
	PUNCH_ICMP_UNREACHABLE, /* host, network, prohibited */
	PUNCH_ICMP_KINDS,
};

enum punch_stream {
	PUNCH_STREAM_DATA,
	PUNCH_STREAM_REFUSED, /* RST in answer to our SYN */
	PUNCH_STREAM_ICMP,    /* an ICMP error ended the attempt */
	PUNCH_STREAM_FAILED,  /* any other end of an attempt: timeout, local error */
	PUNCH_STREAM_CLOSED,  /* of one that stood: FIN or RST */
};

#endif
