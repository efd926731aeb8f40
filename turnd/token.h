/*
 * token - access tokens of an authorization server (RFC 7635), seen by the TURN server.
 *
 * A client sends the token in ACCESS-TOKEN and the id of the key that sealed it (kid) as
 * USERNAME; in the token is the key that signs its requests. Tokens are sealed with AES-GCM,
 * with our name as associated data, so that those for other servers do not open; those of
 * turnutils_oauth do. AES-CBC with HMAC, which the RFC allows too, is not spoken.
 *
 * Opening one allocates (seal.h). Nothing is kept: a token may be used again until it
 * expires, as the RFC has it, and who has it without its key signs nothing.
 */
#ifndef NATKIT_TOKEN_H
#define NATKIT_TOKEN_H

#include "seal.h"
#include "stun_auth.h"

#define TOKEN_KEYS_MAX    16
#define TOKEN_KID_MAX     128
#define TOKEN_NAME_MAX    255
#define TOKEN_MAC_KEY_MIN 10 /* half of what HMAC-SHA1 yields: RFC 2104 wants no shorter ones */
#define TOKEN_MAC_KEY_MAX 64
#define TOKEN_MAC_KEY_CUT 16 /* what coturn's clients use of a longer one with HMAC-SHA1 */
#define TOKEN_DELTA_S     5  /* tolerance of clocks (RFC 7635, section 7) */
#define TOKEN_LEN_MAX     (2 + SEAL_NONCE_LEN + 2 + TOKEN_MAC_KEY_MAX + 12 + SEAL_TAG_LEN)

enum token_algorithm {
	TOKEN_A128GCM = 16, /* the length of its key */
	TOKEN_A256GCM = 32,
};

/* One key shared with an authorization server. */
struct token_key {
	struct bytes kid; /* 1 to TOKEN_KID_MAX bytes, none of them NUL */
	enum token_algorithm algorithm;
	struct bytes secret; /* at least as long as the algorithm's key; the rest is not used */
	uint64_t from_s;     /* wall clock: when it begins to be valid */
	uint64_t until_s;    /* and when it ends; UINT64_MAX for never */
};

/* The keys and the name of one server. Threads may share it as const once it is built. */
struct token_keys;

/*
 * server_name  what THIRD-PARTY-AUTHORIZATION tells clients, and what tokens are bound to:
 *              1 to TOKEN_NAME_MAX bytes of UTF-8 without NUL
 * Returns NULL for another name, or when memory runs out.
 */
struct token_keys *token_keys_new(struct bytes server_name);
void token_keys_free(struct token_keys *k); /* wipes the keys; NULL is fine */

/*
 * Copies a key into the table. Returns false where one of its fields is not as it says above,
 * where its kid is known already, or the table is full.
 */
bool token_keys_add(struct token_keys *k, const struct token_key *key);

/* The value of THIRD-PARTY-AUTHORIZATION (section 6.1); borrowed. */
struct bytes token_keys_name(const struct token_keys *k);

/* All but the first are answered with 401. */
enum token_verdict {
	TOKEN_GOOD = 0,
	TOKEN_UNKNOWN_KEY, /* no key has this kid */
	TOKEN_KEY_EXPIRED, /* the key is not valid now */
	TOKEN_MALFORMED,   /* too short, too long, or with a nonce that AES-GCM has not */
	TOKEN_FORGED,      /* does not open: another key, another server, or changed */
	TOKEN_BAD_CONTENT, /* opens, and holds no key that can be used, or not just that */
	TOKEN_EXPIRED,
	TOKEN_TOO_EARLY, /* its time lies ahead of us by more than its lifetime */
};

struct token {
	struct stun_key key; /* signs requests and answers */
	struct stun_key cut; /* so does its beginning, for coturn's clients, where has_cut */
	bool has_cut;
	uint64_t made_s;    /* wall clock */
	uint64_t expires_s; /* an allocation lives no longer by this token */
	uint32_t id;        /* which key of the table opened it, from 0 */
};

/*
 * Opens the value of an ACCESS-TOKEN.
 * kid    the value of USERNAME
 * now_s  wall clock
 * out    set on TOKEN_GOOD only; the caller wipes it with token_wipe
 * A token is taken where lifetime + TOKEN_DELTA_S > |now - timestamp| (section 7), down to
 * the second: fractions of its timestamp are cut off.
 */
enum token_verdict token_open(const struct token_keys *k, struct bytes kid, struct bytes value,
			      uint64_t now_s, struct token *out);

void token_wipe(struct token *t);

/* What an authorization server puts into a token. */
struct token_content {
	struct bytes mac_key; /* TOKEN_MAC_KEY_MIN to TOKEN_MAC_KEY_MAX bytes */
	uint64_t timestamp;   /* seconds << 16, and 1/64000 of a second */
	uint32_t lifetime_s;
};

/*
 * Makes the value of an ACCESS-TOKEN: for whoever has no authorization server, and for tests.
 * nonce     SEAL_NONCE_LEN random bytes, never twice with one key
 * out, cap  where it goes; TOKEN_LEN_MAX bytes are always enough
 * Returns its length; 0 for an unknown kid, a mac_key of another length, too small a buffer,
 * or where libcrypto fails.
 */
size_t token_make(const struct token_keys *k, struct bytes kid, const struct token_content *content,
		  const uint8_t nonce[static SEAL_NONCE_LEN], uint8_t *out, size_t cap);

/* For people: "token that has expired". Never NULL. */
const char *token_why(enum token_verdict verdict);

#endif
