/*
 * nat_truth - what the default diagnosis shall say of a network, derived from its boxes: for
 * networks that no table lists, and to check those that one does.
 */
#ifndef NATKIT_NAT_TRUTH_H
#define NATKIT_NAT_TRUTH_H

#include "nat_profile.h"

#define NAT_TRUTH_MAX 1024

/*
 * Writes the truth as lines of an expectation file. Returns false where it is a matter of chance
 * or of more than the configuration tells: ports that two boxes choose, hairpins in a pool of
 * addresses that change.
 */
bool nat_truth(const struct nat_profile *p, char out[static NAT_TRUTH_MAX]);

/* A network of its own for every seed, whose truth is known. */
struct nat_random {
	struct nat_profile profile;
	char name[16];
	char truth[NAT_TRUTH_MAX];
};

void nat_random_profile(uint64_t seed, struct nat_random *out);

#endif
