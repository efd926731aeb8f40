/*
 * A byte stream: frames stay inside the input and the limit, and whatever is a frame in the
 * end looked like the beginning of one before.
 */
#include "stun_stream.h"
#include "fuzz_check.h"

#include "stun_msg.h"
#include "turn_chan.h"

#define PREFIXES 64

static void was_short_before(struct bytes in, size_t max, size_t used)
{
	struct bytes frame;
	size_t n;

	for (size_t len = 0; len < used && len < PREFIXES; len++)
		FUZZ_CHECK(stun_stream_next(bytes_of(in.data, len), max, &frame, &n) == STUN_SHORT);
	FUZZ_CHECK(stun_stream_next(bytes_of(in.data, used - 1), max, &frame, &n) == STUN_SHORT);
}

static void reads_as_something(struct bytes frame)
{
	struct stun_msg msg;
	struct turn_chan chan;

	if (frame.data[0] < 0x40)
		FUZZ_CHECK(stun_msg_parse(frame, &msg) != STUN_FOREIGN);
	else
		FUZZ_CHECK(turn_chan_parse(frame, &chan) != STUN_FOREIGN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire w = wire_read(bytes_of(data, len));
	size_t max = wire_get_u16(&w) + (size_t)4;
	struct bytes in = bytes_of(w.at, w.left);
	struct bytes frame;
	size_t used;

	if (w.failed)
		return 0;
	while (stun_stream_next(in, max, &frame, &used) == STUN_OK) {
		FUZZ_CHECK(used <= in.len && used <= max && used % 4 == 0);
		FUZZ_CHECK(frame.data == in.data && frame.len <= used && frame.len + 3 >= used);
		was_short_before(in, max, used);
		reads_as_something(frame);
		in = bytes_of(in.data + used, in.len - used);
	}
	return 0;
}
