/*
 * relay_run - trials of a TURN server on real sockets: all at once, and once more one by one those
 * that failed because they were too many.
 */
#ifndef NATPROBE_RELAY_RUN_H
#define NATPROBE_RELAY_RUN_H

#include <event2/event.h>
#include <openssl/types.h>

#include "relay_report.h"
#include "relay_trial.h"
#include "turn_resolve.h"

#define RELAY_RUN_MAX 16 /* trials */

struct relay_run_config {
	struct event_base *base;
	const struct turn_candidate *candidates;
	size_t count; /* at most RELAY_RUN_MAX */
	const char *domain;
	SSL_CTX *tls, *dtls; /* NULL where no candidate takes one */
	bool insecure;
	struct relay_trial_config trial; /* for each; transport, to and random are set here */
};

/*
 * Runs `base` until all trials are over; SIGINT and SIGTERM end them early.
 * rows  has a place for each candidate
 * Returns 0 or -errno.
 */
int relay_run(const struct relay_run_config *config, struct relay_row *rows);

#endif
