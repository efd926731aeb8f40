/*
 * netconf - interfaces, addresses and routes of the network namespace we are in, by netlink
 * (Linux). All return 0 or -errno.
 */
#ifndef NATLAB_NETCONF_H
#define NATLAB_NETCONF_H

#include "addr.h"

/* No reverse path filter; IPv6 only where wanted, and then without link-local addresses, which
 * confuse programs that take the first one. Before interfaces are made. */
void netconf_prepare(bool ipv6);

/* This host hands packets on. */
void netconf_forward(void);

int netconf_up(const char *interface, uint32_t mtu);
int netconf_add_address(const char *interface, const struct addr *a, uint8_t prefix_len);
int netconf_remove_address(const char *interface, const struct addr *a, uint8_t prefix_len);

/*
 * gateway  NULL or family ADDR_NONE: none, the interface leads there
 * table    0: the main one
 */
int netconf_add_default(const char *interface, uint8_t family, const struct addr *gateway,
			uint32_t table, uint32_t metric);

/* Packets from this address look into that table first. */
int netconf_add_rule(const struct addr *from, uint32_t table);

/* Forgets all connections that the kernel tracks in this namespace. */
int netconf_forget_connections(void);

#endif
