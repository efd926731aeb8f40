/* The report of natprobe relay for machines; doc/natprobe-relay.schema.json describes it. */
#include "relay_report.h"
#include "natprobe/report/report_json_put.h"
#include "turn_resolve.h"

static json_t *loop(struct json *j, const struct relay_result *r, const struct relay_loop *l)
{
	bool is_back = l->returned > 0;
	json_t *o = json_object();

	json_put(j, o, "state", json_string(relay_path_word(l->state)));
	json_put(j, o, "code", l->code != 0 ? json_integer(l->code) : json_null());
	json_put(j, o, "sent", json_integer(l->sent));
	json_put(j, o, "arrived", json_integer(l->arrived));
	json_put(j, o, "returned", json_integer(l->returned));
	json_put(j, o, "loss_there", json_share(relay_loss(l->sent, l->arrived)));
	json_put(j, o, "loss_back", json_share(relay_loss(l->arrived, l->returned)));
	json_put(j, o, "rtt_min_ms", is_back ? json_ms(l->rtt_min_us) : json_null());
	json_put(j, o, "rtt_median_ms", is_back ? json_ms(l->rtt_median_us) : json_null());
	json_put(j, o, "rtt_p95_ms", is_back ? json_ms(l->rtt_p95_us) : json_null());
	json_put(j, o, "rtt_max_ms", is_back ? json_ms(l->rtt_max_us) : json_null());
	json_put(j, o, "bits_per_s", json_integer((json_int_t)relay_report_rate(r, l)));
	return o;
}

static json_t *families(struct json *j, const struct relay_result *r)
{
	json_t *list = json_array();

	for (int f = 0; f < RELAY_FAMILIES; f++) {
		const struct relay_family *from = &r->families[f];
		json_t *o, *relayed;

		if (from->relayed[0].family == ADDR_NONE && from->relayed[1].family == ADDR_NONE)
			continue;
		o = json_object();
		relayed = json_array();
		for (size_t i = 0; i < ARRAY_LEN(from->relayed); i++)
			json_add(j, relayed, json_addr(&from->relayed[i]));
		json_put(j, o, "family", json_string(f == RELAY_IPV6 ? "ipv6" : "ipv4"));
		json_put(j, o, "relayed", relayed);
		json_put(j, o, "loop", loop(j, r, &from->loop));
		json_add(j, list, o);
	}
	return list;
}

static json_t *path(struct json *j, const struct relay_path *p)
{
	json_t *o = json_object();

	json_put(j, o, "state", json_string(relay_path_word(p->state)));
	json_put(j, o, "code", p->code != 0 ? json_integer(p->code) : json_null());
	json_put(j, o, "sent", json_integer(p->sent));
	json_put(j, o, "arrived", json_integer(p->arrived));
	json_put(j, o, "from", json_addr(&p->from));
	return o;
}

/* What went wrong with the connection or with a request says more than that something did. */
static const char *word_of(const struct relay_result *r, const struct relay_finding *f)
{
	bool is_dial = f->kind == RELAY_FOUND_DIAL ||
		       (f->kind == RELAY_FOUND_CLIENT && r->dial.cause != DIAL_FINE);

	return is_dial ? dial_cause_word(r->dial.cause) : relay_finding_word(f->kind);
}

static json_t *finding(struct json *j, const struct relay_result *r, const struct relay_finding *f)
{
	bool has_code = f->kind == RELAY_FOUND_CLIENT || f->kind == RELAY_FOUND_SECOND ||
			f->kind == RELAY_FOUND_EXPIRED;
	json_t *o = json_object();
	char buf[RELAY_TEXT_MAX];

	json_put(j, o, "finding", json_string(word_of(r, f)));
	json_put(j, o, "failure", json_boolean(f->is_failure));
	json_put(j, o, "code",
		 has_code && r->client.code != 0 ? json_integer(r->client.code) : json_null());
	json_put(j, o, "address", json_addr(&f->addr));
	json_put(j, o, "text", json_text(relay_finding_text(r, f, buf)));
	json_put(j, o, "remedy", json_text(relay_finding_remedy(r, f, buf)));
	return o;
}

static json_t *findings(struct json *j, const struct relay_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->finding_count; i++)
		json_add(j, list, finding(j, r, &r->findings[i]));
	return list;
}

static json_t *trial(struct json *j, const struct relay_row *row)
{
	const struct relay_result *r = &row->result;
	json_t *o = json_object();

	json_put(j, o, "transport", json_string(turn_transport_word(r->transport)));
	json_put(j, o, "server", json_addr(&r->to));
	json_put(j, o, "redirected", json_addr(&r->redirected));
	json_put(j, o, "verdict", json_string(relay_verdict_word(r->verdict)));
	json_put(j, o, "allocated", json_boolean(r->is_allocated));
	json_put(j, o, "mapped", json_addr(&r->mapped));
	json_put(j, o, "lifetime_s", r->is_allocated ? json_integer(r->lifetime_s) : json_null());
	json_put(j, o, "connect_ms", r->connect_us != 0 ? json_ms(r->connect_us) : json_null());
	json_put(j, o, "allocate_ms", r->allocate_us != 0 ? json_ms(r->allocate_us) : json_null());
	json_put(j, o, "second_family_code",
		 r->other_refused != 0 ? json_integer(r->other_refused) : json_null());
	json_put(j, o, "packet_bytes", json_integer(r->packet_len));
	json_put(j, o, "families", families(j, r));
	json_put(j, o, "in", path(j, &r->in));
	json_put(j, o, "out", path(j, &r->out));
	json_put(j, o, "certificate_problem",
		 json_text(row->certificate[0] != '\0' ? row->certificate : NULL));
	json_put(j, o, "findings", findings(j, r));
	return o;
}

static const char *outcome(enum report_exit code)
{
	switch (code) {
	case EXIT_REACHED:
		return "works";
	case EXIT_NO_SERVER:
		return "no-server";
	case EXIT_INCONCLUSIVE:
		return "inconclusive";
	default:
		return "fails";
	}
}

bool relay_json(const struct relay_report *r, FILE *out)
{
	enum report_exit code = relay_report_exit(r);
	struct json j = { 0 };
	json_t *doc = json_object(), *trials = json_array();

	for (size_t i = 0; i < r->count; i++)
		json_add(&j, trials, trial(&j, &r->rows[i]));
	json_put(&j, doc, "version", json_integer(RELAY_JSON_VERSION));
	json_put(&j, doc, "program", json_string(r->program));
	json_put(&j, doc, "command", json_string("relay"));
	json_put(&j, doc, "uri", json_text(r->uri));
	json_put(&j, doc, "outcome", json_string(outcome(code)));
	json_put(&j, doc, "exit_code", json_integer((json_int_t)code));
	json_put(&j, doc, "why", json_text(r->why));
	json_put(&j, doc, "elapsed_ms", json_integer((json_int_t)r->elapsed_ms));
	json_put(&j, doc, "trials", trials);
	return json_finish(&j, doc, JSON_MANY_LINES, out);
}
