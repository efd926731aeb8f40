/*
 * transfer_offer - what somebody is asked about: how much is offered, and the names of it that stand
 * at the top, with what is below each. Hidden ones come first, so that no others hide them.
 */
#ifndef NATPROBE_TRANSFER_OFFER_H
#define NATPROBE_TRANSFER_OFFER_H

#include "manifest.h"

/* To standard error, whatever the names have in them. */
void transfer_offer_print(const struct manifest *m, const char *directory);

/* Whether it is in no directory of the offer. */
bool transfer_offer_is_top(struct bytes path);

#endif
