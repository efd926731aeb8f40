/*
 * tcp_io - the TCP sockets that a state machine knows by number, on libevent: each listens or
 * connects, and whoever calls a listener gets a number of those that are kept for them.
 */
#ifndef NATPROBE_TCP_IO_H
#define NATPROBE_TCP_IO_H

#include <event2/event.h>

#include "probe_socket.h"
#include "wire.h"

/* What is told. None of these may free the whole; all but on_rest may come from within a call. */
struct tcp_io_calls {
	/* It stands, or listens. local: of family ADDR_NONE where that cannot be told */
	void (*on_connected)(void *arg, uint16_t number, const struct addr *local);
	void (*on_accepted)(void *arg, uint16_t listener, uint16_t number, const struct addr *from);
	void (*on_data)(void *arg, uint16_t number, struct bytes data);
	/* It is closed. err: -errno, 0 where the other side closed it; stood: it did until now */
	void (*on_lost)(void *arg, uint16_t number, int err, bool stood);
	/* A socket has told all that it had: what follows from it may be done. */
	void (*on_rest)(void *arg);
};

struct tcp_io_place {
	struct tcp_io *io;
	struct event *event;
	int fd; /* -1: closed */
	uint16_t number;
	bool listens, stands;
};

struct tcp_io {
	struct event_base *base;
	const struct tcp_io_calls *calls;
	void *arg;
	struct tcp_io_place *places;
	uint16_t count;
	uint16_t accepted_first; /* from there on, for those that call */
};

/* All of it closed; `io` has what its caller set, and room for `count` places. */
void tcp_io_init(struct tcp_io *io);
void tcp_io_close_all(struct tcp_io *io);

struct tcp_io_way {
	const struct probe_source *from; /* NULL: nowhere, which is told as a loss */
	uint16_t port;                   /* local; several sockets may have one */
	struct addr to;                  /* of a connection */
	uint8_t ttl;                     /* of its SYN; 0: the usual one */
};

/* In place of what had that number. */
void tcp_io_listen(struct tcp_io *io, uint16_t number, const struct tcp_io_way *way);
void tcp_io_connect(struct tcp_io *io, uint16_t number, const struct tcp_io_way *way);

/* A few bytes, to one that stands; where they cannot be sent at once it is lost. */
void tcp_io_write(struct tcp_io *io, uint16_t number, struct bytes data);

/* Nothing is told of it any more. */
void tcp_io_close(struct tcp_io *io, uint16_t number);

/* The descriptor, now the caller's; -1: there is none. */
int tcp_io_take(struct tcp_io *io, uint16_t number);

#endif
