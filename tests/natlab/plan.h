/*
 * plan - what a laboratory consists of: boxes (NATs, firewalls, routers), hosts behind them, and
 * the servers outside. Plain data; topology.c reads it from a file, plan.c makes it of profiles,
 * fabric.c moves the packets of it, lab.c builds it from namespaces.
 *
 *	host --- box --- box --- world: two addresses of one server
 */
#ifndef NATLAB_PLAN_H
#define NATLAB_PLAN_H

#include "tests/nat_profile.h"

#define LAB_NAME_MAX  32
#define LAB_BOXES_MAX 48
#define LAB_HOSTS_MAX 48
#define LAB_NICS_MAX  4
#define LAB_WORLD     (-1)
#define LAB_SERVERS   "servers" /* the name of the node they stand on */

#define LAB_DELAY_US 5000 /* of a line to the world, each way, where nothing else is said */

#define LAB_PREFIX_IPV4 24
#define LAB_PREFIX_IPV6 64

struct lab_box {
	char name[LAB_NAME_MAX];
	int outer; /* index of the box it is behind, or LAB_WORLD */
	struct nat_config config;
	const char *nft;             /* a kernel box: its ruleset, borrowed; NULL: the model */
	bool upnp;                   /* a kernel box that runs miniupnpd */
	struct addr inside;          /* its own address there */
	struct nat_link_config line; /* outside, each way */
	bool at_world;               /* what is inside has addresses of the world */
	struct addr dns_nat64;       /* the prefix that DNS tells of inside; ADDR_NONE: none */
	uint8_t dns_nat64_len;
};

struct lab_nic {
	int box; /* index, or LAB_WORLD */
	struct addr addr;
	struct addr second;          /* of the same network; ADDR_NONE: none */
	struct addr gateway;         /* family ADDR_NONE: a route without */
	struct nat_link_config line; /* each way */
};

/* Either of its addresses. */
bool lab_nic_has(const struct lab_nic *nic, const struct addr *a);

struct lab_host {
	char name[LAB_NAME_MAX];
	struct lab_nic nics[LAB_NICS_MAX];
	uint8_t nic_count;
};

struct lab_plan {
	struct lab_box boxes[LAB_BOXES_MAX];
	size_t box_count;
	struct lab_host hosts[LAB_HOSTS_MAX];
	size_t host_count;
	uint64_t seed;
};

/* What went wrong, ready to print. */
struct lab_error {
	char text[400];
};

bool lab_fail(struct lab_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* always false */

/* A profile by id or name. NULL, and *err, which says what may have been meant. */
const struct nat_profile *lab_profile(const char *word, struct lab_error *err);

/*
 * Adds the boxes of a profile and returns the index of the innermost one, LAB_WORLD where it has
 * none, or -2 and *err. The outermost gets `name`, the others name-1, name-2, ...
 * outer   the box it is behind, or LAB_WORLD: then its outside addresses are made unique
 */
int lab_add_boxes(struct lab_plan *plan, const struct nat_profile *p, const char *name, int outer,
		  struct lab_error *err);

/*
 * Gives a box what a changed configuration asks for: a box that translates has an address
 * outside, in the network of the box it is behind. To be called when its config has changed.
 */
bool lab_settle_box(struct lab_plan *plan, size_t box, struct lab_error *err);

/* Adds a host without interfaces. NULL, and *err, where it does not fit. Borrowed. */
struct lab_host *lab_add_host(struct lab_plan *plan, const char *name, struct lab_error *err);

/* Gives each interface of the host added last a second address, unless it has one. */
bool lab_add_second_address(struct lab_plan *plan, struct lab_error *err);

/*
 * Adds an interface behind `box` (or LAB_WORLD), with an address that nobody else has there.
 * p  whose plan of addresses is used where `box` is LAB_WORLD; may be NULL
 */
bool lab_add_nic(struct lab_plan *plan, struct lab_host *host, int box, const struct nat_profile *p,
		 struct lab_error *err);

/* Boxes and one host, as a profile says: of `natlab run`. */
bool lab_add_profile(struct lab_plan *plan, const struct nat_profile *p, const char *box_name,
		     const char *host_name, struct lab_error *err);

/* By name; -1: none. */
int lab_find_box(const struct lab_plan *plan, const char *name);
int lab_find_host(const struct lab_plan *plan, const char *name);

/* The family of a host: that of its first interface. */
uint8_t lab_host_family(const struct lab_host *host);

/* The servers' address as that host has to write it: behind a NAT64 with its prefix. */
struct addr lab_server_seen(const struct lab_plan *plan, const struct lab_host *host,
			    unsigned which);

/*
 * The NAT64 prefix that DNS tells that host of (RFC 7050), and its length; ADDR_NONE and 0: of
 * none. A home hands on what it is told by its provider.
 */
struct addr lab_dns_nat64(const struct lab_plan *plan, const struct lab_host *host, uint8_t *len);

/* 24 or 64. */
uint8_t lab_prefix_len(const struct addr *a);

bool lab_is_plain(const struct nat_link_config *line); /* no loss, no delay: a wire */

#endif
