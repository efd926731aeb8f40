#include "nat_profile.h"

#include <assert.h>

/*
 * The servers sit far apart, so that what hashes or compares addresses sees two different
 * ones. Nothing of this ever leaves a simulation or a namespace.
 */
static const struct addr servers[][2] = {
	[ADDR_IPV4] = { { .family = ADDR_IPV4, .ip = { 20, 0, 0, 10 } },
			{ .family = ADDR_IPV4, .ip = { 20, 99, 7, 11 } } },
	[ADDR_IPV6] = { { .family = ADDR_IPV6,
			  .ip = { 0x2a, 0x10, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10 } },
			{ .family = ADDR_IPV6,
			  .ip = { 0x2a, 0x10, 0x99, 0x20, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0,
				  0x11 } } },
};

/* Of a host that has no box in front of it at all. */
static const struct addr bare_gateway[] = {
	[ADDR_IPV4] = { .family = ADDR_IPV4, .ip = { 22, 0, 0, 1 } },
	[ADDR_IPV6] = { .family = ADDR_IPV6,
			.ip = { 0x2a, 0x10, 0, 0x22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
};

struct addr nat_plan_server(uint8_t family, unsigned which)
{
	assert((family == ADDR_IPV4 || family == ADDR_IPV6) && which < 2);
	return servers[family][which];
}

struct addr nat_plan_gateway(const struct nat_profile *p, unsigned layer)
{
	return layer < p->layer_count ? p->layers[layer].gateway : bare_gateway[p->family];
}

struct addr nat_plan_host(const struct nat_profile *p, unsigned nic)
{
	unsigned innermost = p->layer_count > 0 ? p->layer_count - 1u : 0;
	struct addr host = nat_plan_gateway(p, innermost);
	size_t last = addr_ip_len(host.family) - 1;

	host.ip[last] = (uint8_t)(host.ip[last] + 1 + nic);
	return host;
}
