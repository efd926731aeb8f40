/*
 * port_tap - what arrives at an interface for one port of ours, before any firewall of this host sees
 * it. Takes CAP_NET_RAW.
 */
#ifndef NATPROBE_PORT_TAP_H
#define NATPROBE_PORT_TAP_H

#include "port_packet.h"

#define PORT_TAP_MAX 2048 /* of a packet; longer ones are cut */

/*
 * index  of the interface
 * local  our address and port
 * Returns a non-blocking descriptor, or -errno: -EPERM without the privilege, -EOPNOTSUPP on a
 * system without taps.
 */
int port_tap_open(uint32_t index, const struct addr *local, uint8_t transport);

/* Takes the next packet to that port; its data lies in `buf`. False when nothing is left. */
bool port_tap_read(int fd, const struct addr *local, uint8_t transport,
		   uint8_t buf[static PORT_TAP_MAX], struct port_packet *out);

#endif
