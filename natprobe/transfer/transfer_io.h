/*
 * transfer_io - carries a transfer over a stream: bytes of a bufferevent in and out, one short piece of
 * work after the other, so that whatever else the loop has to do is not kept waiting.
 */
#ifndef NATPROBE_TRANSFER_IO_H
#define NATPROBE_TRANSFER_IO_H

#include <event2/bufferevent.h>

#include "transfer_receive.h"
#include "transfer_send.h"

struct transfer_io;

struct transfer_io_config {
	struct event_base *base;
	struct bufferevent *stream; /* taken over, in any case */
	/* One of them, borrowed; what it says goes to transfer_io_put. */
	struct transfer_send *send;
	struct transfer_receive *receive;
	/* Once: it is over, and the other side has heard so or cannot. */
	void (*on_over)(void *arg);
	void *arg;
};

/* NULL when memory runs out. */
struct transfer_io *transfer_io_new(const struct transfer_io_config *config);
void transfer_io_free(struct transfer_io *io); /* NULL is fine. From on_over as well. */

void transfer_io_put(struct transfer_io *io, struct bytes frame);
/* Something else than the stream gave it work, such as consent. */
void transfer_io_wake(struct transfer_io *io);

#endif
