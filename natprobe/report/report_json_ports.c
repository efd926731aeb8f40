/* How a NAT picks external ports and addresses, and what is around it, for machines. */
#include "report_json_ports.h"

static json_t *port(uint16_t number)
{
	return number != 0 ? json_integer(number) : json_null();
}

static json_t *samples(struct json *j, const struct verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->sample_count; i++) {
		const struct verdict_sample *s = &v->samples[i];
		json_t *o = json_object();

		json_put(j, o, "local_port", json_integer(s->local_port));
		json_put(j, o, "mapped", json_addr(&s->mapped));
		json_put(j, o, "sent_ms", json_ms(s->sent_us));
		json_put(j, o, "serial", json_boolean(s->serial));
		json_add(j, list, o);
	}
	return list;
}

static json_t *possible_deltas(struct json *j, uint32_t bits)
{
	json_t *list = json_array();

	for (unsigned d = DELTA_NOT_APPLICABLE; d < DELTAS; d++) {
		if ((bits & 1u << d) != 0)
			json_add(j, list, json_string(verdict_delta_word((enum verdict_delta)d)));
	}
	return list;
}

static json_t *delta(struct json *j, const struct verdict_ports *p)
{
	json_t *o = json_object();

	json_put(j, o, "value", json_string(verdict_delta_word((enum verdict_delta)p->delta)));
	json_put_reason(j, o, p->delta == DELTA_UNKNOWN || p->cause != CAUSE_NONE, p->cause);
	json_put(j, o, "possible", possible_deltas(j, p->possible));
	json_put(j, o, "step", json_integer(p->value));
	json_put(j, o, "error_chance", json_share(p->error));
	return o;
}

static json_t *ports(struct json *j, const struct verdict *v)
{
	const struct verdict_ports *p = &v->ports;
	json_t *o = json_object();

	json_put(j, o, "delta", delta(j, p));
	json_put(j, o, "preserved_share", json_interval(j, &p->preserved));
	json_put(j, o, "parity", json_yes_no(j, &p->parity));
	json_put(j, o, "contiguity", json_yes_no(j, &p->contiguity));
	json_put(j, o, "low", port(p->low));
	json_put(j, o, "high", port(p->high));
	json_put(j, o, "sampled", json_integer(p->sampled));
	json_put(j, o, "answered", json_integer(p->answered));
	json_put(j, o, "samples", samples(j, v));
	return o;
}

static json_t *candidates(struct json *j, const struct verdict_prediction *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->count; i++) {
		json_t *o = json_object();

		json_put(j, o, "offset", json_integer(p->candidates[i].offset));
		json_put(j, o, "chance", json_share(p->candidates[i].chance));
		json_add(j, list, o);
	}
	return list;
}

/* null where nothing was sampled. */
static json_t *prediction(struct json *j, const struct verdict_prediction *p)
{
	json_t *o;

	if (p->count == 0 && p->high == 0)
		return json_null();
	o = json_object();
	json_put(j, o, "base", json_string(p->follows_local ? "local-port" : "last-port"));
	json_put(j, o, "last_port", port(p->last));
	json_put(j, o, "candidates", candidates(j, p));
	json_put(j, o, "low", port(p->low));
	json_put(j, o, "high", port(p->high));
	json_put(j, o, "chance", json_share(p->chance));
	return o;
}

static json_t *pooling(struct json *j, const struct verdict *v)
{
	enum verdict_pooling value = (enum verdict_pooling)v->pooling.value;
	json_t *o = json_object();
	json_t *externals = json_array();

	for (size_t i = 0; i < v->pooling.external_count; i++)
		json_add(j, externals, json_ip(&v->pooling.externals[i]));
	json_put(j, o, "value", json_string(verdict_pooling_word(value)));
	json_put_reason(j, o, value == POOLING_UNKNOWN, v->pooling.cause);
	json_put(j, o, "error_chance", json_share(v->pooling.error));
	json_put(j, o, "externals", externals);
	return o;
}

static json_t *possible_hairpins(struct json *j, uint32_t bits)
{
	json_t *list = json_array();

	for (unsigned h = HAIRPIN_NOT_APPLICABLE; h < HAIRPINS; h++) {
		if ((bits & 1u << h) != 0)
			json_add(j, list,
				 json_string(verdict_hairpin_word((enum verdict_hairpin)h)));
	}
	return list;
}

static json_t *hairpin(struct json *j, const struct verdict *v)
{
	enum verdict_hairpin value = (enum verdict_hairpin)v->hairpin.value;
	json_t *o = json_object();

	json_put(j, o, "value", json_string(verdict_hairpin_word(value)));
	json_put_reason(j, o, value == HAIRPIN_UNKNOWN, v->hairpin.cause);
	json_put(j, o, "possible", possible_hairpins(j, v->hairpin.possible));
	json_put(j, o, "error_chance", json_share(v->hairpin.error));
	json_put(j, o, "sent", json_integer(v->hairpin.sent));
	json_put(j, o, "answered", json_integer(v->hairpin.answered));
	json_put(j, o, "source", json_addr(&v->hairpin.source));
	return o;
}

void json_put_ports(struct json *j, json_t *o, const struct verdict *v)
{
	json_put(j, o, "ports", ports(j, v));
	json_put(j, o, "prediction", prediction(j, &v->prediction));
	json_put(j, o, "pooling", pooling(j, v));
	json_put(j, o, "hairpin", hairpin(j, v));
}

static json_t *portmap(struct json *j, const struct verdict_portmap *p)
{
	json_t *o = json_yes_no(j, &p->present);

	json_put(j, o, "external", json_ip(&p->external));
	json_put(j, o, "result", json_integer(p->result));
	return o;
}

static json_t *cgn(struct json *j, const struct verdict *v)
{
	json_t *o = json_yes_no(j, &v->cgn);
	json_t *hints = json_array();

	for (unsigned hint = CGN_LOCAL_SHARED; hint <= CGN_LOCAL_DS_LITE; hint <<= 1) {
		if ((v->cgn_hints & hint) != 0)
			json_add(j, hints,
				 json_string(verdict_cgn_word((enum verdict_cgn_hint)hint)));
	}
	json_put(j, o, "hints", hints);
	return o;
}

static json_t *nat64(struct json *j, const struct verdict *v)
{
	json_t *o = json_yes_no(j, &v->nat64);

	json_put(j, o, "prefix", json_ip(&v->nat64_prefix));
	json_put(j, o, "prefix_len", json_integer(v->nat64_prefix_len));
	return o;
}

static json_t *rate_limit(struct json *j, const struct verdict *v)
{
	json_t *o = json_yes_no(j, &v->rate_limit);

	json_put(j, o, "per_s",
		 v->rate_limit_per_s != 0 ? json_integer(v->rate_limit_per_s) : json_null());
	return o;
}

/* null where no database was given, or it knows nothing. */
static json_t *geo(struct json *j, const struct verdict_geo *g)
{
	json_t *o;

	if (g->country[0] == '\0' && g->asn == 0 && g->organisation[0] == '\0')
		return json_null();
	o = json_object();
	json_put(j, o, "country", json_text(g->country[0] != '\0' ? g->country : NULL));
	json_put(j, o, "asn", g->asn != 0 ? json_integer(g->asn) : json_null());
	json_put(j, o, "organisation",
		 json_text(g->organisation[0] != '\0' ? g->organisation : NULL));
	return o;
}

void json_put_gateway(struct json *j, json_t *o, const struct verdict *v)
{
	json_put(j, o, "gateway", json_ip(&v->gateway));
	json_put(j, o, "pcp", portmap(j, &v->pcp));
	json_put(j, o, "nat_pmp", portmap(j, &v->nat_pmp));
	json_put(j, o, "upnp", portmap(j, &v->upnp));
	json_put(j, o, "cgn", cgn(j, v));
	json_put(j, o, "captive_portal", json_yes_no(j, &v->captive_portal));
	json_put(j, o, "nat64", nat64(j, v));
	json_put(j, o, "rate_limit", rate_limit(j, v));
	json_put(j, o, "geo", geo(j, &v->geo));
}
