/* The tables against the definition, bit by bit (ITU V.42; RFC 1952, section 8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crc32.h"

static uint32_t bit_by_bit(struct bytes in)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < in.len; i++) {
		crc ^= in.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void known_values(void **state)
{
	assert_int_equal(crc32_update(0, BYTES("")), 0);
	assert_int_equal(crc32_update(0, (struct bytes){ 0 }), 0);
	assert_int_equal(crc32_update(0, BYTES("123456789")), 0xcbf43926);
}

static void any_length_and_offset_is_right(void **state)
{
	uint8_t all[300];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 151 + (i >> 3));
	for (size_t from = 0; from < 9; from++) {
		for (size_t len = 0; len <= sizeof(all) - from; len++) {
			struct bytes in = bytes_of(all + from, len);

			if (crc32_update(0, in) != bit_by_bit(in))
				fail_msg("%zu bytes from %zu on", len, from);
		}
	}
}

static void every_byte_in_every_place_is_right(void **state)
{
	for (size_t place = 0; place < 8; place++) {
		for (unsigned v = 0; v < 256; v++) {
			uint8_t eight[8] = { 0 };
			struct bytes in = bytes_of(eight, sizeof(eight));

			eight[place] = (uint8_t)v;
			if (crc32_update(0, in) != bit_by_bit(in))
				fail_msg("%u in place %zu", v, place);
		}
	}
}

static void pieces_give_the_same_as_the_whole(void **state)
{
	struct bytes whole = BYTES("the length of the message, then the message");

	for (size_t cut = 0; cut <= whole.len; cut++) {
		uint32_t crc = crc32_update(0, bytes_of(whole.data, cut));

		crc = crc32_update(crc, bytes_of(whole.data + cut, whole.len - cut));
		assert_int_equal(crc, bit_by_bit(whole));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(any_length_and_offset_is_right),
		cmocka_unit_test(every_byte_in_every_place_is_right),
		cmocka_unit_test(pieces_give_the_same_as_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
