/*
 * stun_load - a closed loop of Binding requests from several sources to one server.
 *
 * Every source keeps its share of the window in flight and sends a request for each answer.
 * Answers count only with the transaction id of a request that is in flight.
 */
#ifndef NATKIT_BENCH_STUN_LOAD_H
#define NATKIT_BENCH_STUN_LOAD_H

#include "addr.h"

struct stun_load;

struct stun_load_result {
	uint64_t answers;
	uint64_t bad;     /* not an answer to what was in flight */
	uint64_t lost;    /* requests given up, when nothing came for a while */
	uint64_t took_ns; /* wall time */
	size_t answer_len;
};

/*
 * Opens the sources, 127.0.1.1 and on, towards a server on the loopback.
 * window  requests in flight in all; a multiple of `sources`
 * Returns NULL with errno set.
 */
struct stun_load *stun_load_open(const struct addr *server, int sources, int window);
void stun_load_close(struct stun_load *l); /* NULL is fine */

/*
 * Runs for `ms`, then waits for what is in flight. After `patience_ms` without any answer that
 * counts as lost.
 */
struct stun_load_result stun_load_run(struct stun_load *l, uint64_t ms, int patience_ms);

#endif
