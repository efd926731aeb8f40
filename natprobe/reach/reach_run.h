/* reach_run - a trial on real sockets: it asks, listens on the port, watches the interface. */
#ifndef NATPROBE_REACH_RUN_H
#define NATPROBE_REACH_RUN_H

#include <event2/event.h>

#include "natprobe/map/own_path.h"
#include "reach_trial.h"

struct reach_run_config {
	struct event_base *base;
	const struct own_path *path;
	struct addr server;
	uint8_t transport;
	uint16_t port;     /* of this host */
	uint16_t external; /* to be tried */
	uint64_t timeout_ms;
};

/*
 * Runs `base` until the trial is over.
 * facts      set, but for what others know: stands_in and external
 * tap_error  why nobody watches, as -errno; 0: somebody does
 * Returns 0 or -errno.
 */
int reach_run(const struct reach_run_config *config, struct reach_facts *facts, int *tap_error);

#endif
