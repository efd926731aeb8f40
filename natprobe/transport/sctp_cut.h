/*
 * sctp_cut - cuts a packet of SCTP that is longer than the path carries into several: their chunks
 * are whole ones, and each is as good a packet as one of theirs would have been.
 *
 * Pure; of packets that we made.
 */
#ifndef NATPROBE_SCTP_CUT_H
#define NATPROBE_SCTP_CUT_H

#include "wire.h"

/*
 * Takes the next run of chunks of at most `max` bytes off the front of *rest, which begins behind
 * the packet's header; a chunk that is longer by itself is taken alone. False: there is none.
 */
bool sctp_cut(struct wire *rest, size_t max, struct bytes *out);

#endif
