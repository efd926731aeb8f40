#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "punch_io_state.h"
#include "quiet_close.h"
#include "sockaddr.h"

#define BACKLOG   8
#define READ_MAX  4096
#define TTL_USUAL 64

static void forget(struct punch_io_tcp *c)
{
	*c = (struct punch_io_tcp){ .io = c->io, .index = c->index, .fd = -1 };
}

void punch_io_tcp_close(struct punch_io_tcp *c)
{
	await_close(&c->event, &c->fd);
	forget(c);
}

static enum punch_stream end_of_attempt(int err)
{
	switch (err) {
	case ECONNREFUSED:
	case ECONNRESET:
		return PUNCH_STREAM_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case EACCES:
		return PUNCH_STREAM_ICMP;
	default:
		return PUNCH_STREAM_FAILED;
	}
}

static void lose(struct punch_io_tcp *c, int err)
{
	enum punch_stream what = c->stands ? PUNCH_STREAM_CLOSED : end_of_attempt(err);

	punch_io_tcp_close(c);
	punch_on_stream(c->io->config.punch, c->index, what, bytes_of(NULL, 0), clock_us());
}

static bool watch(struct punch_io_tcp *c, short events, event_callback_fn callback)
{
	return await_fd(&c->event, c->io->config.base, c->fd, events, callback, c);
}

/* Checks are short, and each is waited for: none may wait for the one before it. */
static void send_at_once(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void tell_connected(struct punch_io_tcp *c)
{
	struct addr local = probe_socket_local(c->fd);

	c->stands = true;
	punch_on_connected(c->io->config.punch, c->index, &local, clock_us());
}

static void on_data(evutil_socket_t fd, short events, void *arg)
{
	struct punch_io_tcp *c = arg;
	struct punch_io *io = c->io;
	uint8_t buf[READ_MAX];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n > 0)
		punch_on_stream(io->config.punch, c->index, PUNCH_STREAM_DATA,
				bytes_of(buf, (size_t)n), clock_us());
	else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		lose(c, 0);
	punch_io_drive(io);
}

static void on_connected(evutil_socket_t fd, short events, void *arg)
{
	struct punch_io_tcp *c = arg;
	struct punch_io *io = c->io;
	int rc = probe_socket_error(c->fd);

	if (rc != 0)
		lose(c, -rc);
	else if (!watch(c, EV_READ | EV_PERSIST, on_data))
		lose(c, ENOMEM);
	else
		tell_connected(c);
	punch_io_drive(io);
}

static struct punch_io_tcp *free_place(struct punch_io *io)
{
	for (uint16_t i = PUNCH_ACCEPTED_FIRST; i < PUNCH_CONNECTIONS_MAX; i++) {
		if (io->tcp[i].fd < 0)
			return &io->tcp[i];
	}
	return NULL;
}

static void on_acceptable(evutil_socket_t fd, short events, void *arg)
{
	struct punch_io_tcp *listener = arg;
	struct punch_io *io = listener->io;
	struct punch_io_tcp *c = free_place(io);
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
	send_at_once(got);
	if (!watch(c, EV_READ | EV_PERSIST, on_data)) {
		punch_io_tcp_close(c);
		return;
	}
	punch_on_accepted(io->config.punch, listener->index, c->index, &from, clock_us());
	punch_io_drive(io);
}

static int open_socket(struct punch_io_tcp *c, const struct punch_action *a)
{
	const struct punch_io_config *config = &c->io->config;
	int fd;

	punch_io_tcp_close(c);
	if (a->path >= config->path_count)
		return EADDRNOTAVAIL;
	fd = probe_socket_tcp_shared(&config->paths[a->path].source, a->port);
	if (fd < 0)
		return -fd;
	c->fd = fd;
	send_at_once(fd);
	return 0;
}

void punch_io_tcp_listen(struct punch_io *io, const struct punch_action *a)
{
	struct punch_io_tcp *c = &io->tcp[a->slot];
	int err = open_socket(c, a);

	if (err == 0 && listen(c->fd, BACKLOG) != 0)
		err = errno;
	if (err == 0 && !watch(c, EV_READ | EV_PERSIST, on_acceptable))
		err = ENOMEM;
	c->listens = true;
	if (err != 0)
		lose(c, err);
	else
		tell_connected(c);
}

static void set_ttl(int fd, uint8_t family, int ttl)
{
	if (family == ADDR_IPV6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

void punch_io_tcp_connect(struct punch_io *io, const struct punch_action *a)
{
	struct punch_io_tcp *c = &io->tcp[a->slot];
	int err = open_socket(c, a);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&a->to, &sa);

	if (err == 0 && a->ttl != 0)
		set_ttl(c->fd, a->to.family, a->ttl);
	if (err == 0 && connect(c->fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
		err = errno;
	/* The SYN has left. If theirs comes in now, our answer has to get there. */
	if (err == 0 && a->ttl != 0)
		set_ttl(c->fd, a->to.family, TTL_USUAL);
	if (err == 0 && !watch(c, EV_WRITE, on_connected))
		err = ENOMEM;
	if (err != 0)
		lose(c, err);
}

void punch_io_tcp_write(struct punch_io *io, const struct punch_action *a)
{
	struct punch_io_tcp *c = &io->tcp[a->slot];

	/* As short as it is, it fits into the send buffer whole, or the connection is of no use. */
	if (c->fd >= 0 && c->stands &&
	    send(c->fd, a->data.data, a->data.len, MSG_NOSIGNAL) != (ssize_t)a->data.len)
		lose(c, EPIPE);
}

void punch_io_tcp_disconnect(struct punch_io *io, const struct punch_action *a)
{
	struct punch_io_tcp *c = &io->tcp[a->slot];

	if (c->fd >= 0 && a->quiet && !c->listens) {
		await_no_more(&c->event);
		quiet_close(c->fd, probe_socket_local(c->fd).family);
		forget(c);
		return;
	}
	punch_io_tcp_close(c);
}
