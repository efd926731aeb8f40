/* stats of turnd: places of error codes, and the words that labels are made of. */
#include "turnd/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

static void codes_have_places_and_places_codes(void **state)
{
	static const uint16_t ours[] = { 300, 400, 401, 403, 405, 420, 437, 438, 440,
					 441, 442, 443, 446, 447, 486, 500, 508 };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		size_t place = stats_code(ours[i]);

		assert_true(place < STATS_CODES - 1);
		assert_int_equal(stats_code_at(place), ours[i]);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(place, stats_code(ours[k]));
	}
	assert_int_equal(stats_code(0), STATS_CODES - 1);
	assert_int_equal(stats_code(699), STATS_CODES - 1);
	assert_int_equal(stats_code_at(STATS_CODES - 1), 0);
}

static const char *method_word(int i)
{
	return stats_method_word((enum stats_method)i);
}

static const char *drop_word(int i)
{
	return stats_drop_word((enum stats_drop)i);
}

static const char *end_word(int i)
{
	return stats_end_word((enum stats_end)i);
}

static void expect_words(const char *(*word)(int), int count)
{
	for (int i = 0; i < count; i++) {
		assert_non_null(word(i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(word(i), word(k));
	}
}

static void every_place_has_a_word_of_its_own(void **state)
{
	expect_words(method_word, STATS_METHODS);
	expect_words(drop_word, STATS_DROPS);
	expect_words(end_word, STATS_ENDS);
}

static void counters_count(void **state)
{
	struct turnd_stats s = { 0 };

	counter_add(&s.to_peer_packets, 1);
	counter_add(&s.to_peer_packets, 2);
	assert_int_equal(counter_read(&s.to_peer_packets), 3);
	counter_add(&s.allocations, 1);
	counter_add(&s.allocations, UINT64_MAX); /* one less */
	assert_int_equal(counter_read(&s.allocations), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_places_and_places_codes),
		cmocka_unit_test(every_place_has_a_word_of_its_own),
		cmocka_unit_test(counters_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
