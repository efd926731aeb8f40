/* redact: a report that may be shown to strangers. */
#include "natprobe/report/redact.h"
#include "natprobe/report/report_json.h"
#include "natprobe/report/report_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report_fixture.h"

/* Everything that is ever printed of a report, as JSON and as text. Freed with free. */
static char *print_all(const struct report *r)
{
	static const struct report_style style = { .verbose = true, .explain = true };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	report_text(r, &style, out);
	assert_true(report_json(r, out));
	fclose(out);
	return text;
}

static void no_public_address_is_left(void **state)
{
	struct fixture f;
	struct redacted *d;
	char *before, *after;

	fixture_full(&f);
	f.servers[0].name = f.verdict.servers[0].name = "stun:198.51.100.7:3478";
	before = print_all(&f.report);
	assert_non_null(strstr(before, "203.0.113."));
	assert_non_null(strstr(before, "198.51.100.7"));
	d = redact_new(&f.report);
	assert_non_null(d);
	after = print_all(redact_report(d));
	if (strstr(after, "203.0.113.") != NULL || strstr(after, "198.51.100.") != NULL)
		fail_msg("an address is left in:\n%s", after);
	assert_non_null(strstr(after, "10.0.0.2:40001")); /* everybody has that */
	assert_non_null(strstr(after, ":40009"));         /* ports stay */
	free(before);
	free(after);
	redact_free(d);
}

static void routers_of_a_deeper_look_are_masked(void **state)
{
	struct fixture f;
	struct redacted *d;
	const struct verdict_deep *v;

	fixture_deep(&f);
	f.verdict.deep.hops[0].router = addr_ipv4(203, 0, 113, 77, 0);
	d = redact_new(&f.report);
	assert_non_null(d);
	v = &redact_report(d)->probes[0].verdict->deep;
	assert_int_not_equal(v->hops[0].router.ip[3], 77);
	assert_int_equal(v->hop_count, 2);
	assert_true(addr_equal(&v->hops[0].inside, &f.verdict.deep.hops[0].inside)); /* private */
	redact_free(d);
}

static void what_was_equal_stays_equal(void **state)
{
	struct fixture f;
	struct redacted *d;
	const struct verdict *v;

	fixture_full(&f);
	d = redact_new(&f.report);
	assert_non_null(d);
	v = redact_report(d)->probes[0].verdict;
	assert_true(addr_equal_ip(&v->mapped, &v->samples[0].mapped));
	assert_true(addr_equal_ip(&v->mapped, &v->pooling.externals[0]));
	assert_false(addr_equal_ip(&v->mapped, &v->pooling.externals[1]));
	assert_int_equal(v->mapped.port, f.verdict.mapped.port);
	assert_true(addr_equal_ip(&f.verdict.mapped, &f.verdict.pooling.externals[0]));
	redact_free(d);
}

static void ipv6_is_masked_whatever_it_is(void **state)
{
	struct fixture f;
	struct redacted *d;
	struct addr own;

	fixture_restrict_port(&f);
	assert_true(addr_parse("[fe80::211:22ff:fe33:4455%3]:40001", 0, &own));
	f.verdict.local = own;
	d = redact_new(&f.report);
	assert_non_null(d);
	assert_false(addr_equal_ip(&redact_report(d)->probes[0].verdict->local, &own));
	assert_int_equal(redact_report(d)->probes[0].verdict->local.port, 40001);
	redact_free(d);
}

static void more_addresses_than_masks_end_well(void **state)
{
	struct redacted *d;
	struct fixture f;
	static struct report_tls tls[600];

	fixture_restrict_port(&f);
	for (size_t i = 0; i < 600; i++)
		tls[i] = (struct report_tls){
			.server = "x", .to = addr_ipv4(198, 18, (uint8_t)(i >> 8), (uint8_t)i, 443)
		};
	f.probes[0].tls = tls;
	f.probes[0].tls_count = 600;
	d = redact_new(&f.report);
	assert_non_null(d);
	for (size_t i = 0; i < 600; i++)
		assert_int_equal(redact_report(d)->probes[0].tls[i].to.ip[0], 192);
	redact_free(d);
	redact_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_public_address_is_left),
		cmocka_unit_test(routers_of_a_deeper_look_are_masked),
		cmocka_unit_test(what_was_equal_stays_equal),
		cmocka_unit_test(ipv6_is_masked_whatever_it_is),
		cmocka_unit_test(more_addresses_than_masks_end_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
