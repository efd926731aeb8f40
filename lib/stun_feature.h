/*
 * stun_feature - what server and client agree on in a NONCE, and how to notice that somebody
 * took it away (RFC 8489, section 9.2, 9.2.1 and 18.1).
 *
 * A server that knows RFC 8489 begins its nonces with a cookie: "obMatJos2" and 24 feature
 * bits in base64. The nonce comes back in signed messages, so the bits are protected, and
 * with them the attributes that they announce.
 */
#ifndef NATKIT_STUN_FEATURE_H
#define NATKIT_STUN_FEATURE_H

#include "stun_attr.h"
#include "stun_msg.h"

#define STUN_NONCE_COOKIE_LEN 13

/* Bit 0 of the registry is the most significant of the 24. */
enum stun_feature {
	STUN_FEATURE_PASSWORD_ALGORITHMS = 1 << 23,
	STUN_FEATURE_USERNAME_ANONYMITY = 1 << 22,
};

/*
 * Writes the cookie, 13 characters without NUL.
 * features  enum stun_feature, or'ed; 24 bits
 */
void stun_nonce_cookie_put(uint32_t features, char out[static STUN_NONCE_COOKIE_LEN]);

/* Whether the nonce begins with a cookie; *features is set if so. */
bool stun_nonce_cookie_get(struct bytes nonce, uint32_t *features);

/*
 * For clients (section 9.2.5): the cookie in the response's NONCE announces password
 * algorithms, and PASSWORD-ALGORITHMS is missing. Such a 401 or 438 is not retried, and any
 * other such response is ignored.
 */
bool stun_feature_is_bid_down(const struct stun_msg *response);

/*
 * For servers (section 9.2.4): which algorithm a request with NONCE was made with.
 * offered    the value of PASSWORD-ALGORITHMS that went out with that nonce; empty: none did
 * algorithm  set when true is returned: STUN_PASSWORD_MD5 where the request names none
 * Returns false where the answer is 400: the request names but one of PASSWORD-ALGORITHM and
 * PASSWORD-ALGORITHMS, the latter is not what was offered, or the former is not among it.
 */
bool stun_feature_algorithm(const struct stun_msg *request, struct bytes offered,
			    uint16_t *algorithm);

#endif
