/*
 * dgram_bio - what DTLS of OpenSSL reads from and writes to, without a socket.
 *
 * One datagram in at a time, datagrams out by a callback, and an explicit MTU: OpenSSL 3.0
 * has no datagram memory BIO, and its stream one would join datagrams.
 */
#ifndef NATKIT_DGRAM_BIO_H
#define NATKIT_DGRAM_BIO_H

#include <openssl/bio.h>

#include "wire.h"

/* Lives as long as the BIO, at one place. */
struct dgram_bio {
	struct bytes in; /* the datagram to be read next; reading empties it */
	uint16_t mtu;    /* most bytes of a datagram */
	void (*on_write)(struct bytes datagram, void *arg);
	void *arg;
};

/* To be shared by all BIOs, and freed with BIO_meth_free after them. NULL: out of memory. */
BIO_METHOD *dgram_bio_method_new(void);

/* Returns NULL when memory runs out. */
BIO *dgram_bio_new(const BIO_METHOD *method, struct dgram_bio *end);

#endif
