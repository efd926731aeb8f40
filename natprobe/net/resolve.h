/*
 * resolve - from what the user calls a server to addresses that can be asked
 * (RFC 8489, section 8): SRV where no port is given, then A and AAAA.
 */
#ifndef NATPROBE_RESOLVE_H
#define NATPROBE_RESOLVE_H

#include <event2/event.h>

#include "server.h"

struct resolve_options {
	bool ipv4;
	bool ipv6;
	uint64_t timeout_ms; /* for all of it */
};

/* Entries that a server may take: one for each address of a family, at most. */
#define RESOLVE_ROOM 4

/*
 * Resolves all servers at once by running `base`. Returns early when the first server is
 * known and the others take several times as long as it did, or a second and a half where one
 * was an address from the start: they count as unanswered then.
 * servers  name and uri stay; the rest is set. A name with several addresses gets further
 *          entries behind all others, so that a dead address does not stand for the server
 * count    how many there are; grows by those entries. There is room for RESOLVE_ROOM times
 *          as many
 * Returns 0, or -errno when no resolver could be made. Names that do not resolve are no
 * error: see `why`.
 */
int resolve_servers(struct event_base *base, struct server *servers, size_t *count,
		    const struct resolve_options *options);

#endif
