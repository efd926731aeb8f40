/*
 * metrics - a text of counters and gauges in the exposition format 0.0.4 of Prometheus.
 *
 *	metrics_family(&m, "stund_requests_total", METRICS_COUNTER, "Requests that came in.");
 *	metrics_count(&m, METRICS_LABELS("transport", "udp"), 17);
 *
 * makes
 *
 *	# HELP stund_requests_total Requests that came in.
 *	# TYPE stund_requests_total counter
 *	stund_requests_total{transport="udp"} 17
 *
 * Labels come from bounded sets, never from strangers.
 */
#ifndef NATKIT_METRICS_H
#define NATKIT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_NAME_MAX 63

/* Starts as { 0 }. Grows as it must; out of memory makes it `failed` for good. */
struct metrics {
	char *text; /* owned; ends with NUL; NULL while empty */
	size_t len;
	size_t cap;
	char family[METRICS_NAME_MAX + 1]; /* the one begun last */
	bool failed;
};

void metrics_free(struct metrics *m);

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE };

/*
 * Begins a family; its samples follow.
 * name  up to METRICS_NAME_MAX letters, digits, _ and :; a counter ends with _total
 */
void metrics_family(struct metrics *m, const char *name, enum metrics_type type, const char *help);

/* Name and value in turns, then NULL. NULL alone: no labels. */
#define METRICS_LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* One sample of the family. Any value of a label is escaped as it must be. */
void metrics_count(struct metrics *m, const char *const *labels, uint64_t value);
void metrics_gauge(struct metrics *m, const char *const *labels, double value);

#endif
