/* policy_rules - what a policy is made of. For policy.c alone; others use policy.h. */
#ifndef NATKIT_TURND_POLICY_RULES_H
#define NATKIT_TURND_POLICY_RULES_H

#include "policy.h"
#include "prefix_map.h"

#define POLICY_LISTS 2

/* A bit for each pair of letters. */
struct policy_countries {
	uint32_t bits[26];
	bool any; /* is there one at all? */
};

struct policy_networks {
	uint32_t *asn;
	size_t count;
};

struct policy_endpoints {
	struct addr *at;
	size_t count;
};

struct policy_rules {
	struct prefix_entry *prefixes;
	size_t prefix_count;
	struct policy_countries countries[POLICY_LISTS];
	struct policy_networks networks[POLICY_LISTS];
	struct policy_endpoints own, relays;
	struct cidr nat64[POLICY_NAT64_MAX];
	size_t nat64_count;
};

bool policy_country_is_in(const struct policy_countries *c, const char country[static 3]);

#endif
