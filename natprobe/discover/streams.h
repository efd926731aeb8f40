/*
 * streams - the TCP connections of a discovery, each with one Binding on it.
 *
 * Who wants a connection is no concern of this: tcp_control looks for somebody who answers at
 * all, tcp_mapping compares what the endpoints of one server see. Each request has a
 * transaction id of its own. Times are microseconds.
 */
#ifndef NATPROBE_STREAMS_H
#define NATPROBE_STREAMS_H

#include "probe_log.h"

#define STREAMS_MAX       8   /* connections */
#define STREAM_ANSWER_MAX 512 /* bytes of an answer that are looked at */
#define STREAM_NONE       UINT8_MAX

struct stream {
	struct addr to;
	uint8_t nat64_len; /* of the prefix in `to`, as the answer shows it; 0: none does */
	uint16_t port;     /* ours, as wanted; 0: any */
	uint8_t server;    /* index */
	bool connected, closed, hung_up; /* hung_up: we closed it */
	bool unwanted;                   /* to be closed by us */
	bool answered;
	uint64_t begun_us, connected_us, answered_us;
	struct stun_tid tid;
	struct addr local;  /* our end of it */
	struct addr mapped; /* as its server saw it; family ADDR_NONE: it did not tell */
	struct addr other;  /* OTHER-ADDRESS; family ADDR_NONE: none */
	uint8_t data[STREAM_ANSWER_MAX];
	size_t len;
};

struct streams {
	struct stream list[STREAMS_MAX];
	uint8_t count;   /* begun */
	uint64_t rtt_us; /* of the quickest connection: handshake or answer, whichever took longer,
			    since a slow server is slow by UDP too; 0: no answer */
	uint8_t request[PROBE_LEN];
};

/*
 * Begins a connection; there must be room for one. *request is what to send once it is
 * connected, good until the next call. Returns its number.
 */
uint8_t streams_connect(struct streams *s, uint8_t server, const struct addr *to, uint16_t port,
			const uint8_t random[static 12], uint64_t now_us, struct bytes *request);

void streams_on_connected(struct streams *s, uint8_t number, const struct addr *local,
			  uint64_t now_us);
void streams_on_data(struct streams *s, uint8_t number, struct bytes data, uint64_t now_us);
void streams_on_closed(struct streams *s, uint8_t number);

/* Some server answered. */
bool streams_are_answered(const struct streams *s);

/* Something was tried, and all of it has failed. */
bool streams_have_failed(const struct streams *s);

/* A connection stands, and its answer may still come. */
bool streams_are_hopeful(const struct streams *s, uint64_t now_us);

/*
 * Round trips that went well, and those that were lost, as far as the time that handshakes and
 * answers took shows it: TCP sends again after a second at first, or some 200 ms.
 */
struct probe_loss streams_loss(const struct streams *s);

/* How often TCP has sent what this connection waits for, by now. */
unsigned streams_copies(const struct stream *s, uint64_t now_us);

/* When it will do so next: streams_copies changes then. */
uint64_t streams_next_copy_us(const struct stream *s, uint64_t now_us);

/* Takes one connection that is to be closed, or any with `all`; false when there is none left. */
bool streams_hang_up(struct streams *s, bool all, uint8_t *number);

#endif
