/*
 * spake2 - two parties that share a password come to share a key, and whoever does not know it has
 * one guess per run: SPAKE2-P256-SHA256-HKDF-SHA256-HMAC-SHA256 (RFC 9382).
 *
 * Plain values, which their holder wipes. A number (the secret x or y) belongs to one run and one
 * side: two shares of one number, as A and as B, would tell the password to whoever tries all.
 */
#ifndef NATPROBE_SPAKE2_H
#define NATPROBE_SPAKE2_H

#include "wire.h"

#define SPAKE2_WIDE_LEN   48 /* of what is reduced to a number: no value is likelier than others */
#define SPAKE2_NUMBER_LEN 32
#define SPAKE2_SHARE_LEN  65 /* a point, not compressed */
#define SPAKE2_MAC_LEN    32
#define SPAKE2_KEY_LEN    16
#define SPAKE2_NAME_MAX   64

enum spake2_result {
	SPAKE2_OK = 0,
	SPAKE2_NO_POINT, /* what came is no point of the curve, or the identity */
	SPAKE2_FAILED,   /* libcrypto: no memory */
};

struct spake2 {
	bool is_a;
	uint8_t w[SPAKE2_NUMBER_LEN]; /* of the password */
	uint8_t x[SPAKE2_NUMBER_LEN]; /* y, of side B */
	uint8_t share[SPAKE2_SHARE_LEN];
};

/* What both parties have to agree on; each at most SPAKE2_NAME_MAX bytes. */
struct spake2_context {
	struct bytes a, b; /* their names */
	struct bytes aad;  /* goes into the confirmations */
};

struct spake2_keys {
	uint8_t key[SPAKE2_KEY_LEN];                          /* Ke */
	uint8_t ours[SPAKE2_MAC_LEN], theirs[SPAKE2_MAC_LEN]; /* confirmations */
};

/* Uniform bytes modulo the order of the group. False: zero, or libcrypto fails. */
bool spake2_number(const uint8_t wide[static SPAKE2_WIDE_LEN],
		   uint8_t out[static SPAKE2_NUMBER_LEN]);

/* Makes the share of a side. False: libcrypto fails, or x is none. */
bool spake2_start(struct spake2 *s, bool is_a, const uint8_t w[static SPAKE2_NUMBER_LEN],
		  const uint8_t x[static SPAKE2_NUMBER_LEN]);

/* Keys of the share that came; `out` is set on SPAKE2_OK only. They are worth something once their
 * confirmation is found to be right, in constant time. */
enum spake2_result spake2_finish(const struct spake2 *s, const struct spake2_context *context,
				 const uint8_t theirs[static SPAKE2_SHARE_LEN],
				 struct spake2_keys *out);

bool spake2_is_right(const struct spake2_keys *keys, const uint8_t mac[static SPAKE2_MAC_LEN]);

#endif
