/* What was found out from one local address, for machines. */
#include "report_json_verdict.h"

#include <math.h>

#include "property.h"
#include "report_json_deep.h"
#include "report_json_plan.h"
#include "report_json_ports.h"
#include "report_json_rfc.h"
#include "turn_resolve.h"

static json_t *server_name(const struct verdict *v, uint8_t index)
{
	return json_text(index < v->server_count ? v->servers[index].name : NULL);
}

static json_t *sightings(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];
		json_t *o = json_object();

		json_put(j, o, "server", server_name(v, s->server));
		json_put(j, o, "endpoint", json_addr(&s->endpoint));
		json_put(j, o, "local", json_addr(&s->local));
		json_put(j, o, "mapped", json_addr(&s->mapped));
		json_put(j, o, "socket", json_integer(s->slot));
		json_put(j, o, "sent", json_integer(s->sent));
		json_put(j, o, "answered", json_integer(s->answered));
		json_put(j, o, "unstable", json_boolean(s->unstable));
		json_add(j, list, o);
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
		json_put(j, o, "probe",
			 json_string(verdict_filter_word((enum verdict_filter_kind)k)));
		json_put(j, o, "source", json_addr(&p->source));
		json_put(j, o, "sent", json_integer(p->sent));
		json_put(j, o, "answered", json_integer(p->answered));
		json_put(j, o, "verify_sent", json_integer(p->verify_sent));
		json_put(j, o, "verify_answered", json_integer(p->verify_answered));
		json_add(j, list, o);
	}
	return list;
}

static json_t *possible(struct json *j, uint32_t bits)
{
	json_t *list = json_array();

	for (unsigned int b = BEHAVIOUR_NONE; b < BEHAVIOURS; b++) {
		if ((bits & BEHAVIOUR_BIT(b)) != 0)
			json_add(j, list,
				 json_string(verdict_behaviour_word((enum verdict_behaviour)b)));
	}
	return list;
}

static json_t *property(struct json *j, const struct verdict *v, const struct verdict_property *p,
			json_t *evidence)
{
	json_t *o = json_object();

	json_put(j, o, "value",
		 json_string(verdict_behaviour_word((enum verdict_behaviour)p->value)));
	json_put_reason(j, o, p->value == BEHAVIOUR_UNKNOWN || p->cause != CAUSE_NONE, p->cause);
	json_put(j, o, "possible", possible(j, p->possible));
	json_put(j, o, "server", server_name(v, p->server));
	json_put(j, o, "error_chance", json_share(p->error));
	if (evidence != NULL)
		json_put(j, o, "evidence", evidence);
	return o;
}

static json_t *asked(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->server_count; i++) {
		const struct verdict_server *s = &v->servers[i];
		json_t *o = json_object();
		json_t *tcp = json_object();

		json_put(j, o, "server", json_text(s->name));
		json_put(j, o, "address", json_addr(&s->addr));
		json_put(j, o, "other_address", json_addr(&s->other));
		json_put(j, o, "rtt_ms", s->rtt_us > 0 ? json_ms(s->rtt_us) : json_null());
		json_put(j, o, "sent", json_integer(s->sent));
		json_put(j, o, "answered", json_integer(s->answered));
		json_put(j, tcp, "tried", json_integer(s->tcp_tried));
		json_put(j, tcp, "connected", json_integer(s->tcp_connected));
		json_put(j, tcp, "answered", json_integer(s->tcp_answered));
		json_put(j, tcp, "local", json_addr(&s->tcp_local));
		json_put(j, tcp, "mapped", json_addr(&s->tcp_mapped));
		json_put(j, o, "tcp", tcp);
		json_add(j, list, o);
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

		json_put(j, o, "finding", json_string(verdict_cause_word(c)));
		json_put(j, o, "text", json_string(verdict_cause_text(c)));
		json_put(j, o, "server", server_name(v, f->server));
		json_put(j, o, "where", json_addr(&f->where));
		json_add(j, list, o);
	}
	return list;
}

static json_t *filtering_tcp(struct json *j, const struct deep_value *v)
{
	const struct property *p = property_find("filtering.tcp");
	bool is_known = v->state == DEEP_WORD;
	json_t *o = json_object();

	json_put(j, o, "value", json_string(is_known ? p->words[v->word] : "unknown"));
	json_put_reason(j, o, !is_known, v->cause);
	json_put(j, o, "error_chance", json_share(v->error));
	json_put(j, o, "tried", json_integer(v->sent));
	json_put(j, o, "arrived", json_integer(v->answered));
	return o;
}

/* What a TURN server showed that relays to us from its address. */
static json_t *turn(struct json *j, const struct verdict *v)
{
	const struct verdict_turn *t = &v->turn;
	json_t *o;

	if (!t->tried)
		return json_null();
	o = json_object();
	json_put(j, o, "server", server_name(v, t->server));
	json_put(j, o, "transport", json_string(turn_transport_word(t->transport)));
	json_put(j, o, "why_not", json_text(t->why));
	json_put(j, o, "code", t->code != 0 ? json_integer(t->code) : json_null());
	json_put(j, o, "relayed", json_addr(&t->relayed[0]));
	json_put(j, o, "relayed_too", json_addr(&t->relayed[1]));
	json_put(j, o, "filtering", property(j, v, &t->filtering, NULL));
	json_put(j, o, "filtering_tcp", filtering_tcp(j, &t->filtering_tcp));
	return o;
}

static json_t *datagrams(struct json *j, const struct verdict *v)
{
	json_t *o = json_object();

	json_put(j, o, "sent", json_integer(v->sent));
	json_put(j, o, "answered", json_integer(v->answered));
	json_put(j, o, "send_errors", json_integer(v->send_errors));
	json_put(j, o, "duplicates", json_integer(v->duplicates));
	json_put(j, o, "stray", json_integer(v->stray));
	return o;
}

static json_t *rtt(struct json *j, const struct verdict *v)
{
	json_t *o;

	if (v->rtt_min_us == 0)
		return json_null();
	o = json_object();
	json_put(j, o, "min", json_ms(v->rtt_min_us));
	json_put(j, o, "max", json_ms(v->rtt_max_us));
	return o;
}

static json_t *legacy(struct json *j, const struct verdict *v)
{
	enum verdict_legacy l = (enum verdict_legacy)v->legacy;
	json_t *o = json_object();

	json_put(j, o, "p2pd", json_string(verdict_legacy_word(l)));
	json_put(j, o, "rfc3489", json_string(verdict_legacy_rfc3489(l)));
	return o;
}

static json_t *confidence(struct json *j, const struct verdict *v)
{
	json_t *o = json_object();

	json_put(j, o, "asked", json_real(v->confidence_asked));
	json_put(j, o, "reached", json_real(v->confidence));
	return o;
}

static json_t *value_of(const struct property *p, const struct property_value *got)
{
	if (p->kind == PROPERTY_INTEGER && got->known && got->applies)
		return json_integer((json_int_t)got->integer);
	return json_string(got->text);
}

static json_t *property_by_name(struct json *j, const struct property *p, const struct verdict *v)
{
	struct property_value got;
	json_t *o = json_object();

	property_get(p, v, &got);
	json_put(j, o, "value", value_of(p, &got));
	if (p->kind == PROPERTY_MEASURE && got.known && got.applies) {
		json_put(j, o, "low", json_share(got.low));
		if (isfinite(got.high))
			json_put(j, o, "high", json_share(got.high));
		json_put(j, o, "unit", json_string(p->unit));
	}
	if (!got.known)
		json_put(j, o, "reason", json_string(verdict_cause_word(got.cause)));
	return o;
}

/* Once more in short, by the names that expectations use. */
static json_t *properties(struct json *j, const struct verdict *v)
{
	json_t *o = json_object();

	for (size_t i = 0; i < property_count; i++) {
		const struct property *p = &property_table[i];

		if (property_is_asked(p, v))
			json_put(j, o, p->name, property_by_name(j, p, v));
	}
	return o;
}

void json_put_verdict(struct json *j, json_t *o, const struct verdict *v)
{
	json_put(j, o, "mapped", json_addr(&v->mapped));
	json_put(j, o, "local_tcp", json_addr(&v->local_tcp));
	json_put(j, o, "mapped_tcp", json_addr(&v->mapped_tcp));
	json_put(j, o, "nat", json_yes_no(j, &v->nat));
	json_put(j, o, "firewall", json_yes_no(j, &v->firewall));
	json_put(j, o, "udp_blocked", json_yes_no(j, &v->udp_blocked));
	json_put(j, o, "mapping", property(j, v, &v->mapping, sightings(j, v)));
	json_put(j, o, "mapping_tcp", property(j, v, &v->mapping_tcp, NULL));
	json_put(j, o, "filtering", property(j, v, &v->filtering, filter_probes(j, v)));
	json_put(j, o, "legacy", legacy(j, v));
	json_put_ports(j, o, v);
	json_put_gateway(j, o, v);
	json_put(j, o, "prospect", json_string(verdict_prospect_word(verdict_prospect(v))));
	json_put(j, o, "headline", json_string(verdict_headline(v)));
	json_put(j, o, "plan", json_plan(j, v));
	json_put(j, o, "findings", findings(j, v));
	json_put(j, o, "turn", turn(j, v));
	json_put(j, o, "deep", json_deep(j, v));
	json_put(j, o, "asked", asked(j, v));
	json_put(j, o, "datagrams", datagrams(j, v));
	json_put(j, o, "rtt_ms", rtt(j, v));
	json_put(j, o, "loss_share", json_interval(j, &v->loss));
	json_put(j, o, "confidence", confidence(j, v));
	json_put(j, o, "window_ms", json_ms(v->window_us));
	json_put(j, o, "elapsed_ms", json_ms(v->elapsed_us));
	json_put(j, o, "properties", properties(j, v));
	json_put(j, o, "requirements", json_rfc(j, v));
}
