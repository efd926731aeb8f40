/* nat64_lookup - the NAT64 prefix that this network's DNS tells of (RFC 7050). */
#ifndef NATPROBE_NAT64_LOOKUP_H
#define NATPROBE_NAT64_LOOKUP_H

#include <event2/event.h>

#include "addr.h"

struct nat64_found {
	bool asked;         /* DNS answered, whatever it said */
	struct addr prefix; /* ADDR_NONE: there is none */
	uint8_t len;
};

/* Asks by running `base`, for so long at most. */
struct nat64_found nat64_lookup(struct event_base *base, uint64_t timeout_ms);

#endif
