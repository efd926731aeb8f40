/* report_sentence: what is said is said of values that there are, once. */
#include "natprobe/report/report_sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool has_word(const struct property *p, const char *word)
{
	for (size_t i = 0; p->words[i] != NULL; i++) {
		if (strcmp(p->words[i], word) == 0)
			return true;
	}
	return false;
}

static void each_is_about_a_value(void **state)
{
	for (size_t i = 0; i < report_sentence_count; i++) {
		const struct report_sentence *s = &report_sentences[i];
		const struct property *p = property_find(s->property);

		if (p == NULL || p->kind != PROPERTY_WORD || !has_word(p, s->word))
			fail_msg("%s is never %s", s->property, s->word);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(report_sentences[k].property, s->property) == 0 &&
			    strcmp(report_sentences[k].word, s->word) == 0)
				fail_msg("%s %s is there twice", s->property, s->word);
		}
	}
}

static void values_are_looked_up(void **state)
{
	struct verdict v = { .nat.value = VERDICT_YES };
	const struct property *early = property_find("early-inbound");

	assert_string_equal(report_sentence(property_find("nat"), &v),
			    "Somebody on the path translates addresses.");
	assert_null(report_sentence(property_find("mapping"), &v));
	assert_null(report_sentence(early, &v));
	deep_set_word(&v.deep, DEEP_EARLY_INBOUND, DEEP_EARLY_REMAPPED);
	assert_non_null(report_sentence(early, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_about_a_value),
		cmocka_unit_test(values_are_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
