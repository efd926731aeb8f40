/*
 * limit - a token bucket per source, or per name, in a bounded table.
 *
 * Sources are IPv4 addresses (also as IPv4-mapped IPv6) and IPv6 /64 prefixes, whatever
 * the port. The table never grows: those that meet in a place share one bucket, which
 * narrows their budget and never widens it. A place is 8 bytes.
 *
 * Threads may share a table without a lock: two packets of one source that are judged at
 * the very same moment may then count as one.
 */
#ifndef NATKIT_LIMIT_H
#define NATKIT_LIMIT_H

#include "addr.h"
#include "wire.h"

struct limit;

/*
 * rate_per_s  tokens a source gains per second; 0 counts as 1, more than 10^9 as 10^9
 * burst       most tokens it can save up; 0 counts as 1
 * places      buckets in the table, rounded up to a power of two
 * key         16 random bytes from a CSPRNG
 * Returns NULL when memory runs out.
 */
struct limit *limit_new(uint32_t rate_per_s, uint32_t burst, size_t places,
			const uint8_t key[static 16]);
void limit_free(struct limit *l); /* NULL is fine */

/*
 * Takes one token of the source of `from`; false when it has none left, which costs it
 * nothing. When the clock is set back, a source waits at most as long as from an empty
 * bucket to a full one.
 */
bool limit_allows(struct limit *l, const struct addr *from, uint64_t now_ms);

/* Takes `n` tokens, or none. */
bool limit_allows_many(struct limit *l, const struct addr *from, uint32_t n, uint64_t now_ms);

/* The same as limit_allows of any bytes that name somebody. */
bool limit_allows_name(struct limit *l, struct bytes name, uint64_t now_ms);

#endif
