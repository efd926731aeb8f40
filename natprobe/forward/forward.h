/*
 * forward - ports here that lead to services over there, and services here that the other side may
 * reach: connections of TCP and datagrams of UDP, each over a stream of its own. Both at once, too.
 *
 * What the other side asks for is compared with what is allowed as text, before anything is looked up.
 */
#ifndef NATPROBE_FORWARD_H
#define NATPROBE_FORWARD_H

#include "forward_spec.h"
#include "natprobe/link/link_user.h"

#define FORWARD_CONNS_MAX 128 /* connections of TCP at a time, each way */
#define FORWARD_FLOWS_MAX 64  /* sources of UDP: the one that was silent longest is forgotten */
#define FORWARD_IDLE_S    120 /* ... and who is silent for so long */

enum forward_event_kind {
	FORWARD_LISTENS, /* a port here */
	FORWARD_OPENED,
	FORWARD_FAILED, /* word says why */
	FORWARD_CLOSED, /* it stood; word: why it broke, or NULL */
};

struct forward_event {
	enum forward_event_kind kind;
	bool is_served; /* the other side asked */
	const struct forward_target *target;
	const struct addr
		*from; /* listens: the port here; else who uses it; NULL: the other side */
	const char *word;
	uint64_t out, in; /* closed: bytes to the other side, and from it */
};

struct forward_config {
	struct event_base *base;
	/* How a stream is asked for: link_user_attach. */
	bool (*attach)(void *arg, const char *line, const struct link_user_stream *stream);
	void (*on_event)(void *arg, const struct forward_event *e);
	void *arg;
	const struct forward_spec *specs; /* borrowed */
	size_t spec_count;
	const struct forward_target *allows; /* borrowed */
	size_t allow_count;
};

struct forward;

/* NULL when memory runs out. */
struct forward *forward_new(const struct forward_config *config);
/* Opens the ports. Returns 0, or -errno of *failed, one of the specs. */
int forward_listen(struct forward *f, const struct forward_spec **failed);
/* Serves the other side, from now on. */
void forward_serve(struct forward *f);
/* Breaks off what is there, and takes nothing more. */
void forward_stop(struct forward *f);
/* NULL is fine. No stream that was asked for may come after this. */
void forward_free(struct forward *f);

#endif
