/*
 * link_socket - the socket of a path that punching made, as frames: a UDP socket, a TCP connection
 * where each frame stands behind two bytes of length (RFC 4571), or our relay.
 */
#ifndef NATPROBE_LINK_SOCKET_H
#define NATPROBE_LINK_SOCKET_H

#include <event2/event.h>

#include "natprobe/pair/punch_io.h"

#define LINK_SOCKET_FRAME_MAX 16384

struct link_socket_hooks {
	/* From the other side's address; good for this call only. */
	void (*on_frame)(void *arg, struct bytes frame);
	void (*on_idle)(void *arg);     /* for now all frames that are there have been told */
	void (*on_doubt)(void *arg);    /* ICMP says that the path may be broken */
	void (*on_too_long)(void *arg); /* ICMP, or our own system, says that a frame was */
	void (*on_gone)(void *arg, const char *why); /* once: it is broken */
	void *arg;
};

struct link_socket;

/*
 * Takes the path of the trial that `io` ended with. The relay's stays with `io`, which must live on.
 * NULL when memory runs out.
 */
struct link_socket *link_socket_new(struct event_base *base, struct punch_io *io,
				    const struct punch_path *path,
				    const struct link_socket_hooks *hooks);
/* What was sent leaves as far as the system takes it at once. NULL is fine. Not from its hooks. */
void link_socket_free(struct link_socket *s);

/* Leaves with those that follow at once, whole or not at all; on TCP it always leaves. */
void link_socket_send(struct link_socket *s, struct bytes frame);

#endif
