/*
 * dial - one connection of a client to a STUN or TURN server: UDP, TCP, TLS or DTLS.
 *
 * Bytes go in whole and come out as frames: datagrams, or STUN and ChannelData messages cut from
 * the stream. Over TLS and DTLS (1.2 and later) the certificate is checked before the first byte
 * is sent, unless `insecure` is set (RFC 8489, section 6.2.3).
 *
 *	dial.c         one connection in its life; UDP
 *	dial_stream.c  TCP and TLS
 *	dial_dtls.c    DTLS
 *	dial_tls.c     contexts, and what a certificate is worth
 */
#ifndef NATKIT_DIAL_H
#define NATKIT_DIAL_H

#include <event2/event.h>

#include "dial_failure.h"
#include "tls.h"
#include "turn_resolve.h"

struct dial_config {
	struct event_base *base;
	uint8_t transport; /* enum turn_transport */
	struct addr to;
	SSL_CTX *tls, *dtls; /* dial_context_new; NULL where no such transport is dialled */
	const char *domain;  /* what the certificate has to name: a host name or an address */
	bool insecure;       /* any certificate will do */
	uint64_t timeout_ms; /* until on_open */
	void (*on_open)(void *arg);
	void (*on_frame)(struct bytes frame, void *arg);
	/* The last callback; `why` is good until it returns, even if it calls dial_free. */
	void (*on_close)(const struct dial_failure *why, void *arg);
	void *arg;
};

struct dial;

/*
 * A context for clients. ca_file is in PEM; NULL: what the system trusts. Free it with
 * SSL_CTX_free. Returns NULL with *err set.
 */
SSL_CTX *dial_context_new(enum tls_kind kind, const char *ca_file, struct tls_error *err);

/*
 * Starts; callbacks come later, never before this returns. NULL when memory runs out, for which
 * dial_no_memory stands.
 */
struct dial *dial_new(const struct dial_config *config);
extern const struct dial_failure dial_no_memory;

/* No callback comes any more. May be called from one. NULL is fine. */
void dial_free(struct dial *d);

/* Before on_open and after on_close, and what the system has no room for, is lost. */
void dial_send(struct dial *d, struct bytes data);

/* The local address; false while there is none. */
bool dial_local(const struct dial *d, struct addr *out);

/* With `insecure`: what is wrong with the certificate, NULL: nothing. */
const char *dial_certificate_problem(const struct dial *d);

#endif
