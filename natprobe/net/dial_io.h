/*
 * dial_io - the connections to one server that a state machine knows by number, on libevent: over
 * UDP, TCP, TLS or DTLS (dial.h).
 */
#ifndef NATPROBE_DIAL_IO_H
#define NATPROBE_DIAL_IO_H

#include "dial.h"

/* What is told. None of these may free the whole; on_close may come from within dial_io_open. */
struct dial_io_calls {
	void (*on_open)(void *arg, uint8_t number);
	void (*on_frame)(void *arg, uint8_t number, struct bytes frame);
	void (*on_close)(void *arg, uint8_t number, const struct dial_failure *why);
	/* Behind each of these that came from a socket: what follows from it may be done. */
	void (*on_rest)(void *arg);
};

struct dial_io_place {
	struct dial_io *io;
	struct dial *dial; /* NULL: closed */
	uint8_t number;
};

struct dial_io {
	struct event_base *base;
	SSL_CTX *tls, *dtls; /* NULL where no such transport is dialled */
	const char *domain;  /* that the server's certificate must name */
	bool insecure;       /* any certificate will do */
	uint64_t timeout_ms; /* for TCP and a handshake */
	const struct dial_io_calls *calls;
	void *arg;
	struct dial_io_place *places;
	uint8_t count;
};

/* All of it closed; `io` has what its caller set, and room for `count` places. */
void dial_io_init(struct dial_io *io);
void dial_io_close_all(struct dial_io *io);

/*
 * In place of what had that number.
 * domain  that the certificate has to name instead; NULL: that of the server
 */
void dial_io_open(struct dial_io *io, uint8_t number, uint8_t transport, const struct addr *to,
		  const char *domain);
void dial_io_send(struct dial_io *io, uint8_t number, struct bytes data);
void dial_io_close(struct dial_io *io, uint8_t number); /* without on_close */

/* With `insecure`: what is wrong with the certificate, NULL: nothing. */
const char *dial_io_certificate_problem(const struct dial_io *io, uint8_t number);

#endif
