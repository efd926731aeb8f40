/* transfer_wire: every message as bytes and back, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/transfer/transfer_wire.h"

static const struct transfer_msg messages[] = {
	{ .kind = TRANSFER_HELLO, .is_sender = true, .version = 1 },
	{ .kind = TRANSFER_HELLO, .version = 7 },
	{ .kind = TRANSFER_OFFER, .count = 3, .total = TRANSFER_SIZE_MAX },
	{ .kind = TRANSFER_HAVE, .index = 5, .at = 1ull << 39, .digest = { 1, 2, 3 } },
	{ .kind = TRANSFER_ACCEPT },
	{ .kind = TRANSFER_FILE, .index = 5, .at = 9 },
	{ .kind = TRANSFER_HOLE, .len = TRANSFER_SIZE_MAX },
	{ .kind = TRANSFER_FILE_END, .digest = { 9 } },
	{ .kind = TRANSFER_END },
	{ .kind = TRANSFER_DONE, .count = 3, .total = 7 },
	{ .kind = TRANSFER_BYE },
};

static uint8_t buf[TRANSFER_FRAME_MAX];

static void test_there_and_back(void **state)
{
	struct transfer_msg got;

	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		size_t len = transfer_wire_write(&messages[i], buf, sizeof(buf));

		assert_true(len >= TRANSFER_HEAD);
		assert_int_equal(transfer_wire_need(bytes_of(buf, len)), len);
		assert_true(transfer_wire_read(bytes_of(buf, len), &got));
		assert_memory_equal(&got, &messages[i], sizeof(got));
		if (len > TRANSFER_HEAD)
			assert_int_equal(transfer_wire_write(&messages[i], buf, len - 1), 0);
	}
}

static void test_an_entry(void **state)
{
	const struct transfer_msg m = { .kind = TRANSFER_ENTRY,
					.entry = { .kind = ENTRY_FILE,
						   .mode = 0755,
						   .size = TRANSFER_SIZE_MAX,
						   .mtime_s = -1,
						   .mtime_ns = 999999999,
						   .path = BYTES("a/b") } };
	struct transfer_msg got;
	size_t len = transfer_wire_write(&m, buf, sizeof(buf));

	assert_true(transfer_wire_read(bytes_of(buf, len), &got));
	assert_int_equal(got.entry.kind, ENTRY_FILE);
	assert_int_equal(got.entry.mode, 0755);
	assert_int_equal(got.entry.mtime_s, -1);
	assert_int_equal(got.entry.mtime_ns, 999999999);
	assert_true(got.entry.size == TRANSFER_SIZE_MAX);
	assert_true(bytes_equal(got.entry.path, m.entry.path));
}

static void test_data(void **state)
{
	struct transfer_msg m = { .kind = TRANSFER_DATA, .data = bytes_of(buf, 0) }, got;
	static uint8_t data[TRANSFER_BODY_MAX + 1];
	uint8_t head[TRANSFER_HEAD];

	m.data = bytes_of(data, TRANSFER_BODY_MAX);
	assert_int_equal(transfer_wire_write(&m, buf, sizeof(buf)), TRANSFER_FRAME_MAX);
	assert_true(transfer_wire_read(bytes_of(buf, TRANSFER_FRAME_MAX), &got));
	assert_int_equal(got.data.len, TRANSFER_BODY_MAX);
	transfer_wire_head(TRANSFER_DATA, TRANSFER_BODY_MAX, head);
	assert_memory_equal(head, buf, sizeof(head));
	m.data.len++;
	assert_int_equal(transfer_wire_write(&m, buf, sizeof(buf)), 0);
}

static void test_what_is_no_message(void **state)
{
	static const struct {
		const char *why;
		struct bytes in;
	} cases[] = {
		{ "no kind", BYTES("\x00\x00\x00\x00") },
		{ "an unknown kind", BYTES("\x0f\x00\x00\x00") },
		{ "a long body", BYTES("\x07\x01\x00\x01") },
		{ "no data", BYTES("\x07\x00\x00\x00") },
		{ "no sentence", BYTES("\x0d\x00\x00\x00") },
		{ "a hole of nothing", BYTES("\x08\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00") },
		{ "a hole beyond all files",
		  BYTES("\x08\x00\x00\x08\x00\x00\x01\x00\x00\x00\x00\x01") },
		{ "a byte more", BYTES("\x05\x00\x00\x01\x00") },
		{ "a byte less",
		  BYTES("\x06\x00\x00\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00") },
		{ "somebody else", BYTES("\x01\x00\x00\x0enatkit-filez\x01\x01") },
		{ "another role", BYTES("\x01\x00\x00\x0enatkit-files\x01\x03") },
	};
	struct transfer_msg got;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (transfer_wire_read(cases[i].in, &got))
			fail_msg("%s: read", cases[i].why);
	}
	assert_int_equal(transfer_wire_need(cases[0].in), 0);
	assert_int_equal(transfer_wire_need(cases[2].in), 0);
	assert_int_equal(transfer_wire_need(BYTES("")), TRANSFER_HEAD);
	assert_int_equal(transfer_wire_need(BYTES("G")), 0);
	assert_int_equal(transfer_wire_need(BYTES("\x07\x01\x00\x00")), TRANSFER_FRAME_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_an_entry),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_what_is_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
