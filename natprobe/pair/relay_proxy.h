/*
 * relay_proxy - lets a program use a path through our own relay as if it were a plain UDP one: it
 * speaks with a socket on loopback, and what it says there is relayed.
 */
#ifndef NATPROBE_RELAY_PROXY_H
#define NATPROBE_RELAY_PROXY_H

#include "punch_io.h"

struct relay_proxy;

/*
 * inner  set to where the program has to bind, free at the moment
 * peer   set to where it has to send
 * Returns 0 or -errno.
 */
int relay_proxy_open(struct event_base *base, struct punch_io *io, struct addr *inner,
		     struct addr *peer, struct relay_proxy **out);
void relay_proxy_free(struct relay_proxy *p); /* NULL is fine */

#endif
