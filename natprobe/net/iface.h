/*
 * iface - which interfaces and addresses of this host are probed, and from where.
 *
 * The choice is a pure function over a list of addresses, so that tests can hand it any
 * host; reading the list and asking for a route is the system's part (iface_linux.c
 * and route_linux.c, or iface_portable.c).
 */
#ifndef NATPROBE_IFACE_H
#define NATPROBE_IFACE_H

#include "addr.h"

#define IFACE_NAME_MAX 16 /* IFNAMSIZ */

/* One address of one interface. */
struct iface_addr {
	char name[IFACE_NAME_MAX];
	uint32_t index;
	struct addr addr; /* port 0 */
	uint8_t prefix_len;
	bool up; /* administratively, and it has a carrier */
	bool loopback;
	bool temporary;  /* RFC 8981 privacy address */
	bool deprecated; /* past its preferred lifetime (RFC 4862) */
	bool tentative;  /* duplicate detection has not ended well (yet) */
};

struct iface_list {
	struct iface_addr *items; /* owned */
	size_t count;
};

struct iface_filter {
	const char *const *names; /* these interfaces only, be they loopback or not */
	size_t name_count; /* 0: all that are not loopback, or loopback where nothing else is */
	bool ipv4;
	bool ipv6;
	bool loopback; /* loopback only: the servers are on this host */
};

/* One probe: an interface, a family, and the addresses it may leave from, best first. */
#define IFACE_CANDIDATES 8
struct iface_choice {
	char name[IFACE_NAME_MAX];
	uint32_t index;
	uint8_t family;
	struct addr candidates[IFACE_CANDIDATES];
	size_t candidate_count; /* at least 1 */
};

/*
 * Chooses one probe per interface and family, in the order of the list, but with the
 * families of an interface together. Addresses that are link-local, multicast,
 * unspecified or tentative are not used. Candidates are ranked: not deprecated first, then
 * public before private, then those that are not temporary; at most IFACE_CANDIDATES are
 * kept.
 * out, cap  where they go; more than `cap` are left out
 * Returns how many were written.
 */
size_t iface_select(const struct iface_addr *list, size_t count, const struct iface_filter *filter,
		    struct iface_choice *out, size_t cap);

/* Whether this host has an interface of that name, up or not. */
bool iface_exists(const char *name);

/* Reads all addresses of all interfaces. Returns 0, or -errno with an empty list. */
int iface_list_open(struct iface_list *out);
void iface_list_close(struct iface_list *list);

/* How packets get from an interface to a server. */
struct iface_route {
	struct addr source;  /* port 0 */
	bool is_local;       /* the server is this very host: its answers come in on loopback */
	struct addr gateway; /* first router on the way, port 0; ADDR_NONE: there is none, as on
				the server's own link and most tunnels, or the system does not say */
};

/*
 * Looks up the way to `toward` through the interface of `choice`. The source is the one that
 * the kernel would choose, where that is one of the candidates.
 * Returns 0, or -errno: -ENETUNREACH or -EHOSTUNREACH when no route leads there through
 * this interface.
 */
int iface_find_route(const struct iface_choice *choice, const struct addr *toward,
		     struct iface_route *out);

#endif
