/* transfer_rate: rates, times that are left, and how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/transfer/transfer_rate.h"

#define S UINT64_C(1000000)

static void test_a_steady_rate(void **state)
{
	struct transfer_rate r = { 0 };

	assert_int_equal(transfer_rate_get(&r, 0), 0);
	for (uint64_t ms = 0; ms <= 20000; ms += 10)
		transfer_rate_add(&r, ms * 1000, 7 * S + ms * 1000);
	assert_in_range(transfer_rate_get(&r, 27 * S), 990000, 1010000);
	assert_in_range(transfer_rate_left_s(&r, 10000000, 27 * S), 10, 11);
	assert_int_equal(transfer_rate_left_s(&r, 0, 27 * S), 0);
}

/* What was fast long ago does not count, and what stands still is seen to. */
static void test_it_slows_down_and_stops(void **state)
{
	struct transfer_rate r = { 0 };
	uint64_t bytes = 0, t = 0;

	for (; t < 10 * S; t += S / 5)
		transfer_rate_add(&r, bytes += 1000000, t);
	for (; t < 20 * S; t += S / 5)
		transfer_rate_add(&r, bytes += 1000, t);
	assert_in_range(transfer_rate_get(&r, t), 4000, 6000);
	assert_true(transfer_rate_still_us(&r, t) <= S);
	for (; t < 30 * S; t += S / 5)
		transfer_rate_add(&r, bytes, t);
	assert_int_equal(transfer_rate_get(&r, t), 0);
	assert_true(transfer_rate_left_s(&r, 5, t) == TRANSFER_UNKNOWN);
	assert_true(transfer_rate_still_us(&r, t) >= 10 * S);
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 bytes" },          { 1, "1 byte" },
		{ 999, "999 bytes" },      { 1000, "1.0 kB" },
		{ 999949, "999.9 kB" },    { 999950, "1.0 MB" },
		{ 16777216, "16.8 MB" },   { UINT64_C(1) << 40, "1.1 TB" },
		{ UINT64_MAX, "18.4 EB" },
	};
	char out[TRANSFER_SIZE_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(transfer_size_text(cases[i].bytes, out), cases[i].text);
}

static void test_times(void **state)
{
	char out[TRANSFER_TIME_TEXT];

	assert_string_equal(transfer_time_text(0, out), "0 s");
	assert_string_equal(transfer_time_text(59, out), "59 s");
	assert_string_equal(transfer_time_text(125, out), "2 min 5 s");
	assert_string_equal(transfer_time_text(3 * 3600 + 240, out), "3 h 4 min");
	assert_string_equal(transfer_time_text(9 * 86400, out), "9 d");
	assert_string_equal(transfer_time_text(UINT64_MAX, out), "213503982334601 d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_steady_rate),
		cmocka_unit_test(test_it_slows_down_and_stops),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
