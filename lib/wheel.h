/*
 * wheel - one timer for many objects: a hierarchical timer wheel on a clock that is handed in.
 *
 * A node lies in the object that waits; nothing is allocated. Adding, moving and cancelling
 * cost the same whatever waits; a node is touched at most eleven times before it is due. Times are
 * whole milliseconds of one monotonic clock, and every uint64_t is a time.
 */
#ifndef NATKIT_WHEEL_H
#define NATKIT_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

#define WHEEL_BITS   6
#define WHEEL_SLOTS  (1u << WHEEL_BITS)
#define WHEEL_LEVELS 11 /* of 6 bits each: together all of a uint64_t */

struct wheel_node {
	struct list link;
	uint64_t deadline_ms;
};

/* Large (some 11 KB), and its lists point into it: it must not be moved. */
struct wheel {
	uint64_t now_ms;
	uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot that has nodes */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	struct list due;
};

/* The object of `type` that has `node` as its `member`. */
#define WHEEL_OF(node, type, member) LIST_OF(node, type, member)

void wheel_init(struct wheel *w, uint64_t now_ms);

/* A node that waits for nothing. Every node needs this once. */
void wheel_node_init(struct wheel_node *n);

/* Does the node wait, or lie there as due? */
bool wheel_is_pending(const struct wheel_node *n);

/*
 * Lets a node wait until `deadline_ms`; one that waits already moves. A deadline that has passed
 * makes it due at once. A node is in one wheel at a time.
 */
void wheel_set(struct wheel *w, struct wheel_node *n, uint64_t deadline_ms);

/* Takes a node out; one that does not wait stays so. Needed before its object ends. */
void wheel_cancel(struct wheel *w, struct wheel_node *n);

/*
 * Takes out the next node whose deadline is `now_ms` or before; NULL when there is none left.
 * They come in the order of their deadlines, those that were overdue when set first. Between two calls the caller may add, move and cancel what it likes, the
 * node it got included; what is set to a deadline not after `now_ms` comes in the same round.
 * A clock that is set back expires nothing new.
 */
struct wheel_node *wheel_expire(struct wheel *w, uint64_t now_ms);

/*
 * When to call wheel_expire again; UINT64_MAX for never. It is never after the first deadline,
 * and may be before it: then that call finds nothing and a later time is said (at most ten times
 * for one deadline).
 */
uint64_t wheel_next(const struct wheel *w);

#endif
