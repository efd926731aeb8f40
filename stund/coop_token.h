/*
 * coop_token - proof that somebody receives what is sent to an address: a MAC over the address
 * (without port) and the time, under a key that changes.
 */
#ifndef STUND_COOP_TOKEN_H
#define STUND_COOP_TOKEN_H

#include "coop.h"

#define COOP_TOKEN_TTL_S 600 /* a token is good for this long at least, and twice that at most */

struct coop_token_key {
	uint8_t bytes[32];
};

void coop_token_make(const struct coop_token_key *key, const struct addr *from, uint64_t now_us,
		     struct coop_token *out);

/* In constant time. */
bool coop_token_is_good(const struct coop_token_key *key, const struct addr *from, uint64_t now_us,
			const struct coop_token *t);

#endif
