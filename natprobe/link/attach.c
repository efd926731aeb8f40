#include "attach.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach_place.h"
#include "list.h"
#include "natprobe/net/await.h"
#include "unix_peer.h"

#define PATIENCE 10  /* seconds, for the line */
#define REST_MS  200 /* where no descriptor is left */

struct call {
	struct list link;
	struct attach *attach;
	struct bufferevent *bev;
};

struct attach {
	struct attach_hooks hooks;
	struct event_base *base;
	struct attach_place place; /* empty: it does not listen */
	struct event *acceptable, *again;
	struct list calls;
	size_t call_count;
};

/* --- answers --- */

static void on_refusal_written(struct bufferevent *bev, void *arg)
{
	bufferevent_free(bev);
}

static void on_refusal_event(struct bufferevent *bev, short events, void *arg)
{
	bufferevent_free(bev);
}

static size_t write_refusal(const char *word, const char *text, char *out, size_t cap)
{
	struct attach_answer a = { 0 };

	(void)snprintf(a.word, sizeof(a.word), "%s", word);
	(void)snprintf(a.text, sizeof(a.text), "%s", text);
	return attach_answer_write(&a, out, cap);
}

void attach_refuse(struct bufferevent *bev, const char *word, const char *text)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	char line[ATTACH_LINE_MAX + 1];

	bufferevent_setcb(bev, NULL, on_refusal_written, on_refusal_event, NULL);
	bufferevent_setwatermark(bev, EV_WRITE, 0, 0);
	bufferevent_set_timeouts(bev, NULL, &patience);
	(void)bufferevent_disable(bev, EV_READ);
	(void)bufferevent_enable(bev, EV_WRITE);
	(void)bufferevent_write(bev, line, write_refusal(word, text, line, sizeof(line)));
}

void attach_accept(struct bufferevent *bev, bool datagrams)
{
	const struct attach_answer a = { .is_ok = true, .datagrams = datagrams };
	char line[ATTACH_LINE_MAX + 1];

	(void)bufferevent_write(bev, line, attach_answer_write(&a, line, sizeof(line)));
}

/* --- calls --- */

static struct bufferevent *end_call(struct call *c)
{
	struct bufferevent *bev = c->bev;

	c->attach->call_count--;
	list_remove(&c->link);
	free(c);
	bufferevent_setcb(bev, NULL, NULL, NULL, NULL);
	bufferevent_set_timeouts(bev, NULL, NULL);
	return bev;
}

static void on_line_read(struct call *c, struct evbuffer *in, size_t len)
{
	struct attach *a = c->attach;
	uint8_t text[ATTACH_LINE_MAX];
	struct attach_line line;
	struct bufferevent *bev = end_call(c);
	const char *why;

	(void)evbuffer_remove(in, text, len + 1);
	if (attach_line_read(bytes_of(text, len), &line, &why))
		a->hooks.on_line(a->hooks.arg, &line, bev);
	else
		attach_refuse(bev, "usage", why);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	const struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
	struct call *c = arg;

	if (end.pos >= 0 && end.pos < ATTACH_LINE_MAX)
		on_line_read(c, in, (size_t)end.pos);
	else if (evbuffer_get_length(in) >= ATTACH_LINE_MAX)
		attach_refuse(end_call(c), "usage", "the line is too long");
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct call *c = arg;

	if ((events & BEV_EVENT_TIMEOUT) != 0)
		attach_refuse(end_call(c), "timeout", "no line was said");
	else if (evbuffer_get_length(bufferevent_get_input(bev)) > 0)
		attach_refuse(end_call(c), "usage", "the line has no newline at its end");
	else
		bufferevent_free(end_call(c));
}

static bool take_call(struct attach *a, int fd, const struct timeval *patience)
{
	struct call *c = calloc(1, sizeof(*c));
	struct bufferevent *bev = NULL;

	if (c != NULL && evutil_make_socket_nonblocking(fd) == 0)
		bev = bufferevent_socket_new(a->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		free(c);
		close(fd);
		return false;
	}
	*c = (struct call){ .attach = a, .bev = bev };
	list_init(&c->link);
	list_append(&a->calls, &c->link);
	a->call_count++;
	bufferevent_setcb(bev, on_read, NULL, on_event, c);
	bufferevent_set_timeouts(bev, patience, NULL);
	(void)bufferevent_enable(bev, EV_READ);
	return true;
}

/* Of this process, so its line comes as soon as the loop has time for it, which may take a while. */
bool attach_adopt(struct attach *a, int fd)
{
	return take_call(a, fd, NULL);
}

static bool is_same_user(int fd)
{
	uid_t uid;

	return unix_peer_uid(fd, &uid) == 0 && uid == geteuid();
}

static void turn_away(int fd, const char *word, const char *text)
{
	char line[ATTACH_LINE_MAX + 1];
	const size_t len = write_refusal(word, text, line, sizeof(line));

	(void)send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* Whoever calls stays in the queue; without a rest this would be told again and again. */
static void rest(struct attach *a)
{
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	(void)event_del(a->acceptable);
	(void)event_add(a->again, &(struct timeval){ .tv_usec = REST_MS * 1000 });
}

static void on_again(evutil_socket_t fd, short events, void *arg)
{
	struct attach *a = arg;

	(void)event_add(a->acceptable, NULL);
}

static void on_acceptable(evutil_socket_t listener, short events, void *arg)
{
	static const struct timeval patience = { .tv_sec = PATIENCE };
	struct attach *a = arg;
	int fd = accept(a->place.fd, NULL, NULL);

	if (fd < 0) {
		rest(a);
		return;
	}
	(void)evutil_make_socket_closeonexec(fd);
	if (!is_same_user(fd))
		turn_away(fd, "denied", "a link is for programs of its own user alone");
	else if (a->call_count >= ATTACH_CALLS_MAX)
		turn_away(fd, "busy", "too many programs have not yet said their line");
	else
		(void)take_call(a, fd, &patience);
}

/* --- all of it --- */

int attach_listen(struct attach *a, const char *name)
{
	int rc = attach_place_take(&a->place, name);

	if (rc != 0)
		return rc;
	a->again = evtimer_new(a->base, on_again, a);
	return a->again != NULL && await_fd(&a->acceptable, a->base, a->place.fd,
					    EV_READ | EV_PERSIST, on_acceptable, a)
		       ? 0
		       : -ENOMEM;
}

struct attach *attach_new(struct event_base *base, const struct attach_hooks *hooks)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->hooks = *hooks;
	a->base = base;
	attach_place_init(&a->place);
	list_init(&a->calls);
	return a;
}

void attach_free(struct attach *a)
{
	if (a == NULL)
		return;
	await_no_more(&a->acceptable);
	await_no_more(&a->again);
	attach_place_leave(&a->place);
	while (!list_is_empty(&a->calls))
		bufferevent_free(end_call(LIST_OF(a->calls.next, struct call, link)));
	free(a);
}
