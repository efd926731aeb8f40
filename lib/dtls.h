/*
 * dtls - a DTLS 1.2 server for many clients on one UDP socket (RFC 6347, RFC 7350).
 *
 * Datagrams, addresses and time come in; datagrams and application data go out by
 * callbacks. There is no socket in here. The caller tells DTLS (first byte 20 to 63) from
 * STUN (0 to 3) and the rest before it calls dtls_input (RFC 7983).
 *
 * A stranger costs nothing: until a client has returned a cookie that only it can have
 * received, no state is kept and no heap is touched. Hence a ClientHello in fragments is
 * dropped, since nothing could be checked without keeping them.
 *
 * Times are of one monotonic clock in microseconds (clock_us). Only the schedule of
 * handshake retransmission is OpenSSL's, by the system's clock.
 */
#ifndef NATKIT_DTLS_H
#define NATKIT_DTLS_H

#include <stdatomic.h>

#include <openssl/types.h>

#include "addr.h"
#include "wire.h"

#define DTLS_NEVER UINT64_MAX

struct per_source;

struct dtls_limits {
	uint32_t max_sessions;   /* alive at once; 0: 1024. When full, new clients wait */
	uint32_t max_half_open;  /* of these, without a finished handshake; 0: a quarter. The
				    oldest makes room for a new one */
	uint32_t max_per_source; /* of one IPv4 address or IPv6 /64; 0: as max_sessions */
	uint32_t idle_ms;        /* from one record to the next; 0: 60 s */
	uint32_t handshake_ms;   /* for a whole handshake; 0: 30 s */
	uint16_t mtu;            /* most bytes of a datagram of ours, without IP and UDP headers;
				    0: 1200 */
	uint16_t data_max;       /* most bytes of data in a record, at most 16384; 0: what the MTU
				    allows. More is for relays: what came by UDP leaves as long as
				    it came, and IP may have to cut it to pieces */
	/*
	 * Where threads have a dtls each: the limit of each source for them all, instead of
	 * max_per_source; max_sessions is then that of all, too. Has room for max_sessions and
	 * one more a thread, and must outlive the dtls. NULL: it has its own.
	 */
	struct per_source *shared;
};

enum dtls_end {
	DTLS_END_CLIENT,    /* close_notify, or it began anew */
	DTLS_END_SELF,      /* dtls_close, dtls_free */
	DTLS_END_HANDSHAKE, /* failed, timed out, or evicted */
	DTLS_END_IDLE,
	DTLS_END_ERROR, /* a fatal alert, a broken record */
	DTLS_ENDS,
};
const char *dtls_end_word(enum dtls_end why); /* for metrics */

/* Written by the worker, readable by any thread. */
struct dtls_stats {
	_Atomic uint64_t cookies_sent;
	_Atomic uint64_t cookies_bad; /* returned from elsewhere, too late, or made up */
	_Atomic uint64_t dropped;  /* no ClientHello, in fragments, malformed, too short a record */
	_Atomic uint64_t refused;  /* max_sessions, max_per_source, out of memory */
	_Atomic uint64_t sessions; /* now */
	_Atomic uint64_t half_open;   /* now */
	_Atomic uint64_t established; /* so far */
	_Atomic uint64_t ended[DTLS_ENDS];
};

struct dtls;
struct dtls_session;

struct dtls_events {
	/*
	 * A datagram to send, good for this call only; `local` is what dtls_input was given.
	 * It must not call back into dtls.
	 */
	void (*on_datagram)(struct bytes datagram, const struct addr *to, const struct addr *local,
			    void *arg);
	/* One application record, good for this call only. May dtls_send and dtls_close. */
	void (*on_data)(struct dtls_session *s, struct bytes data, void *arg);
	/*
	 * The session is about to go, with all that dtls_set_user left there. May be NULL. It
	 * must not send or close.
	 */
	void (*on_end)(struct dtls_session *s, enum dtls_end why, void *arg);
};

/*
 * ctx  of kind TLS_DATAGRAM (tls.h), counted by reference
 * Returns NULL when memory or randomness runs out.
 */
struct dtls *dtls_new(SSL_CTX *ctx, const struct dtls_limits *limits,
		      const struct dtls_events *events, void *arg, uint64_t now_us);

/* Says goodbye to every client. NULL is fine. Not from a callback. */
void dtls_free(struct dtls *d);

/* New sessions use `ctx` from now on; old ones go on with what they have. */
void dtls_use_ctx(struct dtls *d, SSL_CTX *ctx);

/*
 * Takes one datagram.
 * local  where it was sent to; handed back with what is sent to this client, and part of
 *        the session's key. Family ADDR_NONE is fine.
 */
void dtls_input(struct dtls *d, struct bytes datagram, const struct addr *from,
		const struct addr *local, uint64_t now_us);

/* When to call dtls_on_time, at the latest; DTLS_NEVER while nothing waits. Cheap. */
uint64_t dtls_next_deadline_us(const struct dtls *d);

/* Sends flights again, ends what is overdue. Early calls do no harm. */
void dtls_on_time(struct dtls *d, uint64_t now_us);

const struct dtls_stats *dtls_stats(const struct dtls *d);

const struct addr *dtls_peer(const struct dtls_session *s);
const struct addr *dtls_local(const struct dtls_session *s);

/* The tag of the server name that the client asked for (tls.h); 0: of none. */
uint64_t dtls_name_tag(const struct dtls_session *s);

/*
 * Whether a session that sends nothing stays: where something rests on it that has an end of its
 * own. Not at first.
 */
void dtls_keep(struct dtls_session *s, bool keep, uint64_t now_us);

/* One pointer of the user's own per session, NULL at first. */
void dtls_set_user(struct dtls_session *s, void *user);
void *dtls_user(const struct dtls_session *s);

/*
 * Sends one record, which becomes one datagram.
 * Returns false when the session is not established, or the data longer than the limits
 * allow.
 */
bool dtls_send(struct dtls_session *s, struct bytes data);

/* Ends a session with close_notify; from a callback, once it has returned. */
void dtls_close(struct dtls_session *s);

#endif
