/*
 * udp_control - names and control messages of datagrams, as Linux has them. For udp_linux.c and
 * udp_one_linux.c, which include config.h first.
 */
#ifndef NATKIT_UDP_CONTROL_H
#define NATKIT_UDP_CONTROL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "udp.h"

/* Room for a local address, TTL, TOS and a length, aligned as CMSG_* want it. */
union udp_control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int))];
};

/* Small, unlike struct sockaddr_storage: a batch shall fit the nearest cache. */
union udp_name {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* As sockaddr_to_addr and back, but for the one case that comes a million times a second. */
void udp_name_get(const union udp_name *name, struct addr *out);
socklen_t udp_name_put(const struct addr *a, union udp_name *name);

/* Sets out->local and out->ip to what the control messages say. */
void udp_control_get(struct msghdr *m, struct udp_dgram *out);

/* Writes the control messages that d->local and d->ip want. Returns their length. */
size_t udp_control_put(union udp_control *to, const struct udp_dgram *d);

/*
 * Appends that the message is of datagrams of `segment` bytes each, the last one maybe shorter.
 * len  of what udp_control_put wrote
 * Returns the length of all of them.
 */
size_t udp_control_put_segment(union udp_control *to, size_t len, uint16_t segment);

/*
 * Whether a send that was refused so may have been told an ICMP error about an earlier one: telling
 * it has cleared it. See icmp_err_convert in the kernel.
 */
bool udp_may_be_pending(int rc);

#endif
