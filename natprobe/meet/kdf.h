/*
 * kdf - keys from secrets: HKDF-SHA256 (RFC 5869), HMAC-SHA256, and scrypt (RFC 7914) for what people
 * can remember. Whoever holds a key wipes it.
 */
#ifndef NATPROBE_KDF_H
#define NATPROBE_KDF_H

#include "wire.h"

#define KDF_LEN         32
#define KDF_STRETCHED   64
#define KDF_STRETCH_LOG 15 /* scrypt with N = 2^15, r = 8, p = 1: 32 MiB, some 50 ms */

/* All are false only where libcrypto fails; `out` is then zero. */
bool kdf_hash(struct bytes in, uint8_t out[static KDF_LEN]);
bool kdf_hmac(struct bytes key, struct bytes in, uint8_t out[static KDF_LEN]);
bool kdf_extract(struct bytes salt, struct bytes secret, uint8_t out[static KDF_LEN]);
/* info: label and context, one behind the other, 160 bytes at most. len: at most 32. */
bool kdf_expand(const uint8_t key[static KDF_LEN], const char *label, struct bytes context,
		uint8_t *out, size_t len);
/* log2_n: from 1 to KDF_STRETCH_LOG, both sides the same. */
bool kdf_stretch(struct bytes secret, struct bytes salt, uint8_t log2_n,
		 uint8_t out[static KDF_STRETCHED]);

#endif
