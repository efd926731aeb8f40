/*
 * packet - whole IPv4 and IPv6 packets with UDP, TCP or ICMP inside: read, build, rewrite.
 *
 * Rewriting changes checksums by the difference only (RFC 1624), so that a wrong one stays
 * wrong, and first fragments and quoted packets work without the rest of their data.
 */
#ifndef NATKIT_TEST_PACKET_H
#define NATKIT_TEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "wire.h"

enum packet_protocol {
	PACKET_ICMP = 1,
	PACKET_TCP = 6,
	PACKET_UDP = 17,
	PACKET_ICMPV6 = 58,
};

enum packet_kind {
	PACKET_OTHER = 0, /* passes by addresses alone; also later fragments */
	PACKET_DATAGRAM,  /* UDP */
	PACKET_SEGMENT,   /* TCP */
	PACKET_ECHO_REQUEST,
	PACKET_ECHO_REPLY,
	PACKET_ERROR, /* an ICMP error; what it is about stands in `data` */
};

enum packet_tcp_flag {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
};

/* The 8 bytes of an ICMP header, their types of both versions. */
enum packet_icmp {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3, /* code 3 port, 4 fragmentation needed, 13 prohibited */
	ICMP4_ECHO_REQUEST = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP6_UNREACHABLE = 1, /* code 1 prohibited, 4 port */
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
};

#define PACKET_QUOTE_MAX 1232 /* bytes that an ICMP error quotes at most */
#define PACKET_ERROR_MAX (40 + 8 + PACKET_QUOTE_MAX)

struct packet {
	struct bytes whole; /* without what a link appended */
	uint8_t protocol;   /* enum packet_protocol, or any other number */
	uint8_t kind;       /* enum packet_kind */
	uint8_t ttl;
	/*
	 * With ports of UDP and TCP. An echo's identifier is the port of who asks: of the source
	 * in a request, of the destination in a reply; the other port is 0.
	 */
	struct addr source, destination;

	bool dont_fragment; /* always in IPv6 */
	bool more_fragments;
	uint16_t fragment_offset; /* in bytes */
	uint32_t fragment_id;

	uint8_t tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_rest; /* the second word of the ICMP header: identifier, MTU */

	size_t transport;  /* where the transport header starts in `whole` */
	size_t checksum;   /* where its checksum stands, 0: not there */
	struct bytes data; /* behind the transport header */
};

/* True unless it is no IP packet, cut short, or contradicts itself. `out` views `in`. */
bool packet_parse(struct bytes in, struct packet *out);

/* The same for what an ICMP error quotes: 8 bytes behind the IP header are enough. */
bool packet_parse_quoted(struct bytes in, struct packet *out);

static inline bool packet_is_fragment(const struct packet *p)
{
	return p->more_fragments || p->fragment_offset != 0;
}

/* Whether IP header and, where all of it is there, transport have right checksums. */
bool packet_checksums_ok(struct bytes in);

/*
 * Gives a packet another source, another destination, or both (NULL: stays), ports included
 * where its kind has them, and mends all checksums. The family stays.
 * base  the writable bytes that `p` was parsed from; `p` follows what is done
 */
void packet_rewrite(uint8_t *base, struct packet *p, const struct addr *source,
		    const struct addr *destination);

/*
 * The same for the packet that an ICMP error quotes: mends its checksums and the outer one.
 * Nothing happens, and the answer is false, where the quote cannot be read.
 */
bool packet_rewrite_quoted(uint8_t *base, struct packet *p, const struct addr *source,
			   const struct addr *destination);

/* Replaces bytes of the transport's data at an even distance from its header. */
void packet_replace(uint8_t *base, const struct packet *p, size_t at, const uint8_t *new,
		    size_t len);

/* One hop less, checksum mended. False when the packet has to die here. */
bool packet_hop(uint8_t *base, size_t len);

/* Another TTL, or hop limit, checksum mended. */
void packet_set_ttl(uint8_t *base, uint8_t ttl);

/* Mends a checksum field for bytes that are replaced; `len` is even, and so their place. */
void packet_fix_checksum(uint8_t *field, const uint8_t *old, const uint8_t *new, size_t len);

/* The same for any words that were summed up to `old_sum`, and now are to `new_sum`. */
void packet_adjust_checksum(uint8_t *field, uint32_t old_sum, uint32_t new_sum);

/* The Internet checksum's sum (not inverted) of `data`, added to `sum`. */
uint32_t packet_sum(uint32_t sum, struct bytes data);

/* The inverted, folded form that goes into a header. */
uint16_t packet_sum_end(uint32_t sum);

/* Addresses, length and protocol, as UDP, TCP and ICMPv6 sum them up. */
uint32_t packet_pseudo_sum(const struct addr *from, const struct addr *to, uint8_t protocol,
			   size_t len);

/*
 * Builders: return the length of the packet in `buf`, 0 if `cap` is too small. The families of
 * `from` and `to` are equal. TTL is 64, IPv4 has DF set.
 */
size_t packet_build_udp(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			struct bytes data);

struct packet_tcp {
	uint32_t seq, ack;
	uint8_t flags; /* enum packet_tcp_flag */
};

size_t packet_build_tcp(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			const struct packet_tcp *tcp, struct bytes data);

/* type  of ICMP or ICMPv6, by the addresses' family; rest: the second word of the header */
size_t packet_build_icmp(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			 uint8_t type, uint8_t code, uint32_t rest, struct bytes data);

/* Of the family of `about`, quoting it; cut to what RFC 1812 and RFC 4443 let it quote. */
size_t packet_build_error(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
			  uint8_t type, uint8_t code, uint32_t rest, struct bytes about);

/* The IP header alone; `len` is that of what follows. */
size_t packet_build_ip(uint8_t *buf, size_t cap, const struct addr *from, const struct addr *to,
		       uint8_t protocol, size_t len);

#endif
