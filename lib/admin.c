#include "admin.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sockaddr.h"

#define HEADERS_MAX  8192 /* bytes */
#define BODY_MAX     0
#define UNREAD_MAX   (2 * HEADERS_MAX)
#define IDLE_MAX_S   5
#define PAUSE_MAX_MS 500 /* where the system hands over no connection */

/* libevent's HTTP has no limit of connections, so each is held by a reference here. */
struct connection {
	struct bufferevent *stream; /* NULL: the place is free */
	uint64_t number;            /* the larger, the younger */
};

struct admin {
	struct admin_hooks hooks;
	struct evhttp *http;
	struct event *resume;
	uint64_t accepted;
	struct connection connections[ADMIN_CONNECTIONS_MAX];
};

static void release(struct connection *c)
{
	struct bufferevent *stream = c->stream;

	c->stream = NULL;
	if (stream != NULL)
		bufferevent_decref(stream);
}

/* Its descriptor is open as long as our reference is there; evhttp sees the end of the stream. */
static void hang_up(struct connection *c)
{
	shutdown(bufferevent_getfd(c->stream), SHUT_RDWR);
	release(c);
}

/* A free place, made free where there is none. */
static struct connection *make_place(struct admin *a)
{
	struct connection *oldest = &a->connections[0];

	for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
		struct connection *c = &a->connections[i];

		if (c->stream == NULL)
			return c;
		if (c->number < oldest->number)
			oldest = c;
	}
	hang_up(oldest);
	return oldest;
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct admin *a = arg;
	struct bufferevent *stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct connection *c;

	if (stream == NULL)
		return NULL;
	/* After a broken request evhttp is done with it, and we hold it still: it reads no more. */
	bufferevent_setwatermark(stream, EV_READ, 0, UNREAD_MAX);
	c = make_place(a);
	bufferevent_incref(stream);
	*c = (struct connection){ .stream = stream, .number = a->accepted++ };
	return stream;
}

static void on_close(struct evhttp_connection *http, void *arg)
{
	struct admin *a = arg;
	const struct bufferevent *stream = evhttp_connection_get_bufferevent(http);

	for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
		if (a->connections[i].stream == stream)
			release(&a->connections[i]);
	}
}

/*
 * Out of descriptors, or memory: the one who waits would wake us again and again. The argument
 * of all of a listener's calls belongs to evhttp, so that the timer runs always.
 */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	evconnlistener_disable(listener);
}

static void on_resume(evutil_socket_t fd, short events, void *arg)
{
	evconnlistener_enable(arg);
}

static void reply(struct evhttp_request *req, int code, const char *reason, const char *type,
		  const char *text, size_t len)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evhttp_request_get_output_buffer(req);
	char length[24];

	snprintf(length, sizeof(length), "%zu", len);
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Content-Length", length);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Connection", "close");
	if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		evbuffer_add(body, text, len);
	evhttp_send_reply(req, code, reason, NULL);
}

static void reply_text(struct evhttp_request *req, int code, const char *reason, const char *text)
{
	reply(req, code, reason, "text/plain; charset=utf-8", text, strlen(text));
}

static void reply_metrics(const struct admin *a, struct evhttp_request *req)
{
	struct metrics m = { 0 };

	a->hooks.metrics(&m, a->hooks.arg);
	if (m.failed)
		reply_text(req, 500, "Internal Server Error", "out of memory\n");
	else
		reply(req, 200, "OK", "text/plain; version=0.0.4; charset=utf-8",
		      m.text != NULL ? m.text : "", m.len);
	metrics_free(&m);
}

static void reply_state(struct evhttp_request *req, bool ok)
{
	if (ok)
		reply_text(req, 200, "OK", "ok\n");
	else
		reply_text(req, 503, "Service Unavailable", "not ready\n");
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct admin *a = arg;
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;

	evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_close, a);
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
		reply_text(req, 405, "Method Not Allowed", "only GET and HEAD\n");
	} else if (path != NULL && strcmp(path, "/metrics") == 0) {
		reply_metrics(a, req);
	} else if (path != NULL && strcmp(path, "/healthz") == 0) {
		reply_state(req, a->hooks.is_healthy(a->hooks.arg));
	} else if (path != NULL && a->hooks.is_ready != NULL && strcmp(path, "/readyz") == 0) {
		reply_state(req, a->hooks.is_ready(a->hooks.arg));
	} else {
		reply_text(req, 404, "Not Found",
			   a->hooks.is_ready != NULL ? "there are /metrics, /healthz and /readyz\n"
						     : "there are /metrics and /healthz\n");
	}
}

static int http_open(struct admin *a, struct event_base *base)
{
	a->http = evhttp_new(base);
	if (a->http == NULL)
		return -ENOMEM;
	evhttp_set_max_headers_size(a->http, HEADERS_MAX);
	evhttp_set_max_body_size(a->http, BODY_MAX);
	evhttp_set_timeout(a->http, IDLE_MAX_S);
	/* All of them, so that on_request says which ones it takes. */
	evhttp_set_allowed_methods(a->http, 0xffff);
	evhttp_set_bevcb(a->http, on_accept, a);
	evhttp_set_gencb(a->http, on_request, a);
	return 0;
}

static int listen_open(struct admin *a, struct event_base *base, const struct addr *local,
		       struct addr *bound)
{
	static const struct timeval pause = { .tv_usec = PAUSE_MAX_MS * 1000 };
	unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(local, &ss);
	struct evconnlistener *listener;

	if (local->family == ADDR_IPV6)
		flags |= LEV_OPT_BIND_IPV6ONLY;
	errno = 0;
	listener = evconnlistener_new_bind(base, NULL, NULL, flags, ADMIN_CONNECTIONS_MAX,
					   (struct sockaddr *)&ss, (int)len);
	if (listener == NULL)
		return errno != 0 ? -errno : -ENOMEM;
	len = sizeof(ss);
	if (bound != NULL &&
	    (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&ss, &len) != 0 ||
	     !sockaddr_to_addr((struct sockaddr *)&ss, bound))) {
		evconnlistener_free(listener);
		return -EINVAL;
	}
	if (evhttp_bind_listener(a->http, listener) == NULL) {
		evconnlistener_free(listener);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	a->resume = event_new(base, -1, EV_PERSIST, on_resume, listener);
	return a->resume != NULL && event_add(a->resume, &pause) == 0 ? 0 : -ENOMEM;
}

int admin_open(struct event_base *base, const struct addr *local, const struct admin_hooks *hooks,
	       struct addr *bound, struct admin **out)
{
	struct admin *a = calloc(1, sizeof(*a));
	int rc;

	if (a == NULL)
		return -ENOMEM;
	a->hooks = *hooks;
	rc = http_open(a, base);
	if (rc == 0)
		rc = listen_open(a, base, local, bound);
	if (rc != 0) {
		admin_close(a);
		return rc;
	}
	*out = a;
	return 0;
}

void admin_close(struct admin *a)
{
	if (a == NULL)
		return;
	if (a->resume != NULL)
		event_free(a->resume);
	if (a->http != NULL)
		evhttp_free(a->http); /* calls on_close */
	for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
		release(&a->connections[i]);
	free(a);
}
