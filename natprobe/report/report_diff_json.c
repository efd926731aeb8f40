/* What differs between two reports, for machines. */
#include "report_diff.h"

#include "report_json_put.h"

static json_t *change(struct json *j, const struct report_change *c)
{
	bool has_values = c->property != NULL;
	json_t *o = json_object();
	char name[REPORT_NAME_MAX];

	json_put(j, o, "interface", json_string(report_name(c->probe->interface, name)));
	json_put(j, o, "family", json_string(c->probe->family == ADDR_IPV6 ? "ipv6" : "ipv4"));
	json_put(j, o, "change", json_string(report_change_word((enum report_change_kind)c->kind)));
	json_put(j, o, "is_difference", json_boolean(c->kind != CHANGE_UNKNOWN));
	json_put(j, o, "property", json_text(has_values ? c->property->name : NULL));
	json_put(j, o, "before", json_text(has_values ? c->before.text : NULL));
	json_put(j, o, "after", json_text(has_values ? c->after.text : NULL));
	return o;
}

bool report_diff_json(const struct report_diff *d, const char *before, const char *after, FILE *out)
{
	struct json j = { 0 };
	json_t *o = json_object();
	json_t *changes = json_array();

	for (size_t i = 0; i < d->count; i++)
		json_add(&j, changes, change(&j, &d->items[i]));
	json_put(&j, o, "version", json_integer(REPORT_JSON_VERSION));
	json_put(&j, o, "command", json_string("diff"));
	json_put(&j, o, "before", json_text(before));
	json_put(&j, o, "after", json_text(after));
	json_put(&j, o, "differs", json_boolean(d->differs));
	json_put(&j, o, "compared", json_integer((json_int_t)d->compared));
	json_put(&j, o, "changes", changes);
	return json_finish(&j, o, JSON_MANY_LINES, out);
}
