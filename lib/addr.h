/*
 * addr - an IP address and a port: compare, hash, parse, print.
 *
 * A plain value without padding surprises: it may be copied, and compared with
 * addr_equal. sockaddr.h turns it into what the system wants.
 */
#ifndef NATKIT_ADDR_H
#define NATKIT_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers that STUN uses on the wire (RFC 8489, section 14.1). */
enum addr_family {
	ADDR_NONE = 0,
	ADDR_IPV4 = 1,
	ADDR_IPV6 = 2,
};

struct addr {
	uint8_t family; /* enum addr_family */
	uint16_t port;  /* host byte order */
	uint8_t ip[16]; /* network byte order; IPv4 uses the first four, the rest is zero */
	uint32_t scope; /* interface index of an IPv6 link-local address, else 0 */
};

/* The longest text is "[" IPv6 "%" index "]:" port. */
#define ADDR_TEXT_MAX 80

/* 4, 16, or 0 for an unknown family. */
size_t addr_ip_len(uint8_t family);

struct addr addr_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);

/* Same family, address, scope and port. */
bool addr_equal(const struct addr *a, const struct addr *b);

/* Same family, address and scope, whatever the ports. */
bool addr_equal_ip(const struct addr *a, const struct addr *b);

/* 0.0.0.0, :: or no address at all. */
bool addr_is_any(const struct addr *a);

/* 127.0.0.0/8, ::1, also as IPv4-mapped IPv6. */
bool addr_is_loopback(const struct addr *a);

/* 169.254.0.0/16, fe80::/10. */
bool addr_is_link_local(const struct addr *a);

/* RFC 1918, RFC 6598 (100.64.0.0/10), RFC 4193: addresses a NAT is usually behind. */
bool addr_is_private(const struct addr *a);

/* ::ffff:a.b.c.d becomes a.b.c.d; anything else stays as it is. */
struct addr addr_unmap(const struct addr *a);

/* The same address with another port. */
struct addr addr_with_port(const struct addr *a, uint16_t port);

/*
 * A keyed hash of address and port (SipHash-2-4), for tables that strangers fill.
 * key  16 random bytes that nobody outside knows
 */
uint64_t addr_hash(const struct addr *a, const uint8_t key[16]);

/*
 * Parses a bare address: "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "fe80::1%3". A zone
 * is the number of an interface, not 0, and stands on link-local addresses only. The port
 * becomes `port`. Returns false, `out` untouched, for anything else.
 */
bool addr_parse_ip(const char *text, uint16_t port, struct addr *out);

/*
 * Parses an address with an optional port: "192.0.2.1:3478", "[2001:db8::1]:3478", or
 * any form of addr_parse_ip (then `default_port` is used). Ports are 0 to 65535.
 * Returns false, `out` untouched, for anything else.
 */
bool addr_parse(const char *text, uint16_t default_port, struct addr *out);

/*
 * Parses an address with a port, or a port alone, which means 127.0.0.1. Returns false, `out`
 * untouched, for anything else; port 0 too.
 */
bool addr_parse_loopback(const char *text, struct addr *out);

/* Prints "192.0.2.1:3478" or "[2001:db8::1]:3478", "none" for no address. Returns `buf`. */
const char *addr_print(const struct addr *a, char buf[static ADDR_TEXT_MAX]);

/* Prints the address alone, without brackets or port. Returns `buf`. */
const char *addr_print_ip(const struct addr *a, char buf[static ADDR_TEXT_MAX]);

#endif
