/*
 * stream_echo - a server that answers each frame with itself, and clients of it, for the tests
 * of stream: one thread plays both in turn, nobody waits, and stream_set_expire moves time.
 */
#ifndef NATKIT_STREAM_ECHO_H
#define NATKIT_STREAM_ECHO_H

#include <openssl/ssl.h>

#include "cert.h"
#include "stream.h"

#define HOUR_MS       (3600 * 1000)
#define ECHO_PATIENCE 5000 /* turns of the loop until a test gives up */

struct echo_server {
	struct event_base *base;
	struct stream_set *set;
	SSL_CTX *ctx; /* that it began with; the set's */
	struct addr at;
	/* Called instead of the echo, where a test sets it. */
	void (*on_frame)(struct echo_server *s, struct stream_conn *c, struct bytes frame);
	struct bufferevent *raw; /* for that */
	size_t answer_len;       /* more than the frame: padded with zeros */
	int frames, ends;
	enum stream_end last_end;
	struct stream_peer last_peer;
	uint8_t last_frame[2048];
	size_t last_len;
	struct stream_conn *last_conn;
	bool all_sent;
};

/* A Binding request without attributes, told apart by the first byte of its id. */
struct echo_request {
	uint8_t bytes[20];
};

/* A certificate that no server has from the start; see echo_ctx. */
extern struct cert echo_other_cert;

/* Of cmocka's group: certificates, and no SIGPIPE. */
int echo_set_up(void **state);
int echo_tear_down(void **state);

/* Listens on the loopback, for plain clients and TLS. */
void echo_open(struct echo_server *s, struct stream_limits limits,
	       struct stream_listen_options options);
void echo_close(struct echo_server *s);
/* A context of a server with this certificate, the caller's to free. */
SSL_CTX *echo_ctx(const struct cert *c);

/* The loop does what there is to do, and comes back. */
void echo_turn(struct echo_server *s);
/* A turn that first gives a busy machine some time, if many have been taken for nothing. */
void echo_patient_turn(struct echo_server *s, int turns);
/* Turns until nothing more is to be expected. */
void echo_settle(struct echo_server *s);
/* Turns until a counter of the server has come to `want`. */
void echo_await(struct echo_server *s, const int *counter, int want);
/* How many connections ended for this reason. */
uint64_t echo_ended(const struct echo_server *s, enum stream_end why);

/* A client's socket, connected, non-blocking; the caller's to close. */
int echo_dial(struct echo_server *s);
int echo_dial_from(struct echo_server *s, struct addr from);
/* All of it, at once. */
void echo_put(int fd, const void *data, size_t len);
/* Reads until `want` bytes came, the end, or no patience is left. Returns how many came. */
size_t echo_get(struct echo_server *s, int fd, uint8_t *buf, size_t want, bool *at_end);
/* Whether the server closes it; reads what comes before. */
bool echo_is_closed(struct echo_server *s, int fd);

/* The server closes a connection after its answer to id 'C'. */
struct echo_request echo_request(char id);
/* Asks, and gets the same back. */
void echo_ask(struct echo_server *s, int fd, char id);

#endif
