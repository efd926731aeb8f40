/* What the boxes of a pair are made of. */
#include "punch_judge_parts.h"

bool box_any(const struct nat_profile *p, bool (*is)(const struct nat_config *c))
{
	for (size_t i = 0; i < p->layer_count; i++) {
		if (is(&p->layers[i]))
			return true;
	}
	return false;
}

bool box_blocks_udp(const struct nat_config *c)
{
	return c->udp_blocked || c->udp_ports_allowed[0] != 0;
}

bool box_blocks_tcp(const struct nat_config *c)
{
	return c->tcp_blocked;
}

bool box_refuses_tcp(const struct nat_config *c)
{
	return c->unsolicited_syn != NAT_DROP;
}

bool box_ends_mappings(const struct nat_config *c)
{
	return c->dies_on_unexpected || c->dies_on_icmp;
}

bool box_translates_families(const struct nat_config *c)
{
	return c->nat64_prefix.family == ADDR_IPV6;
}

bool box_maps_by_destination(const struct nat_config *c)
{
	return c->mapping > NAT_EI;
}

bool box_chooses_addresses(const struct nat_config *c)
{
	return c->external_count > 1 && c->pooling != NAT_POOL_PAIRED;
}

bool box_takes_early(const struct nat_config *c)
{
	return c->allocation == NAT_LINUX && c->unsolicited == NAT_ACCEPT;
}

bool box_filters(const struct nat_config *c)
{
	return c->filtering != NAT_NONE && c->filtering != NAT_EI;
}

bool box_opens_ports(const struct nat_config *c)
{
	return c->pcp || c->nat_pmp;
}

bool box_counts(const struct nat_config *c)
{
	return c->mapping > NAT_EI &&
	       (c->allocation == NAT_SEQUENTIAL || c->allocation == NAT_PER_DESTINATION ||
		c->allocation == NAT_DEPENDENT || c->allocation == NAT_PARITY_SEQUENTIAL);
}

bool box_keeps(const struct nat_config *c)
{
	return c->mapping > NAT_EI &&
	       (c->allocation == NAT_PRESERVING || c->allocation == NAT_OFFSET);
}
