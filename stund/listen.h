/*
 * listen - the sockets of one worker, and the loop that answers on them.
 *
 * Opened by the main thread before privileges are dropped, then used by the worker's thread
 * alone. Every worker has a socket of its own for each address and port (SO_REUSEPORT), so
 * whatever a request asks for, its answer leaves without crossing a thread.
 */
#ifndef NATKIT_LISTEN_H
#define NATKIT_LISTEN_H

#include <event2/event.h>

#include "layout.h"
#include "policy.h"
#include "stats.h"

struct listen;

/*
 * Opens all sockets of `layout` on `base`. Says in the log what could not be opened.
 * conf, layout  must outlive the listener
 * policy        is retained
 * index         which worker this is: the first one logs what it opened
 * Returns NULL where an address could not be opened, or memory ran out.
 */
struct listen *listen_open(struct event_base *base, const struct stund_conf *conf,
			   const struct layout *layout, struct policy *policy, unsigned int index);

/* NULL is fine. Not while the worker's loop runs. */
void listen_close(struct listen *l);

/* Takes a new policy over, in the worker's thread. */
void listen_use_policy(struct listen *l, struct policy *policy);

/* May be read by any thread while `l` lives. */
const struct stats *listen_stats(const struct listen *l);

#endif
