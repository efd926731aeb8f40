/*
 * lease_net - a host that asks for leases, and the NAT model as its gateway, on a virtual clock.
 *
 * One lease; datagrams between the two take a millisecond and may be lost. UPnP is a script.
 */
#ifndef NATKIT_LEASE_NET_H
#define NATKIT_LEASE_NET_H

#include "natprobe/map/lease.h"
#include "tests/nat_rig.h"

struct lease_net {
	struct rig rig;
	struct nat_config box;
	struct lease lease;
	struct lease_config config;
	double loss;
	bool gateway_is_off;
	unsigned sent;
	unsigned upnp_asked;
	struct lease_upnp upnp; /* the last that was asked */
	struct lease_upnp_result upnp_says;
	bool upnp_is_slow; /* says nothing by itself */
	uint64_t now_us;
	uint64_t rng;
};

/* A home router with that protocol, and a lease of UDP port 4900 of host 0 for two hours. */
void lease_net_open(struct lease_net *n, bool pcp, bool nat_pmp);
void lease_net_open6(struct lease_net *n); /* a firewall of IPv6 that speaks PCP */
void lease_net_close(struct lease_net *n);

/* Begins to ask. */
void lease_net_start(struct lease_net *n);

/* Lets time pass. */
void lease_net_run(struct lease_net *n, uint64_t us);

/* Runs until it is settled; the test fails where that takes more than a minute. */
void lease_net_settle(struct lease_net *n);

/* The gateway forgets all, and its clock starts anew. */
void lease_net_reboot(struct lease_net *n);

/* Whether a datagram of a stranger outside arrives at the lease's port. */
bool lease_net_is_open(struct lease_net *n);

/* What the gateway is told in place of the lease, and its answer. */
void lease_net_hear(struct lease_net *n, struct bytes datagram);

#endif
