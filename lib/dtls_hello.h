/*
 * dtls_hello - a stranger's ClientHello, and the HelloVerifyRequest that answers it
 * (RFC 6347, sections 4.1, 4.2.1 and 4.2.2; RFC 5246, section 7.4.1.2).
 *
 * What a DTLS server must understand before it may keep anything about a client. Views
 * only; nothing is copied or allocated.
 */
#ifndef NATKIT_DTLS_HELLO_H
#define NATKIT_DTLS_HELLO_H

#include "wire.h"

enum dtls_hello_result {
	DTLS_HELLO_OK = 0,
	DTLS_HELLO_NONE,      /* not a handshake record of epoch 0 with a ClientHello */
	DTLS_HELLO_FRAGMENT,  /* a part of one: nothing to check without keeping the others */
	DTLS_HELLO_MALFORMED, /* calls itself one and is not */
};

struct dtls_hello {
	struct bytes record; /* the first record of the datagram, header included */
	uint64_t record_seq; /* 48 bits */
	uint16_t message_seq;
	struct bytes random; /* 32 bytes */
	struct bytes cookie; /* empty: the first ClientHello of a client */
};

/* Reads the first record of a datagram. `out` is set on DTLS_HELLO_OK only. */
enum dtls_hello_result dtls_hello_parse(struct bytes datagram, struct dtls_hello *out);

/* Whether a datagram has an encrypted record (of epoch 1 or later) of less than `least` bytes. */
bool dtls_has_short_record(struct bytes datagram, size_t least);

/* Longest HelloVerifyRequest, with a cookie of 255 bytes. */
#define DTLS_VERIFY_MAX 283

/*
 * Builds the datagram that asks a client to return `cookie` (1 to 255 bytes). Its record
 * has the sequence number of the client's, as section 4.2.1 demands.
 * Returns a view of `buf`.
 */
struct bytes dtls_hello_verify_request(const struct dtls_hello *hello, struct bytes cookie,
				       uint8_t buf[static DTLS_VERIFY_MAX]);

#endif
