/*
 * sctp_hold - keeps back what asks to reset streams until all is there that was sent before it (RFC
 * 6525, section 5.2.2).
 *
 * libusrsctp waits as well, but what comes meanwhile then waits for one chunk more than is missing,
 * which may never come; and it lets the next request overtake what waits.
 *
 * Pure.
 */
#ifndef NATPROBE_SCTP_HOLD_H
#define NATPROBE_SCTP_HOLD_H

#include "wire.h"

#define SCTP_HOLD_MAX 2048 /* a longer request is not kept */

/* Zeroed: nothing was seen. */
struct sctp_hold {
	uint32_t tsn_read; /* all up to it have come, as we said; good where has_read */
	uint32_t tsn_due;  /* what is kept waits until all up to it have */
	bool has_read;
	size_t len; /* of what is kept; 0: nothing */
	uint8_t packet[SCTP_HOLD_MAX];
};

/* A packet of ours. */
void sctp_hold_output(struct sctp_hold *h, struct bytes packet);

/*
 * A packet of theirs. Returns what is to be read in its place now: itself, or a copy in `room`, which
 * has as many bytes as it, without the request that is kept.
 */
struct bytes sctp_hold_input(struct sctp_hold *h, struct bytes packet, uint8_t *room);

/* What is to be read now, once; it stays good until the next sctp_hold_input. False: nothing. */
bool sctp_hold_release(struct sctp_hold *h, struct bytes *packet);

#endif
