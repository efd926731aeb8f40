#include <errno.h>

#include "clock.h"
#include "deep_io_state.h"
#include "deep_packet.h"
#include "natprobe/net/await.h"

#define BATCHES_PER_WAKEUP 4
#define ERRORS_PER_WAKEUP  16

void deep_io_udp_close(struct deep_io_udp *s)
{
	await_close(&s->event, &s->fd);
}

static void read_errors(struct deep_io_udp *s)
{
	struct udp_error e;

	for (int i = 0; i < ERRORS_PER_WAKEUP && s->fd >= 0; i++) {
		if (udp_recv_error(s->fd, &e) != 1)
			return;
		if (e.is_ours)
			continue; /* told as the refusal of the datagram */
		deep_on_icmp(s->io->config.deep, s->index,
			     &(struct deep_icmp){ .type = e.type,
						  .code = e.code,
						  .router = e.router,
						  .to = e.peer,
						  .mtu = e.mtu,
						  .inside = bytes_of(e.inside, e.inside_len) },
			     clock_us());
	}
}

void deep_io_udp_read(struct deep_io_udp *s)
{
	struct deep_io *io = s->io;
	struct udp_dgram dgrams[UDP_BATCH];
	int n = UDP_BATCH;

	/* An error is told once in place of a datagram, and more of them behind it. */
	read_errors(s);
	for (int i = 0; i < BATCHES_PER_WAKEUP && n == UDP_BATCH && s->fd >= 0; i++) {
		n = udp_recv(s->fd, io->config.batch, dgrams);
		for (int k = 0; k < n; k++)
			deep_on_datagram(io->config.deep, s->index, &dgrams[k].peer, dgrams[k].data,
					 clock_us());
	}
	if (n < 0)
		read_errors(s);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct deep_io_udp *s = arg;

	deep_io_udp_read(s);
	deep_io_drive(s->io);
}

void deep_io_udp_open(struct deep_io *io, const struct deep_action *a)
{
	struct deep_io_udp *s = &io->udp[a->slot];
	struct probe_source source = io->config.source;
	struct addr bound;

	deep_io_udp_close(s);
	if (a->local.family != ADDR_NONE)
		source.local = addr_with_port(&a->local, 0);
	s->fd = probe_socket_udp_with_errors(&source, a->port, &bound);
	if (s->fd < 0) {
		int rc = s->fd;

		s->fd = -1;
		deep_on_open_failed(io->config.deep, a->slot, rc, clock_us());
		return;
	}
	s->local = bound;
	s->df = DEEP_PACKET_USUAL;
	if (!await_fd(&s->event, io->config.base, s->fd, EV_READ | EV_PERSIST, on_readable, s)) {
		deep_io_udp_close(s);
		deep_on_open_failed(io->config.deep, a->slot, -ENOMEM, clock_us());
		return;
	}
	deep_on_open(io->config.deep, a->slot, &bound, clock_us());
}

static int send_plain(struct deep_io_udp *s, const struct deep_action *a)
{
	uint8_t df = (a->flags & DEEP_SEND_DF) != 0          ? DEEP_PACKET_DF
		     : (a->flags & DEEP_SEND_FRAGMENTS) != 0 ? DEEP_PACKET_NO_DF
							     : DEEP_PACKET_USUAL;
	struct udp_dgram out = { .data = a->data, .peer = a->to, .ip = { .ttl = a->ttl } };
	bool has_errors = false;
	int rc = 0;

	if (df != s->df)
		rc = deep_packet_set_df(s->fd, a->to.family, (enum deep_packet_df)df);
	if (rc != 0)
		return rc;
	s->df = df;
	rc = udp_send_one(s->fd, &out, &has_errors);
	if (has_errors)
		read_errors(s);
	return rc;
}

void deep_io_udp_send(struct deep_io *io, const struct deep_action *a)
{
	struct deep_io_udp *s = &io->udp[a->slot];
	bool in_parts = (a->flags & DEEP_SEND_FRAGMENTS) != 0;
	int rc = -EBADF;

	if (s->fd >= 0 && in_parts && deep_packet_can_fragment(&io->config.source))
		rc = deep_packet_fragments(&io->config.source, &s->local, &a->to, a->data,
					   (a->flags & DEEP_SEND_REVERSED) != 0);
	else if (s->fd >= 0)
		rc = send_plain(s, a);
	if (rc < 0)
		deep_on_send_error(io->config.deep, a->slot, rc, clock_us());
}
