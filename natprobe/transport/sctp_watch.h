/*
 * sctp_watch - reads along the packets of an association, for what libusrsctp does not tell: how
 * much has left of what it was given, on which stream, and what of it has arrived (RFC 9260,
 * section 3.3; RFC 8260, section 2.1).
 *
 * Pure.
 */
#ifndef NATPROBE_SCTP_WATCH_H
#define NATPROBE_SCTP_WATCH_H

#include "wire.h"

#define SCTP_WATCH_SPAN 8192 /* chunks on the way, of which the size is known; a power of two */

/* Zeroed: nothing was seen. */
struct sctp_watch {
	uint32_t tsn_last;  /* the highest that left; good where has_tsn */
	uint32_t tsn_acked; /* all up to it have arrived; good where has_ack */
	bool has_tsn, has_ack;
	uint32_t tsn_seen;      /* the highest that has arrived, perhaps with holes below it */
	uint64_t sent;          /* bytes of data that left, each counted once */
	uint64_t retransmitted; /* chunks that left again */
	uint64_t delivered;     /* bytes that have arrived */
	uint64_t sent_at[SCTP_WATCH_SPAN]; /* `sent` as it was with the chunk of that TSN */
	/* A chunk of data that leaves for the first time. */
	void (*on_sent)(void *arg, uint16_t stream, uint32_t tsn, size_t len);
	void *arg;
};

void sctp_watch_output(struct sctp_watch *w, struct bytes packet);
void sctp_watch_input(struct sctp_watch *w, struct bytes packet);
/* Whether all up to that one have arrived. */
bool sctp_watch_is_acked(const struct sctp_watch *w, uint32_t tsn);

#endif
