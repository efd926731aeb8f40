/* link_status - what a link tells of itself to programs: one JSON document, or a line for each event. */
#ifndef NATPROBE_LINK_STATUS_H
#define NATPROBE_LINK_STATUS_H

#include <event2/bufferevent.h>

#include "exchange.h"
#include "natprobe/punch/punch_result.h"

#define LINK_WATCHERS_MAX 16

struct link_view {
	const char *name; /* NULL: of no name */
	const char *tag;  /* link_tag; NULL: there is no code */
	bool is_up;
	const char *what;       /* for people */
	struct punch_path path; /* strategy PUNCH_NONE: there is none */
	uint32_t paths;         /* so far */
	uint32_t rtt_us;
	struct transport_counts counts;
	struct exchange_counts streams;
};

/* A line of JSON, to be freed; NULL when memory runs out. */
char *link_status_text(const struct link_view *v);
char *link_status_event(const struct link_view *v);

struct link_watchers {
	struct bufferevent *bevs[LINK_WATCHERS_MAX];
};

/* Says `line` first, and each that link_watchers_tell has, until the program leaves. */
void link_watchers_add(struct link_watchers *w, struct bufferevent *bev, const char *line);
void link_watchers_tell(struct link_watchers *w, const char *line);
void link_watchers_clear(struct link_watchers *w);

/* Says a line and closes. */
void link_status_answer(struct bufferevent *bev, const char *line);

#endif
