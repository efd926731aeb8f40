/*
 * meet_seal - the keys of a meeting, and what is sealed with them: ChaCha20-Poly1305 (RFC 8439) with
 * a key for each direction and a counter as nonce. doc/rendezvous.md has the schedule.
 */
#ifndef NATPROBE_MEET_SEAL_H
#define NATPROBE_MEET_SEAL_H

#include "kdf.h"

#define MEET_SEAL_MORE 16 /* a sealed thing is longer by that */
#define MEET_TAG_LEN   8
#define MEET_SALT_LEN  16
#define MEET_CURVE_LEN 32 /* X25519: keys of both kinds */

/* A direction: whose messages these are can be seen, by both and nobody else until one is sent. */
struct meet_way {
	uint8_t key[KDF_LEN];
	uint8_t tag[MEET_TAG_LEN];
};

/* `secret` came of SPAKE2 or of X25519; context binds what both have seen. */
bool meet_seal_root(const char *label, struct bytes secret, struct bytes context,
		    uint8_t root[static KDF_LEN]);
/* salt: empty, or what its sender adds so that no key is used in two runs. */
bool meet_seal_way(const uint8_t root[static KDF_LEN], bool from_a, struct bytes salt,
		   struct meet_way *out);

/* Seals plain to out[plain.len + MEET_SEAL_MORE]; a counter is used once. */
bool meet_seal_put(const struct meet_way *way, uint64_t counter, struct bytes aad,
		   struct bytes plain, uint8_t *out);
/* out[sealed.len - MEET_SEAL_MORE]; zeros where it is false. */
bool meet_seal_get(const struct meet_way *way, uint64_t counter, struct bytes aad,
		   struct bytes sealed, uint8_t *out);

/* The public key of a private one, which may be any 32 bytes. */
bool meet_curve_public(const uint8_t private_key[static MEET_CURVE_LEN],
		       uint8_t out[static MEET_CURVE_LEN]);
/* False also for a key of small order, which would give everybody the same secret. */
bool meet_curve_share(const uint8_t private_key[static MEET_CURVE_LEN],
		      const uint8_t public_key[static MEET_CURVE_LEN],
		      uint8_t out[static MEET_CURVE_LEN]);

#endif
