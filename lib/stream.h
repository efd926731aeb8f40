/*
 * stream - TCP and TLS clients, over libevent.
 *
 * A stream set is what one worker has of them: listeners, connections, and the limits
 * that all of them share. One port serves plain STUN and TLS: the first byte tells a TLS
 * handshake (22) from the rest. What clients send is cut into frames (stun_stream.h);
 * a client may send many, and each may be answered with stream_send.
 *
 * Every client is bounded: in the length of a frame, in what it leaves unread, and in
 * time. One that is too slow to take its answers is not read from; one that stays so is
 * closed. Belongs to the thread of its event base. The program ignores SIGPIPE.
 */
#ifndef NATKIT_STREAM_H
#define NATKIT_STREAM_H

#include <stdatomic.h>

#include <event2/event.h>
#include <openssl/types.h>

#include "addr.h"
#include "stun_server.h"
#include "wire.h"

struct per_source;

#define STREAM_FRAME_MAX 65552 /* no frame is longer, whatever STUN or ChannelData it is */

struct stream_limits {
	size_t max_frame;        /* bytes of one frame, padding included; 0: 2048 */
	size_t max_output;       /* bytes that may wait for a client; 0: 64 KiB */
	uint32_t max_conns;      /* of the whole set; 0: 1024 */
	uint32_t max_per_source; /* of one IPv4 address or IPv6 /64; 0: as max_conns */
	uint32_t max_half_open;  /* of the set, without a first whole frame: handshakes, mostly; 0:
				    a quarter of max_conns, 32 at least. The oldest makes room for a new one */
	uint32_t idle_ms;        /* from one frame to the next; 0: 60 s */
	uint32_t frame_ms;       /* from the connect, or the first byte of a frame, to its end,
				    TLS handshake included; also how long a client may
				    leave max_output unread; 0: 10 s */
	bool end_when_paused;    /* who closes its direction while it is paused is not answered any
				    more, but gone */
	/*
	 * Where threads have a set each: the limits of them all, instead of max_conns and
	 * max_per_source. Must outlive the set. NULL: it has its own.
	 */
	struct per_source *shared;
};

enum stream_end {
	STREAM_END_CLIENT,   /* it closed, or the network did */
	STREAM_END_SELF,     /* stream_close, stream_set_free */
	STREAM_END_FOREIGN,  /* neither STUN, nor ChannelData, nor TLS that is wanted */
	STREAM_END_TLS,      /* its handshake or a record failed */
	STREAM_END_IDLE,     /* sent nothing for idle_ms */
	STREAM_END_SLOW,     /* did not finish a frame, or did not read, for frame_ms */
	STREAM_END_PROXY,    /* began without a PROXY header, or with a broken one */
	STREAM_END_CROWD,    /* brought no frame yet, and made room for a newer one */
	STREAM_END_RESOURCE, /* we ran out of memory */
	STREAM_ENDS,
};
const char *stream_end_word(enum stream_end why); /* for metrics */

/* Written by the worker, readable by any thread. */
struct stream_stats {
	_Atomic uint64_t accepted;
	_Atomic uint64_t refused_total;  /* max_conns */
	_Atomic uint64_t refused_source; /* max_per_source */
	_Atomic uint64_t refused_proxy;  /* of a proxy listener, from who may not connect to it */
	_Atomic uint64_t accept_errors;  /* out of descriptors, mostly */
	_Atomic uint64_t open;           /* now */
	_Atomic uint64_t half_open;      /* of these, without a whole frame yet */
	_Atomic uint64_t frames;
	_Atomic uint64_t ended[STREAM_ENDS];
};

struct stream_peer {
	struct addr remote;
	struct addr local; /* address and port the client connected to, never the wildcard; both
			      as the PROXY header says where there is one */
	enum stun_transport transport; /* STUN_TCP or STUN_TLS */
};

struct bufferevent;
struct stream_set;
struct stream_conn;

struct stream_events {
	/* A whole frame; its bytes are good for this call only. */
	void (*on_frame)(struct stream_conn *c, struct bytes frame, void *arg);
	/* The connection is about to go, with all that stream_set_user left there. May be NULL. */
	void (*on_end)(struct stream_conn *c, enum stream_end why, void *arg);
	/* What a frame is, where it is not STUN's; as stun_stream_next. NULL: that. */
	enum stun_result (*cut)(struct bytes in, size_t max, struct bytes *frame, size_t *used);
};

/*
 * tls  taken as it is for new TLS connections (tls.h), counted by reference; NULL: no TLS
 * key  16 random bytes for the table of sources
 * Returns NULL when memory runs out.
 */
struct stream_set *stream_set_new(struct event_base *base, const struct stream_limits *limits,
				  const struct stream_events *events, void *arg, SSL_CTX *tls,
				  const uint8_t key[static 16]);

/* Closes all listeners and connections. NULL is fine. Not from a callback of the set. */
void stream_set_free(struct stream_set *set);

/* New connections use `tls` from now on; old ones go on with what they have. */
void stream_set_use_tls(struct stream_set *set, SSL_CTX *tls);

struct stream_listen_options {
	bool reuse_port; /* SO_REUSEPORT: one listener per worker */
	bool no_plain;   /* TLS only */
	bool no_tls;     /* plain only */
	bool proxy;      /* each connection begins with a PROXY header (proxy_header.h) */
	/* proxy: who may connect: anybody could write a header. `arg` is the set's. */
	bool (*proxy_may)(const struct addr *proxy, void *arg);
	const void *user; /* see stream_listener_user */
	/* With has_owner the socket is this user's: else who becomes that user later cannot bind the
	   port beside it any more, whatever SO_REUSEPORT says. Takes root. */
	bool has_owner;
	uint32_t owner;
};

/*
 * Opens one more listener; it lives as long as the set.
 * bound  set to the address with the port the system chose; NULL: not wanted
 * Returns 0 or -errno.
 */
int stream_listen(struct stream_set *set, const struct addr *local,
		  const struct stream_listen_options *options, struct addr *bound);

/*
 * Closes what is overdue at `now_ms` (clock_ms). The set does so by itself from a timer;
 * this is for tests, which move the clock.
 */
void stream_set_expire(struct stream_set *set, uint64_t now_ms);

const struct stream_stats *stream_set_stats(const struct stream_set *set);

const struct stream_peer *stream_peer(const struct stream_conn *c);

/* The tag of the server name that a TLS client asked for (tls.h); 0: of none. */
uint64_t stream_name_tag(const struct stream_conn *c);

/* What stood in the options of the listener that took the connection. */
const void *stream_listener_user(const struct stream_conn *c);

/* One pointer of the user's own per connection, NULL at first. */
void stream_set_user(struct stream_conn *c, void *user);
void *stream_user(const struct stream_conn *c);

/* Longest frame that this client may send from now on, instead of the set's max_frame. */
void stream_set_max_frame(struct stream_conn *c, size_t max_frame);

/*
 * Whether a connection that sends nothing stays: where something rests on it that has an end of
 * its own. Not at first.
 */
void stream_keep(struct stream_conn *c, bool keep);

/*
 * No more frames until stream_resume: what came before has to be decided first. The client still
 * has frame_ms only, unless the connection is kept (stream_keep).
 */
void stream_pause(struct stream_conn *c);
void stream_resume(struct stream_conn *c);

/*
 * From now on the connection is a pipe of bytes: no more frames, and no limit of time. Within
 * on_frame, the frame at hand is gone. The bufferevent is lent with all its callbacks and water
 * marks until stream_close, or on_end; it is not reading yet. What the client sent behind the last
 * frame is its input, and what it was sent before may still be its output.
 * Returns NULL when the connection is ending.
 */
struct bufferevent *stream_make_raw(struct stream_conn *c);

/*
 * Queues bytes, copied. Returns false, nothing queued, when max_output bytes are waiting
 * already (never for the first call within on_frame), the connection is ending, or memory
 * runs out. Not for a connection that is raw.
 */
bool stream_send(struct stream_conn *c, struct bytes msg);

/* Ends the connection once what is queued has left, in frame_ms at most. */
void stream_close(struct stream_conn *c);

#endif
