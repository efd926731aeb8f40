#include "tcp_frame.h"

#define LENGTH_BYTES 2

static size_t length_of(const struct tcp_frame *f)
{
	return (size_t)f->data[0] << 8 | f->data[1];
}

/* Moves bytes until `want` of them are here; false: *in was too short. */
static bool fill(struct tcp_frame *f, struct bytes *in, size_t want)
{
	size_t missing = want > f->len ? want - f->len : 0;
	size_t n = in->len < missing ? in->len : missing;

	if (n > 0) {
		memcpy(f->data + f->len, in->data, n);
		*in = bytes_of(in->data + n, in->len - n);
	}
	f->len = (uint8_t)(f->len + n);
	return n == missing;
}

enum tcp_frame_result tcp_frame_take(struct tcp_frame *f, struct bytes *in, struct bytes *frame)
{
	if (!fill(f, in, LENGTH_BYTES))
		return TCP_FRAME_SHORT;
	if (length_of(f) == 0 || length_of(f) > CHECK_BYTES_MAX)
		return TCP_FRAME_BROKEN;
	if (!fill(f, in, LENGTH_BYTES + length_of(f)))
		return TCP_FRAME_SHORT;
	*frame = bytes_of(f->data + LENGTH_BYTES, length_of(f));
	f->len = 0;
	return TCP_FRAME_WHOLE;
}

struct bytes tcp_frame_close(uint8_t buf[static TCP_FRAME_MAX], size_t len)
{
	wire_store_u16(buf, (uint16_t)len);
	return bytes_of(buf, LENGTH_BYTES + len);
}
