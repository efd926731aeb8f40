/* wire: integers, and a cursor that stays at the end once it was there. */
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void integers_are_big_endian(void **state)
{
	struct wire in = wire_read(BYTES("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e"
					 "\xff"));

	assert_int_equal(wire_get_u16(&in), 0x0102);
	assert_int_equal(wire_get_u32(&in), 0x03040506);
	assert_true(wire_get_u64(&in) == 0x0708090a0b0c0d0eu);
	assert_false(wire_done(&in));
	assert_int_equal(wire_get_u8(&in), 0xff);
	assert_true(wire_done(&in));
}

static void a_read_past_the_end_fails_for_good(void **state)
{
	struct wire in = wire_read(BYTES("\x01\x02\x03"));

	assert_int_equal(wire_get_u32(&in), 0);
	assert_true(in.failed);
	assert_int_equal(wire_get_u8(&in), 0); /* it is there, but the cursor is lost */
	assert_int_equal(in.left, 3);
	assert_false(wire_done(&in));
}

static void half_of_a_u64_is_none(void **state)
{
	struct wire in = wire_read(BYTES("\x01\x02\x03\x04\x05\x06\x07"));

	(void)wire_get_u64(&in);
	assert_true(in.failed);
}

static void memory_that_is_not_there_is_left_alone(void **state)
{
	struct wire in = wire_read(BYTES("abc"));
	char to[4] = "xyz";

	wire_get_mem(&in, to, 4);
	assert_memory_equal(to, "xyz", 4);
	assert_int_equal(wire_get_bytes(&in, 1).len, 0);
	assert_true(in.failed);
}

static void nothing_can_be_read_from_nothing(void **state)
{
	struct wire in = wire_read((struct bytes){ 0 });
	char to = 'x';

	wire_get_mem(&in, &to, 0);
	assert_int_equal(wire_get_bytes(&in, 0).len, 0);
	assert_true(wire_done(&in));
	wire_skip(&in, SIZE_MAX);
	assert_true(in.failed);
	assert_int_equal(to, 'x');
}

static void bytes_are_equal_by_content(void **state)
{
	char copy[] = "abc";

	assert_true(bytes_equal(BYTES("abc"), bytes_of(copy, 3)));
	assert_true(bytes_equal(bytes_of_str(copy), BYTES("abc")));
	assert_true(bytes_equal((struct bytes){ 0 }, BYTES("")));
	assert_false(bytes_equal(BYTES("abc"), BYTES("abd")));
	assert_false(bytes_equal(BYTES("abc"), BYTES("ab")));
	assert_int_equal(BYTES("a\0b").len, 3);
}

static void what_is_written_reads_the_same(void **state)
{
	uint8_t buf[22];
	struct wire_out out = wire_write(buf, sizeof(buf));
	struct wire in;

	wire_put_u8(&out, 0xfe);
	wire_put_u16(&out, 0x8001);
	wire_put_u32(&out, 0x80000001);
	wire_put_u64(&out, 0x8000000000000001u);
	wire_put_mem(&out, "abc", 3);
	wire_put_zeros(&out, 4);
	assert_false(out.failed);
	assert_int_equal(wire_written(&out).len, sizeof(buf));

	in = wire_read(wire_written(&out));
	assert_int_equal(wire_get_u8(&in), 0xfe);
	assert_int_equal(wire_get_u16(&in), 0x8001);
	assert_int_equal(wire_get_u32(&in), 0x80000001);
	assert_true(wire_get_u64(&in) == 0x8000000000000001u);
	assert_true(bytes_equal(wire_get_bytes(&in, 3), BYTES("abc")));
	assert_int_equal(wire_get_u32(&in), 0);
	assert_true(wire_done(&in));
}

static void a_write_past_the_end_writes_nothing(void **state)
{
	uint8_t buf[4] = "abcd";
	struct wire_out out = wire_write(buf, 3);

	wire_put_u32(&out, 0);
	assert_true(out.failed);
	assert_memory_equal(buf, "abcd", 4);
	wire_put_u8(&out, 0); /* it would fit, but the cursor is lost */
	assert_memory_equal(buf, "abcd", 4);
	assert_int_equal(wire_written(&out).len, 0);
}

static void a_full_buffer_takes_nothing_more(void **state)
{
	uint8_t buf[3] = "ab";
	struct wire_out out = wire_write(buf, 2);

	wire_put_u16(&out, 0x3132);
	wire_put_mem(&out, NULL, 0);
	assert_false(out.failed);
	wire_put_zeros(&out, 1);
	assert_true(out.failed);
	assert_memory_equal(buf, "12", 3);
}

static void nothing_can_be_written_to_nothing(void **state)
{
	struct wire_out out = wire_write(NULL, 0);

	wire_put_mem(&out, NULL, 0);
	wire_put_zeros(&out, 0);
	assert_false(out.failed);
	wire_put_u8(&out, 0);
	assert_true(out.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(a_read_past_the_end_fails_for_good),
		cmocka_unit_test(half_of_a_u64_is_none),
		cmocka_unit_test(memory_that_is_not_there_is_left_alone),
		cmocka_unit_test(nothing_can_be_read_from_nothing),
		cmocka_unit_test(bytes_are_equal_by_content),
		cmocka_unit_test(what_is_written_reads_the_same),
		cmocka_unit_test(a_write_past_the_end_writes_nothing),
		cmocka_unit_test(a_full_buffer_takes_nothing_more),
		cmocka_unit_test(nothing_can_be_written_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
