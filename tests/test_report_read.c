/* report_read: what report_json prints is read back whole; anything else is refused or harmless. */
#include "report_fixture.h"

#include "natprobe/report/report_json.h"
#include "natprobe/report/report_read.h"
#include "natprobe/report/report_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Freed by the caller. */
static char *print(const struct report *r, bool as_json)
{
	const struct report_style style = { .verbose = true };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (as_json)
		assert_true(report_json(r, out));
	else
		report_text(r, &style, out);
	fclose(out);
	return text;
}

static struct report_document *read_text(const char *text)
{
	struct report_read_error err;
	struct report_document *d = report_read(bytes_of_str(text), &err);

	if (d == NULL)
		fail_msg("%s", err.text);
	return d;
}

/* The same JSON and the same text again. */
static void comes_back(const struct report *r)
{
	char *json = print(r, true);
	char *text = print(r, false);
	struct report_document *d = read_text(json);
	char *json_again = print(report_document_report(d), true);
	char *text_again = print(report_document_report(d), false);

	assert_string_equal(json_again, json);
	assert_string_equal(text_again, text);
	report_document_free(d);
	free(json);
	free(text);
	free(json_again);
	free(text_again);
}

static void every_report_comes_back(void **state)
{
	static void (*const makers[])(struct fixture *) = {
		fixture_restrict_port, fixture_one_port,  fixture_ignores_change,
		fixture_udp_blocked,   fixture_no_server, fixture_full,
		fixture_deep,
	};
	struct report nothing = { .program = "natprobe 0", .why = "no interface is up" };

	for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
		struct fixture f;

		makers[i](&f);
		comes_back(&f.report);
		fixture_add_unprobed(&f);
		fixture_add_tls(&f);
		comes_back(&f.report);
	}
	comes_back(&nothing);
}

/* Not only what is printed: the numbers behind it. */
static void numbers_come_back_exactly(void **state)
{
	struct fixture f;
	struct report_document *d;
	const struct verdict *v;
	char *json;

	fixture_full(&f);
	json = print(&f.report, true);
	d = read_text(json);
	v = report_document_report(d)->probes[0].verdict;
	assert_int_equal(v->rtt_min_us, 12340);
	assert_int_equal(v->samples[2].sent_us, 120002);
	assert_int_equal(v->samples[1].mapped.family, ADDR_NONE);
	assert_int_equal(v->ports.value, -2);
	assert_int_equal(v->ports.possible, f.verdict.ports.possible);
	assert_int_equal(v->prediction.candidates[1].offset, -4);
	assert_true(v->prediction.candidates[1].chance == 0.0625);
	assert_int_equal(v->hairpin.possible, f.verdict.hairpin.possible);
	assert_int_equal(v->cgn_hints, f.verdict.cgn_hints);
	assert_int_equal(v->filter[FILTER_BOTH].source.port, 3479);
	assert_int_equal(v->stray, 70000);
	assert_int_equal(v->sightings[2].server, VERDICT_NO_SERVER_INDEX);
	assert_string_equal(v->geo.organisation, "Example");
	assert_true(v->confidence == 0.99931);
	report_document_free(d);
	free(json);
}

static void an_older_document_is_read(void **state)
{
	struct report_document *d = read_text(
		"{\"version\":1,\"program\":\"natprobe 0.1.0\",\"interfaces\":[{"
		"\"interface\":\"eth0\",\"family\":\"ipv4\",\"probed\":true,"
		"\"nat\":{\"value\":\"yes\",\"reason\":null}, \"novelty\": {\"x\": [1]}}]}");
	const struct report *r = report_document_report(d);

	assert_int_equal(r->probe_count, 1);
	assert_int_equal(r->probes[0].verdict->nat.value, VERDICT_YES);
	assert_int_equal(r->probes[0].verdict->hairpin.value, HAIRPIN_UNKNOWN);
	report_document_free(d);
}

#define ONE(members)                                                               \
	"{\"version\":1,\"interfaces\":[{\"interface\":\"e\",\"family\":\"ipv4\"," \
	"\"probed\":true," members "}]}"

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *json, *says;
	} cases[] = {
		{ "", "line" },
		{ "{", "line 1" },
		{ "[]", "no report of natprobe" },
		{ "{}", "no report of natprobe" },
		{ ONE("\"deep\":[]"), "deep" },
		{ ONE("\"deep\":{\"values\":{\"lifetime\":{\"state\":\"often\"}}}"), "state" },
		{ ONE("\"deep\":{\"values\":{\"lifetime\":{\"state\":\"number\"}}}"), "low" },
		{ ONE("\"deep\":{\"values\":{\"lifetime\":{\"state\":\"number\",\"low\":2,"
		      "\"high\":1}}}"),
		  "lifetime" },
		{ ONE("\"deep\":{\"values\":{\"alg\":{\"state\":\"number\",\"low\":1}}}"), "alg" },
		{ ONE("\"deep\":{\"values\":{\"alg\":{\"state\":\"word\",\"word\":\"may-be\"}}}"),
		  "alg" },
		{ ONE("\"deep\":{\"values\":{\"lifetime\":{\"state\":\"word\",\"word\":\"no\"}}}"),
		  "lifetime" },
		{ ONE("\"deep\":{\"rungs\":[{\"ladder\":\"up\",\"waited_s\":1}]}"), "ladder" },
		{ ONE("\"deep\":{\"rungs\":[{\"ladder\":\"one-way\",\"waited_s\":-1}]}"),
		  "waited_s" },
		{ "{\"version\":1}", "no report of natprobe" },
		{ "{\"version\":2,\"interfaces\":[]}", "newer" },
		{ "{\"version\":0,\"interfaces\":[]}", "\"version\"" },
		{ "{\"version\":\"1\",\"interfaces\":[]}", "\"version\"" },
		{ "{\"version\":1,\"interfaces\":{}}", "\"interfaces\" is no array" },
		{ "{\"version\":1,\"interfaces\":[7]}", "interfaces[0]" },
		{ "{\"version\":1,\"interfaces\":[{\"interface\":\"e\"}]}", "ipv4 nor ipv6" },
		{ "{\"version\":1,\"interfaces\":[],\"elapsed_ms\":-1}", "elapsed_ms" },
		{ "{\"version\":1,\"interfaces\":[],\"interfaces\":[]}", "duplicate" },
		{ ONE("\"nat\":{\"value\":\"perhaps\"}"), "interfaces[0]: \"value\" is no word" },
		{ ONE("\"nat\":{\"value\":7}"), "\"value\" is no word" },
		{ ONE("\"nat\":\"yes\""), "\"nat\" is no object" },
		{ ONE("\"mapped\":\"example.org\""), "\"mapped\" is no address" },
		{ ONE("\"mapped\":4"), "\"mapped\" is no text" },
		{ ONE("\"gateway\":\"10.0.0.1:80\""), "\"gateway\" is no address" },
		{ ONE("\"asked\":[{},{},{},{},{},{},{}]"), "too many" },
		{ ONE("\"datagrams\":{\"sent\":65536}"), "\"sent\"" },
		{ ONE("\"datagrams\":{\"sent\":1.5}"), "\"sent\"" },
		{ ONE("\"rtt_ms\":{\"min\":-1}"), "\"min\"" },
		{ ONE("\"rtt_ms\":{\"min\":1e300}"), "\"min\"" },
		{ ONE("\"rtt_ms\":{\"min\":5,\"max\":4}"), "before it begins" },
		{ ONE("\"loss_share\":{\"low\":0.5,\"high\":0.4}"), "before it begins" },
		{ ONE("\"loss_share\":{\"low\":0,\"high\":1.1}"), "\"high\"" },
		{ ONE("\"prediction\":{\"base\":\"moon\"}"), "local-port" },
		{ ONE("\"ports\":{\"delta\":{\"step\":70000}}"), "\"step\"" },
		{ ONE("\"pooling\":{\"externals\":[1]}"), "\"externals\"" },
		{ ONE("\"hairpin\":{\"possible\":[\"yes\"]}"), "\"possible\"" },
		{ ONE("\"geo\":{\"country\":\"Germany\"}"), "\"country\"" },
		{ ONE("\"tls\":[{}]"), "names no server" },
		{ "{\"version\":1,\"interfaces\":[\"\x1b[31m\"]}", "line 1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct report_read_error err;
		struct report_document *d = report_read(bytes_of_str(cases[i].json), &err);

		if (d != NULL)
			fail_msg("taken: %s", cases[i].json);
		if (strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].json, err.text);
		for (const char *p = err.text; *p != '\0'; p++)
			assert_true(*p >= ' ' && *p < 0x7f);
	}
}

static void text_is_made_safe(void **state)
{
	struct report_document *d = read_text(
		"{\"version\":1,\"program\":\"n\\u001b[31m\\u009b\",\"why\":\"\\u00e4\","
		"\"interfaces\":[{\"interface\":\"e\\u0007\",\"family\":\"ipv6\",\"probed\":false,"
		"\"why_not\":\"x\\ny\"}]}");
	const struct report *r = report_document_report(d);

	assert_string_equal(r->program, "n?[31m??");
	assert_string_equal(r->why, "\xc3\xa4");
	assert_string_equal(r->probes[0].interface, "e?");
	assert_string_equal(r->probes[0].why, "x?y");
	report_document_free(d);
}

static void there_are_limits(void **state)
{
	struct report_read_error err;
	char *big = calloc(1, REPORT_READ_BYTES_MAX + 1);

	assert_non_null(big);
	memset(big, '[', REPORT_READ_BYTES_MAX + 1);
	assert_null(report_read(bytes_of(big, REPORT_READ_BYTES_MAX + 1), &err));
	assert_non_null(strstr(err.text, "4 MiB"));
	assert_null(report_read(bytes_of(big, REPORT_READ_BYTES_MAX), &err));
	free(big);
	report_document_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_report_comes_back),
		cmocka_unit_test(numbers_come_back_exactly),
		cmocka_unit_test(an_older_document_is_read),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(text_is_made_safe),
		cmocka_unit_test(there_are_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
