/*
 * exchange - who is connected to whom: programs that attached to a link (attach_wire.h) and the
 * channels of its transport, by service. Whoever comes first waits.
 *
 * What waits is bounded: a program that is one too many is refused, and so is a channel.
 */
#ifndef NATPROBE_EXCHANGE_H
#define NATPROBE_EXCHANGE_H

#include <event2/bufferevent.h>

#include "attach_wire.h"
#include "natprobe/transport/transport.h"

#define EXCHANGE_WAITING_MAX 64       /* programs */
#define EXCHANGE_PENDING_MAX 64       /* channels of the other side that no program has taken */
#define EXCHANGE_LEFT_MAX    16777216 /* bytes of those that were said to the end */

struct exchange;

struct exchange_counts {
	uint32_t waiting, pending, streams;
	uint64_t streams_all; /* since the begin */
};

/* NULL when memory runs out. */
struct exchange *exchange_new(struct event_base *base);
/* Before the transport is freed, or after it is gone. NULL is fine. */
void exchange_free(struct exchange *x);

/*
 * A program that has said `line`: connect, accept or join. It is the exchange's from now on, and
 * has its answer when the stream stands, or when it is refused.
 */
void exchange_add(struct exchange *x, const struct attach_line *line, struct bufferevent *bev);

/* transport_config.on_channel. */
bool exchange_on_channel(struct exchange *x, struct channel *c);

/* The transport is about to be freed: streams are broken off, and programs that wait go on to. */
void exchange_lose(struct exchange *x);

/*
 * There is a transport, and the other side is who it shall be. opens: of two that join we are the one
 * that opens the stream. NULL: it is gone, and its channels have been told so.
 */
void exchange_use(struct exchange *x, struct transport *t, bool opens);

/* All that programs have written and ended is with the other side. */
bool exchange_is_flushed(const struct exchange *x);
void exchange_count(const struct exchange *x, struct exchange_counts *out);

#endif
