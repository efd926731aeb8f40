/*
 * stats - what the workers count, and how it is told.
 *
 * Each worker owns one struct stats and is the only one that writes it; any thread reads.
 */
#ifndef NATKIT_STATS_H
#define NATKIT_STATS_H

#include <stdatomic.h>

#include "countries.h"
#include "dtls.h"
#include "metrics.h"
#include "stream.h"
#include "stun_server.h"

#define STATS_TRANSPORTS (STUN_DTLS + 1)

struct stats {
	_Atomic uint64_t outcomes[STATS_TRANSPORTS][STUN_OUTCOMES];
	_Atomic uint64_t limited[STATS_TRANSPORTS]; /* over the budget of their source */
	_Atomic uint64_t truncated;                 /* datagrams longer than we take */
	_Atomic uint64_t unwanted_dtls;             /* DTLS where there is no certificate */
	_Atomic uint64_t receive_errors;
	_Atomic uint64_t send_errors;                /* answers that the system did not take */
	_Atomic uint64_t received_bytes, sent_bytes; /* UDP */
	struct countries requests_by_country;        /* that were answered */
};

/* By the owner only: no locked instruction. */
static inline void stats_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

static inline uint64_t stats_read(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The counters of one worker. */
struct stats_source {
	const struct stats *own;
	const struct stream_stats *streams; /* NULL: no TCP */
	const struct dtls_stats *dtls;      /* NULL: no DTLS */
};

/* Appends the sums over all workers. */
void stats_report(struct metrics *m, const struct stats_source *sources, size_t count);

#endif
