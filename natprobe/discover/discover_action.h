/* discover_action - what a discovery asks its shell to do; discover.h says how. */
#ifndef NATPROBE_DISCOVER_ACTION_H
#define NATPROBE_DISCOVER_ACTION_H

#include "addr.h"
#include "wire.h"

#define DISCOVER_SLOTS_MAX       64 /* UDP sockets of one discovery */
#define DISCOVER_CONNECTIONS_MAX 8  /* TCP connections of one discovery */

enum discover_kind {
	DISCOVER_WAIT,
	DISCOVER_OPEN,
	DISCOVER_SEND,
	DISCOVER_CLOSE,
	DISCOVER_CONNECT,
	DISCOVER_DISCONNECT,
	DISCOVER_DONE,
};

struct discover_action {
	uint8_t kind;  /* enum discover_kind */
	uint8_t slot;  /* 0 to DISCOVER_SLOTS_MAX - 1, or of a connection */
	uint16_t port; /* DISCOVER_OPEN, DISCOVER_CONNECT: ours; 0: any */
	struct addr to;
	struct bytes data;    /* good until the next call with this discovery */
	uint64_t deadline_us; /* DISCOVER_WAIT */
};

#endif
