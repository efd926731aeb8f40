/*
 * coop_tcp - TCP connections that a cooperating server tries, only to say what came of it.
 *
 * A connection that stands is closed at once: nothing is read from it, and nothing written.
 */
#ifndef NATKIT_COOP_TCP_H
#define NATKIT_COOP_TCP_H

#include <event2/event.h>

#include "coop.h"

struct coop_tcp;

/*
 * on_outcome  called from the loop, never from coop_tcp_connect; of *outcome outcome, icmp_type
 *             and icmp_code are set
 * Returns NULL when memory runs out.
 */
struct coop_tcp *coop_tcp_new(struct event_base *base,
			      void (*on_outcome)(uint32_t handle, const struct coop_report *outcome,
						 void *arg),
			      void *arg);

/* What is under way ends, and nobody is told. NULL is fine. */
void coop_tcp_free(struct coop_tcp *t);

/*
 * Sends a SYN.
 * local  to bind; port 0: any; a port that is listened on needs SO_REUSEPORT there
 * Returns 0, or -errno: nothing was sent.
 */
int coop_tcp_connect(struct coop_tcp *t, const struct addr *local, const struct addr *to,
		     uint32_t wait_ms, uint32_t handle);

#endif
