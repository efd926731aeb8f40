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

#include "dtls.h"
#include "layout.h"
#include "policy.h"
#include "stats.h"
#include "stream.h"

struct listen;

/*
 * Opens all sockets of `layout` on `base`.
 * conf, layout  must outlive the listener
 * policy        is retained
 * index, count  which worker this is, of how many: the first one says in the log what it
 *               opened, and what it could not
 * Returns 0 with *out set, or -errno.
 */
int listen_open(struct event_base *base, const struct stund_conf *conf, const struct layout *layout,
		struct policy *policy, size_t index, size_t count, struct listen **out);

/* NULL is fine. Not while the worker's loop runs. */
void listen_close(struct listen *l);

/* Takes a new policy over, in the worker's thread. */
void listen_use_policy(struct listen *l, struct policy *policy);

/* May be read by any thread while `l` lives; NULL where there is no TCP, no DTLS. */
const struct stats *listen_stats(const struct listen *l);
const struct stream_stats *listen_stream_stats(const struct listen *l);
const struct dtls_stats *listen_dtls_stats(const struct listen *l);

#endif
