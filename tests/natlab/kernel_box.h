/*
 * kernel_box - a box that is Linux itself: its interfaces lan and wan, a ruleset of nftables, and
 * perhaps Debian's miniupnpd. All in the network namespace that we are in.
 */
#ifndef NATLAB_KERNEL_BOX_H
#define NATLAB_KERNEL_BOX_H

#include "plan.h"

/* The interfaces are there and up. False, and *err: what is missing. */
bool kernel_box_build(const struct lab_box *box, struct lab_error *err);

/* Gives it another outside address. 0 or -errno. */
int kernel_box_move(const struct addr *before, const struct addr *next);

#endif
