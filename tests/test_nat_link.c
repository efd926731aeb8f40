/* One direction of a cable: when do packets arrive, and how often? */
#include "tests/nat_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PACKETS 20000

struct outcome {
	unsigned arrived, lost, twice, overtaken;
	uint64_t shortest_us, longest_us;
};

static struct outcome run(const struct nat_link_config *config, size_t len, uint64_t gap_us)
{
	struct nat_link link = { .config = *config };
	struct rng rng = rng_seed(42);
	struct outcome o = { .shortest_us = UINT64_MAX };
	uint64_t now_us = 1000, last_us = 0;

	for (int i = 0; i < PACKETS; i++, now_us += gap_us) {
		uint64_t at[2];
		size_t count = nat_link_send(&link, &rng, len, now_us, at);

		o.lost += count == 0;
		o.twice += count == 2;
		for (size_t k = 0; k < count; k++) {
			uint64_t took_us = at[k] - now_us;

			assert_true(at[k] >= now_us);
			o.arrived++;
			o.overtaken += at[k] < last_us;
			last_us = at[k];
			o.shortest_us = took_us < o.shortest_us ? took_us : o.shortest_us;
			o.longest_us = took_us > o.longest_us ? took_us : o.longest_us;
		}
	}
	return o;
}

static void a_plain_cable_delivers_at_once(void **state)
{
	struct outcome o = run(&(struct nat_link_config){ 0 }, 100, 10);

	assert_int_equal(o.arrived, PACKETS);
	assert_int_equal(o.longest_us, 0);
}

static void loss_and_duplication_come_in_their_shares(void **state)
{
	struct outcome o = run(&(struct nat_link_config){ .loss = 0.05 }, 100, 10);

	assert_in_range(o.lost, PACKETS * 4 / 100, PACKETS * 6 / 100);
	assert_int_equal(o.twice, 0);
	o = run(&(struct nat_link_config){ .duplicate = 0.1 }, 100, 10);
	assert_in_range(o.twice, PACKETS * 9 / 100, PACKETS * 11 / 100);
	assert_int_equal(o.lost, 0);
	o = run(&(struct nat_link_config){ .loss = 1 }, 100, 10);
	assert_int_equal(o.arrived, 0);
}

static void delay_is_exact_and_jitter_keeps_the_order(void **state)
{
	struct nat_link_config c = { .delay_us = 25000 };
	struct outcome o = run(&c, 100, 10);

	assert_int_equal(o.shortest_us, 25000);
	assert_int_equal(o.longest_us, 25000);
	c.jitter_us = 5000;
	o = run(&c, 100, 10);
	assert_int_equal(o.overtaken, 0);
	assert_in_range(o.longest_us, 29000, 30000);
	o = run(&c, 100, 10000);
	assert_in_range(o.shortest_us, 25000, 25100);
}

static void jitter_and_reordering_overtake_where_told(void **state)
{
	struct nat_link_config c = { .delay_us = 25000, .jitter_us = 5000, .jitter_reorders = 1 };
	struct outcome o = run(&c, 100, 10);

	assert_in_range(o.overtaken, PACKETS / 4, PACKETS);
	c = (struct nat_link_config){ .delay_us = 25000, .reorder = 0.1 };
	o = run(&c, 100, 10);
	assert_in_range(o.overtaken, PACKETS * 7 / 100, PACKETS * 11 / 100);
	assert_int_equal(o.shortest_us, 0);
}

static void a_rate_makes_packets_wait_and_a_full_queue_drops_them(void **state)
{
	/* 1250 bytes at 10 Mbit/s take a millisecond. */
	struct nat_link_config c = { .rate_bit_s = 10000000, .queue_us = 20000 };
	struct outcome o = run(&c, 1250, 2000);

	assert_int_equal(o.longest_us, 1000);
	assert_int_equal(o.lost, 0);
	o = run(&c, 1250, 500);
	assert_in_range(o.longest_us, 20000, 21000);
	assert_in_range(o.arrived, PACKETS / 2, PACKETS / 2 + 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_cable_delivers_at_once),
		cmocka_unit_test(loss_and_duplication_come_in_their_shares),
		cmocka_unit_test(delay_is_exact_and_jitter_keeps_the_order),
		cmocka_unit_test(jitter_and_reordering_overtake_where_told),
		cmocka_unit_test(a_rate_makes_packets_wait_and_a_full_queue_drops_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
