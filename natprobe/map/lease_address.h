/* lease_address - is the external address of a lease one that everybody can reach? Pure. */
#ifndef NATPROBE_LEASE_ADDRESS_H
#define NATPROBE_LEASE_ADDRESS_H

#include "addr.h"

enum lease_address {
	LEASE_ADDRESS_UNTOLD = 0, /* the gateway named none */
	LEASE_ADDRESS_UNSEEN,     /* looks public; no server was asked, or none answered */
	LEASE_ADDRESS_PUBLIC,     /* a server saw that very address */
	LEASE_ADDRESS_PRIVATE,    /* of a network behind another NAT: double NAT */
	LEASE_ADDRESS_SHARED,     /* of a carrier's NAT (RFC 6598, RFC 6333) */
	LEASE_ADDRESS_SPECIAL,    /* for no network at all: loopback, link-local, reserved */
	LEASE_ADDRESS_OTHER,      /* looks public, and a server saw another one */
	LEASE_ADDRESSES,
};

/* seen: what a server saw of this host; ADDR_NONE: not known. Ports do not count. */
enum lease_address lease_address_judge(const struct addr *external, const struct addr *seen);

/* Something further out has to let it in as well. */
bool lease_address_is_behind(enum lease_address a);

/* A stable word: "public", "private". */
const char *lease_address_word(enum lease_address a);

#endif
