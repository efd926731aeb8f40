/*
 * coop_packet - IP packets that no socket makes: fragments of a UDP datagram, whatever the MTU,
 * and ICMP errors about a datagram that arrived. Pure: addresses and bytes in, packets out.
 */
#ifndef NATKIT_COOP_PACKET_H
#define NATKIT_COOP_PACKET_H

#include "addr.h"
#include "coop.h"

#define COOP_UDP_LEN       8
#define COOP_PIECE_MAX     1200 /* of a fragment without its headers: any link takes that */
#define COOP_FRAGMENTS_MAX ((COOP_UDP_LEN + COOP_SIZE_MAX) / COOP_PIECE_MAX + 1)
#define COOP_PACKET_MAX    (40 + 8 + COOP_PIECE_MAX)

/* A UDP datagram as it stands in IP packets. The addresses are of one family. */
struct coop_udp {
	struct addr from, to;
	uint8_t raw[COOP_UDP_LEN + COOP_SIZE_MAX]; /* header and payload */
	size_t len;
};

/* False: the payload is longer than COOP_SIZE_MAX, or the families differ. */
bool coop_udp_make(struct coop_udp *out, const struct addr *from, const struct addr *to,
		   struct bytes payload);

/* How many fragments it has: two at least. */
unsigned int coop_fragment_count(const struct coop_udp *udp);

/*
 * Fragment `index` as a whole IP packet, written to buf.
 * id  the same for all of one datagram, and not the one before
 */
struct bytes coop_fragment(const struct coop_udp *udp, unsigned int index, uint32_t id,
			   uint8_t buf[static COOP_PACKET_MAX]);

/*
 * "Port unreachable" about a datagram: from where it arrived, to whom it came from, with as much
 * of it as fits. Written to buf.
 */
struct bytes coop_icmp(const struct coop_udp *about, uint8_t buf[static COOP_PACKET_MAX]);

#endif
