/*
 * coop_try - what a cooperating server tries, only to say what came of it: TCP connections, and
 * datagrams from a port of their own.
 *
 * A connection that stands is ended at once, by RST where its port was given: nothing is read from
 * it, and nothing written. What answers a datagram is not looked at.
 */
#ifndef NATKIT_COOP_TRY_H
#define NATKIT_COOP_TRY_H

#include <event2/event.h>

#include "coop.h"
#include "coop_raw.h"

struct coop_try;

/*
 * on_outcome  called from the loop, never from the calls below; of *outcome outcome, icmp_type and
 *             icmp_code are set
 * Returns NULL when memory runs out.
 */
struct coop_try *coop_try_new(struct event_base *base,
			      void (*on_outcome)(uint32_t handle, const struct coop_report *outcome,
						 void *arg),
			      void *arg);

/* What is under way ends, and nobody is told. NULL is fine. */
void coop_try_free(struct coop_try *t);

/*
 * Sends a SYN.
 * local  to bind; port 0: any; a port that is listened on needs SO_REUSEPORT there
 * Returns 0, or -errno: nothing was sent.
 */
int coop_try_connect(struct coop_try *t, const struct addr *local, const struct addr *to,
		     uint32_t wait_ms, uint32_t handle);

/*
 * Sends a datagram from a fresh port of `local`, and looks what comes back to it: COOP_CONNECTED is
 * a datagram, COOP_UNREACHABLE an ICMP error, COOP_SENT nothing at all.
 * Returns 0, or -errno: nothing was sent.
 */
int coop_try_datagram(struct coop_try *t, const struct addr *local, const struct addr *to,
		      struct bytes data, enum coop_df df, uint32_t wait_ms, uint32_t handle);

#endif
