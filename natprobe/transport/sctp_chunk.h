/*
 * sctp_chunk - the chunks of a packet of SCTP (RFC 9260, section 3.2), one after the other.
 *
 * Pure.
 */
#ifndef NATPROBE_SCTP_CHUNK_H
#define NATPROBE_SCTP_CHUNK_H

#include "wire.h"

#define SCTP_HEADER_LEN   12 /* ports, tag, checksum */
#define SCTP_CHUNK_HEADER 4

enum {
	SCTP_CHUNK_DATA = 0,
	SCTP_CHUNK_INIT = 1,
	SCTP_CHUNK_INIT_ACK = 2,
	SCTP_CHUNK_SACK = 3,
	SCTP_CHUNK_IDATA = 0x40,     /* RFC 8260 */
	SCTP_CHUNK_RE_CONFIG = 0x82, /* RFC 6525 */
	SCTP_CHUNK_PAD = 0x84,       /* RFC 4820 */
};

struct sctp_chunk {
	uint8_t type;
	struct bytes value; /* behind its header, without padding */
};

/* Takes the next one off *in, which begins behind the packet's header. False: there is none. */
bool sctp_chunk_next(struct wire *in, struct sctp_chunk *out);

#endif
