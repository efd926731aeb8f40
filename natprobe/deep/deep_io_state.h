/* deep_io_state - the inside of deep_io, for its own files. */
#ifndef NATPROBE_DEEP_IO_STATE_H
#define NATPROBE_DEEP_IO_STATE_H

#include "deep_io.h"
#include "natprobe/net/tcp_io.h"

struct deep_io_udp {
	struct deep_io *io;
	struct event *event;
	int fd; /* -1: closed */
	uint16_t index;
	uint8_t df; /* enum in deep_io_udp.c: what the socket was last told */
	struct addr local;
};

struct deep_io {
	struct deep_io_config config;
	struct deep_io_udp udp[DEEP_SLOTS_MAX];
	struct tcp_io tcp;
	struct tcp_io_place tcp_places[DEEP_CONNECTIONS_MAX];
	struct event *timer;
	uint64_t deadline_us; /* of the timer; 0: none */
	bool has_counted;     /* and told so */
	bool is_done;
};

/* Lets the diagnosis do what it wants to do now. */
void deep_io_drive(struct deep_io *io);

void deep_io_udp_open(struct deep_io *io, const struct deep_action *a);
void deep_io_udp_send(struct deep_io *io, const struct deep_action *a);
/* Takes in what has arrived, without a step. */
void deep_io_udp_read(struct deep_io_udp *s);
void deep_io_udp_close(struct deep_io_udp *s);

void deep_io_tcp_init(struct deep_io *io);
void deep_io_tcp_listen(struct deep_io *io, const struct deep_action *a);
void deep_io_tcp_connect(struct deep_io *io, const struct deep_action *a);

#endif
