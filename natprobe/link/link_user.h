/*
 * link_user - how a command uses a link: the one that runs, by its Unix socket, or one of its own,
 * made for as long as the command runs. Either way a stream is a descriptor of which the first line
 * was said (attach_wire.h).
 *
 * With no code the running link of that name is meant, and where no name was given and none runs one of
 * its own, with a new code; with the code of a running link it is that one; with any other code or
 * address there is one of its own.
 */
#ifndef NATPROBE_LINK_USER_H
#define NATPROBE_LINK_USER_H

#include <event2/bufferevent.h>

#include "link_options.h"

struct link_user;

/* What a stream came to. Exactly one of them is called, once, unless link_user_run ends before. */
struct link_user_stream {
	/* It stands. The bufferevent is the caller's now, without callbacks, not yet enabled; what it
	   has of input already is stream data. It closes its descriptor when it is freed. */
	void (*on_stream)(void *arg, struct bufferevent *bev, bool datagrams);
	void (*on_refused)(void *arg, const char *word, const char *text);
	void *arg;
};

struct link_user_config {
	const char *command; /* "pipe", for messages */
	const struct link_options *options;
	char *operand; /* CODE, ADDRESS or NULL; overwritten where it is a secret */
	/* A new code, for the other side. */
	void (*on_code)(void *arg, const char *code);
	/* Once, when streams may be asked for. The other side need not be there yet. */
	void (*on_begin)(void *arg, struct link_user *u);
	/* Whether there is a path now; told for a link of our own and for one that runs. what: a line
	   for people ("direct, 23 ms", "the path broke: ..."). May be NULL. */
	void (*on_path)(void *arg, bool is_up, const char *what);
	/* SIGINT or SIGTERM came, at whatever moment, and perhaps not for the first time: the run
	   ends by itself, with a failure. May be NULL. */
	void (*on_interrupt)(void *arg);
	void *arg;
};

/* Runs until link_user_end, or the link fails for good, which was printed then. The exit code. */
int link_user_run(const struct link_user_config *config);

/* For callbacks. */
struct event_base *link_user_base(const struct link_user *u);
/* Asks for a stream. False: out of memory, or too many. */
bool link_user_attach(struct link_user *u, const char *line, const struct link_user_stream *stream);
/* Ends it, once what was written to streams that were shut down is with the other side (10 s). */
void link_user_end(struct link_user *u, int rc);

#endif
