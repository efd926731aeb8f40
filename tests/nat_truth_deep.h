/*
 * nat_truth_deep - what a deeper look shall say of a network, derived from its boxes, as lines of
 * an expectation file. What is a matter of chance has no line.
 */
#ifndef NATKIT_NAT_TRUTH_DEEP_H
#define NATKIT_NAT_TRUTH_DEEP_H

#include "nat_profile.h"

#define NAT_TRUTH_DEEP_MAX 2048

struct nat_deep_truth {
	double lifetime_s; /* the longest of a UDP mapping; 0: nothing is kept */
	char lines[NAT_TRUTH_DEEP_MAX];
};

/* False where UDP does not get through: then nothing is known. */
bool nat_truth_deep(const struct nat_profile *p, struct nat_deep_truth *out);

/* The part that is about the path, not about time and ports; returns its length. */
size_t nat_truth_path(const struct nat_profile *p, char *out, size_t cap);

#endif
