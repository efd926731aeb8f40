/*
 * dtls_cookie - the cookies that clients of DTLS have to return (RFC 6347, section 4.2.1).
 *
 * A cookie is a MAC of the client's address. Nothing is kept about whom it was given to.
 */
#ifndef NATKIT_DTLS_COOKIE_H
#define NATKIT_DTLS_COOKIE_H

#include "addr.h"
#include "wire.h"

#define DTLS_COOKIE_LEN 16
#define DTLS_SECRET_LEN 32
#define DTLS_SECRET_US  UINT64_C(60000000) /* a cookie is good for one to two of these */

struct dtls_cookies {
	uint8_t secrets[2][DTLS_SECRET_LEN]; /* this one and the one before */
	uint64_t rotate_us;
};

/* Returns false when there is no randomness. */
bool dtls_cookies_init(struct dtls_cookies *c, uint64_t now_us);

/* Wipes the secrets. */
void dtls_cookies_clear(struct dtls_cookies *c);

/* To be called before the others: takes a new secret when the time has come. */
void dtls_cookies_rotate(struct dtls_cookies *c, uint64_t now_us);

void dtls_cookie_make(const struct dtls_cookies *c, const struct addr *peer,
		      uint8_t cookie[static DTLS_COOKIE_LEN]);

/* In constant time, as far as the cookie has the right length. */
bool dtls_cookie_is_good(const struct dtls_cookies *c, struct bytes cookie,
			 const struct addr *peer);

#endif
