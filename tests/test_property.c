/* property: every value of a verdict has a name, a word, and a cause where it is unknown. */
#include "natprobe/report/property.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

static struct property_value get(const char *name, const struct verdict *v)
{
	const struct property *p = property_find(name);
	struct property_value out;

	if (p == NULL)
		fail_msg("no property %s", name);
	memset(&out, 0xa5, sizeof(out));
	property_get(p, v, &out);
	return out;
}

static void expect_text(const char *name, const struct verdict *v, const char *want)
{
	struct property_value got = get(name, v);

	if (strcmp(got.text, want) != 0)
		fail_msg("%s is %s, not %s", name, got.text, want);
	assert_int_equal(got.known, strcmp(want, "unknown") != 0);
}

static void names_are_found_and_differ(void **state)
{
	for (size_t i = 0; i < property_count; i++) {
		const struct property *p = &property_table[i];

		assert_ptr_equal(property_find(p->name), p);
		assert_ptr_equal(property_nearest(p->name), p);
		assert_true(strlen(p->name) < PROPERTY_NAME_MAX);
		assert_true(p->title[0] != '\0');
		assert_int_equal(p->words != NULL, p->kind == PROPERTY_WORD);
	}
	assert_int_equal(property_count, 29 + DEEP_PROPERTIES);
	assert_null(property_find("Mapping"));
	assert_null(property_find(""));
}

static void a_misspelt_name_finds_its_neighbour(void **state)
{
	static const struct {
		const char *wrong, *right;
	} cases[] = {
		{ "maping", "mapping" },
		{ "delta", "delta.type" },
		{ "udp_blocked", "udp-blocked" },
		{ "natpmp", "nat-pmp" },
		{ "hairpinning", "hairpin" },
		{ "mapping-tcp", "mapping.tcp" },
		{ "captiveportal", "captive-portal" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (strcmp(property_nearest(cases[i].wrong)->name, cases[i].right) != 0)
			fail_msg("%s: %s", cases[i].wrong, property_nearest(cases[i].wrong)->name);
	}
	assert_non_null(property_nearest("an unreasonably long name, longer than all of them"));
}

static void nothing_known_is_unknown_with_a_cause(void **state)
{
	struct verdict v = { 0 };

	for (size_t i = 0; i < property_count; i++) {
		struct property_value got;

		memset(&got, 0xa5, sizeof(got));
		property_get(&property_table[i], &v, &got);
		if (got.known || strcmp(got.text, "unknown") != 0 || got.cause == CAUSE_NONE)
			fail_msg("%s: %s", property_table[i].name, got.text);
	}
}

/* A document may say "mixed" of anything. */
static void no_property_has_a_word_that_is_none_of_its_own(void **state)
{
	const struct verdict_yes_no mixed = { .value = VERDICT_MIXED };
	const struct verdict v = { .nat = mixed,
				   .firewall = mixed,
				   .upnp.present = mixed,
				   .ports = { .delta = DELTA_EQUAL, .parity = mixed } };

	expect_text("nat", &v, "mixed");
	expect_text("firewall", &v, "unknown");
	expect_text("upnp", &v, "unknown");
	expect_text("parity", &v, "unknown");
}

static void words_are_those_of_the_verdict(void **state)
{
	struct verdict v = { 0 };

	for (unsigned b = BEHAVIOUR_NONE; b < BEHAVIOURS; b++) {
		v.mapping.value = v.mapping_tcp.value = (uint8_t)b;
		expect_text("mapping", &v, verdict_behaviour_word((enum verdict_behaviour)b));
		expect_text("mapping.tcp", &v, verdict_behaviour_word((enum verdict_behaviour)b));
		v.filtering.value = (uint8_t)b;
		if (b != BEHAVIOUR_NONE)
			expect_text("filtering", &v,
				    verdict_behaviour_word((enum verdict_behaviour)b));
	}
	for (unsigned d = DELTA_NOT_APPLICABLE; d < DELTAS; d++) {
		v.ports.delta = (uint8_t)d;
		expect_text("delta.type", &v, verdict_delta_word((enum verdict_delta)d));
	}
	for (unsigned p = POOLING_NOT_APPLICABLE; p < POOLINGS; p++) {
		v.pooling.value = (uint8_t)p;
		expect_text("pooling", &v, verdict_pooling_word((enum verdict_pooling)p));
	}
	for (unsigned h = HAIRPIN_NOT_APPLICABLE; h < HAIRPINS; h++) {
		v.hairpin.value = (uint8_t)h;
		expect_text("hairpin", &v, verdict_hairpin_word((enum verdict_hairpin)h));
	}
	for (unsigned a = VERDICT_NO; a <= VERDICT_MIXED; a++) {
		v.nat.value = v.udp_blocked.value = (uint8_t)a;
		expect_text("nat", &v, verdict_answer_word((enum verdict_answer)a));
		expect_text("udp-blocked", &v, verdict_answer_word((enum verdict_answer)a));
	}
	for (unsigned a = VERDICT_NO; a <= VERDICT_YES; a++) {
		v.upnp.present.value = v.cgn.value = (uint8_t)a;
		expect_text("upnp", &v, verdict_answer_word((enum verdict_answer)a));
		expect_text("cgn", &v, verdict_answer_word((enum verdict_answer)a));
	}
}

static void a_value_out_of_range_is_unknown(void **state)
{
	struct verdict v = { .mapping.value = 200, .ports.delta = 99, .nat.value = 77 };

	v.nat.cause = 250;
	expect_text("mapping", &v, "unknown");
	expect_text("delta.type", &v, "unknown");
	expect_text("nat", &v, "unknown");
	assert_true(get("nat", &v).cause < CAUSES);
}

static void without_nat_ports_do_not_apply(void **state)
{
	struct verdict v = { .ports.delta = DELTA_NOT_APPLICABLE };

	expect_text("delta.value", &v, "none");
	expect_text("delta.preserved", &v, "none");
	expect_text("ports.low", &v, "none");
	expect_text("parity", &v, "not-applicable");
	expect_text("contiguity", &v, "not-applicable");
	assert_false(get("delta.value", &v).applies);
}

static void steps_are_signed(void **state)
{
	struct verdict v = { .ports = { .delta = DELTA_INDEPENDENT, .value = -2 } };

	expect_text("delta.value", &v, "-2");
	assert_int_equal(get("delta.value", &v).integer, -2);
	v.ports.delta = DELTA_EQUAL;
	expect_text("delta.value", &v, "none");
	v.ports.delta = DELTA_UNKNOWN;
	v.ports.cause = CAUSE_RATE_LIMIT;
	expect_text("delta.value", &v, "unknown");
	assert_int_equal(get("delta.value", &v).cause, CAUSE_RATE_LIMIT);
	assert_int_equal(get("parity", &v).cause, CAUSE_RATE_LIMIT);
}

static void measures_have_bounds_and_a_unit(void **state)
{
	struct verdict v = { .rtt_min_us = 47100, .rtt_max_us = 52300 };

	expect_text("rtt", &v, "47.1 to 52.3 ms");
	v.rtt_max_us = v.rtt_min_us;
	expect_text("rtt", &v, "47 ms");
	v.ports.preserved = (struct verdict_interval){ 0.25, 0.875, true };
	expect_text("delta.preserved", &v, "25 to 88 %");
	v.loss = (struct verdict_interval){ 0, 0.004, true };
	expect_text("loss", &v, "0.00 to 0.40 %");
	v.confidence = 0.9993;
	expect_text("confidence", &v, "99.93 %");
	v.confidence = 0.999973;
	expect_text("confidence", &v, "over 99.99 %");
	assert_true(get("confidence", &v).low < 100);
	assert_true(get("delta.preserved", &v).low == 25);
}

static void addresses_come_without_port(void **state)
{
	struct verdict v = { .mapped_tcp = addr_ipv4(84, 20, 3, 9, 40000) };

	expect_text("mapped", &v, "84.20.3.9");
	v.mapped = addr_ipv4(84, 20, 3, 2, 40000);
	expect_text("mapped", &v, "84.20.3.2");
	v.upnp.external = addr_ipv4(100, 64, 0, 7, 0);
	expect_text("gateway.external", &v, "100.64.0.7");
	v.nat_pmp.external = addr_ipv4(100, 64, 0, 8, 0);
	expect_text("gateway.external", &v, "100.64.0.8");
}

static void a_gateway_that_speaks_nothing_names_no_address(void **state)
{
	struct verdict v = { 0 };

	v.pcp.present.value = v.nat_pmp.present.value = VERDICT_NO;
	v.upnp.present.cause = CAUSE_NO_GATEWAY;
	expect_text("gateway.external", &v, "unknown");
	assert_int_equal(get("gateway.external", &v).cause, CAUSE_NO_GATEWAY);
	v.upnp.present.value = VERDICT_NO;
	expect_text("gateway.external", &v, "none");
}

static void what_remains_possible_is_told_by_word(void **state)
{
	struct verdict v = { 0 };
	struct property_value got;

	v.filtering.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
			       BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	got = get("filtering", &v);
	assert_string_equal(property_find("filtering")->words[1], "address-dependent");
	assert_int_equal(got.possible, 6);
	v.nat.value = VERDICT_YES;
	v.hairpin.possible = 1u << HAIRPIN_NO | 1u << HAIRPIN_INTERNAL_SOURCE;
	got = get("hairpin", &v);
	assert_string_equal(property_find("hairpin")->words[3], "internal-source");
	assert_int_equal(got.possible, 1u << 1 | 1u << 3);
}

/* Without a NAT neither would apply, and the list is about those that a NAT can be like. */
static void not_applicable_is_possible_while_a_nat_is_not_known(void **state)
{
	struct verdict v = { .hairpin.possible = 1u << HAIRPIN_NO,
			     .ports.possible = 1u << DELTA_EQUAL };

	assert_int_equal(get("hairpin", &v).possible, 3);
	assert_int_equal(get("delta.type", &v).possible, 3);
	v.nat.value = VERDICT_YES;
	assert_int_equal(get("hairpin", &v).possible, 2);
	v.nat.value = VERDICT_UNKNOWN;
	v.hairpin.possible = 0;
	assert_int_equal(get("hairpin", &v).possible, 0);
}

static void unknown_is_printed_with_what_is_possible(void **state)
{
	struct verdict v = { .filtering.cause = CAUSE_LOSS };
	const struct property *p = property_find("filtering");
	struct property_value got;
	char buf[PROPERTY_LONG_MAX];

	v.filtering.possible = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
			       BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT);
	property_get(p, &v, &got);
	assert_string_equal(property_print(p, &got, buf),
			    "unknown (endpoint-independent or address-dependent: "
			    "too many probes were lost)");
	v.filtering.possible = 0x7e;
	property_get(p, &v, &got);
	assert_string_equal(property_print(p, &got, buf), "unknown (too many probes were lost)");
	v.filtering.value = BEHAVIOUR_MIXED;
	property_get(p, &v, &got);
	assert_string_equal(property_print(p, &got, buf), "mixed");
}

static void geography_is_text(void **state)
{
	struct verdict v = { .geo = { .country = "DE", .asn = 3320 } };

	expect_text("country", &v, "DE");
	expect_text("asn", &v, "3320");
}

/* Freed by the caller; NULL where it is not there. */
static char *read_doc(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[512];
	FILE *in;
	char *text = NULL;
	size_t cap = 0;

	snprintf(path, sizeof(path), "%s/doc/%s", srcdir != NULL ? srcdir : ".", name);
	in = fopen(path, "r");
	if (in == NULL)
		return NULL;
	if (getdelim(&text, &cap, '\0', in) < 0) {
		free(text);
		text = NULL;
	}
	fclose(in);
	return text;
}

#define WORD_MAX 64

/* The next word in backquotes of a cell of a table; false at the end of the cell. */
static bool next_quoted(const char **at, char word[static WORD_MAX])
{
	const char *start = *at + strcspn(*at, "`|\n");
	size_t len;

	if (*start != '`')
		return false;
	len = strcspn(++start, "`");
	snprintf(word, WORD_MAX, "%.*s", (int)len, start);
	*at = start + len + 1;
	return true;
}

static const char *next_cell(const char *cell)
{
	cell += strcspn(cell, "|\n");
	return *cell == '|' ? cell + 1 : cell;
}

static size_t word_count(const struct property *p)
{
	size_t n = 0;

	while (p->words[n] != NULL)
		n++;
	return n;
}

static bool has_word(const struct property *p, const char *word)
{
	for (size_t i = 0; p->words[i] != NULL; i++) {
		if (strcmp(p->words[i], word) == 0)
			return true;
	}
	return false;
}

/* A cell names all words of a property, or another property that has the same ones. */
static void expect_words(const struct property *p, const char *cell)
{
	char word[WORD_MAX];
	size_t count = 0;

	while (next_quoted(&cell, word)) {
		const struct property *same = property_find(word);

		if (same != NULL && same->words == p->words)
			return;
		if (!has_word(p, word))
			fail_msg("doc/properties.md: %s is never %s", p->name, word);
		count++;
	}
	if (count != word_count(p))
		fail_msg("doc/properties.md: %s has %zu values, not %zu", p->name, word_count(p),
			 count);
}

/* A row may be about several properties; returns how many. */
static size_t check_row(const char *row, size_t first)
{
	const char *values = next_cell(next_cell(row));
	char name[WORD_MAX];
	size_t count = 0;

	while (next_quoted(&row, name)) {
		const struct property *p = property_find(name);

		if (p == NULL)
			fail_msg("doc/properties.md: there is no property %s", name);
		if (p != &property_table[first + count])
			fail_msg("doc/properties.md: %s comes in another order", name);
		if (p->words != NULL)
			expect_words(p, values);
		count++;
	}
	return count;
}

/* The table below a headline; its first row is about property `first`. Returns how many it names. */
static size_t check_table(const char *doc, const char *headline, size_t first)
{
	const char *row = strstr(doc, headline), *end;
	size_t count = 0;

	assert_non_null(row);
	end = strstr(row, "\n### ");
	assert_non_null(end);
	while ((row = strstr(row, "\n| `")) != NULL && row < end) {
		row += strlen("\n| ");
		count += check_row(row, first + count);
	}
	return count;
}

static void the_table_of_properties_is_the_documented_one(void **state)
{
	char *doc = read_doc("properties.md");
	size_t count;

	if (doc == NULL)
		skip();
	count = check_table(doc, "\n## Default diagnosis\n", 0);
	count += check_table(doc, "\n## Deep diagnosis\n", count);
	assert_int_equal(count, property_count);
	free(doc);
}

static void every_cause_is_in_the_schema(void **state)
{
	char *schema = read_doc("natprobe.schema.json");

	if (schema == NULL)
		skip();
	for (unsigned c = CAUSE_NONE + 1; c < CAUSES; c++) {
		char quoted[WORD_MAX];

		snprintf(quoted, sizeof(quoted), "\"%s\"",
			 verdict_cause_word((enum verdict_cause)c));
		if (strstr(schema, quoted) == NULL)
			fail_msg("doc/natprobe.schema.json does not know the reason %s", quoted);
	}
	free(schema);
}

static void what_is_counted_has_no_decimals(void **state)
{
	static const struct {
		const char *name;
		enum deep_property which;
		double low, high;
		const char *text;
	} cases[] = {
		{ "mtu.out", DEEP_MTU_OUT, 1500, 1503, "1500 to 1503 bytes" },
		{ "mtu.in", DEEP_MTU_IN, 1504, INFINITY, "at least 1504 bytes" },
		{ "mtu.in", DEEP_MTU_IN, 1280, 1280, "1280 bytes" },
		{ "block", DEEP_BLOCK, 1, 8, "1 to 8 ports" },
		{ "range.low", DEEP_RANGE_LOW, 1024, 1025, "1024 to 1025" },
		{ "delta.per-destination", DEEP_PER_DESTINATION, -2, -2, "-2" },
		{ "nats", DEEP_NATS, 2, 2, "2" },
		{ "lifetime", DEEP_LIFETIME, 19.5, 20.25, "19.50 to 20.25 s" },
		{ "lifetime", DEEP_LIFETIME, 290, 310, "290 to 310 s" },
		{ "background", DEEP_BACKGROUND, 0, 1.9, "0.0 to 1.9 /s" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = { .deep.tried = true };

		deep_set_number(&v.deep, cases[i].which, cases[i].low, cases[i].high);
		expect_text(cases[i].name, &v, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_and_differ),
		cmocka_unit_test(a_misspelt_name_finds_its_neighbour),
		cmocka_unit_test(nothing_known_is_unknown_with_a_cause),
		cmocka_unit_test(no_property_has_a_word_that_is_none_of_its_own),
		cmocka_unit_test(words_are_those_of_the_verdict),
		cmocka_unit_test(a_value_out_of_range_is_unknown),
		cmocka_unit_test(without_nat_ports_do_not_apply),
		cmocka_unit_test(steps_are_signed),
		cmocka_unit_test(measures_have_bounds_and_a_unit),
		cmocka_unit_test(addresses_come_without_port),
		cmocka_unit_test(a_gateway_that_speaks_nothing_names_no_address),
		cmocka_unit_test(what_remains_possible_is_told_by_word),
		cmocka_unit_test(not_applicable_is_possible_while_a_nat_is_not_known),
		cmocka_unit_test(unknown_is_printed_with_what_is_possible),
		cmocka_unit_test(geography_is_text),
		cmocka_unit_test(the_table_of_properties_is_the_documented_one),
		cmocka_unit_test(every_cause_is_in_the_schema),
		cmocka_unit_test(what_is_counted_has_no_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
