/* report_html: every report makes a whole page, and what is in it stays text. */
#include "report_fixture.h"

#include "natprobe/report/redact.h"
#include "natprobe/html/report_html.h"
#include "natprobe/report/report_tests.h"
#include "page_law.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Freed by the caller. */
static char *page_of(const struct report *r)
{
	char *text = NULL;
	size_t len = 0, at;
	FILE *out = open_memstream(&text, &len);
	const char *fault;

	assert_non_null(out);
	assert_true(report_html(r, out));
	fclose(out);
	fault = page_fault(text, len, &at);
	if (fault != NULL)
		fail_msg("%s, at byte %zu: %.80s", fault, at, text + at);
	return text;
}

static void has(const struct report *r, const char *want)
{
	char *page = page_of(r);

	if (strstr(page, want) == NULL)
		fail_msg("no \"%s\" in:\n%s", want, page);
	free(page);
}

static void has_not(const struct report *r, const char *unwanted)
{
	char *page = page_of(r);

	if (strstr(page, unwanted) != NULL)
		fail_msg("\"%s\" in:\n%s", unwanted, page);
	free(page);
}

static unsigned count(const struct report *r, const char *what)
{
	char *page = page_of(r);
	unsigned found = 0;

	for (const char *at = strstr(page, what); at != NULL; at = strstr(at + 1, what))
		found++;
	free(page);
	return found;
}

static void every_fixture_is_a_page(void **state)
{
	static void (*const fixtures[])(struct fixture *) = {
		fixture_restrict_port, fixture_ignores_change, fixture_one_port,
		fixture_udp_blocked,   fixture_no_server,      fixture_full,
		fixture_deep,
	};
	static struct fixture f;

	for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
		fixtures[i](&f);
		has(&f.report, verdict_headline(&f.verdict));
		has(&f.report, "<h2>eth0, IPv4 ");
	}
}

static void nothing_probed_is_a_page(void **state)
{
	const struct report r = { .program = "natprobe 0", .why = "no interface is up" };

	has(&r, "<h1>Nothing was probed: no interface is up.</h1>");
}

static void what_is_known_is_shown(void **state)
{
	static struct fixture f;

	fixture_full(&f);
	has(&f.report, "<code>203.0.113.9</code>");
	has(&f.report, "DE AS3320 Example");
	has(&f.report, "<circle class=\"point serial\"");
	has(&f.report, "<title id=\"ports-0-title\">Local against mapped ports</title>");
	has(&f.report, "<title id=\"rtt-0-title\">Round trip time</title>");
	has(&f.report, "<title id=\"loss-0-title\">Loss</title>");
	has(&f.report, "<title id=\"sequence-0-title\">Sequence of the probes</title>");
	has(&f.report, "RFC 4787 REQ-8");
	has(&f.report, "TURN: filtering as a relay sees it");
	has(&f.report, "Not probed: no route leads from here to a server.");
	has(&f.report, "stun.example.net: no such name in DNS");
	has(&f.report, "&#34;program&#34;: &#34;natprobe 0&#34;");
}

static void the_path_has_what_is_on_it(void **state)
{
	static struct fixture f;

	fixture_restrict_port(&f);
	assert_int_equal(count(&f.report, "<b>NAT</b>"), 1);
	assert_int_equal(count(&f.report, "<b>One more NAT</b>"), 0);
	deep_set_number(&f.verdict.deep, DEEP_NATS, 2, 2);
	has(&f.report, "<b>One more NAT</b><span>further out</span>");
	f.verdict.cgn.value = f.verdict.nat64.value = VERDICT_YES;
	has(&f.report, "<b>NAT64</b>");
	has(&f.report, "<b>One more NAT</b><span>at the provider</span>");
	f.verdict.nat.value = VERDICT_NO;
	f.verdict.firewall.value = VERDICT_YES;
	has(&f.report, "<b>Firewall</b>");
	has_not(&f.report, "<b>One more NAT</b>");
}

static void no_text_becomes_markup(void **state)
{
	static struct fixture f;
	static const char bad[] = "</style></pre><script>alert('1')</script>\"&\x80\xff";

	fixture_full(&f);
	f.servers[1].name = f.servers[1].why = bad;
	f.verdict.servers[0].name = bad;
	f.verdict.turn.why = bad;
	f.probes[0].interface = f.probes[1].interface = f.probes[1].why = bad;
	f.tls[0].server = bad;
	snprintf(f.tls[0].why, sizeof(f.tls[0].why), "%s", bad);
	snprintf(f.verdict.geo.organisation, sizeof(f.verdict.geo.organisation), "%.40s", bad);
	snprintf(f.verdict.geo.country, sizeof(f.verdict.geo.country), "<b");
	f.servers[0].name = "</pre><script>";
	f.report.program = "<title>";
	has_not(&f.report, "<script");
	has(&f.report, "The JSON is missing"); /* it takes no broken UTF-8 */
}

static void add_rung(struct verdict_deep *d, uint8_t ladder, double waited_s, bool alive,
		     bool ended)
{
	d->rungs[d->rung_count++] = (struct deep_rung){
		.ladder = ladder, .waited_s = waited_s, .alive = alive, .ended = ended
	};
}

static void a_ladder_has_its_rungs(void **state)
{
	static struct fixture f;
	struct verdict_deep *d = &f.verdict.deep;

	fixture_restrict_port(&f);
	has_not(&f.report, "ladder-0");
	d->tried = true;
	for (int i = 0; i < 20; i++)
		add_rung(d, LADDER_TWO_WAY, 10 * pow(1.1, i), i < 8, i < 18);
	add_rung(d, LADDER_ONE_WAY, 5, true, true);
	deep_set_number(d, DEEP_LIFETIME, 20.5, 22.1);
	has(&f.report, "<title id=\"ladder-0-title\">How long mappings live</title>");
	assert_int_equal(count(&f.report, "class=\"alive\""), 9);
	assert_int_equal(count(&f.report, "class=\"dead\""), 2 * 10);
	assert_int_equal(count(&f.report, "class=\"cut\""), 2);
	assert_int_equal(count(&f.report, "class=\"range soft\""), 1);
	assert_int_equal(count(&f.report, ">A mapping lasts<"), 1);
}

static void numbers_out_of_bounds_are_drawn_at_the_border(void **state)
{
	static struct fixture f;
	struct verdict_deep *d = &f.verdict.deep;

	fixture_full(&f);
	d->tried = true;
	add_rung(d, LADDER_ONE_WAY, NAN, true, true);
	add_rung(d, LADDER_ONE_WAY, INFINITY, true, true);
	add_rung(d, LADDER_ONE_WAY, -1e300, true, true);
	deep_set_number(d, DEEP_LIFETIME_ONE_WAY, 0, INFINITY);
	f.verdict.rtt_min_us = 1;
	f.verdict.rtt_max_us = INT64_MAX;
	f.verdict.loss.high = 1e300;
	has_not(&f.report, "nan\"");
	has_not(&f.report, "inf\"");
}

static void a_redacted_page_tells_no_address(void **state)
{
	static struct fixture f;
	struct redacted *d;

	fixture_full(&f);
	f.verdict.mapped = addr_ipv4(84, 20, 3, 2, 40000);
	d = redact_new(&f.report);
	assert_non_null(d);
	has_not(redact_report(d), "84.20.3.2");
	redact_free(d);
}

static void expectations_are_listed(void **state)
{
	static struct fixture f;
	struct report_tests tests;
	struct expect expect = { 0 };
	struct expect_error err;

	fixture_restrict_port(&f);
	assert_true(expect_parse(bytes_of_str("mapping = none\nnat = yes\n"), &expect, &err));
	assert_true(report_tests_make(&f.report, &expect, "<home>.conf", &tests));
	f.report.expectations = &tests;
	has(&f.report, "&#60;home&#62;.conf: 1 met, 1 missed, 0 open.");
	has(&f.report, "<span class=\"badge bad\">missed</span>");
	report_tests_clear(&tests);
	expect_free(&expect);
}

static void the_law_is_one(void **state)
{
	static const struct {
		const char *why, *page;
	} cases[] = {
		{ "no page", "<html></html>" },
		{ "a script", "<!DOCTYPE html>\n<html><script></script></html>" },
		{ "a handler", "<!DOCTYPE html>\n<html onload=\"x\"></html>" },
		{ "a link", "<!DOCTYPE html>\n<html><a href=\"http://x\"></a></html>" },
		{ "an image", "<!DOCTYPE html>\n<html><img src=\"x\"/></html>" },
		{ "left open", "<!DOCTYPE html>\n<html><p></html>" },
		{ "never ended", "<!DOCTYPE html>\n<html><p>" },
		{ "a letter", "<!DOCTYPE html>\n<html>&amp</html>" },
		{ "another", "<!DOCTYPE html>\n<html>a > b</html>" },
		{ "a sheet", "<!DOCTYPE html>\n<html><style>a{background:url(x)}</style></html>" },
		{ "no quotes", "<!DOCTYPE html>\n<html lang=en></html>" },
		{ "bytes", "<!DOCTYPE html>\n<html>\xff</html>" },
		{ "behind it", "<!DOCTYPE html>\n<html></html>x" },
	};
	size_t at;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (page_fault(cases[i].page, strlen(cases[i].page), &at) == NULL)
			fail_msg("%s: accepted", cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture_is_a_page),
		cmocka_unit_test(nothing_probed_is_a_page),
		cmocka_unit_test(what_is_known_is_shown),
		cmocka_unit_test(the_path_has_what_is_on_it),
		cmocka_unit_test(no_text_becomes_markup),
		cmocka_unit_test(a_ladder_has_its_rungs),
		cmocka_unit_test(numbers_out_of_bounds_are_drawn_at_the_border),
		cmocka_unit_test(a_redacted_page_tells_no_address),
		cmocka_unit_test(expectations_are_listed),
		cmocka_unit_test(the_law_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
