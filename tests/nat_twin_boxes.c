/* Which boxes a twin has, and their addresses. */
#include "nat_twin_parts.h"

#define SHARED_NET addr_ipv4(100, 64, 0, 1, 0)
#define OUTER_NET  addr_ipv4(10, 0, 0, 1, 0)
#define AFTR_NET   addr_ipv4(192, 0, 0, 1, 0)
#define CLAT_NET   addr_ipv4(192, 0, 0, 3, 0)

static const struct addr public6 = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x22, [15] = 1 } };
static const struct addr local6 = { .family = ADDR_IPV6, .ip = { 0xfd, 0x10, 0, 0x22, [15] = 1 } };
static const struct addr outer6 = { .family = ADDR_IPV6, .ip = { 0xfd, 0x10, 0, 0x23, [15] = 1 } };
static const struct addr wan6 = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x21, [15] = 2 } };
static const struct addr nptv6_inside = { .family = ADDR_IPV6, .ip = { 0xfd, 0x10, 0, 0x22 } };
static const struct addr nptv6_outside = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x23 } };
static const struct addr nat64_well_known = { .family = ADDR_IPV6, .ip = { 0, 0x64, 0xff, 0x9b } };
static const struct addr nat64_own = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x64 } };

#define NPTV6_LEN 48

static struct addr next_to(const struct addr *a)
{
	struct addr next = *a;

	next.ip[addr_ip_len(a->family) - 1]++;
	return next;
}

static bool has_hint(const struct nat_twin_work *w, unsigned hints)
{
	return w->v->cgn.value == VERDICT_YES && (w->v->cgn_hints & hints) != 0;
}

static bool is_nat64(const struct nat_twin_work *w)
{
	return w->family == ADDR_IPV6 && w->v->nat64.value == VERDICT_YES;
}

static bool is_nptv6(const struct nat_twin_work *w)
{
	return w->family == ADDR_IPV6 && w->v->nat.value != VERDICT_NO && !is_nat64(w) &&
	       nat_twin_is_word(w, DEEP_NPTV6, DEEP_YES);
}

/* IPv6 is not translated where nobody knows; IPv4 is. */
static bool translates(struct nat_twin_work *w)
{
	bool is_likely = w->family == ADDR_IPV4;

	if (is_nat64(w))
		return true;
	if (w->v->nat.value == VERDICT_NO)
		return false;
	if (w->v->nat.value == VERDICT_YES || w->v->nat.value == VERDICT_MIXED)
		return true;
	nat_twin_gap(w, "nat", is_likely ? "yes" : "no");
	return is_likely;
}

/* DS-Lite: a router at home, and the carrier's NAT behind a tunnel. */
static bool has_tunnel(const struct nat_twin_work *w)
{
	return nat_twin_is_word(w, DEEP_DS_LITE, DEEP_YES) && w->family == ADDR_IPV4 &&
	       !has_hint(w, CGN_LOCAL_DS_LITE);
}

/* The gateway maps ports, and nobody outside reaches them: something is in between. */
static bool maps_in_vain(const struct nat_twin_work *w)
{
	return w->family == ADDR_IPV4 && nat_twin_is_word(w, DEEP_PORTMAP_WORKS, DEEP_NO) &&
	       (w->v->pcp.present.value == VERDICT_YES ||
		w->v->nat_pmp.present.value == VERDICT_YES);
}

static uint8_t count_translators(struct nat_twin_work *w)
{
	bool is_told = nat_twin_is_number(w, DEEP_NATS);
	double nats = is_told ? nat_twin_deep(w, DEEP_NATS)->low : 1;

	if (is_nat64(w) || is_nptv6(w) || has_tunnel(w))
		return 1;
	if (!is_told)
		return has_hint(w, CGN_GATEWAY_SHARED | CGN_GATEWAY_PRIVATE) || maps_in_vain(w) ? 2
												: 1;
	if (nats > NAT_LAYERS_MAX) {
		nat_twin_gap(w, "nats", "3");
		return NAT_LAYERS_MAX;
	}
	return nats >= 2 ? (uint8_t)nats : 1;
}

/* --- addresses --- */

/* Of the network between the layers `layer` and `layer` + 1. */
static struct addr between(const struct nat_twin_work *w, uint8_t layer)
{
	struct addr net = layer == 0 && has_hint(w, CGN_GATEWAY_SHARED) ? SHARED_NET : OUTER_NET;

	if (w->family == ADDR_IPV6) {
		net = outer6;
		net.ip[4] = layer;
	} else if (layer > 0) {
		net.ip[1] = layer;
	}
	return net;
}

/* The host is next to it. */
static struct addr home_net(const struct nat_twin_work *w, bool is_private)
{
	if (w->family == ADDR_IPV6)
		return is_private && !is_nat64(w) ? local6 : public6;
	if (has_hint(w, CGN_LOCAL_SHARED))
		return SHARED_NET;
	if (has_hint(w, CGN_LOCAL_DS_LITE))
		return nat_twin_is_word(w, DEEP_464XLAT, DEEP_YES) ? CLAT_NET : AFTR_NET;
	return is_private ? addr_ipv4(192, 168, 1, 1, 0) : addr_ipv4(22, 0, 0, 1, 0);
}

/* 0: none that the model has. */
static uint8_t prefix_len(unsigned bits)
{
	switch (bits) {
	case 32:
	case 40:
	case 48:
	case 56:
	case 64:
	case 96:
		return (uint8_t)bits;
	default:
		return 0;
	}
}

static void set_nat64(struct nat_twin_work *w, struct nat_config *c)
{
	uint8_t len = prefix_len(w->v->nat64_prefix_len);

	if (len == 0)
		nat_twin_gap(w, "nat64.prefix", "96");
	c->nat64_prefix = len == 0 || len == 96 ? nat64_well_known : nat64_own;
	c->nat64_prefix_len = len == 0 ? 96 : len;
	nat_twin_tell(w, 0, "nat64", "nat64");
}

/* What DNS tells, whoever needs it. */
static void set_dns(struct nat_twin_work *w)
{
	const struct deep_value *told = nat_twin_deep(w, DEEP_NAT64_PREFIX);
	struct nat_profile *p = &w->out->profile;
	uint8_t len;

	if (!nat_twin_is_number(w, DEEP_NAT64_PREFIX) || told->low < 0 || told->low > 96)
		return;
	len = prefix_len((unsigned)told->low);
	if (len == 0)
		return;
	p->dns_nat64 = len == 96 ? nat64_well_known : nat64_own;
	p->dns_nat64_len = len;
}

static void set_claim(struct nat_twin_work *w)
{
	struct addr shared = SHARED_NET, home = OUTER_NET;

	if (w->family != ADDR_IPV4 || w->inner != w->outer)
		return;
	if (has_hint(w, CGN_GATEWAY_SHARED))
		w->inner->claims_external = next_to(&shared);
	else if (has_hint(w, CGN_GATEWAY_PRIVATE))
		w->inner->claims_external = next_to(&home);
	else if (has_hint(w, CGN_GATEWAY_DIFFERS))
		w->inner->claims_external = addr_ipv4(23, 0, 0, 2, 0);
	nat_twin_tell(w, w->inner_layer, "claims-external", "cgn");
}

static void set_outside(struct nat_twin_work *w)
{
	struct nat_config *c = w->outer;

	if (is_nptv6(w)) {
		c->nptv6_inside = nptv6_inside;
		c->nptv6_outside = nptv6_outside;
		c->nptv6_len = NPTV6_LEN;
		nat_twin_tell(w, 0, "nptv6-inside", "nptv6");
		nat_twin_tell(w, 0, "nptv6-outside", "nptv6");
		return;
	}
	if (is_nat64(w))
		set_nat64(w, c);
	c->externals[0] = w->family == ADDR_IPV6 && !is_nat64(w) ? wan6 : addr_ipv4(21, 0, 0, 2, 0);
	c->external_count = 1;
	nat_twin_because(w, 0, "external", "the laboratory's");
}

/* Home routers behind the outermost box. */
static void add_inner(struct nat_twin_work *w, uint8_t layer)
{
	struct nat_config *layers = w->out->profile.layers;

	layers[layer - 1].gateway = between(w, (uint8_t)(layer - 1));
	layers[layer].mapping = NAT_EI;
	layers[layer].externals[0] = next_to(&layers[layer - 1].gateway);
	layers[layer].external_count = 1;
	nat_twin_because(w, layer, "mapping", "a usual home router's");
	nat_twin_because(w, layer, "external", "the laboratory's");
}

void nat_twin_boxes(struct nat_twin_work *w)
{
	struct nat_profile *p = &w->out->profile;
	bool is_nat = translates(w);

	p->layer_count = is_nat ? count_translators(w) : 1;
	w->outer = &p->layers[0];
	if (is_nat)
		set_outside(w);
	for (uint8_t layer = 1; layer < p->layer_count; layer++)
		add_inner(w, layer);
	if (is_nat && has_tunnel(w)) {
		p->layers[0].gateway = AFTR_NET;
		p->layer_count = 2; /* the second one only routes */
	}
	w->inner_layer = (uint8_t)(p->layer_count - 1);
	w->inner = &p->layers[w->inner_layer];
	w->inner->gateway = home_net(w, is_nat);
	if (is_nat)
		set_claim(w);
	set_dns(w);
}

void nat_twin_agree(struct nat_twin_work *w)
{
	const struct nat_config *outer = w->outer;

	for (uint8_t layer = 1; layer < w->out->profile.layer_count; layer++) {
		struct nat_config *c = &w->out->profile.layers[layer];

		if (c->external_count == 0)
			continue;
		c->filtering = outer->filtering;
		nat_twin_because(w, layer, "filtering", "as the box before it");
		if (outer->has_tcp_rules && outer->tcp_filtering != outer->filtering) {
			c->has_tcp_rules = true;
			c->tcp_mapping = c->mapping;
			c->tcp_filtering = outer->tcp_filtering;
			nat_twin_because(w, layer, "tcp-filtering", "as the box before it");
		}
		c->refresh = outer->refresh;
		c->lifetime_s = outer->lifetime_s;
		c->lifetime_one_way_s = outer->lifetime_one_way_s;
		c->lifetime_low_port_s = outer->lifetime_low_port_s;
	}
}
