/*
 * seal - AES-GCM (RFC 5116, section 5.1 and 5.2) for access tokens, AES-SIV for tickets.
 *
 * A sealed block is as long as what is in it and SEAL_TAG_LEN more. Each call allocates: a
 * cipher context of libcrypto, freed before it returns. So it belongs to requests that make
 * or move an allocation, not to packets. Where there is no memory, sealing fails, and a
 * block counts as one that does not open.
 */
#ifndef NATKIT_SEAL_H
#define NATKIT_SEAL_H

#include "wire.h"

#define SEAL_NONCE_LEN 12
#define SEAL_TAG_LEN   16
#define SEAL_KEY_MAX   32

/* Whether a key has the length of AES-128 or AES-256. */
bool seal_is_key_len(size_t len);

/*
 * Encrypts `plain` to out[plain.len + SEAL_TAG_LEN].
 * key    16 or 32 bytes
 * nonce  SEAL_NONCE_LEN bytes; never twice with one key
 * aad    is authenticated, and not part of the result; may be empty
 * Returns false where libcrypto fails; `out` then holds nothing of use.
 */
bool seal_put(struct bytes key, const uint8_t nonce[static SEAL_NONCE_LEN], struct bytes aad,
	      struct bytes plain, uint8_t *out);

/*
 * Opens `sealed` to out[sealed.len - SEAL_TAG_LEN].
 * Returns false for a wrong key, nonce or aad, for changed or cut bytes, and where libcrypto
 * fails; `out` is then zero.
 */
bool seal_get(struct bytes key, const uint8_t nonce[static SEAL_NONCE_LEN], struct bytes aad,
	      struct bytes sealed, uint8_t *out);

#define SEAL_SIV_KEY_LEN 32

/*
 * The same with AES-128-SIV (RFC 5297), which takes no nonce: the tag comes first, and what is
 * alike looks alike. For short things of which no two are.
 * out  SEAL_TAG_LEN bytes more than plain
 */
bool seal_siv_put(const uint8_t key[static SEAL_SIV_KEY_LEN], struct bytes aad, struct bytes plain,
		  uint8_t *out);

/* out  SEAL_TAG_LEN bytes less than sealed; zeros where it is false */
bool seal_siv_get(const uint8_t key[static SEAL_SIV_KEY_LEN], struct bytes aad, struct bytes sealed,
		  uint8_t *out);

#endif
