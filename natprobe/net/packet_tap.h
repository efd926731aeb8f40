/*
 * packet_tap - datagrams that come in from outside and show our own address as their source.
 *
 * A NAT that hairpins without translating the source makes them (RFC 4787, REQ-9a). For IPv4
 * Linux drops them as "martian", so they are picked up below IP, which takes CAP_NET_RAW.
 */
#ifndef NATPROBE_PACKET_TAP_H
#define NATPROBE_PACKET_TAP_H

#include "udp_packet.h"

#define PACKET_TAP_MAX 2048 /* of a packet; longer ones are left out */

/*
 * Opens a tap on the interface with this index, for datagrams from `local` to `local`, whatever
 * their ports.
 * fd  set to a non-blocking descriptor; -1: none is needed, since the system hands such
 *     datagrams to their sockets
 * Returns 0, or -errno where they will not be seen: -EPERM without the privilege, -EOPNOTSUPP on a
 * system without taps.
 */
int packet_tap_open(uint32_t index, const struct addr *local, int *fd);

/*
 * Takes the next datagram off a tap. Its data lies in `buf`.
 * Returns false when nothing is left.
 */
bool packet_tap_read(int fd, uint8_t buf[static PACKET_TAP_MAX], struct udp_packet *out);

#endif
