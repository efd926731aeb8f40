/*
 * gift - what one worker gives another one that asks (turnd.h): reserved ports, allocations.
 */
#ifndef NATKIT_GIFT_H
#define NATKIT_GIFT_H

#include "turnd_state.h"

/* Around the message that a gift came with: a port that it does not use goes back. */
void gift_begin(struct turnd *t, const struct turnd_gift *gift);
void gift_end(struct turnd *t);

#endif
