/*
 * quota - how many allocations each user, realm and source holds, and how many bytes they move.
 *
 * One for all workers. Counting allocations takes a lock, moving bytes takes none. A unit is held
 * for exactly as long as its allocation lives (its relay socket is open): quota_hold takes it,
 * quota_release gives it back, and nothing else does.
 */
#ifndef NATKIT_QUOTA_H
#define NATKIT_QUOTA_H

#include <stdatomic.h>

#include "addr.h"

struct quota;
struct quota_share;

/* A token bucket of bytes that one thread uses. Zero is a bucket that is full. */
struct quota_bucket {
	uint64_t used_until_ns; /* when all that was taken will be paid back */
};

/*
 * most  allocations alive at once, over all workers: the tables are made for so many
 * key   16 random bytes
 */
struct quota *quota_new(size_t most, const uint8_t key[static 16]); /* NULL when memory runs out */
void quota_free(struct quota *q);                                   /* NULL is fine */

struct quota_ask {
	uint64_t user, realm;
	struct addr source;                                      /* of the client */
	uint32_t user_most, realm_most, source_most, total_most; /* 0: no limit */
};

enum quota_result {
	QUOTA_OK = 0,
	QUOTA_USER,   /* 486 */
	QUOTA_REALM,  /* 486 */
	QUOTA_SOURCE, /* 486 */
	QUOTA_TOTAL,  /* 508; also when memory runs out */
};

/*
 * Counts one more allocation, if all limits allow it. A source is an IPv4 address or an IPv6 /64.
 * share  set on QUOTA_OK: the user's bandwidth, to be used until quota_release
 */
enum quota_result quota_hold(struct quota *q, const struct quota_ask *ask,
			     struct quota_share **share);

/* Gives back what quota_hold took for the same user, realm and source. */
void quota_release(struct quota *q, const struct quota_ask *ask);

/* The source of an allocation has changed (RFC 8016): moves its unit, whatever the limit. */
void quota_move(struct quota *q, const struct addr *before, const struct addr *now);

size_t quota_alive(const struct quota *q);
uint32_t quota_alive_of_user(struct quota *q, uint64_t realm, uint64_t user);

enum quota_way { QUOTA_TO_PEER, QUOTA_TO_CLIENT };

/*
 * May `bytes` more pass now? If so, they count. A second's worth may pass at once, and one
 * datagram of any length when all before it is paid back. bytes_per_s 0: no limit.
 */
bool quota_bucket_takes(struct quota_bucket *b, uint64_t bytes_per_s, uint32_t bytes,
			uint64_t now_us);

/* The same for all allocations of a user, and for all of turnd; from any thread. */
bool quota_share_takes(struct quota_share *s, enum quota_way way, uint64_t bytes_per_s,
		       uint32_t bytes, uint64_t now_us);
bool quota_total_takes(struct quota *q, enum quota_way way, uint64_t bytes_per_s, uint32_t bytes,
		       uint64_t now_us);

#endif
