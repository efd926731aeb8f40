#include "dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial_state.h"
#include "sockaddr.h"

#define READS_PER_WAKEUP 64

const struct dial_failure dial_no_memory = { .cause = DIAL_SYSTEM, .detail = "out of memory" };

static void free_event(struct event **e)
{
	if (*e != NULL)
		event_free(*e);
	*e = NULL;
}

/* Leaves nothing that could call back. */
static void let_go(struct dial *d)
{
	free_event(&d->timer);
	free_event(&d->readable);
	dial_dtls_close(d);
	free_event(&d->again);
	if (d->bev != NULL) {
		bufferevent_free(d->bev);
		d->ssl = NULL;
	}
	d->bev = NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

void dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	d->is_freed = true;
	if (d->depth > 0)
		return;
	let_go(d);
	free(d);
}

/* Behind a callback; false: it is freed. */
static bool is_left(struct dial *d)
{
	d->depth--;
	if (!d->is_freed)
		return true;
	if (d->depth == 0)
		dial_free(d);
	return false;
}

bool dial_tell_open(struct dial *d)
{
	d->is_open = true;
	event_del(d->timer);
	d->depth++;
	d->config.on_open(d->config.arg);
	return is_left(d);
}

bool dial_tell_frame(struct dial *d, struct bytes frame)
{
	if (d->is_closed)
		return false;
	d->depth++;
	d->config.on_frame(frame, d->config.arg);
	return is_left(d);
}

void dial_fail(struct dial *d, uint8_t cause, const char *detail)
{
	if (d->is_closed)
		return;
	d->is_closed = true;
	d->is_open = false;
	if (d->failure.cause == DIAL_FINE) {
		d->failure.cause = cause;
		(void)snprintf(d->failure.detail, sizeof(d->failure.detail), "%s",
			       detail != NULL ? detail : "");
	}
	d->depth++;
	d->config.on_close(&d->failure, d->config.arg);
	(void)is_left(d);
}

uint8_t dial_cause_of_errno(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return DIAL_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case ENETDOWN:
		return DIAL_NO_ROUTE;
	case ETIMEDOUT:
		return DIAL_SILENT;
	case ECONNRESET:
	case EPIPE:
		return DIAL_CLOSED;
	default:
		return DIAL_SYSTEM;
	}
}

void dial_note_connected(struct dial *d)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (d->bev != NULL &&
	    getpeername(bufferevent_getfd(d->bev), (struct sockaddr *)&peer, &len) == 0)
		d->is_connected = true;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct dial *d = arg;

	dial_note_connected(d);
	if (d->failure.cause != DIAL_FINE)
		dial_fail(d, DIAL_SYSTEM, NULL);
	else if (d->config.transport == TURN_OVER_UDP)
		(void)dial_tell_open(d); /* there is nothing to wait for */
	else
		dial_fail(d, d->is_connected ? DIAL_SLOW_HANDSHAKE : DIAL_SILENT, NULL);
}

int dial_open_datagrams(struct dial *d, event_callback_fn on_readable)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&d->config.to, &sa);

	d->fd = socket(sa.ss_family, SOCK_DGRAM, 0);
	if (d->fd < 0)
		return -errno;
	if (evutil_make_socket_nonblocking(d->fd) != 0 ||
	    evutil_make_socket_closeonexec(d->fd) != 0 ||
	    connect(d->fd, (struct sockaddr *)&sa, len) != 0)
		return -errno;
	d->readable = event_new(d->config.base, d->fd, EV_READ | EV_PERSIST, on_readable, d);
	if (d->readable == NULL || event_add(d->readable, NULL) != 0)
		return -ENOMEM;
	return 0;
}

/* One that was reached before may have lost a datagram of ours; nobody there at all is told. */
static bool is_lasting(const struct dial *d, int err)
{
	return err != EAGAIN && err != EINTR && err != EMSGSIZE && !d->is_connected;
}

static void on_datagrams(evutil_socket_t fd, short events, void *arg)
{
	struct dial *d = arg;

	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		ssize_t len = recv(d->fd, d->in, sizeof(d->in), 0);

		if (len < 0) {
			if (is_lasting(d, errno))
				dial_fail(d, dial_cause_of_errno(errno), strerror(errno));
			return;
		}
		d->is_connected = true;
		if (!dial_tell_frame(d, bytes_of(d->in, (size_t)len)) || d->is_closed)
			return;
	}
}

static int start(struct dial *d)
{
	switch (d->config.transport) {
	case TURN_OVER_UDP:
		return dial_open_datagrams(d, on_datagrams);
	case TURN_OVER_DTLS:
		return dial_dtls_start(d);
	default:
		return dial_stream_start(d);
	}
}

struct dial *dial_new(const struct dial_config *config)
{
	struct timeval tv = { .tv_sec = (time_t)(config->timeout_ms / 1000),
			      .tv_usec = (suseconds_t)(config->timeout_ms % 1000 * 1000) };
	const struct timeval at_once = { 0 };
	struct dial *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return NULL;
	d->config = *config;
	d->fd = -1;
	if (config->domain != NULL)
		(void)snprintf(d->domain, sizeof(d->domain), "%s", config->domain);
	d->config.domain = d->domain;
	d->timer = evtimer_new(config->base, on_timer, d);
	if (d->timer == NULL) {
		free(d);
		return NULL;
	}
	rc = start(d);
	if (rc != 0) {
		d->failure.cause = dial_cause_of_errno(-rc);
		(void)snprintf(d->failure.detail, sizeof(d->failure.detail), "%s", strerror(-rc));
	}
	if (event_add(d->timer, rc != 0 || config->transport == TURN_OVER_UDP ? &at_once : &tv) !=
	    0) {
		dial_free(d);
		return NULL;
	}
	return d;
}

void dial_send(struct dial *d, struct bytes data)
{
	if (!d->is_open)
		return;
	if (d->config.transport == TURN_OVER_DTLS)
		dial_dtls_send(d, data);
	else if (d->bev != NULL)
		(void)bufferevent_write(d->bev, data.data, data.len);
	else
		(void)send(d->fd, data.data, data.len, 0); /* ICMP errors show on reading */
}

bool dial_local(const struct dial *d, struct addr *out)
{
	int fd = d->bev != NULL ? bufferevent_getfd(d->bev) : d->fd;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return fd >= 0 && getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       sockaddr_to_addr((struct sockaddr *)&sa, out);
}
