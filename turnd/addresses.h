/*
 * addresses - which addresses of this host turnd relays from, and what the world sees of them.
 */
#ifndef NATKIT_TURND_ADDRESSES_H
#define NATKIT_TURND_ADDRESSES_H

#include "names.h"
#include "snapshot.h"

#define ADDRESSES_MAX 256

/* One address of one interface. */
struct address {
	char interface[16];
	struct addr addr; /* port 0 */
};

struct addresses {
	struct address list[ADDRESSES_MAX];
	size_t count;
	/* Where packets to the world leave from, for each family: family ADDR_NONE: nowhere. */
	struct addr outward[2];
};

/* Asks the system; sends nothing. Returns 0, or -errno. */
int addresses_read(struct addresses *out);

/* Adds all names that relay-address has. */
bool addresses_names(const struct turnd_conf *conf, const struct addresses *host, struct names *out,
		     struct opt_error *err);

/*
 * The relay addresses of a configuration. Pure.
 * out  TURND_RELAYS_MAX places
 * Returns how many, or -1 with *err set; 0 where this host has none.
 */
int addresses_relays(const struct turnd_conf *conf, const struct addresses *host,
		     const struct names *names, struct snapshot_relay *out, struct opt_error *err);

/*
 * Where a socket bound to `local` can be reached: itself, or for a wildcard each address of its
 * family. Returns how many.
 */
size_t addresses_expand(const struct addresses *host, const struct addr *local,
			struct addr out[static ADDRESSES_MAX]);

#endif
