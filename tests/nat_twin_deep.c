/* What a twin has of a deeper look. */
#include "nat_twin_parts.h"

#include <math.h>

#define LIFETIME_S     300
#define LIFETIME_MAX_S 1000000
#define LONG_LIFE      4 /* times as long as anybody looked */
#define MTU_USUAL      1500
#define MTU_LEAST      576

const struct deep_value *nat_twin_deep(const struct nat_twin_work *w, enum deep_property which)
{
	static const struct deep_value none;

	return w->v->deep.tried ? &w->v->deep.values[which] : &none;
}

bool nat_twin_is_word(const struct nat_twin_work *w, enum deep_property which, unsigned word)
{
	const struct deep_value *value = nat_twin_deep(w, which);

	return value->state == DEEP_WORD && value->word == word;
}

bool nat_twin_is_number(const struct nat_twin_work *w, enum deep_property which)
{
	const struct deep_value *value = nat_twin_deep(w, which);

	return value->state == DEEP_NUMBER && !isnan(value->low) && value->low <= value->high;
}

static uint32_t limited(double value, uint32_t max)
{
	if (!(value > 0))
		return 0;
	return value < max ? (uint32_t)value : max;
}

uint32_t nat_twin_round(double low, double high, uint32_t max)
{
	static const uint32_t steps[] = { 600, 300, 100, 60, 50, 30, 20, 10, 5, 2, 1 };
	uint32_t first = limited(ceil(low), max), last = limited(floor(high), max);

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		uint32_t at = last / steps[i] * steps[i];

		if (at >= first && at > 0)
			return at;
	}
	return limited(low + 0.5, max); /* no whole number in there */
}

/* --- lifetimes --- */

static uint32_t seconds(const struct deep_value *value)
{
	uint32_t s;

	if (isinf(value->high) && value->low < LIFETIME_S)
		return LIFETIME_S;
	if (isinf(value->high))
		return limited(ceil(value->low * LONG_LIFE), LIFETIME_MAX_S);
	s = nat_twin_round(value->low, value->high, LIFETIME_MAX_S);
	return s > 0 ? s : 1;
}

/* 0 where it is what the others are as well. */
static uint32_t other_seconds(struct nat_twin_work *w, enum deep_property which, uint32_t usual,
			      const char *key, const char *property)
{
	const struct deep_value *value = nat_twin_deep(w, which);

	if (!nat_twin_is_number(w, which))
		return 0;
	if (value->low <= usual && usual <= value->high)
		return 0;
	nat_twin_tell(w, w->outer_layer, key, property);
	return seconds(value);
}

static void set_lifetimes(struct nat_twin_work *w)
{
	struct nat_config *c = w->outer;
	uint32_t usual = LIFETIME_S;

	if (nat_twin_is_number(w, DEEP_LIFETIME)) {
		c->lifetime_s = usual = seconds(nat_twin_deep(w, DEEP_LIFETIME));
		nat_twin_tell(w, w->outer_layer, "lifetime", "lifetime");
	} else if (nat_twin_deep(w, DEEP_LIFETIME)->state == DEEP_UNKNOWN) {
		nat_twin_gap(w, "lifetime", "5 minutes");
	}
	c->lifetime_one_way_s = other_seconds(w, DEEP_LIFETIME_ONE_WAY, usual, "lifetime-one-way",
					      "lifetime.one-way");
	c->lifetime_low_port_s = other_seconds(w, DEEP_LIFETIME_LOW_PORT, usual,
					       "lifetime-low-port", "lifetime.low-port");
}

static void set_refresh(struct nat_twin_work *w)
{
	bool out = nat_twin_is_word(w, DEEP_REFRESH_OUTBOUND, DEEP_YES);
	bool in = nat_twin_is_word(w, DEEP_REFRESH_INBOUND, DEEP_YES);
	bool not_out = nat_twin_is_word(w, DEEP_REFRESH_OUTBOUND, DEEP_NO);
	bool not_in = nat_twin_is_word(w, DEEP_REFRESH_INBOUND, DEEP_NO);

	if (in && out)
		w->outer->refresh = NAT_REFRESH_BOTH;
	else if (in && not_out)
		w->outer->refresh = NAT_REFRESH_IN;
	else if (not_in && not_out)
		w->outer->refresh = NAT_REFRESH_NONE;
	else if (!out && nat_twin_deep(w, DEEP_REFRESH_OUTBOUND)->state == DEEP_UNKNOWN)
		nat_twin_gap(w, "refresh.outbound", "yes");
	nat_twin_tell(w, w->outer_layer, "refresh", in ? "refresh.inbound" : "refresh.outbound");
}

/* --- what it does to packets --- */

static void set_mtu(struct nat_twin_work *w)
{
	const struct deep_value *out = nat_twin_deep(w, DEEP_MTU_OUT);
	const struct deep_value *in = nat_twin_deep(w, DEEP_MTU_IN);
	struct nat_config *c = w->outer;

	if (nat_twin_is_number(w, DEEP_MTU_OUT) && out->low >= MTU_LEAST && out->low < MTU_USUAL) {
		c->mtu = limited(out->low, MTU_USUAL);
		nat_twin_tell(w, w->outer_layer, "mtu", "mtu.out");
	}
	if (nat_twin_is_number(w, DEEP_MTU_IN) && in->low >= MTU_LEAST && in->low < MTU_USUAL) {
		c->max_inbound = limited(in->low, MTU_USUAL);
		nat_twin_tell(w, w->outer_layer, "max-inbound", "mtu.in");
	}
	c->silent_too_big = nat_twin_is_word(w, DEEP_DF, DEEP_DF_SILENT);
	c->fragments_df = nat_twin_is_word(w, DEEP_DF, DEEP_DF_FRAGMENTED);
	nat_twin_tell(w, w->outer_layer, "silent-too-big", "df");
	nat_twin_tell(w, w->outer_layer, "fragments-df", "df");
}

static uint8_t fragments_rule(const struct nat_twin_work *w, enum deep_property which)
{
	if (nat_twin_is_word(w, which, DEEP_FRAGMENTS_IN_ORDER))
		return NAT_FRAGMENTS_IN_ORDER;
	return nat_twin_is_word(w, which, DEEP_FRAGMENTS_NO) ? NAT_FRAGMENTS_DROP
							     : NAT_FRAGMENTS_ANY_ORDER;
}

static void set_fragments(struct nat_twin_work *w)
{
	w->outer->fragments = fragments_rule(w, DEEP_FRAGMENTS_IN);
	w->outer->fragments_out = fragments_rule(w, DEEP_FRAGMENTS_OUT);
	nat_twin_tell(w, w->outer_layer, "fragments", "fragments.in");
	nat_twin_tell(w, w->outer_layer, "fragments-out", "fragments.out");
}

/* --- what nobody asked for --- */

/* Who translates nothing, and lets a SYN through, lets a host answer it with a reset. */
static void set_firewall(struct nat_twin_work *w)
{
	const struct deep_value *syn = nat_twin_deep(w, DEEP_SYN_REACTION);
	struct nat_config *c = w->outer;

	if (c->external_count == 0 && c->nptv6_len == 0 && c->filtering == NAT_NONE &&
	    syn->state == DEEP_WORD && syn->word != DEEP_SYN_RST)
		c->filtering = NAT_EI;
}

static void set_tcp(struct nat_twin_work *w)
{
	static const uint8_t filters[] = {
		[DEEP_FILTER_ENDPOINT_INDEPENDENT] = NAT_EI,
		[DEEP_FILTER_ADDRESS_DEPENDENT] = NAT_AD,
		[DEEP_FILTER_ADDRESS_AND_PORT_DEPENDENT] = NAT_APD,
		[DEEP_FILTER_PORT_DEPENDENT] = NAT_PD,
	};
	const struct deep_value *value = nat_twin_deep(w, DEEP_FILTERING_TCP);
	struct nat_config *c = w->outer;

	if (value->state != DEEP_WORD || value->word >= ARRAY_LEN(filters)) {
		if (w->v->deep.tried)
			nat_twin_gap(w, "filtering.tcp", "the same as of UDP");
		return;
	}
	if (filters[value->word] == c->filtering ||
	    (filters[value->word] == NAT_EI && c->filtering == NAT_NONE))
		return;
	if (!c->has_tcp_rules)
		c->tcp_mapping = c->mapping;
	c->has_tcp_rules = true;
	c->tcp_filtering = filters[value->word];
	nat_twin_tell(w, w->outer_layer, "tcp-filtering", "filtering.tcp");
}

/* Ports are kept for each tuple alone: two hosts may share one, and early packets take one. */
static void set_linux(struct nat_twin_work *w)
{
	bool is_early = nat_twin_is_word(w, DEEP_EARLY_INBOUND, DEEP_EARLY_REMAPPED);
	struct nat_config *c = w->outer;

	if (c->allocation != NAT_PRESERVING || c->external_count == 0 ||
	    (!is_early && !nat_twin_is_word(w, DEEP_PORT_CLASH, DEEP_CLASH_OVERLOADED)))
		return;
	c->allocation = NAT_LINUX;
	if (!is_early)
		return;
	c->unsolicited = NAT_ACCEPT;
	nat_twin_tell(w, w->outer_layer, "unsolicited", "early-inbound");
}

static void set_reactions(struct nat_twin_work *w)
{
	static const uint8_t reactions[] = {
		[DEEP_SYN_SILENT] = NAT_DROP,
		[DEEP_SYN_RST] = NAT_RST,
		[DEEP_SYN_ICMP] = NAT_ICMP,
		[DEEP_SYN_ACCEPTED] = NAT_ACCEPT,
	};
	const struct deep_value *syn = nat_twin_deep(w, DEEP_SYN_REACTION);
	struct nat_config *c = w->outer;

	if (syn->state == DEEP_WORD && syn->word < ARRAY_LEN(reactions)) {
		c->unsolicited_syn = reactions[syn->word];
		nat_twin_tell(w, w->outer_layer, "unsolicited-syn", "syn-reaction");
	}
	c->dies_on_unexpected = nat_twin_is_word(w, DEEP_UNEXPECTED, DEEP_ENDS_MAPPING);
	c->dies_on_icmp = nat_twin_is_word(w, DEEP_ICMP_ERROR, DEEP_ENDS_MAPPING);
	c->drops_icmp_errors = nat_twin_is_word(w, DEEP_ICMP_PASSED, DEEP_NO);
	nat_twin_tell(w, w->outer_layer, "dies-on-unexpected", "unexpected-inbound");
	nat_twin_tell(w, w->outer_layer, "dies-on-icmp", "icmp-error");
	nat_twin_tell(w, w->outer_layer, "drops-icmp-errors", "icmp.passed");
}

static const struct {
	enum deep_property which;
	const char *property, *assumed;
} usual[] = {
	{ DEEP_SYN_REACTION, "syn-reaction", "silent" },
	{ DEEP_EARLY_INBOUND, "early-inbound", "kept" },
	{ DEEP_UNEXPECTED, "unexpected-inbound", "survives" },
	{ DEEP_ICMP_ERROR, "icmp-error", "survives" },
	{ DEEP_ICMP_PASSED, "icmp.passed", "yes" },
	{ DEEP_FRAGMENTS_IN, "fragments.in", "any-order" },
	{ DEEP_FRAGMENTS_OUT, "fragments.out", "any-order" },
	{ DEEP_DF, "df", "icmp" },
	{ DEEP_MTU_OUT, "mtu.out", "1500 bytes" },
	{ DEEP_MTU_IN, "mtu.in", "1500 bytes" },
	{ DEEP_ALG, "alg", "no" },
};

static void list_gaps(struct nat_twin_work *w)
{
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (nat_twin_deep(w, usual[i].which)->state == DEEP_UNKNOWN)
			nat_twin_gap(w, usual[i].property, usual[i].assumed);
	}
}

void nat_twin_depths(struct nat_twin_work *w)
{
	if (!w->v->deep.tried) {
		nat_twin_gap(w, "lifetime", "5 minutes");
		return;
	}
	set_lifetimes(w);
	set_refresh(w);
	set_firewall(w);
	set_tcp(w);
	set_linux(w);
	set_reactions(w);
	set_fragments(w);
	set_mtu(w);
	w->outer->alg = nat_twin_is_word(w, DEEP_ALG, DEEP_YES);
	nat_twin_tell(w, w->outer_layer, "alg", "alg");
	if (nat_twin_is_word(w, DEEP_PORT_CLASH, DEEP_CLASH_KEPT) && w->outer->external_count > 0)
		nat_twin_gap(w, "port-clash", NULL);
	list_gaps(w);
}
