/*
 * junction - a program's descriptor and a channel (channel.h) as one: bytes go both ways, and so do ends,
 * breaks, and having to wait. A channel may be there before its program is: what it brings waits here.
 *
 * Datagrams stand behind two bytes of length, the higher first, on the program's side; one that there
 * is no room for is lost.
 */
#ifndef NATPROBE_JUNCTION_H
#define NATPROBE_JUNCTION_H

#include <event2/bufferevent.h>

#include "natprobe/transport/channel.h"

#define SPLICE_OUTPUT_HIGH 262144 /* what the program does not read: the channel waits above that */

struct junction;

struct junction_hooks {
	/* The other side has the channel. May be NULL. */
	void (*on_open)(void *arg);
	/* Nothing more will happen: junction_free it, now or later. why: NULL where both had ended. */
	void (*on_over)(void *arg, const char *why);
	void *arg;
};

/* NULL when memory runs out. Without a channel and a program yet. */
struct junction *junction_new(bool datagrams, const struct junction_hooks *hooks);
/* Breaks off what still is. NULL is fine. */
void junction_free(struct junction *s);

/* What the channel shall call. */
struct channel_events junction_events(struct junction *s);
void junction_set_channel(struct junction *s, struct channel *c);
/* Takes the bufferevent over, with what it has read. */
void junction_set_program(struct junction *s, struct bufferevent *bev);

/* The transport is about to go. What the other side has said to the end still is the program's. */
void junction_lose(struct junction *s);

/* No channel any more, but bytes for a program: how many; 0: there is one, or it has it all. */
size_t junction_left_over(const struct junction *s);

/* Whether the program has ended its direction: as far as we read, or anywhere. */
bool junction_is_ending(const struct junction *s);
/* ... and all of it is with the other side. */
bool junction_is_flushed(const struct junction *s);

#endif
