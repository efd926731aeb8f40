/*
 * upnp - does the gateway offer port mappings by UPnP IGD, and which external address does it
 * name? Asks only: nothing is mapped.
 *
 * The search blocks, and devices may take a second to answer it. So it runs in a thread of its
 * own that nobody waits for: its result is there in time or not.
 */
#ifndef NATPROBE_UPNP_H
#define NATPROBE_UPNP_H

#include "natprobe/net/probe_socket.h"
#include "natprobe/verdict.h"

struct upnp;

/*
 * Starts a search from an IPv4 source, which is copied. Only what the gateway itself says counts.
 * Returns NULL where natprobe was built without UPnP, or no thread could be started.
 */
struct upnp *upnp_start(const struct probe_source *source, const struct addr *gateway);

/*
 * What is known by now; unknown (timeout) while the search runs. Nobody answered: no. Somebody
 * else than the gateway did, or another interface leads to a gateway of the same address, so that
 * ours cannot be asked: unknown (ambiguous).
 */
struct verdict_portmap upnp_result(struct upnp *u);

/* Takes no further interest; NULL is fine. The search ends by itself. */
void upnp_release(struct upnp *u);

#endif
