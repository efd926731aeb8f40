#include <stdio.h>

#include "nat_truth_deep.h"

#define LINK_MTU  1500
#define NAT64_MTU 20 /* what IPv6 has more in front */

/* On what of the other side a rule depends. */
#define ON_ADDRESS 1u
#define ON_PORT    2u

struct text {
	char *out;
	size_t cap, len;
};

static void line(struct text *t, const char *property, const char *value)
{
	int n = snprintf(t->out + t->len, t->cap - t->len, "%s = %s\n", property, value);

	if (n > 0 && (size_t)n < t->cap - t->len)
		t->len += (size_t)n;
}

static void number(struct text *t, const char *property, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	line(t, property, text);
}

static unsigned depends_on(uint8_t rule)
{
	switch (rule) {
	case NAT_AD:
		return ON_ADDRESS;
	case NAT_PD:
		return ON_PORT;
	case NAT_APD:
		return ON_ADDRESS | ON_PORT;
	default:
		return 0;
	}
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static bool translates(const struct nat_config *n)
{
	return (n->mapping != NAT_NONE && n->external_count > 0) || n->nptv6_len > 0;
}

static bool pools_by_lot(const struct nat_config *n)
{
	return n->pooling == NAT_POOL_ARBITRARY && n->external_count > 1;
}

static uint8_t tcp_filtering(const struct nat_config *n)
{
	return n->has_tcp_rules ? n->tcp_filtering : n->filtering;
}

static bool pools_any(const struct nat_profile *p)
{
	for (unsigned i = 0; i < p->layer_count; i++) {
		if (pools_by_lot(&p->layers[i]))
			return true;
	}
	return false;
}

/* The outermost box that does not let every SYN through; NULL: they reach the host. */
static const struct nat_config *doorkeeper(const struct nat_profile *p, bool filters)
{
	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		if (filters ? depends_on(tcp_filtering(n)) != 0 : tcp_filtering(n) != NAT_NONE)
			return n;
	}
	return NULL;
}

static void put_tcp(struct text *t, const struct nat_profile *p)
{
	static const char *const words[] = {
		[0] = "endpoint-independent",
		[ON_ADDRESS] = "address-dependent",
		[ON_PORT] = "port-dependent",
		[ON_ADDRESS | ON_PORT] = "address-and-port-dependent",
	};
	static const char *const reactions[] = {
		[NAT_DROP] = "silent", [NAT_ICMP] = "icmp", [NAT_RST] = "rst", [NAT_ACCEPT] = "rst"
	};
	const struct nat_config *n;
	unsigned filter = 0;

	if (pools_any(p))
		return; /* the server may have to connect to another address than it saw */
	for (unsigned i = 0; i < p->layer_count; i++)
		filter |= depends_on(tcp_filtering(&p->layers[i]));
	line(t, "filtering.tcp", words[filter]);
	n = doorkeeper(p, filter != 0);
	line(t, "syn-reaction", n == NULL ? "rst" : reactions[n->unsolicited_syn]);
}

static void put_mapping(struct text *t, const struct nat_profile *p)
{
	unsigned mapping = 0;
	bool takes = false, by_load = false, unexpected = false, icmp = false;
	bool arrives = true, passes = true, moves = false; /* a port, when it is mapped anew */

	/* From outside to inside: what one box drops, those behind it never see. */
	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];
		bool is_linux = n->allocation == NAT_LINUX;

		mapping |= is_linux ? 0 : depends_on(n->mapping);
		takes |= is_linux && n->unsolicited == NAT_ACCEPT;
		by_load |= n->load_limit > 0;
		unexpected |= arrives && n->dies_on_unexpected && depends_on(n->filtering) != 0;
		arrives &= depends_on(n->filtering) == 0;
		moves |= translates(n) && n->allocation != NAT_PRESERVING &&
			 n->allocation != NAT_OFFSET && !is_linux;
		icmp |= passes && n->dies_on_icmp && !n->drops_icmp_errors;
		passes &= !n->drops_icmp_errors && !n->icmp_blocked;
	}
	if (mapping == (ON_ADDRESS | ON_PORT) || (unexpected && moves))
		line(t, "early-inbound", "unknown");
	else if (!by_load)
		line(t, "early-inbound", takes ? "remapped" : "kept");
	line(t, "unexpected-inbound", unexpected ? "ends-mapping" : "survives");
	line(t, "icmp-error", icmp ? "ends-mapping" : "survives");
	line(t, "icmp.passed", yes_no(passes));
}

static void put_sizes(struct text *t, const struct nat_profile *p)
{
	static const char *const orders[] = { "any-order", "in-order", "no" };
	unsigned fragments = 0, out = LINK_MTU, in = LINK_MTU, limit;
	bool is_silent = false, is_nat64 = false;

	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		is_nat64 |= n->nat64_prefix_len > 0;
		if (n->fragments > fragments)
			fragments = n->fragments;
		limit = (n->mtu != 0 ? n->mtu : LINK_MTU) +
			(n->nat64_prefix_len > 0 ? NAT64_MTU : 0);
		if (limit <= out && !n->fragments_df) {
			out = limit;
			is_silent = n->silent_too_big;
		}
		is_silent |= n->drops_icmp_errors;
		if (n->max_inbound != 0 && n->max_inbound < in)
			in = n->max_inbound;
	}
	line(t, "fragments.in", is_nat64 ? "no" : orders[fragments]);
	line(t, "fragments.out", is_nat64 ? "no" : orders[0]);
	number(t, "mtu.out", out);
	number(t, "mtu.in", in);
	if (out < LINK_MTU) /* else nothing is too big, and there is no word for that */
		line(t, "df", is_silent ? "silent" : "icmp");
}

/* Two hosts with one port, to two servers. */
static const char *clash(const struct nat_profile *p)
{
	const char *answer = "kept";

	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		if (n->mapping == NAT_NONE || n->external_count == 0 ||
		    (n->pooling == NAT_POOL_BY_DESTINATION && n->external_count > 1))
			continue;
		answer = n->allocation == NAT_LINUX ? "overloaded" : "moved";
	}
	return answer;
}

static bool is_of_service(const struct addr *a)
{
	return a->family == ADDR_IPV4 && a->ip[0] == 192 && a->ip[1] == 0 && a->ip[2] == 0 &&
	       a->ip[3] < 8;
}

static void put_translators(struct text *t, const struct nat_profile *p)
{
	unsigned nats = 0, silent = 0;
	bool alg = false, nptv6 = false, service = false;
	struct addr host = nat_plan_host(p, 0);

	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		nats += translates(n);
		silent += n->silent_hop;
		alg |= n->alg;
		nptv6 |= n->nptv6_len > 0;
		service |= is_of_service(&n->gateway);
	}
	/* Nobody tells whether the farther one translates, or only filters. */
	if (silent > 1)
		line(t, "nats", "unknown");
	else
		number(t, "nats", nats);
	line(t, "alg", yes_no(alg));
	line(t, "nptv6", yes_no(nptv6));
	line(t, "ds-lite", yes_no(service && !is_of_service(&host)));
	line(t, "464xlat", yes_no(is_of_service(&host) && p->dns_nat64_len > 0));
	if (p->dns_nat64_len > 0)
		number(t, "nat64.prefix", p->dns_nat64_len);
	else
		line(t, "nat64.prefix", "none");
	if (!pools_any(p))
		line(t, "port-clash", clash(p));
}

size_t nat_truth_path(const struct nat_profile *p, char *out, size_t cap)
{
	struct text t = { .out = out, .cap = cap };

	put_tcp(&t, p);
	put_mapping(&t, p);
	put_sizes(&t, p);
	put_translators(&t, p);
	return t.len;
}
