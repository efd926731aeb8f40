/*
 * ticket - the MOBILITY-TICKET with which a client takes its allocation to another address
 * (RFC 8016).
 *
 * A ticket names the allocation and its worker, and which of its tickets it is; the allocation
 * knows its owner. It is sealed with AES-128-SIV under a key of this process, which needs no word
 * about it: after a restart no ticket opens, and there is no allocation left either. To the client
 * it is TICKET_LEN bytes of noise. Making and opening one allocates (seal.h).
 *
 * There is a client that takes no more than 32 bytes, and those up to the first NUL
 * (turnutils_uclient). That leaves no room for a nonce; no two tickets of an allocation are alike,
 * so none is needed. And a byte of each ticket is changed until none of all is NUL. A key is 32
 * random bytes.
 */
#ifndef NATKIT_TICKET_H
#define NATKIT_TICKET_H

#include "seal.h"

#define TICKET_KEY_LEN 32
#define TICKET_LEN     (1 + SEAL_TAG_LEN + 15)
#define TICKET_OLD_MS  UINT64_C(30000) /* how long an old one answers retransmissions (s. 3.2.2) */

/* Plain data: a snapshot that threads may share as const. As secret as its keys. */
struct ticket_keys {
	uint8_t current[TICKET_KEY_LEN];
	uint8_t previous[TICKET_KEY_LEN];
	uint8_t number; /* of the current key, never 0; stands before each ticket */
	bool has_previous;
};

/* Any number of a session is fine, as long as the owner of the words gives the right ones. */
struct ticket {
	uint64_t user;     /* who made the allocation (users.h); not in the bytes */
	uint64_t alloc;    /* which allocation of that worker; never given twice */
	uint64_t realm;    /* where the user is known; not in the bytes */
	uint32_t sequence; /* the allocation's first ticket has 0, each further one more */
	uint16_t worker;   /* who holds the allocation */
};

void ticket_keys_init(struct ticket_keys *k, const uint8_t key[static TICKET_KEY_LEN]);

/* Takes a new key. Tickets of the one before open until the next rotation. */
void ticket_keys_rotate(struct ticket_keys *k, const uint8_t key[static TICKET_KEY_LEN]);

void ticket_keys_wipe(struct ticket_keys *k);

/*
 * Writes the value of a MOBILITY-TICKET.
 * Returns false where libcrypto fails; the allocation then goes without a ticket.
 */
bool ticket_make(const struct ticket_keys *k, const struct ticket *t,
		 uint8_t out[static TICKET_LEN]);

enum ticket_verdict {
	TICKET_GOOD = 0,
	TICKET_EMPTY,     /* asks for one: fine in an Allocate, 400 in a Refresh */
	TICKET_MALFORMED, /* of a length that ours have not: 400 */
	TICKET_NO_KEY,    /* made with a key that is gone or never was: 400 */
	TICKET_FORGED,    /* not made by us, or changed: 400 */
};

/*
 * Opens the value of a MOBILITY-TICKET.
 * out  set on TICKET_GOOD only; user and realm are 0, and for the caller to set to who shows it
 */
enum ticket_verdict ticket_open(const struct ticket_keys *k, struct bytes value,
				struct ticket *out);

/* What a ticket that opened is good for, once its allocation is found. */
enum ticket_use {
	TICKET_MOVES = 0,    /* the newest one: the allocation may move */
	TICKET_REPEATS,      /* the one before, just replaced: answer as before, move nothing */
	TICKET_DEAD,         /* older, or replaced for longer than TICKET_OLD_MS: 437 */
	TICKET_OTHER_OWNER,  /* of another user or realm: 441 */
	TICKET_OTHER_OBJECT, /* of another allocation or worker: 437 */
};

/*
 * Compares an opened ticket with its allocation.
 * held         the allocation's owner, numbers, and the sequence of its newest ticket
 * replaced_ms  when that newest ticket took the place of the one before
 */
enum ticket_use ticket_judge(const struct ticket *t, const struct ticket *held,
			     uint64_t replaced_ms, uint64_t now_ms);

/* For people, without capital and full stop. Never NULL. */
const char *ticket_why(enum ticket_verdict verdict);
const char *ticket_use_text(enum ticket_use use);

#endif
