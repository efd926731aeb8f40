#include <errno.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "punch_io_state.h"

#define BATCHES_PER_WAKEUP 4
#define ERRORS_PER_WAKEUP  16

#define ICMP_UNREACHABLE  3
#define ICMP_PORT         3
#define ICMP_EXCEEDED     11
#define ICMP6_UNREACHABLE 1
#define ICMP6_PORT        4
#define ICMP6_EXCEEDED    3

void punch_io_udp_close(struct punch_io_udp *s)
{
	await_close(&s->event, &s->fd);
}

static bool icmp_kind(const struct udp_error *e, enum punch_icmp *out)
{
	bool is_v6 = e->peer.family == ADDR_IPV6;

	if (e->type == (is_v6 ? ICMP6_EXCEEDED : ICMP_EXCEEDED))
		*out = PUNCH_ICMP_TTL;
	else if (e->type != (is_v6 ? ICMP6_UNREACHABLE : ICMP_UNREACHABLE))
		return false;
	else
		*out = e->code == (is_v6 ? ICMP6_PORT : ICMP_PORT) ? PUNCH_ICMP_PORT
								   : PUNCH_ICMP_UNREACHABLE;
	return true;
}

static void read_errors(struct punch_io_udp *s)
{
	enum punch_icmp kind;
	struct udp_error e;

	for (int i = 0; i < ERRORS_PER_WAKEUP && s->fd >= 0; i++) {
		if (udp_recv_error(s->fd, &e) != 1)
			return;
		if (!e.is_ours && icmp_kind(&e, &kind))
			punch_on_icmp(s->io->config.punch, s->index, &e.peer, kind, clock_us());
	}
}

static void read_all(struct punch_io_udp *s)
{
	struct punch_io *io = s->io;
	struct udp_dgram dgrams[UDP_BATCH];
	int n = UDP_BATCH;

	/* An error is told once in place of a datagram, and more of them behind it. */
	read_errors(s);
	for (int i = 0; i < BATCHES_PER_WAKEUP && n == UDP_BATCH && s->fd >= 0; i++) {
		n = udp_recv(s->fd, io->config.batch, dgrams);
		for (int k = 0; k < n; k++)
			punch_on_datagram(io->config.punch, s->index, &dgrams[k].peer,
					  dgrams[k].data, clock_us());
	}
	if (n < 0)
		read_errors(s);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct punch_io_udp *s = arg;

	read_all(s);
	punch_io_drive(s->io);
}

static int open_at(struct punch_io_udp *s, const struct punch_action *a)
{
	const struct punch_io_config *c = &s->io->config;

	if (a->path >= c->path_count)
		return -EADDRNOTAVAIL;
	s->path = a->path;
	s->fd = probe_socket_udp_with_errors(&c->paths[a->path].source, a->port, &s->local);
	if (s->fd < 0) {
		int rc = s->fd;

		s->fd = -1;
		return rc;
	}
	if (await_fd(&s->event, c->base, s->fd, EV_READ | EV_PERSIST, on_readable, s))
		return 0;
	punch_io_udp_close(s);
	return -ENOMEM;
}

void punch_io_udp_open(struct punch_io *io, const struct punch_action *a)
{
	struct punch_io_udp *s = &io->udp[a->slot];
	int rc;

	punch_io_udp_close(s);
	rc = open_at(s, a);
	if (rc == 0)
		punch_on_open(io->config.punch, a->slot, &s->local, clock_us());
	else
		punch_on_open_failed(io->config.punch, a->slot, -rc, clock_us());
}

void punch_io_udp_send(struct punch_io *io, const struct punch_action *a)
{
	struct punch_io_udp *s = &io->udp[a->slot];
	const struct udp_dgram out = { .data = a->data, .peer = a->to, .ip = { .ttl = a->ttl } };
	bool has_errors = false;
	int rc = s->fd >= 0 ? udp_send_one(s->fd, &out, &has_errors) : -EBADF;

	if (has_errors)
		read_errors(s);
	if (rc < 0)
		punch_on_send_failed(io->config.punch, a->slot, -rc, clock_us());
}
