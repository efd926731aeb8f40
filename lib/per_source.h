/*
 * per_source - how many connections or sessions each source has, with a limit.
 *
 * Sources are IPv4 addresses and IPv6 /64 prefixes. The table has room for all that may be
 * alive at once and never grows; its order cannot be chosen from outside.
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

/* Counts one more of the source of `from`; false when it has its most, or all have. */
bool per_source_add(struct per_source *p, const struct addr *from);

/* Takes back one per_source_add that returned true. */
void per_source_remove(struct per_source *p, const struct addr *from);

#endif
