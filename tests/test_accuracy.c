/* A slice of tests/bench/accuracy: every network, a few seeds, without loss and with 5 %. */
#include "tests/bench/accuracy_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void bounds_hold_at(double loss)
{
	struct accuracy_settings s = {
		.seeds = 5, .first_seed = 1001, .jobs = 1, .rtt_us = 50000, .loss = loss
	};
	struct accuracy_level level;
	unsigned missed;

	assert_true(accuracy_run(&s, &level));
	missed = accuracy_assert(stderr, &level, 1);
	if (missed > 0)
		accuracy_print_table(stderr, &level, 1);
	accuracy_free(&level);
	assert_int_equal(missed, 0);
}

static void without_loss_every_value_is_right(void **state)
{
	bounds_hold_at(0);
}

static void with_loss_no_value_is_wrong(void **state)
{
	bounds_hold_at(0.05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_loss_every_value_is_right),
		cmocka_unit_test(with_loss_no_value_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
