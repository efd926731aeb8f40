/*
 * nat64 - IPv4 addresses inside IPv6 ones, as translators make them (RFC 6052, section 2.2).
 *
 * A prefix of 32, 40, 48, 56, 64 or 96 bits, the IPv4 address behind it, which leaves out bits
 * 64 to 71, and zeros. Ports are carried along.
 */
#ifndef NATKIT_NAT64_H
#define NATKIT_NAT64_H

#include "addr.h"

/* Is this one of the six lengths? */
bool nat64_is_length(uint8_t len);

/*
 * The IPv6 address that stands for an IPv4 one; its port is that of `ipv4`.
 * prefix  any address that begins with the prefix
 * Returns false, `out` untouched, for other families and lengths.
 */
bool nat64_embed(const struct addr *prefix, uint8_t len, const struct addr *ipv4, struct addr *out);

/* The IPv4 address in an IPv6 one, with its port. Returns false, `out` untouched, as above. */
bool nat64_extract(const struct addr *ipv6, uint8_t len, struct addr *out);

/*
 * The length of prefix at which `ipv6` stands for `ipv4`, whatever the ports; 0: it does not.
 * What follows the IPv4 address has to be zero.
 */
uint8_t nat64_find_length(const struct addr *ipv6, const struct addr *ipv4);

/*
 * The prefix of a NAT64 by the IPv6 addresses that DNS tells of ipv4only.arpa (RFC 7050, section 3),
 * and its length; 0, `prefix` untouched: they tell of none.
 */
uint8_t nat64_discover(const struct addr *answers, size_t count, struct addr *prefix);

/* The prefix alone: what is behind it is zero. Family ADDR_NONE for other lengths. */
struct addr nat64_prefix(const struct addr *ipv6, uint8_t len);

/* 64:ff9b::/96, which all may use. */
bool nat64_is_well_known(const struct addr *ipv6);

#endif
