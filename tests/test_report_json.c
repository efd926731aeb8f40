/* report_json: the document that machines read, and the exit code beside it. */
#include "natprobe/report/report_json.h"

#include "report_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

/* Prints and reads back; freed with json_decref. */
static json_t *document(const struct report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_error_t err;
	json_t *doc;

	assert_non_null(out);
	assert_true(report_json(r, out));
	fclose(out);
	assert_true(len > 0 && text[len - 1] == '\n');
	doc = json_loads(text, JSON_REJECT_DUPLICATES, &err);
	if (doc == NULL)
		fail_msg("line %d: %s", err.line, err.text);
	free(text);
	return doc;
}

/* "interfaces.0.nat.value" */
static const json_t *at(const json_t *doc, const char *path)
{
	while (*path != '\0') {
		char key[64];
		size_t len = strcspn(path, ".");

		assert_true(len < sizeof(key));
		memcpy(key, path, len);
		key[len] = '\0';
		doc = json_is_array(doc) ? json_array_get(doc, strtoul(key, NULL, 10))
					 : json_object_get(doc, key);
		if (doc == NULL)
			fail_msg("nothing at %s", path);
		path += len + (path[len] == '.');
	}
	return doc;
}

static void expect_text(const json_t *doc, const char *path, const char *want)
{
	const json_t *got = at(doc, path);

	if (want == NULL && !json_is_null(got))
		fail_msg("%s: not null", path);
	if (want != NULL && !json_is_string(got))
		fail_msg("%s: not a string", path);
	if (want != NULL && strcmp(json_string_value(got), want) != 0)
		fail_msg("%s: %s, not %s", path, json_string_value(got), want);
}

static void expect_integer(const json_t *doc, const char *path, json_int_t want)
{
	const json_t *got = at(doc, path);

	if (!json_is_integer(got) || json_integer_value(got) != want)
		fail_msg("%s: not %d", path, (int)want);
}

static void a_reached_verdict_has_no_reasons(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_restrict_port(&f);
	doc = document(&f.report);
	expect_integer(doc, "version", REPORT_JSON_VERSION);
	expect_text(doc, "command", "check");
	expect_text(doc, "outcome", "reached");
	expect_integer(doc, "exit_code", 0);
	expect_text(doc, "interfaces.0.interface", "eth0");
	expect_text(doc, "interfaces.0.family", "ipv4");
	expect_text(doc, "interfaces.0.outcome", "reached");
	expect_text(doc, "interfaces.0.local", "10.0.0.2:40001");
	expect_text(doc, "interfaces.0.mapped", "203.0.113.9:40001");
	expect_text(doc, "interfaces.0.nat.value", "yes");
	expect_text(doc, "interfaces.0.nat.reason", NULL);
	expect_text(doc, "interfaces.0.firewall.value", "no");
	expect_text(doc, "interfaces.0.udp_blocked.value", "no");
	expect_text(doc, "interfaces.0.mapping.value", "endpoint-independent");
	expect_text(doc, "interfaces.0.mapping.reason", NULL);
	expect_text(doc, "interfaces.0.filtering.value", "address-and-port-dependent");
	expect_text(doc, "interfaces.0.filtering.server", "stun.example.org");
	expect_text(doc, "interfaces.0.legacy.p2pd", "restrict port");
	expect_text(doc, "interfaces.0.legacy.rfc3489", "Port Restricted Cone");
	expect_text(doc, "interfaces.0.prospect", "punch");
	json_decref(doc);
}

static void evidence_stands_beside_each_property(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_restrict_port(&f);
	doc = document(&f.report);
	assert_int_equal(json_array_size(at(doc, "interfaces.0.mapping.evidence")), 4);
	expect_text(doc, "interfaces.0.mapping.evidence.3.endpoint", "192.0.2.2:3479");
	expect_text(doc, "interfaces.0.mapping.evidence.3.mapped", "203.0.113.9:40001");
	assert_int_equal(json_array_size(at(doc, "interfaces.0.filtering.evidence")), 4);
	expect_text(doc, "interfaces.0.filtering.evidence.0.probe", "control");
	expect_integer(doc, "interfaces.0.filtering.evidence.0.answered", 6);
	expect_text(doc, "interfaces.0.filtering.evidence.3.probe", "change-both");
	expect_text(doc, "interfaces.0.filtering.evidence.3.source", "192.0.2.2:3479");
	expect_integer(doc, "interfaces.0.filtering.evidence.3.answered", 0);
	expect_text(doc, "interfaces.0.asked.0.other_address", "192.0.2.2:3479");
	assert_true(json_real_value(at(doc, "interfaces.0.asked.0.rtt_ms")) > 12.3);
	assert_true(json_real_value(at(doc, "interfaces.0.filtering.error_chance")) < 1e-7);
	json_decref(doc);
}

static void a_value_with_a_limit_has_its_reason_too(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_one_port(&f);
	doc = document(&f.report);
	expect_text(doc, "outcome", "reached");
	expect_text(doc, "interfaces.0.mapping.value", "endpoint-independent");
	expect_text(doc, "interfaces.0.mapping.reason", "one-port");
	expect_text(doc, "interfaces.0.mapping.possible.1", "port-dependent");
	json_decref(doc);
}

static void all_that_was_measured_is_there(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_full(&f);
	doc = document(&f.report);
	expect_text(doc, "interfaces.0.mapping_tcp.reason", "tcp-silent");
	expect_text(doc, "interfaces.0.ports.delta.value", "independent");
	expect_integer(doc, "interfaces.0.ports.delta.step", -2);
	expect_text(doc, "interfaces.0.ports.delta.possible.1", "random");
	expect_integer(doc, "interfaces.0.ports.samples.2.local_port", 50002);
	expect_text(doc, "interfaces.0.ports.samples.1.mapped", NULL);
	expect_text(doc, "interfaces.0.prediction.base", "last-port");
	expect_integer(doc, "interfaces.0.prediction.candidates.1.offset", -4);
	expect_text(doc, "interfaces.0.pooling.externals.1", "203.0.113.10");
	expect_text(doc, "interfaces.0.hairpin.possible.1", "internal-source");
	expect_text(doc, "interfaces.0.hairpin.source", "10.0.0.2:40055");
	expect_text(doc, "interfaces.0.gateway", "10.0.0.1");
	expect_text(doc, "interfaces.0.nat_pmp.external", "100.64.3.4");
	expect_integer(doc, "interfaces.0.upnp.result", 402);
	expect_text(doc, "interfaces.0.cgn.hints.1", "local-ds-lite-address");
	expect_integer(doc, "interfaces.0.rate_limit.per_s", 40);
	expect_text(doc, "interfaces.0.geo.organisation", "Example");
	expect_text(doc, "interfaces.0.plan.class", "port-filtered");
	assert_true(json_real_value(at(doc, "interfaces.0.loss_share.high")) == 0.187);
	assert_true(json_real_value(at(doc, "interfaces.0.confidence.reached")) == 0.99931);
	json_decref(doc);
}

/* By its name, since names have dots in them. */
static const json_t *property_of(const json_t *doc, const char *name)
{
	const json_t *p = json_object_get(at(doc, "interfaces.0.properties"), name);

	if (p == NULL)
		fail_msg("no property %s", name);
	return p;
}

static void properties_stand_under_the_names_of_expectations(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_full(&f);
	doc = document(&f.report);
	expect_text(property_of(doc, "mapping"), "value", "endpoint-independent");
	expect_text(property_of(doc, "hairpin"), "value", "unknown");
	expect_text(property_of(doc, "hairpin"), "reason", "host-hides");
	expect_integer(property_of(doc, "delta.value"), "value", -2);
	expect_text(property_of(doc, "rtt"), "unit", "ms");
	assert_true(json_real_value(at(property_of(doc, "rtt"), "low")) == 12.34);
	json_decref(doc);
}

/* A name from a database, cut within a letter. */
static void text_that_is_no_utf8_does_not_spoil_the_document(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_full(&f);
	memcpy(f.verdict.geo.organisation, "T\xc3", 3);
	doc = document(&f.report);
	expect_text(doc, "interfaces.0.geo.organisation", "T?");
	json_decref(doc);
}

static void unknown_has_its_reason_and_what_is_possible(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_ignores_change(&f);
	doc = document(&f.report);
	expect_text(doc, "outcome", "inconclusive");
	expect_integer(doc, "exit_code", 4);
	expect_text(doc, "interfaces.0.filtering.value", "unknown");
	expect_text(doc, "interfaces.0.filtering.reason", "ignores-change-request");
	assert_true(json_string_length(at(doc, "interfaces.0.filtering.reason_text")) > 10);
	expect_text(doc, "interfaces.0.filtering.possible.0", "endpoint-independent");
	expect_text(doc, "interfaces.0.filtering.possible.1", "address-dependent");
	expect_text(doc, "interfaces.0.findings.0.finding", "ignores-change-request");
	expect_text(doc, "interfaces.0.findings.0.server", "stun.example.org");
	expect_text(doc, "interfaces.0.findings.0.where", "192.0.2.1:3478");
	json_decref(doc);
}

static void udp_blocked_is_a_verdict(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_udp_blocked(&f);
	doc = document(&f.report);
	expect_text(doc, "outcome", "reached");
	expect_text(doc, "interfaces.0.udp_blocked.value", "yes");
	expect_text(doc, "interfaces.0.nat.value", "yes");
	expect_text(doc, "interfaces.0.firewall.reason", "udp-blocked");
	expect_text(doc, "interfaces.0.mapping.value", "unknown");
	expect_text(doc, "interfaces.0.mapping.reason", "udp-blocked");
	expect_text(doc, "interfaces.0.filtering.reason", "udp-blocked");
	expect_text(doc, "interfaces.0.local", "10.0.0.2:40001");
	expect_text(doc, "interfaces.0.mapped", NULL);
	expect_text(doc, "interfaces.0.local_tcp", "10.0.0.2:40017");
	expect_text(doc, "interfaces.0.mapped_tcp", "203.0.113.9:40017");
	expect_text(doc, "interfaces.0.rtt_ms", NULL);
	expect_integer(doc, "interfaces.0.asked.0.tcp.answered", 1);
	expect_text(doc, "interfaces.0.asked.0.tcp.local", "10.0.0.2:40017");
	expect_text(doc, "interfaces.0.asked.0.tcp.mapped", "203.0.113.9:40017");
	json_decref(doc);
}

static void what_was_not_probed_says_why(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_restrict_port(&f);
	fixture_add_unprobed(&f);
	doc = document(&f.report);
	expect_text(doc, "outcome", "reached");
	expect_text(doc, "servers.1.error", "no such name in DNS");
	expect_text(doc, "servers.1.ipv4", NULL);
	expect_text(doc, "servers.0.ipv4.udp", "192.0.2.1:3478");
	expect_text(doc, "servers.0.ipv4.tcp", "192.0.2.1:3478");
	expect_text(doc, "interfaces.1.outcome", "no-server");
	expect_text(doc, "interfaces.1.why_not", "no route leads from here to a server");
	expect_text(doc, "interfaces.1.local", NULL);
	assert_false(json_boolean_value(at(doc, "interfaces.1.probed")));
	json_decref(doc);
}

static void tls_is_told_apart_from_the_verdict(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_restrict_port(&f);
	fixture_add_tls(&f);
	doc = document(&f.report);
	expect_text(doc, "interfaces.0.tls.0.server", "stuns:stun.example.org");
	expect_text(doc, "interfaces.0.tls.0.mapped", "203.0.113.9:50000");
	assert_true(json_boolean_value(at(doc, "interfaces.0.tls.0.handshaken")));
	assert_false(json_boolean_value(at(doc, "interfaces.0.tls.0.verified")));
	json_decref(doc);
}

static void nothing_at_all_is_still_a_document(void **state)
{
	struct report r = { .program = "natprobe 0", .why = "no interface is up" };
	json_t *doc = document(&r);

	expect_text(doc, "outcome", "no-server");
	expect_text(doc, "why", "no interface is up");
	assert_int_equal(json_array_size(at(doc, "interfaces")), 0);
	json_decref(doc);
}

static void odd_names_do_not_spoil_the_document(void **state)
{
	struct fixture f;
	json_t *doc;

	fixture_restrict_port(&f);
	f.probes[0].interface = "e\xff\x1b[1m";
	doc = document(&f.report);
	expect_text(doc, "interfaces.0.interface", "e??[1m");
	json_decref(doc);
}

static void a_full_disk_is_told(void **state)
{
	struct fixture f;
	FILE *out = fopen("/dev/full", "w");

	if (out == NULL)
		skip();
	fixture_restrict_port(&f);
	assert_false(report_json(&f.report, out));
	fclose(out);
}

static void exit_codes_combine(void **state)
{
	struct fixture f;

	fixture_restrict_port(&f);
	assert_int_equal(report_exit(&f.report), EXIT_REACHED);
	fixture_add_unprobed(&f);
	assert_int_equal(report_exit(&f.report), EXIT_REACHED);

	fixture_ignores_change(&f);
	assert_int_equal(report_exit(&f.report), EXIT_INCONCLUSIVE);

	fixture_no_server(&f);
	assert_int_equal(report_exit(&f.report), EXIT_NO_SERVER);
	/* Cut short: the core cannot know that nobody would have answered, but nobody did. */
	f.verdict.nat.cause = CAUSE_TIMEOUT;
	assert_int_equal(report_exit(&f.report), EXIT_NO_SERVER);
	fixture_add_unprobed(&f);
	assert_int_equal(report_exit(&f.report), EXIT_NO_SERVER);
	/* Answers came, but from the wrong source: somebody is there. */
	f.verdict.udp_blocked.value = VERDICT_NO;
	f.verdict.nat.cause = CAUSE_WRONG_SOURCE;
	assert_int_equal(report_exit(&f.report), EXIT_INCONCLUSIVE);
	fixture_no_server(&f);
	/* TLS is TCP: somebody answered, and UDP is as unknown as before. */
	fixture_add_tls(&f);
	assert_int_equal(report_exit(&f.report), EXIT_INCONCLUSIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reached_verdict_has_no_reasons),
		cmocka_unit_test(evidence_stands_beside_each_property),
		cmocka_unit_test(a_value_with_a_limit_has_its_reason_too),
		cmocka_unit_test(all_that_was_measured_is_there),
		cmocka_unit_test(properties_stand_under_the_names_of_expectations),
		cmocka_unit_test(text_that_is_no_utf8_does_not_spoil_the_document),
		cmocka_unit_test(unknown_has_its_reason_and_what_is_possible),
		cmocka_unit_test(udp_blocked_is_a_verdict),
		cmocka_unit_test(what_was_not_probed_says_why),
		cmocka_unit_test(tls_is_told_apart_from_the_verdict),
		cmocka_unit_test(nothing_at_all_is_still_a_document),
		cmocka_unit_test(odd_names_do_not_spoil_the_document),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(exit_codes_combine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
