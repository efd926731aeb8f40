/*
 * stats - what the workers count, and how it is told.
 *
 * Each worker owns one struct stats and is the only one that writes it; any thread reads.
 */
#ifndef NATKIT_STATS_H
#define NATKIT_STATS_H

#include <stdatomic.h>

#include "counter.h"
#include "countries.h"
#include "metrics.h"
#include "partner_stats.h"
#include "stun_server.h"
#include "tally.h"

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
	struct partner_stats partner;                /* where there is one */
	_Atomic uint64_t has_partner;
};

enum {
	STATS_PART = TALLY_OWN, /* a struct stats; each worker has one */
	STATS_COOP,             /* a struct coop_stats, where stund cooperates */
};

/* Appends the sums over all workers. */
void stats_report(struct metrics *m, const struct tally *t);

#endif
