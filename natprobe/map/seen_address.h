/* seen_address - as whom a STUN server sees this host: some are asked, the first answer counts. */
#ifndef NATPROBE_SEEN_ADDRESS_H
#define NATPROBE_SEEN_ADDRESS_H

#include <event2/event.h>

#include "natprobe/net/probe_socket.h"

#define SEEN_SERVERS_MAX 3

/*
 * Asks from a fresh socket, and runs `base` until an answer is there, or the time is up.
 * servers  of the source's family, at most SEEN_SERVERS_MAX
 * Returns what was seen; ADDR_NONE: nobody answered.
 */
struct addr seen_address_ask(struct event_base *base, const struct probe_source *source,
			     const struct addr *servers, size_t count, uint32_t patience_ms);

#endif
