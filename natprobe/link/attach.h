/*
 * attach - the Unix socket of a link, by which programs of the same user attach to it: who calls, and
 * the first line of each (attach_wire.h). What comes of a line is its owner's.
 */
#ifndef NATPROBE_ATTACH_H
#define NATPROBE_ATTACH_H

#include <event2/bufferevent.h>

#include "attach_wire.h"

#define ATTACH_CALLS_MAX 32 /* programs that have not yet said their line */

struct attach_hooks {
	/* A program's line. The bufferevent is the callee's, its callbacks unset, with what stood
	   behind the line as its input. */
	void (*on_line)(void *arg, const struct attach_line *line, struct bufferevent *bev);
	void *arg;
};

struct attach;

/* NULL when memory runs out. Takes what attach_adopt gives it, and nothing else yet. */
struct attach *attach_new(struct event_base *base, const struct attach_hooks *hooks);
void attach_free(struct attach *a); /* NULL is fine; the socket is removed */

/* Takes that name, as attach_place_take has it; -ENOMEM as well. */
int attach_listen(struct attach *a, const char *name);

/* A descriptor as if its program had called, but it has no time limit for its line, since it is this
   process that says it. False: it is closed, for lack of memory. */
bool attach_adopt(struct attach *a, int fd);

/* Says "error WORD TEXT", and closes once that has left. */
void attach_refuse(struct bufferevent *bev, const char *word, const char *text);
void attach_accept(struct bufferevent *bev, bool datagrams);
#endif
