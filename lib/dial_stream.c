/* TCP and TLS. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "dial_state.h"
#include "sockaddr.h"
#include "stun_stream.h"

/* False: it is freed or closed. */
static bool take_frame(struct dial *d, struct evbuffer *in, bool *more)
{
	size_t len = evbuffer_get_length(in), used;
	struct bytes frame;
	const uint8_t *data = evbuffer_pullup(in, (ev_ssize_t)len);

	*more = false;
	if (data == NULL)
		return true; /* nothing there */
	switch (stun_stream_next(bytes_of(data, len), DIAL_FRAME_MAX, &frame, &used)) {
	case STUN_OK:
		if (!dial_tell_frame(d, frame))
			return false;
		evbuffer_drain(in, used);
		*more = !d->is_closed;
		return true;
	case STUN_SHORT:
		return true;
	default:
		dial_fail(d, DIAL_NOT_STUN, NULL);
		return false;
	}
}

static void on_data(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	bool more = true;

	while (more) {
		if (!take_frame(arg, in, &more))
			return;
	}
}

/* Errors of TCP come by errno, those of TLS by OpenSSL's queue. */
static void explain(struct dial *d, short events, int err)
{
	if (d->ssl != NULL && !d->is_open)
		dial_tls_explain(d, bufferevent_get_openssl_error(d->bev));
	if ((events & BEV_EVENT_EOF) != 0)
		dial_fail(d, d->is_connected ? DIAL_CLOSED : DIAL_REFUSED, NULL);
	else if (err != 0)
		dial_fail(d, dial_cause_of_errno(err), strerror(err));
	else
		dial_fail(d, d->is_connected ? DIAL_CLOSED : DIAL_SILENT, NULL);
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct dial *d = arg;

	if ((events & BEV_EVENT_CONNECTED) != 0) {
		d->is_connected = true;
		(void)dial_tell_open(d);
	} else if ((events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		int err = EVUTIL_SOCKET_ERROR();

		dial_note_connected(d);
		explain(d, events, err);
	}
}

static struct bufferevent *new_bev(struct dial *d)
{
	const int flags = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct bufferevent *bev;

	if (!turn_transport_is_secure(d->config.transport))
		return bufferevent_socket_new(d->config.base, -1, flags);
	d->ssl = dial_tls_session(d);
	if (d->ssl == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(d->config.base, -1, d->ssl, BUFFEREVENT_SSL_CONNECTING,
					     flags);
	if (bev == NULL) {
		SSL_free(d->ssl);
		d->ssl = NULL;
	}
	return bev;
}

/* A frame is whole: waiting for more would add the 40 ms of a late ACK to a round trip. */
static void send_at_once(evutil_socket_t fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int dial_stream_start(struct dial *d)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&d->config.to, &sa);

	d->bev = new_bev(d);
	if (d->bev == NULL)
		return -ENOMEM;
	bufferevent_setcb(d->bev, on_data, NULL, on_event, d);
	if (bufferevent_enable(d->bev, EV_READ | EV_WRITE) != 0)
		return -ENOMEM;
	errno = 0;
	if (bufferevent_socket_connect(d->bev, (struct sockaddr *)&sa, (int)len) != 0)
		return errno != 0 ? -errno : -ENETUNREACH;
	send_at_once(bufferevent_getfd(d->bev));
	return 0;
}
