/*
 * tls - server contexts for TLS and DTLS.
 *
 * TLS 1.2 and 1.3, DTLS 1.2; no renegotiation, no compression. A context is OpenSSL's own
 * object, counted by reference: a reload makes a new one and hands it on, and connections
 * keep the one they began with.
 */
#ifndef NATKIT_TLS_H
#define NATKIT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

/* RFC 7443. */
#define TLS_ALPN_NAT_DISCOVERY "stun.nat-discovery"
#define TLS_ALPN_TURN          "stun.turn"

enum tls_kind {
	TLS_STREAM,
	TLS_DATAGRAM,
};

struct tls_server_options {
	const char *cert_file; /* PEM: the certificate, then its chain */
	const char *key_file;  /* PEM, without passphrase */
	/*
	 * Protocols that are served, best first, ended by NULL; NULL: ALPN is ignored. Not
	 * copied: list and names outlive the context. A client without ALPN is served; one
	 * that offers only protocols not in the list is refused with no_application_protocol
	 * (RFC 7301, section 3.2).
	 */
	const char *const *alpn;
};

/* What went wrong, ready to print, naming the file. */
struct tls_error {
	char text[512];
};

/*
 * Returns a context to be freed with SSL_CTX_free, or NULL with *err set. One of kind
 * TLS_DATAGRAM is for dtls.h only: it leaves the checking of cookies to that.
 */
SSL_CTX *tls_server_new(enum tls_kind kind, const struct tls_server_options *options,
			struct tls_error *err);

/* A name that the server has (RFC 6066, section 3), and what it is served with. */
struct tls_name {
	const char *name; /* without a dot at the end, any case; NULL: no name, or one unknown */
	SSL_CTX *ctx;
	uint64_t tag; /* the caller's own: see tls_name_tag */
};

/*
 * Lets connections that begin with `first` go on with the context of the name that the client
 * asks for. All contexts are of one kind; `first` may be among them, and serves whoever fits
 * nothing. Names are copied, contexts counted, until `first` is freed. Once for a context.
 * Returns false when memory runs out.
 */
bool tls_choose_by_name(SSL_CTX *first, const struct tls_name *names, size_t count);

/* The tag of the name that was chosen; 0: of none, or not yet. */
uint64_t tls_name_tag(const SSL *ssl);

/*
 * What OpenSSL last complained about, in words, its queue emptied: for log lines.
 * Returns `err->text`.
 */
const char *tls_error_take(struct tls_error *err);

#endif
