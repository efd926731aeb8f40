#include "unseen_kit.h"

#include <stdio.h>

const char *const unseen_rule_words[] = {
	[NAT_EI] = "endpoint-independent",
	[NAT_AD] = "address-dependent",
	[NAT_APD] = "address-and-port-dependent",
	[NAT_PD] = "port-dependent",
};

void unseen_forget(struct unseen *u, const char *property)
{
	size_t len = strlen(property);
	char *line = u->truth;

	while (*line != '\0') {
		char *end = strchr(line, '\n') + 1;

		if (strncmp(line, property, len) == 0 && line[len] == ' ')
			memmove(line, end, strlen(end) + 1);
		else
			line = end;
	}
}

void unseen_expect(struct unseen *u, const char *property, const char *rest)
{
	size_t len;

	unseen_forget(u, property);
	len = strlen(u->truth);
	(void)snprintf(u->truth + len, sizeof(u->truth) - len, "%s %s\n", property, rest);
}

void unseen_tell(struct unseen *u)
{
	if (!nat_truth(&u->profile, u->truth))
		(void)snprintf(u->truth, sizeof(u->truth), "nat = yes\n");
}

struct nat_config *unseen_box(struct unseen *u)
{
	return &u->profile.layers[0];
}

void unseen_start(struct unseen *u)
{
	u->profile.layer_count = 1;
	*unseen_box(u) = (struct nat_config){ .mapping = NAT_EI,
					      .filtering = NAT_APD,
					      .externals = { addr_ipv4(21, 0, 0, 2, 0) },
					      .external_count = 1,
					      .gateway = addr_ipv4(192, 168, 1, 1, 0) };
}

void unseen_any_box(struct unseen *u, struct rng *r)
{
	unseen_start(u);
	unseen_box(u)->mapping = any_rule(r);
	unseen_box(u)->filtering = any_rule(r);
	unseen_box(u)->hairpin = (uint8_t)rng_below(r, 3);
	unseen_box(u)->pcp = happens(r, 30);
	unseen_box(u)->nat_pmp = happens(r, 30);
	unseen_box(u)->gateway_rejects = happens(r, 50);
}

void unseen_any_ports(struct nat_config *n, struct rng *r)
{
	static const uint8_t allocations[] = { NAT_PRESERVING, NAT_OFFSET,        NAT_SEQUENTIAL,
					       NAT_DEPENDENT,  NAT_PARITY_RANDOM, NAT_CONTIGUOUS,
					       NAT_RANDOM,     NAT_LINUX };

	n->allocation = PICK(r, allocations);
	n->step = happens(r, 50) ? 1 : -1;
	n->offset = 1 + (int32_t)rng_below(r, 2000);
}

void unseen_any_nat(struct unseen *u, struct rng *r)
{
	unseen_any_box(u, r);
	unseen_any_ports(unseen_box(u), r);
}
