/* report_tests: a run judged by expectations, and told as text, TAP and JUnit's XML. */
#include "report_fixture.h"

#include "natprobe/report/report_tests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A report, what is expected of it, and the tests that come of both. */
struct judged {
	struct fixture f;
	struct expect expect;
	struct report_tests tests;
};

static void judge(struct judged *j, const char *text)
{
	struct expect_error err;

	if (text != NULL && !expect_parse(bytes_of_str(text), &j->expect, &err))
		fail_msg("line %u: %s", err.line, err.text);
	assert_true(report_tests_make(&j->f.report, text != NULL ? &j->expect : NULL, "home.conf",
				      &j->tests));
	j->f.report.expectations = text != NULL ? &j->tests : NULL;
}

static void clear(struct judged *j)
{
	report_tests_clear(&j->tests);
	expect_free(&j->expect);
}

enum form { AS_TEXT, AS_TAP, AS_JUNIT };

static void prints(struct judged *j, enum form form, const char *want)
{
	const struct report_style style = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (form == AS_TEXT)
		report_expect(&j->tests, &style, out);
	else if (form == AS_TAP)
		report_tap(&j->tests, out);
	else
		assert_true(report_junit(&j->f.report, &j->tests, out));
	fclose(out);
	if (strstr(text, want) == NULL)
		fail_msg("no \"%s\" in:\n%s", want, text);
	free(text);
}

static void all_met_is_zero(void **state)
{
	struct judged j = { 0 };

	fixture_restrict_port(&j.f);
	judge(&j, "mapping = endpoint-independent\nrtt < 20ms");
	assert_int_equal(report_exit(&j.f.report), EXIT_REACHED);
	prints(&j, AS_TEXT, "home.conf: as expected, 2 of 2 met\n");
	prints(&j, AS_TAP,
	       "TAP version 13\n1..2\nok 1 - eth0 ipv4: mapping = endpoint-independent\n");
	prints(&j, AS_JUNIT,
	       "<testsuite name=\"eth0 ipv4\" tests=\"2\" failures=\"0\" errors=\"0\"");
	prints(&j, AS_JUNIT, "name=\"rtt &#60; 20ms\"");
	clear(&j);
}

static void a_miss_shows_what_was_seen(void **state)
{
	struct judged j = { 0 };

	fixture_restrict_port(&j.f);
	judge(&j, "# home\nmapping = address-dependent\nnat = yes\n");
	assert_int_equal(report_exit(&j.f.report), EXIT_FAILED);
	prints(&j, AS_TEXT, "home.conf: 1 missed, 0 open, 1 met\n");
	prints(&j, AS_TEXT, "eth0 ipv4: mapping\n");
	prints(&j, AS_TEXT, "expected  = address-dependent  (home.conf:2)\n");
	prints(&j, AS_TEXT, "got       endpoint-independent\n");
	prints(&j, AS_TEXT, "seen      203.0.113.9:40001 by 192.0.2.1:3478, ");
	prints(&j, AS_TAP, "not ok 1 - eth0 ipv4: mapping = address-dependent\n  ---\n");
	prints(&j, AS_TAP, "  got: 'endpoint-independent'\n");
	prints(&j, AS_TAP, "  line: 2\n  ...\nok 2");
	prints(&j, AS_JUNIT,
	       "<failure message=\"endpoint-independent\" type=\"missed\">home.conf:2");
	clear(&j);
}

static void an_unknown_value_is_open(void **state)
{
	struct judged j = { 0 };

	fixture_ignores_change(&j.f);
	judge(&j, "filtering = address-dependent\nnat = yes");
	assert_int_equal(report_exit(&j.f.report), EXIT_INCONCLUSIVE);
	prints(&j, AS_TEXT,
	       "got       unknown (endpoint-independent or address-dependent: the server ignores "
	       "CHANGE-REQUEST");
	prints(&j, AS_TAP, "  reason: 'ignores-change-request'\n");
	prints(&j, AS_JUNIT, "<error message=\"unknown (endpoint-independent or ");
	clear(&j);
}

/* What nobody expects may be unknown, and what is expected to be unknown has to be. */
static void only_what_is_expected_counts(void **state)
{
	struct judged j = { 0 };

	fixture_ignores_change(&j.f);
	judge(&j, "nat = yes\nfiltering = unknown");
	assert_int_equal(report_exit(&j.f.report), EXIT_REACHED);
	clear(&j);
}

static void a_miss_outweighs_what_is_open(void **state)
{
	struct judged j = { 0 };

	fixture_ignores_change(&j.f);
	judge(&j, "filtering = address-dependent\nnat = no");
	assert_int_equal(report_exit(&j.f.report), EXIT_FAILED);
	clear(&j);
}

static void an_interface_that_was_not_probed_is_open(void **state)
{
	struct judged j = { 0 };

	fixture_restrict_port(&j.f);
	fixture_add_unprobed(&j.f);
	judge(&j, "nat = yes\n[wlan0]\nnat = yes\n[eth7 ipv6]\nnat = yes");
	assert_int_equal(report_exit(&j.f.report), EXIT_INCONCLUSIVE);
	assert_int_equal(j.tests.count, 3);
	assert_int_equal(j.tests.by_result[TEST_PASSED], 1);
	assert_int_equal(j.tests.by_result[TEST_OPEN], 2);
	prints(&j, AS_TEXT, "wlan0 ipv6: nat\n");
	prints(&j, AS_TEXT, "unknown (no route leads from here to a server)");
	prints(&j, AS_TEXT, "eth7 ipv6: nat\n");
	prints(&j, AS_TEXT, "unknown (no such interface and family was probed)");
	prints(&j, AS_JUNIT, "<testsuite name=\"not probed\" tests=\"1\"");
	clear(&j);
}

static void nobody_answered_is_three(void **state)
{
	struct judged j = { 0 };

	fixture_no_server(&j.f);
	judge(&j, "nat = yes");
	assert_int_equal(report_exit(&j.f.report), EXIT_NO_SERVER);
	clear(&j);
	judge(&j, "nat = unknown");
	assert_int_equal(report_exit(&j.f.report), EXIT_REACHED);
	clear(&j);
}

static void without_expectations_each_property_is_a_test(void **state)
{
	struct judged j = { 0 };

	fixture_ignores_change(&j.f);
	fixture_add_unprobed(&j.f);
	judge(&j, NULL);
	assert_int_equal(j.tests.count, property_count - DEEP_PROPERTIES + 1);
	assert_int_equal(j.tests.by_result[TEST_FAILED], 0);
	assert_int_equal(j.tests.by_result[TEST_OPEN], 1);
	prints(&j, AS_TAP, "ok 1 - eth0 ipv4: nat is known: yes\n");
	prints(&j, AS_TAP, "not ok 5 - eth0 ipv4: filtering is known\n");
	prints(&j, AS_TAP, "wlan0 ipv6: a server answers # SKIP unknown (no route");
	prints(&j, AS_JUNIT, "<skipped message=");
	clear(&j);
}

static void blocked_udp_leaves_nothing_open(void **state)
{
	struct judged j = { 0 };

	fixture_udp_blocked(&j.f);
	judge(&j, NULL);
	assert_int_equal(j.tests.by_result[TEST_OPEN], 0);
	clear(&j);
}

static void odd_names_spoil_nothing(void **state)
{
	struct judged j = { 0 };

	fixture_restrict_port(&j.f);
	j.f.probes[0].interface = "e#<'\"&\\\xff";
	judge(&j, "mapping = mixed\n[e#<'\"&\\?]\nnat = yes");
	assert_int_equal(j.tests.by_result[TEST_PASSED], 1);
	prints(&j, AS_TAP, "not ok 1 - e\\#<'\"&\\\\? ipv4: mapping");
	prints(&j, AS_JUNIT, "classname=\"e#&#60;&#39;&#34;&#38;\\? ipv4\"");
	clear(&j);
}

static void evidence_is_there_for_what_has_any(void **state)
{
	static const struct {
		const char *property, *says;
	} cases[] = {
		{ "nat", "local 10.0.0.2:40001, mapped 203.0.113.9:40001" },
		{ "filtering", "control 6 of 6, change-port 0 of 6" },
		{ "delta.value", "50000 to 40009, 50001 lost, 50002 to 40005" },
		{ "pooling", "203.0.113.9, 203.0.113.10" },
		{ "hairpin", "1 of 5 came through, from 10.0.0.2:40055" },
		{ "cgn", "gateway-shared-address, local-ds-lite-address" },
		{ "loss", "14 of 32 datagrams answered" },
		{ "rate-limit", "about 40 datagrams a second" },
		{ "country", "" },
		{ "mapping.tcp", "" },
	};
	struct fixture f;
	char buf[REPORT_TEST_TEXT_MAX];

	fixture_full(&f);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		report_evidence(property_find(cases[i].property), &f.verdict, buf);
		if (strncmp(buf, cases[i].says, strlen(cases[i].says)) != 0 ||
		    (cases[i].says[0] == '\0') != (buf[0] == '\0'))
			fail_msg("%s: %s", cases[i].property, buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_met_is_zero),
		cmocka_unit_test(a_miss_shows_what_was_seen),
		cmocka_unit_test(an_unknown_value_is_open),
		cmocka_unit_test(only_what_is_expected_counts),
		cmocka_unit_test(a_miss_outweighs_what_is_open),
		cmocka_unit_test(an_interface_that_was_not_probed_is_open),
		cmocka_unit_test(nobody_answered_is_three),
		cmocka_unit_test(without_expectations_each_property_is_a_test),
		cmocka_unit_test(blocked_udp_leaves_nothing_open),
		cmocka_unit_test(odd_names_spoil_nothing),
		cmocka_unit_test(evidence_is_there_for_what_has_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
