/* Connections to a port here: each asks the other side for a target, and is joined to it. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "forward_join.h"
#include "forward_state.h"

struct ask {
	struct list link;
	struct forward *forward;
	const struct forward_spec *spec;
	struct addr from;
	int sock;                /* -1: joined, or dropped */
	struct bufferevent *bev; /* until the answer is there */
	struct forward_join *join;
	struct event *patience;
	bool is_queued;    /* the link will be asked */
	bool is_attaching; /* it was, and still calls us */
};

static void drop(struct ask *a)
{
	if (a->sock >= 0)
		forward_reset(a->sock);
	a->sock = -1;
	if (a->bev != NULL)
		bufferevent_free(a->bev);
	a->bev = NULL;
	forward_join_free(a->join);
	a->join = NULL;
	if (a->patience != NULL)
		event_free(a->patience);
	a->patience = NULL;
}

static void free_ask(struct ask *a)
{
	drop(a);
	list_remove(&a->link);
	a->forward->asked--;
	free(a);
}

static void tell(struct ask *a, enum forward_event_kind kind, const char *word)
{
	struct forward_event e = {
		.kind = kind, .target = &a->spec->target, .from = &a->from, .word = word
	};

	if (a->join != NULL)
		forward_join_count(a->join, &e.out, &e.in);
	forward_tell(a->forward, &e);
}

static void fail(struct ask *a, const char *word)
{
	tell(a, FORWARD_FAILED, word);
	if (a->is_attaching)
		drop(a); /* the rest of it waits for the link */
	else
		free_ask(a);
}

static void on_patience(evutil_socket_t fd, short events, void *arg)
{
	fail(arg, FORWARD_TIMEOUT);
}

static void on_over(void *arg, const char *word)
{
	struct ask *a = arg;

	tell(a, FORWARD_CLOSED, word);
	free_ask(a);
}

static void join(struct ask *a)
{
	struct bufferevent *bev = a->bev;
	int sock = a->sock;

	a->bev = NULL;
	a->sock = -1;
	event_free(a->patience);
	a->patience = NULL;
	tell(a, FORWARD_OPENED, NULL);
	a->join = forward_join_new(bev, sock, on_over, a);
	if (a->join == NULL)
		fail(a, FORWARD_BUSY);
}

static void on_answer(struct bufferevent *bev, void *arg)
{
	struct ask *a = arg;
	struct forward_msg m;
	char word[PIPE_WORD_MAX + 1];
	enum forward_heard heard = forward_hear(a->forward, bev, false, &m);

	if (heard == FORWARD_PARTLY)
		return;
	if (heard == FORWARD_HEARD && m.kind == FORWARD_OK) {
		join(a);
	} else if (heard == FORWARD_HEARD && m.kind == FORWARD_REFUSED) {
		(void)snprintf(word, sizeof(word), "%.*s", (int)m.data.len,
			       (const char *)m.data.data);
		fail(a, word);
	} else {
		fail(a, PIPE_PROTOCOL);
	}
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	fail(arg, PIPE_LOST);
}

static void attach_next(struct forward *f);

static void end_attaching(struct ask *a)
{
	a->is_attaching = false;
	a->forward->attaching--;
	attach_next(a->forward);
}

static void on_stream(void *arg, struct bufferevent *bev, bool datagrams)
{
	struct ask *a = arg;
	const struct forward_msg open = { .kind = FORWARD_OPEN, .target = a->spec->target };

	end_attaching(a);
	a->bev = bev;
	if (a->sock < 0) {
		free_ask(a); /* it was dropped while we waited */
		return;
	}
	bufferevent_setcb(bev, on_answer, NULL, on_event, a);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
	if (!forward_say(a->forward, bev, &open))
		fail(a, FORWARD_BUSY);
}

static void on_refused(void *arg, const char *word, const char *text)
{
	struct ask *a = arg;

	end_attaching(a);
	if (a->sock < 0)
		free_ask(a);
	else
		fail(a, FORWARD_BUSY);
}

static void attach(struct ask *a)
{
	struct forward *f = a->forward;
	const struct link_user_stream stream = { .on_stream = on_stream,
						 .on_refused = on_refused,
						 .arg = a };

	a->is_queued = false;
	if (f->config.attach(f->config.arg, "connect " FORWARD_SERVICE, &stream)) {
		a->is_attaching = true;
		f->attaching++;
		return;
	}
	fail(a, FORWARD_BUSY);
}

static struct ask *find_queued(struct forward *f)
{
	for (struct list *at = f->asks.next; at != &f->asks; at = at->next) {
		struct ask *a = LIST_OF(at, struct ask, link);

		if (a->is_queued)
			return a;
	}
	return NULL;
}

static void attach_next(struct forward *f)
{
	struct ask *a;

	while (f->attaching < FORWARD_ATTACHING && (a = find_queued(f)) != NULL)
		attach(a);
}

static struct ask *new_ask(struct forward_port *p, int sock, const struct addr *from)
{
	const struct timeval patience = { .tv_sec = FORWARD_ANSWER_S };
	struct forward *f = p->forward;
	struct ask *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct ask){ .forward = f, .spec = p->spec, .from = *from, .sock = sock };
	list_init(&a->link);
	a->patience = evtimer_new(f->config.base, on_patience, a);
	if (a->patience == NULL || event_add(a->patience, &patience) != 0) {
		if (a->patience != NULL)
			event_free(a->patience);
		free(a);
		return NULL;
	}
	list_append(&f->asks, &a->link);
	f->asked++;
	return a;
}

static void refuse(struct forward_port *p, int sock, const struct addr *from)
{
	const struct forward_event e = { .kind = FORWARD_FAILED,
					 .target = &p->spec->target,
					 .from = from,
					 .word = FORWARD_BUSY };

	forward_reset(sock);
	forward_tell(p->forward, &e);
}

void forward_ask_begin(struct forward_port *p, int sock, const struct addr *from)
{
	struct forward *f = p->forward;
	struct ask *a = f->asked < FORWARD_CONNS_MAX ? new_ask(p, sock, from) : NULL;

	if (a == NULL) {
		refuse(p, sock, from);
		return;
	}
	a->is_queued = true;
	attach_next(f);
}

void forward_ask_drop_all(struct forward *f)
{
	struct list *at = f->asks.next;

	while (at != &f->asks) {
		struct ask *a = LIST_OF(at, struct ask, link);

		at = at->next;
		a->is_queued = false;
		if (a->is_attaching)
			drop(a);
		else
			free_ask(a);
	}
}

void forward_ask_end_all(struct forward *f)
{
	while (!list_is_empty(&f->asks))
		free_ask(LIST_OF(f->asks.next, struct ask, link));
}
