/*
 * unseen - networks, links and servers of which no table knows, class by class, each made up
 * from a seed: what natprobe will meet with strangers.
 *
 * The truth follows from the boxes (nat_truth.h). Where the world itself changes or hides
 * something, the lines that it hides are left out, or allow what is seen then.
 */
#ifndef NATKIT_UNSEEN_H
#define NATKIT_UNSEEN_H

#include "nat_truth.h"
#include "sim_net.h"

struct unseen {
	struct nat_profile profile;
	struct sim_config net; /* points to profile */
	char truth[NAT_TRUTH_MAX];
	bool delays, loses; /* of itself: round trips, or losses, are not as in net */
};

struct unseen_class {
	const char *name;
	void (*make)(struct unseen *u, struct rng *r);
};

/* The classes, one after another; NULL behind the last one. */
const struct unseen_class *unseen_class(size_t i);

/* The network of a class that belongs to a seed; `loss` each way comes on top. */
void unseen_make(const struct unseen_class *c, uint64_t seed, double loss, struct unseen *out);

#endif
