/*
 * auth - who signed a request (RFC 8489, section 9.2.4; RFC 7635, section 4.1). The one place
 * where this is decided.
 */
#ifndef NATKIT_AUTH_H
#define NATKIT_AUTH_H

#include "request.h"

/*
 * Decides who sent r->msg, and sets r->user, expires_s, key, has_key, by_token, by_sha256 and
 * is_authentic. Returns 0, or the code to answer with: 400, 401, 438. A request that is signed
 * rightly, but with a stale nonce or with credentials that have ended, has its key set all the
 * same. The wrong user and the wrong password take the same path.
 *
 * Credentials that have ended are good for what exists already, unless the realm is strict about
 * it: they allocate nothing.
 *
 * Opening an ACCESS-TOKEN takes the heap for a moment, so that is done only for those who have a
 * nonce that was made for their address, or was made by us and is stale.
 */
uint16_t auth_check(struct request *r);

/*
 * Whose password it was that did not fit: a number of bytes that is the same for USERNAME and
 * USERHASH, and for names that nobody has. Returns false where no password was tried.
 */
bool auth_guessed_name(const struct request *r, uint8_t out[static STUN_USERHASH_LEN]);

/*
 * Appends what a client needs to try again: REALM, NONCE, PASSWORD-ALGORITHMS and
 * THIRD-PARTY-AUTHORIZATION, for 401 and 438. A bare header by UDP gets the first two alone, which
 * is all that RFC 8489, section 9.2.4 wants, and a nonce that leads to the others.
 */
void auth_put_challenge(struct request *r);

#endif
