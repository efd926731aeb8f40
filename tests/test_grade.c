/* grade: requirements of the RFCs, judged by what was found. */
#include "natprobe/report/grade.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The first rule of that number that is judged by that property. */
static enum grade grade_of(const struct verdict *v, unsigned rfc, const char *number,
			   const char *property)
{
	for (size_t i = 0; i < grade_rule_count; i++) {
		const struct grade_rule *r = &grade_rules[i];
		struct grade_result got;

		if (r->rfc != rfc || strcmp(r->number, number) != 0 || r->property == NULL ||
		    strcmp(r->property, property) != 0)
			continue;
		grade_judge(r, v, &got);
		return (enum grade)got.grade;
	}
	fail_msg("RFC %u, %s: no rule", rfc, number);
	return GRADE_UNKNOWN;
}

static struct verdict behind_a_nat(void)
{
	return (struct verdict){ .nat.value = VERDICT_YES, .deep.tried = true };
}

static void every_rule_is_about_a_property_and_its_words(void **state)
{
	for (size_t i = 0; i < grade_rule_count; i++) {
		const struct grade_rule *r = &grade_rules[i];
		const struct property *p;
		char met[128], *rest = met, *word;

		assert_non_null(r->text);
		if (r->property == NULL)
			continue;
		p = property_find(r->property);
		assert_non_null(p);
		assert_int_equal(p->kind == PROPERTY_WORD, r->met != NULL);
		if (r->met == NULL)
			continue;
		snprintf(met, sizeof(met), "%s", r->met);
		while ((word = strsep(&rest, ",")) != NULL) {
			bool known = false;

			for (unsigned k = 0; p->words[k] != NULL; k++)
				known = known || strcmp(p->words[k], word) == 0;
			if (!known)
				fail_msg("%s: %s is no word of it", r->property, word);
		}
	}
}

static void words_meet_or_violate(void **state)
{
	struct verdict v = behind_a_nat();

	v.mapping.value = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	v.filtering.value = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	v.hairpin.value = HAIRPIN_INTERNAL_SOURCE;
	deep_set_word(&v.deep, DEEP_UNEXPECTED, DEEP_ENDS_MAPPING);
	assert_int_equal(grade_of(&v, 4787, "REQ-1", "mapping"), GRADE_MET);
	assert_int_equal(grade_of(&v, 4787, "REQ-8", "filtering"), GRADE_VIOLATED);
	assert_int_equal(grade_of(&v, 4787, "REQ-9", "hairpin"), GRADE_MET);
	assert_int_equal(grade_of(&v, 4787, "REQ-9a", "hairpin"), GRADE_VIOLATED);
	assert_int_equal(grade_of(&v, 4787, "REQ-11", "unexpected-inbound"), GRADE_VIOLATED);
	v.mapping.value = BEHAVIOUR_MIXED;
	assert_int_equal(grade_of(&v, 4787, "REQ-1", "mapping"), GRADE_VIOLATED);
	assert_int_equal(grade_of(&v, 4787, "REQ-11", "mapping"), GRADE_VIOLATED);
	v.hairpin.value = HAIRPIN_NO;
	assert_int_equal(grade_of(&v, 4787, "REQ-9", "hairpin"), GRADE_VIOLATED);
	assert_int_equal(grade_of(&v, 4787, "REQ-9a", "hairpin"), GRADE_NOT_APPLICABLE);
}

static void measures_meet_with_their_whole_interval(void **state)
{
	struct verdict v = behind_a_nat();

	assert_int_equal(grade_of(&v, 4787, "REQ-5", "lifetime"), GRADE_UNKNOWN);
	deep_set_number(&v.deep, DEEP_LIFETIME, 121, 130);
	assert_int_equal(grade_of(&v, 4787, "REQ-5", "lifetime"), GRADE_MET);
	assert_int_equal(grade_of(&v, 4787, "REQ-5c", "lifetime"), GRADE_VIOLATED);
	deep_set_number(&v.deep, DEEP_LIFETIME, 115, 125);
	assert_int_equal(grade_of(&v, 4787, "REQ-5", "lifetime"), GRADE_UNKNOWN);
	deep_set_number(&v.deep, DEEP_LIFETIME, 310, INFINITY);
	assert_int_equal(grade_of(&v, 4787, "REQ-5c", "lifetime"), GRADE_MET);
	deep_set_number(&v.deep, DEEP_LIFETIME_ONE_WAY, 18, 20);
	assert_int_equal(grade_of(&v, 4787, "REQ-5", "lifetime.one-way"), GRADE_VIOLATED);
}

static void what_remains_possible_is_enough_where_all_of_it_agrees(void **state)
{
	struct verdict v = behind_a_nat();

	v.mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
			     BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	assert_int_equal(grade_of(&v, 4787, "REQ-1", "mapping"), GRADE_VIOLATED);
	v.mapping.possible |= BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT);
	assert_int_equal(grade_of(&v, 4787, "REQ-1", "mapping"), GRADE_UNKNOWN);
}

static void without_a_nat_nothing_applies(void **state)
{
	struct verdict v = { .nat.value = VERDICT_NO, .mapping.value = BEHAVIOUR_NONE };

	for (size_t i = 0; i < grade_rule_count; i++) {
		struct grade_result got;

		grade_judge(&grade_rules[i], &v, &got);
		assert_int_equal(got.grade, GRADE_NOT_APPLICABLE);
	}
}

static void rules_of_carriers_are_for_carriers(void **state)
{
	struct verdict v = behind_a_nat();

	v.filtering.value = BEHAVIOUR_ADDRESS_DEPENDENT;
	assert_int_equal(grade_of(&v, 6888, "REQ-7", "filtering"), GRADE_UNKNOWN);
	v.cgn.value = VERDICT_NO;
	assert_int_equal(grade_of(&v, 6888, "REQ-7", "filtering"), GRADE_NOT_APPLICABLE);
	v.cgn.value = VERDICT_YES;
	assert_int_equal(grade_of(&v, 6888, "REQ-7", "filtering"), GRADE_VIOLATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_is_about_a_property_and_its_words),
		cmocka_unit_test(words_meet_or_violate),
		cmocka_unit_test(measures_meet_with_their_whole_interval),
		cmocka_unit_test(what_remains_possible_is_enough_where_all_of_it_agrees),
		cmocka_unit_test(without_a_nat_nothing_applies),
		cmocka_unit_test(rules_of_carriers_are_for_carriers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
