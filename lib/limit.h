/*
 * limit - a token bucket per source, in a bounded table.
 *
 * Sources are IPv4 addresses and IPv6 /64 prefixes. The table never grows: sources that
 * meet in a place share one bucket, which narrows their budget and never widens it.
 */
#ifndef NATKIT_LIMIT_H
#define NATKIT_LIMIT_H

#include "addr.h"

struct limit;

/*
 * rate_per_s  tokens a source gains per second
 * burst       most tokens it can save up
 * places      buckets in the table, rounded up to a power of two
 * key         16 random bytes from a CSPRNG
 * Returns NULL when memory runs out.
 */
struct limit *limit_new(uint32_t rate_per_s, uint32_t burst, size_t places,
			const uint8_t key[static 16]);
void limit_free(struct limit *l); /* NULL is fine */

/* Takes one token of the source of `from`; false when it has none left. */
bool limit_allows(struct limit *l, const struct addr *from, uint64_t now_ms);

#endif
