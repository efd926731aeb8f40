/* transport_state - what a transport and its channels hold. For transport*.c and channel*.c alone. */
#ifndef NATPROBE_TRANSPORT_STATE_H
#define NATPROBE_TRANSPORT_STATE_H

#include "assoc.h"
#include "byte_queue.h"
#include "dcep.h"
#include "list.h"
#include "secure.h"
#include "transport.h"

#define CHANNEL_WINDOW_FIRST  8192                /* of a stream, before any grant came */
#define CHANNEL_WINDOW_UNREAD 32768               /* of one of which nothing was taken yet */
#define CHANNEL_WINDOW_MAX    ((size_t)4 << 20)   /* of one stream */
#define CHANNEL_QUEUE_MAX     ((size_t)256 << 10) /* written, and not yet with SCTP */
#define CHANNEL_WHY_MAX       96

enum channel_kind {
	CHANNEL_OF_BYTES = 0,
	CHANNEL_OF_DATAGRAMS,
	CHANNEL_OF_MESSAGES,
};

struct channel {
	struct transport *t;
	struct list link;  /* in all channels, until it is freed */
	struct list ready; /* in those that have something to send */
	struct channel_events events;
	char label[CHANNEL_LABEL_MAX + 1], protocol[CHANNEL_LABEL_MAX + 1];
	uint16_t id;
	uint8_t kind; /* enum channel_kind */
	uint8_t type; /* of DCEP */
	uint32_t reliability;
	bool is_ours;
	bool open_due, ack_due, abort_due, end_due; /* to be said */
	bool open_sent, is_open;                    /* the other side has it */
	bool end_sent, end_heard;
	bool is_gone;    /* for its user: what is left is to be said */
	bool is_dead;    /* nobody knows of it */
	bool is_blocked; /* a write took less than all */
	uint32_t grant_due;
	uint32_t may_send;       /* of a stream: granted to us */
	size_t was_read;         /* of a stream: bytes, counted up to CHANNEL_WINDOW_MAX */
	size_t granted, held;    /* of a stream: may still come; came, and was not consumed */
	struct byte_queue queue; /* bytes; or messages, each behind a struct message_head */
	uint64_t handed, sent;   /* of its bytes on the wire: to SCTP; by SCTP */
	uint32_t tsn_last;       /* of what was sent */
	char why[CHANNEL_WHY_MAX + 1];
};

/* One stream of SCTP, in both directions. */
struct slot {
	struct channel *channel; /* NULL: none, or none any more */
	bool is_used;
	bool in_ended;                        /* the other side has reset its direction */
	bool out_wanted, out_sent, out_ended; /* the same of ours */
};

struct transport {
	struct transport_config config;
	struct secure *dtls, *tls;
	struct secure *path; /* the one of them in use; NULL: there is no path */
	struct assoc *assoc;
	uint8_t expected[IDENTITY_FINGERPRINT_LEN];
	bool is_known, is_tcp, is_up, is_closing, is_over, is_failed;
	bool has_shut_down;
	uint64_t goodbye_us; /* good where it has: no answer is waited for beyond */
	uint8_t failure;     /* enum transport_failure: to be told */
	const char *why;
	uint16_t frame_max;
	uint64_t now_us;
	uint64_t reset_after_us;
	unsigned int depth; /* of calls: what is freed waits for the outermost one to return */
	struct list all, ready;
	size_t dead; /* of all: to be freed when nobody walks along them */
	struct slot slots[ASSOC_STREAMS];
	size_t resets_wanted, ours, theirs, streams, refused;
	size_t ending; /* streams that wait for the last acknowledgements */
	size_t extra;  /* promised to the other side beyond CHANNEL_WINDOW_FIRST of each stream */
	struct transport_counts counts;
};

/* transport.c */
void transport_enter(struct transport *t);
void transport_leave(struct transport *t); /* frees what is dead; the outermost one only */
/* It is over; told to the user when it is safe. */
void transport_fail(struct transport *t, enum transport_failure failure, const char *why);
/* Around whatever a user calls with a time; false: it has failed, and there is nothing to be done. */
bool transport_begin(struct transport *t, uint64_t now_us);
void transport_end(struct transport *t);
void transport_associate(struct transport *t); /* where that was not done before */

/* transport_path.c */
size_t transport_mtu(const struct transport *t); /* of a packet of SCTP */

/* transport_channels.c */
void transport_message(struct transport *t, const struct assoc_event *e);
void transport_stream_reset(struct transport *t, uint16_t stream);
void transport_reset_done(struct transport *t, uint16_t stream, bool is_done);
void transport_pump(struct transport *t);       /* gives SCTP what it has room for */
void transport_tell_room(struct transport *t);  /* to those who wait for it */
void transport_tell_ended(struct transport *t); /* to streams of which all has arrived */
void transport_close_all(struct transport *t, const char *why);
/* The user's part is over, and our direction of the stream is to be reset. */
void transport_release(struct transport *t, struct channel *c);

/* channel_table.c: which stream is whose. */
struct channel *channel_make(struct transport *t, uint16_t id, const char *label,
			     const char *protocol);
/* An even or odd one that is free; ASSOC_STREAMS: none. */
uint16_t channel_free_id(const struct transport *t);

/* channel_window.c: what the other side may send. */
bool channel_window_open(struct channel *c); /* false: there is no room for one more stream */
bool channel_window_take(struct channel *c, size_t n); /* false: it was not granted */
void channel_window_regrant(struct channel *c);
void channel_window_end(struct channel *c); /* nothing more comes: what was granted is free */
void channel_window_close(struct channel *c);

/* channel_send.c */
enum channel_step {
	CHANNEL_STEP_IDLE = 0, /* nothing to be sent for now */
	CHANNEL_STEP_MORE,
	CHANNEL_STEP_FULL, /* SCTP has no room */
};
enum channel_step channel_step(struct channel *c); /* gives SCTP one message */
void channel_wake(struct channel *c);              /* it has something to send */
size_t channel_room(const struct channel *c);      /* for channel_write */

/* channel_input.c */
void channel_input(struct channel *c, const struct assoc_event *e);
/* Tells its user, if it has one, that it is gone. */
void channel_tell_closed(struct channel *c, const char *why);

#endif
