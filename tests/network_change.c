#include "network_change.h"

#include <string.h>

#include "wire.h"

static bool says(const struct nat_profile *p, const char *line)
{
	return strstr(p->truth, line) != NULL;
}

static bool has_udp(const struct nat_profile *p)
{
	return says(p, "udp-blocked = no\n");
}

static bool translates(const struct nat_profile *p)
{
	return has_udp(p) && p->layer_count > 0 && p->layers[0].mapping != NAT_NONE;
}

static struct nat_config *innermost(struct nat_profile *p)
{
	return &p->layers[p->layer_count - 1];
}

static bool becomes_translated(struct nat_profile *p)
{
	static const struct addr outside[] = {
		[ADDR_IPV4] = { .family = ADDR_IPV4, .ip = { 21, 0, 0, 2 } },
		[ADDR_IPV6] = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x21, [15] = 2 } },
	};

	if (!says(p, "nat = no\n"))
		return false;
	p->layers[0].mapping = NAT_EI;
	p->layers[0].externals[0] = outside[p->family];
	p->layers[0].external_count = 1;
	return true;
}

/* Linux keeps the port for each destination, and so shows none of it. */
static bool maps_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (!translates(p) || n->allocation == NAT_LINUX)
		return false;
	n->mapping = n->mapping == NAT_EI ? NAT_APD : NAT_EI;
	return true;
}

static bool maps_tcp_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (n->mapping == NAT_NONE || n->allocation == NAT_LINUX)
		return false;
	n->has_tcp_rules = true;
	n->tcp_filtering = n->filtering;
	n->tcp_mapping = n->mapping == NAT_EI ? NAT_APD : NAT_EI;
	return true;
}

/* Of two filters the stricter one shows. */
static bool filters_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (!has_udp(p) || (p->layer_count > 1 && p->layers[1].filtering != NAT_NONE))
		return false;
	n->filtering = n->filtering <= NAT_EI ? NAT_APD : NAT_EI;
	return true;
}

static bool allocates_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (!translates(p) || n->allocation == NAT_PARITY_RANDOM)
		return false;
	n->step = 3;
	n->allocation = n->allocation == NAT_RANDOM ? NAT_SEQUENTIAL : NAT_RANDOM;
	return true;
}

static bool loses_parity(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (n->allocation != NAT_PARITY_RANDOM)
		return false;
	n->allocation = NAT_RANDOM;
	return true;
}

static bool steps_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (n->allocation == NAT_OFFSET)
		n->offset = -n->offset;
	else if (n->allocation == NAT_SEQUENTIAL || n->allocation == NAT_DEPENDENT)
		n->step = -n->step;
	else
		return false;
	return true;
}

static bool hairpins_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (says(p, "hairpin = unknown\n") || says(p, "hairpin = not-applicable\n"))
		return false;
	n->hairpin = n->hairpin == NAT_HAIRPIN_EXTERNAL ? NAT_HAIRPIN_NONE : NAT_HAIRPIN_EXTERNAL;
	return true;
}

static bool pools_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (!translates(p))
		return false;
	if (n->pooling != NAT_POOL_PAIRED) {
		n->pooling = NAT_POOL_PAIRED;
		return true;
	}
	n->pooling = NAT_POOL_ARBITRARY;
	n->external_count = 2;
	n->externals[1] = n->externals[0];
	n->externals[1].ip[addr_ip_len(n->externals[0].family) - 1] ^= 0x40;
	return true;
}

static bool speaks_pcp_otherwise(struct nat_profile *p)
{
	innermost(p)->pcp = !innermost(p)->pcp;
	return true;
}

/* It is for IPv4 alone. */
static bool speaks_nat_pmp_otherwise(struct nat_profile *p)
{
	if (p->family != ADDR_IPV4)
		return false;
	innermost(p)->nat_pmp = !innermost(p)->nat_pmp;
	return true;
}

static bool gets_behind_cgn(struct nat_profile *p)
{
	if (!says(p, "cgn = no\n"))
		return false;
	innermost(p)->claims_external = addr_ipv4(100, 64, 9, 9, 0);
	return true;
}

static bool blocks_udp(struct nat_profile *p)
{
	if (says(p, "udp-blocked = yes\n"))
		return false;
	p->layers[0].udp_blocked = true;
	return true;
}

/* A limit that nobody meets is none: without a NAT there is little to ask, and over a long way
 * it is asked slowly. */
static bool limits_otherwise(struct nat_profile *p)
{
	struct nat_config *n = &p->layers[0];

	if (!translates(p) || p->access.delay_us > 0)
		return false;
	n->rate_per_s = n->rate_per_s == 0 ? 20 : 0;
	n->rate_burst = 5;
	return true;
}

const struct network_change network_changes[] = {
	{ "nat", becomes_translated },
	{ "mapping", maps_otherwise },
	{ "mapping.tcp", maps_tcp_otherwise },
	{ "filtering", filters_otherwise },
	{ "delta.type", allocates_otherwise },
	{ "delta.value", steps_otherwise },
	{ "parity", loses_parity },
	{ "hairpin", hairpins_otherwise },
	{ "pooling", pools_otherwise },
	{ "pcp", speaks_pcp_otherwise },
	{ "nat-pmp", speaks_nat_pmp_otherwise },
	{ "cgn", gets_behind_cgn },
	{ "udp-blocked", blocks_udp },
	{ "rate-limit", limits_otherwise },
};

const size_t network_change_count = ARRAY_LEN(network_changes);
