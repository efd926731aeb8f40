/* relay_parts - the inside of a relay socket, for relay.c and relay_out.c. */
#ifndef NATKIT_TURND_RELAY_PARTS_H
#define NATKIT_TURND_RELAY_PARTS_H

#include <event2/event_struct.h>

#include "listen_parts.h"

/* What hangs at end->shell. Its event lies in it: a block of memory less for each. */
struct relay {
	struct listen *owner;
	struct relay_end *end;
	int fd;
	bool dont_fragment; /* as the socket has it */
	uint8_t rest;       /* rounds until it is asked for more than one datagram again */
	uint8_t most;       /* how many to ask for then */
	uint8_t gathered;   /* datagrams that wait for relay_flush, */
	uint8_t place;      /* and which of those that have some it is */
	uint32_t round;     /* the last one that it was readable in */
	struct event readable;
};

/* Sends what was gathered for it. */
void relay_flush_one(struct relay *r);

/*
 * Tells the client what waits in the error queue.
 * too_big  the peer of a datagram that our own system has just refused to send; NULL: none
 */
void relay_take_errors(struct relay *r, const struct addr *too_big);

#endif
