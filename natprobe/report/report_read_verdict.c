/* What was found out from one local address, read back. */
#include "report_read_verdict.h"

#include <string.h>

#include "property.h"
#include "report_read_deep.h"
#include "report_read_ports.h"
#include "turn_resolve.h"

/* Servers are told by name; two of one name are alike here. */
static uint8_t get_server(struct get *g, const json_t *o, const struct verdict *v)
{
	const char *name = get_text(g, o, "server");

	for (uint8_t i = 0; name != NULL && i < v->server_count; i++) {
		if (v->servers[i].name != NULL && strcmp(v->servers[i].name, name) == 0)
			return i;
	}
	return VERDICT_NO_SERVER_INDEX;
}

static struct verdict_property get_property(struct get *g, const json_t *o, const char *key,
					    const struct verdict *v)
{
	const json_t *property = get_object(g, o, key);
	uint8_t value = get_word(g, property, "value", GET_BEHAVIOUR);

	return (struct verdict_property){
		.value = value,
		.cause = get_cause(g, property, value),
		.server = get_server(g, property, v),
		.possible = get_bits(g, property, "possible", GET_BEHAVIOUR),
		.error = get_share(g, property, "error_chance"),
	};
}

static void get_sightings(struct get *g, const json_t *mapping, struct verdict *v)
{
	const json_t *list = get_array(g, mapping, "evidence", VERDICT_SIGHTINGS_MAX);
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		v->sightings[v->sighting_count++] = (struct verdict_sighting){
			.endpoint = get_addr(g, o, "endpoint"),
			.local = get_addr(g, o, "local"),
			.mapped = get_addr(g, o, "mapped"),
			.server = get_server(g, o, v),
			.slot = (uint8_t)get_count(g, o, "socket", UINT8_MAX),
			.sent = (uint16_t)get_count(g, o, "sent", UINT16_MAX),
			.answered = (uint16_t)get_count(g, o, "answered", UINT16_MAX),
			.unstable = get_bool(g, o, "unstable"),
		};
	}
}

static void get_filter_probes(struct get *g, const json_t *filtering, struct verdict *v)
{
	const json_t *list = get_array(g, filtering, "evidence", FILTER_KINDS);
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		uint8_t kind = get_word(g, o, "probe", GET_FILTER);

		v->filter[kind] = (struct verdict_filter_probe){
			.source = get_addr(g, o, "source"),
			.sent = (uint16_t)get_count(g, o, "sent", UINT16_MAX),
			.answered = (uint16_t)get_count(g, o, "answered", UINT16_MAX),
			.verify_sent = (uint16_t)get_count(g, o, "verify_sent", UINT16_MAX),
			.verify_answered = (uint16_t)get_count(g, o, "verify_answered", UINT16_MAX),
		};
	}
}

static void get_servers(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *list = get_array(g, o, "asked", VERDICT_SERVERS_MAX);
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const json_t *tcp = get_object(g, item, "tcp");

		v->servers[v->server_count++] = (struct verdict_server){
			.name = get_text(g, item, "server"),
			.addr = get_addr(g, item, "address"),
			.other = get_addr(g, item, "other_address"),
			.rtt_us = get_us(g, item, "rtt_ms"),
			.sent = (uint16_t)get_count(g, item, "sent", UINT16_MAX),
			.answered = (uint16_t)get_count(g, item, "answered", UINT16_MAX),
			.tcp_tried = (uint8_t)get_count(g, tcp, "tried", UINT8_MAX),
			.tcp_connected = (uint8_t)get_count(g, tcp, "connected", UINT8_MAX),
			.tcp_answered = (uint8_t)get_count(g, tcp, "answered", UINT8_MAX),
			.tcp_local = get_addr(g, tcp, "local"),
			.tcp_mapped = get_addr(g, tcp, "mapped"),
		};
	}
}

static void get_findings(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *list = get_array(g, o, "findings", VERDICT_FINDINGS_MAX);
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		v->findings[v->finding_count++] = (struct verdict_finding){
			.cause = get_word(g, item, "finding", GET_CAUSE),
			.server = get_server(g, item, v),
			.where = get_addr(g, item, "where"),
		};
	}
}

static uint8_t get_transport(struct get *g, const json_t *o)
{
	const char *word = get_text(g, o, "transport");

	for (uint8_t t = 0; word != NULL && t < TURN_TRANSPORTS; t++) {
		if (strcmp(turn_transport_word(t), word) == 0)
			return t;
	}
	get_fail(g, "transport", "is none of udp, tcp, tls and dtls");
	return 0;
}

static struct deep_value get_filtering_tcp(struct get *g, const json_t *turn)
{
	const struct property *p = property_find("filtering.tcp");
	const json_t *o = get_object(g, turn, "filtering_tcp");
	const char *word = get_text(g, o, "value");
	struct deep_value v = { .error = get_share(g, o, "error_chance"),
				.sent = (uint16_t)get_count(g, o, "tried", UINT16_MAX),
				.answered = (uint16_t)get_count(g, o, "arrived", UINT16_MAX) };

	for (uint8_t i = 0; word != NULL && p->words[i] != NULL; i++) {
		if (strcmp(p->words[i], word) == 0) {
			v.state = DEEP_WORD;
			v.word = i;
		}
	}
	v.cause = get_cause_of_unknown(g, o, v.state == DEEP_WORD);
	return v;
}

static void get_turn(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *turn = get_object(g, o, "turn");

	if (turn == NULL)
		return;
	v->turn = (struct verdict_turn){
		.tried = true,
		.server = get_server(g, turn, v),
		.transport = get_transport(g, turn),
		.why = get_text(g, turn, "why_not"),
		.code = (uint16_t)get_count(g, turn, "code", UINT16_MAX),
		.relayed = { get_addr(g, turn, "relayed"), get_addr(g, turn, "relayed_too") },
		.filtering = get_property(g, turn, "filtering", v),
		.filtering_tcp = get_filtering_tcp(g, turn),
	};
	verdict_use_turn(v);
}

static void get_counts(struct get *g, const json_t *o, struct verdict *v)
{
	const json_t *datagrams = get_object(g, o, "datagrams");
	const json_t *rtt = get_object(g, o, "rtt_ms");
	const json_t *confidence = get_object(g, o, "confidence");

	v->sent = (uint16_t)get_count(g, datagrams, "sent", UINT16_MAX);
	v->answered = (uint16_t)get_count(g, datagrams, "answered", UINT16_MAX);
	v->send_errors = (uint16_t)get_count(g, datagrams, "send_errors", UINT16_MAX);
	v->duplicates = (uint16_t)get_count(g, datagrams, "duplicates", UINT16_MAX);
	v->stray = (uint32_t)get_count(g, datagrams, "stray", UINT32_MAX);
	v->rtt_min_us = get_us(g, rtt, "min");
	v->rtt_max_us = get_us(g, rtt, "max");
	if (v->rtt_min_us > v->rtt_max_us)
		get_fail(g, "rtt_ms", "ends before it begins");
	v->loss = get_interval(g, o, "loss_share");
	v->confidence = get_share(g, confidence, "reached");
	v->confidence_asked = get_share(g, confidence, "asked");
	v->window_us = get_us(g, o, "window_ms");
	v->elapsed_us = get_us(g, o, "elapsed_ms");
}

void get_verdict(struct get *g, const json_t *o, struct verdict *v)
{
	get_servers(g, o, v);
	v->local = get_addr(g, o, "local");
	v->mapped = get_addr(g, o, "mapped");
	v->local_tcp = get_addr(g, o, "local_tcp");
	v->mapped_tcp = get_addr(g, o, "mapped_tcp");
	v->nat = get_yes_no(g, o, "nat");
	v->firewall = get_yes_no(g, o, "firewall");
	v->udp_blocked = get_yes_no(g, o, "udp_blocked");
	v->mapping = get_property(g, o, "mapping", v);
	get_sightings(g, get_object(g, o, "mapping"), v);
	v->mapping_tcp = get_property(g, o, "mapping_tcp", v);
	v->filtering = get_property(g, o, "filtering", v);
	get_filter_probes(g, get_object(g, o, "filtering"), v);
	v->legacy = get_word(g, get_object(g, o, "legacy"), "p2pd", GET_LEGACY);
	get_ports(g, o, v);
	get_gateway(g, o, v);
	get_findings(g, o, v);
	get_deep(g, o, v);
	get_turn(g, o, v);
	get_counts(g, o, v);
}
