/*
 * stun_auth - keys, MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT
 * (RFC 8489, section 9, 14.4 to 14.7).
 *
 * A key is derived once; signing and checking a message with it allocates nothing and
 * hashes nothing but the message. User names, realms and passwords are expected in prepared
 * form (opaque.h). Who holds a struct stun_key or a secret wipes it.
 */
#ifndef NATKIT_STUN_AUTH_H
#define NATKIT_STUN_AUTH_H

#include "stun_attr.h"
#include "stun_msg.h"

#define STUN_INTEGRITY_LEN     20
#define STUN_SHA256_FULL       32 /* MESSAGE-INTEGRITY-SHA256 as STUN, TURN and ICE use it */
#define STUN_SHA256_MIN        16 /* the most that a usage may cut off it */
#define STUN_USERHASH_LEN      32
#define STUN_SECRET_MAX        32 /* of a long-term credential */
#define STUN_FINGERPRINT_MAGIC 0x5354554Eu

/*
 * What HMAC needs to know of a secret: its hash states behind the first block, inner and
 * outer, for both hashes. As secret as the secret; may be copied.
 */
struct stun_key {
	uint32_t sha1_inner[5];
	uint32_t sha1_outer[5];
	uint32_t sha256_inner[8];
	uint32_t sha256_outer[8];
};

/*
 * The key of a secret of any length: of a prepared password (short-term credentials, section
 * 9.1.1), or of what stun_secret_long_term made, or a data base kept (section 9.2.2).
 */
void stun_key_make(struct stun_key *out, struct bytes secret);

void stun_key_wipe(struct stun_key *key);

/* HMAC of bytes that are no message, such as the user names of time-limited credentials. */
void stun_key_hmac_sha1(const struct stun_key *key, struct bytes in,
			uint8_t out[static STUN_INTEGRITY_LEN]);
void stun_key_hmac_sha256(const struct stun_key *key, struct bytes in,
			  uint8_t out[static STUN_SHA256_FULL]);

/*
 * The secret of long-term credentials: hash of username ":" realm ":" password (section
 * 9.2.2 and 18.5.1). Trailing NULs are left out, and so are quotes around user name and realm.
 * algorithm  enum stun_password_algorithm
 * out        wiped by the caller in the end
 * Returns its length, 16 (MD5) or 32 (SHA-256); 0 for an algorithm that is unknown.
 */
size_t stun_secret_long_term(uint16_t algorithm, struct bytes username, struct bytes realm,
			     struct bytes password, uint8_t out[static STUN_SECRET_MAX]);

/* Both in one: false for an algorithm that is unknown, `out` untouched. */
bool stun_key_long_term(struct stun_key *out, uint16_t algorithm, struct bytes username,
			struct bytes realm, struct bytes password);

/* USERHASH: SHA-256 of username ":" realm (section 14.4). */
void stun_userhash(struct bytes username, struct bytes realm,
		   uint8_t out[static STUN_USERHASH_LEN]);

/*
 * Each puts its attribute at the end, computed over all that stands before. They go in this
 * order, and behind all others: MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256, FINGERPRINT.
 * Return STUN_OK, or STUN_NO_SPACE with the message as it was (and the build has failed).
 */
enum stun_result stun_auth_put_integrity(struct stun_builder *b, const struct stun_key *key);

/* len  STUN_SHA256_FULL; where the usage allows it a multiple of 4 from STUN_SHA256_MIN on */
enum stun_result stun_auth_put_sha256(struct stun_builder *b, const struct stun_key *key,
				      size_t len);

enum stun_result stun_auth_put_fingerprint(struct stun_builder *b);

enum stun_auth_result {
	STUN_AUTH_OK = 0,
	STUN_AUTH_ABSENT, /* no such attribute among those that count */
	STUN_AUTH_WRONG,  /* another key, a message that was changed, or a wrong length */
};

/* All compares take the same time wherever the difference is. */
enum stun_auth_result stun_auth_check_integrity(const struct stun_msg *msg,
						const struct stun_key *key);

/* min_len  STUN_SHA256_FULL; where the usage allows it as little as STUN_SHA256_MIN */
enum stun_auth_result stun_auth_check_sha256(const struct stun_msg *msg, const struct stun_key *key,
					     size_t min_len);

/*
 * MESSAGE-INTEGRITY-SHA256 (in full length) if it is there, else MESSAGE-INTEGRITY: what
 * receivers of a request have to do (section 9.1.3 and 9.2.4).
 */
enum stun_auth_result stun_auth_check(const struct stun_msg *msg, const struct stun_key *key);

/* Wrong also where anything follows it. */
enum stun_auth_result stun_auth_check_fingerprint(const struct stun_msg *msg);

#endif
