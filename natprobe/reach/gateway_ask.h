/* gateway_ask - which address a gateway names as its own outside: NAT-PMP, and UPnP. */
#ifndef NATPROBE_GATEWAY_ASK_H
#define NATPROBE_GATEWAY_ASK_H

#include <event2/event.h>

#include "natprobe/map/own_path.h"

/*
 * Runs `base` until one of them has answered, or the time of both is over (1.5 s).
 * Returns ADDR_NONE where neither tells.
 */
struct addr gateway_ask(struct event_base *base, const struct own_path *path, bool asks_upnp);

#endif
