/* plan_report: what saved reports amount to, and how a plan is printed. */
#include "natprobe/planning/plan_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "report_fixture.h"

struct story {
	struct fixture a, b;
	struct peer_profile profiles[2];
	const char *names[2][PEER_PATHS_MAX];
	struct punch_plan plan;
	struct plan_report report;
};

static void make(struct story *s)
{
	struct punch_plan_options options = { .start_error_us = 20000, .has_relay = true };

	assert_true(plan_report_profile(&s->a.report, &s->profiles[0], s->names[0]) > 0);
	assert_true(plan_report_profile(&s->b.report, &s->profiles[1], s->names[1]) > 0);
	punch_plan_make(&s->profiles[0], &s->profiles[1], &options, &s->plan);
	s->report = (struct plan_report){ .files = { "a.json", "b.json" },
					  .profiles = { &s->profiles[0], &s->profiles[1] },
					  .names = { s->names[0], s->names[1] },
					  .plan = &s->plan };
}

/* Returns text to be freed. */
static char *print(const struct story *s, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (json)
		assert_true(plan_report_json(&s->report, out));
	else
		plan_report_text(&s->report, out);
	fclose(out);
	return text;
}

static void a_path_for_each_answer(void **state)
{
	struct story s;

	(void)state;
	fixture_restrict_port(&s.a);
	fixture_add_unprobed(&s.a);
	assert_int_equal(plan_report_profile(&s.a.report, &s.profiles[0], s.names[0]), 1);
	assert_string_equal(s.names[0][0], "eth0");
	assert_int_equal(s.profiles[0].paths[0].filtering, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	fixture_no_server(&s.a);
	assert_int_equal(plan_report_profile(&s.a.report, &s.profiles[0], NULL), 0);
}

static void text_names_steps_and_the_sum(void **state)
{
	struct story s;
	char *text;

	(void)state;
	fixture_restrict_port(&s.a);
	fixture_full(&s.b);
	make(&s);
	text = print(&s, false);
	assert_non_null(strstr(text, "A  a.json\n   eth0, IPv4: mapping endpoint-independent"));
	assert_non_null(strstr(text, "simultaneous"));
	assert_non_null(strstr(text, "Without a relay it succeeds with a chance of"));
	assert_null(strstr(text, "Why:"));
	free(text);
}

static void text_says_why_not(void **state)
{
	struct story s;
	char *text;

	(void)state;
	fixture_restrict_port(&s.a);
	fixture_udp_blocked(&s.b);
	s.b.verdict.mapping_tcp.value = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	s.b.verdict.mapped_tcp = addr_ipv4(81, 2, 69, 160, 40017); /* not the NAT of A */
	make(&s);
	text = print(&s, false);
	assert_non_null(strstr(text, "Why: a network passes no UDP, on the side of B.\n"));
	free(text);
}

static void json_has_the_same(void **state)
{
	struct story s;
	json_error_t error;
	json_t *o, *steps;
	char *text;

	(void)state;
	fixture_restrict_port(&s.a);
	fixture_full(&s.b);
	make(&s);
	text = print(&s, true);
	o = json_loads(text, 0, &error);
	assert_non_null(o);
	steps = json_object_get(o, "steps");
	assert_int_equal(json_array_size(steps), s.plan.count);
	assert_string_equal(json_string_value(json_object_get(o, "command")), "plan");
	assert_true(json_is_null(json_object_get(o, "reason")));
	for (size_t i = 0; i < s.plan.count; i++) {
		json_t *step = json_array_get(steps, i);

		assert_string_equal(
			json_string_value(json_object_get(step, "strategy")),
			punch_strategy_word((enum punch_strategy)s.plan.steps[i].strategy));
		assert_true(json_is_object(json_object_get(step, "a")));
	}
	json_decref(o);
	free(text);
}

static void one_address_outside_does_not_make_one_network(void **state)
{
	struct story s;

	(void)state;
	fixture_restrict_port(&s.a);
	fixture_restrict_port(&s.b);
	make(&s);
	/* Of the laboratory, or of one host at two times. */
	assert_true(plan_report_is_apart(&s.profiles[0], &s.profiles[1]));
	s.profiles[1].paths[0].local = addr_ipv4(10, 0, 0, 3, 0);
	assert_false(plan_report_is_apart(&s.profiles[0], &s.profiles[1]));
	s.profiles[1].paths[0].local = addr_ipv4(10, 0, 9, 3, 0);
	assert_true(plan_report_is_apart(&s.profiles[0], &s.profiles[1]));
	s.profiles[1].paths[0].local = addr_ipv4(10, 0, 0, 3, 0);
	s.profiles[1].paths[0].mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	assert_true(plan_report_is_apart(&s.profiles[0], &s.profiles[1]));
	s.profiles[1].paths[0].mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	s.profiles[0].paths[0].externals[0] = addr_ipv4(192, 0, 2, 1, 0);
	s.profiles[1].paths[0].externals[0] = addr_ipv4(192, 0, 2, 1, 0);
	assert_true(plan_report_is_apart(&s.profiles[0], &s.profiles[1]));
}

/* A NAT of random ports before either: next to hopeless, unless it is one NAT, whose inside is near. */
static void networks_apart_have_no_inside_in_common(void **state)
{
	struct punch_plan_options options = { .start_error_us = 20000 };
	struct story s;
	double near;

	(void)state;
	fixture_restrict_port(&s.a);
	fixture_restrict_port(&s.b);
	make(&s);
	for (size_t i = 0; i < 2; i++) {
		struct peer_path *path = &s.profiles[i].paths[0];

		path->mapping = path->tcp_mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
		path->filtering = path->tcp_filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
		path->delta = DELTA_RANDOM;
		path->portmap = VERDICT_NO;
	}
	punch_plan_make(&s.profiles[0], &s.profiles[1], &options, &s.plan);
	near = s.plan.chance;
	options.apart = true;
	punch_plan_make(&s.profiles[0], &s.profiles[1], &options, &s.plan);
	assert_true(near > 0.9);
	assert_true(s.plan.chance < 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_for_each_answer),
		cmocka_unit_test(text_names_steps_and_the_sum),
		cmocka_unit_test(text_says_why_not),
		cmocka_unit_test(json_has_the_same),
		cmocka_unit_test(one_address_outside_does_not_make_one_network),
		cmocka_unit_test(networks_apart_have_no_inside_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
