#include "nat_truth.h"

#include <stdio.h>

#include "rng.h"

static bool happens(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

static uint8_t any_rule(struct rng *r)
{
	return (uint8_t)(NAT_EI + rng_below(r, 4));
}

static void choose_ports(struct nat_config *n, struct rng *r)
{
	static const uint8_t allocations[] = {
		NAT_PRESERVING, NAT_PRESERVING,        NAT_OFFSET,     NAT_SEQUENTIAL,
		NAT_DEPENDENT,  NAT_PARITY_RANDOM,     NAT_CONTIGUOUS, NAT_RANDOM,
		NAT_RANDOM,     NAT_PARITY_SEQUENTIAL, NAT_LINUX,
	};
	static const int32_t steps[] = { 1, -1, 2, -2, 3, -3, 5, 10, -17, 64 };
	static const uint32_t widths[] = { 256, 512, 1008, 2048 };

	n->allocation = allocations[rng_below(r, ARRAY_LEN(allocations))];
	n->step =
		n->allocation == NAT_PARITY_SEQUENTIAL ? 2 : steps[rng_below(r, ARRAY_LEN(steps))];
	n->offset = 1 + (int32_t)rng_below(r, 3000);
	if (n->allocation == NAT_SEQUENTIAL && happens(r, 30))
		n->background_per_s = 1 + rng_below(r, 6);
	if (n->allocation == NAT_PRESERVING && happens(r, 30))
		n->overload = 0.3 + rng_below(r, 4) / 10.0;
	if ((n->allocation == NAT_RANDOM || n->allocation == NAT_SEQUENTIAL) && happens(r, 40))
		n->block_width = widths[rng_below(r, ARRAY_LEN(widths))];
	if (n->block_width == 0 || n->allocation != NAT_SEQUENTIAL)
		return;
	n->background_per_s = 0;                      /* nobody else is in there */
	n->step = n->step < 0 ? -1 : 1 + n->step % 3; /* or it goes round too soon */
}

static void choose_pool(struct nat_config *n, struct rng *r)
{
	if (n->mapping != NAT_EI || n->hairpin != NAT_HAIRPIN_NONE || n->pcp || n->nat_pmp ||
	    !happens(r, 40))
		return;
	n->externals[1] = addr_ipv4(23, 0, 0, 2, 0);
	n->external_count = 2;
	n->pooling = (uint8_t)rng_below(r, 3);
}

static struct nat_config home(const struct addr *external, const struct addr *gateway)
{
	return (struct nat_config){ .mapping = NAT_EI,
				    .filtering = NAT_APD,
				    .externals = { *external },
				    .external_count = 1,
				    .gateway = *gateway };
}

static struct nat_config outer_box(struct rng *r)
{
	struct addr wan = addr_ipv4(21, 0, 0, 2, 0), inside = addr_ipv4(192, 168, 1, 1, 0);
	struct nat_config n = home(&wan, &inside);

	n.mapping = happens(r, 40) ? NAT_EI : any_rule(r);
	n.filtering = any_rule(r);
	n.hairpin = (uint8_t)rng_below(r, 3);
	n.pcp = happens(r, 30);
	n.nat_pmp = happens(r, 30);
	n.gateway_rejects = happens(r, 50);
	n.unsolicited = happens(r, 20) ? NAT_ICMP : NAT_DROP;
	n.alg = happens(r, 10);
	choose_ports(&n, r);
	choose_pool(&n, r);
	if (happens(r, 20)) {
		n.has_tcp_rules = true;
		n.tcp_mapping = any_rule(r);
		n.tcp_filtering = n.filtering;
	}
	return n;
}

static void choose_boxes(struct nat_profile *p, struct rng *r)
{
	struct addr shared = addr_ipv4(100, 64, 0, 1, 0), box = addr_ipv4(100, 64, 0, 2, 0);
	struct addr inside = addr_ipv4(192, 168, 1, 1, 0), open = addr_ipv4(22, 0, 0, 1, 0);

	p->layer_count = 1;
	if (happens(r, 10)) {
		p->layers[0] = (struct nat_config){ .gateway = open,
						    .filtering = (uint8_t)rng_below(r, 5) };
		return;
	}
	p->layers[0] = outer_box(r);
	if (happens(r, 15))
		p->layers[0].gateway = shared;
	if (p->layers[0].hairpin != NAT_HAIRPIN_INTERNAL && happens(r, 15)) {
		p->layers[0].gateway = shared;
		p->layers[1] = home(&box, &inside);
		p->layers[1].pcp = happens(r, 50);
		p->layers[1].filtering = happens(r, 50) ? NAT_EI : NAT_APD;
		p->layer_count = 2;
	}
}

void nat_random_profile(uint64_t seed, struct nat_random *out)
{
	struct rng r = rng_seed(seed ^ 0x6e61746b6974u);

	do {
		*out = (struct nat_random){ 0 };
		out->profile = (struct nat_profile){ .id = "R",
						     .summary = "made up",
						     .family = ADDR_IPV4,
						     .deep_truth = "",
						     .p2pd_type = "",
						     .p2pd_delta = "",
						     .strategy = "punch" };
		choose_boxes(&out->profile, &r);
	} while (!nat_truth(&out->profile, out->truth));
	(void)snprintf(out->name, sizeof(out->name), "random-%u", (unsigned)(seed & 0xffffff));
	out->profile.name = out->name;
	out->profile.truth = out->truth;
}
