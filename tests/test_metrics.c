/* metrics: the text that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics.h"

static void a_family_has_help_type_and_samples(void **state)
{
	struct metrics m = { 0 };

	metrics_family(&m, "stund_requests_total", METRICS_COUNTER, "Requests that came in.");
	metrics_count(&m, METRICS_LABELS("transport", "udp", "family", "ipv6"), 17);
	metrics_count(&m, NULL, UINT64_MAX);
	metrics_family(&m, "stund_load", METRICS_GAUGE, "How busy.");
	metrics_gauge(&m, METRICS_LABELS(NULL), 0.25);
	assert_string_equal(m.text, "# HELP stund_requests_total Requests that came in.\n"
				    "# TYPE stund_requests_total counter\n"
				    "stund_requests_total{transport=\"udp\",family=\"ipv6\"} 17\n"
				    "stund_requests_total 18446744073709551615\n"
				    "# HELP stund_load How busy.\n"
				    "# TYPE stund_load gauge\n"
				    "stund_load 0.25\n");
	assert_int_equal(m.len, strlen(m.text));
	assert_false(m.failed);
	metrics_free(&m);
	assert_null(m.text);
}

static void text_is_escaped(void **state)
{
	struct metrics m = { 0 };

	metrics_family(&m, "a", METRICS_GAUGE, "one\ntwo \\ \"three\"");
	metrics_count(&m, METRICS_LABELS("l", "\"q\" \\ \n \xc3\xa9 \xff\xc3"), 1);
	assert_string_equal(m.text,
			    "# HELP a one\\ntwo \\\\ \"three\"\n"
			    "# TYPE a gauge\n"
			    "a{l=\"\\\"q\\\" \\\\ \\n \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\"} 1\n");
	metrics_free(&m);
}

static void numbers_of_all_kinds(void **state)
{
	struct metrics m = { 0 };

	metrics_family(&m, "n", METRICS_GAUGE, "");
	metrics_gauge(&m, NULL, -1.5);
	metrics_gauge(&m, NULL, 1e300);
	metrics_gauge(&m, NULL, 1795211851);
	metrics_gauge(&m, NULL, (double)NAN);
	metrics_gauge(&m, NULL, (double)INFINITY);
	metrics_gauge(&m, NULL, -(double)INFINITY);
	assert_string_equal(m.text, "# HELP n \n# TYPE n gauge\n"
				    "n -1.5\nn 1e+300\nn 1795211851\nn NaN\nn +Inf\nn -Inf\n");
	metrics_free(&m);
}

static void a_long_text_grows(void **state)
{
	struct metrics m = { 0 };

	metrics_family(&m, "n", METRICS_GAUGE, "");
	for (uint64_t i = 0; i < 100000; i++)
		metrics_count(&m, NULL, i);
	assert_false(m.failed);
	assert_string_equal(m.text + m.len - 8, "n 99999\n");
	metrics_free(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_has_help_type_and_samples),
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(numbers_of_all_kinds),
		cmocka_unit_test(a_long_text_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
