/*
 * tcp_wire - one connection to a peer (RFC 6062), from its first packet to its end.
 */
#ifndef NATKIT_TURND_TCP_WIRE_H
#define NATKIT_TURND_TCP_WIRE_H

#include "listen_parts.h"
#include "tcp_peer.h"

struct tcp_wire;

/* Takes over a connected or connecting socket. NULL when memory runs out: then it has not. */
struct tcp_wire *tcp_wire_new(struct listen *l, int fd);

/* Waits for the end of connect(), and tells turnd_connected. False: no memory. */
bool tcp_wire_await(struct tcp_wire *w, struct tcp_peer *p);

/*
 * Joins it with a client's connection, in that one's thread, from whatever thread it came.
 * Returns false when that is ending, or memory runs out.
 */
bool tcp_wire_join(struct tcp_wire *w, struct listen *l, struct listen_link *link, uint32_t id);

/* Closes it; the client's connection too, once all that was for it is written. */
void tcp_wire_free(struct tcp_wire *w);

/* The client's connection is no more: it is left alone. */
void tcp_wire_unlink(struct tcp_wire *w);

/* It has ended by itself: frees it, and tells the worker of its allocation. */
void tcp_wire_end(struct tcp_wire *w);

/* turnd closes it: frees it. If it is of another worker's allocation, that one is told. */
void tcp_wire_drop(struct listen *l, struct tcp_wire *w, uint32_t id);

/* Has another worker close the one with that number, where it still has it. */
void tcp_wire_close_there(struct listen *l, uint16_t worker, uint32_t id);

#endif
