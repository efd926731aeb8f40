#include "tcp_io.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "sockaddr.h"

#define BACKLOG   8
#define READ_MAX  4096
#define TTL_USUAL 64

static void forget(struct tcp_io_place *p)
{
	*p = (struct tcp_io_place){ .io = p->io, .number = p->number, .fd = -1 };
}

void tcp_io_init(struct tcp_io *io)
{
	for (uint16_t i = 0; i < io->count; i++)
		io->places[i] = (struct tcp_io_place){ .io = io, .number = i, .fd = -1 };
}

void tcp_io_close(struct tcp_io *io, uint16_t number)
{
	struct tcp_io_place *p = &io->places[number];

	await_close(&p->event, &p->fd);
	forget(p);
}

void tcp_io_close_all(struct tcp_io *io)
{
	for (uint16_t i = 0; i < io->count; i++)
		tcp_io_close(io, i);
}

int tcp_io_take(struct tcp_io *io, uint16_t number)
{
	struct tcp_io_place *p = &io->places[number];
	int fd = p->fd;

	await_no_more(&p->event);
	forget(p);
	return fd;
}

static void lose(struct tcp_io_place *p, int err)
{
	struct tcp_io *io = p->io;
	bool stood = p->stands;

	tcp_io_close(io, p->number);
	io->calls->on_lost(io->arg, p->number, err, stood);
}

static bool watch(struct tcp_io_place *p, short events, event_callback_fn callback)
{
	return await_fd(&p->event, p->io->base, p->fd, events, callback, p);
}

/* What is said is short, and waited for: it may not wait for what was said before. */
static void send_at_once(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void tell_connected(struct tcp_io_place *p)
{
	const struct addr local = probe_socket_local(p->fd);

	p->stands = true;
	p->io->calls->on_connected(p->io->arg, p->number, &local);
}

static void on_data(evutil_socket_t fd, short events, void *arg)
{
	struct tcp_io_place *p = arg;
	struct tcp_io *io = p->io;
	uint8_t buf[READ_MAX];
	ssize_t n = recv(p->fd, buf, sizeof(buf), 0);

	if (n > 0)
		io->calls->on_data(io->arg, p->number, bytes_of(buf, (size_t)n));
	else if (n == 0)
		lose(p, 0);
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		lose(p, -errno);
	io->calls->on_rest(io->arg);
}

static void on_connected(evutil_socket_t fd, short events, void *arg)
{
	struct tcp_io_place *p = arg;
	struct tcp_io *io = p->io;
	int rc = probe_socket_error(p->fd);

	if (rc != 0)
		lose(p, rc);
	else if (!watch(p, EV_READ | EV_PERSIST, on_data))
		lose(p, -ENOMEM);
	else
		tell_connected(p);
	io->calls->on_rest(io->arg);
}

static struct tcp_io_place *free_place(struct tcp_io *io)
{
	for (uint16_t i = io->accepted_first; i < io->count; i++) {
		if (io->places[i].fd < 0)
			return &io->places[i];
	}
	return NULL;
}

static void on_acceptable(evutil_socket_t fd, short events, void *arg)
{
	struct tcp_io_place *listener = arg;
	struct tcp_io *io = listener->io;
	struct tcp_io_place *p = free_place(io);
	struct addr from;
	int got = probe_socket_accept(listener->fd, &from);

	if (got < 0)
		return;
	if (p == NULL) {
		close(got);
		return;
	}
	p->fd = got;
	p->stands = true;
	send_at_once(got);
	if (!watch(p, EV_READ | EV_PERSIST, on_data)) {
		tcp_io_close(io, p->number);
		return;
	}
	io->calls->on_accepted(io->arg, listener->number, p->number, &from);
	io->calls->on_rest(io->arg);
}

/* Returns 0 or -errno. */
static int open_socket(struct tcp_io_place *p, const struct tcp_io_way *way)
{
	int fd;

	tcp_io_close(p->io, p->number);
	if (way->from == NULL)
		return -EADDRNOTAVAIL;
	fd = probe_socket_tcp_shared(way->from, way->port);
	if (fd < 0)
		return fd;
	p->fd = fd;
	send_at_once(fd);
	return 0;
}

void tcp_io_listen(struct tcp_io *io, uint16_t number, const struct tcp_io_way *way)
{
	struct tcp_io_place *p = &io->places[number];
	int rc = open_socket(p, way);

	p->listens = true;
	if (rc == 0 && listen(p->fd, BACKLOG) != 0)
		rc = -errno;
	if (rc == 0 && !watch(p, EV_READ | EV_PERSIST, on_acceptable))
		rc = -ENOMEM;
	if (rc != 0)
		lose(p, rc);
	else
		tell_connected(p);
}

static void set_ttl(int fd, uint8_t family, int ttl)
{
	if (family == ADDR_IPV6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

void tcp_io_connect(struct tcp_io *io, uint16_t number, const struct tcp_io_way *way)
{
	struct tcp_io_place *p = &io->places[number];
	int rc = open_socket(p, way);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&way->to, &sa);

	if (rc == 0 && way->ttl != 0)
		set_ttl(p->fd, way->to.family, way->ttl);
	if (rc == 0 && connect(p->fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
		rc = -errno;
	/* The SYN has left. If theirs comes in now, our answer has to get there. */
	if (rc == 0 && way->ttl != 0)
		set_ttl(p->fd, way->to.family, TTL_USUAL);
	if (rc == 0 && !watch(p, EV_WRITE, on_connected))
		rc = -ENOMEM;
	if (rc != 0)
		lose(p, rc);
}

void tcp_io_write(struct tcp_io *io, uint16_t number, struct bytes data)
{
	struct tcp_io_place *p = &io->places[number];

	/* As short as it is, it fits into the send buffer whole, or the connection is of no use. */
	if (p->fd >= 0 && p->stands &&
	    send(p->fd, data.data, data.len, MSG_NOSIGNAL) != (ssize_t)data.len)
		lose(p, -EPIPE);
}
