/*
 * raw_client - a TURN client for tests that ask what no good client asks: it builds and signs one
 * request at a time over a real socket, and says what came back. Nothing is kept alive.
 */
#ifndef NATKIT_RAW_CLIENT_H
#define NATKIT_RAW_CLIENT_H

#include "stun_attr.h"
#include "stun_auth.h"
#include "stun_server.h"

#define RAW_NOTHING     UINT16_MAX /* instead of a code: no answer */
#define RAW_REQUEST_MAX 2048
#define RAW_TEXT_MAX    768
#define RAW_SENDS       7 /* of one request by UDP, half a second apart */

struct raw_client {
	int fd;
	uint8_t transport; /* enum stun_transport: STUN_UDP or STUN_TCP */
	struct bytes user, password;

	bool challenged; /* the next requests are signed */
	uint8_t realm[RAW_TEXT_MAX], nonce[RAW_TEXT_MAX];
	size_t realm_len, nonce_len;
	struct stun_key key;

	struct stun_builder b; /* the request at work */
	uint8_t request[RAW_REQUEST_MAX];
	size_t in_len, taken; /* of the stream: what is there, and what of it was heard */
	uint8_t in[70000];
	struct bytes heard; /* the last message */
	struct stun_msg answer;
	struct addr relayed;
	int sends; /* of the last request */
};

/* local  family ADDR_NONE: the system's choice. Returns false when the system refuses. */
bool raw_open(struct raw_client *c, uint8_t transport, const struct addr *local,
	      const struct addr *server);
void raw_close(struct raw_client *c);

/* Begins a request, to which the caller adds attributes. */
struct stun_builder *raw_request(struct raw_client *c, uint16_t method);
/* The same of an indication. */
struct stun_builder *raw_indication(struct raw_client *c, uint16_t method);

/* Puts user, realm, nonce and integrity, where the client has been challenged. */
void raw_sign(struct raw_client *c);

/* Sends any bytes as they are. */
bool raw_send(struct raw_client *c, struct bytes data);

/* Sends what was begun. */
bool raw_send_built(struct raw_client *c);

/* The next message within that time, whatever it is, to c->heard; false: none. */
bool raw_hear(struct raw_client *c, int wait_ms);

/* Sends the request as it stands and waits. Returns 0, the code of the error, or RAW_NOTHING. */
uint16_t raw_ask_unsigned(struct raw_client *c);
uint16_t raw_ask(struct raw_client *c); /* signed */

/* An Allocate without credentials; learns from its answer. Returns as raw_ask: 401. */
uint16_t raw_challenge(struct raw_client *c);

/* The user of the next requests, after raw_challenge. */
void raw_become(struct raw_client *c, struct bytes user, struct bytes password);

/* An Allocate for a transport (17: UDP), after a challenge. Returns as raw_ask. */
uint16_t raw_allocate(struct raw_client *c, uint8_t transport);

/* Random bytes for tests; ends the program when there are none. */
void raw_random(void *buf, size_t len);

#endif
