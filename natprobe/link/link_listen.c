#include "link_listen.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach_wire.h"
#include "natprobe/net/read_more.h"
#include "sockaddr.h"

#define LISTENERS    4
#define WAITING_HIGH 262144 /* bytes for who does not take them */
#define WAITING_LOW  65536

enum port_kind { PORT_WRITE, PORT_READ };

/* A local program's connection, and its stream to the other side. */
struct port_conn {
	struct link_listen *l;
	struct port_conn *next, **at;
	struct bufferevent *local, *stream;
	struct bufferevent *from, *to; /* of these two */
	uint8_t kind;
	bool stands;   /* the link has answered */
	bool is_ended; /* `from` has */
};

struct link_listen {
	struct link_listen_config c;
	struct evconnlistener *listeners[LISTENERS];
	size_t listener_count;
	struct event *again; /* to listen, where there was no descriptor left */
	struct port_conn *conns;
	unsigned int conn_count;
};

static void conn_free(struct port_conn *c)
{
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	c->l->conn_count--;
	if (c->local != NULL)
		bufferevent_free(c->local);
	if (c->stream != NULL)
		bufferevent_free(c->stream);
	free(c);
}

/* What was taken has left, and nothing follows. */
static void end_when_sent(struct port_conn *c)
{
	if (c->is_ended && evbuffer_get_length(bufferevent_get_output(c->to)) == 0)
		(void)shutdown(bufferevent_getfd(c->to), SHUT_WR);
}

static void move(struct port_conn *c)
{
	struct evbuffer *out = bufferevent_get_output(c->to);

	(void)evbuffer_add_buffer(out, bufferevent_get_input(c->from));
	if (evbuffer_get_length(out) > WAITING_HIGH)
		(void)bufferevent_disable(c->from, EV_READ);
}

/* True: the stream stands, or may yet. */
static bool read_answer(struct port_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
	struct attach_answer answer;
	char line[ATTACH_LINE_MAX];

	if (end.pos < 0)
		return evbuffer_get_length(in) < ATTACH_LINE_MAX;
	if ((size_t)end.pos >= sizeof(line))
		return false;
	(void)evbuffer_remove(in, line, (size_t)end.pos + 1);
	if (!attach_answer_read(bytes_of(line, (size_t)end.pos), &answer))
		return false;
	if (!answer.is_ok && c->l->c.on_refused != NULL)
		c->l->c.on_refused(c->l->c.arg, answer.word, answer.text);
	if (!answer.is_ok || answer.datagrams)
		return false;
	c->stands = true;
	(void)bufferevent_enable(c->local, EV_READ | EV_WRITE);
	move(c);
	return true;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct port_conn *c = arg;

	if (!c->stands && bev == c->stream) {
		if (!read_answer(c))
			conn_free(c);
		return;
	}
	if (c->stands && bev == c->from) {
		read_more(bev);
		move(c);
	} else { /* a read port's program has nothing to say, nor has a write port's stream */
		(void)evbuffer_drain(bufferevent_get_input(bev), SIZE_MAX);
	}
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct port_conn *c = arg;

	if (bev != c->to || !c->stands)
		return;
	if (!c->is_ended)
		(void)bufferevent_enable(c->from, EV_READ);
	end_when_sent(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct port_conn *c = arg;

	if ((what & BEV_EVENT_EOF) == 0 || !c->stands || bev != c->from) {
		conn_free(c);
		return;
	}
	move(c);
	c->is_ended = true;
	(void)bufferevent_disable(c->from, EV_READ);
	/* Nothing is called when there is nothing left to be written. */
	bufferevent_setwatermark(c->to, EV_WRITE, 0, 0);
	end_when_sent(c);
}

static bool open_stream(struct port_conn *c)
{
	struct attach_line line = { .verb = c->kind == PORT_WRITE ? ATTACH_CONNECT : ATTACH_ACCEPT,
				    .service = LINK_LISTEN_SERVICE };
	char text[ATTACH_LINE_MAX];
	size_t len = attach_line_write(&line, text, sizeof(text));
	int fd = c->l->c.attach(c->l->c.arg);

	if (fd < 0)
		return false;
	(void)evutil_make_socket_nonblocking(fd);
	c->stream = bufferevent_socket_new(c->l->c.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->stream == NULL) {
		close(fd);
		return false;
	}
	bufferevent_setcb(c->stream, on_read, on_write, on_event, c);
	return bufferevent_write(c->stream, text, len) == 0 &&
	       bufferevent_enable(c->stream, EV_READ | EV_WRITE) == 0;
}

static struct port_conn *conn_new(struct link_listen *l, enum port_kind kind)
{
	struct port_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->l = l;
	c->kind = (uint8_t)kind;
	c->next = l->conns;
	c->at = &l->conns;
	if (c->next != NULL)
		c->next->at = &c->next;
	l->conns = c;
	l->conn_count++;
	return c;
}

static bool begin(struct port_conn *c, int fd)
{
	c->local = bufferevent_socket_new(c->l->c.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->local == NULL) {
		close(fd);
		return false;
	}
	bufferevent_setcb(c->local, on_read, on_write, on_event, c);
	if (!open_stream(c))
		return false;
	c->from = c->kind == PORT_WRITE ? c->local : c->stream;
	c->to = c->kind == PORT_WRITE ? c->stream : c->local;
	bufferevent_setwatermark(c->to, EV_WRITE, WAITING_LOW, 0);
	/* A reader that leaves while it waits must not get the next stream. */
	return c->kind == PORT_WRITE || bufferevent_enable(c->local, EV_READ) == 0;
}

static void take(struct link_listen *l, enum port_kind kind, int fd)
{
	struct port_conn *c = l->conn_count < LINK_LISTEN_CONN_MAX ? conn_new(l, kind) : NULL;

	if (c == NULL)
		close(fd);
	else if (!begin(c, fd))
		conn_free(c);
}

static void on_writer(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *arg)
{
	take(arg, PORT_WRITE, fd);
}

static void on_reader(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *arg)
{
	take(arg, PORT_READ, fd);
}

/* Whoever calls stays in the queue; without a rest this would be told again and again. */
static void on_accept_error(struct evconnlistener *ev, void *arg)
{
	struct link_listen *l = arg;

	(void)evconnlistener_disable(ev);
	(void)event_add(l->again, &(struct timeval){ .tv_sec = 1 });
}

static void on_again(evutil_socket_t fd, short events, void *arg)
{
	struct link_listen *l = arg;

	for (size_t i = 0; i < l->listener_count; i++)
		(void)evconnlistener_enable(l->listeners[i]);
}

static int listen_at(struct link_listen *l, const struct addr *at, evconnlistener_cb on_accept)
{
	const unsigned int flags =
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(at, &ss);
	struct evconnlistener *ev;

	errno = 0;
	ev = evconnlistener_new_bind(l->c.base, on_accept, l, flags, -1, (struct sockaddr *)&ss,
				     (int)len);
	if (ev == NULL)
		return errno != 0 ? -errno : -ENOMEM;
	evconnlistener_set_error_cb(ev, on_accept_error);
	l->listeners[l->listener_count++] = ev;
	return 0;
}

static int listen_on(struct link_listen *l, uint16_t port, evconnlistener_cb on_accept)
{
	const struct addr four = addr_ipv4(127, 0, 0, 1, port);
	struct addr six;
	int rc;

	if (port == 0)
		return 0;
	rc = listen_at(l, &four, on_accept);
	if (rc == 0 && addr_parse_ip("::1", port, &six))
		(void)listen_at(l, &six, on_accept);
	return rc;
}

int link_listen_open(struct link_listen **out, const struct link_listen_config *config,
		     uint16_t *port)
{
	struct link_listen *l = calloc(1, sizeof(*l));
	int rc;

	*out = NULL;
	*port = 0;
	if (l == NULL)
		return -ENOMEM;
	l->c = *config;
	l->again = evtimer_new(config->base, on_again, l);
	if (l->again == NULL) {
		free(l);
		return -ENOMEM;
	}
	rc = listen_on(l, config->write_port, on_writer);
	*port = rc != 0 ? config->write_port : 0;
	if (rc == 0) {
		rc = listen_on(l, config->read_port, on_reader);
		*port = rc != 0 ? config->read_port : 0;
	}
	if (rc == 0)
		*out = l;
	else
		link_listen_close(l);
	return rc;
}

void link_listen_close(struct link_listen *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->listener_count; i++)
		evconnlistener_free(l->listeners[i]);
	while (l->conns != NULL)
		conn_free(l->conns);
	event_free(l->again);
	free(l);
}
