#include "sim_nat.h"

#include <stdlib.h>

#include "wire.h"

/* What is left of a remote endpoint for a rule to look at. */
static struct addr seen_by_rule(enum verdict_behaviour rule, const struct addr *remote)
{
	struct addr key = *remote;

	if (rule == BEHAVIOUR_ADDRESS_DEPENDENT || rule == BEHAVIOUR_ENDPOINT_INDEPENDENT ||
	    rule == BEHAVIOUR_NONE)
		key.port = 0;
	if (rule == BEHAVIOUR_PORT_DEPENDENT || rule == BEHAVIOUR_ENDPOINT_INDEPENDENT ||
	    rule == BEHAVIOUR_NONE)
		memset(key.ip, 0, sizeof(key.ip));
	return key;
}

static bool is_taken(const struct sim_nat *n, uint16_t port)
{
	for (size_t i = 0; i < n->mapping_count; i++) {
		if (n->mappings[i].external.port == port)
			return true;
	}
	return false;
}

static struct addr pick_external(struct sim_nat *n, const struct addr *local)
{
	struct addr external = addr_with_port(&n->external, local->port);

	if (n->mapping == BEHAVIOUR_NONE)
		return *local;
	if (n->pools && rng_below(n->rng, 2) == 1)
		external.ip[addr_ip_len(external.family) - 1]++;
	if (n->pools || (n->preserves_port && !is_taken(n, local->port)))
		return external;
	/* A narrow span lets two destinations share a port, as Linux does. */
	do {
		external.port = (uint16_t)(1024 + rng_below(n->rng, n->port_span != 0 ? n->port_span
										      : 64512));
	} while (n->port_span == 0 && is_taken(n, external.port));
	return external;
}

static size_t find_mapping(struct sim_nat *n, const struct addr *local, const struct addr *remote)
{
	struct addr key = seen_by_rule(n->mapping, remote);

	for (size_t i = 0; i < n->mapping_count; i++) {
		if (addr_equal(&n->mappings[i].local, local) &&
		    addr_equal(&n->mappings[i].remote, &key))
			return i;
	}
	if (n->mapping_count == SIM_MAPPINGS_MAX)
		abort();
	n->mappings[n->mapping_count] = (struct sim_mapping){
		.local = *local,
		.remote = key,
		.external = pick_external(n, local),
	};
	return n->mapping_count++;
}

struct addr sim_nat_out(struct sim_nat *n, const struct addr *local, const struct addr *remote)
{
	size_t mapping = find_mapping(n, local, remote);

	if (n->contact_count == SIM_CONTACTS_MAX)
		abort();
	n->contacts[n->contact_count++] = (struct sim_contact){ mapping, *remote };
	return n->mappings[mapping].external;
}

static bool passes(const struct sim_nat *n, size_t mapping, const struct addr *remote)
{
	struct addr key = seen_by_rule(n->filtering, remote);

	for (size_t i = 0; i < n->contact_count; i++) {
		struct addr spoken = seen_by_rule(n->filtering, &n->contacts[i].remote);

		if (n->contacts[i].mapping == mapping && addr_equal(&spoken, &key))
			return true;
	}
	return false;
}

bool sim_nat_in(struct sim_nat *n, const struct addr *remote, const struct addr *external,
		struct addr *local)
{
	for (size_t i = 0; i < n->mapping_count; i++) {
		if (!addr_equal(&n->mappings[i].external, external) || !passes(n, i, remote))
			continue;
		*local = n->mappings[i].local;
		return true;
	}
	return false;
}
