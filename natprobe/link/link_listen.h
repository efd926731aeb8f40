/*
 * link_listen - loopback ports of a link, as Over-NAT-Lib has them: what a program writes to the one
 * comes out of the other one's read port, whoever connects first. Each connection is a stream of its
 * own, over the attach protocol (attach_wire.h): a write port connects to LINK_LISTEN_SERVICE, a read
 * port accepts it. Connections pair in the order in which they come.
 *
 * A writer that ends its direction ends the stream behind its last byte. A reader that ends its own, or
 * closes, has left; what it writes is dropped. Over libevent, in the thread of its base.
 */
#ifndef NATPROBE_LINK_LISTEN_H
#define NATPROBE_LINK_LISTEN_H

#include <event2/event.h>
#include <stdint.h>

#define LINK_LISTEN_SERVICE  "port"
#define LINK_LISTEN_CONN_MAX 64 /* at once, of both ports */

struct link_listen_config {
	struct event_base *base;
	uint16_t write_port, read_port; /* of 127.0.0.1 and ::1; 0: none */
	/* A descriptor to the link, as if a program had called, without a line said; negative: none. */
	int (*attach)(void *arg);
	/* The link refused a stream; its program's connection is closed. May be NULL. */
	void (*on_refused)(void *arg, const char *word, const char *text);
	void *arg;
};

struct link_listen;

/*
 * 0 or -errno, of 127.0.0.1: a host need not have IPv6. *port: which one could not be opened, 0: none
 * (-ENOMEM).
 */
int link_listen_open(struct link_listen **out, const struct link_listen_config *config,
		     uint16_t *port);
/* Breaks off what goes on. NULL is fine. */
void link_listen_close(struct link_listen *l);

#endif
