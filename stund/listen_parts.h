/* listen_parts - the inside of a listener, shared by listen*.c only. */
#ifndef NATKIT_LISTEN_PARTS_H
#define NATKIT_LISTEN_PARTS_H

#include "listen.h"
#include "udp.h"

/* One UDP socket of the layout. */
struct listen_socket {
	int fd; /* -1: not open */
	struct event *readable;
	struct listen *owner;
	const struct layout_socket *at;
	const struct layout_site *site;
};

/* Answers that wait for the end of a batch, by the socket of the site they leave from. */
struct listen_queue {
	struct udp_dgram dgrams[UDP_BATCH];
	int count;
};

struct listen {
	const struct stund_conf *conf;
	const struct layout *layout;
	struct policy *policy;
	struct event_base *base;
	struct stats stats;
	struct listen_socket sockets[LAYOUT_SOCKETS_MAX];

	/* Of the batch at hand. */
	struct udp_batch *batch;
	struct udp_dgram in[UDP_BATCH];
	struct listen_queue out[STUN_SITE_SOCKETS];
	uint8_t answers[UDP_BATCH * UDP_RX_MAX];
	size_t answers_len;
};

/* Event callback of a listen_socket: answers what is there, up to a bound. */
void listen_udp_readable(evutil_socket_t fd, short events, void *arg);

#endif
