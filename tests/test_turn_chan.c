/* turn_chan: ChannelData in datagrams and in streams. */
#include "turn_chan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_datagram_reads_as_channel_and_data(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
		uint16_t number;
		struct bytes data;
	} cases[] = {
		{ "no data", BYTES("\x40\x00\x00\x00"), 0x4000, BYTES("") },
		{ "exact", BYTES("\x4f\xff\x00\x05hello"), 0x4fff, BYTES("hello") },
		{ "padded", BYTES("\x40\x01\x00\x05hello\0\0\0"), 0x4001, BYTES("hello") },
		{ "bytes behind", BYTES("\x40\x01\x00\x01hello"), 0x4001, BYTES("h") },
		{ "RFC 5766 channel", BYTES("\x7f\xfe\x00\x01x"), 0x7ffe, BYTES("x") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct turn_chan c;

		if (turn_chan_parse(cases[i].in, &c) != STUN_OK)
			fail_msg("%s: refused", cases[i].why);
		assert_int_equal(c.number, cases[i].number);
		if (!bytes_equal(c.data, cases[i].data))
			fail_msg("%s: other data", cases[i].why);
	}
}

static void other_datagrams_are_refused(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
		enum stun_result want;
	} cases[] = {
		{ "empty", BYTES(""), STUN_FOREIGN },
		{ "STUN", BYTES("\x00\x01\x00\x00"), STUN_FOREIGN },
		{ "below the first channel", BYTES("\x3f\xff\x00\x00"), STUN_FOREIGN },
		{ "RTP", BYTES("\x80\x60\x00\x00"), STUN_FOREIGN },
		{ "one byte", BYTES("\x40"), STUN_MALFORMED },
		{ "header cut", BYTES("\x40\x00\x00"), STUN_MALFORMED },
		{ "a byte less", BYTES("\x40\x00\x00\x05hell"), STUN_MALFORMED },
		{ "long length, short body", BYTES("\x40\x00\x8a\xb6xyz"), STUN_MALFORMED },
		{ "longest length", BYTES("\x40\x00\xff\xffxyz"), STUN_MALFORMED },
		{ "reserved number", BYTES("\x7f\xff\x00\x00"), STUN_MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct turn_chan c = { .number = 7 };
		enum stun_result got = turn_chan_parse(cases[i].in, &c);

		if (got != cases[i].want)
			fail_msg("%s: %d, not %d", cases[i].why, got, cases[i].want);
		assert_int_equal(c.number, 7);
	}
}

static void each_rfc_has_its_range(void **state)
{
	for (uint32_t n = 0; n <= UINT16_MAX; n++) {
		uint16_t number = (uint16_t)n;

		assert_int_equal(turn_chan_is_number(number), n >= 0x4000 && n <= 0x4fff);
		assert_int_equal(turn_chan_is_number_5766(number), n >= 0x4000 && n <= 0x7ffe);
	}
}

static void padding_fills_four_bytes(void **state)
{
	assert_int_equal(turn_chan_padding(4), 0);
	assert_int_equal(turn_chan_padding(5), 3);
	assert_int_equal(turn_chan_padding(6), 2);
	assert_int_equal(turn_chan_padding(7), 1);
	assert_int_equal(turn_chan_padding(4 + 65535), 1);
}

static void a_header_goes_in_front_of_data(void **state)
{
	uint8_t buf[] = "____hello";
	struct turn_chan c;

	turn_chan_put_header(buf, 0x4abc, 5);
	assert_memory_equal(buf, "\x4a\xbc\x00\x05hello", 10);
	assert_int_equal(turn_chan_parse(bytes_of(buf, 9), &c), STUN_OK);
	assert_int_equal(c.number, 0x4abc);
	assert_ptr_equal(c.data.data, buf + TURN_CHAN_HEADER_LEN);
}

static void a_stream_gets_zeroed_padding(void **state)
{
	static const struct turn_chan c = { 0x4000, BYTES("hello") };
	uint8_t buf[13];
	struct bytes out;

	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(turn_chan_build(buf, 12, &c, true, &out), STUN_OK);
	assert_int_equal(out.len, 12);
	assert_memory_equal(buf, "\x40\x00\x00\x05hello\0\0\0\xee", 13);
	assert_int_equal(turn_chan_build(buf, 9, &c, false, &out), STUN_OK);
	assert_int_equal(out.len, 9);
}

static void what_does_not_fit_is_refused(void **state)
{
	static const uint8_t zeros[UINT16_MAX + 1];
	static uint8_t buf[4 + UINT16_MAX + 1];
	struct turn_chan c = { 0x4000, BYTES("hello") };
	struct bytes out = { 0 };

	assert_int_equal(turn_chan_build(buf, 3, &c, false, &out), STUN_NO_SPACE);
	assert_int_equal(turn_chan_build(buf, 8, &c, false, &out), STUN_NO_SPACE);
	assert_int_equal(turn_chan_build(buf, 11, &c, true, &out), STUN_NO_SPACE);
	c.data = bytes_of(zeros, UINT16_MAX + 1);
	assert_int_equal(turn_chan_build(buf, sizeof(buf), &c, false, &out), STUN_NO_SPACE);
	assert_null(out.data);
	c.data.len = UINT16_MAX;
	assert_int_equal(turn_chan_build(buf, sizeof(buf), &c, true, &out), STUN_OK);
	assert_int_equal(out.len, sizeof(buf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_reads_as_channel_and_data),
		cmocka_unit_test(other_datagrams_are_refused),
		cmocka_unit_test(each_rfc_has_its_range),
		cmocka_unit_test(padding_fills_four_bytes),
		cmocka_unit_test(a_header_goes_in_front_of_data),
		cmocka_unit_test(a_stream_gets_zeroed_padding),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
