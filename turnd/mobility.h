/*
 * mobility - allocations that follow their client to another address (RFC 8016).
 *
 * A Refresh with a MOBILITY-TICKET from another 5-tuple does not move an allocation at once: what
 * peers send goes on to the old 5-tuple, and data of both are taken, until data come from the new
 * one (section 3.2.2). Between the two, the new 5-tuple stands in a small table as a move that is
 * expected.
 *
 * The new 5-tuple may be served by another worker than the old one. Then the allocation stays with
 * its worker, which is asked whether the ticket is good, and the expected move names that worker.
 * It is asked for the allocation when the client first uses the new 5-tuple for anything else.
 *
 * A ticket names the worker that serves the 5-tuple it was sent to, and the number that the
 * allocation has or will have there. So every ticket leads to its allocation in one or two steps,
 * however often it moved.
 */
#ifndef NATKIT_MOBILITY_H
#define NATKIT_MOBILITY_H

#include "request.h"

struct moves;

/*
 * An expected move is forgotten after that time, or when the lifetime ends that its client was told
 * of, whichever is later; and the oldest one when there are too many.
 */
#define MOBILITY_EXPECTED_MS   UINT64_C(600000)
#define MOBILITY_EXPECTED_MOST 4096

/* The allocation that a 5-tuple may speak about: its own, or the one that moves there. */
struct alloc *mobility_find(const struct turnd *t, const struct five_tuple *tuple);

/* Where the key of its access token is kept, also of one that is expected; NULL: of none. */
struct alloc_token *mobility_find_token(const struct turnd *t, const struct five_tuple *tuple);

/*
 * Before a message is judged: takes what came with it, and moves the allocation whose client it
 * tells to be here. Returns false when the message may go on; true: *step is what becomes of it.
 */
bool mobility_intercepts(struct turnd *t, const struct turnd_in *in, const struct turnd_now *now,
			 struct turnd_out *out, enum turnd_step *step);

/* Refresh with a MOBILITY-TICKET. As methods do. */
uint16_t mobility_refresh(struct request *r);

/* The client at that 5-tuple was told of a lifetime, and may be silent for so long. */
void mobility_keep(struct turnd *t, const struct five_tuple *tuple, uint32_t lifetime_s,
		   uint64_t now_ms);

/* Puts a ticket for the allocation of that number here; without it where libcrypto fails. */
void mobility_put_ticket(struct request *r, uint64_t number, uint32_t sequence);

/* The connection of a mobile allocation's client has ended; or one that was to be its next. */
void mobility_lose_link(struct turnd *t, struct alloc *a);
void mobility_lose_next(struct turnd *t, const struct five_tuple *tuple, const void *link);

/* For gift.c: TURND_ASK_MOVE, TURND_ASK_ALLOC, and what came back. */
void mobility_answer_move(struct turnd *t, const struct turnd_ask *ask, uint64_t now_ms,
			  struct turnd_gift *out);
void mobility_answer_alloc(struct turnd *t, const struct turnd_ask *ask, struct turnd_gift *out);
void mobility_take_back(struct turnd *t, struct alloc *a);

/* Forgets what is over; returns when to call again, in ms, UINT64_MAX for never. */
uint64_t mobility_on_time(struct turnd *t, uint64_t now_ms);
size_t mobility_count(const struct turnd *t); /* moves that are expected */
void mobility_free(struct turnd *t);

#endif
