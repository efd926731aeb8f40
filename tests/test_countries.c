/* countries: events by country, in as many labels as there are codes. */
#include "countries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mmdb_geo.h"
#include "wire.h"

static const struct mmdb_row places[] = {
	{ "84.20.0.0", 16, "DE", 64500, NULL }, { "91.80.0.0", 16, "AA", 0, NULL },
	{ "95.1.0.0", 16, "ZZ", 0, NULL },      { "96.1.0.0", 16, "d3", 0, NULL },
	{ "2a06:1300::", 32, "DE", 0, NULL },
};

static void count(struct countries *c, const struct geo *g, const char *from)
{
	struct addr a;

	assert_true(addr_parse(from, 1, &a));
	countries_count(c, g, &a);
}

static void each_country_has_its_number(void **state)
{
	struct countries c = { 0 }, sum = { 0 };
	struct geo *g = mmdb_geo(places, ARRAY_LEN(places));

	count(&c, g, "84.20.0.1");
	count(&c, g, "2a06:1300::1");
	count(&c, g, "91.80.0.1");
	count(&c, g, "95.1.0.1");
	count(&c, g, "96.1.0.1"); /* no code: not known */
	count(&c, g, "8.8.8.8");
	assert_int_equal(countries_read(&c, "DE"), 2);
	assert_int_equal(countries_read(&c, "AA"), 1);
	assert_int_equal(countries_read(&c, "ZZ"), 1);
	assert_int_equal(countries_read(&c, "CH"), 0);
	assert_int_equal(countries_read(&c, ""), 2);
	countries_add(&sum, &c);
	countries_add(&sum, &c);
	assert_int_equal(countries_read(&sum, "DE"), 4);
	assert_int_equal(countries_read(&sum, ""), 4);
	geo_free(g);
}

static void without_a_database_nothing_is_counted(void **state)
{
	struct countries c = { 0 };
	struct metrics m = { 0 };

	count(&c, NULL, "84.20.0.1");
	for (size_t i = 0; i < COUNTRIES_MAX; i++)
		assert_int_equal(c.at[i], 0);
	countries_report(&m, "x_total", "X.", &c);
	assert_int_equal(m.len, 0);
}

static void only_those_who_came_are_told(void **state)
{
	struct geo *g = mmdb_geo(places, ARRAY_LEN(places));
	struct countries c = { 0 };
	struct metrics m = { 0 };

	count(&c, g, "84.20.0.1");
	count(&c, g, "84.20.0.1");
	count(&c, g, "95.1.0.1");
	count(&c, g, "8.8.8.8");
	countries_report(&m, "x_total", "Things by country.", &c);
	assert_string_equal(m.text, "# HELP x_total Things by country.\n"
				    "# TYPE x_total counter\n"
				    "x_total{country=\"unknown\"} 1\n"
				    "x_total{country=\"DE\"} 2\n"
				    "x_total{country=\"ZZ\"} 1\n");
	metrics_free(&m);
	geo_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_country_has_its_number),
		cmocka_unit_test(without_a_database_nothing_is_counted),
		cmocka_unit_test(only_those_who_came_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
