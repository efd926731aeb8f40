/* Streams that the other side opens for a connection of TCP to a target here. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>

#include "forward_dial.h"
#include "forward_join.h"
#include "forward_state.h"

struct serve {
	struct list link;
	struct forward *forward;
	struct bufferevent *bev; /* until it is joined */
	struct event *patience;
	struct forward_target target;
	struct forward_dial *dial;
	struct forward_join *join;
	bool is_leaving;
};

static void free_serve(struct serve *s)
{
	forward_dial_free(s->dial);
	forward_join_free(s->join);
	if (s->bev != NULL)
		bufferevent_free(s->bev);
	if (s->patience != NULL)
		event_free(s->patience);
	list_remove(&s->link);
	s->forward->served--;
	free(s);
}

static void tell(struct serve *s, enum forward_event_kind kind, const char *word)
{
	struct forward_event e = {
		.kind = kind, .is_served = true, .target = &s->target, .word = word
	};

	if (s->join != NULL)
		forward_join_count(s->join, &e.out, &e.in);
	forward_tell(s->forward, &e);
}

static void on_patience(evutil_socket_t fd, short events, void *arg)
{
	free_serve(arg);
}

/* Once the refusal has left. */
static void on_left(struct bufferevent *bev, void *arg)
{
	struct serve *s = arg;

	if (s->is_leaving)
		free_serve(s);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	free_serve(arg);
}

static void refuse(struct serve *s, const char *word)
{
	static const struct timeval patience = { .tv_sec = FORWARD_SWEEP_S };
	const struct forward_msg no = { .kind = FORWARD_REFUSED, .data = bytes_of_str(word) };

	if (s->target.port != 0)
		tell(s, FORWARD_FAILED, word);
	s->is_leaving = true;
	(void)event_add(s->patience, &patience);
	(void)forward_say(s->forward, s->bev, &no);
}

static void on_over(void *arg, const char *word)
{
	struct serve *s = arg;

	tell(s, FORWARD_CLOSED, word);
	free_serve(s);
}

static void on_dialled(void *arg, int sock, const char *word)
{
	const struct forward_msg yes = { .kind = FORWARD_OK };
	struct serve *s = arg;
	struct bufferevent *bev = s->bev;

	forward_dial_free(s->dial);
	s->dial = NULL;
	if (sock < 0) {
		refuse(s, word);
		return;
	}
	tell(s, FORWARD_OPENED, NULL);
	s->bev = NULL;
	(void)forward_say(s->forward, bev, &yes);
	s->join = forward_join_new(bev, sock, on_over, s);
	if (s->join == NULL)
		free_serve(s);
}

static void open_target(struct serve *s, const struct forward_target *target)
{
	const char *word = forward_judge(s->forward, target);

	s->target = *target;
	(void)event_del(s->patience);
	if (word == NULL)
		s->dial = forward_dial_new(s->forward->config.base, target, on_dialled, s);
	if (word == NULL && s->dial == NULL)
		word = FORWARD_BUSY;
	if (word != NULL)
		refuse(s, word);
}

/* What stands behind its first message waits for the join. */
static void on_read(struct bufferevent *bev, void *arg)
{
	struct serve *s = arg;
	struct forward_msg m;
	enum forward_heard heard;

	if (s->dial != NULL || s->is_leaving) {
		(void)bufferevent_disable(bev, EV_READ);
		return;
	}
	heard = forward_hear(s->forward, bev, false, &m);
	if (heard == FORWARD_HEARD && forward_is_flooded(s->forward))
		refuse(s, FORWARD_BUSY);
	else if (heard == FORWARD_HEARD && m.kind == FORWARD_OPEN)
		open_target(s, &m.target);
	else if (heard != FORWARD_PARTLY)
		refuse(s, PIPE_PROTOCOL);
}

static bool watch(struct serve *s)
{
	static const struct timeval patience = { .tv_sec = FORWARD_OPEN_S };

	s->patience = evtimer_new(s->forward->config.base, on_patience, s);
	return s->patience != NULL && event_add(s->patience, &patience) == 0;
}

void forward_serve_begin(struct forward *f, struct bufferevent *bev)
{
	struct serve *s = f->served < FORWARD_CONNS_MAX ? calloc(1, sizeof(*s)) : NULL;

	if (s == NULL) {
		bufferevent_free(bev);
		return;
	}
	s->forward = f;
	s->bev = bev;
	list_init(&s->link);
	list_append(&f->serves, &s->link);
	f->served++;
	if (!watch(s)) {
		free_serve(s);
		return;
	}
	bufferevent_setcb(bev, on_read, on_left, on_event, s);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void forward_serve_end_all(struct forward *f)
{
	while (!list_is_empty(&f->serves))
		free_serve(LIST_OF(f->serves.next, struct serve, link));
}
