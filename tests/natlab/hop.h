/* hop - what every router asks about an IP packet, and what it says when its TTL is used up. Pure. */
#ifndef NATLAB_HOP_H
#define NATLAB_HOP_H

#include "addr.h"
#include "wire.h"

struct hop_ends {
	struct addr source, destination; /* port 0 */
};

/* False where it is no IPv4 or IPv6 packet, or a cut one. */
bool hop_ends(struct bytes packet, struct hop_ends *out);

/* 224.0.0.0/4, 255.255.255.255, ff00::/8. */
bool hop_is_multicast(const struct addr *a);

/*
 * Writes "time exceeded" about a packet into buf. 0 where nothing may be said: the packet is an
 * ICMP error itself, a later fragment, or from or for many (RFC 1122, section 3.2.2).
 */
size_t hop_time_exceeded(struct bytes packet, const struct addr *from, uint8_t *buf, size_t cap);

#endif
