/*
 * priv - give up root once the sockets are open.
 *
 * Called by the main thread before it starts others: a thread inherits "no new privileges"
 * from the one that starts it, and from nobody else.
 */
#ifndef NATKIT_PRIV_H
#define NATKIT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

enum priv_outcome {
	PRIV_DROPPED = 0, /* is the user now, which was seen to be irreversible */
	PRIV_NOT_ROOT,    /* was not root before: nothing to give up, nothing done */
	PRIV_ROOT,        /* no user was named, or root itself: is root still */
	PRIV_NO_USER,     /* no such user: is root still */
	PRIV_REFUSED,     /* the system does not allow it (a container's user namespace): is
			     root still, in the sense of that namespace */
	PRIV_REVERSIBLE,  /* root could be had back: the program must end */
};

struct priv_result {
	enum priv_outcome outcome;
	int error;         /* errno behind PRIV_REFUSED, else 0 */
	bool no_new_privs; /* execve gives no privileges any more: no setuid programs */
};

/*
 * Becomes `who`, with the groups that the user has (a key file may be readable by one of
 * them), and forbids new privileges in any case.
 * who  USER or USER:GROUP, each a name, or a number that need not have one; the group is the
 *      user's own where none is given; NULL: nobody to become
 */
struct priv_result priv_drop(const char *who);

/*
 * The program may go on. It must not where a user was asked for by the operator, by name
 * (`asked`), and this is root still; where the name is a default only, it may.
 */
bool priv_may_go_on(enum priv_outcome outcome, bool asked);

/*
 * Whom priv_drop would make of this process: false where it would change nothing, or there is no
 * such user.
 */
bool priv_will_be(const char *who, uint32_t *uid);

/* A sentence for the log: what happened to the wish to become somebody. */
const char *priv_outcome_text(enum priv_outcome outcome);

#endif
