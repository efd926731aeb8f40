/*
 * name_server - the DNS of one host, at its own loopback as systemd-resolved has it: what it says
 * (names.h) makes no mapping in a NAT.
 */
#ifndef NATLAB_NAME_SERVER_H
#define NATLAB_NAME_SERVER_H

#include <event2/event.h>

#include "addr.h"

#define NAME_SERVER "127.0.0.53"

struct name_server;

/*
 * In the network namespace that we are in.
 * prefix, len  as for names_answer
 * Returns 0 with *out owned by the caller, or -errno.
 */
int name_server_open(struct event_base *base, const struct addr *prefix, uint8_t len,
		     struct name_server **out);
void name_server_close(struct name_server *s); /* NULL is fine */

#endif
