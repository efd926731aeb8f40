/* carrier_http_state - what carrier_http*.c share. */
#ifndef NATPROBE_CARRIER_HTTP_STATE_H
#define NATPROBE_CARRIER_HTTP_STATE_H

#include <event2/http.h>
#include <openssl/types.h>

#include "carrier_link.h"
#include "carrier_lookup.h"
#include "carrier_queue.h"
#include "list.h"

struct carrier_http;

/*
 * One connection, with one request at a time: of a topic that is waited for, or what publishes.
 * It is made anew after each failure.
 */
struct http_channel {
	struct list link;
	struct carrier_http *http;
	char topic[MEET_TOPIC_MAX]; /* "": it publishes */
	uint64_t after;             /* the number of the last message that came */
	bool is_answered;           /* somebody is there */
	bool is_closed;             /* this connection is over, for the next request at least */
	bool waits;                 /* the server was asked to hold its answer back */
	bool is_wrong;              /* it did, and what is there is no rendezvous */
	unsigned failures;          /* one after the other */
	size_t tried;               /* which address */
	uint64_t asked_us;
	struct evhttp_connection *conn;
	SSL *ssl;               /* the connection's, held as well */
	struct event *next;     /* what it does next */
	struct event *deadline; /* of the request that is under way */
	bool is_asking;
};

struct carrier_http {
	struct event_base *base;
	struct carrier_uri uri;
	struct carrier_hooks hooks;
	char authority[CARRIER_URI_NAME_MAX];
	SSL_CTX *tls; /* NULL: plain */
	struct carrier_lookup *lookup;
	struct addr addrs[CARRIER_LOOKUP_MAX];
	size_t count, at; /* how many; the one that is used */
	struct addr good; /* the one that answered last */
	struct list channels;
	struct carrier_queue queue;
	struct http_channel *publisher;
	uint64_t clock_server; /* whose clock was told last, and how well it is known */
	uint64_t clock_error_us;
};

/* NULL when memory runs out. topic ""  publishes */
struct http_channel *http_channel_new(struct carrier_http *h, const char *topic);
void http_channel_free(struct http_channel *c); /* NULL is fine */
/* Goes on now, unless it waits for something already. */
void http_channel_poke(struct http_channel *c);
/* On a new connection, whatever the one that there is waits for. */
void http_channel_refresh(struct http_channel *c);

/* No address is known, or none of them works: asks, and pokes all channels then. */
void carrier_http_find(struct carrier_http *h);

#endif
