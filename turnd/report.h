/* report - what the workers count, as metrics. */
#ifndef NATKIT_TURND_REPORT_H
#define NATKIT_TURND_REPORT_H

#include "listen.h"
#include "metrics.h"
#include "stats.h"

/* The counters of one worker. */
struct report_source {
	const struct turnd_stats *turnd;
	const struct listen_stats *own;
	const struct stream_stats *streams; /* NULL: no TCP */
	const struct dtls_stats *dtls;      /* NULL: no DTLS */
};

/* Appends the sums over all workers. */
void report(struct metrics *m, const struct report_source *sources, size_t count);

#endif
