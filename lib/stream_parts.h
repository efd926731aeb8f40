/* stream_parts - the inside of a stream set, shared by stream*.c only. */
#ifndef NATKIT_STREAM_PARTS_H
#define NATKIT_STREAM_PARTS_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "counter.h"
#include "list.h"
#include "stream.h"

/* Connections that all have the same time to live, so that the first is the next to go. */
struct stream_queue {
	struct list conns;
	uint32_t live_ms; /* 0: as long as they like */
	uint32_t count;
};

struct stream_conn {
	struct stream_set *set;
	struct list link;
	struct stream_queue *queue; /* the one it is in */
	uint64_t since_ms;
	struct stream_peer peer;
	struct stream_listener *listener;
	struct stream_proxy *proxy; /* until its PROXY header has come */
	struct event *first_byte;   /* until plain or TLS is known; then bev */
	evutil_socket_t fd;
	struct bufferevent *bev;
	void *user;
	size_t max_frame;
	size_t frame_used; /* within on_frame: what the frame takes of the input */
	bool counted;      /* as one of its source */
	bool kept;         /* stream_keep */
	bool held;         /* stream_pause */
	bool raw;          /* stream_make_raw: the bufferevent is lent */
	bool full;         /* has too much to read: not read from until it has taken all */
	bool eof;          /* sends no more */
	bool ending;       /* stream_close: goes when all is written */
};

struct stream_listener {
	struct stream_listener *next;
	struct stream_set *set;
	struct evconnlistener *ev;
	struct stream_listen_options options;
};

struct stream_set {
	struct event_base *base;
	struct stream_limits limits;
	struct stream_events events;
	void *arg;
	SSL_CTX *tls;
	struct per_source *sources; /* shared or own */
	struct per_source *own;
	struct stream_listener *listeners;
	struct event *tick;
	bool accepting;            /* false: out of descriptors, until the next tick */
	struct stream_queue fresh; /* as busy, before their first frame */
	struct stream_queue idle;  /* between two frames */
	struct stream_queue busy;  /* owe us the end of a handshake or frame, or read too slowly */
	struct stream_queue kept;  /* stream_keep, stream_make_raw: no time ends them */
	struct stream_stats stats;
};

/* Its time in the queue begins now. NULL: it leaves the one it is in. */
void stream_queue_put(struct stream_queue *q, struct stream_conn *c);
struct stream_conn *stream_queue_first(const struct stream_queue *q); /* NULL: empty */

/* The timer runs, where it does not yet. */
void stream_set_tick(struct stream_set *set);

/* After an error of accept(), until the next tick. */
void stream_pause_accepting(struct stream_set *set, bool pause);
void stream_close_listeners(struct stream_set *set);

/*
 * Takes over `fd` and the place that was counted for its source; NULL: neither is touched. Waits
 * for the first byte, which tells plain from TLS.
 */
struct stream_conn *stream_conn_new(struct stream_listener *l, evutil_socket_t fd,
				    const struct stream_peer *peer);
void stream_conn_end(struct stream_conn *c, enum stream_end why);

/* What has come of a PROXY header. NULL when memory runs out. */
struct stream_proxy *stream_proxy_new(void);
/* Reads on. Returns false when the connection has to wait for more, or is gone. */
bool stream_proxy_read(struct stream_conn *c);
/* Whether the limits have room for one of this source; counts it if so. */
bool stream_admits(struct stream_set *set, const struct addr *from);
/* Waits for the next byte. May end the connection. */
void stream_await_byte(struct stream_conn *c);

/* Takes what has come in, then decides what the connection waits for. May end it. */
void stream_take(struct stream_conn *c);
/* All that was queued is written. */
void stream_written(struct stream_conn *c);

#endif
