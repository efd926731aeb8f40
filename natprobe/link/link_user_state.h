/* link_user_state - what the files of link_user share. */
#ifndef NATPROBE_LINK_USER_STATE_H
#define NATPROBE_LINK_USER_STATE_H

#include "link_host.h"
#include "link_user.h"
#include "list.h"

struct link_user {
	const struct link_user_config *config;
	struct event_base *base;
	struct link_host *host; /* NULL: it is the running link of `name` */
	char name[LINK_NAME_MAX + 1];
	struct list asks;
	size_t ask_count;
	struct bufferevent *watch;
	struct event *signals[2];
	bool is_over;
	int rc;
};

/* -- link_user_stream.c -- */
/* Says a line to the link. NULL: it does not take it. */
struct bufferevent *link_user_call(struct link_user *u, const char *line);
/* Nothing is told any more of what was asked for. */
void link_user_drop(struct link_user *u);

#endif
