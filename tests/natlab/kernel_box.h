/*
 * kernel_box - a box that is Linux itself: its interfaces lan and wan, a ruleset of nftables, and
 * perhaps Debian's miniupnpd. All in the network namespace that we are in.
 */
#ifndef NATLAB_KERNEL_BOX_H
#define NATLAB_KERNEL_BOX_H

#include "plan.h"

/* The interfaces are there and up. False, and *err: what is missing. */
bool kernel_box_build(const struct lab_box *box, struct lab_error *err);

/*
 * Fills `command`, for sh -c: miniupnpd, in the foreground. Its files are in the memory of this
 * process and end with it. False, and *err, where it is not installed.
 */
#define KERNEL_BOX_COMMAND_MAX 256
bool kernel_box_upnp(const struct lab_box *box, char command[static KERNEL_BOX_COMMAND_MAX],
		     struct lab_error *err);

/* Waits until it listens, two seconds at most. */
bool kernel_box_await_upnp(const struct lab_box *box, struct lab_error *err);

/* Gives it another outside address. 0 or -errno. */
int kernel_box_move(const struct addr *before, const struct addr *next);

#endif
