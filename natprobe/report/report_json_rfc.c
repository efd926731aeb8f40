#include "report_json_rfc.h"

#include "grade.h"

static json_t *requirement(struct json *j, const struct grade_rule *rule, const struct verdict *v)
{
	json_t *o = json_object();
	struct grade_result got;

	grade_judge(rule, v, &got);
	json_put(j, o, "rfc", json_integer(rule->rfc));
	json_put(j, o, "number", json_string(rule->number));
	json_put(j, o, "level", json_string(grade_level_word((enum grade_level)rule->level)));
	json_put(j, o, "text", json_string(rule->text));
	json_put(j, o, "grade", json_string(grade_word((enum grade)got.grade)));
	json_put(j, o, "property", json_text(rule->property));
	json_put(j, o, "value", got.measured ? json_string(got.value.text) : json_null());
	return o;
}

json_t *json_rfc(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < grade_rule_count; i++)
		json_add(j, list, requirement(j, &grade_rules[i], v));
	return list;
}
