/*
 * coop_token - proof that somebody receives what is sent to an address: a MAC over the address
 * (without port) and the time, under a key that nobody else knows.
 *
 * Nothing is kept about anybody. The time is in the MAC and not in the bytes, so a token says
 * nothing of the server's clock. The MAC is 128 bits of SipHash-2-4 under two keys: no allocation,
 * no call into a library, so that a flood of requests costs next to nothing.
 */
#ifndef NATKIT_COOP_TOKEN_H
#define NATKIT_COOP_TOKEN_H

#include "coop.h"

#define COOP_TOKEN_TTL_S 600 /* a token is good for this long at least, and twice that at most */

/* From a CSPRNG. Servers that share one, and a clock, take each other's tokens. */
struct coop_token_key {
	uint8_t bytes[32];
};

void coop_token_make(const struct coop_token_key *key, const struct addr *from, uint64_t now_us,
		     struct coop_token *out);

/* In constant time. Tokens of this period and the one before are good. */
bool coop_token_is_good(const struct coop_token_key *key, const struct addr *from, uint64_t now_us,
			const struct coop_token *t);

#endif
