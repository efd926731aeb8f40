/*
 * tcp_frame - checks in a byte stream: two bytes of length before each (RFC 4571, section 2).
 *
 * What arrives may be a stranger's: nothing longer than a check is taken.
 */
#ifndef NATPROBE_TCP_FRAME_H
#define NATPROBE_TCP_FRAME_H

#include "check.h"

#define TCP_FRAME_MAX (2 + CHECK_BYTES_MAX)

/* One direction of a connection; zeroed: nothing has arrived. */
struct tcp_frame {
	uint8_t data[TCP_FRAME_MAX];
	uint8_t len;
};

enum tcp_frame_result {
	TCP_FRAME_SHORT = 0, /* all was taken, and the frame is not complete */
	TCP_FRAME_WHOLE,     /* one more frame; there may be more of them in *in */
	TCP_FRAME_BROKEN,    /* of no length that a check has: the connection is of no use */
};

/*
 * Takes from the front of *in what belongs to the next frame.
 * frame  set on TCP_FRAME_WHOLE, without its length; good until the next call
 */
enum tcp_frame_result tcp_frame_take(struct tcp_frame *f, struct bytes *in, struct bytes *frame);

/* Writes `len`, up to CHECK_BYTES_MAX, before the check that stands at buf + 2. */
struct bytes tcp_frame_close(uint8_t buf[static TCP_FRAME_MAX], size_t len);

#endif
