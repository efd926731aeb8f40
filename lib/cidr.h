/*
 * cidr - an address prefix such as 10.0.0.0/8 or 2001:db8::/32.
 *
 * The two families never meet: ::/0 has no IPv4 address in it.
 */
#ifndef NATKIT_CIDR_H
#define NATKIT_CIDR_H

#include "addr.h"

struct cidr {
	uint8_t family; /* enum addr_family */
	uint8_t len;    /* 0 to 32, or to 128 */
	uint8_t ip[16]; /* as in struct addr; what is behind `len` is zero */
};

#define CIDR_TEXT_MAX 64

/*
 * Parses "10.0.0.0/8", "2001:db8::/32", or one address, "192.0.2.1", which is a prefix of full
 * length. Nothing may stand around it. Refused with a remedy: bits behind the length, zones,
 * and IPv4-mapped prefixes, since they would look as if they said something of IPv4.
 * why  set where it returns false: half a sentence
 * Returns false, `out` untouched, for anything else.
 */
bool cidr_parse(const char *text, struct cidr *out, const char **why);

/* Is the address in it, whatever its port and zone? */
bool cidr_contains(const struct cidr *c, const struct addr *a);

/* Prints what cidr_parse reads, always with the length. Returns `buf`. */
const char *cidr_print(const struct cidr *c, char buf[static CIDR_TEXT_MAX]);

#endif
