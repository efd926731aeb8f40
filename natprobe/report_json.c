/* The report for machines; doc/natprobe.schema.json describes it. */
#include "report.h"

#include <jansson.h>

/*
 * The document is built whole and printed once, so that a reader never sees half of it. A
 * failed allocation anywhere leaves `failed` behind.
 */
struct json {
	bool failed;
};

static void put(struct json *j, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		j->failed = true;
}

static void add(struct json *j, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		j->failed = true;
}

/* null for NULL. */
static json_t *text(const char *s)
{
	return s != NULL ? json_string(s) : json_null();
}

static json_t *addr_text(const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	return a->family != ADDR_NONE ? json_string(addr_print(a, buf)) : json_null();
}

static json_t *ms(uint64_t us)
{
	return json_real((double)us / 1000);
}

static const char *family_word(uint8_t family)
{
	return family == ADDR_IPV6 ? "ipv6" : "ipv4";
}

/* "reason" and "reason_text" stand beside every value; null where nothing is open. */
static void put_reason(struct json *j, json_t *o, bool has_one, uint8_t cause)
{
	enum verdict_cause c = (enum verdict_cause)cause;

	put(j, o, "reason", has_one ? json_string(verdict_cause_word(c)) : json_null());
	put(j, o, "reason_text", has_one ? json_string(verdict_cause_text(c)) : json_null());
}

static json_t *yes_no(struct json *j, const struct verdict_yes_no *v)
{
	json_t *o = json_object();

	put(j, o, "value", json_string(verdict_answer_word((enum verdict_answer)v->value)));
	put_reason(j, o, v->value == VERDICT_UNKNOWN, v->cause);
	return o;
}

static json_t *server_name(const struct verdict *v, uint8_t index)
{
	return text(index < v->server_count ? v->servers[index].name : NULL);
}

static json_t *sightings(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];
		json_t *o = json_object();

		put(j, o, "server", server_name(v, s->server));
		put(j, o, "endpoint", addr_text(&s->endpoint));
		put(j, o, "mapped", addr_text(&s->mapped));
		put(j, o, "socket", json_integer(s->slot));
		put(j, o, "sent", json_integer(s->sent));
		put(j, o, "answered", json_integer(s->answered));
		put(j, o, "unstable", json_boolean(s->unstable));
		add(j, list, o);
	}
	return list;
}

static json_t *filter_probes(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t k = 0; k < FILTER_KINDS; k++) {
		const struct verdict_filter_probe *p = &v->filter[k];
		json_t *o;

		if (p->sent == 0 && p->verify_sent == 0)
			continue;
		o = json_object();
		put(j, o, "probe", json_string(verdict_filter_word((enum verdict_filter_kind)k)));
		put(j, o, "source", addr_text(&p->source));
		put(j, o, "sent", json_integer(p->sent));
		put(j, o, "answered", json_integer(p->answered));
		put(j, o, "verify_sent", json_integer(p->verify_sent));
		put(j, o, "verify_answered", json_integer(p->verify_answered));
		add(j, list, o);
	}
	return list;
}

static json_t *possible(struct json *j, uint32_t bits)
{
	json_t *list = json_array();

	for (unsigned int b = BEHAVIOUR_NONE; b < BEHAVIOURS; b++) {
		if ((bits & BEHAVIOUR_BIT(b)) != 0)
			add(j, list,
			    json_string(verdict_behaviour_word((enum verdict_behaviour)b)));
	}
	return list;
}

static json_t *property(struct json *j, const struct verdict *v, const struct verdict_property *p,
			json_t *evidence)
{
	json_t *o = json_object();

	put(j, o, "value", json_string(verdict_behaviour_word((enum verdict_behaviour)p->value)));
	put_reason(j, o, p->value == BEHAVIOUR_UNKNOWN || p->cause != CAUSE_NONE, p->cause);
	put(j, o, "possible", possible(j, p->possible));
	put(j, o, "server", server_name(v, p->server));
	put(j, o, "error_chance", json_real(p->error));
	put(j, o, "evidence", evidence);
	return o;
}

static json_t *asked(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->server_count; i++) {
		const struct verdict_server *s = &v->servers[i];
		json_t *o = json_object();
		json_t *tcp = json_object();

		put(j, o, "server", text(s->name));
		put(j, o, "address", addr_text(&s->addr));
		put(j, o, "other_address", addr_text(&s->other));
		put(j, o, "rtt_ms", s->rtt_us > 0 ? ms(s->rtt_us) : json_null());
		put(j, o, "sent", json_integer(s->sent));
		put(j, o, "answered", json_integer(s->answered));
		put(j, tcp, "tried", json_integer(s->tcp_tried));
		put(j, tcp, "connected", json_integer(s->tcp_connected));
		put(j, tcp, "answered", json_integer(s->tcp_answered));
		put(j, tcp, "local", addr_text(&s->tcp_local));
		put(j, tcp, "mapped", addr_text(&s->tcp_mapped));
		put(j, o, "tcp", tcp);
		add(j, list, o);
	}
	return list;
}

static json_t *findings(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->finding_count; i++) {
		const struct verdict_finding *f = &v->findings[i];
		enum verdict_cause c = (enum verdict_cause)f->cause;
		json_t *o = json_object();

		put(j, o, "finding", json_string(verdict_cause_word(c)));
		put(j, o, "text", json_string(verdict_cause_text(c)));
		put(j, o, "server", server_name(v, f->server));
		put(j, o, "where", addr_text(&f->where));
		add(j, list, o);
	}
	return list;
}

static json_t *datagrams(struct json *j, const struct verdict *v)
{
	json_t *o = json_object();

	put(j, o, "sent", json_integer(v->sent));
	put(j, o, "answered", json_integer(v->answered));
	put(j, o, "send_errors", json_integer(v->send_errors));
	put(j, o, "duplicates", json_integer(v->duplicates));
	put(j, o, "stray", json_integer(v->stray));
	return o;
}

static json_t *rtt(struct json *j, const struct verdict *v)
{
	json_t *o;

	if (v->rtt_min_us == 0)
		return json_null();
	o = json_object();
	put(j, o, "min", ms(v->rtt_min_us));
	put(j, o, "max", ms(v->rtt_max_us));
	return o;
}

static json_t *legacy(struct json *j, const struct verdict *v)
{
	enum verdict_legacy l = (enum verdict_legacy)v->legacy;
	json_t *o = json_object();

	put(j, o, "p2pd", json_string(verdict_legacy_word(l)));
	put(j, o, "rfc3489", json_string(verdict_legacy_rfc3489(l)));
	return o;
}

static void put_verdict(struct json *j, json_t *o, const struct verdict *v)
{
	put(j, o, "mapped", addr_text(&v->mapped));
	put(j, o, "local_tcp", addr_text(&v->local_tcp));
	put(j, o, "mapped_tcp", addr_text(&v->mapped_tcp));
	put(j, o, "nat", yes_no(j, &v->nat));
	put(j, o, "firewall", yes_no(j, &v->firewall));
	put(j, o, "udp_blocked", yes_no(j, &v->udp_blocked));
	put(j, o, "mapping", property(j, v, &v->mapping, sightings(j, v)));
	put(j, o, "filtering", property(j, v, &v->filtering, filter_probes(j, v)));
	put(j, o, "legacy", legacy(j, v));
	put(j, o, "prospect", json_string(verdict_prospect_word(verdict_prospect(v))));
	put(j, o, "headline", json_string(verdict_headline(v)));
	put(j, o, "findings", findings(j, v));
	put(j, o, "asked", asked(j, v));
	put(j, o, "datagrams", datagrams(j, v));
	put(j, o, "rtt_ms", rtt(j, v));
	put(j, o, "window_ms", ms(v->window_us));
	put(j, o, "elapsed_ms", ms(v->elapsed_us));
}

static json_t *tls(struct json *j, const struct report_probe *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->tls_count; i++) {
		const struct report_tls *t = &p->tls[i];
		bool answered = t->mapped.family != ADDR_NONE;
		json_t *o = json_object();

		put(j, o, "server", json_string(t->server));
		put(j, o, "address", addr_text(&t->to));
		put(j, o, "connected", json_boolean(t->connected));
		put(j, o, "handshaken", json_boolean(t->handshaken));
		put(j, o, "verified", json_boolean(t->verified));
		put(j, o, "mapped", addr_text(&t->mapped));
		put(j, o, "took_ms", answered ? ms(t->took_us) : json_null());
		put(j, o, "reason", text(t->why[0] != '\0' ? t->why : NULL));
		add(j, list, o);
	}
	return list;
}

static json_t *probe(struct json *j, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;
	json_t *o = json_object();
	char name[REPORT_NAME_MAX];

	put(j, o, "interface", json_string(report_name(p->interface, name)));
	put(j, o, "family", json_string(family_word(p->family)));
	put(j, o, "outcome", json_string(report_outcome_word(report_outcome(p))));
	put(j, o, "probed", json_boolean(v != NULL));
	put(j, o, "why_not", v == NULL ? text(p->why) : json_null());
	put(j, o, "bound_to_interface", json_boolean(p->bound_to_device));
	put(j, o, "local",
	    addr_text(v != NULL && v->local.family != ADDR_NONE ? &v->local : &p->local));
	put(j, o, "tls", tls(j, p));
	if (v != NULL)
		put_verdict(j, o, v);
	return o;
}

static json_t *addrs_of(struct json *j, const struct server *s, int family)
{
	json_t *o;

	if (s->udp[family].family == ADDR_NONE && s->tcp[family].family == ADDR_NONE)
		return json_null();
	o = json_object();
	put(j, o, "udp", addr_text(&s->udp[family]));
	put(j, o, s->tls ? "tls" : "tcp", addr_text(&s->tcp[family]));
	return o;
}

static json_t *server(struct json *j, const struct server *s)
{
	json_t *o = json_object();

	put(j, o, "server", json_string(s->name));
	put(j, o, "ipv4", addrs_of(j, s, SERVER_IPV4));
	put(j, o, "ipv6", addrs_of(j, s, SERVER_IPV6));
	put(j, o, "error", text(s->why));
	return o;
}

static const char *outcome_of_all(const struct report *r)
{
	switch (report_exit(r)) {
	case EXIT_REACHED:
		return "reached";
	case EXIT_INCONCLUSIVE:
		return "inconclusive";
	default:
		return "no-server";
	}
}

static json_t *document(struct json *j, const struct report *r)
{
	json_t *o = json_object();
	json_t *servers = json_array();
	json_t *probes = json_array();

	for (size_t i = 0; i < r->server_count; i++)
		add(j, servers, server(j, &r->servers[i]));
	for (size_t i = 0; i < r->probe_count; i++)
		add(j, probes, probe(j, &r->probes[i]));
	put(j, o, "version", json_integer(REPORT_JSON_VERSION));
	put(j, o, "program", json_string(r->program));
	put(j, o, "command", json_string("check"));
	put(j, o, "outcome", json_string(outcome_of_all(r)));
	put(j, o, "exit_code", json_integer(report_exit(r)));
	put(j, o, "why", text(r->why));
	put(j, o, "servers", servers);
	put(j, o, "interfaces", probes);
	put(j, o, "elapsed_ms", json_integer((json_int_t)r->elapsed_ms));
	return o;
}

bool report_json(const struct report *r, FILE *out)
{
	struct json j = { 0 };
	json_t *o = document(&j, r);
	bool ok = !j.failed && json_dumpf(o, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0 &&
		  fputc('\n', out) != EOF && fflush(out) == 0;

	json_decref(o);
	return ok;
}
