/* floor: discoveries behind one NAT take turns. */
#include "natprobe/discover/floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addr.h"

static void who_asks_a_free_floor_gets_it(void **state)
{
	struct floor *f = floor_new(1);
	size_t one = floor_add(f, ADDR_IPV4);

	assert_false(floor_has(f, one));
	assert_int_equal(floor_want(f, one, true), one);
	assert_true(floor_has(f, one));
	assert_int_equal(floor_want(f, one, true), FLOOR_NOBODY);
	assert_true(floor_has(f, one));
	assert_int_equal(floor_want(f, one, false), FLOOR_NOBODY);
	assert_false(floor_has(f, one));
	floor_free(f);
}

static void others_wait_in_the_order_of_asking(void **state)
{
	struct floor *f = floor_new(4);
	size_t m[4];

	for (size_t i = 0; i < 4; i++)
		m[i] = floor_add(f, ADDR_IPV4);
	assert_int_equal(floor_want(f, m[2], true), m[2]);
	assert_int_equal(floor_want(f, m[3], true), FLOOR_NOBODY);
	assert_int_equal(floor_want(f, m[0], true), FLOOR_NOBODY);
	assert_int_equal(floor_want(f, m[1], true), FLOOR_NOBODY);
	assert_false(floor_has(f, m[3]));

	assert_int_equal(floor_want(f, m[2], false), m[3]);
	assert_true(floor_has(f, m[3]));
	assert_false(floor_has(f, m[2]));
	/* Who had it stands at the end of the line again. */
	assert_int_equal(floor_want(f, m[2], true), FLOOR_NOBODY);
	assert_int_equal(floor_want(f, m[3], false), m[0]);
	assert_int_equal(floor_want(f, m[0], false), m[1]);
	assert_int_equal(floor_want(f, m[1], false), m[2]);
	assert_true(floor_is_wanted(f, m[0]));
	assert_int_equal(floor_want(f, m[2], false), FLOOR_NOBODY);
	assert_false(floor_is_wanted(f, m[0]));
	floor_free(f);
}

static void who_leaves_the_line_is_passed_over(void **state)
{
	struct floor *f = floor_new(3);
	size_t first = floor_add(f, ADDR_IPV4);
	size_t second = floor_add(f, ADDR_IPV4);
	size_t third = floor_add(f, ADDR_IPV4);

	floor_want(f, first, true);
	floor_want(f, second, true);
	floor_want(f, third, true);
	assert_int_equal(floor_want(f, second, false), FLOOR_NOBODY);
	assert_true(floor_has(f, first));
	assert_int_equal(floor_want(f, first, false), third);
	floor_free(f);
}

static void families_have_a_floor_each(void **state)
{
	struct floor *f = floor_new(3);
	size_t four = floor_add(f, ADDR_IPV4);
	size_t six = floor_add(f, ADDR_IPV6);
	size_t late = floor_add(f, ADDR_IPV6);

	assert_int_equal(floor_want(f, four, true), four);
	assert_int_equal(floor_want(f, six, true), six);
	assert_int_equal(floor_want(f, late, true), FLOOR_NOBODY);
	assert_int_equal(floor_want(f, four, false), FLOOR_NOBODY);
	assert_true(floor_has(f, six));
	assert_true(floor_is_wanted(f, late));
	assert_false(floor_is_wanted(f, four));
	assert_int_equal(floor_want(f, six, false), late);
	floor_free(f);
}

static void nobody_is_a_fine_crowd(void **state)
{
	struct floor *f = floor_new(0);

	assert_non_null(f);
	floor_free(f);
	floor_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_asks_a_free_floor_gets_it),
		cmocka_unit_test(others_wait_in_the_order_of_asking),
		cmocka_unit_test(who_leaves_the_line_is_passed_over),
		cmocka_unit_test(families_have_a_floor_each),
		cmocka_unit_test(nobody_is_a_fine_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
