/* turnd: requests and allocations by the country of the client. */
#include "turnd_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mmdb_geo.h"

static struct rig r;

static struct geo *database(void)
{
	static const struct mmdb_row row = { "91.80.1.0", 24, "CH", 0, NULL };

	return mmdb_geo(&row, 1);
}

static const struct turnd_stats *stats(void)
{
	return turnd_stats(r.worker[0].turnd);
}

static void expect(const char *country, uint64_t requests, uint64_t allocations)
{
	assert_int_equal(countries_read(&stats()->requests_by_country, country), requests);
	assert_int_equal(countries_read(&stats()->allocations_by_country, country), allocations);
}

static void clients_are_counted_by_country(void **state)
{
	struct rig_client here, elsewhere;
	struct geo *g = database();

	rig_init(&r);
	r.snapshot.geo = g;
	rig_start(&r);
	rig_client(&here, &r, 1);
	rig_client(&elsewhere, &r, 2);
	elsewhere.tuple.client = addr_ipv4(8, 8, 8, 8, 9);

	(void)rig_request(&here, STUN_BINDING);
	assert_int_equal(rig_ask(&here), 0);
	expect("CH", 1, 0);
	assert_int_equal(rig_allocate(&here), 0); /* 401 comes first */
	expect("CH", 3, 1);
	assert_string_equal((const char *)turnd_next(r.worker[0].turnd, NULL)->country, "CH");
	assert_int_equal(rig_refresh(&here, 600), 0);
	expect("CH", 4, 1);
	assert_int_equal(rig_allocate(&elsewhere), 0);
	expect("", 2, 1);
	expect("CH", 4, 1);
	rig_stop(&r);
	geo_free(g);
}

static void without_a_database_there_are_no_countries(void **state)
{
	struct rig_client c;

	rig_init(&r);
	rig_start(&r);
	rig_client(&c, &r, 1);
	assert_int_equal(rig_allocate(&c), 0);
	expect("", 0, 0);
	assert_string_equal((const char *)turnd_next(r.worker[0].turnd, NULL)->country, "");
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_counted_by_country),
		cmocka_unit_test(without_a_database_there_are_no_countries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
