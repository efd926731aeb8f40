/*
 * coop_kit - a cooperating server with a hand-moved clock, and clients of it, for its tests.
 *
 * One server (full site 192.0.2.1 and 192.0.2.2, ports 3478 and 3479) at a time.
 */
#ifndef NATKIT_COOP_KIT_H
#define NATKIT_COOP_KIT_H

#include "stund/coop_server.h"

struct coop_kit {
	struct coop *server;
	struct coop_token_key key;
	struct stun_site site;
	uint64_t now_us;
	uint8_t request[2048], answer[2048], work[COOP_SIZE_MAX];
	size_t asked_len; /* of the request at hand */
	struct stun_reply reply;
	struct coop_answer told; /* what the reply says; empty where there is none */
	struct coop_action act;
	uint32_t next_tid;
};

void coop_kit_open(struct coop_kit *k, const struct coop_limits *limits);
void coop_kit_close(struct coop_kit *k);

extern const struct addr coop_kit_client; /* 198.51.100.7:40000 */

/*
 * Asks socket `socket` of the site; `tid` 0: a fresh one. order NULL: none. Returns what
 * coop_on_request says, with k->reply and k->told set.
 */
bool coop_kit_ask(struct coop_kit *k, const struct addr *from, uint8_t socket, uint32_t tid,
		  const struct coop_token *token, const struct coop_order *order);

/* A token for that address, as of now. */
struct coop_token coop_kit_token(struct coop_kit *k, const struct addr *from);

/* An order of the client with a good token to socket 0, and what is said at once. */
uint8_t coop_kit_order(struct coop_kit *k, const struct coop_order *order);

/* What is due now, in k->act; k->told says what it sends. */
enum coop_action_kind coop_kit_next(struct coop_kit *k);

/* Sets the clock forward. */
void coop_kit_wait(struct coop_kit *k, uint64_t ms);

#endif
