#include <math.h>
#include <stdio.h>

#include "property_row.h"
#include "property_set.h"
#include "wire.h"

static void set_answer(struct property_value *out, const char *const *words,
		       const struct verdict_yes_no *v)
{
	property_set_word(out, words, VERDICT_NO, v->value, v->cause, 0);
}

static void set_behaviour(struct property_value *out, const char *const *words, unsigned first,
			  const struct verdict_property *p)
{
	property_set_word(out, words, first, p->value, p->cause, p->possible);
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
	static const char *const yes_no[] = { "no", "yes", NULL }; /* no answer says more */

	if (v->ports.delta == DELTA_NOT_APPLICABLE)
		property_set_text(out, "not-applicable");
	else
		set_answer(out, yes_no, rule);
	if (!out->known && rule->cause == CAUSE_NONE && v->ports.cause != CAUSE_NONE)
		property_set_unknown(out, v->ports.cause);
}

static void set_delta_value(struct property_value *out, const struct verdict_ports *p)
{
	switch (p->delta) {
	case DELTA_UNKNOWN:
		property_set_unknown(out, p->cause);
		break;
	case DELTA_PRESERVING:
	case DELTA_INDEPENDENT:
	case DELTA_DEPENDENT:
		property_set_integer(out, p->value);
		break;
	default:
		property_set_none(out);
		break;
	}
}

static void set_port(struct property_value *out, const struct verdict_ports *p, uint16_t port)
{
	if (port != 0)
		property_set_integer(out, port);
	else if (p->delta == DELTA_NOT_APPLICABLE)
		property_set_none(out);
	else
		property_set_unknown(out, p->cause);
}

static void set_deep(struct property_value *out, const struct property *p,
		     const struct deep_value *v)
{
	switch ((enum deep_state)v->state) {
	case DEEP_NONE:
		property_set_none(out);
		break;
	case DEEP_WORD:
		property_set_word(out, p->words, 0, v->word, v->cause, 0);
		break;
	case DEEP_NUMBER:
		if (p->kind == PROPERTY_INTEGER)
			property_set_integer(out, (int64_t)v->low);
		else if (isinf(v->high))
			property_set_at_least(out, v->low, p->unit);
		else
			property_set_measure(out, v->low, v->high, p->unit);
		break;
	default:
		property_set_unknown(out, v->cause);
		break;
	}
}

static void set_share(struct property_value *out, const struct verdict_interval *i, uint8_t cause)
{
	if (i->known)
		property_set_measure(out, i->low * 100, i->high * 100, "%");
	else
		property_set_unknown(out, cause);
}

static void set_rtt(struct property_value *out, const struct verdict *v)
{
	if (v->rtt_min_us == 0)
		property_set_unknown(out, v->udp_blocked.value == VERDICT_YES ? CAUSE_UDP_BLOCKED
									      : CAUSE_NO_SERVER);
	else
		property_set_measure(out, (double)v->rtt_min_us / 1000,
				     (double)v->rtt_max_us / 1000, "ms");
}

/* What is nearly sure is not printed as if it were. */
#define CONFIDENCE_SHOWN_MAX 0.9999

static void set_confidence(struct property_value *out, double confidence)
{
	bool is_more = confidence > CONFIDENCE_SHOWN_MAX;
	double shown = is_more ? CONFIDENCE_SHOWN_MAX : confidence;

	property_set_unknown(out, CAUSE_NOT_TRIED);
	if (confidence <= 0)
		return;
	*out = (struct property_value){
		.known = true, .applies = true, .low = confidence * 100, .high = confidence * 100
	};
	snprintf(out->text, sizeof(out->text), "%s%.2f %%", is_more ? "over " : "", shown * 100);
}

static void set_mapped(struct property_value *out, const struct verdict *v)
{
	if (v->mapped.family != ADDR_NONE)
		property_set_addr(out, &v->mapped);
	else if (v->mapped_tcp.family != ADDR_NONE)
		property_set_addr(out, &v->mapped_tcp);
	else
		property_set_unknown(out,
				     v->nat.cause != CAUSE_NONE ? v->nat.cause : CAUSE_NO_SERVER);
}

/* The first that names one; who cannot be asked for it names none. */
static void set_gateway_external(struct property_value *out, const struct verdict *v)
{
	const struct verdict_portmap *ways[] = { &v->pcp, &v->nat_pmp, &v->upnp };
	uint8_t cause = CAUSE_NONE;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (ways[i]->external.family != ADDR_NONE) {
			property_set_addr(out, &ways[i]->external);
			return;
		}
		if (ways[i]->present.value == VERDICT_UNKNOWN && cause == CAUSE_NONE)
			cause = ways[i]->present.cause;
	}
	property_set_unknown(out, cause);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		if (ways[i]->present.value != VERDICT_NO)
			return;
	}
	property_set_none(out);
}

static void get_port_property(const struct property *row, const struct verdict *v,
			      struct property_value *out)
{
	const struct verdict_ports *p = &v->ports;

	switch ((enum property_row)(row - property_table)) {
	case DELTA_TYPE:
		property_set_word(out, row->words, DELTA_NOT_APPLICABLE, p->delta, p->cause,
				  possible_here(v, p->possible, 1u << DELTA_NOT_APPLICABLE));
		break;
	case DELTA_VALUE:
		set_delta_value(out, p);
		break;
	case DELTA_PRESERVED:
		set_share(out, &p->preserved, p->cause);
		if (p->delta == DELTA_NOT_APPLICABLE)
			property_set_none(out);
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

static void get_measure(enum property_row which, const struct verdict *v,
			struct property_value *out)
{
	if (which == RTT)
		set_rtt(out, v);
	else if (which == LOSS)
		set_share(out, &v->loss, CAUSE_NO_SERVER);
	else
		set_confidence(out, v->confidence);
}

static void get_origin(enum property_row which, const struct verdict *v, struct property_value *out)
{
	property_set_unknown(out, CAUSE_NOT_TRIED);
	if (which == COUNTRY && v->geo.country[0] != '\0')
		property_set_text(out, v->geo.country);
	if (which == ASN && v->geo.asn != 0)
		property_set_integer(out, v->geo.asn);
}

static const struct verdict_yes_no *answer_of(enum property_row which, const struct verdict *v)
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
	enum property_row which = (enum property_row)(p - property_table);

	if (p->is_deep) {
		set_deep(out, p, &v->deep.values[which - DEEP_FIRST]);
		return;
	}
	switch (which) {
	case MAPPED:
		set_mapped(out, v);
		break;
	case MAPPING:
		set_behaviour(out, p->words, BEHAVIOUR_NONE, &v->mapping);
		break;
	case MAPPING_TCP:
		set_behaviour(out, p->words, BEHAVIOUR_NONE, &v->mapping_tcp);
		break;
	case FILTERING:
		set_behaviour(out, p->words, BEHAVIOUR_ENDPOINT_INDEPENDENT, &v->filtering);
		break;
	case DELTA_TYPE:
	case DELTA_VALUE:
	case DELTA_PRESERVED:
	case PARITY:
	case CONTIGUITY:
	case PORTS_LOW:
	case PORTS_HIGH:
		get_port_property(p, v, out);
		break;
	case POOLING:
		property_set_word(out, p->words, POOLING_NOT_APPLICABLE, v->pooling.value,
				  v->pooling.cause, 0);
		break;
	case HAIRPIN:
		property_set_word(
			out, p->words, HAIRPIN_NOT_APPLICABLE, v->hairpin.value, v->hairpin.cause,
			possible_here(v, v->hairpin.possible, 1u << HAIRPIN_NOT_APPLICABLE));
		break;
	case GATEWAY_EXTERNAL:
		set_gateway_external(out, v);
		break;
	case RTT:
	case LOSS:
	case CONFIDENCE:
		get_measure(which, v, out);
		break;
	case COUNTRY:
	case ASN:
		get_origin(which, v, out);
		break;
	default:
		set_answer(out, p->words, answer_of(which, v));
		break;
	}
}
