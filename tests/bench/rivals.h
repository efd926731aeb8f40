/* rivals - relay servers that a benchmark starts, and the load for each. */
#ifndef NATKIT_BENCH_RIVALS_H
#define NATKIT_BENCH_RIVALS_H

#include <sys/types.h>

#include "load_turn.h"

enum rival_kind {
	RIVAL_TURND,  /* one worker */
	RIVAL_COTURN, /* threads as it likes */
	RIVAL_FLOOR,  /* forwards, and knows nothing of TURN */
	RIVALS,
};

extern const char *const rival_names[RIVALS];

struct rivals_config {
	const char *turnd, *coturn; /* empty: does not take part */
	uint32_t flows;
	int window;
	size_t payload;
	bool loud;
};

struct rival {
	uint8_t kind; /* enum rival_kind */
	pid_t pid;    /* 0: not running */
	struct addr at;
	struct load_turn *load;
	char *file; /* its configuration, until it is stopped */
};

/*
 * Starts a server and waits for its first answers: a client has allocated and deleted then.
 * Returns NULL, or what went wrong. One that does not take part has no pid afterwards.
 */
const char *rival_start(struct rival *r, uint8_t kind, const struct rivals_config *config);

/* Ends it and its load. One that was never started is fine. */
void rival_stop(struct rival *r);

#endif
