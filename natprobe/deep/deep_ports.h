/* deep_ports - external ports: what deep_ports.c gathers, and deep_ports_judge.c concludes. */
#ifndef NATPROBE_DEEP_PORTS_H
#define NATPROBE_DEEP_PORTS_H

#include "deep_trial.h"

#define PORTS_WALKERS       4
#define PORTS_ENDPOINTS     4
#define PORTS_EDGES         2
#define PORTS_COUNTER_TRIES 6

/* A socket that speaks to one endpoint after the other. */
struct walker {
	uint16_t socket;
	uint16_t orders[PORTS_ENDPOINTS];
	uint16_t ports[PORTS_ENDPOINTS]; /* 0: not told */
};

struct edge {
	uint16_t socket, mapped; /* 0: not told */
};

struct ports {
	struct walker walkers[PORTS_WALKERS];
	struct edge edges[PORTS_EDGES];
	uint8_t edge_count;
	uint64_t walkers_until_us, edges_until_us; /* 0: done */

	/* A counter, seen before and after a quiet time. */
	bool counts, has_count, background_known;
	uint16_t counter; /* the socket */
	uint16_t count_port;
	uint8_t tries, rounds;
	uint32_t background; /* mappings of others */
	uint64_t count_us, background_us, counter_until_us, quiet_until_us;
};

void deep_ports_end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v);

#endif
