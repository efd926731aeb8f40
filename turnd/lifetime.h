/*
 * lifetime - how long allocations live, and what a Refresh changes of that (RFC 8656, section 7.2
 * and 8.2; RFC 7635, section 5).
 *
 * The two relayed addresses of a dual allocation may be refreshed apart, so each has an end of its
 * own; the allocation lives as long as one of them does.
 */
#ifndef NATKIT_LIFETIME_H
#define NATKIT_LIFETIME_H

#include "request.h"

/*
 * What a client is given for what it asks: no less than the default, no more than the most, and
 * not beyond its access token's end, where it came with one. 0: that has come already.
 */
uint32_t lifetime_grant(const struct request *r);

/* Sets the time of all relayed addresses of a new allocation. */
void lifetime_begin(struct turnd *t, struct alloc *a, uint32_t lifetime_s, uint64_t now_ms);

/* What the request says about lifetimes. Returns 0 with *out set, or the code to answer with. */
uint16_t lifetime_read(const struct request *r, struct turnd_refresh *out);

/*
 * Carries it out. Returns 0, or 443 where the allocation has no address of that family.
 * alive  set to whether the allocation still is there
 */
uint16_t lifetime_refresh(struct turnd *t, struct alloc *a, const struct turnd_refresh *refresh,
			  uint64_t now_ms, bool *alive);

/* Its timer has run out: ends what is over, and waits for the rest. */
void lifetime_over(struct turnd *t, struct alloc *a, uint64_t now_ms);

/* Puts the timer of one that came from another worker into our wheel. */
void lifetime_resume(struct turnd *t, struct alloc *a);

#endif
