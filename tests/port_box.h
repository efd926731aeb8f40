/*
 * port_box - a box that hands out external ports by one rule, and a sampler that asks it the way
 * a discovery does: as allocation_more says, through loss, reordering and other people's
 * traffic. For the tests of allocation; nat_model is the whole NAT.
 */
#ifndef NATKIT_PORT_BOX_H
#define NATKIT_PORT_BOX_H

#include "natprobe/ports/allocation.h"
#include "tests/rng.h"

enum port_rule {
	PORT_EQUAL,
	PORT_OFFSET,
	PORT_COUNTER,
	PORT_COUNTER_BY_ADDRESS,
	PORT_COUNTER_BY_PARITY,
	PORT_PARITY_COUNTER, /* leaves out ports of the wrong parity */
	PORT_DEPENDENT,
	PORT_CONTIGUOUS,
	PORT_RANDOM,
	PORT_PARITY_RANDOM,
};

struct port_box_config {
	uint8_t rule;            /* enum port_rule */
	int32_t value;           /* offset or step */
	double overload;         /* share of sockets that get a random port */
	double background_per_s; /* mappings of others */
	uint16_t low, high;      /* 0: 1024 to 65535 */
	uint32_t block;          /* > 0: a range of this width at a random place inside */
	uint8_t addresses;       /* 0: one; more: by lot */
	double loss;             /* of each way */
	double swap;             /* share of samples that overtake the one before, or two */
	bool shuffles;           /* paced samples arrive in any order */
	uint32_t rtt_ms;         /* 0: 50 */
};

struct port_run {
	struct verdict_sample samples[VERDICT_SAMPLES_MAX];
	size_t count;
	struct verdict_ports ports;
	struct verdict_prediction prediction;
	uint16_t next_local, next_external; /* one more socket, as soon after: what it got */
	uint16_t last_external;             /* of the sample before */
};

/* One complete sampling and its classification; all chance comes from the seed. */
void port_box_run(const struct port_box_config *config, uint64_t seed, double error_max,
		  struct port_run *run);

/* What the box does to the next samples, without asking how many are enough. */
void port_box_samples(const struct port_box_config *config, uint64_t seed, size_t count,
		      struct port_run *run);

#endif
