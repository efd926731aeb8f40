/*
 * addr_special - addresses with a special purpose, and IPv4 addresses in disguise.
 *
 * The table follows the IANA registries of special-purpose addresses (RFC 6890) for both
 * families; it adds multicast, what is reserved as a whole, retired forms such as site-local, and
 * the addresses at which clouds serve the secrets of a machine to itself.
 */
#ifndef NATKIT_ADDR_SPECIAL_H
#define NATKIT_ADDR_SPECIAL_H

#include "addr.h"
#include "cidr.h"

struct addr_special {
	const char *name; /* a stable word, such as "loopback"; several entries may share it */
	struct cidr prefix;
	uint16_t rfc; /* where it is written; 0: in no RFC */
};

/* How an IPv4 address can lie in an IPv6 one. */
enum addr_disguise {
	ADDR_PLAIN = 0,     /* it does not */
	ADDR_MAPPED,        /* ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2) */
	ADDR_COMPATIBLE,    /* ::a.b.c.d, but :: and ::1 (section 2.5.5.1) */
	ADDR_TRANSLATED,    /* ::ffff:0:a.b.c.d (RFC 2765, section 2.1) */
	ADDR_6TO4,          /* 2002:aabb:ccdd::/48 (RFC 3056, section 2) */
	ADDR_TEREDO_SERVER, /* in 2001::/32 (RFC 4380, section 4) */
	ADDR_TEREDO_CLIENT, /* the same, obscured */
	ADDR_NAT64,         /* 64:ff9b::a.b.c.d (RFC 6052, section 2.1) */
	ADDR_NAT64_LOCAL,   /* in 64:ff9b:1::/48 (RFC 8215), at any length there is room for */
	ADDR_ISATAP,        /* ...:[02]00:5efe:a.b.c.d behind any prefix (RFC 5214, section 6.1) */
};

#define ADDR_DISGUISES 10

struct addr_embedded {
	enum addr_disguise disguise;
	struct addr ipv4; /* with the port of what it was found in */
};

/* The most that one address can embed. */
#define ADDR_EMBEDDED_MAX 5

struct addr_special_hit {
	const struct addr_special *entry;
	enum addr_disguise disguise; /* of the address that is special */
	struct addr addr;            /* that address */
};

/* All entries, in no order that means anything. They live as long as the program. */
const struct addr_special *addr_special_table(size_t *count);

/*
 * The narrowest entry that this very address falls into, whatever its port and zone; NULL: none,
 * it is an ordinary address. Disguises are entries as well, whatever they hide.
 */
const struct addr_special *addr_special_find(const struct addr *a);

/*
 * The IPv4 addresses that may be meant by an IPv6 one. Where a prefix alone does not say how long
 * it is, all readings are given, so that the worst can be assumed.
 * out  has room for ADDR_EMBEDDED_MAX
 * Returns how many were set.
 */
size_t addr_find_embedded(const struct addr *a, struct addr_embedded out[static ADDR_EMBEDDED_MAX]);

/*
 * Is the address special, or one that it embeds? The embedded one is named where there is one
 * that is special, since it says more. `hit` is set where it returns true.
 */
bool addr_special_judge(const struct addr *a, struct addr_special_hit *hit);

/* A stable word such as "6to4"; "plain" for none. */
const char *addr_disguise_word(enum addr_disguise d);

#endif
