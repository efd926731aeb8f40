/*
 * listen - the sockets of one worker, and the loop that answers on them.
 *
 * Opened and used by the worker's thread alone, before privileges are dropped. Every worker has a socket of its own for each address and port (SO_REUSEPORT), so
 * whatever a request asks for, its answer leaves without crossing a thread.
 */
#ifndef NATKIT_LISTEN_H
#define NATKIT_LISTEN_H

#include <event2/event.h>

#include "coop_server.h"
#include "dtls.h"
#include "layout.h"
#include "partner_board.h"
#include "policy.h"
#include "stats.h"
#include "stream.h"

struct listen;

/* What the listeners of all workers have in common; must outlive them. */
struct listen_common {
	const struct stund_conf *conf;
	const struct layout *layout;
	size_t workers;
	struct per_source *connections, *sessions; /* who is there, over TCP and over DTLS */
	struct listen_common_coop {
		struct coop_token_key key;
		struct coop_budget *budget; /* NULL: stund does not cooperate */
		int raw[ADDR_IPV6 + 1];     /* sockets for whole packets, by family; -1: none */
		int raw_error; /* why there is one missing; 0: none is, or none is wanted */
	} coop;
	struct partner_board *partner; /* NULL: there is no partner */
};

/* Returns 0 or -errno. conf and layout are borrowed. */
int listen_common_open(struct listen_common *c, const struct stund_conf *conf,
		       const struct layout *layout, size_t workers);

/* Copes with a half-open one, and one that is all zero. */
void listen_common_close(struct listen_common *c);

/*
 * Opens all sockets of the layout on `base`.
 * policy  is retained
 * index   which worker this is: the first one says in the log what it opened, and what it
 *         could not
 * Returns 0 with *out set, or -errno.
 */
int listen_open(struct event_base *base, const struct listen_common *common, struct policy *policy,
		size_t index, struct listen **out);

/* NULL is fine. Not while the worker's loop runs. */
void listen_close(struct listen *l);

/* Takes a new policy over, in the worker's thread. */
void listen_use_policy(struct listen *l, struct policy *policy);

/* May be read by any thread while `l` lives; NULL where there is no TCP, no DTLS, no
 * cooperation. */
const struct stats *listen_stats(const struct listen *l);
const struct stream_stats *listen_stream_stats(const struct listen *l);
const struct dtls_stats *listen_dtls_stats(const struct listen *l);
const struct coop_stats *listen_coop_stats(const struct listen *l);

#endif
