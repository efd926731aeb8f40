/*
 * nat_link - one direction of a cable with loss, delay, jitter, duplication, reordering and a
 * rate: when does a packet arrive, and how often? Pure; chance comes from the caller's rng.
 */
#ifndef NATKIT_NAT_LINK_H
#define NATKIT_NAT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/rng.h"

struct nat_link_config {
	double loss;    /* 0 to 1 */
	uint32_t burst; /* packets that are lost in a row, on average; 0 or 1: each by itself */
	double duplicate;
	double reorder; /* share that jumps the queue, arriving without delay */
	uint32_t delay_us;
	uint32_t jitter_us; /* added, uniform; keeps the order unless `jitter_reorders` */
	uint8_t jitter_reorders;
	uint64_t rate_bit_s; /* 0: no limit */
	uint32_t queue_us;   /* longest wait for the rate; beyond, packets are dropped; 0: 1 s */
};

struct nat_link {
	struct nat_link_config config;
	uint64_t free_us; /* when the rate allows the next one */
	uint64_t last_us; /* of the last arrival, to keep the order */
	bool bad;         /* in a burst of losses */
};

/*
 * A packet of `len` bytes enters at now_us. Fills arrivals[0..1] and returns how many there
 * are: 0 (lost), 1, or 2 (duplicated).
 */
size_t nat_link_send(struct nat_link *l, struct rng *rng, size_t len, uint64_t now_us,
		     uint64_t arrivals[2]);

#endif
