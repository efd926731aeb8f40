#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "clock.h"
#include "list.h"
#include "per_source.h"
#include "sockaddr.h"
#include "stun_stream.h"

#define TLS_HANDSHAKE 22 /* content type, the first byte of a ClientHello record */
#define BACKLOG       512
#define READ_AHEAD    16384 /* bytes taken in beyond one frame, as much as a TLS record has */

/* Connections that all have the same time to live, so that the first is the next to go. */
struct queue {
	struct list conns;
	uint32_t live_ms;
};

struct stream_conn {
	struct stream_set *set;
	struct list link;
	struct queue *queue; /* the one it is in */
	uint64_t since_ms;
	struct stream_peer peer;
	struct listener *listener;
	struct event *first_byte; /* until plain or TLS is known; then bev */
	evutil_socket_t fd;
	struct bufferevent *bev;
	void *user;
	bool full;   /* has too much to read: not read from until it has taken all */
	bool eof;    /* sends no more */
	bool ending; /* stream_close: goes when all is written */
};

struct listener {
	struct listener *next;
	struct stream_set *set;
	struct evconnlistener *ev;
	struct stream_listen_options options;
};

struct stream_set {
	struct event_base *base;
	struct stream_limits limits;
	struct stream_events events;
	void *arg;
	SSL_CTX *tls;
	struct per_source *sources; /* shared or own */
	struct per_source *own;
	struct listener *listeners;
	struct event *tick;
	bool accepting;    /* false: out of descriptors, until the next tick */
	struct queue idle; /* between two frames */
	struct queue busy; /* owe us the end of a handshake or frame, or read too slowly */
	struct stream_stats stats;
};

/* Only the worker writes; others may read. */
static void count(_Atomic uint64_t *counter, int by)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + (uint64_t)(int64_t)by, memory_order_relaxed);
}

static struct stream_conn *first_of(const struct queue *q)
{
	return list_is_empty(&q->conns) ? NULL : LIST_OF(q->conns.next, struct stream_conn, link);
}

/* Its time in the queue begins now. */
static void queue_put(struct queue *q, struct stream_conn *c)
{
	c->queue = q;
	c->since_ms = clock_ms();
	list_append(&q->conns, &c->link);
}

static struct stream_limits with_defaults(struct stream_limits l)
{
	if (l.max_frame == 0)
		l.max_frame = 2048;
	if (l.max_output == 0)
		l.max_output = 65536;
	if (l.max_conns == 0)
		l.max_conns = 1024;
	if (l.max_per_source == 0)
		l.max_per_source = l.max_conns;
	if (l.idle_ms == 0)
		l.idle_ms = 60000;
	if (l.frame_ms == 0)
		l.frame_ms = 10000;
	return l;
}

/* A goodbye for TLS, as far as the socket takes it at once. */
static void say_close_notify(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);

	if (ssl == NULL || !SSL_is_init_finished(ssl) || bufferevent_get_openssl_error(bev) != 0)
		return;
	ERR_clear_error();
	SSL_shutdown(ssl);
	ERR_clear_error();
}

static void conn_end(struct stream_conn *c, enum stream_end why)
{
	struct stream_set *set = c->set;

	c->ending = true; /* nothing more is sent, not from on_end either */
	if (set->events.on_end != NULL)
		set->events.on_end(c, why, set->arg);
	count(&set->stats.ended[why], 1);
	count(&set->stats.open, -1);
	per_source_remove(set->sources, &c->peer.remote);
	list_remove(&c->link);
	if (c->first_byte != NULL)
		event_free(c->first_byte);
	if (c->bev != NULL) {
		say_close_notify(c->bev);
		bufferevent_free(c->bev);
	} else {
		close(c->fd);
	}
	free(c);
}

static size_t input_len(const struct stream_conn *c)
{
	return evbuffer_get_length(bufferevent_get_input(c->bev));
}

static size_t output_len(const struct stream_conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

/*
 * Looks for a frame where the bytes lie, and moves them together only where one is cut:
 * many small frames in one read are not copied again and again.
 */
static enum stun_result next_frame(struct stream_conn *c, struct bytes *frame, size_t *used)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t max = c->set->limits.max_frame;
	size_t len = input_len(c) < max ? input_len(c) : max;
	size_t near = evbuffer_get_contiguous_space(in);
	const uint8_t *data;
	enum stun_result found;

	if (len == 0)
		return STUN_SHORT;
	near = near < len ? near : len;
	data = evbuffer_pullup(in, (ev_ssize_t)near);
	found = stun_stream_next(bytes_of(data, near), max, frame, used);
	if (found != STUN_SHORT || near == len)
		return found;
	data = evbuffer_pullup(in, (ev_ssize_t)len);
	if (data == NULL)
		return STUN_NO_SPACE;
	return stun_stream_next(bytes_of(data, len), max, frame, used);
}

/* Hands on whole frames. Returns how many, or -1 when the bytes are none of ours. */
static int take_frames(struct stream_conn *c)
{
	struct stream_set *set = c->set;
	int frames = 0;

	while (!c->ending && output_len(c) < set->limits.max_output) {
		struct bytes frame;
		size_t used;
		enum stun_result found = next_frame(c, &frame, &used);

		if (found == STUN_SHORT)
			break;
		if (found != STUN_OK)
			return -1;
		frames++;
		count(&set->stats.frames, 1);
		set->events.on_frame(c, frame, set->arg);
		evbuffer_drain(bufferevent_get_input(c->bev), used);
	}
	return frames;
}

/* The client has too much to read: stop listening to it until it has. */
static void hold(struct stream_conn *c)
{
	c->full = true;
	bufferevent_disable(c->bev, EV_READ);
	queue_put(&c->set->busy, c);
}

/* Takes what has come in, then decides what the connection waits for. May end it. */
static void work(struct stream_conn *c)
{
	int frames = take_frames(c);

	if (frames < 0) {
		conn_end(c, STREAM_END_FOREIGN);
		return;
	}
	if (c->ending || c->eof) {
		bufferevent_disable(c->bev, EV_READ);
		if (output_len(c) == 0)
			conn_end(c, c->ending ? STREAM_END_SELF : STREAM_END_CLIENT);
		else if (c->queue != &c->set->busy)
			queue_put(&c->set->busy, c);
		return;
	}
	if (output_len(c) >= c->set->limits.max_output)
		hold(c);
	else if (input_len(c) == 0 && frames > 0)
		queue_put(&c->set->idle, c);
	else if (input_len(c) > 0 && (frames > 0 || c->queue != &c->set->busy))
		queue_put(&c->set->busy, c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct stream_conn *c = arg;

	if (!c->full && !c->ending)
		work(c);
}

/* All that was queued is written. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct stream_conn *c = arg;

	if (!c->full && !c->ending && !c->eof)
		return;
	if (c->full) {
		c->full = false;
		if (!c->eof)
			bufferevent_enable(c->bev, EV_READ);
		/* A rest of a frame has its time from here. */
		queue_put(input_len(c) > 0 ? &c->set->busy : &c->set->idle, c);
	}
	work(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct stream_conn *c = arg;

	if (what & BEV_EVENT_CONNECTED)
		return; /* the time for the handshake goes on until the first frame */
	if (bufferevent_get_openssl_error(bev) != 0) {
		ERR_clear_error();
		conn_end(c, STREAM_END_TLS);
		return;
	}
	if (!(what & BEV_EVENT_EOF) || c->peer.transport == STUN_TLS) {
		conn_end(c, STREAM_END_CLIENT);
		return;
	}
	/* TCP can be closed in one direction: what was asked is still answered. */
	c->eof = true;
	if (!c->full)
		work(c);
}

static struct bufferevent *open_tls(struct stream_conn *c)
{
	SSL *ssl = SSL_new(c->set->tls);
	struct bufferevent *bev;

	if (ssl == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(c->set->base, c->fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
					     BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (bev != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static void conn_begin(struct stream_conn *c, enum stun_transport transport)
{
	event_free(c->first_byte);
	c->first_byte = NULL;
	c->peer.transport = transport;
	if (transport == STUN_TLS)
		c->bev = open_tls(c);
	else
		c->bev = bufferevent_socket_new(c->set->base, c->fd,
						BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (c->bev == NULL) {
		conn_end(c, STREAM_END_RESOURCE);
		return;
	}
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, c->set->limits.max_frame + READ_AHEAD);
	if (bufferevent_enable(c->bev, EV_READ | EV_WRITE) != 0)
		conn_end(c, STREAM_END_RESOURCE);
}

static void on_first_byte(evutil_socket_t fd, short events, void *arg)
{
	struct stream_conn *c = arg;
	const struct stream_listen_options *options = &c->listener->options;
	uint8_t first;
	ssize_t n = recv(fd, &first, 1, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (event_add(c->first_byte, NULL) != 0)
			conn_end(c, STREAM_END_RESOURCE);
		return;
	}
	if (n <= 0)
		conn_end(c, STREAM_END_CLIENT);
	else if (first == TLS_HANDSHAKE && c->set->tls != NULL && !options->no_tls)
		conn_begin(c, STUN_TLS);
	else if (first != TLS_HANDSHAKE && !options->no_plain)
		conn_begin(c, STUN_TCP);
	else
		conn_end(c, STREAM_END_FOREIGN);
}

static bool local_addr(evutil_socket_t fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       sockaddr_to_addr((struct sockaddr *)&sa, out);
}

/* Takes over `fd` and the place that was counted for its source; NULL: neither is touched. */
static struct stream_conn *conn_new(struct listener *l, evutil_socket_t fd,
				    const struct stream_peer *peer)
{
	struct stream_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->set = l->set;
	c->listener = l;
	c->peer = *peer;
	c->fd = fd;
	list_init(&c->link);
	c->first_byte = event_new(l->set->base, fd, EV_READ, on_first_byte, c);
	if (c->first_byte == NULL || event_add(c->first_byte, NULL) != 0) {
		if (c->first_byte != NULL)
			event_free(c->first_byte);
		free(c);
		return NULL;
	}
	return c;
}

/* Whether the limits have room; counts the source if so. */
static bool admits(struct stream_set *set, const struct addr *from)
{
	enum per_source_result result = per_source_add(set->sources, from);

	if (result == PER_SOURCE_FULL)
		count(&set->stats.refused_total, 1);
	if (result == PER_SOURCE_MOST)
		count(&set->stats.refused_source, 1);
	return result == PER_SOURCE_OK;
}

static void set_tick(struct stream_set *set)
{
	uint32_t least = set->limits.idle_ms < set->limits.frame_ms ? set->limits.idle_ms
								    : set->limits.frame_ms;
	uint32_t ms = least / 4 > 1000 ? 1000 : least / 4 + 1;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (!event_pending(set->tick, EV_TIMEOUT, NULL))
		event_add(set->tick, &tv);
}

static void on_accept(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *arg)
{
	struct listener *l = arg;
	struct stream_set *set = l->set;
	struct stream_peer peer = { 0 };
	struct stream_conn *c;
	int on = 1;

	if (!sockaddr_to_addr(sa, &peer.remote) || !local_addr(fd, &peer.local) ||
	    !admits(set, &peer.remote)) {
		close(fd);
		return;
	}
	c = conn_new(l, fd, &peer);
	if (c == NULL) {
		per_source_remove(set->sources, &peer.remote);
		count(&set->stats.accept_errors, 1);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	count(&set->stats.accepted, 1);
	count(&set->stats.open, 1);
	queue_put(&set->busy, c);
	set_tick(set);
}

static void pause_accepting(struct stream_set *set, bool pause)
{
	set->accepting = !pause;
	for (struct listener *l = set->listeners; l != NULL; l = l->next) {
		if (pause)
			evconnlistener_disable(l->ev);
		else
			evconnlistener_enable(l->ev);
	}
}

/* Out of descriptors or memory: asking again at once would only burn time. */
static void on_accept_error(struct evconnlistener *ev, void *arg)
{
	struct listener *l = arg;

	count(&l->set->stats.accept_errors, 1);
	pause_accepting(l->set, true);
	set_tick(l->set);
}

static void expire_queue(struct queue *q, enum stream_end why, uint64_t now_ms)
{
	struct stream_conn *c;

	while ((c = first_of(q)) != NULL && now_ms >= c->since_ms + q->live_ms)
		conn_end(c, why);
}

static void end_all(struct queue *q)
{
	struct stream_conn *c;

	while ((c = first_of(q)) != NULL)
		conn_end(c, STREAM_END_SELF);
}

void stream_set_expire(struct stream_set *set, uint64_t now_ms)
{
	expire_queue(&set->idle, STREAM_END_IDLE, now_ms);
	expire_queue(&set->busy, STREAM_END_SLOW, now_ms);
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct stream_set *set = arg;

	stream_set_expire(set, clock_ms());
	if (!set->accepting)
		pause_accepting(set, false);
	if (!list_is_empty(&set->idle.conns) || !list_is_empty(&set->busy.conns))
		set_tick(set);
}

struct stream_set *stream_set_new(struct event_base *base, const struct stream_limits *limits,
				  const struct stream_events *events, void *arg, SSL_CTX *tls,
				  const uint8_t key[static 16])
{
	struct stream_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->base = base;
	set->limits = with_defaults(*limits);
	set->events = *events;
	set->arg = arg;
	set->accepting = true;
	list_init(&set->idle.conns);
	list_init(&set->busy.conns);
	set->idle.live_ms = set->limits.idle_ms;
	set->busy.live_ms = set->limits.frame_ms;
	if (limits->shared == NULL)
		set->own = per_source_new(set->limits.max_conns, set->limits.max_per_source, key);
	set->sources = limits->shared != NULL ? limits->shared : set->own;
	set->tick = event_new(base, -1, 0, on_tick, set);
	if (set->sources == NULL || set->tick == NULL) {
		stream_set_free(set);
		return NULL;
	}
	stream_set_use_tls(set, tls);
	return set;
}

void stream_set_use_tls(struct stream_set *set, SSL_CTX *tls)
{
	if (tls != NULL)
		SSL_CTX_up_ref(tls);
	SSL_CTX_free(set->tls);
	set->tls = tls;
}

static void listener_free(struct listener *l)
{
	if (l->ev != NULL)
		evconnlistener_free(l->ev);
	free(l);
}

void stream_set_free(struct stream_set *set)
{
	if (set == NULL)
		return;
	end_all(&set->idle);
	end_all(&set->busy);
	while (set->listeners != NULL) {
		struct listener *next = set->listeners->next;

		listener_free(set->listeners);
		set->listeners = next;
	}
	if (set->tick != NULL)
		event_free(set->tick);
	per_source_free(set->own);
	SSL_CTX_free(set->tls);
	free(set);
}

static int set_int(int fd, int level, int name)
{
	int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0 ? 0 : -errno;
}

static int set_options(int fd, uint8_t family, const struct stream_listen_options *options)
{
	int rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR);

	if (rc == 0 && family == ADDR_IPV6)
		rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (rc == 0 && options->reuse_port)
		rc = set_int(fd, SOL_SOCKET, SO_REUSEPORT);
	return rc;
}

/* Returns a listening descriptor, or -errno. */
static int open_socket(const struct addr *local, const struct stream_listen_options *options,
		       struct addr *bound)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(local, &sa);
	int fd, rc;

	if (len == 0)
		return -EAFNOSUPPORT;
	fd = socket(sa.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	rc = set_options(fd, local->family, options);
	if (rc == 0 &&
	    (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0 ||
	     bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, BACKLOG) != 0))
		rc = -errno;
	if (rc == 0 && bound != NULL && !local_addr(fd, bound))
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int stream_listen(struct stream_set *set, const struct addr *local,
		  const struct stream_listen_options *options, struct addr *bound)
{
	struct listener *l = calloc(1, sizeof(*l));
	int fd;

	if (l == NULL)
		return -ENOMEM;
	fd = open_socket(local, options, bound);
	if (fd < 0) {
		free(l);
		return fd;
	}
	l->set = set;
	l->options = *options;
	l->ev = evconnlistener_new(set->base, on_accept, l,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (l->ev == NULL) {
		close(fd);
		free(l);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(l->ev, on_accept_error);
	l->next = set->listeners;
	set->listeners = l;
	return 0;
}

const struct stream_stats *stream_set_stats(const struct stream_set *set)
{
	return &set->stats;
}

const struct stream_peer *stream_peer(const struct stream_conn *c)
{
	return &c->peer;
}

void stream_set_user(struct stream_conn *c, void *user)
{
	c->user = user;
}

void *stream_user(const struct stream_conn *c)
{
	return c->user;
}

bool stream_send(struct stream_conn *c, struct bytes msg)
{
	if (c->ending || c->bev == NULL || output_len(c) >= c->set->limits.max_output)
		return false;
	return bufferevent_write(c->bev, msg.data, msg.len) == 0;
}

void stream_close(struct stream_conn *c)
{
	c->ending = true;
	if (c->bev != NULL)
		bufferevent_trigger(c->bev, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
}
