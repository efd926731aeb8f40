#include "dtls_cookie.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

bool dtls_cookies_init(struct dtls_cookies *c, uint64_t now_us)
{
	c->rotate_us = now_us + DTLS_SECRET_US;
	return RAND_bytes((unsigned char *)c->secrets, sizeof(c->secrets)) == 1;
}

void dtls_cookies_clear(struct dtls_cookies *c)
{
	OPENSSL_cleanse(c->secrets, sizeof(c->secrets));
}

/* Without fresh randomness the old secret goes on: better a stale proof than none. */
void dtls_cookies_rotate(struct dtls_cookies *c, uint64_t now_us)
{
	uint8_t fresh[2][DTLS_SECRET_LEN];

	if (now_us < c->rotate_us || RAND_bytes((unsigned char *)fresh, sizeof(fresh)) != 1)
		return;
	if (now_us < c->rotate_us + DTLS_SECRET_US)
		memcpy(fresh[1], c->secrets[0], DTLS_SECRET_LEN); /* else it is too old, too */
	memcpy(c->secrets, fresh, sizeof(fresh));
	OPENSSL_cleanse(fresh, sizeof(fresh));
	c->rotate_us = now_us + DTLS_SECRET_US;
}

/* SipHash with two keys: a MAC of 128 bits that touches no heap. */
static void make(const uint8_t secret[static DTLS_SECRET_LEN], const struct addr *peer,
		 uint8_t cookie[static DTLS_COOKIE_LEN])
{
	uint64_t halves[2] = { addr_hash(peer, secret), addr_hash(peer, secret + 16) };

	memcpy(cookie, halves, DTLS_COOKIE_LEN);
}

void dtls_cookie_make(const struct dtls_cookies *c, const struct addr *peer,
		      uint8_t cookie[static DTLS_COOKIE_LEN])
{
	make(c->secrets[0], peer, cookie);
}

bool dtls_cookie_is_good(const struct dtls_cookies *c, struct bytes cookie, const struct addr *peer)
{
	uint8_t expected[DTLS_COOKIE_LEN];
	bool good = false;

	if (cookie.len != DTLS_COOKIE_LEN)
		return false;
	for (int i = 0; i < 2; i++) {
		make(c->secrets[i], peer, expected);
		good |= CRYPTO_memcmp(expected, cookie.data, DTLS_COOKIE_LEN) == 0;
	}
	return good;
}
