/*
 * address_watch - tells when the addresses of this host that paths may leave from have changed: another
 * network, another interface, or one that went. Where the system does not tell by itself
 * (address_watch_none.c), nothing is told.
 */
#ifndef NATPROBE_ADDRESS_WATCH_H
#define NATPROBE_ADDRESS_WATCH_H

#include <event2/event.h>

#include "addr.h"

struct address_watch;

/* on_change is called once for changes that come together. NULL where it cannot be. */
struct address_watch *address_watch_new(struct event_base *base, void (*on_change)(void *arg),
					void *arg);
void address_watch_free(struct address_watch *w); /* NULL is fine */

/* Whether an interface that is up has this IP address now; true where that is not known. */
bool address_watch_has(const struct address_watch *w, const struct addr *ip);

#endif
