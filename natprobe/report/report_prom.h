/* report_prom - what a run found, in the text format of Prometheus, for node_exporter's textfile
 * collector. */
#ifndef NATPROBE_REPORT_PROM_H
#define NATPROBE_REPORT_PROM_H

#include "metrics.h"
#include "report.h"

/* What happened since the first run. */
struct report_prom_totals {
	uint64_t runs, changes;
	uint64_t ended_s; /* of the last run, in seconds since 1970 */
};

/* Fills *m, which is { 0 } before. */
void report_prom(const struct report *r, const struct report_prom_totals *totals,
		 struct metrics *m);

#endif
