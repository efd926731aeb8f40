/*
 * mask - addresses of a report that are made unrecognizable, for redact.h.
 *
 * Each public address becomes one of 192.0.2.0/24 or 2001:db8::/32, the same one wherever it
 * occurs; ports stay.
 */
#ifndef NATPROBE_MASK_H
#define NATPROBE_MASK_H

#include "addr.h"
#include "stun_uri.h"

#define MASKS_MAX 250 /* of one family; beyond, all addresses share the last */

/* Zero is an empty one. */
struct mask {
	struct addr real[MASKS_MAX * 2];
	size_t count;
};

void mask_addr(struct mask *m, struct addr *a);
void mask_uri(struct mask *m, struct stun_uri *uri);

/*
 * A name that is an address, with or without a scheme and a port, is masked as well.
 * Returns `buf`, or `name` where there is nothing to mask; NULL stays NULL.
 */
const char *mask_name(struct mask *m, const char *name, char buf[static STUN_URI_TEXT_MAX]);

#endif
