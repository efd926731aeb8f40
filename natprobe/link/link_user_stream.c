/* Streams that a command asks its link for, until they stand. */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach_place.h"
#include "attach_wire.h"
#include "link_user_state.h"

#define ASKS_MAX 64

/* A stream that was asked for. */
struct ask {
	struct list link;
	struct link_user *user;
	struct bufferevent *bev;
	struct link_user_stream stream;
};

static struct bufferevent *end_ask(struct ask *a)
{
	struct bufferevent *bev = a->bev;

	a->user->ask_count--;
	list_remove(&a->link);
	bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
	free(a);
	return bev;
}

static void refuse(struct ask *a, const char *word, const char *text)
{
	const struct link_user_stream stream = a->stream;

	bufferevent_free(end_ask(a));
	stream.on_refused(stream.arg, word, text);
}

static void take_answer(struct ask *a, struct bytes line)
{
	const struct link_user_stream stream = a->stream;
	struct attach_answer answer;
	struct bufferevent *bev;

	if (!attach_answer_read(line, &answer)) {
		refuse(a, "protocol", "the link answers in words that mean nothing here");
		return;
	}
	if (!answer.is_ok) {
		refuse(a, answer.word, answer.text);
		return;
	}
	bev = end_ask(a);
	(void)bufferevent_disable(bev, EV_READ | EV_WRITE);
	stream.on_stream(stream.arg, bev, answer.datagrams);
}

static void on_answer(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	const struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
	uint8_t line[ATTACH_LINE_MAX];

	if (end.pos >= ATTACH_LINE_MAX || (end.pos < 0 && evbuffer_get_length(in) > sizeof(line))) {
		refuse(arg, "protocol", "the link answers in words that mean nothing here");
		return;
	}
	if (end.pos < 0)
		return;
	(void)evbuffer_remove(in, line, (size_t)end.pos + 1);
	take_answer(arg, bytes_of(line, (size_t)end.pos));
}

static void on_ask_event(struct bufferevent *bev, short events, void *arg)
{
	refuse(arg, "closed", "the link has ended");
}

struct bufferevent *link_user_call(struct link_user *u, const char *line)
{
	const size_t len = strlen(line);
	struct bufferevent *bev = NULL;
	int fd = u->host != NULL ? link_host_call(u->host) : attach_call(u->name);

	if (fd < 0)
		return NULL;
	if (evutil_make_socket_nonblocking(fd) == 0)
		bev = bufferevent_socket_new(u->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		close(fd);
		return NULL;
	}
	(void)bufferevent_write(bev, line, len);
	if (len == 0 || line[len - 1] != '\n')
		(void)bufferevent_write(bev, "\n", 1);
	return bev;
}

bool link_user_attach(struct link_user *u, const char *line, const struct link_user_stream *stream)
{
	struct ask *a = u->ask_count < ASKS_MAX ? calloc(1, sizeof(*a)) : NULL;

	if (a == NULL)
		return false;
	a->user = u;
	a->stream = *stream;
	a->bev = link_user_call(u, line);
	if (a->bev == NULL) {
		free(a);
		return false;
	}
	list_init(&a->link);
	list_append(&u->asks, &a->link);
	u->ask_count++;
	bufferevent_setcb(a->bev, on_answer, NULL, on_ask_event, a);
	if (bufferevent_enable(a->bev, EV_READ | EV_WRITE) == 0)
		return true;
	bufferevent_free(end_ask(a));
	return false;
}

void link_user_drop(struct link_user *u)
{
	while (!list_is_empty(&u->asks))
		bufferevent_free(end_ask(LIST_OF(u->asks.next, struct ask, link)));
}
