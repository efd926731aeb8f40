/* stun_stream: frames out of a byte stream, for any split. */
#include "stun_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rng.h"
#include "turn_chan.h"

#define HEADER             \
	"\x21\x12\xa4\x42" \
	"abcdefghijkl"
#define MANY STUN_MESSAGE_MAX

static void a_stream_is_judged_by_its_first_bytes(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
		size_t max;
		enum stun_result want;
	} cases[] = {
		{ "nothing", BYTES(""), MANY, STUN_SHORT },
		{ "a STUN byte", BYTES("\x00"), MANY, STUN_SHORT },
		{ "highest STUN byte", BYTES("\x3f"), MANY, STUN_SHORT },
		{ "a channel byte", BYTES("\x40"), MANY, STUN_SHORT },
		{ "highest channel byte", BYTES("\x7f"), MANY, STUN_SHORT },
		{ "RTP", BYTES("\x80"), MANY, STUN_FOREIGN },
		{ "last byte", BYTES("\xff"), MANY, STUN_FOREIGN },
		{ "TLS, taken for STUN", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01"), MANY,
		  STUN_MALFORMED },
		{ "HTTP, taken for a channel", BYTES("GET / HTTP/1.1\r\n"), 1500, STUN_MALFORMED },
		{ "STUN length no multiple of 4", BYTES("\0\1\0\2"), MANY, STUN_MALFORMED },
		{ "odd STUN length", BYTES("\0\1\0\1"), MANY, STUN_MALFORMED },
		{ "STUN length 0xfffd", BYTES("\0\1\xff\xfd"), MANY, STUN_MALFORMED },
		{ "STUN length 0xfffe", BYTES("\0\1\xff\xfe"), MANY, STUN_MALFORMED },
		{ "STUN length 0xffff", BYTES("\0\1\xff\xff"), MANY, STUN_MALFORMED },
		{ "STUN length 0xfffc", BYTES("\0\1\xff\xfc"), MANY, STUN_SHORT },
		{ "STUN length 0xfffc, limit below", BYTES("\0\1\xff\xfc"), MANY - 1,
		  STUN_MALFORMED },
		{ "channel length 0xffff", BYTES("\x40\0\xff\xff"), 65540, STUN_SHORT },
		{ "channel length 0xffff, limit below", BYTES("\x40\0\xff\xff"), 65539,
		  STUN_MALFORMED },
		{ "channel length 0xfffc", BYTES("\x40\0\xff\xfc"), 65536, STUN_SHORT },
		{ "channel length 0xfffd, limit below", BYTES("\x40\0\xff\xfd"), 65539,
		  STUN_MALFORMED },
		{ "half a cookie", BYTES("\0\1\0\0\x21\x12"), MANY, STUN_SHORT },
		{ "wrong cookie", BYTES("\0\1\0\0\x21\x12\xa4\x43"), MANY, STUN_MALFORMED },
		{ "limit of a header", BYTES("\0\1\0\0" HEADER), 20, STUN_OK },
		{ "limit below a header", BYTES("\0\1\0\0"), 19, STUN_MALFORMED },
		{ "limit below a padded channel", BYTES("\x40\0\0\1x\0\0\0"), 7, STUN_MALFORMED },
		{ "limit of a padded channel", BYTES("\x40\0\0\1x\0\0\0"), 8, STUN_OK },
		{ "channel, padding not there yet", BYTES("\x40\0\0\1x\0\0"), 8, STUN_SHORT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes frame = BYTES("old");
		size_t used = 77;
		enum stun_result got = stun_stream_next(cases[i].in, cases[i].max, &frame, &used);

		if (got != cases[i].want)
			fail_msg("%s: %d, not %d", cases[i].why, got, cases[i].want);
		if (got != STUN_OK)
			assert_true(used == 77 && frame.len == 3); /* untouched */
	}
}

static void a_frame_leaves_its_padding_behind(void **state)
{
	struct bytes in = BYTES("\x40\0\0\5helloXYZ\x40\0");
	struct bytes frame;
	size_t used;

	assert_int_equal(stun_stream_next(in, MANY, &frame, &used), STUN_OK);
	assert_int_equal(used, 12);
	assert_true(bytes_equal(frame, BYTES("\x40\0\0\5hello")));
	assert_ptr_equal(frame.data, in.data);
}

/* A frame of every length and kind, behind each other. Returns how many bytes. */
static size_t fill_stream(uint8_t *buf, size_t cap, size_t lens[], size_t frames)
{
	struct wire_out out = wire_write(buf, cap);
	struct rng rng = rng_seed(7);

	for (size_t i = 0; i < frames; i++) {
		uint8_t body[64];
		uint16_t len = (uint16_t)rng_below(&rng, sizeof(body));

		rng_fill(&rng, body, sizeof(body));
		if (i % 2 == 0) {
			len &= 0xfffc;
			wire_put_u16(&out, (uint16_t)rng_below(&rng, 0x4000));
			wire_put_u16(&out, len);
			wire_put_mem(&out, HEADER, 16);
			wire_put_mem(&out, body, len);
			lens[i] = (size_t)STUN_HEADER_LEN + len;
		} else {
			wire_put_u16(&out, (uint16_t)(0x4000 + rng_below(&rng, 0x3fff)));
			wire_put_u16(&out, len);
			wire_put_mem(&out, body, len);
			wire_put_zeros(&out, turn_chan_padding(len));
			lens[i] = (size_t)TURN_CHAN_HEADER_LEN + len;
		}
	}
	assert_false(out.failed);
	return out.len;
}

#define FRAMES 24

/* Bytes up to `have` have arrived; takes what can be taken. */
static void drain(struct bytes stream, size_t have, size_t *at, const size_t lens[], size_t *next)
{
	struct bytes frame;
	size_t used;
	enum stun_result rc;

	while ((rc = stun_stream_next(bytes_of(stream.data + *at, have - *at), MANY, &frame,
				      &used)) == STUN_OK) {
		assert_ptr_equal(frame.data, stream.data + *at);
		assert_int_equal(frame.len, lens[*next]);
		*at += used;
		(*next)++;
	}
	assert_int_equal(rc, STUN_SHORT);
}

static void any_split_in_two_gives_the_same_frames(void **state)
{
	uint8_t buf[4096];
	size_t lens[FRAMES];
	struct bytes stream = bytes_of(buf, fill_stream(buf, sizeof(buf), lens, FRAMES));

	for (size_t split = 0; split <= stream.len; split++) {
		size_t at = 0;
		size_t next = 0;

		drain(stream, split, &at, lens, &next);
		drain(stream, stream.len, &at, lens, &next);
		assert_int_equal(at, stream.len);
		assert_int_equal(next, FRAMES);
	}
}

static void byte_by_byte_gives_the_same_frames(void **state)
{
	uint8_t buf[4096];
	size_t lens[FRAMES];
	struct bytes stream = bytes_of(buf, fill_stream(buf, sizeof(buf), lens, FRAMES));
	size_t at = 0;
	size_t next = 0;

	for (size_t have = 0; have <= stream.len; have++)
		drain(stream, have, &at, lens, &next);
	assert_int_equal(at, stream.len);
	assert_int_equal(next, FRAMES);
}

static void the_longest_frames_pass(void **state)
{
	static uint8_t buf[STUN_MESSAGE_MAX] = "\0\1\xff\xfc" HEADER;
	struct bytes frame;
	size_t used;

	assert_int_equal(stun_stream_next(bytes_of(buf, sizeof(buf) - 1), MANY, &frame, &used),
			 STUN_SHORT);
	assert_int_equal(stun_stream_next(bytes_of(buf, sizeof(buf)), MANY, &frame, &used),
			 STUN_OK);
	assert_int_equal(used, STUN_MESSAGE_MAX);
	memcpy(buf, "\x4f\xff\xff\xff", 4);
	assert_int_equal(stun_stream_next(bytes_of(buf, sizeof(buf)), MANY, &frame, &used),
			 STUN_OK);
	assert_int_equal(frame.len, 65539);
	assert_int_equal(used, 65540);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_judged_by_its_first_bytes),
		cmocka_unit_test(a_frame_leaves_its_padding_behind),
		cmocka_unit_test(any_split_in_two_gives_the_same_frames),
		cmocka_unit_test(byte_by_byte_gives_the_same_frames),
		cmocka_unit_test(the_longest_frames_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
