/* How a NAT picks external ports and addresses, and what is around it, read back. */
#include "report_read_ports.h"

#include <string.h>

static uint16_t get_port(struct get *g, const json_t *o, const char *key)
{
	return (uint16_t)get_count(g, o, key, UINT16_MAX);
}

static void get_samples(struct get *g, const json_t *ports, struct verdict *v)
{
	const json_t *list = get_array(g, ports, "samples", VERDICT_SAMPLES_MAX);
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		v->samples[v->sample_count++] = (struct verdict_sample){
			.local_port = get_port(g, o, "local_port"),
			.mapped = get_addr(g, o, "mapped"),
			.sent_us = get_us(g, o, "sent_ms"),
			.serial = get_bool(g, o, "serial"),
		};
	}
}

static void get_allocation(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *ports = get_object(g, o, "ports");
	const json_t *delta = get_object(g, ports, "delta");
	uint8_t value = get_word(g, delta, "value", GET_DELTA);

	v->ports = (struct verdict_ports){
		.delta = value,
		.cause = get_cause(g, delta, value),
		.value = (int32_t)get_integer(g, delta, "step", -UINT16_MAX, UINT16_MAX),
		.possible = get_bits(g, delta, "possible", GET_DELTA),
		.error = get_share(g, delta, "error_chance"),
		.preserved = get_interval(g, ports, "preserved_share"),
		.parity = get_yes_no(g, ports, "parity"),
		.contiguity = get_yes_no(g, ports, "contiguity"),
		.low = get_port(g, ports, "low"),
		.high = get_port(g, ports, "high"),
		.sampled = (uint16_t)get_count(g, ports, "sampled", UINT16_MAX),
		.answered = (uint16_t)get_count(g, ports, "answered", UINT16_MAX),
	};
	get_samples(g, ports, v);
}

static bool follows_local(struct get *g, const json_t *prediction)
{
	const char *base = get_text(g, prediction, "base");

	if (base != NULL && strcmp(base, "local-port") != 0 && strcmp(base, "last-port") != 0)
		get_fail(g, "base", "is neither local-port nor last-port");
	return base != NULL && strcmp(base, "local-port") == 0;
}

static void get_prediction(struct get *g, const json_t *o, struct verdict_prediction *p)
{
	const json_t *prediction = get_object(g, o, "prediction");
	const json_t *list = get_array(g, prediction, "candidates", VERDICT_PREDICTIONS_MAX);
	const json_t *item;
	size_t i;

	p->follows_local = follows_local(g, prediction);
	p->last = get_port(g, prediction, "last_port");
	p->low = get_port(g, prediction, "low");
	p->high = get_port(g, prediction, "high");
	p->chance = get_share(g, prediction, "chance");
	json_array_foreach(list, i, item) {
		p->candidates[p->count].offset =
			(int32_t)get_integer(g, item, "offset", -UINT16_MAX, UINT16_MAX);
		p->candidates[p->count].chance = get_share(g, item, "chance");
		p->count++;
	}
}

static void get_pooling(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *pooling = get_object(g, o, "pooling");
	const json_t *list = get_array(g, pooling, "externals", VERDICT_EXTERNALS_MAX);
	const json_t *text;
	size_t i;

	v->pooling.value = get_word(g, pooling, "value", GET_POOLING);
	v->pooling.cause = get_cause_of_unknown(g, pooling, v->pooling.value);
	v->pooling.error = get_share(g, pooling, "error_chance");
	json_array_foreach(list, i, text)
		v->pooling.externals[v->pooling.external_count++] = get_ip_of(g, text, "externals");
}

static void get_hairpin(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *hairpin = get_object(g, o, "hairpin");

	v->hairpin.value = get_word(g, hairpin, "value", GET_HAIRPIN);
	v->hairpin.cause = get_cause_of_unknown(g, hairpin, v->hairpin.value);
	v->hairpin.possible = get_bits(g, hairpin, "possible", GET_HAIRPIN);
	v->hairpin.error = get_share(g, hairpin, "error_chance");
	v->hairpin.sent = (uint16_t)get_count(g, hairpin, "sent", UINT16_MAX);
	v->hairpin.answered = (uint16_t)get_count(g, hairpin, "answered", UINT16_MAX);
	v->hairpin.source = get_addr(g, hairpin, "source");
}

void get_ports(struct get *g, const json_t *o, struct verdict *v)
{
	get_allocation(g, o, v);
	get_prediction(g, o, &v->prediction);
	get_pooling(g, o, v);
	get_hairpin(g, o, v);
}

static struct verdict_portmap get_portmap(struct get *g, const json_t *o, const char *key)
{
	const json_t *value = get_object(g, o, key);

	return (struct verdict_portmap){
		.present = get_yes_no(g, o, key),
		.external = get_ip(g, value, "external"),
		.result = (uint16_t)get_count(g, value, "result", UINT16_MAX),
	};
}

static void get_geo(struct get *g, const json_t *o, struct verdict_geo *out)
{
	const json_t *geo = get_object(g, o, "geo");
	const char *country = get_text(g, geo, "country");
	const char *organisation = get_text(g, geo, "organisation");

	out->asn = (uint32_t)get_count(g, geo, "asn", UINT32_MAX);
	if (country != NULL && strlen(country) >= sizeof(out->country))
		get_fail(g, "country", "is no code of two letters");
	else if (country != NULL)
		snprintf(out->country, sizeof(out->country), "%s", country);
	if (organisation != NULL)
		snprintf(out->organisation, sizeof(out->organisation), "%s", organisation);
}

void get_gateway(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *cgn = get_object(g, o, "cgn");
	const json_t *nat64 = get_object(g, o, "nat64");
	const json_t *rate_limit = get_object(g, o, "rate_limit");

	v->gateway = get_ip(g, o, "gateway");
	v->pcp = get_portmap(g, o, "pcp");
	v->nat_pmp = get_portmap(g, o, "nat_pmp");
	v->upnp = get_portmap(g, o, "upnp");
	v->cgn = get_yes_no(g, o, "cgn");
	v->cgn_hints = (uint8_t)get_bits(g, cgn, "hints", GET_CGN);
	v->captive_portal = get_yes_no(g, o, "captive_portal");
	v->nat64 = get_yes_no(g, o, "nat64");
	v->nat64_prefix = get_ip(g, nat64, "prefix");
	v->nat64_prefix_len = (uint8_t)get_count(g, nat64, "prefix_len", 128);
	v->rate_limit = get_yes_no(g, o, "rate_limit");
	v->rate_limit_per_s = get_port(g, rate_limit, "per_s");
	get_geo(g, o, &v->geo);
}
