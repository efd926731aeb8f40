#include "nat_twin.h"

#include <math.h>
#include <string.h>

#include "nat_twin_parts.h"

#define RATE_PER_S      40
#define JITTER_MAX_US   100000
#define DELAY_MAX_US    10000000
#define UDP_PORTS_COUNT 4

void nat_twin_tell(struct nat_twin_work *w, uint8_t layer, const char *key, const char *property)
{
	struct nat_twin *t = w->out;

	if (t->source_count < NAT_TWIN_SOURCES_MAX)
		t->sources[t->source_count++] =
			(struct nat_twin_source){ layer, key, property, NULL };
}

void nat_twin_because(struct nat_twin_work *w, uint8_t layer, const char *key, const char *why)
{
	struct nat_twin *t = w->out;

	if (t->source_count < NAT_TWIN_SOURCES_MAX)
		t->sources[t->source_count++] = (struct nat_twin_source){ layer, key, NULL, why };
}

void nat_twin_gap(struct nat_twin_work *w, const char *property, const char *assumed)
{
	struct nat_twin *t = w->out;

	if (t->gap_count < NAT_TWIN_GAPS_MAX)
		t->gaps[t->gap_count++] = (struct nat_twin_gap){ property, assumed };
}

const struct nat_twin_source *nat_twin_source_of(const struct nat_twin *t, uint8_t layer,
						 const char *key)
{
	for (size_t i = 0; i < t->source_count; i++) {
		if (t->sources[i].layer == layer && strcmp(t->sources[i].key, key) == 0)
			return &t->sources[i];
	}
	return NULL;
}

/* --- mapping and filtering --- */

static const uint8_t rules[BEHAVIOURS] = {
	[BEHAVIOUR_ENDPOINT_INDEPENDENT] = NAT_EI,
	[BEHAVIOUR_ADDRESS_DEPENDENT] = NAT_AD,
	[BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT] = NAT_APD,
	[BEHAVIOUR_PORT_DEPENDENT] = NAT_PD,
};

static bool has_rule(const struct verdict_property *p)
{
	return p->value < BEHAVIOURS && rules[p->value] != NAT_NONE;
}

/* The first of the order that was not excluded. */
static uint8_t likely(const struct verdict_property *p, const uint8_t order[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (p->possible == 0 || (p->possible & BEHAVIOUR_BIT(order[i])) != 0)
			return rules[order[i]];
	}
	return rules[order[0]];
}

static const char *rule_word(uint8_t rule)
{
	static const char *const words[] = {
		[NAT_NONE] = "none",
		[NAT_EI] = "endpoint-independent",
		[NAT_AD] = "address-dependent",
		[NAT_APD] = "address-and-port-dependent",
		[NAT_PD] = "port-dependent",
	};

	return words[rule];
}

static uint8_t mapping_rule(struct nat_twin_work *w)
{
	static const uint8_t order[] = { BEHAVIOUR_ENDPOINT_INDEPENDENT,
					 BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
					 BEHAVIOUR_ADDRESS_DEPENDENT, BEHAVIOUR_PORT_DEPENDENT };
	const struct verdict_property *p = &w->v->mapping;
	uint8_t rule;

	if (has_rule(p)) {
		nat_twin_tell(w, w->outer_layer, "mapping", "mapping");
		return rules[p->value];
	}
	rule = p->value == BEHAVIOUR_MIXED ? NAT_APD : likely(p, order);
	nat_twin_gap(w, "mapping", rule_word(rule));
	return rule;
}

static uint8_t filtering_rule(struct nat_twin_work *w, bool translates)
{
	static const uint8_t order[] = { BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
					 BEHAVIOUR_ADDRESS_DEPENDENT, BEHAVIOUR_PORT_DEPENDENT,
					 BEHAVIOUR_ENDPOINT_INDEPENDENT };
	const struct verdict_property *p = &w->v->filtering;
	uint8_t rule;

	if (has_rule(p)) {
		nat_twin_tell(w, w->outer_layer, "filtering", "filtering");
		rule = rules[p->value];
	} else if (!translates && w->v->firewall.value == VERDICT_NO) {
		rule = NAT_NONE;
	} else {
		rule = p->value == BEHAVIOUR_MIXED ? NAT_APD : likely(p, order);
		nat_twin_gap(w, "filtering", rule_word(rule));
	}
	/* Who translates nothing lets everything in. */
	return !translates && rule == NAT_EI ? NAT_NONE : rule;
}

static void set_tcp_mapping(struct nat_twin_work *w)
{
	const struct verdict_property *p = &w->v->mapping_tcp;
	struct nat_config *c = w->outer;

	if (!has_rule(p)) {
		nat_twin_gap(w, "mapping.tcp", "the same as of UDP");
		return;
	}
	if (rules[p->value] == c->mapping)
		return;
	c->has_tcp_rules = true;
	c->tcp_mapping = rules[p->value];
	c->tcp_filtering = c->filtering;
	nat_twin_tell(w, w->outer_layer, "tcp-mapping", "mapping.tcp");
}

static void set_rules(struct nat_twin_work *w)
{
	bool maps = w->outer->external_count > 0;

	if (maps)
		w->outer->mapping = mapping_rule(w);
	w->outer->filtering = filtering_rule(w, maps);
	if (maps)
		set_tcp_mapping(w);
}

/* --- addresses, and what is around --- */

static void set_pooling(struct nat_twin_work *w)
{
	static const uint8_t ways[POOLINGS] = {
		[POOLING_ARBITRARY] = NAT_POOL_ARBITRARY,
		[POOLING_PER_DESTINATION] = NAT_POOL_BY_DESTINATION,
	};
	struct nat_config *c = w->outer;
	uint8_t value = w->v->pooling.value;
	size_t count = w->v->pooling.external_count;

	if (c->external_count == 0)
		return;
	if (value == POOLING_UNKNOWN || value >= POOLINGS)
		nat_twin_gap(w, "pooling", "one external address");
	if (value >= POOLINGS || ways[value] == NAT_POOL_PAIRED)
		return;
	c->pooling = ways[value];
	count = count < 2 ? 2 : count;
	for (; c->external_count < count && c->external_count < NAT_EXTERNALS_MAX;
	     c->external_count++) {
		struct addr next = c->externals[c->external_count - 1];

		next.ip[addr_ip_len(next.family) - 1]++;
		c->externals[c->external_count] = next;
	}
	nat_twin_tell(w, w->outer_layer, "pooling", "pooling");
}

static void set_hairpin(struct nat_twin_work *w)
{
	struct nat_config *c = w->outer;

	switch (w->v->hairpin.value) {
	case HAIRPIN_EXTERNAL_SOURCE:
		c->hairpin = NAT_HAIRPIN_EXTERNAL;
		break;
	case HAIRPIN_INTERNAL_SOURCE:
		c->hairpin = NAT_HAIRPIN_INTERNAL;
		break;
	case HAIRPIN_UNKNOWN:
		if (c->external_count > 0)
			nat_twin_gap(w, "hairpin", "no");
		break;
	default:
		break;
	}
	nat_twin_tell(w, w->outer_layer, "hairpin", "hairpin");
}

static void set_gateway(struct nat_twin_work *w)
{
	const struct verdict *v = w->v;

	w->inner->pcp = v->pcp.present.value == VERDICT_YES;
	w->inner->nat_pmp = v->nat_pmp.present.value == VERDICT_YES;
	nat_twin_tell(w, w->inner_layer, "pcp", "pcp");
	nat_twin_tell(w, w->inner_layer, "nat-pmp", "nat-pmp");
	if (v->pcp.present.value == VERDICT_UNKNOWN)
		nat_twin_gap(w, "pcp", "no");
	if (v->nat_pmp.present.value == VERDICT_UNKNOWN)
		nat_twin_gap(w, "nat-pmp", "no");
	if (v->upnp.present.value == VERDICT_YES)
		nat_twin_gap(w, "upnp", NULL);
	if (v->captive_portal.value == VERDICT_YES)
		nat_twin_gap(w, "captive-portal", NULL);
}

/* --- what gets through --- */

/* Is it a port of the laboratory's servers that STUN is usually found at? */
static bool is_usual_port(uint16_t port)
{
	return port == 3478 || port == 3479;
}

static bool lists(const uint16_t *ports, uint16_t port)
{
	for (size_t i = 0; i < UDP_PORTS_COUNT; i++) {
		if (ports[i] == port)
			return true;
	}
	return false;
}

/* The ports that answered; 443 is where the laboratory's servers answer besides. */
static void allow_ports(struct nat_twin_work *w)
{
	uint16_t *ports = w->outer->udp_ports_allowed;
	size_t count = 0;

	ports[count++] = 443;
	for (size_t i = 0; i < w->v->sighting_count && count < UDP_PORTS_COUNT; i++) {
		const struct verdict_sighting *s = &w->v->sightings[i];
		uint16_t port = s->endpoint.port;

		if (s->mapped.family != ADDR_NONE && port != 0 && !is_usual_port(port) &&
		    !lists(ports, port))
			ports[count++] = port;
	}
}

static void set_blocked(struct nat_twin_work *w)
{
	switch (w->v->udp_blocked.value) {
	case VERDICT_YES:
		w->outer->udp_blocked = true;
		nat_twin_tell(w, w->outer_layer, "udp-blocked", "udp-blocked");
		break;
	case VERDICT_MIXED:
		allow_ports(w);
		nat_twin_tell(w, w->outer_layer, "udp-ports", "udp-blocked");
		break;
	case VERDICT_UNKNOWN:
		nat_twin_gap(w, "udp-blocked", "no");
		break;
	default:
		break;
	}
}

static void set_rate_limit(struct nat_twin_work *w)
{
	struct nat_config *c = w->outer;
	const struct verdict *v = w->v;

	if (v->rate_limit.value == VERDICT_UNKNOWN)
		nat_twin_gap(w, "rate-limit", "no");
	if (v->rate_limit.value != VERDICT_YES)
		return;
	c->rate_per_s = v->rate_limit_per_s != 0 ? v->rate_limit_per_s : RATE_PER_S;
	c->rate_burst = c->rate_per_s / 4 + 1;
	nat_twin_tell(w, w->outer_layer, "packet-rate", "rate-limit");
	nat_twin_because(w, w->outer_layer, "packet-burst",
			 "of a rate limit nobody tells; a guess");
}

/* --- the line --- */

/*
 * Each way, what makes this share of round trips. The interval reaches farther above what was
 * seen than below; where nothing was lost, it begins at 0.
 */
static double loss_each_way(const struct verdict_interval *share)
{
	double round_trip = share->low + (share->high - share->low) / 3;
	double loss;

	if (!share->known || !(share->low > 0 && share->low <= share->high && share->high <= 1))
		return 0;
	loss = 1 - sqrt(1 - round_trip);
	return (double)(unsigned)(loss * 1000 + 0.5) / 1000; /* of a percent, one decimal */
}

static void set_line(struct nat_twin_work *w)
{
	const struct verdict *v = w->v;
	struct nat_link_config *line = &w->out->line;
	uint64_t least = v->rtt_min_us, spread = v->rtt_max_us - least;

	line->loss = loss_each_way(&v->loss);
	nat_twin_tell(w, 0, "loss", "loss");
	if (!v->loss.known)
		nat_twin_gap(w, "loss", "none");
	if (least == 0 || v->rtt_max_us < least) {
		nat_twin_gap(w, "rtt", "10 ms");
		return;
	}
	line->delay_us = (uint32_t)((least < DELAY_MAX_US ? least + 1 : DELAY_MAX_US) / 2);
	nat_twin_tell(w, 0, "delay", "rtt");
	/* So much any path has, and the first datagram finds the way; more is of this one. */
	if (spread > least / 10 + 10000 && line->loss <= 0) {
		line->jitter_us =
			(uint32_t)(spread / 2 < JITTER_MAX_US ? spread / 2 : JITTER_MAX_US);
		nat_twin_tell(w, 0, "jitter", "rtt");
	}
}

void nat_twin_derive(const struct verdict *v, uint8_t family, struct nat_twin *out)
{
	struct nat_twin_work w = { .v = v, .family = family, .out = out };

	*out = (struct nat_twin){ 0 };
	out->profile = (struct nat_profile){ .id = "twin",
					     .name = "twin",
					     .summary = "",
					     .family = family,
					     .truth = "",
					     .deep_truth = "",
					     .p2pd_type = "",
					     .p2pd_delta = "",
					     .strategy = "" };
	nat_twin_boxes(&w);
	set_rules(&w);
	nat_twin_ports(&w);
	set_pooling(&w);
	set_hairpin(&w);
	set_gateway(&w);
	set_blocked(&w);
	set_rate_limit(&w);
	set_line(&w);
	nat_twin_depths(&w);
	nat_twin_agree(&w);
}
