/*
 * tcp_relay - the sockets of RFC 6062: those that listen on relayed addresses, and connections
 * between them and peers, until and while they are joined with connections of clients.
 *
 * A connection that waits is not read from: the kernel holds what the peer sends, and the socket
 * can change threads as it is. Joined, it is of the worker of the client's connection.
 */
#ifndef NATKIT_TURND_TCP_RELAY_H
#define NATKIT_TURND_TCP_RELAY_H

#include "listen_parts.h"
#include "tcp_peer.h"

/* Ends of protocol 6, as relay.h has it for UDP. arg is the struct listen. */
int tcp_relay_open(void *arg, struct relay_end *end);
void tcp_relay_close(void *arg, struct relay_end *end);

/* For struct turnd_io; arg is the struct listen. */
int tcp_relay_connect(void *arg, struct tcp_peer *p);
void tcp_relay_close_peer(void *arg, struct tcp_peer *p);

/* TURND_JOIN: answers, and joins the connection of `link` with that of out->connection. */
void tcp_relay_join(struct listen *l, struct listen_link *link, const struct turnd_out *out);

/* The client's connection has ended, and what it was joined with ends too. */
void tcp_relay_link_ended(struct listen *l, struct listen_link *link);

#endif
