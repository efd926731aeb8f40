/*
 * sim_nat - a small NAT or firewall for the tests of natprobe's decisions: what a mapping and
 * a filter depend on (RFC 4787, section 4.1 and 5), and nothing else. No lifetimes.
 */
#ifndef NATKIT_SIM_NAT_H
#define NATKIT_SIM_NAT_H

#include "addr.h"
#include "natprobe/verdict.h"
#include "tests/rng.h"

#define SIM_MAPPINGS_MAX 128
#define SIM_CONTACTS_MAX 512

struct sim_mapping {
	struct addr local, external;
	struct addr remote; /* the part of it that the rule looks at */
};

/* Somebody whom a mapping has sent to. */
struct sim_contact {
	size_t mapping;
	struct addr remote;
};

struct sim_nat {
	enum verdict_behaviour mapping; /* BEHAVIOUR_NONE: a firewall, or nothing at all */
	enum verdict_behaviour filtering;
	bool preserves_port; /* for the first mapping of a socket */
	bool pools;          /* each mapping has one of two external addresses, by chance */
	uint32_t port_span;  /* ports that are picked from; 0: all above 1024 */
	struct addr external;
	struct rng *rng;
	struct sim_mapping mappings[SIM_MAPPINGS_MAX];
	size_t mapping_count;
	struct sim_contact contacts[SIM_CONTACTS_MAX];
	size_t contact_count;
};

/* A datagram leaves: returns the source that the other side sees. */
struct addr sim_nat_out(struct sim_nat *n, const struct addr *local, const struct addr *remote);

/* A datagram comes in: false where it is dropped, else *local is whom it is for. */
bool sim_nat_in(struct sim_nat *n, const struct addr *remote, const struct addr *external,
		struct addr *local);

#endif
