/* The report for machines; doc/natprobe.schema.json describes it. */
#include "report_json.h"

#include "report_json_put.h"
#include "report_json_verdict.h"
#include "report_tests.h"

static const char *family_word(uint8_t family)
{
	return family == ADDR_IPV6 ? "ipv6" : "ipv4";
}

static json_t *tls(struct json *j, const struct report_probe *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->tls_count; i++) {
		const struct report_tls *t = &p->tls[i];
		bool answered = t->mapped.family != ADDR_NONE;
		json_t *o = json_object();

		json_put(j, o, "server", json_string(t->server));
		json_put(j, o, "address", json_addr(&t->to));
		json_put(j, o, "connected", json_boolean(t->connected));
		json_put(j, o, "handshaken", json_boolean(t->handshaken));
		json_put(j, o, "verified", json_boolean(t->verified));
		json_put(j, o, "mapped", json_addr(&t->mapped));
		json_put(j, o, "took_ms", answered ? json_ms(t->took_us) : json_null());
		json_put(j, o, "reason", json_text(t->why[0] != '\0' ? t->why : NULL));
		json_add(j, list, o);
	}
	return list;
}

static json_t *probe(struct json *j, const struct report_probe *p)
{
	const struct verdict *v = p->verdict;
	json_t *o = json_object();
	char name[REPORT_NAME_MAX];

	json_put(j, o, "interface", json_string(report_name(p->interface, name)));
	json_put(j, o, "family", json_string(family_word(p->family)));
	json_put(j, o, "outcome", json_string(report_outcome_word(report_outcome(p))));
	json_put(j, o, "probed", json_boolean(v != NULL));
	json_put(j, o, "why_not", v == NULL ? json_text(p->why) : json_null());
	json_put(j, o, "bound_to_interface", json_boolean(p->bound_to_device));
	json_put(j, o, "local",
		 json_addr(v != NULL && v->local.family != ADDR_NONE ? &v->local : &p->local));
	json_put(j, o, "tls", tls(j, p));
	if (v != NULL)
		json_put_verdict(j, o, v);
	return o;
}

static json_t *addrs_of(struct json *j, const struct server *s, int family)
{
	json_t *o;

	if (s->udp[family].family == ADDR_NONE && s->tcp[family].family == ADDR_NONE)
		return json_null();
	o = json_object();
	json_put(j, o, "udp", json_addr(&s->udp[family]));
	json_put(j, o, s->tls ? "tls" : "tcp", json_addr(&s->tcp[family]));
	return o;
}

static json_t *server(struct json *j, const struct server *s)
{
	json_t *o = json_object();

	json_put(j, o, "server", json_string(s->name));
	json_put(j, o, "ipv4", addrs_of(j, s, SERVER_IPV4));
	json_put(j, o, "ipv6", addrs_of(j, s, SERVER_IPV6));
	json_put(j, o, "error", json_text(s->why));
	return o;
}

/* Of the probes, whatever was expected of them. */
static const char *outcome_of_all(const struct report *r)
{
	struct report bare = *r;

	bare.expectations = NULL;
	switch (report_exit(&bare)) {
	case EXIT_REACHED:
		return "reached";
	case EXIT_INCONCLUSIVE:
		return "inconclusive";
	default:
		return "no-server";
	}
}

static json_t *expectation(struct json *j, const struct report_test *t)
{
	const struct expect_line *line = t->line;
	bool has_probe = t->probe != NULL;
	uint8_t family = has_probe ? t->probe->family : line->family;
	json_t *o = json_object();
	char name[REPORT_NAME_MAX];
	char expected[REPORT_TEST_TEXT_MAX];

	report_name(has_probe ? t->probe->interface : line->interface, name);
	snprintf(expected, sizeof(expected), "%s %s",
		 expect_operator_word((enum expect_operator)line->operator), line->wanted);
	json_put(j, o, "line", json_integer(line->line));
	json_put(j, o, "interface", json_text(name[0] != '\0' ? name : NULL));
	json_put(j, o, "family", json_text(family != ADDR_NONE ? family_word(family) : NULL));
	json_put(j, o, "property", json_string(t->property->name));
	json_put(j, o, "expected", json_string(expected));
	json_put(j, o, "result", json_string(report_test_word((enum report_test_result)t->result)));
	json_put(j, o, "got", json_string(t->got.text));
	json_put(j, o, "reason",
		 t->got.known ? json_null() : json_string(verdict_cause_word(t->got.cause)));
	return o;
}

static json_t *expectations(struct json *j, const struct report_tests *t)
{
	json_t *o = json_object();
	json_t *lines = json_array();

	for (size_t i = 0; i < t->count; i++)
		json_add(j, lines, expectation(j, &t->items[i]));
	json_put(j, o, "file", json_text(t->file));
	json_put(j, o, "met", json_integer((json_int_t)t->by_result[TEST_PASSED]));
	json_put(j, o, "missed", json_integer((json_int_t)t->by_result[TEST_FAILED]));
	json_put(j, o, "open", json_integer((json_int_t)t->by_result[TEST_OPEN]));
	json_put(j, o, "lines", lines);
	return o;
}

static json_t *document(struct json *j, const struct report *r)
{
	json_t *o = json_object();
	json_t *servers = json_array();
	json_t *probes = json_array();

	for (size_t i = 0; i < r->server_count; i++)
		json_add(j, servers, server(j, &r->servers[i]));
	for (size_t i = 0; i < r->probe_count; i++)
		json_add(j, probes, probe(j, &r->probes[i]));
	json_put(j, o, "version", json_integer(REPORT_JSON_VERSION));
	json_put(j, o, "program", json_string(r->program));
	json_put(j, o, "command", json_string("check"));
	json_put(j, o, "outcome", json_string(outcome_of_all(r)));
	json_put(j, o, "exit_code", json_integer(report_exit(r)));
	json_put(j, o, "why", json_text(r->why));
	json_put(j, o, "servers", servers);
	json_put(j, o, "interfaces", probes);
	if (r->expectations != NULL)
		json_put(j, o, "expectations", expectations(j, r->expectations));
	json_put(j, o, "elapsed_ms", json_integer((json_int_t)r->elapsed_ms));
	if (r->time != NULL)
		json_put(j, o, "time", json_string(r->time));
	return o;
}

bool report_json(const struct report *r, FILE *out)
{
	struct json j = { 0 };
	json_t *o = document(&j, r);

	return json_finish(&j, o, JSON_MANY_LINES, out);
}

bool report_json_line(const struct report *r, FILE *out)
{
	struct json j = { 0 };
	json_t *o = document(&j, r);

	return json_finish(&j, o, JSON_ONE_LINE, out);
}
