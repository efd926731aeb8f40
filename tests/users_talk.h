/* What tests of users share: a realm's key, a signed request, and a set to try it on. */
#ifndef NATKIT_USERS_TALK_H
#define NATKIT_USERS_TALK_H

#include "turnd/users.h"

#define REALM BYTES("example.org")
#define NOW   UINT64_C(1800000000)

/* A request that somebody signed; `raw` holds it. */
struct signed_request {
	uint8_t raw[256];
	struct stun_msg msg;
};

struct users *users_new_set(void);

/* Signs as RFC 8489 has it: with MESSAGE-INTEGRITY for MD5, else MESSAGE-INTEGRITY-SHA256. */
void sign(struct signed_request *r, uint16_t algorithm, struct bytes name, struct bytes password);

/*
 * Signs as `name` with `password`, looks the name up, and tries.
 * match  what was found and done; may be NULL
 */
enum users_verdict ask(const struct users *u, uint16_t algorithm, struct bytes name,
		       struct bytes password, uint64_t now_s, struct users_match *match,
		       struct users_key *key);

#endif
