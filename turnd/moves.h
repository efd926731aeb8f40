/*
 * moves - the 5-tuples that allocations are expected to move to (mobility.h), of one worker: found
 * by 5-tuple and by number, the oldest first.
 */
#ifndef NATKIT_MOVES_H
#define NATKIT_MOVES_H

#include "alloc.h"

#define MOVES_CHAINS 256

struct move {
	struct move *next_by_tuple, *next_by_number;
	struct list link;
	struct five_tuple tuple;
	void *client_link;
	struct alloc *alloc; /* that moves; NULL: it is with another worker */
	uint64_t number;     /* that it has, or will have, here */
	uint64_t until_ms;
	/* Of one that is with another worker. */
	uint64_t there;           /* its number */
	uint64_t user, realm;     /* whose it is */
	uint64_t asked_ms;        /* 0: not yet */
	struct alloc_token token; /* that its client has shown here */
	struct stun_tid tid;
	uint16_t worker;
	bool is_hidden; /* moves_hide */
};

struct moves {
	struct move *by_tuple[MOVES_CHAINS], *by_number[MOVES_CHAINS];
	struct list all;
	size_t count;
	uint8_t key[16];
};

struct moves *moves_new(const uint8_t key[static 16]); /* NULL when memory runs out */
void moves_free(struct moves *m);                      /* with all that is in it; NULL is fine */

struct move *moves_find(const struct moves *m, const struct five_tuple *tuple);
struct move *moves_find_number(const struct moves *m, uint64_t number);
struct move *moves_find_alloc(const struct moves *m, const struct alloc *a);
struct move *moves_oldest(const struct moves *m); /* NULL: there is none */

/* For a 5-tuple that has none yet; all else in it is zero. NULL: no memory. */
struct move *moves_add(struct moves *m, const struct five_tuple *tuple, uint64_t number);
void moves_remove(struct moves *m, struct move *e); /* its allocation moves nowhere now */

/* Removes that of an allocation, if there is one; m: NULL is fine. */
void moves_forget(struct moves *m, const struct alloc *a);

/* It is found by its number alone from now on: the 5-tuple is nobody's any more. */
void moves_hide(struct moves *m, struct move *e);

#endif
