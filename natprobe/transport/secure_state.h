/* secure_state - what a session holds. For secure*.c alone. */
#ifndef NATPROBE_SECURE_STATE_H
#define NATPROBE_SECURE_STATE_H

#include <openssl/ssl.h>

#include "byte_queue.h"
#include "dgram_bio.h"
#include "secure.h"
#include "secure_context.h"

#define DTLS_RANDOM_LEN 32

struct secure {
	struct secure_config config;
	struct secure_peer peer;
	uint8_t state; /* enum secure_state */
	SSL_CTX *ctx;
	SSL *ssl;
	BIO_METHOD *method; /* of DTLS */
	struct dgram_bio end;
	BIO *in, *out;            /* of TLS; the SSL owns them */
	struct byte_queue early;  /* TLS: before we know whom to expect. DTLS: the last datagram */
	struct byte_queue stream; /* TLS: decrypted, up to a whole packet */
	uint64_t retry_us;
	uint64_t wrong_us; /* when somebody else's certificate is believed to be all that comes */
	uint8_t restarts, wrongs;
	bool has_begun;
	uint8_t hello[DTLS_RANDOM_LEN]; /* of the client that we answer */
	uint8_t record[SECURE_PACKET_MAX];
};

/* secure.c */
bool secure_open_session(struct secure *s); /* an SSL at the begin of a handshake */
void secure_fail(struct secure *s);
void secure_flush(struct secure *s); /* what TLS wrote leaves */

/* secure_shake.c: the handshake, and what strangers can do to it. */
void secure_shake(struct secure *s, uint64_t now_us);
void secure_restart(struct secure *s, uint64_t now_us);
/* A client that begins anew, or is another one than the one that we began with. */
bool secure_is_new_client(struct secure *s, struct bytes datagram);

#endif
