/* limit: budgets on a clock moved by hand, and a table that does not grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "limit.h"
#include "wire.h"

static const uint8_t key[16] = "0123456789abcde";

/* How many of `tries` packets of one source pass at one moment. */
static int passed(struct limit *l, const char *source, int tries, uint64_t now_ms)
{
	struct addr a;
	int n = 0;

	assert_true(addr_parse_ip(source, 1, &a));
	for (int i = 0; i < tries; i++) {
		a.port = (uint16_t)i; /* whatever the port */
		n += limit_allows(l, &a, now_ms);
	}
	return n;
}

static void a_source_may_burst_and_then_gets_its_rate(void **state)
{
	struct limit *l = limit_new(100, 20, 1024, key);

	assert_int_equal(passed(l, "192.0.2.1", 50, 5000), 20);
	assert_int_equal(passed(l, "192.0.2.1", 50, 5009), 0);
	assert_int_equal(passed(l, "192.0.2.1", 50, 5010), 1);
	assert_int_equal(passed(l, "192.0.2.1", 50, 5100), 9);
	assert_int_equal(passed(l, "192.0.2.1", 50, 9000), 20); /* saved up, but no more */
	limit_free(l);
}

static void a_refused_packet_costs_nothing(void **state)
{
	struct limit *l = limit_new(10, 1, 16, key);

	assert_int_equal(passed(l, "192.0.2.1", 1000, 0), 1);
	assert_int_equal(passed(l, "192.0.2.1", 1000, 100), 1);
	limit_free(l);
}

static void over_a_long_time_the_rate_is_kept(void **state)
{
	static const uint32_t rates[] = { 1, 3, 7, 1000, 3000, 999999, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct limit *l = limit_new(rates[i], 10, 16, key);
		uint64_t most = 10 + 2 * (uint64_t)rates[i];
		uint64_t total = 0;

		for (uint64_t ms = 0; ms < 2000; ms++)
			total += (uint64_t)passed(l, "192.0.2.1", 12, 1000 + ms);
		assert_true(total <= most);
		/* Ten each ms is all that a burst of 10 lets through. */
		assert_true(total >= (most < 20000 ? most - 12 : 19990));
		limit_free(l);
	}
}

/* A nanosecond a token is the most there is; what is above counts as that. */
static void the_highest_rates_still_have_a_limit(void **state)
{
	static const uint32_t rates[] = { 1000000000, 1000000001, 3294967296, 3294967297,
					  UINT32_MAX };

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct limit *l = limit_new(rates[i], 10, 16, key);

		assert_int_equal(passed(l, "192.0.2.1", 50, 1000), 10);
		assert_int_equal(passed(l, "192.0.2.1", 50, 1001), 10);
		limit_free(l);
	}
}

static void sources_have_budgets_of_their_own(void **state)
{
	struct limit *l = limit_new(1, 3, 65536, key);

	assert_int_equal(passed(l, "192.0.2.1", 9, 1000), 3);
	assert_int_equal(passed(l, "192.0.2.2", 9, 1000), 3);
	assert_int_equal(passed(l, "2001:db8::1", 9, 1000), 3);
	limit_free(l);
}

static void ipv6_counts_by_64_bits(void **state)
{
	struct limit *l = limit_new(1, 3, 65536, key);

	assert_int_equal(passed(l, "2001:db8:1:2::1", 9, 1000), 3);
	assert_int_equal(passed(l, "2001:db8:1:2:ffff:ffff:ffff:ffff", 9, 1000), 0);
	assert_int_equal(passed(l, "2001:db8:1:3::1", 9, 1000), 3);
	limit_free(l);
}

static void mapped_ipv4_is_ipv4(void **state)
{
	struct limit *l = limit_new(1, 3, 65536, key);

	assert_int_equal(passed(l, "192.0.2.1", 9, 1000), 3);
	assert_int_equal(passed(l, "::ffff:192.0.2.1", 9, 1000), 0);
	assert_int_equal(passed(l, "::ffff:192.0.2.2", 9, 1000), 3);
	limit_free(l);
}

static void many_tokens_are_taken_at_once_or_none(void **state)
{
	struct limit *l = limit_new(1000, 5000, 1, key);
	struct addr from = addr_ipv4(192, 0, 2, 1, 5);

	assert_false(limit_allows_many(l, &from, 5001, 1000));
	assert_false(limit_allows_many(l, &from, UINT32_MAX, 1000));
	assert_true(limit_allows_many(l, &from, 5000, 1000));
	assert_false(limit_allows_many(l, &from, 1, 1000));
	assert_false(limit_allows_many(l, &from, 501, 1500));
	assert_true(limit_allows_many(l, &from, 500, 1500));
	assert_true(limit_allows_many(l, &from, 0, 1500));
	limit_free(l);
}

static void names_have_budgets_of_their_own(void **state)
{
	/* Each differs from the others in one byte, or in its length. */
	static const char *const names[] = { "",          "a",         "abcdefg",
					     "abcdefgh",  "abcdefgi",  "bbcdefgh",
					     "abcdefgha", "abcdefghb", "abcdefghijklmnop" };
	struct limit *l = limit_new(1, 3, 65536, key);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int count = 0;

		for (int n = 0; n < 9; n++)
			count += limit_allows_name(l, bytes_of_str(names[i]), 1000);
		if (count != 3)
			fail_msg("\"%s\": %d", names[i], count);
	}
	limit_free(l);
}

static void a_collision_narrows_and_never_widens(void **state)
{
	struct limit *l = limit_new(1, 100, 4, key);
	uint64_t total = 0;
	char text[32];

	for (int i = 0; i < 250; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		total += (uint64_t)passed(l, text, 10, 1000);
	}
	assert_int_equal(total, 400); /* four places, however many sources */
	limit_free(l);
}

static void places_are_rounded_up_to_a_power_of_two(void **state)
{
	struct limit *l = limit_new(1, 1, 0, key);

	assert_int_equal(passed(l, "192.0.2.1", 9, 1), 1);
	assert_int_equal(passed(l, "192.0.2.2", 9, 1), 0);
	limit_free(l);
	l = limit_new(1, 1, 3, key);
	uint64_t total = 0;
	char text[32];
	for (int i = 0; i < 250; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		total += (uint64_t)passed(l, text, 1, 1);
	}
	assert_int_equal(total, 4);
	limit_free(l);
	assert_null(limit_new(1, 1, SIZE_MAX, key));
	limit_free(NULL);
}

static void another_key_makes_other_neighbours(void **state)
{
	static const uint8_t other_key[16] = "fedcba987654321";
	struct limit *a = limit_new(1, 1, 64, key), *b = limit_new(1, 1, 64, other_key);
	int differ = 0;

	for (int i = 0; i < 200; i++) {
		struct addr from = addr_ipv4(192, 0, 2, (uint8_t)i, 1);

		differ += limit_allows(a, &from, 1) != limit_allows(b, &from, 1);
	}
	assert_true(differ > 0);
	limit_free(a);
	limit_free(b);
}

static void a_clock_set_back_starves_nobody_for_long(void **state)
{
	struct limit *l = limit_new(10, 5, 16, key);

	assert_int_equal(passed(l, "192.0.2.1", 9, 1000000), 5);
	assert_int_equal(passed(l, "192.0.2.1", 9, 1000), 0); /* an hour back: as if empty */
	assert_int_equal(passed(l, "192.0.2.1", 9, 1100), 1); /* and it grows */
	assert_int_equal(passed(l, "192.0.2.1", 9, 1550), 4);
	assert_int_equal(passed(l, "192.0.2.1", 9, 1540), 0); /* a little back */
	limit_free(l);
}

static void huge_jumps_overflow_nothing(void **state)
{
	struct limit *l = limit_new(1, UINT32_MAX, 16, key);

	assert_int_equal(passed(l, "192.0.2.1", 9, UINT64_MAX), 9);
	assert_int_equal(passed(l, "192.0.2.1", 9, 0), 0);
	limit_free(l);
	l = limit_new(1, 2, 16, key);
	assert_int_equal(passed(l, "192.0.2.1", 9, 0), 2);
	assert_int_equal(passed(l, "192.0.2.1", 9, UINT64_MAX), 2);
	assert_int_equal(passed(l, "192.0.2.1", 9, UINT64_MAX), 0);
	limit_free(l);
}

static void no_budget_counts_as_one(void **state)
{
	struct limit *l = limit_new(0, 0, 16, key);

	assert_int_equal(passed(l, "192.0.2.1", 9, 10), 1);
	assert_int_equal(passed(l, "192.0.2.1", 9, 1010), 1);
	limit_free(l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_may_burst_and_then_gets_its_rate),
		cmocka_unit_test(a_refused_packet_costs_nothing),
		cmocka_unit_test(over_a_long_time_the_rate_is_kept),
		cmocka_unit_test(the_highest_rates_still_have_a_limit),
		cmocka_unit_test(sources_have_budgets_of_their_own),
		cmocka_unit_test(many_tokens_are_taken_at_once_or_none),
		cmocka_unit_test(names_have_budgets_of_their_own),
		cmocka_unit_test(ipv6_counts_by_64_bits),
		cmocka_unit_test(mapped_ipv4_is_ipv4),
		cmocka_unit_test(a_collision_narrows_and_never_widens),
		cmocka_unit_test(places_are_rounded_up_to_a_power_of_two),
		cmocka_unit_test(another_key_makes_other_neighbours),
		cmocka_unit_test(a_clock_set_back_starves_nobody_for_long),
		cmocka_unit_test(huge_jumps_overflow_nothing),
		cmocka_unit_test(no_budget_counts_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
