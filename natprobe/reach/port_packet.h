/*
 * port_packet - who sends what to which port: a UDP datagram or TCP segment in an IPv4 or IPv6
 * packet, as it is seen below IP. Pure, and views only.
 */
#ifndef NATPROBE_PORT_PACKET_H
#define NATPROBE_PORT_PACKET_H

#include "addr.h"
#include "wire.h"

struct port_packet {
	uint8_t transport; /* 6 or 17 */
	struct addr from, to;
	bool is_syn;       /* TCP: a SYN, and no ACK */
	struct bytes data; /* UDP: what is there of the payload */
};

/*
 * Reads a packet from its IP header on. Checksums are not looked at.
 * Returns false, *out untouched, for a fragment, an IPv6 packet with extension headers, another
 * transport, and what is shorter than its headers.
 */
bool port_packet_parse(struct bytes packet, struct port_packet *out);

#endif
