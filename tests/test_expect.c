/* expect: a file of expectations, what is wrong with one, and whether a verdict meets it. */
#include "natprobe/report/expect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct expect parse(const char *text)
{
	struct expect_error err;
	struct expect e;

	if (!expect_parse(bytes_of_str(text), &e, &err))
		fail_msg("line %u: %s", err.line, err.text);
	return e;
}

static enum expect_result judge(const char *text, const struct verdict *v)
{
	struct expect e = parse(text);
	struct property_value got;
	enum expect_result r;

	assert_int_equal(e.count, 1);
	r = expect_judge(&e.lines[0], v, &got);
	expect_free(&e);
	return r;
}

static void a_file_is_read_line_by_line(void **state)
{
	struct expect e = parse("# home\r\n"
				"\n"
				"mapping = endpoint-independent\r\n"
				"  delta.type in equal , preserving  # either\n"
				"rtt<50ms\n"
				"\t[eth0 ipv4]\n"
				"filtering != endpoint-independent\n"
				"[ipv6]\n"
				"loss < 5 %\n"
				"[ wlan0 ]\n"
				"delta.value=-1");

	assert_int_equal(e.count, 6);
	assert_string_equal(e.lines[0].property->name, "mapping");
	assert_int_equal(e.lines[0].operator, EXPECT_EQUAL);
	assert_int_equal(e.lines[0].line, 3);
	assert_string_equal(e.lines[1].wanted, "equal , preserving");
	assert_int_equal(e.lines[1].operator, EXPECT_IN);
	assert_true(e.lines[2].number == 50);
	assert_string_equal(e.lines[3].interface, "eth0");
	assert_int_equal(e.lines[3].family, ADDR_IPV4);
	assert_string_equal(e.lines[4].interface, "");
	assert_int_equal(e.lines[4].family, ADDR_IPV6);
	assert_true(e.lines[4].number == 5);
	assert_string_equal(e.lines[5].interface, "wlan0");
	assert_int_equal(e.lines[5].family, ADDR_NONE);
	assert_true(e.lines[5].number == -1);
	assert_int_equal(e.lines[5].line, 11);
	expect_free(&e);
}

static void nothing_is_fine(void **state)
{
	struct expect e = parse("");

	assert_int_equal(e.count, 0);
	expect_free(&e);
	e = parse("# only \xc3\xa4 comment\n\n");
	assert_int_equal(e.count, 0);
	expect_free(&e);
}

static void mistakes_name_line_and_remedy(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} cases[] = {
		{ "\nmaping = none", 2, "did you mean mapping?" },
		{ "= none", 1, "no property \"\"" },
		{ "mapping", 1, "behind mapping stands one of =, != or in" },
		{ "mapping endpoint-independent", 1, "=, != or in" },
		{ "mapping in", 1, "=, != or in" },
		{ "mapping =", 1, "endpoint-independent, address-dependent" },
		{ "mapping = open", 1, "mixed, unknown" },
		{ "mapping in none,", 1, "mapping cannot be \"\"" },
		{ "filtering = none", 1, "filtering cannot be \"none\"" },
		{ "mapping < 3", 1, "cannot be asked with <" },
		{ "rtt != 5ms", 1, "use <, > or =" },
		{ "rtt in 5ms,6ms", 1, "use <, > or =" },
		{ "rtt <= 50ms", 1, "a time such as 50ms" },
		{ "rtt < 50%", 1, "a time such as 50ms" },
		{ "rtt < -5ms", 1, "a time such as 50ms" },
		{ "rtt < unknown", 1, "rtt cannot be" },
		{ "rtt < nan", 1, "rtt cannot be" },
		{ "rtt < 1e3", 1, "rtt cannot be" },
		{ "rtt < 0x10", 1, "rtt cannot be" },
		{ "rtt < 9999999999999999999", 1, "rtt cannot be" },
		{ "loss < 5ms", 1, "a number such as 5%" },
		{ "delta.value = 1.5", 1, "a whole number" },
		{ "delta.value = --1", 1, "a whole number" },
		{ "mapped = example.org", 1, "an address or a network" },
		{ "mapped = 192.0.2.0/33", 1, "an address or a network" },
		{ "mapped = 192.0.2.0/", 1, "an address or a network" },
		{ "country = Germany", 1, "two letters" },
		{ "[eth0", 1, "ends with ]" },
		{ "[", 1, "ends with ]" },
		{ "[]", 1, "names an interface" },
		{ "[eth0 eth1]", 1, "one interface and one family" },
		{ "[ipv4 eth0 ipv6 ipv4]", 1, "one interface and one family" },
		{ "mapping = none\x01", 1, "plain text" },
		{ "m\xc3\xa4pping = none", 1, "plain text" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct expect_error err;
		struct expect e;

		if (expect_parse(bytes_of_str(cases[i].text), &e, &err))
			fail_msg("%s: taken", cases[i].text);
		if (err.line != cases[i].line || strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: line %u: %s", cases[i].text, err.line, err.text);
		assert_null(e.lines);
	}
}

static void a_zero_byte_is_no_end(void **state)
{
	struct expect_error err;
	struct expect e;

	assert_false(expect_parse(BYTES("mapping = none\0garbage"), &e, &err));
	assert_true(expect_parse(BYTES("mapping = none # \0garbage\nnat = no"), &e, &err));
	assert_int_equal(e.count, 2);
	expect_free(&e);
}

static void there_are_limits(void **state)
{
	static char big[EXPECT_LINES_MAX * 12 + 64];
	struct expect_error err;
	struct expect e;
	size_t len = 0;

	for (int i = 0; i < EXPECT_LINES_MAX; i++)
		len += (size_t)snprintf(big + len, sizeof(big) - len, "nat = yes\n");
	assert_true(expect_parse(bytes_of(big, len), &e, &err));
	assert_int_equal(e.count, EXPECT_LINES_MAX);
	expect_free(&e);
	len += (size_t)snprintf(big + len, sizeof(big) - len, "nat = yes\n");
	assert_false(expect_parse(bytes_of(big, len), &e, &err));
	assert_int_equal(err.line, EXPECT_LINES_MAX + 1);

	memset(big, 'x', 2000);
	assert_false(expect_parse(bytes_of(big, 2000), &e, &err));
	big[0] = '#';
	assert_true(expect_parse(bytes_of(big, 2000), &e, &err));
	memcpy(big, "mapping = ", 10);
	assert_false(expect_parse(bytes_of(big, 300), &e, &err));
	assert_non_null(strstr(err.text, "longer"));
}

static struct verdict some_verdict(void)
{
	struct verdict v = { .rtt_min_us = 40000, .rtt_max_us = 60000 };

	v.nat.value = VERDICT_YES;
	v.mapping.value = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	v.mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
			     BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT);
	v.mapping.cause = CAUSE_ONE_PORT;
	v.filtering.cause = CAUSE_LOSS;
	v.filtering.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
			       BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	v.ports.delta = DELTA_INDEPENDENT;
	v.ports.value = -1;
	v.mapped = addr_ipv4(100, 64, 9, 1, 40000);
	v.geo.country[0] = 'D';
	v.geo.country[1] = 'E';
	return v;
}

static void lines_are_met_missed_or_open(void **state)
{
	struct verdict v = some_verdict();
	static const struct {
		const char *line;
		enum expect_result want;
	} cases[] = {
		{ "nat = yes", EXPECT_MET },
		{ "nat = no", EXPECT_MISSED },
		{ "nat != no", EXPECT_MET },
		{ "nat != unknown", EXPECT_MET },
		{ "nat = unknown", EXPECT_MISSED },
		{ "mapping = endpoint-independent", EXPECT_MET },
		{ "mapping in address-dependent,endpoint-independent", EXPECT_MET },
		{ "mapping in address-dependent, mixed", EXPECT_MISSED },
		{ "mapping != endpoint-independent", EXPECT_MISSED },
		{ "hairpin = no", EXPECT_OPEN },
		{ "hairpin != no", EXPECT_OPEN },
		{ "hairpin = unknown", EXPECT_MET },
		{ "hairpin in no,unknown", EXPECT_MET },
		{ "hairpin != unknown", EXPECT_MISSED },
		{ "filtering = address-dependent", EXPECT_OPEN },
		{ "filtering = endpoint-independent", EXPECT_MISSED },
		{ "filtering != endpoint-independent", EXPECT_MET },
		{ "filtering in address-dependent,address-and-port-dependent", EXPECT_MET },
		{ "filtering in address-dependent,endpoint-independent", EXPECT_OPEN },
		{ "delta.value = -1", EXPECT_MET },
		{ "delta.value = 1", EXPECT_MISSED },
		{ "delta.value = none", EXPECT_MISSED },
		{ "delta.value in -2,-1", EXPECT_MET },
		{ "delta.value < 0", EXPECT_MET },
		{ "delta.value > -1", EXPECT_MISSED },
		{ "delta.value != +1", EXPECT_MET },
		{ "rtt < 61ms", EXPECT_MET },
		{ "rtt < 60ms", EXPECT_OPEN },
		{ "rtt < 0.0605s", EXPECT_MET },
		{ "rtt < 40ms", EXPECT_MISSED },
		{ "rtt > 39ms", EXPECT_MET },
		{ "rtt > 40ms", EXPECT_OPEN },
		{ "rtt > 60000us", EXPECT_MISSED },
		{ "rtt = 50", EXPECT_MET },
		{ "rtt = 61", EXPECT_MISSED },
		{ "loss < 5%", EXPECT_OPEN },
		{ "loss = unknown", EXPECT_MET },
		{ "mapped = 100.64.9.1", EXPECT_MET },
		{ "mapped in 10.0.0.0/8,100.64.0.0/10", EXPECT_MET },
		{ "mapped = 100.64.9.0/31", EXPECT_MET },
		{ "mapped = 100.64.9.2/31", EXPECT_MISSED },
		{ "mapped = 0.0.0.0/0", EXPECT_MET },
		{ "mapped = ::/0", EXPECT_MISSED },
		{ "mapped = none", EXPECT_MISSED },
		{ "gateway.external = none", EXPECT_OPEN },
		{ "country = de", EXPECT_MET },
		{ "country in FR,CH", EXPECT_MISSED },
		{ "asn = 3320", EXPECT_OPEN },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum expect_result r = judge(cases[i].line, &v);

		if (r != cases[i].want)
			fail_msg("%s: %d, not %d", cases[i].line, r, cases[i].want);
	}
}

static void what_does_not_apply_is_none(void **state)
{
	struct verdict v = { .ports.delta = DELTA_NOT_APPLICABLE };

	assert_int_equal(judge("delta.value = none", &v), EXPECT_MET);
	assert_int_equal(judge("delta.value = 0", &v), EXPECT_MISSED);
	assert_int_equal(judge("delta.value < 5", &v), EXPECT_MISSED);
	assert_int_equal(judge("delta.preserved = none", &v), EXPECT_MET);
	assert_int_equal(judge("delta.preserved > 50%", &v), EXPECT_MISSED);
	assert_int_equal(judge("parity = not-applicable", &v), EXPECT_MET);
	v.mapping.value = BEHAVIOUR_NONE;
	assert_int_equal(judge("mapping = none", &v), EXPECT_MET);
}

static void sections_choose(void **state)
{
	struct expect e =
		parse("nat = no\n[eth0]\nnat = no\n[eth0 ipv6]\nnat = no\n[ipv4]\nnat = no");
	static const struct {
		const char *interface;
		uint8_t family;
		const char *applies;
	} cases[] = {
		{ "eth0", ADDR_IPV4, "yyny" },
		{ "eth0", ADDR_IPV6, "yyyn" },
		{ "wlan0", ADDR_IPV4, "ynny" },
		{ "wlan0", ADDR_IPV6, "ynnn" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t k = 0; k < e.count; k++)
			assert_int_equal(
				expect_applies(&e.lines[k], cases[i].interface, cases[i].family),
				cases[i].applies[k] == 'y');
	}
	expect_free(&e);
}

/* All lines that apply are met. */
static void meets(const char *text, const char *interface, uint8_t family, const struct verdict *v)
{
	struct expect e = parse(text);
	struct property_value got;

	for (size_t i = 0; i < e.count; i++) {
		if (expect_applies(&e.lines[i], interface, family) &&
		    expect_judge(&e.lines[i], v, &got) != EXPECT_MET)
			fail_msg("%s %s: %s", e.lines[i].property->name, e.lines[i].wanted,
				 got.text);
	}
	expect_free(&e);
}

static void what_was_saved_is_met(void **state)
{
	struct verdict v = some_verdict();
	struct expect_subject one = { "eth0", ADDR_IPV4, &v };
	char text[4096];
	size_t len;

	v.loss = (struct verdict_interval){ 0, 0.1, true };
	v.confidence = 0.999;
	v.ports.low = 1024;
	v.ports.high = 2048;
	len = expect_save(&one, 1, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	meets(text, "eth0", ADDR_IPV4, &v);
	assert_non_null(strstr(text, "\nmapping = endpoint-independent\n"));
	assert_non_null(strstr(text, "\ndelta.value = -1\n"));
	assert_non_null(strstr(text, "\nrtt < 141ms\n"));
	assert_non_null(strstr(text, "\nloss < 31%\n"));
	assert_null(strstr(text, "unknown"));
	assert_null(strstr(text, "100.64"));
	assert_null(strstr(text, "ports."));
	assert_null(strstr(text, "confidence"));
	assert_null(strstr(text, "["));
}

static void several_get_sections(void **state)
{
	struct verdict v4 = some_verdict();
	struct verdict v6 = { .nat.value = VERDICT_NO, .mapping.value = BEHAVIOUR_NONE };
	struct expect_subject two[] = { { "eth0", ADDR_IPV4, &v4 }, { "eth0", ADDR_IPV6, &v6 } };
	char text[4096];

	assert_true(expect_save(two, 2, text, sizeof(text)) < sizeof(text));
	meets(text, "eth0", ADDR_IPV4, &v4);
	meets(text, "eth0", ADDR_IPV6, &v6);
	assert_non_null(strstr(text, "\n[eth0 ipv6]\nnat = no\nmapping = none\n"));
}

static void saving_says_how_much_room_it_needs(void **state)
{
	struct verdict v = some_verdict();
	struct expect_subject one = { "eth0", ADDR_IPV4, &v };
	char text[40];
	size_t len = expect_save(&one, 1, NULL, 0);

	assert_true(len > sizeof(text));
	assert_int_equal(expect_save(&one, 1, text, sizeof(text)), len);
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

/* Two samples of one path: bounds saved from one hold for the other. */
static void bounds_have_a_margin(void **state)
{
	struct verdict first = { .ports = { .delta = DELTA_EQUAL }, .rtt_min_us = 50000 };
	struct verdict next = first;
	struct expect_subject one = { "eth0", ADDR_IPV4, &first };
	char text[1024];

	first.rtt_max_us = 50000;
	next.rtt_max_us = 110000;
	first.loss = (struct verdict_interval){ 0, 0.16, true };
	next.loss = (struct verdict_interval){ 0.01, 0.35, true };
	first.ports.preserved = (struct verdict_interval){ 0.25, 0.88, true };
	next.ports.preserved = (struct verdict_interval){ 0.12, 0.95, true };
	(void)expect_save(&one, 1, text, sizeof(text));
	meets(text, "eth0", ADDR_IPV4, &next);
	first.ports.preserved = (struct verdict_interval){ 0.65, 1, true };
	next.ports.preserved = first.ports.preserved;
	(void)expect_save(&one, 1, text, sizeof(text));
	meets(text, "eth0", ADDR_IPV4, &next);
	assert_non_null(strstr(text, "delta.preserved > 16%"));
	assert_null(strstr(text, "delta.preserved <"));
	first.loss.high = 0.4;
	(void)expect_save(&one, 1, text, sizeof(text));
	assert_null(strstr(text, "loss"));
}

static void a_deeper_look_is_saved_as_bounds(void **state)
{
	struct verdict first = { .ports = { .delta = DELTA_EQUAL }, .deep.tried = true };
	struct verdict next = first;
	struct expect_subject one = { "eth0", ADDR_IPV4, &first };
	char text[1024];

	deep_set_number(&first.deep, DEEP_LIFETIME, 55, 60);
	deep_set_number(&next.deep, DEEP_LIFETIME, 60, 65.9);
	deep_set_number(&first.deep, DEEP_LIFETIME_ONE_WAY, 600, INFINITY);
	deep_set_number(&next.deep, DEEP_LIFETIME_ONE_WAY, 580, INFINITY);
	deep_set_number(&first.deep, DEEP_KEEPALIVE, 27, 27);
	deep_set_number(&next.deep, DEEP_KEEPALIVE, 29, 29);
	deep_set_number(&first.deep, DEEP_MTU_OUT, 1460, 1463);
	deep_set_number(&next.deep, DEEP_MTU_OUT, 1457, 1460);
	deep_set_number(&first.deep, DEEP_RANGE_LOW, 2000, 2100);
	deep_set_number(&first.deep, DEEP_BACKGROUND, 4, 6);
	deep_set_word(&first.deep, DEEP_ALG, DEEP_YES);
	deep_set_word(&next.deep, DEEP_ALG, DEEP_YES);
	deep_set_none(&first.deep, DEEP_REFRESH_INBOUND);
	(void)expect_save(&one, 1, text, sizeof(text));
	meets(text, "eth0", ADDR_IPV4, &first);
	meets(text, "eth0", ADDR_IPV4, &next);
	assert_non_null(strstr(text, "\nlifetime > 44\nlifetime < 76\n"));
	assert_non_null(strstr(text, "\nalg = yes\n"));
	assert_non_null(strstr(text, "\nmtu.out > 1453\nmtu.out < 1471\n"));
	assert_null(strstr(text, "range"));
	assert_null(strstr(text, "background"));
	assert_null(strstr(text, "delta.preserved"));
	assert_null(strstr(text, "refresh"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_line_by_line),
		cmocka_unit_test(nothing_is_fine),
		cmocka_unit_test(mistakes_name_line_and_remedy),
		cmocka_unit_test(a_zero_byte_is_no_end),
		cmocka_unit_test(there_are_limits),
		cmocka_unit_test(lines_are_met_missed_or_open),
		cmocka_unit_test(what_does_not_apply_is_none),
		cmocka_unit_test(sections_choose),
		cmocka_unit_test(what_was_saved_is_met),
		cmocka_unit_test(several_get_sections),
		cmocka_unit_test(saving_says_how_much_room_it_needs),
		cmocka_unit_test(bounds_have_a_margin),
		cmocka_unit_test(a_deeper_look_is_saved_as_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
