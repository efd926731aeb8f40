/*
 * alloc - the allocations of one worker, by 5-tuple and by number (RFC 8656, section 3.2).
 *
 * One block of memory each, freed at once. The table does not open or close sockets: who removes
 * an allocation closes its ends first (turnd_state.h: turnd_end).
 */
#ifndef NATKIT_ALLOC_H
#define NATKIT_ALLOC_H

#include "flow.h"
#include "ports.h"
#include "stun_auth.h"
#include "stun_msg.h"
#include "ticket.h"
#include "wheel.h"

struct tcp_peer;

/* What the Allocate was answered with: the same again when it is retransmitted. */
struct alloc_answer {
	struct stun_tid tid;
	struct ports_token token;
	uint32_t lifetime_s;
	uint16_t other_refused; /* ADDRESS-ERROR-CODE; 0: none */
	uint8_t other_family;
	bool has_token;
};

/* RFC 8016: the tickets of one allocation, and where it is about to move. */
struct alloc_mobility {
	bool is_mobile;
	bool is_moving;         /* `next` is told to be its client's, and has sent no data yet */
	uint32_t sequence;      /* of the newest ticket */
	uint64_t replaced_ms;   /* when it took the place of the one before */
	struct stun_tid tid;    /* of the request that moved it last */
	struct five_tuple next; /* where it moves, or has moved last */
	uint16_t next_worker;   /* who serves that 5-tuple */
};

/* RFC 7635: requests without ACCESS-TOKEN are signed with the key of the one before. */
struct alloc_token {
	bool is_used;
	struct stun_key key;
};

struct alloc {
	struct flow flow; /* first: forwarding knows this part only */

	/* For alloc.c. */
	struct alloc *next_by_tuple, *next_by_number;
	struct list link; /* all of the worker */
	struct wheel_node
		timer; /* when its first end expires; of the worker's wheel: cancelled by its end */

	uint64_t number;              /* of this worker, never given twice */
	uint64_t user, realm;         /* whose it is */
	uint64_t until_ms;            /* when it expires, unless refreshed */
	uint64_t ends_until_ms[2];    /* when each of its relayed addresses does */
	uint64_t credentials_until_s; /* wall clock; USERS_NEVER */
	uint64_t since_ms;
	struct alloc_answer answer;
	struct alloc_mobility mobility;
	struct tcp_peer *tcp; /* RFC 6062: connections; NULL: none */
	struct alloc_token token;
	uint8_t country[3]; /* of the client, for lists; "" where unknown */
};

struct alloc_table;

/* key  16 random bytes. NULL when memory runs out. Grows as it must. */
struct alloc_table *alloc_table_new(const uint8_t key[static 16]);
void alloc_table_free(struct alloc_table *t); /* all allocations have been removed */

/* Borrowed, as all results here: until it is removed. NULL: none. */
struct alloc *alloc_table_find(const struct alloc_table *t, const struct five_tuple *tuple);
struct alloc *alloc_table_find_number(const struct alloc_table *t, uint64_t number);

/* Makes an allocation for a 5-tuple that has none; all else in it is zero. NULL: no memory. */
struct alloc *alloc_table_add(struct alloc_table *t, const struct five_tuple *tuple,
			      uint64_t number);

/* Files it under another 5-tuple, one that has none (RFC 8016). */
void alloc_table_move(struct alloc_table *t, struct alloc *a, const struct five_tuple *tuple);

/* It is found by its number alone from now on: its 5-tuple may belong to others again. */
void alloc_table_hide(struct alloc_table *t, struct alloc *a);

/* Takes it out, and frees it with what it owns; but for its sockets. */
void alloc_table_remove(struct alloc_table *t, struct alloc *a);

/*
 * Takes it out whole and alive, for another worker; and takes one in from another worker, under a
 * number that is not in use. False: its 5-tuple is, so it is found by its number alone. Its timer
 * does not run meanwhile.
 */
void alloc_table_give(struct alloc_table *t, struct alloc *a);
bool alloc_table_take(struct alloc_table *t, struct alloc *a);

size_t alloc_table_count(const struct alloc_table *t);

/*
 * One after another in no order: NULL begins, NULL ends. Who removes one asks for the next before.
 */
struct alloc *alloc_table_next(const struct alloc_table *t, const struct alloc *after);

#endif
