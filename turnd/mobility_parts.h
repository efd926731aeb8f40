/*
 * mobility_parts - what the two halves of mobility.h share: mobility.c knows where allocations are
 * and may be next, mobility_ticket.c what a ticket is good for.
 */
#ifndef NATKIT_MOBILITY_PARTS_H
#define NATKIT_MOBILITY_PARTS_H

#include "mobility.h"
#include "moves.h"

/* A move that is expected on this worker; NULL: none. */
struct move *mobility_expected(const struct turnd *t, const struct five_tuple *tuple);
struct move *mobility_expected_number(const struct turnd *t, uint64_t number);

/* Expects one at a 5-tuple that has no allocation, and nothing else there. NULL: no memory. */
struct move *mobility_expect(struct turnd *t, const struct five_tuple *tuple, uint64_t number,
			     uint64_t now_ms);

/* Its allocation may be on its way here now: where it was, nobody knows of it any more. */
bool mobility_is_fetched(const struct move *e, uint64_t now_ms);

/* The client of an allocation of ours is at its new 5-tuple from now on. */
void mobility_settle(struct turnd *t, struct move *e);

/* Takes an allocation of ours out, for whoever asked for it. */
void mobility_give(struct turnd *t, struct alloc *a, struct turnd_gift *out);

#endif
