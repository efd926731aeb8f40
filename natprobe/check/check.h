/*
 * check - natprobe check: probes every chosen interface and family at once, and gathers what
 * came of it. cmd_check.c is the command around it.
 */
#ifndef NATPROBE_CHECK_H
#define NATPROBE_CHECK_H

#include "probe.h"

struct check_config {
	/* Its servers are borrowed until check_free; what check sets itself (batch, tls, on_change,
	   arg) counts for nothing. */
	struct probe_config probe;
	const struct iface_choice *choices; /* copied */
	size_t choice_count;
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

/* As SIGINT does, while it runs. */
bool check_is_running(const struct check *c);
void check_stop(struct check *c);

/* SIGINT, or check_stop, came before the end. */
bool check_was_interrupted(const struct check *c);

/* What was found, borrowed until check_free: one per choice, in the same order. */
const struct report_probe *check_probes(const struct check *c);

#endif
