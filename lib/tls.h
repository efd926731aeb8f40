/*
 * tls - server contexts for TLS and DTLS.
 *
 * TLS 1.2 and 1.3, DTLS 1.2; no renegotiation, no compression. A context is OpenSSL's own
 * object, counted by reference: a reload makes a new one and hands it on, and connections
 * keep the one they began with.
 */
#ifndef NATKIT_TLS_H
#define NATKIT_TLS_H

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

/*
 * What OpenSSL last complained about, in words, its queue emptied: for log lines.
 * Returns `err->text`.
 */
const char *tls_error_take(struct tls_error *err);

#endif
