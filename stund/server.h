/*
 * server - the workers of stund, each with a listener of its own.
 */
#ifndef NATKIT_SERVER_H
#define NATKIT_SERVER_H

#include "listen.h"

struct server;

/*
 * Opens all sockets and starts to answer.
 * conf, layout  must outlive the server
 * Returns 0 with *out set, or -errno; what could not be opened stands in the log.
 */
int server_start(const struct stund_conf *conf, const struct layout *layout, struct policy *policy,
		 struct server **out);

/* NULL is fine. */
void server_stop(struct server *s);

/*
 * Hands a policy to all workers; when it returns no worker uses the one before.
 * Returns false when memory runs out: then none has taken it.
 */
bool server_use_policy(struct server *s, struct policy *policy);

size_t server_worker_count(const struct server *s);

/* Appends the counters of all workers. From any thread. */
void server_report(const struct server *s, struct metrics *m);

#endif
