/*
 * relay - the sockets of relayed addresses: one of UDP for each end of an allocation.
 *
 * Not connected, since an allocation has many peers. ICMP errors come by its error queue.
 */
#ifndef NATKIT_TURND_RELAY_H
#define NATKIT_TURND_RELAY_H

#include "listen_parts.h"

/* For struct turnd_io; arg is the struct listen. */
int relay_open(void *arg, struct relay_end *end);
void relay_close(void *arg, struct relay_end *end);
void relay_pass(void *arg, struct relay_end *from, struct relay_end *to);

/* TURND_TO_PEER. It leaves at once; where l->gathered.is_on, with relay_flush. */
void relay_send(struct listen *l, const struct turnd_out *out);

/* Each socket sends all that was gathered for it. */
void relay_flush(struct listen *l);

/* Takes the sockets of a gift out of their worker's loop, in its thread; no harm without any. */
void relay_detach(const struct turnd_gift *gift);
/* Puts them into the loop of `l`. Returns false when memory runs out. */
bool relay_attach(struct listen *l, const struct turnd_gift *gift);

#endif
