#include "property.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wire.h"

#define POSSIBLE_SHOWN_MAX 3

/* In the order of enum verdict_answer; only some questions can have two answers at once. */
static const char *const answers[] = { "no", "yes", "mixed", NULL };
static const char *const yes_no[] = { "no", "yes", NULL };
static const char *const port_rules[] = { "no", "yes", "not-applicable", NULL };
static const char *const mappings[] = {
	"none",
	"endpoint-independent",
	"address-dependent",
	"address-and-port-dependent",
	"port-dependent",
	"mixed",
	NULL,
};
static const char *const filters[] = {
	"endpoint-independent",
	"address-dependent",
	"address-and-port-dependent",
	"port-dependent",
	"mixed",
	NULL,
};
static const char *const deltas[] = {
	"not-applicable", "equal", "preserving", "independent", "dependent", "random", NULL,
};
static const char *const poolings[] = {
	"not-applicable", "paired", "arbitrary", "per-destination", NULL,
};
static const char *const hairpins[] = {
	"not-applicable", "no", "external-source", "internal-source", NULL,
};

static const char *const syn_reactions[] = { "silent", "rst", "icmp", "syn-ack", NULL };
static const char *const early_inbounds[] = { "kept", "remapped", NULL };
static const char *const survivals[] = { "survives", "ends-mapping", NULL };
static const char *const fragment_orders[] = { "any-order", "in-order", "no", NULL };
static const char *const too_bigs[] = { "icmp", "silent", "fragmented", NULL };
static const char *const clashes[] = { "kept", "moved", "overloaded", NULL };

enum which {
	NAT,
	MAPPED,
	MAPPING,
	MAPPING_TCP,
	FILTERING,
	FIREWALL,
	UDP_BLOCKED,
	DELTA_TYPE,
	DELTA_VALUE,
	DELTA_PRESERVED,
	PARITY,
	CONTIGUITY,
	PORTS_LOW,
	PORTS_HIGH,
	POOLING,
	HAIRPIN,
	NAT64,
	PCP,
	NAT_PMP,
	UPNP,
	GATEWAY_EXTERNAL,
	CGN,
	CAPTIVE_PORTAL,
	RATE_LIMIT,
	RTT,
	LOSS,
	CONFIDENCE,
	COUNTRY,
	ASN,
	DEEP_FIRST,
	PROPERTIES = DEEP_FIRST + DEEP_PROPERTIES,
};

#define WORD(n, w, t)    .name = n, .kind = PROPERTY_WORD, .unit = "", .words = w, .title = t
#define NUMBER(n, t)     .name = n, .kind = PROPERTY_INTEGER, .unit = "", .title = t
#define MEASURE(n, u, t) .name = n, .kind = PROPERTY_MEASURE, .unit = u, .title = t
#define ADDRESS(n, t)    .name = n, .kind = PROPERTY_ADDRESS, .unit = "", .title = t

#define DEEP_ROW(which, ...) [DEEP_FIRST + (which)] = { __VA_ARGS__, .is_deep = true }

const struct property property_table[PROPERTIES] = {
	[NAT] = { WORD("nat", answers, "NAT"), .is_core = true },
	[MAPPED] = { ADDRESS("mapped", "mapped address"), .is_passing = true },
	[MAPPING] = { WORD("mapping", mappings, "mapping"), .is_core = true },
	[MAPPING_TCP] = { WORD("mapping.tcp", mappings, "mapping over TCP") },
	[FILTERING] = { WORD("filtering", filters, "filtering"), .is_core = true },
	[FIREWALL] = { WORD("firewall", yes_no, "firewall without NAT") },
	[UDP_BLOCKED] = { WORD("udp-blocked", answers, "UDP blocked") },
	[DELTA_TYPE] = { WORD("delta.type", deltas, "how external ports are chosen") },
	[DELTA_VALUE] = { NUMBER("delta.value", "step or offset of external ports") },
	[DELTA_PRESERVED] = { MEASURE("delta.preserved", "%", "sockets that keep their port") },
	[PARITY] = { WORD("parity", port_rules, "even ports stay even") },
	[CONTIGUITY] = { WORD("contiguity", port_rules, "neighbouring ports stay neighbours") },
	[PORTS_LOW] = { NUMBER("ports.low", "lowest external port seen"), .is_sample = true,
			.is_passing = true },
	[PORTS_HIGH] = { NUMBER("ports.high", "highest external port seen"), .is_sample = true,
			 .is_passing = true },
	[POOLING] = { WORD("pooling", poolings, "external addresses of one host") },
	[HAIRPIN] = { WORD("hairpin", hairpins, "hairpinning") },
	[NAT64] = { WORD("nat64", yes_no, "IPv6 translated to IPv4") },
	[PCP] = { WORD("pcp", yes_no, "gateway speaks PCP") },
	[NAT_PMP] = { WORD("nat-pmp", yes_no, "gateway speaks NAT-PMP") },
	[UPNP] = { WORD("upnp", yes_no, "gateway speaks UPnP") },
	[GATEWAY_EXTERNAL] = { ADDRESS("gateway.external", "external address of the gateway"),
			       .is_passing = true },
	[CGN] = { WORD("cgn", yes_no, "one more NAT at the provider") },
	[CAPTIVE_PORTAL] = { WORD("captive-portal", yes_no, "captive portal") },
	[RATE_LIMIT] = { WORD("rate-limit", yes_no, "rate limit for datagrams") },
	[RTT] = { MEASURE("rtt", "ms", "round trip time") },
	[LOSS] = { MEASURE("loss", "%", "round trips that are lost") },
	[CONFIDENCE] = { MEASURE("confidence", "%", "confidence in all of this"), .is_sample = true,
			 .is_passing = true },
	[COUNTRY] = { .name = "country",
		      .kind = PROPERTY_TEXT,
		      .unit = "",
		      .title = "country of the mapped address",
		      .is_passing = true },
	[ASN] = { NUMBER("asn", "AS number of the mapped address"), .is_passing = true },
#include "property_deep.inc"
};

const size_t property_count = PROPERTIES;

const struct property *property_of_deep(enum deep_property which)
{
	return &property_table[DEEP_FIRST + which];
}

bool property_is_asked(const struct property *p, const struct verdict *v)
{
	if (!p->is_deep || v->deep.tried)
		return true;
	return v->turn.tried && p - property_table == DEEP_FIRST + DEEP_FILTERING_TCP;
}

const struct property *property_find(const char *name)
{
	for (size_t i = 0; i < property_count; i++) {
		if (strcmp(property_table[i].name, name) == 0)
			return &property_table[i];
	}
	return NULL;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be changed, added or dropped to get from a to b. */
static size_t distance(const char *a, const char *b)
{
	size_t row[PROPERTY_NAME_MAX + 1];
	size_t width = smaller(strlen(b), PROPERTY_NAME_MAX);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0' && i < PROPERTY_TEXT_MAX; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= width; j++) {
			size_t change = corner + (a[i] != b[j - 1]);

			corner = row[j];
			row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
		}
	}
	return row[width];
}

const struct property *property_nearest(const char *name)
{
	const struct property *best = property_table;
	size_t least = SIZE_MAX;
	size_t len = strlen(name);

	if (property_find(name) != NULL)
		return property_find(name);
	for (size_t i = 0; i < property_count; i++) {
		bool is_begun = len > 0 && strncmp(name, property_table[i].name, len) == 0;
		size_t d = is_begun ? 0 : distance(name, property_table[i].name);

		if (d < least) {
			best = &property_table[i];
			least = d;
		}
	}
	return best;
}

/* Nothing unknown stands without its cause. */
static void set_unknown(struct property_value *out, uint8_t cause)
{
	*out = (struct property_value){ .applies = true, .text = "unknown" };
	out->cause =
		cause != CAUSE_NONE && cause < CAUSES ? (enum verdict_cause)cause : CAUSE_NOT_TRIED;
}

static void set_none(struct property_value *out)
{
	*out = (struct property_value){ .known = true, .text = "none" };
}

static void set_text(struct property_value *out, const char *text)
{
	*out = (struct property_value){ .known = true, .applies = true };
	snprintf(out->text, sizeof(out->text), "%s", text);
}

/*
 * words     of the property, in the order of the enum
 * first     the value of the enum that has words[0]; what is below is unknown
 * possible  bits of the enum
 */
static void set_word(struct property_value *out, const char *const *words, unsigned first,
		     unsigned value, uint8_t cause, uint32_t possible)
{
	if (value >= first) {
		unsigned i = 0;

		while (i < value - first && words[i] != NULL)
			i++;
		if (words[i] != NULL) {
			set_text(out, words[i]);
			return;
		}
	}
	set_unknown(out, cause);
	out->possible = possible >> first;
}

static void set_answer(struct property_value *out, const char *const *words,
		       const struct verdict_yes_no *v)
{
	set_word(out, words, VERDICT_NO, v->value, v->cause, 0);
}

static void set_behaviour(struct property_value *out, const char *const *words, unsigned first,
			  const struct verdict_property *p)
{
	set_word(out, words, first, p->value, p->cause, p->possible);
}

/* What remains possible of delta and hairpin is said for the case that there is a NAT. */
static uint32_t possible_here(const struct verdict *v, uint32_t possible, uint32_t not_applicable)
{
	if (possible == 0 || v->nat.value != VERDICT_UNKNOWN)
		return possible;
	return possible | not_applicable;
}

static void set_port_rule(struct property_value *out, const struct verdict *v,
			  const struct verdict_yes_no *rule)
{
	if (v->ports.delta == DELTA_NOT_APPLICABLE)
		set_text(out, "not-applicable");
	else
		set_answer(out, yes_no, rule);
	if (!out->known && rule->cause == CAUSE_NONE && v->ports.cause != CAUSE_NONE)
		set_unknown(out, v->ports.cause);
}

static void set_integer(struct property_value *out, int64_t value)
{
	*out = (struct property_value){ .known = true, .applies = true, .integer = value };
	snprintf(out->text, sizeof(out->text), "%" PRId64, value);
}

static void set_delta_value(struct property_value *out, const struct verdict_ports *p)
{
	switch (p->delta) {
	case DELTA_UNKNOWN:
		set_unknown(out, p->cause);
		break;
	case DELTA_PRESERVING:
	case DELTA_INDEPENDENT:
	case DELTA_DEPENDENT:
		set_integer(out, p->value);
		break;
	default:
		set_none(out);
		break;
	}
}

static void set_port(struct property_value *out, const struct verdict_ports *p, uint16_t port)
{
	if (port != 0)
		set_integer(out, port);
	else if (p->delta == DELTA_NOT_APPLICABLE)
		set_none(out);
	else
		set_unknown(out, p->cause);
}

/* As many decimals as tell something: 0.31, 4.7, 52. */
static int decimals_of(double value)
{
	if (value < 1)
		return 2;
	return value < 10 ? 1 : 0;
}

static void set_measure(struct property_value *out, double low, double high, const char *unit)
{
	bool counts = unit[0] == '\0' || strcmp(unit, "ports") == 0 || strcmp(unit, "bytes") == 0;
	int decimals = counts ? 0 : decimals_of(high - low > 0 ? high - low : high);
	char a[24], b[24];

	*out = (struct property_value){ .known = true, .applies = true, .low = low, .high = high };
	snprintf(a, sizeof(a), "%.*f", decimals, low);
	snprintf(b, sizeof(b), "%.*f", decimals, high);
	const char *gap = unit[0] != '\0' ? " " : "";

	if (strcmp(a, b) == 0)
		snprintf(out->text, sizeof(out->text), "%s%s%s", a, gap, unit);
	else
		snprintf(out->text, sizeof(out->text), "%s to %s%s%s", a, b, gap, unit);
}

/* Of a time without an end in sight only the beginning is known. */
static void set_at_least(struct property_value *out, double low, const char *unit)
{
	*out = (struct property_value){
		.known = true, .applies = true, .low = low, .high = INFINITY
	};
	snprintf(out->text, sizeof(out->text), "at least %.*f %s", decimals_of(low), low, unit);
}

static void set_deep(struct property_value *out, const struct property *p,
		     const struct deep_value *v)
{
	switch ((enum deep_state)v->state) {
	case DEEP_NONE:
		set_none(out);
		break;
	case DEEP_WORD:
		set_word(out, p->words, 0, v->word, v->cause, 0);
		break;
	case DEEP_NUMBER:
		if (p->kind == PROPERTY_INTEGER)
			set_integer(out, (int64_t)v->low);
		else if (isinf(v->high))
			set_at_least(out, v->low, p->unit);
		else
			set_measure(out, v->low, v->high, p->unit);
		break;
	default:
		set_unknown(out, v->cause);
		break;
	}
}

static void set_share(struct property_value *out, const struct verdict_interval *i, uint8_t cause)
{
	if (i->known)
		set_measure(out, i->low * 100, i->high * 100, "%");
	else
		set_unknown(out, cause);
}

static void set_rtt(struct property_value *out, const struct verdict *v)
{
	if (v->rtt_min_us == 0)
		set_unknown(out, v->udp_blocked.value == VERDICT_YES ? CAUSE_UDP_BLOCKED
								     : CAUSE_NO_SERVER);
	else
		set_measure(out, (double)v->rtt_min_us / 1000, (double)v->rtt_max_us / 1000, "ms");
}

/* What is nearly sure is not printed as if it were. */
#define CONFIDENCE_SHOWN_MAX 0.9999

static void set_confidence(struct property_value *out, double confidence)
{
	bool is_more = confidence > CONFIDENCE_SHOWN_MAX;
	double shown = is_more ? CONFIDENCE_SHOWN_MAX : confidence;

	set_unknown(out, CAUSE_NOT_TRIED);
	if (confidence <= 0)
		return;
	*out = (struct property_value){
		.known = true, .applies = true, .low = confidence * 100, .high = confidence * 100
	};
	snprintf(out->text, sizeof(out->text), "%s%.2f %%", is_more ? "over " : "", shown * 100);
}

static void set_addr(struct property_value *out, const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	set_text(out, addr_print_ip(a, buf));
	out->addr = addr_with_port(a, 0);
}

static void set_mapped(struct property_value *out, const struct verdict *v)
{
	if (v->mapped.family != ADDR_NONE)
		set_addr(out, &v->mapped);
	else if (v->mapped_tcp.family != ADDR_NONE)
		set_addr(out, &v->mapped_tcp);
	else
		set_unknown(out, v->nat.cause != CAUSE_NONE ? v->nat.cause : CAUSE_NO_SERVER);
}

/* The first that names one; who cannot be asked for it names none. */
static void set_gateway_external(struct property_value *out, const struct verdict *v)
{
	const struct verdict_portmap *ways[] = { &v->pcp, &v->nat_pmp, &v->upnp };
	uint8_t cause = CAUSE_NONE;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (ways[i]->external.family != ADDR_NONE) {
			set_addr(out, &ways[i]->external);
			return;
		}
		if (ways[i]->present.value == VERDICT_UNKNOWN && cause == CAUSE_NONE)
			cause = ways[i]->present.cause;
	}
	set_unknown(out, cause);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (ways[i]->present.value != VERDICT_NO)
			return;
	}
	set_none(out);
}

static void get_port_property(enum which which, const struct verdict *v, struct property_value *out)
{
	const struct verdict_ports *p = &v->ports;

	switch (which) {
	case DELTA_TYPE:
		set_word(out, deltas, DELTA_NOT_APPLICABLE, p->delta, p->cause,
			 possible_here(v, p->possible, 1u << DELTA_NOT_APPLICABLE));
		break;
	case DELTA_VALUE:
		set_delta_value(out, p);
		break;
	case DELTA_PRESERVED:
		set_share(out, &p->preserved, p->cause);
		if (p->delta == DELTA_NOT_APPLICABLE)
			set_none(out);
		break;
	case PARITY:
		set_port_rule(out, v, &p->parity);
		break;
	case CONTIGUITY:
		set_port_rule(out, v, &p->contiguity);
		break;
	case PORTS_LOW:
		set_port(out, p, p->low);
		break;
	default:
		set_port(out, p, p->high);
		break;
	}
}

static const struct verdict_yes_no *answer_of(enum which which, const struct verdict *v)
{
	switch (which) {
	case NAT:
		return &v->nat;
	case FIREWALL:
		return &v->firewall;
	case UDP_BLOCKED:
		return &v->udp_blocked;
	case NAT64:
		return &v->nat64;
	case PCP:
		return &v->pcp.present;
	case NAT_PMP:
		return &v->nat_pmp.present;
	case UPNP:
		return &v->upnp.present;
	case CGN:
		return &v->cgn;
	case CAPTIVE_PORTAL:
		return &v->captive_portal;
	default:
		return &v->rate_limit;
	}
}

void property_get(const struct property *p, const struct verdict *v, struct property_value *out)
{
	enum which which = (enum which)(p - property_table);

	if (p->is_deep) {
		set_deep(out, p, &v->deep.values[which - DEEP_FIRST]);
		return;
	}
	switch (which) {
	case MAPPED:
		set_mapped(out, v);
		break;
	case MAPPING:
		set_behaviour(out, mappings, BEHAVIOUR_NONE, &v->mapping);
		break;
	case MAPPING_TCP:
		set_behaviour(out, mappings, BEHAVIOUR_NONE, &v->mapping_tcp);
		break;
	case FILTERING:
		set_behaviour(out, filters, BEHAVIOUR_ENDPOINT_INDEPENDENT, &v->filtering);
		break;
	case DELTA_TYPE:
	case DELTA_VALUE:
	case DELTA_PRESERVED:
	case PARITY:
	case CONTIGUITY:
	case PORTS_LOW:
	case PORTS_HIGH:
		get_port_property(which, v, out);
		break;
	case POOLING:
		set_word(out, poolings, POOLING_NOT_APPLICABLE, v->pooling.value, v->pooling.cause,
			 0);
		break;
	case HAIRPIN:
		set_word(out, hairpins, HAIRPIN_NOT_APPLICABLE, v->hairpin.value, v->hairpin.cause,
			 possible_here(v, v->hairpin.possible, 1u << HAIRPIN_NOT_APPLICABLE));
		break;
	case GATEWAY_EXTERNAL:
		set_gateway_external(out, v);
		break;
	case RTT:
		set_rtt(out, v);
		break;
	case LOSS:
		set_share(out, &v->loss, CAUSE_NO_SERVER);
		break;
	case CONFIDENCE:
		set_confidence(out, v->confidence);
		break;
	case COUNTRY:
		set_unknown(out, CAUSE_NOT_TRIED);
		if (v->geo.country[0] != '\0')
			set_text(out, v->geo.country);
		break;
	case ASN:
		set_unknown(out, CAUSE_NOT_TRIED);
		if (v->geo.asn != 0)
			set_integer(out, v->geo.asn);
		break;
	default:
		set_answer(out, p->words, answer_of(which, v));
		break;
	}
}

/* "no or internal-source"; "" where that is no news: nothing was excluded, or not much. */
static void print_possible(const struct property *p, uint32_t possible, char *buf, size_t cap)
{
	unsigned count = 0;
	size_t len = 0;

	buf[0] = '\0';
	for (uint32_t rest = possible; rest != 0; rest &= rest - 1)
		count++;
	if (count > POSSIBLE_SHOWN_MAX)
		return;
	for (unsigned i = 0; p->words != NULL && p->words[i] != NULL && len < cap; i++) {
		if ((possible & 1u << i) != 0)
			len += (size_t)snprintf(buf + len, cap - len, "%s%s", len > 0 ? " or " : "",
						p->words[i]);
	}
}

const char *property_print(const struct property *p, const struct property_value *value,
			   char buf[static PROPERTY_LONG_MAX])
{
	char possible[160];

	if (value->known) {
		snprintf(buf, PROPERTY_LONG_MAX, "%s", value->text);
		return buf;
	}
	print_possible(p, value->possible, possible, sizeof(possible));
	snprintf(buf, PROPERTY_LONG_MAX, "unknown (%s%s%s)", possible,
		 possible[0] != '\0' ? ": " : "", verdict_cause_text(value->cause));
	return buf;
}
