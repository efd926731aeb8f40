/*
 * nat64_search - does DNS tell of a NAT64 (RFC 7050)? Asks for the addresses of ipv4only.arpa, which
 * has none of IPv6 but where somebody makes them up.
 */
#ifndef NATPROBE_NAT64_SEARCH_H
#define NATPROBE_NAT64_SEARCH_H

#include <event2/event.h>

#include "addr.h"

struct nat64_search;

/* prefix  ADDR_NONE, len 0: there is none. Called once at most: not where DNS does not answer. */
typedef void (*nat64_search_fn)(void *arg, const struct addr *prefix, uint8_t len);

/* NULL where no resolver can be made. */
struct nat64_search *nat64_search_new(struct event_base *base, nat64_search_fn on_known, void *arg);
void nat64_search_free(struct nat64_search *s); /* NULL is fine */

#endif
