#include "saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const nics[SIM_INTERFACES_MAX] = { "eth0", "eth1" };

void saved_write(const struct sim_config *c, struct saved *out)
{
	struct expect_subject subjects[SIM_INTERFACES_MAX];
	struct sim_result results[SIM_INTERFACES_MAX];
	size_t n = sim_run(c, results);

	for (size_t i = 0; i < n; i++)
		subjects[i] =
			(struct expect_subject){ nics[i], c->profile->family, &results[i].verdict };
	out->len = expect_save(subjects, n, out->text, sizeof(out->text));
	if (out->len >= sizeof(out->text))
		abort();
}

static void judge_line(const struct expect_line *line, const struct verdict *v,
		       const char *property, struct saved_judgement *j)
{
	struct property_value got;
	enum expect_result result = expect_judge(line, v, &got);

	if (result == EXPECT_MET)
		return;
	if (j->missed == 0 && (result == EXPECT_MISSED || j->open == 0))
		snprintf(j->first, sizeof(j->first), "%s: %s %s %s %s", line->property->name,
			 got.text, verdict_cause_word(got.cause),
			 expect_operator_word((enum expect_operator)line->operator), line->wanted);
	if (result == EXPECT_OPEN) {
		j->open++;
		return;
	}
	j->missed++;
	if (property != NULL && strcmp(line->property->name, property) == 0)
		j->names = true;
}

struct saved_judgement saved_judge(const struct saved *s, const struct sim_config *c,
				   const char *property)
{
	struct sim_result results[SIM_INTERFACES_MAX];
	struct bytes text = { (const uint8_t *)s->text, s->len };
	size_t n = sim_run(c, results);
	struct saved_judgement j = { 0 };
	struct expect_error error;
	struct expect e;

	if (!expect_parse(text, &e, &error)) {
		fprintf(stderr, "saved, line %u: %s\n", error.line, error.text);
		abort();
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < e.count; k++) {
			if (expect_applies(&e.lines[k], nics[i], c->profile->family))
				judge_line(&e.lines[k], &results[i].verdict, property, &j);
		}
	}
	expect_free(&e);
	return j;
}
