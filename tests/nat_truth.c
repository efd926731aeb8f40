#include "nat_truth.h"

#include <stdarg.h>
#include <stdio.h>

/* On what of the other side a rule depends. */
#define ON_ADDRESS 1u
#define ON_PORT    2u

struct text {
	char *out;
	size_t len;
};

/* The boxes as one, seen from the host. */
struct sum {
	const struct nat_profile *p;
	const struct nat_config *nat; /* the one that decides about ports; NULL: none translates */
	const struct nat_config *outer; /* the outermost one that translates; NULL: none does */
	const struct nat_config *inner; /* the gateway of the host; NULL: it has none */
	unsigned mapping, tcp_mapping, filtering;
	bool blocks, blocks_all; /* UDP: on most ports, on all */
	uint32_t rate_per_s;     /* 0: no limit */
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->out + t->len, NAT_TRUTH_MAX - t->len, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < NAT_TRUTH_MAX - t->len)
		t->len += (size_t)n;
}

static void line(struct text *t, const char *property, const char *value)
{
	put(t, "%s = %s\n", property, value);
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

static const char *word(unsigned depends)
{
	static const char *const words[] = {
		[0] = "endpoint-independent",
		[ON_ADDRESS] = "address-dependent",
		[ON_PORT] = "port-dependent",
		[ON_ADDRESS | ON_PORT] = "address-and-port-dependent",
	};

	return words[depends];
}

/* A box that keeps the port for every destination shows none of its mappings. */
static unsigned visible(const struct nat_config *n, uint8_t rule)
{
	return n->allocation == NAT_LINUX ? 0 : depends_on(rule);
}

static bool translates(const struct nat_config *n)
{
	return (n->mapping != NAT_NONE && n->external_count > 0) || n->nptv6_len > 0;
}

static bool keeps_ports(const struct nat_config *n)
{
	return (n->allocation == NAT_PRESERVING || n->allocation == NAT_LINUX) &&
	       n->overload <= 0 && n->block_width == 0;
}

static bool pools(const struct nat_config *n)
{
	return n->pooling != NAT_POOL_PAIRED && n->external_count > 1;
}

/* Each uplink keeps the port; else servers that share one see the same, and others do not. */
static bool agrees(const struct nat_config *n)
{
	bool keeps = keeps_ports(n) || (n->allocation == NAT_OFFSET && n->block_width == 0);

	if (n->mapping != NAT_EI || (n->has_tcp_rules && n->tcp_mapping != NAT_EI) ||
	    n->overload > 0 || n->hairpin != NAT_HAIRPIN_NONE || n->pcp || n->nat_pmp)
		return false;
	return n->pooling != NAT_POOL_BY_DESTINATION || keeps;
}

static struct sum sum_up(const struct nat_profile *p)
{
	struct sum s = { .p = p };

	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		s.inner = n;
		s.blocks |= n->udp_blocked || n->udp_ports_allowed[0] != 0;
		s.blocks_all |= n->udp_blocked;
		if (n->rate_per_s > 0)
			s.rate_per_s = n->rate_per_s;
		s.filtering |= depends_on(n->filtering);
		if (!translates(n))
			continue;
		s.mapping |= visible(n, n->mapping);
		s.tcp_mapping |= visible(n, n->has_tcp_rules ? n->tcp_mapping : n->mapping);
		if (s.outer == NULL)
			s.outer = n;
		if (s.nat == NULL || !keeps_ports(n))
			s.nat = n;
	}
	return s;
}

static bool is_certain(const struct sum *s)
{
	unsigned choosers = 0;

	for (unsigned i = 0; i < s->p->layer_count; i++) {
		const struct nat_config *n = &s->p->layers[i];

		choosers += translates(n) && !keeps_ports(n);
		if (translates(n) && pools(n) && !agrees(n))
			return false;
	}
	return choosers <= 1;
}

static void put_ports(struct text *t, const char *type, const int *value, bool parity,
		      bool contiguity)
{
	line(t, "delta.type", type);
	if (value != NULL)
		put(t, "delta.value = %d\n", *value);
	else
		line(t, "delta.value", "none");
	line(t, "parity", parity ? "yes" : "no");
	line(t, "contiguity", contiguity ? "yes" : "no");
}

static void put_allocation(struct text *t, const struct nat_config *n)
{
	uint8_t allocation = n->allocation;
	int step = n->step;
	bool in_order = allocation == NAT_SEQUENTIAL || allocation == NAT_DEPENDENT ||
			allocation == NAT_PARITY_SEQUENTIAL;

	/* What a host takes as its port is not in a small block, but by chance. */
	if (n->block_width > 0 && !in_order)
		allocation = NAT_RANDOM;
	switch (allocation) {
	case NAT_OFFSET:
		put_ports(t, "preserving", &(int){ n->offset }, n->offset % 2 == 0, true);
		break;
	case NAT_SEQUENTIAL:
		put_ports(t, "independent", &step, false, step == 1);
		break;
	case NAT_PARITY_SEQUENTIAL:
		put_ports(t, "independent", &step, true, false);
		break;
	case NAT_DEPENDENT:
		put_ports(t, "dependent", &step, false, step == 1);
		break;
	case NAT_CONTIGUOUS:
		put_ports(t, "dependent", &(int){ 1 }, false, true);
		break;
	case NAT_PARITY_RANDOM:
		put_ports(t, "random", NULL, true, false);
		break;
	case NAT_RANDOM:
		put_ports(t, "random", NULL, false, false);
		break;
	default:
		put_ports(t, "equal", NULL, n->overload <= 0, true);
		put(t, "delta.preserved = %g%%\n", 100 * (1 - n->overload));
		break;
	}
}

static const char *pooling_of(const struct nat_config *n)
{
	if (!pools(n))
		return "paired";
	return n->pooling == NAT_POOL_ARBITRARY ? "arbitrary" : "per-destination";
}

/*
 * From one socket to the mapped address of another one, both of which do that. Where mappings
 * differ, neither speaks to the other from the mapping that the other one speaks to.
 */
static const char *hairpin_of(const struct sum *s)
{
	bool is_open = s->filtering == 0 || (s->mapping == 0 && !pools(s->outer));

	if (!is_open)
		return "unknown";
	if (s->outer->hairpin == NAT_HAIRPIN_NONE)
		return "no";
	return s->outer->hairpin == NAT_HAIRPIN_EXTERNAL ? "external-source" : "internal-source";
}

static void put_translated(struct text *t, const struct sum *s)
{
	line(t, "nat", "yes");
	line(t, "firewall", "no");
	line(t, "udp-blocked", "no");
	line(t, "mapping", word(s->mapping));
	line(t, "mapping.tcp", word(s->tcp_mapping));
	line(t, "filtering", word(s->filtering));
	put_allocation(t, s->nat);
	line(t, "pooling", pooling_of(s->outer));
	line(t, "hairpin", hairpin_of(s));
}

static void put_untranslated(struct text *t, const struct sum *s)
{
	static const char *const none[] = { "delta.type", "parity", "contiguity", "pooling",
					    "hairpin" };

	line(t, "nat", "no");
	line(t, "firewall", s->filtering != 0 ? "yes" : "no");
	line(t, "udp-blocked", "no");
	line(t, "mapping", "none");
	line(t, "mapping.tcp", "none");
	line(t, "filtering", word(s->filtering));
	line(t, "delta.value", "none");
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		line(t, none[i], "not-applicable");
}

/*
 * TCP tells of the NAT. Whether it is one for UDP as well, or a firewall, nobody tells; but where
 * some datagrams come back, they are translated.
 */
static void put_blocked(struct text *t, const struct sum *s)
{
	static const char *const hidden[] = { "mapping",     "filtering", "delta.type",
					      "delta.value", "parity",    "contiguity",
					      "pooling",     "hairpin",   "rate-limit" };
	bool all = s->blocks_all;

	line(t, "nat", "yes");
	line(t, "firewall", all ? "unknown" : "no");
	line(t, "udp-blocked", all ? "yes" : "mixed");
	line(t, "mapping.tcp", word(s->tcp_mapping));
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		line(t, hidden[i], "unknown");
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

/* RFC 6598; RFC 6333 and 7335. */
static bool is_shared(const struct addr *a)
{
	if (a->family != ADDR_IPV4)
		return false;
	return (a->ip[0] == 100 && (a->ip[1] & 0xc0) == 64) ||
	       (a->ip[0] == 192 && a->ip[1] == 0 && a->ip[2] == 0 && a->ip[3] < 8);
}

static const char *cgn_of(const struct sum *s)
{
	struct addr host = nat_plan_host(s->p, 0), told = { 0 };

	if (is_shared(&host))
		return "yes";
	/* PCP names no address unless something is mapped. */
	if (s->inner == NULL || !s->inner->nat_pmp || s->p->family != ADDR_IPV4)
		return "unknown";
	told = s->inner->claims_external;
	if (told.family == ADDR_NONE)
		told = s->inner->externals[0];
	return yes_no(addr_is_private(&told) ||
		      !addr_equal_ip(&told, &s->p->layers[0].externals[0]));
}

static void put_gateway(struct text *t, const struct sum *s)
{
	bool is_nat64 = s->nat != NULL && s->nat->nat64_prefix.family == ADDR_IPV6;

	line(t, "nat64", yes_no(is_nat64));
	if (s->inner == NULL) {
		line(t, "pcp", "unknown");
		line(t, "nat-pmp", "unknown");
	} else {
		line(t, "pcp", yes_no(s->inner->pcp));
		line(t, "nat-pmp", yes_no(s->inner->nat_pmp && s->p->family == ADDR_IPV4));
	}
	line(t, "cgn", cgn_of(s));
}

bool nat_truth(const struct nat_profile *p, char out[static NAT_TRUTH_MAX])
{
	struct text t = { .out = out };
	struct sum s = sum_up(p);

	out[0] = '\0';
	if (!is_certain(&s) || (s.blocks && s.nat == NULL))
		return false;
	if (s.blocks)
		put_blocked(&t, &s);
	else if (s.nat != NULL)
		put_translated(&t, &s);
	else
		put_untranslated(&t, &s);
	put_gateway(&t, &s);
	if (!s.blocks)
		line(&t, "rate-limit", yes_no(s.rate_per_s > 0 && s.rate_per_s < 100));
	return true;
}
