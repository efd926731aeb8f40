/*
 * check - natprobe check: probes every chosen interface and family at once, and gathers what
 * came of it. cmd_check.c is the command around it.
 */
#ifndef NATPROBE_CHECK_H
#define NATPROBE_CHECK_H

#include <event2/event.h>

#include "iface.h"
#include "report.h"

struct check_config {
	struct event_base *base;
	const struct server *servers; /* resolved; borrowed until check_free */
	size_t server_count;
	const struct iface_choice *choices; /* copied */
	size_t choice_count;
	uint64_t timeout_ms;
	bool shows_progress;
};

struct check;

/* NULL when memory runs out. */
struct check *check_new(const struct check_config *config);
void check_free(struct check *c); /* NULL is fine */

/*
 * Runs the base until all probes have ended, the time is over, or SIGINT came: what is known
 * by then counts.
 */
void check_run(struct check *c);

/* What was found, borrowed until check_free: one per choice, in the same order. */
const struct report_probe *check_probes(const struct check *c);

#endif
