#include "attach.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach_path.h"
#include "list.h"
#include "natprobe/net/await.h"
#include "unix_peer.h"

#define BACKLOG  16
#define PATIENCE 10 /* seconds, for the line */

struct call {
	struct list link;
	struct attach *attach;
	struct bufferevent *bev;
};

struct attach {
	struct attach_hooks hooks;
	struct event_base *base;
	struct event *acceptable;
	int fd; /* -1: it does not listen */
	struct sockaddr_un address;
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

static void answer(struct bufferevent *bev, const struct attach_answer *a)
{
	char text[ATTACH_LINE_MAX + 1];

	(void)bufferevent_write(bev, text, attach_answer_write(a, text, sizeof(text)));
}

void attach_refuse(struct bufferevent *bev, const char *word, const char *text)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	struct attach_answer a = { 0 };

	(void)snprintf(a.word, sizeof(a.word), "%s", word);
	(void)snprintf(a.text, sizeof(a.text), "%s", text);
	bufferevent_setcb(bev, NULL, on_refusal_written, on_refusal_event, NULL);
	bufferevent_setwatermark(bev, EV_WRITE, 0, 0);
	bufferevent_set_timeouts(bev, NULL, &patience);
	(void)bufferevent_disable(bev, EV_READ);
	(void)bufferevent_enable(bev, EV_WRITE);
	answer(bev, &a);
}

void attach_accept(struct bufferevent *bev, bool datagrams)
{
	const struct attach_answer a = { .is_ok = true, .datagrams = datagrams };

	answer(bev, &a);
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
	else
		bufferevent_free(end_call(c));
}

bool attach_adopt(struct attach *a, int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
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
	bufferevent_set_timeouts(bev, &patience, NULL);
	(void)bufferevent_enable(bev, EV_READ);
	return true;
}

static void on_acceptable(evutil_socket_t listener, short events, void *arg)
{
	struct attach *a = arg;
	int fd = accept(a->fd, NULL, NULL);
	uid_t uid;

	if (fd < 0)
		return;
	if (a->call_count >= ATTACH_CALLS_MAX || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    unix_peer_uid(fd, &uid) != 0 || uid != geteuid()) {
		close(fd);
		return;
	}
	(void)attach_adopt(a, fd);
}

/* --- the socket --- */

static int open_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 ? fd : -errno;
}

static int connect_to(const struct sockaddr_un *address)
{
	int fd = open_unix(), rc;

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static int bind_once(int fd, const struct sockaddr_un *address)
{
	const mode_t before = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ? -errno : 0;

	(void)umask(before);
	return rc;
}

/* One that nobody answers at is left over from a link that was killed. */
static int bind_to(int fd, const struct sockaddr_un *address)
{
	int rc = bind_once(fd, address), other;

	if (rc != -EADDRINUSE)
		return rc;
	other = connect_to(address);
	if (other >= 0)
		close(other);
	if (other != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) == 0 ? bind_once(fd, address) : -errno;
}

int attach_listen(struct attach *a, const char *name)
{
	int rc = attach_path(name, &a->address), fd;

	if (rc != 0)
		return rc;
	fd = open_unix();
	if (fd < 0)
		return fd;
	rc = bind_to(fd, &a->address);
	if (rc != 0) {
		close(fd);
		return rc;
	}
	a->fd = fd;
	if (evutil_make_socket_nonblocking(fd) != 0 || listen(fd, BACKLOG) != 0)
		return -errno;
	return await_fd(&a->acceptable, a->base, fd, EV_READ | EV_PERSIST, on_acceptable, a)
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
	a->fd = -1;
	list_init(&a->calls);
	return a;
}

void attach_free(struct attach *a)
{
	if (a == NULL)
		return;
	if (a->fd >= 0)
		(void)unlink(a->address.sun_path);
	await_close(&a->acceptable, &a->fd);
	while (!list_is_empty(&a->calls))
		bufferevent_free(end_call(LIST_OF(a->calls.next, struct call, link)));
	free(a);
}

int attach_call(const char *name)
{
	struct sockaddr_un address;
	int rc = attach_path(name, &address);

	return rc != 0 ? rc : connect_to(&address);
}
