/* A plan for machines. */
#include "plan_report.h"

#include "natprobe/report/report_json_put.h"

static const char *side_word(uint8_t side)
{
	static const char *const words[] = { [PUNCH_SIDE_NONE] = "none",
					     [PUNCH_SIDE_A] = "a",
					     [PUNCH_SIDE_B] = "b",
					     [PUNCH_SIDE_BOTH] = "both" };

	return words[side <= PUNCH_SIDE_BOTH ? side : PUNCH_SIDE_NONE];
}

static json_t *part_json(struct json *j, const struct plan_report *r, size_t side,
			 const struct punch_part *part)
{
	const struct peer_profile *p = r->profiles[side];
	bool has_path = part->path < p->path_count;
	json_t *o = json_object();
	char name[REPORT_NAME_MAX];

	json_put(j, o, "interface",
		 json_text(has_path ? report_name(r->names[side][part->path], name) : NULL));
	json_put(j, o, "opens", json_boolean(part->opens));
	json_put(j, o, "opener_ttl",
		 part->opener_ttl != 0 ? json_integer(part->opener_ttl) : json_null());
	json_put(j, o, "opener_ttl_more", json_integer(part->opener_rungs));
	json_put(j, o, "sockets", json_integer(part->sockets));
	json_put(j, o, "ports", json_integer(part->ports));
	json_put(j, o, "port_low", part->low != 0 ? json_integer(part->low) : json_null());
	json_put(j, o, "port_high", part->low != 0 ? json_integer(part->high) : json_null());
	return o;
}

static json_t *step_json(struct json *j, const struct plan_report *r, const struct punch_step *s)
{
	json_t *o = json_object();

	json_put(j, o, "strategy",
		 json_string(punch_strategy_word((enum punch_strategy)s->strategy)));
	json_put(j, o, "transport", json_string(s->is_tcp ? "tcp" : "udp"));
	json_put(j, o, "family", json_string(s->family == ADDR_IPV6 ? "ipv6" : "ipv4"));
	json_put(j, o, "local", json_boolean(s->is_local));
	json_put(j, o, "set", json_integer(s->set));
	json_put(j, o, "start_ms", json_ms(s->start_us));
	json_put(j, o, "duration_ms", json_ms(s->duration_us));
	json_put(j, o, "chance", json_share(s->chance));
	json_put(j, o, "a", part_json(j, r, 0, &s->a));
	json_put(j, o, "b", part_json(j, r, 1, &s->b));
	return o;
}

static json_t *side_json(struct json *j, const struct plan_report *r, size_t side)
{
	const struct peer_profile *p = r->profiles[side];
	json_t *o = json_object(), *paths = json_array();
	char name[REPORT_NAME_MAX];

	for (size_t i = 0; i < p->path_count; i++) {
		json_t *path = json_object();

		json_put(j, path, "interface", json_string(report_name(r->names[side][i], name)));
		json_put(j, path, "family",
			 json_string(p->paths[i].family == ADDR_IPV6 ? "ipv6" : "ipv4"));
		json_add(j, paths, path);
	}
	json_put(j, o, "file", json_text(r->files[side]));
	json_put(j, o, "paths", paths);
	return o;
}

bool plan_report_json(const struct plan_report *r, FILE *out)
{
	const struct punch_plan *plan = r->plan;
	bool has_reason = plan->reason != REASON_NONE;
	struct json j = { 0 };
	json_t *o = json_object(), *steps = json_array();

	for (size_t i = 0; i < plan->count; i++)
		json_add(&j, steps, step_json(&j, r, &plan->steps[i]));
	json_put(&j, o, "version", json_integer(REPORT_JSON_VERSION));
	json_put(&j, o, "command", json_string("plan"));
	json_put(&j, o, "a", side_json(&j, r, 0));
	json_put(&j, o, "b", side_json(&j, r, 1));
	json_put(&j, o, "chance", json_share(plan->chance));
	json_put(&j, o, "chance_relay", json_share(plan->chance_relay));
	json_put(&j, o, "reason",
		 json_text(has_reason ? punch_reason_word((enum punch_reason)plan->reason) : NULL));
	json_put(&j, o, "side", json_text(has_reason ? side_word(plan->side) : NULL));
	json_put(&j, o, "steps", steps);
	return json_finish(&j, o, JSON_MANY_LINES, out);
}
