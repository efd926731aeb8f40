#include "stun_stream.h"

#include "turn_chan.h"

/*
 * Both kinds of frame tell their length in bytes 2 and 3; a STUN header also has its cookie
 * to show (RFC 8489, section 5). Both are judged as soon as they are there, so that noise
 * ends a connection early.
 */
static enum stun_result next_stun(struct bytes in, size_t max, struct bytes *frame, size_t *used)
{
	struct wire w = wire_read(in);
	uint32_t cookie;
	size_t len;

	wire_skip(&w, 2);
	len = wire_get_u16(&w);
	if (w.failed)
		return STUN_SHORT;
	len += STUN_HEADER_LEN;
	if (len % 4 != 0 || len > max)
		return STUN_MALFORMED;
	cookie = wire_get_u32(&w);
	if (w.failed)
		return STUN_SHORT;
	if (cookie != STUN_COOKIE)
		return STUN_MALFORMED;
	if (in.len < len)
		return STUN_SHORT;
	*frame = bytes_of(in.data, len);
	*used = len;
	return STUN_OK;
}

static enum stun_result next_chan(struct bytes in, size_t max, struct bytes *frame, size_t *used)
{
	struct wire w = wire_read(in);
	size_t len;
	size_t whole;

	wire_skip(&w, 2);
	len = TURN_CHAN_HEADER_LEN + (size_t)wire_get_u16(&w);
	whole = len + turn_chan_padding(len);
	if (w.failed)
		return STUN_SHORT;
	if (whole > max)
		return STUN_MALFORMED;
	if (in.len < whole)
		return STUN_SHORT;
	*frame = bytes_of(in.data, len);
	*used = whole;
	return STUN_OK;
}

enum stun_result stun_stream_next(struct bytes in, size_t max, struct bytes *frame, size_t *used)
{
	if (in.len == 0)
		return STUN_SHORT;
	switch (in.data[0] >> 6) {
	case 0:
		return next_stun(in, max, frame, used);
	case 1:
		return next_chan(in, max, frame, used);
	default:
		return STUN_FOREIGN;
	}
}
