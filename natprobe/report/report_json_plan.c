/* Which way of connecting works with which kind of peer, for machines. */
#include "report_json_plan.h"

#include "natprobe/plan.h"

static json_t *peers(struct json *j, enum plan_class here)
{
	json_t *list = json_array();

	for (unsigned c = PLAN_OPEN; c < PLAN_CLASSES; c++) {
		struct plan_entry e = plan_between(here, (enum plan_class)c);
		json_t *o = json_object();

		json_put(j, o, "peer", json_string(plan_class_word((enum plan_class)c)));
		json_put(j, o, "strategy",
			 json_string(plan_strategy_word((enum plan_strategy)e.strategy)));
		json_put(j, o, "odds", json_string(plan_odds_word((enum plan_odds)e.odds)));
		json_add(j, list, o);
	}
	return list;
}

json_t *json_plan(struct json *j, const struct verdict *v)
{
	enum plan_class here = plan_class(v);
	json_t *o = json_object();

	json_put(j, o, "class", json_string(plan_class_word(here)));
	json_put(j, o, "peers", peers(j, here));
	json_put(j, o, "advice", json_text(plan_advice(v)));
	return o;
}
