/* per_source: limits for each source and for all of them. */
#include "per_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire.h"

static const uint8_t key[16] = "per source tests";

static void a_source_has_its_most(void **state)
{
	struct per_source *p = per_source_new(10, 2, key);
	struct addr a = addr_ipv4(192, 0, 2, 1, 1000), b = addr_ipv4(192, 0, 2, 2, 1000);

	assert_non_null(p);
	assert_int_equal(per_source_add(p, &a), PER_SOURCE_OK);
	a.port = 2000; /* the same source */
	assert_int_equal(per_source_add(p, &a), PER_SOURCE_OK);
	assert_int_equal(per_source_add(p, &a), PER_SOURCE_MOST);
	assert_int_equal(per_source_add(p, &b), PER_SOURCE_OK);
	per_source_remove(p, &a);
	assert_int_equal(per_source_add(p, &a), PER_SOURCE_OK);
	assert_int_equal(per_source_add(p, &a), PER_SOURCE_MOST);
	per_source_free(p);
	per_source_free(NULL);
}

static void an_ipv6_source_is_a_64(void **state)
{
	struct per_source *p = per_source_new(10, 1, key);
	struct addr a, b, c;

	assert_true(addr_parse_ip("2001:db8:0:1::1", 1, &a));
	assert_true(addr_parse_ip("2001:db8:0:1:ffff::2", 1, &b));
	assert_true(addr_parse_ip("2001:db8:0:2::1", 1, &c));
	assert_int_equal(per_source_add(p, &a), PER_SOURCE_OK);
	assert_int_equal(per_source_add(p, &b), PER_SOURCE_MOST);
	assert_int_equal(per_source_add(p, &c), PER_SOURCE_OK);
	per_source_free(p);
}

static void the_total_holds_over_all_sources(void **state)
{
	struct per_source *p = per_source_new(3, 3, key);

	for (uint8_t i = 0; i < 3; i++) {
		struct addr a = addr_ipv4(192, 0, 2, i, 1);

		assert_int_equal(per_source_add(p, &a), PER_SOURCE_OK);
	}
	struct addr a = addr_ipv4(192, 0, 2, 0, 1);

	assert_int_equal(per_source_add(p, &a), PER_SOURCE_FULL);
	assert_int_equal(per_source_alive(p), 3);
	per_source_remove(p, &a);
	assert_int_equal(per_source_alive(p), 2);
	assert_int_equal(per_source_add(p, &a), PER_SOURCE_OK);
	per_source_free(p);
}

/* Against a plain array, so that closing gaps loses and invents nothing. */
static void it_counts_like_an_array(void **state)
{
	enum { SOURCES = 40, TOTAL = 48, MOST = 3 };
	struct per_source *p = per_source_new(TOTAL, MOST, key);
	int counts[SOURCES] = { 0 }, alive = 0;

	srand(1);
	for (int step = 0; step < 100000; step++) {
		int i = rand() % SOURCES;
		struct addr a = addr_ipv4(10, 0, 0, (uint8_t)i, (uint16_t)rand());

		if (rand() % 2 == 0) {
			bool may = alive < TOTAL && counts[i] < MOST;

			assert_int_equal(per_source_add(p, &a) == PER_SOURCE_OK, may);
			counts[i] += may;
			alive += may;
		} else if (counts[i] > 0) {
			per_source_remove(p, &a);
			counts[i]--;
			alive--;
		}
	}
	per_source_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_its_most),
		cmocka_unit_test(an_ipv6_source_is_a_64),
		cmocka_unit_test(the_total_holds_over_all_sources),
		cmocka_unit_test(it_counts_like_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
