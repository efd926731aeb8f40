/* deep_packet - datagrams that sockets do not send by themselves. Linux has them, others do not. */
#ifndef NATPROBE_DEEP_PACKET_H
#define NATPROBE_DEEP_PACKET_H

#include "natprobe/net/probe_socket.h"
#include "wire.h"

enum deep_packet_df {
	DEEP_PACKET_USUAL = 0, /* as the system likes */
	DEEP_PACKET_DF,        /* whatever the path's MTU is thought to be */
	DEEP_PACKET_NO_DF,     /* and cut up where it is too long for our own link */
};

/* Returns 0, or -errno. */
int deep_packet_set_df(int fd, uint8_t family, enum deep_packet_df df);

/* Whether the system tells ICMP errors, with who sent them. */
bool deep_packet_sees_icmp(void);

/* Whether deep_packet_fragments works here: it takes a privilege. */
bool deep_packet_can_fragment(const struct probe_source *source);

/*
 * Sends one UDP datagram in two fragments, from a socket's own address and port.
 * reversed  the last one first
 * Returns 0, or -errno.
 */
int deep_packet_fragments(const struct probe_source *source, const struct addr *from,
			  const struct addr *to, struct bytes data, bool reversed);

#endif
