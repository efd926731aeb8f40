/*
 * stun_uri - where a server is: stun: and stuns: URIs (RFC 7064), turn: and turns: URIs
 * (RFC 7065), and what people type: HOST, HOST:PORT, [IPV6]:PORT.
 *
 * Reads and prints; resolves nothing. A host name that was taken is safe to hand to a
 * resolver: letters, digits, hyphens, underscores and dots, in lengths that DNS allows.
 */
#ifndef NATKIT_STUN_URI_H
#define NATKIT_STUN_URI_H

#include "addr.h"
#include "stun.h"
#include "wire.h"

enum stun_uri_scheme {
	STUN_URI_PLAIN = 0, /* no scheme: HOST, HOST:PORT */
	STUN_URI_STUN,
	STUN_URI_STUNS,
	STUN_URI_TURN,
	STUN_URI_TURNS,
};

enum stun_uri_transport {
	STUN_URI_ANY = 0, /* not said */
	STUN_URI_UDP,     /* ?transport=udp, with turn: and turns: only */
	STUN_URI_TCP,
};

#define STUN_URI_HOST_MAX 254 /* a DNS name with its final dot */
#define STUN_URI_TEXT_MAX 320 /* the longest text that stun_uri_print writes, and its NUL */

struct stun_uri {
	uint8_t scheme;    /* enum stun_uri_scheme */
	uint8_t transport; /* enum stun_uri_transport */
	uint16_t port;     /* 0: not given */
	/* Lower case, decoded; of an address its usual text, without brackets. */
	char host[STUN_URI_HOST_MAX + 1];
	struct addr ip; /* where the host is an address, with `port`; else ADDR_NONE */
};

/*
 * Reads one URI or one of the plain forms; `text` holds nothing else. An IPv6 address needs no
 * brackets where it stands alone. A scope ("fe80::1%3") is an interface index, and is
 * spelled %25 in a URI (RFC 6874).
 * out  set on success only
 * why  on failure a constant string for people, without capital and full stop
 * Returns false for anything else than the above.
 */
bool stun_uri_parse(struct bytes text, struct stun_uri *out, const char **why);

/*
 * The text that reads back to the same: "stun:[2001:db8::1]:3478", "example.org:3478".
 * u  as stun_uri_parse made it
 * Returns `buf`.
 */
const char *stun_uri_print(const struct stun_uri *u, char buf[static STUN_URI_TEXT_MAX]);

/* stuns: and turns:, which is TLS over TCP or DTLS over UDP. */
bool stun_uri_is_secure(const struct stun_uri *u);

/* The port as given, or the default one: 3478, 5349 for secure schemes. */
uint16_t stun_uri_port(const struct stun_uri *u);

#endif
