/* ChannelData: what is read can be written, and reads the same from datagram and stream. */
#include "turn_chan.h"
#include "fuzz_check.h"

#include "stun_stream.h"

static void builds_as_it_reads(const struct turn_chan *c, bool is_stream)
{
	static uint8_t buf[4 + UINT16_MAX + 3];
	struct turn_chan again;
	struct bytes built;
	struct bytes frame;
	size_t used;

	FUZZ_CHECK(turn_chan_build(buf, sizeof(buf), c, is_stream, &built) == STUN_OK);
	if (is_stream) {
		FUZZ_CHECK(stun_stream_next(built, sizeof(buf), &frame, &used) == STUN_OK);
		FUZZ_CHECK(used == built.len);
		built = frame;
	}
	FUZZ_CHECK(turn_chan_parse(built, &again) == STUN_OK);
	FUZZ_CHECK(again.number == c->number && bytes_equal(again.data, c->data));
	FUZZ_CHECK(built.len == TURN_CHAN_HEADER_LEN + c->data.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct turn_chan c;

	if (turn_chan_parse(bytes_of(data, len), &c) != STUN_OK)
		return 0;
	FUZZ_CHECK(c.data.len + TURN_CHAN_HEADER_LEN <= len);
	FUZZ_CHECK(turn_chan_is_number_5766(c.number));
	builds_as_it_reads(&c, false);
	builds_as_it_reads(&c, true);
	return 0;
}
