/* One connection from its first byte to its end: plain or TLS, and what libevent tells of it. */
#include "stream_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "per_source.h"
#include "tls.h"

#define TLS_HANDSHAKE 22    /* content type, the first byte of a ClientHello record */
#define READ_AHEAD    16384 /* bytes taken in beyond one frame, as much as a TLS record has */

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

void stream_conn_end(struct stream_conn *c, enum stream_end why)
{
	struct stream_set *set = c->set;

	c->ending = true; /* nothing more is sent, not from on_end either */
	if (set->events.on_end != NULL)
		set->events.on_end(c, why, set->arg);
	counter_add(&set->stats.ended[why], 1);
	counter_sub(&set->stats.open, 1);
	if (c->counted)
		per_source_remove(set->sources, &c->peer.remote);
	stream_queue_put(NULL, c);
	if (c->first_byte != NULL)
		event_free(c->first_byte);
	if (c->bev != NULL) {
		say_close_notify(c->bev);
		bufferevent_free(c->bev);
	} else {
		close(c->fd);
	}
	free(c->proxy);
	free(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct stream_conn *c = arg;

	if (!c->full && !c->held && !c->ending)
		stream_take(c);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	stream_written(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct stream_conn *c = arg;

	if (what & BEV_EVENT_CONNECTED)
		return; /* the time for the handshake goes on until the first frame */
	if (bufferevent_get_openssl_error(bev) != 0) {
		ERR_clear_error();
		stream_conn_end(c, STREAM_END_TLS);
		return;
	}
	if (!(what & BEV_EVENT_EOF) || c->peer.transport == STUN_TLS ||
	    (c->held && c->set->limits.end_when_paused)) {
		stream_conn_end(c, STREAM_END_CLIENT);
		return;
	}
	/* TCP can be closed in one direction: what was asked is still answered. */
	c->eof = true;
	if (!c->full && !c->held)
		stream_take(c);
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

/* Takes libevent's word for a connection that is not raw. */
static void set_callbacks(struct stream_conn *c)
{
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, c->max_frame + READ_AHEAD);
	bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
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
		stream_conn_end(c, STREAM_END_RESOURCE);
		return;
	}
	set_callbacks(c);
	if (bufferevent_enable(c->bev, EV_READ | EV_WRITE) != 0)
		stream_conn_end(c, STREAM_END_RESOURCE);
}

void stream_await_byte(struct stream_conn *c)
{
	if (event_add(c->first_byte, NULL) != 0)
		stream_conn_end(c, STREAM_END_RESOURCE);
}

static void on_first_byte(evutil_socket_t fd, short events, void *arg)
{
	struct stream_conn *c = arg;
	const struct stream_listen_options *options = &c->listener->options;
	uint8_t first;
	ssize_t n;

	if (c->proxy != NULL && !stream_proxy_read(c))
		return;
	n = recv(fd, &first, 1, MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		stream_await_byte(c);
		return;
	}
	if (n <= 0)
		stream_conn_end(c, STREAM_END_CLIENT);
	else if (first == TLS_HANDSHAKE && c->set->tls != NULL && !options->no_tls)
		conn_begin(c, STUN_TLS);
	else if (first != TLS_HANDSHAKE && !options->no_plain)
		conn_begin(c, STUN_TCP);
	else
		stream_conn_end(c, STREAM_END_FOREIGN);
}

/* Takes over `fd` and the place that was counted for its source; NULL: neither is touched. */
struct stream_conn *stream_conn_new(struct stream_listener *l, evutil_socket_t fd,
				    const struct stream_peer *peer)
{
	struct stream_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->set = l->set;
	c->listener = l;
	c->peer = *peer;
	c->fd = fd;
	c->max_frame = l->set->limits.max_frame;
	list_init(&c->link);
	if (l->options.proxy && (c->proxy = stream_proxy_new()) == NULL) {
		free(c);
		return NULL;
	}
	c->counted = c->proxy == NULL;
	c->first_byte = event_new(l->set->base, fd, EV_READ, on_first_byte, c);
	if (c->first_byte == NULL || event_add(c->first_byte, NULL) != 0) {
		if (c->first_byte != NULL)
			event_free(c->first_byte);
		free(c->proxy);
		free(c);
		return NULL;
	}
	return c;
}

uint64_t stream_name_tag(const struct stream_conn *c)
{
	return c->peer.transport == STUN_TLS && c->bev != NULL
		       ? tls_name_tag(bufferevent_openssl_get_ssl(c->bev))
		       : 0;
}

void stream_set_max_frame(struct stream_conn *c, size_t max_frame)
{
	c->max_frame = max_frame;
	if (c->bev != NULL && !c->raw)
		bufferevent_setwatermark(c->bev, EV_READ, 0, c->max_frame + READ_AHEAD);
}

void stream_keep(struct stream_conn *c, bool keep)
{
	struct stream_queue *before = keep ? &c->set->idle : &c->set->kept;

	c->kept = keep;
	if (c->queue == before && !c->raw)
		stream_queue_put(keep ? &c->set->kept : &c->set->idle, c);
	stream_set_tick(c->set);
}

struct bufferevent *stream_make_raw(struct stream_conn *c)
{
	if (c->bev == NULL || c->ending || c->raw)
		return NULL;
	evbuffer_drain(bufferevent_get_input(c->bev), c->frame_used);
	c->frame_used = 0;
	c->raw = true;
	bufferevent_disable(c->bev, EV_READ);
	bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 0);
	stream_queue_put(&c->set->kept, c);
	return c->bev;
}

/* The pipe is closed: what it still has to send is sent under the set's rules. */
static void take_back(struct stream_conn *c)
{
	c->raw = false;
	bufferevent_disable(c->bev, EV_READ);
	bufferevent_enable(c->bev, EV_WRITE);
	set_callbacks(c);
}

void stream_close(struct stream_conn *c)
{
	if (c->ending)
		return;
	c->ending = true;
	if (c->raw)
		take_back(c);
	if (c->queue != &c->set->busy)
		stream_queue_put(&c->set->busy, c);
	stream_set_tick(c->set);
	if (c->bev != NULL)
		bufferevent_trigger(c->bev, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
}
