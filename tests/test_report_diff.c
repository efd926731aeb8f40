/* report_diff: what differs between two reports, and what does not count. */
#include "report_fixture.h"

#include "natprobe/report/report_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

struct pair {
	struct fixture a, b;
	struct report_diff d;
};

static void begin(struct pair *p)
{
	fixture_full(&p->a);
	fixture_full(&p->b);
}

static void compare(struct pair *p)
{
	report_diff_clear(&p->d);
	assert_true(report_diff_make(&p->a.report, &p->b.report, &p->d));
}

/* Of `property`; NULL where it is not among the changes. */
static const struct report_change *change_of(const struct pair *p, const char *property)
{
	for (size_t i = 0; i < p->d.count; i++) {
		const struct report_change *c = &p->d.items[i];

		if (c->property != NULL && strcmp(c->property->name, property) == 0)
			return c;
	}
	return NULL;
}

static void a_report_is_like_itself(void **state)
{
	struct pair p = { 0 };

	begin(&p);
	compare(&p);
	assert_false(p.d.differs);
	assert_int_equal(p.d.count, 0);
	assert_true(p.d.compared > 20);
	report_diff_clear(&p.d);
}

static void another_word_or_number_differs(void **state)
{
	struct pair p = { 0 };
	const struct report_change *c;

	begin(&p);
	p.b.verdict.ports.value = 2;
	p.b.verdict.mapping.value = BEHAVIOUR_ADDRESS_DEPENDENT;
	p.b.verdict.mapped = addr_ipv4(203, 0, 113, 77, 40001);
	compare(&p);
	assert_true(p.d.differs);
	assert_int_equal(p.d.count, 3);
	c = change_of(&p, "delta.value");
	assert_non_null(c);
	assert_string_equal(c->before.text, "-2");
	assert_string_equal(c->after.text, "2");
	assert_non_null(change_of(&p, "mapping"));
	assert_non_null(change_of(&p, "mapped"));
	report_diff_clear(&p.d);
}

static void samples_do_not_count(void **state)
{
	struct pair p = { 0 };

	begin(&p);
	p.b.verdict.ports.low = 3000;
	p.b.verdict.ports.high = 3001;
	p.b.verdict.confidence = 0.9;
	p.b.verdict.mapped.port = 7;
	compare(&p);
	assert_int_equal(p.d.count, 0);
	report_diff_clear(&p.d);
}

static void measures_differ_where_they_do_not_overlap(void **state)
{
	struct pair p = { 0 };

	begin(&p);
	p.b.verdict.rtt_min_us = 50000; /* 2 * 15 ms + 20 ms */
	p.b.verdict.rtt_max_us = 90000;
	p.b.verdict.loss = (struct verdict_interval){ 0.187, 0.3, true };
	compare(&p);
	assert_int_equal(p.d.count, 0);
	p.b.verdict.rtt_min_us = 50001;
	compare(&p);
	assert_int_equal(p.d.count, 1);
	assert_non_null(change_of(&p, "rtt"));
	report_diff_clear(&p.d);
}

static void unknown_is_told_and_does_not_count(void **state)
{
	struct pair p = { 0 };
	const struct report_change *c;

	begin(&p);
	p.b.verdict.mapping.value = BEHAVIOUR_UNKNOWN;
	p.b.verdict.mapping.possible = 0;
	p.b.verdict.mapping.cause = CAUSE_LOSS;
	compare(&p);
	c = change_of(&p, "mapping");
	assert_non_null(c);
	assert_int_equal(c->kind, CHANGE_UNKNOWN);
	assert_false(p.d.differs);
	p.b.verdict.mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
				       BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT);
	compare(&p);
	assert_false(p.d.differs);
	p.b.verdict.mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
				       BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT);
	compare(&p);
	assert_true(p.d.differs);
	assert_int_equal(change_of(&p, "mapping")->kind, CHANGE_VALUE);
	report_diff_clear(&p.d);
}

static void interfaces_come_and_go(void **state)
{
	struct pair p = { 0 };

	begin(&p);
	p.b.probes[0].interface = "eth1";
	compare(&p);
	assert_true(p.d.differs);
	assert_int_equal(p.d.count, 2);
	assert_int_equal(p.d.items[0].kind, CHANGE_REMOVED);
	assert_int_equal(p.d.items[1].kind, CHANGE_ADDED);
	assert_string_equal(p.d.items[1].probe->interface, "eth1");
	report_diff_clear(&p.d);

	fixture_no_server(&p.b);
	compare(&p);
	assert_int_equal(p.d.count, 1);
	assert_int_equal(p.d.items[0].kind, CHANGE_REMOVED);
	fixture_no_server(&p.a);
	compare(&p);
	assert_int_equal(p.d.count, 0);
	report_diff_clear(&p.d);
}

static void it_prints_for_people(void **state)
{
	struct pair p = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	begin(&p);
	p.b.verdict.ports.value = 2;
	compare(&p);
	report_diff_text(&p.d, out);
	fflush(out);
	assert_string_equal(text, "eth0 ipv4: delta.value: -2 -> 2\n");
	p.b.verdict.ports.value = -2;
	compare(&p);
	report_diff_text(&p.d, out);
	fclose(out);
	assert_non_null(strstr(text, "no difference among 27 values\n"));
	free(text);
	report_diff_clear(&p.d);
}

static void it_prints_for_machines(void **state)
{
	struct pair p = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const json_t *change;
	json_t *o;

	assert_non_null(out);
	begin(&p);
	p.b.verdict.cgn.value = VERDICT_NO;
	compare(&p);
	assert_true(report_diff_json(&p.d, "a.json", "b.json", out));
	fclose(out);
	o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_true(json_is_true(json_object_get(o, "differs")));
	assert_string_equal(json_string_value(json_object_get(o, "after")), "b.json");
	change = json_array_get(json_object_get(o, "changes"), 0);
	assert_string_equal(json_string_value(json_object_get(change, "property")), "cgn");
	assert_string_equal(json_string_value(json_object_get(change, "before")), "yes");
	assert_true(json_is_true(json_object_get(change, "is_difference")));
	json_decref(o);
	free(text);
	report_diff_clear(&p.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_like_itself),
		cmocka_unit_test(another_word_or_number_differs),
		cmocka_unit_test(samples_do_not_count),
		cmocka_unit_test(measures_differ_where_they_do_not_overlap),
		cmocka_unit_test(unknown_is_told_and_does_not_count),
		cmocka_unit_test(interfaces_come_and_go),
		cmocka_unit_test(it_prints_for_people),
		cmocka_unit_test(it_prints_for_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
