#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "deep_io_state.h"
#include "natprobe/net/await.h"
#include "sockaddr.h"

#define BACKLOG  4
#define READ_MAX 4096

void deep_io_tcp_close(struct deep_io_tcp *c)
{
	await_close(&c->event, &c->fd);
	*c = (struct deep_io_tcp){ .io = c->io, .index = c->index, .fd = -1 };
}

static void lose(struct deep_io_tcp *c, int err)
{
	deep_io_tcp_close(c);
	deep_on_closed(c->io->config.deep, c->index, err, clock_us());
}

static bool watch(struct deep_io_tcp *c, short events, event_callback_fn callback)
{
	return await_fd(&c->event, c->io->config.base, c->fd, events, callback, c);
}

static void tell_connected(struct deep_io_tcp *c)
{
	const struct addr local = probe_socket_local(c->fd);

	c->stands = true;
	deep_on_connected(c->io->config.deep, c->index, local.family != ADDR_NONE ? &local : NULL,
			  clock_us());
}

static void on_data(evutil_socket_t fd, short events, void *arg)
{
	struct deep_io_tcp *c = arg;
	struct deep_io *io = c->io;
	uint8_t buf[READ_MAX];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n > 0)
		deep_on_stream(io->config.deep, c->index, bytes_of(buf, (size_t)n), clock_us());
	else if (n == 0)
		lose(c, 0);
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		lose(c, -errno);
	deep_io_drive(io);
}

static void on_connected(evutil_socket_t fd, short events, void *arg)
{
	struct deep_io_tcp *c = arg;
	struct deep_io *io = c->io;
	int rc = probe_socket_error(c->fd);

	if (rc != 0)
		lose(c, rc);
	else if (!watch(c, EV_READ | EV_PERSIST, on_data))
		lose(c, -ENOMEM);
	else
		tell_connected(c);
	deep_io_drive(io);
}

static struct deep_io_tcp *free_place(struct deep_io *io)
{
	for (uint16_t i = DEEP_ACCEPTED_FIRST; i < DEEP_CONNECTIONS_MAX; i++) {
		if (io->tcp[i].fd < 0)
			return &io->tcp[i];
	}
	return NULL;
}

static void on_acceptable(evutil_socket_t fd, short events, void *arg)
{
	struct deep_io_tcp *listener = arg;
	struct deep_io *io = listener->io;
	struct deep_io_tcp *c = free_place(io);
	struct addr from;
	int got = probe_socket_accept(listener->fd, &from);

	if (got < 0)
		return;
	if (c == NULL) {
		close(got);
		return;
	}
	c->fd = got;
	c->stands = true;
	if (!watch(c, EV_READ | EV_PERSIST, on_data)) {
		deep_io_tcp_close(c);
		return;
	}
	deep_on_accepted(io->config.deep, listener->index, c->index, &from, clock_us());
	deep_io_drive(io);
}

static bool open_socket(struct deep_io_tcp *c, uint16_t port)
{
	c->fd = probe_socket_tcp_shared(&c->io->config.source, port);
	return c->fd >= 0;
}

void deep_io_tcp_listen(struct deep_io *io, const struct deep_action *a)
{
	struct deep_io_tcp *c = &io->tcp[a->slot];

	deep_io_tcp_close(c);
	c->listens = true;
	if (!open_socket(c, a->port)) {
		int rc = c->fd;

		c->fd = -1;
		lose(c, rc);
	} else if (listen(c->fd, BACKLOG) != 0) {
		lose(c, -errno);
	} else if (!watch(c, EV_READ | EV_PERSIST, on_acceptable)) {
		lose(c, -ENOMEM);
	} else {
		tell_connected(c);
	}
}

void deep_io_tcp_connect(struct deep_io *io, const struct deep_action *a)
{
	struct deep_io_tcp *c = &io->tcp[a->slot];
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&a->to, &sa);

	deep_io_tcp_close(c);
	if (!open_socket(c, a->port)) {
		int rc = c->fd;

		c->fd = -1;
		lose(c, rc);
	} else if (connect(c->fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS) {
		lose(c, -errno);
	} else if (!watch(c, EV_WRITE, on_connected)) {
		lose(c, -ENOMEM);
	}
}

void deep_io_tcp_write(struct deep_io *io, const struct deep_action *a)
{
	struct deep_io_tcp *c = &io->tcp[a->slot];

	/* As short as it is, it fits into the send buffer whole, or the connection is of no use. */
	if (c->fd >= 0 && c->stands &&
	    send(c->fd, a->data.data, a->data.len, MSG_NOSIGNAL) != (ssize_t)a->data.len)
		lose(c, -EPIPE);
}
