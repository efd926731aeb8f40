/*
 * udp_packet - the UDP datagram in an IPv4 packet (RFC 791, RFC 768), as it is seen below IP.
 * Pure, and views only: nothing is copied.
 */
#ifndef NATPROBE_UDP_PACKET_H
#define NATPROBE_UDP_PACKET_H

#include "addr.h"
#include "wire.h"

struct udp_packet {
	struct addr from, to;
	struct bytes data;
};

/*
 * Reads a packet from its IPv4 header on. Checksums are not looked at: on its way between two
 * ends of one host a packet has none yet.
 * Returns false, *out untouched, for a fragment, for what is not UDP over IPv4, and for what
 * is shorter than it says.
 */
bool udp_packet_parse(struct bytes packet, struct udp_packet *out);

#endif
