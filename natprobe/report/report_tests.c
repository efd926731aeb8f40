#include "report_tests.h"

#include <stdlib.h>

static bool has_answer(const struct report_probe *p)
{
	return report_outcome(p) != VERDICT_NO_SERVER;
}

static bool grow(struct report_tests *t, size_t more)
{
	struct report_test *bigger = realloc(t->items, (t->count + more + 1) * sizeof(*bigger));

	if (bigger == NULL)
		return false;
	t->items = bigger;
	return true;
}

static void add(struct report_tests *t, const struct report_test *test)
{
	t->items[t->count++] = *test;
	t->by_result[test->result]++;
}

static void set_not_probed(struct property_value *got)
{
	*got = (struct property_value){ .text = "unknown", .cause = CAUSE_NOT_TRIED };
}

/* The line on one interface that it is about. */
static void judge(struct report_tests *t, const struct expect_line *line,
		  const struct report_probe *p)
{
	static const uint8_t results[] = {
		[EXPECT_MET] = TEST_PASSED,
		[EXPECT_MISSED] = TEST_FAILED,
		[EXPECT_OPEN] = TEST_OPEN,
	};
	struct report_test test = { .probe = p, .line = line, .property = line->property };

	if (p->verdict != NULL) {
		test.result = results[expect_judge(line, p->verdict, &test.got)];
	} else {
		test.result = TEST_OPEN;
		set_not_probed(&test.got);
	}
	add(t, &test);
}

/* Returns how many interfaces it was about. */
static size_t judge_all(struct report_tests *t, const struct report *r,
			const struct expect_line *line, bool answered)
{
	size_t count = 0;

	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];
		char name[REPORT_NAME_MAX];

		if (has_answer(p) != answered ||
		    !expect_applies(line, report_name(p->interface, name), p->family))
			continue;
		judge(t, line, p);
		count++;
	}
	return count;
}

/*
 * An interface without any answer does not count beside one that has; an expectation never goes
 * by unjudged, though.
 */
static void judge_line(struct report_tests *t, const struct report *r,
		       const struct expect_line *line)
{
	struct report_test nowhere = { .line = line,
				       .property = line->property,
				       .result = TEST_OPEN };

	if (judge_all(t, r, line, true) > 0 || judge_all(t, r, line, false) > 0)
		return;
	set_not_probed(&nowhere.got);
	add(t, &nowhere);
}

static void list_properties(struct report_tests *t, const struct report_probe *p)
{
	bool is_open = report_outcome(p) == VERDICT_INCONCLUSIVE;

	for (size_t i = 0; i < property_count; i++) {
		struct report_test test = { .probe = p, .property = &property_table[i] };

		if (!property_is_asked(test.property, p->verdict))
			continue;
		property_get(test.property, p->verdict, &test.got);
		if (!test.got.known)
			test.result = is_open && test.property->is_core ? TEST_OPEN : TEST_SKIPPED;
		add(t, &test);
	}
}

static bool list_probe(struct report_tests *t, const struct report *r, const struct report_probe *p)
{
	struct report_test silent = { .probe = p, .result = TEST_SKIPPED };

	if (!grow(t, property_count))
		return false;
	if (p->verdict != NULL && has_answer(p)) {
		list_properties(t, p);
		return true;
	}
	if (has_answer(p) || report_exit(r) == EXIT_NO_SERVER)
		silent.result = TEST_OPEN;
	set_not_probed(&silent.got);
	add(t, &silent);
	return true;
}

bool report_tests_make(const struct report *r, const struct expect *expect, const char *file,
		       struct report_tests *out)
{
	*out = (struct report_tests){ .file = file };
	if (expect == NULL) {
		for (size_t i = 0; i < r->probe_count; i++) {
			if (!list_probe(out, r, &r->probes[i]))
				return false;
		}
		return grow(out, 0);
	}
	for (size_t i = 0; i < expect->count; i++) {
		if (!grow(out, r->probe_count))
			return false;
		judge_line(out, r, &expect->lines[i]);
	}
	return grow(out, 0);
}

void report_tests_clear(struct report_tests *t)
{
	free(t->items);
	*t = (struct report_tests){ 0 };
}

const char *report_test_word(enum report_test_result result)
{
	static const char *const words[TEST_RESULTS] = {
		[TEST_PASSED] = "met",
		[TEST_FAILED] = "missed",
		[TEST_OPEN] = "open",
		[TEST_SKIPPED] = "skipped",
	};

	return words[result];
}

static const char *family_word(uint8_t family)
{
	switch (family) {
	case ADDR_IPV4:
		return "ipv4";
	case ADDR_IPV6:
		return "ipv6";
	default:
		return "";
	}
}

const char *report_test_place(const struct report_test *t, char buf[static REPORT_TEST_TEXT_MAX])
{
	char name[REPORT_NAME_MAX];
	const char *interface =
		t->probe != NULL ? report_name(t->probe->interface, name) : t->line->interface;
	const char *family = family_word(t->probe != NULL ? t->probe->family : t->line->family);

	snprintf(buf, REPORT_TEST_TEXT_MAX, "%s%s%s", interface,
		 interface[0] != '\0' && family[0] != '\0' ? " " : "", family);
	return buf;
}

const char *report_test_name(const struct report_test *t, char buf[static REPORT_TEST_TEXT_MAX])
{
	if (t->line != NULL)
		snprintf(buf, REPORT_TEST_TEXT_MAX, "%s %s %s", t->property->name,
			 expect_operator_word((enum expect_operator)t->line->operator),
			 t->line->wanted);
	else if (t->property != NULL)
		snprintf(buf, REPORT_TEST_TEXT_MAX, "%s is known", t->property->name);
	else
		snprintf(buf, REPORT_TEST_TEXT_MAX, "a server answers");
	return buf;
}

/* Where there is no verdict that could say it. */
static const char *why_not_probed(const struct report_test *t)
{
	if (t->probe == NULL)
		return "no such interface and family was probed";
	return t->probe->verdict == NULL ? t->probe->why : verdict_cause_text(CAUSE_NO_SERVER);
}

const char *report_test_got(const struct report_test *t, char buf[static REPORT_TEST_TEXT_MAX])
{
	bool has_verdict = t->probe != NULL && t->probe->verdict != NULL;

	if (has_verdict && t->property != NULL)
		return property_print(t->property, &t->got, buf);
	snprintf(buf, REPORT_TEST_TEXT_MAX, "unknown (%s)", why_not_probed(t));
	return buf;
}
