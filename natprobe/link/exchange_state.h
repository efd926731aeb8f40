/* exchange_state - what the files of exchange share: parties, and where each of them is. */
#ifndef NATPROBE_EXCHANGE_STATE_H
#define NATPROBE_EXCHANGE_STATE_H

#include "exchange.h"
#include "junction.h"
#include "list.h"

enum party_state {
	PARTY_WAITING = 0, /* a program without a channel, or whose channel is not open yet */
	PARTY_PENDING,     /* a channel without a program */
	PARTY_STREAM,
	PARTY_DEAD, /* callbacks of its own may be under way: it is cleared away by an event */
	PARTY_STATES,
};

/* A program, a channel, or both as one. */
struct party {
	struct list link;
	struct exchange *exchange;
	enum party_state state;
	struct attach_line line;
	struct bufferevent *bev;   /* of a program that has no answer yet */
	struct junction *junction; /* NULL: no channel yet */
	bool has_lost;             /* its channel, before it was open */
	char why[64];
};

struct exchange {
	struct transport *transport; /* NULL: none, or nobody is there */
	bool opens;
	struct list lists[PARTY_STATES];
	uint32_t counts[PARTY_STATES];
	uint64_t streams_all;
	struct event *sweeper;
};

/* -- exchange.c -- */
/* NULL when memory runs out. */
struct party *party_new(struct exchange *x, enum party_state state);
void party_free(struct party *p);
/* The same from callbacks of its own: a moment later. */
void party_drop(struct party *p);
struct junction *party_make_junction(struct party *p);
/* Of a program: whether it is the one that opens a stream, and does not wait for one. */
bool party_is_opener(const struct exchange *x, const struct party *p);
/* Of a program: it was killed while it waited, and has written nothing that may still be wanted. */
bool party_has_left(struct party *p);
/* Makes a stream of a program that waits and a channel that does. */
void party_marry(struct party *program, struct party *channel);

#endif
