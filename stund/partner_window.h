/*
 * partner_window - numbers of messages that have come: each is taken once (RFC 4303, section 3.4.3).
 *
 * Numbers rise on the sender's side. One that overtook others opens the window further; those it
 * overtook are still taken, as long as they are fewer than PARTNER_WINDOW behind. No clock.
 */
#ifndef NATKIT_PARTNER_WINDOW_H
#define NATKIT_PARTNER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define PARTNER_WINDOW       1024
#define PARTNER_WINDOW_WORDS (PARTNER_WINDOW / 64 + 1) /* one is always being cleared */

/* All zero: nothing has come. */
struct partner_window {
	uint64_t top; /* the highest so far */
	uint64_t seen[PARTNER_WINDOW_WORDS];
};

/* False for a number that has come, one too far behind, and 0. To be called for signed ones only. */
bool partner_window_take(struct partner_window *w, uint64_t number);

#endif
