/*
 * netlink_linux - what reading addresses and looking up routes have in common: the socket,
 * and the walk over attributes, which the macros of the kernel's header do not do without
 * warnings.
 */
#ifndef NATPROBE_NETLINK_LINUX_H
#define NATPROBE_NETLINK_LINUX_H

#include "addr.h"
#include "wire.h"

#define NETLINK_ANSWER_MAX 65536 /* the kernel never needs more per datagram */

/* A socket for requests about links, addresses and routes; a read waits two seconds at most.
 * Returns the descriptor, or -errno. */
int netlink_open(void);

/* What stands behind the fixed struct of a message. */
struct bytes netlink_attrs(struct bytes payload, size_t fixed);

/* Takes one attribute off `in`; false at the end, or where it is malformed. */
bool netlink_attr_next(struct bytes *in, uint16_t *type, struct bytes *value);

/* An attribute's address; af is AF_INET or AF_INET6. False, *out untouched, for others. */
bool netlink_get_ip(struct bytes value, uint8_t af, struct addr *out);

#endif
