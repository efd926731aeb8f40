/*
 * nonce - nonces that nobody has to remember (RFC 8489, section 9.2; RFC 8656, section 5).
 *
 * A nonce is the cookie with the security features, then when and for which port it was made,
 * a keyed tag of the client's IP address, and a MAC of it all. So the server knows its own
 * nonces again, what they announced, and for whom and when it made them, and keeps no state.
 *
 * The MAC is SipHash-2-4, 64 bits: no allocation, no call into a library, so that a flood of
 * requests without credentials costs next to nothing. It needs no more: who forges a nonce
 * still has no password, and can try but online.
 *
 * A nonce is bound to IP address and port: section 9.2.4 wants another nonce for another
 * port, and behind a shared address a neighbour could otherwise replay a signed Allocate
 * from a port of his own. Requests that come from another port by design get a verdict of
 * their own (RFC 6062's ConnectionBind), all others are answered with 438.
 *
 * Servers that share a key accept each other's nonces, as long as their clocks agree within
 * NONCE_SKEW_S. A key is as good as its entropy: 32 random bytes.
 */
#ifndef NATKIT_NONCE_H
#define NATKIT_NONCE_H

#include "addr.h"
#include "siphash.h"
#include "stun_feature.h"

#define NONCE_KEY_LEN 32
#define NONCE_LEN     (STUN_NONCE_COOKIE_LEN + 32) /* characters, of the RFC's 127 */
#define NONCE_SKEW_S  30                           /* how far ahead a fleet's clocks may be */
#define NONCE_LIFE_S  3600                         /* RFC 8656: a new nonce at least every hour */

/* Both hashes begun with a key; as secret as the key. */
struct nonce_key {
	struct siphash mac;
	struct siphash tag;
};

/* Plain data: a snapshot that threads may share as const. */
struct nonce_keys {
	struct nonce_key current; /* makes nonces */
	struct nonce_key
		other; /* is accepted as well: the one before, a fleet's next, or current */
	uint32_t life_s;
};

/*
 * other   is accepted, and makes none; NULL for no such key
 * life_s  how long a nonce is fresh; 0 counts as 1
 */
void nonce_keys_init(struct nonce_keys *k, const uint8_t key[static NONCE_KEY_LEN],
		     const uint8_t *other, uint32_t life_s);

/* Takes a new key; nonces of the one before stay good for their life, or the next rotation. */
void nonce_keys_rotate(struct nonce_keys *k, const uint8_t key[static NONCE_KEY_LEN]);

void nonce_keys_wipe(struct nonce_keys *k);

/*
 * Writes a nonce for `client`, NONCE_LEN characters without NUL. One client gets one and the
 * same within a second.
 * features  enum stun_feature, or'ed
 * now_s     of the wall clock where a fleet shares the key, else of any clock
 */
void nonce_make(const struct nonce_keys *k, const struct addr *client, uint32_t features,
		uint64_t now_s, char out[static NONCE_LEN]);

/* All but the first are answered with 438 and a new nonce. */
enum nonce_verdict {
	NONCE_FRESH = 0,
	NONCE_STALE,         /* ours, and too old (or from a future that is too far) */
	NONCE_FORGED,        /* not ours, changed, or made with a key that is gone */
	NONCE_OTHER_ADDRESS, /* ours, fresh, and made for another IP address */
	NONCE_OTHER_PORT,    /* ours, fresh, and made for another port of this IP address */
};

struct nonce_facts {
	uint32_t features; /* what was announced with it: enum stun_feature, or'ed */
	uint32_t left_s;   /* how long it will still be fresh */
};

/*
 * Judges the NONCE of a request from `client`.
 * facts  set for NONCE_FRESH and NONCE_OTHER_PORT, else zero
 * MAC and tag are compared in constant time, and with both keys whichever fits.
 */
enum nonce_verdict nonce_check(const struct nonce_keys *k, struct bytes nonce,
			       const struct addr *client, uint64_t now_s,
			       struct nonce_facts *facts);

/* For people: "stale nonce". Never NULL. */
const char *nonce_why(enum nonce_verdict verdict);

#endif
