/*
 * forward_lookup - the addresses of a target: of a name, those that DNS and /etc/hosts know, IPv6
 * first where this host has a route to it.
 */
#ifndef NATPROBE_FORWARD_LOOKUP_H
#define NATPROBE_FORWARD_LOOKUP_H

#include <event2/event.h>

#include "forward_spec.h"

#define FORWARD_ADDRS_MAX 8

struct forward_lookup;

/* Once, later; it may free. count: 0: there is none, or nobody knew in time. */
typedef void (*forward_lookup_fn)(void *arg, const struct addr *list, size_t count);

/* NULL when memory runs out. */
struct forward_lookup *forward_lookup_new(struct event_base *base,
					  const struct forward_target *target,
					  forward_lookup_fn on_done, void *arg);
void forward_lookup_free(struct forward_lookup *l); /* NULL is fine */

#endif
