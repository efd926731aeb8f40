/* relay_lookup - turn_resolve over the system's DNS. */
#ifndef NATPROBE_RELAY_LOOKUP_H
#define NATPROBE_RELAY_LOOKUP_H

#include <event2/event.h>

#include "turn_resolve.h"

/*
 * Asks all that `r` wants to know by running `base`, for so long at most.
 * Returns 0, whatever came of it, or -errno when no resolver could be made.
 */
int relay_lookup(struct event_base *base, struct turn_resolve *r, uint64_t timeout_ms);

#endif
