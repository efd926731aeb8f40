/*
 * link_mtu - searches how long a datagram may be on a path (in the manner of RFC 8899): first whether
 * what is believed still passes, then the longest, then in between. Decisions only: which size is to be
 * tried next, and what comes of it.
 *
 * A size that is lost is tried again, and a try counts as lost only where a short request that went with
 * it was answered: so neither loss nor an outage is taken for a narrow path.
 */
#ifndef NATPROBE_LINK_MTU_H
#define NATPROBE_LINK_MTU_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_MTU_TRIES 3 /* of a size; twice as many of one that was believed to pass */
#define LINK_MTU_GRAIN 8 /* it ends when less than so much is to be won */

struct link_mtu {
	uint16_t min, low, max; /* multiples of 4 */
	uint16_t good;          /* what a frame may have now */
	uint16_t bad;    /* the shortest that was lost since the search began; above max: none */
	uint16_t size;   /* that is tried; 0: it rests */
	uint8_t lost;    /* tries of it */
	bool is_repeat;  /* good was found before: a little more is tried before the middle */
	bool is_confirm; /* whether good still passes is all that is asked */
};

/* min: believed without trial; low: where it begins. */
void link_mtu_init(struct link_mtu *m, uint16_t min, uint16_t low, uint16_t max);
void link_mtu_search(struct link_mtu *m);
/* Only whether it still is so; searches when it is not. Nothing while a search goes on. */
void link_mtu_confirm(struct link_mtu *m);
/* That size came through, now or late. */
void link_mtu_passed(struct link_mtu *m, uint16_t size);
/* What is tried did not, though a short one did. */
void link_mtu_lost(struct link_mtu *m);

#endif
