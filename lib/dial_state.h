/* dial_state - what dial*.c share. */
#ifndef NATKIT_DIAL_STATE_H
#define NATKIT_DIAL_STATE_H

#include <event2/bufferevent.h>

#include "dgram_bio.h"
#include "dial.h"

#define DIAL_DATAGRAM_MAX 65536
#define DIAL_FRAME_MAX    65600 /* the longest ChannelData or Send indication, and some */

struct dial {
	struct dial_config config;
	char domain[STUN_URI_HOST_MAX + 1];
	int fd; /* of datagrams; -1: none */
	struct event *readable;
	struct event *timer; /* the timeout; at once where it could not even start */
	struct bufferevent *bev;
	SSL *ssl; /* of DTLS: ours; of TLS: the bufferevent's */
	BIO_METHOD *bio_method;
	struct dgram_bio bio;
	struct event *again; /* DTLS: when a flight is sent again */
	struct dial_failure failure;
	bool is_connected; /* TCP stands */
	bool is_open, is_closed;
	bool is_freed;      /* within a callback: whoever called it frees */
	unsigned int depth; /* of callbacks */
	uint8_t in[DIAL_DATAGRAM_MAX];
	uint8_t plain[DIAL_DATAGRAM_MAX]; /* DTLS: one message */
};

/* Tell; false: it is freed, hands off. */
bool dial_tell_open(struct dial *d);
bool dial_tell_frame(struct dial *d, struct bytes frame);

/* cause, detail  count where nothing was noted before. `d` may be gone behind it. */
void dial_fail(struct dial *d, uint8_t cause, const char *detail);

/* libevent tells of TCP and TLS together; only the socket knows how far it got. */
void dial_note_connected(struct dial *d);

/* Kinds of errors of connect, send and recv. */
uint8_t dial_cause_of_errno(int err);

/* Each returns 0 or -errno. */
int dial_stream_start(struct dial *d);
int dial_dtls_start(struct dial *d);

/* A connected, non-blocking UDP socket in d->fd. */
int dial_open_datagrams(struct dial *d, event_callback_fn on_readable);

void dial_dtls_send(struct dial *d, struct bytes data);
void dial_dtls_close(struct dial *d);

/* A session that checks the certificate as the configuration says; NULL when memory runs out. */
SSL *dial_tls_session(const struct dial *d);

/* Notes why the handshake failed. */
void dial_tls_explain(struct dial *d, unsigned long error);

#endif
