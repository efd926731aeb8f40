/* punch: whole trials, on a wire that is as bad as a test wants it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "punch_rig.h"

#define SECOND UINT64_C(1000000)

static struct rig r;

static int setup(void **state)
{
	rig_init(&r);
	return 0;
}

static int teardown(void **state)
{
	rig_end(&r);
	return 0;
}

static void run(void)
{
	rig_start(&r);
	assert_true(rig_run(&r, 60 * SECOND));
}

static void assert_path(void)
{
	const struct punch_path *a = &rig_result(&r, 0)->path, *b = &rig_result(&r, 1)->path;

	assert_int_not_equal(a->strategy, PUNCH_NONE);
	assert_int_equal(a->strategy, b->strategy);
	assert_true(addr_equal(&a->outer, &b->remote));
	assert_true(addr_equal(&b->outer, &a->remote));
	assert_int_equal(rig_result(&r, 0)->step, rig_result(&r, 1)->step);
	assert_int_equal(rig_result(&r, 0)->overall.reason, REASON_NONE);
	assert_int_equal(rig_open(&r, 0), 1);
	assert_int_equal(rig_open(&r, 1), 1);
	for (uint8_t i = 0; i < 2; i++)
		assert_true(r.sides[i].slots[rig_result(&r, i)->path.slot].open);
}

static void two_hosts_meet(void **state)
{
	run();
	assert_path();
	for (uint8_t i = 0; i < 2; i++) {
		const struct punch_result *got = rig_result(&r, i);

		assert_true(got->has_theirs);
		assert_int_equal(got->path.strategy, PUNCH_SIMULTANEOUS);
		assert_in_range(got->to_path_us, 40000, 60000);
		assert_int_equal(got->quality.sent, 10);
		assert_int_equal(got->quality.answered, 10);
		assert_int_equal(got->quality.rtt_median_us, 40000);
		assert_int_equal(got->skew_us, 0);
		assert_int_equal(got->skew_error_us, 5000);
		assert_true(got->sent < 40);
		assert_true(got->elapsed_us < SECOND);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_hosts_meet, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
