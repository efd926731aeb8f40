/*
 * per_source - how many connections or sessions each source has, with a limit.
 *
 * Sources are IPv4 addresses and IPv6 /64 prefixes. The table has room for all that may be
 * alive at once and never grows; its order cannot be chosen from outside. Threads may share it.
 */
#ifndef NATKIT_PER_SOURCE_H
#define NATKIT_PER_SOURCE_H

#include "addr.h"

struct per_source;

/*
 * total  most that are added at once, over all sources
 * most   of one source
 * key    16 random bytes from a CSPRNG
 * Returns NULL when memory runs out.
 */
struct per_source *per_source_new(size_t total, uint32_t most, const uint8_t key[static 16]);
void per_source_free(struct per_source *p); /* NULL is fine */

enum per_source_result {
	PER_SOURCE_OK = 0,
	PER_SOURCE_MOST, /* the source has its most */
	PER_SOURCE_FULL, /* all together have theirs */
};

/* Counts one more of the source of `from`, if there is room for it. */
enum per_source_result per_source_add(struct per_source *p, const struct addr *from);

/* How many are added now, over all sources. */
size_t per_source_alive(struct per_source *p);

/* Takes back one per_source_add that returned PER_SOURCE_OK. */
void per_source_remove(struct per_source *p, const struct addr *from);

#endif
