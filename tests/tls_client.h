/* tls_client - a TLS client of the tests of stream, in the thread of the server. */
#ifndef NATKIT_TLS_CLIENT_H
#define NATKIT_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "stream_echo.h"

struct tls_client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

/* Connects; tls_handshake does the rest, and says whether it came to its end. */
void tls_open(struct tls_client *c, struct echo_server *s);
bool tls_handshake(struct tls_client *c, struct echo_server *s);
void tls_close(struct tls_client *c);

/* Reads until `want` bytes came. Returns the last SSL_get_error, 0 when all came. */
int tls_get(struct tls_client *c, struct echo_server *s, uint8_t *buf, size_t want);

/* As echo_ask. */
void tls_ask(struct tls_client *c, struct echo_server *s, char id);

#endif
