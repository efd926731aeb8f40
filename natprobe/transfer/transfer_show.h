/*
 * transfer_show - what people and programs are told of a transfer: lines of text, progress on a
 * terminal, events as lines of JSON (doc/link.md).
 */
#ifndef NATPROBE_TRANSFER_SHOW_H
#define NATPROBE_TRANSFER_SHOW_H

#include <event2/event.h>

#include "manifest.h"
#include "transfer_core.h"

struct transfer_show;

struct transfer_show_config {
	const char *command; /* "send", for messages */
	bool json, quiet;
	/* Neither may be there yet when they are asked for. */
	const struct transfer_core *(*core)(void *arg);
	const struct manifest *(*manifest)(void *arg);
	void *arg;
};

struct transfer_show *transfer_show_new(const struct transfer_show_config *config);
void transfer_show_free(struct transfer_show *s); /* NULL is fine */

/* From now on there is progress, if there is somebody to see it. */
void transfer_show_begin(struct transfer_show *s, struct event_base *base);
void transfer_show_path(struct transfer_show *s, bool is_up, const char *what);
void transfer_show_skipped(struct transfer_show *s, const char *path, const char *what);
void transfer_show_event(struct transfer_show *s, const struct transfer_event *e);
/* An error that is not of the transfer. */
void transfer_show_error(struct transfer_show *s, const char *text);
/* The link ended before the transfer did; has_begun: both sides were there. */
void transfer_show_gone(struct transfer_show *s, bool has_begun);
/* What is offered, for people: to standard error. There is no progress behind it, since somebody may
 * be asked there, until transfer_show_go. */
void transfer_show_offer(struct transfer_show *s, const char *directory);
void transfer_show_go(struct transfer_show *s);

#endif
