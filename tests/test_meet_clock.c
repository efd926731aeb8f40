/* peer_clock: bounds on the other side's clock, and what a meeting makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "meet_kit.h"
#include "natprobe/meet/peer_clock.h"

#define SECOND 1000000
#define CODE   "37-copper-violin-harbor"

static struct peer_clock_view view(const struct peer_clock *c, uint64_t now_us)
{
	struct peer_clock_view v;

	assert_true(peer_clock_view(c, now_us, &v));
	return v;
}

static void assert_bounds(const struct peer_clock_view *v, int64_t truth, uint64_t at_most)
{
	int64_t wrong = v->offset_us > truth ? v->offset_us - truth : truth - v->offset_us;

	assert_true((uint64_t)wrong <= v->error_us);
	assert_true(v->error_us <= at_most);
}

static void knows_nothing_at_first(void **state)
{
	struct peer_clock c = { 0 };
	struct peer_clock_view v;

	assert_false(peer_clock_view(&c, 5, &v));
	peer_clock_received(&c, 1000, 5);
	assert_false(peer_clock_view(&c, 5, &v)); /* one way says one bound */
}

static void takes_the_tightest_of_each_way(void **state)
{
	struct peer_clock c = { 0 };
	const int64_t truth = 7000000;
	struct peer_clock_view v;

	/* out in 10 ms, back in 200; then out in 300, back in 20 */
	peer_clock_delivered(&c, 1000000, 1000000 + 10000 + (uint64_t)truth);
	peer_clock_received(&c, 1010000 + (uint64_t)truth, 1210000);
	v = view(&c, 1210000);
	assert_bounds(&v, truth, 105100);
	peer_clock_delivered(&c, 2000000, 2000000 + 300000 + (uint64_t)truth);
	peer_clock_received(&c, 2300000 + (uint64_t)truth, 2320000);
	v = view(&c, 2320000);
	assert_bounds(&v, truth, 15300);
}

static void trusts_age_less(void **state)
{
	struct peer_clock c = { 0 };
	struct peer_clock_view v;

	peer_clock_delivered(&c, 1000000, 1010000);
	peer_clock_received(&c, 1010000, 1020000);
	v = view(&c, 1020000);
	assert_true(v.error_us <= 10100);
	v = view(&c, 1020000 + 1000ull * SECOND);
	assert_in_range(v.error_us, 110000, 111000); /* 100 ppm of 1000 s */
}

static void believes_the_later_of_two_that_contradict(void **state)
{
	struct peer_clock c = { 0 };
	struct peer_clock_view v;

	peer_clock_delivered(&c, 1000, 2000);
	peer_clock_received(&c, 2000, 3000);
	peer_clock_received(&c, 500 * SECOND, 4000); /* their clock was set */
	assert_false(peer_clock_view(&c, 4000, &v));
	peer_clock_delivered(&c, 5000, 500 * SECOND + 2000);
	v = view(&c, 5000);
	assert_bounds(&v, 500 * SECOND - 3500, 2000);
}

static void is_not_upset_by_numbers(void **state)
{
	static const uint64_t odd[] = { 0, 1, INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX / 64 };
	struct peer_clock c = { 0 };
	struct peer_clock_view v;

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		for (size_t j = 0; j < ARRAY_LEN(odd); j++) {
			struct peer_clock_told told = { true, (int64_t)odd[i], odd[j], odd[i] };

			peer_clock_received(&c, odd[i], odd[j]);
			peer_clock_delivered(&c, odd[i], odd[j]);
			peer_clock_server_told(&c, "server", i % 2 == 0, &told);
			peer_clock_round_trip(&c, odd[j]);
			(void)peer_clock_view(&c, odd[j], &v);
		}
	}
}

static void combines_what_one_server_told(void **state)
{
	struct peer_clock c = { 0 };
	/* the server is 100 s ahead of us, and 40 s ahead of them */
	struct peer_clock_told ours = { true, 100 * SECOND, 3000, 10 };
	struct peer_clock_told theirs = { true, 40 * SECOND, 2000, 10 };
	struct peer_clock_view v;

	peer_clock_server_told(&c, "time.example", true, &ours);
	peer_clock_server_told(&c, "other.example", false, &theirs);
	assert_false(peer_clock_view(&c, 10, &v));
	peer_clock_server_told(&c, "time.example", false, &theirs);
	v = view(&c, 10);
	assert_bounds(&v, 60 * SECOND, 5000);
	assert_int_equal(v.round_trip_us, 0);
	for (char name[] = "a"; name[0] <= 'z'; name[0]++)
		peer_clock_server_told(&c, name, true, &ours); /* no more than there is room for */
	v = view(&c, 10);
	assert_bounds(&v, 60 * SECOND, 5000);
}

static void a_server_that_contradicts_adds_nothing(void **state)
{
	struct peer_clock c = { 0 };
	struct peer_clock_told ours = { true, 100 * SECOND, 3000, 10 };
	struct peer_clock_told theirs = { true, 40 * SECOND, 2000, 10 };
	struct peer_clock_view v;

	peer_clock_delivered(&c, 1000, 2000);
	peer_clock_received(&c, 2000, 3000);
	peer_clock_server_told(&c, "time.example", true, &ours);
	peer_clock_server_told(&c, "time.example", false, &theirs);
	v = view(&c, 3000);
	assert_bounds(&v, 0, 1010);
}

static void a_meeting_bounds_it(void **state)
{
	static struct meet_kit k;

	for (uint64_t seed = 0; seed < 20; seed++) {
		int64_t offset;
		uint64_t error, round_trip;

		meet_kit_open(&k, seed);
		k.jitter_us = 400000;
		k.loss_percent = seed % 2 == 0 ? 0 : 20;
		meet_kit_code(&k, 0, CODE);
		meet_kit_code(&k, 1, CODE);
		meet_kit_run(&k, 20 * SECOND);
		for (int i = 0; i < 2; i++) {
			struct peer_clock_view v;
			int64_t truth = (i == 0 ? 1 : -1) * 1000000007;

			assert_true(meet_clock(k.parties[i].m, &offset, &error, &round_trip));
			v = (struct peer_clock_view){ offset, error, round_trip };
			assert_bounds(&v, truth, 452000);
			assert_in_range(round_trip, 100000, 900000);
		}
		meet_kit_close(&k);
	}
}

static void servers_are_told_through_the_channel(void **state)
{
	static struct meet_kit k;
	int64_t offset;
	uint64_t error, round_trip;

	meet_kit_open(&k, 1);
	k.delay_us = 500000;
	meet_kit_code(&k, 0, CODE);
	meet_kit_code(&k, 1, CODE);
	/* one knows it before they meet, the other one learns it later */
	meet_set_server_clock(k.parties[0].m, "time.example", 77 * SECOND, 2000);
	meet_kit_run(&k, 10 * SECOND);
	meet_set_server_clock(k.parties[1].m, "time.example", 77 * SECOND - 1000000007, 3000);
	meet_kit_run(&k, 10 * SECOND);
	for (int i = 0; i < 2; i++) {
		struct peer_clock_view v;

		assert_true(meet_clock(k.parties[i].m, &offset, &error, &round_trip));
		v = (struct peer_clock_view){ offset, error, round_trip };
		assert_bounds(&v, (i == 0 ? 1 : -1) * 1000000007, 9000);
		assert_int_equal(k.parties[i].received, 0); /* nothing of it for the shell */
	}
	meet_kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_nothing_at_first),
		cmocka_unit_test(takes_the_tightest_of_each_way),
		cmocka_unit_test(trusts_age_less),
		cmocka_unit_test(believes_the_later_of_two_that_contradict),
		cmocka_unit_test(is_not_upset_by_numbers),
		cmocka_unit_test(combines_what_one_server_told),
		cmocka_unit_test(a_server_that_contradicts_adds_nothing),
		cmocka_unit_test(a_meeting_bounds_it),
		cmocka_unit_test(servers_are_told_through_the_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
