/*
 * nat_profile - networks with a name and a known truth: the table behind natlab and sim_net.
 *
 *	host --- [layers[n-1]] --- ... --- [layers[0]] --- servers
 *
 * layers[0] is the outermost box. Addresses follow the plan below, made of ordinary public
 * addresses, since programs treat documentation addresses as private.
 *
 * The truth is written as an expectation file (natprobe/report/expect.h), so that one piece of code
 * judges the simulation, the laboratory and a user's network.
 */
#ifndef NATKIT_NAT_PROFILE_H
#define NATKIT_NAT_PROFILE_H

#include "nat_link.h"
#include "nat_model.h"

#define NAT_LAYERS_MAX 3

enum nat_engine {
	NAT_ENGINE_MODEL,
	NAT_ENGINE_KERNEL, /* natlab builds it from nftables; sim_net uses the model beside it */
};

struct nat_profile {
	const char *id;      /* "N07" */
	const char *name;    /* "home-router" */
	const char *summary; /* one line */
	uint8_t engine;      /* enum nat_engine */
	uint8_t layer_count; /* 0: the host is on the public network */
	struct nat_config layers[NAT_LAYERS_MAX];
	struct nat_link_config access; /* each way, between the host and the first box: on top of
					  what the user or test asks for */
	uint8_t family;                /* of the host: ADDR_IPV4 or ADDR_IPV6 */
	bool two_nics;                 /* a second interface of the host behind the same box */
	const char *nft;               /* KERNEL: the ruleset of the box; NULL: model */
	struct addr dns_nat64; /* the prefix that DNS tells of (RFC 7050); ADDR_NONE: none */
	uint8_t dns_nat64_len;

	const char *truth;      /* what the default diagnosis shall say: expectation lines */
	const char *deep_truth; /* what is true beyond, in the same words or as comments; or "" */
	const char *p2pd_type, *p2pd_delta; /* its truth in P2PD's words */
	const char *strategy; /* against an EIM/APDF peer, as in nat-traversal notes: "direct",
				   "punch", "punch-low-ttl", "predict", "birthday", "relay" */
};

extern const struct nat_profile nat_profiles[];
extern const size_t nat_profile_count;

/* By id or name; NULL: none. */
const struct nat_profile *nat_profile_find(const char *word);

/*
 * The plan of addresses, without ports. Host and boxes inside a NAT have private ones, unless the profile
 * has no NAT. Servers: two addresses of one RFC 5780 server, ports 3478 and 3479, and UDP 443
 * as one more port for plain Binding.
 */
struct addr nat_plan_server(uint8_t family, unsigned which); /* which: 0 primary, 1 alternate */
struct addr nat_plan_host(const struct nat_profile *p, unsigned nic);
/* The inside address of a layer: the gateway of what is behind it. */
struct addr nat_plan_gateway(const struct nat_profile *p, unsigned layer);

#endif
