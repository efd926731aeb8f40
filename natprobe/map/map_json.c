/* The report of natprobe map for machines; doc/natprobe-map.schema.json describes it. */
#include "map_report.h"
#include "natprobe/report/report_json_put.h"

static const char *state_word(const struct map_row *row)
{
	switch (row->lease.state) {
	case LEASE_HELD:
		return "open";
	case LEASE_ENDED:
		return row->lease.is_removed && !row->is_taken ? "closed" : "not-closed";
	default:
		return "not-opened";
	}
}

static json_t *replies(struct json *j, const struct map_row *row)
{
	json_t *o = json_object();

	for (enum lease_by by = 0; by < LEASE_BYS; by++) {
		const struct lease_reply *r = &row->lease.replies[by];
		json_t *one = json_object();

		json_put(j, one, "answer", json_string(lease_answer_word(r->answer)));
		json_put(j, one, "code",
			 r->answer == LEASE_DENIED ? json_integer(r->code) : json_null());
		json_put(j, o, lease_by_word(by), one);
	}
	return o;
}

static json_t *external_of(const struct lease *l)
{
	return l->state == LEASE_HELD ? json_addr(&l->grant.external) : json_null();
}

static json_t *port_row(struct json *j, const struct map_row *row)
{
	const struct lease *l = &row->lease;
	bool is_held = l->state == LEASE_HELD;
	json_t *o = json_object();
	char buf[MAP_TEXT_MAX];

	json_put(j, o, "port", json_integer(l->config.internal.port));
	json_put(j, o, "transport", json_string(lease_transport_word(l->config.transport)));
	json_put(j, o, "family",
		 json_string(l->config.internal.family == ADDR_IPV6 ? "ipv6" : "ipv4"));
	json_put(j, o, "state", json_string(state_word(row)));
	json_put(j, o, "granted_by",
		 is_held ? json_string(lease_by_word(l->grant.by)) : json_null());
	json_put(j, o, "interface", json_text(row->device));
	json_put(j, o, "internal", json_addr(&l->config.internal));
	json_put(j, o, "gateway", json_ip(&l->config.gateway));
	json_put(j, o, "external", external_of(l));
	json_put(j, o, "external_port",
		 is_held ? json_integer(l->grant.external.port) : json_null());
	json_put(j, o, "lifetime_s",
		 is_held && l->grant.lifetime_s != 0 ? json_integer(l->grant.lifetime_s)
						     : json_null());
	json_put(j, o, "kept", json_boolean(row->is_kept && is_held));
	json_put(j, o, "address",
		 is_held ? json_string(lease_address_word(map_row_address(row))) : json_null());
	json_put(j, o, "seen", json_ip(&row->seen));
	json_put(j, o, "renewals", json_integer(l->renewals));
	json_put(j, o, "gateway_restarts", json_integer(l->resets));
	json_put(j, o, "asked", replies(j, row));
	json_put(j, o, "problem", json_text(map_row_problem(row, buf)));
	json_put(j, o, "remedy", json_text(map_row_remedy(row, buf)));
	return o;
}

static json_t *begin(struct json *j, const char *program, const char *action, enum report_exit code)
{
	static const char *const outcomes[] = { "works", "fails", "fails", "no-gateway", "fails" };
	json_t *doc = json_object();

	json_put(j, doc, "version", json_integer(MAP_JSON_VERSION));
	json_put(j, doc, "program", json_string(program));
	json_put(j, doc, "command", json_string("map"));
	json_put(j, doc, "action", json_string(action));
	json_put(j, doc, "outcome", json_string(outcomes[code]));
	json_put(j, doc, "exit_code", json_integer((json_int_t)code));
	return doc;
}

bool map_json(const struct map_report *r, FILE *out)
{
	struct json j = { 0 };
	json_t *doc = begin(&j, r->program, r->action, map_report_exit(r));
	json_t *rows = json_array();

	for (size_t i = 0; i < r->count; i++)
		json_add(&j, rows, port_row(&j, &r->rows[i]));
	json_put(&j, doc, "ports", rows);
	return json_finish(&j, doc, r->one_line ? JSON_ONE_LINE : JSON_MANY_LINES, out);
}

static json_t *record(struct json *j, const struct lease_record *rec, uint64_t now_unix_s)
{
	bool is_for_good = rec->ends_unix_s == LEASE_FOR_GOOD;
	json_t *o = json_object();

	json_put(j, o, "transport", json_string(lease_transport_word(rec->transport)));
	json_put(j, o, "granted_by", json_string(lease_by_word(rec->by)));
	json_put(j, o, "internal", json_addr(&rec->internal));
	json_put(j, o, "gateway", json_ip(&rec->gateway));
	json_put(j, o, "external", json_addr(&rec->external));
	json_put(j, o, "external_port", json_integer(rec->external.port));
	json_put(j, o, "left_s",
		 is_for_good ? json_null()
			     : json_integer((json_int_t)(rec->ends_unix_s - now_unix_s)));
	return o;
}

static json_t *entry(struct json *j, const struct upnp_entry *e)
{
	json_t *o = json_object();

	json_put(j, o, "transport", json_string(lease_transport_word(e->transport)));
	json_put(j, o, "external_port", json_integer(e->external_port));
	json_put(j, o, "internal", json_addr(&e->internal));
	json_put(j, o, "left_s", e->lifetime_s == 0 ? json_null() : json_integer(e->lifetime_s));
	json_put(j, o, "enabled", json_boolean(e->is_enabled));
	json_put(j, o, "description", json_string(e->description));
	return o;
}

static json_t *table(struct json *j, const struct upnp_table *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->count; i++)
		json_add(j, list, entry(j, &t->entries[i]));
	return list;
}

bool map_list_json(const struct map_list *l, FILE *out)
{
	bool has_table = l->table != NULL && l->table->answer == LEASE_GRANTED;
	struct json j = { 0 };
	json_t *doc = begin(&j, l->program, "list", EXIT_REACHED);
	json_t *ours = json_array();

	for (size_t i = 0; i < l->book->count; i++)
		json_add(&j, ours, record(&j, &l->book->items[i], l->now_unix_s));
	json_put(&j, doc, "opened", ours);
	json_put(&j, doc, "gateway_external",
		 has_table ? json_ip(&l->table->external) : json_null());
	json_put(&j, doc, "gateway_table", has_table ? table(&j, l->table) : json_null());
	return json_finish(&j, doc, JSON_MANY_LINES, out);
}
