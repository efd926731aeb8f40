/*
 * carrier_lookup - at which addresses a carrier's server may be tried: those of its name to which
 * this host has a route, IPv6 first; where it has none to an IPv4 address, the one that a NAT64
 * makes of it.
 */
#ifndef NATPROBE_CARRIER_LOOKUP_H
#define NATPROBE_CARRIER_LOOKUP_H

#include <event2/event.h>

#include "carrier_uri.h"

#define CARRIER_LOOKUP_MAX 8

struct carrier_lookup;

/*
 * list, count  with the port of the URI; none: count is 0
 * why          for people, with a remedy; NULL where there are some
 */
typedef void (*carrier_lookup_fn)(void *arg, const struct addr *list, size_t count,
				  const char *why);

/* Asks; on_done comes once, later, never before this returns. NULL when memory runs out. */
struct carrier_lookup *carrier_lookup_new(struct event_base *base, const struct carrier_uri *uri,
					  carrier_lookup_fn on_done, void *arg);
/* on_done comes no more. May be called from it. NULL is fine. */
void carrier_lookup_free(struct carrier_lookup *l);

#endif
