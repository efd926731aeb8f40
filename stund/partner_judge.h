/*
 * partner_judge - what may leave for a partner, and which of its faces go with ours.
 *
 * Who has the shared key can have us send; these rules bound what that is good for.
 */
#ifndef NATKIT_PARTNER_JUDGE_H
#define NATKIT_PARTNER_JUDGE_H

#include "partner_wire.h"

/*
 * May a server that clients see at `own` send to `to`? Not to addresses of a special purpose,
 * unless its own is one as well: a lab. Never to those that are no host's.
 */
bool partner_may_reach(const struct addr *own, const struct addr *to);

/*
 * Is it a Binding success response, of a size that is allowed, that tells `to` its own address?
 * classic  one in the dialect of RFC 3489 will do
 */
bool partner_is_answer(struct bytes msg, const struct addr *to, bool classic);

/* How a face of the partner goes with ours: what stands in the log. */
enum partner_fit {
	PARTNER_FIT_ABSENT = 0, /* we have none of the kind: nothing is missed */
	PARTNER_FIT_OK,
	PARTNER_FIT_MISSING, /* the partner has none */
	PARTNER_FIT_SAME,    /* it has our address: it takes two */
	PARTNER_FIT_PORTS,   /* other ports than ours: clients expect the same (RFC 5780) */
	PARTNER_FIT_SPECIAL, /* clients of ours cannot reach it */
};

enum partner_fit partner_fit(const struct partner_face *own, const struct partner_face *theirs);

#endif
