/*
 * dcep - the two messages that open a data channel (RFC 8832, section 5).
 *
 * Pure. Views into the message that is read; nothing is copied.
 */
#ifndef NATPROBE_DCEP_H
#define NATPROBE_DCEP_H

#include "wire.h"

/* Payload protocol identifiers of SCTP (RFC 8831, section 8). */
#define PPID_DCEP         50
#define PPID_STRING       51
#define PPID_BINARY       53
#define PPID_STRING_EMPTY 56 /* one byte that stands for none */
#define PPID_BINARY_EMPTY 57

#define DCEP_RELIABLE   0x00
#define DCEP_REXMIT     0x01 /* reliability: how often it is sent again */
#define DCEP_TIMED      0x02 /* reliability: for how long, milliseconds */
#define DCEP_UNORDERED  0x80 /* added to one of them */
#define DCEP_OPEN_FIXED 12   /* bytes before the label */

enum dcep_kind {
	DCEP_NONE = 0, /* unknown, or malformed */
	DCEP_ACK,
	DCEP_OPEN,
};

struct dcep_open {
	uint8_t type;
	uint16_t priority;
	uint32_t reliability;
	struct bytes label, protocol; /* any bytes */
};

/* *out is set on DCEP_OPEN only. */
enum dcep_kind dcep_read(struct bytes message, struct dcep_open *out);
/* Both return the length, 0 where cap is too small or a text too long. */
size_t dcep_open_write(const struct dcep_open *open, uint8_t *buf, size_t cap);
size_t dcep_ack_write(uint8_t *buf, size_t cap);

/*
 * Copies a text of the other side's as printable ASCII, with '?' for any other byte, cut where it
 * is too long.
 */
void dcep_text_copy(struct bytes text, char *buf, size_t cap);

#endif
