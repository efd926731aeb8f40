#include "deep_io.h"

#include <stdlib.h>

#include "clock.h"
#include "deep_io_state.h"
#include "deep_packet.h"
#include "natprobe/net/await.h"

#define LATE_US 100000

bool deep_io_can_fragment(const struct probe_source *source)
{
	return deep_packet_can_fragment(source);
}

bool deep_io_sees_icmp(void)
{
	return deep_packet_sees_icmp();
}

static void wait_until(struct deep_io *io, uint64_t deadline_us)
{
	io->deadline_us = deadline_us != UINT64_MAX ? deadline_us : 0;
	await_moment(io->timer, deadline_us);
}

static void close_all(struct deep_io *io)
{
	for (size_t i = 0; i < DEEP_SLOTS_MAX; i++)
		deep_io_udp_close(&io->udp[i]);
	tcp_io_close_all(&io->tcp);
}

static void finish(struct deep_io *io)
{
	io->is_done = true;
	event_del(io->timer);
	close_all(io);
	io->config.on_done(io->config.arg);
}

static void carry_out(struct deep_io *io, const struct deep_action *a)
{
	switch ((enum deep_kind)a->kind) {
	case DEEP_OPEN:
		deep_io_udp_open(io, a);
		break;
	case DEEP_SEND:
		deep_io_udp_send(io, a);
		break;
	case DEEP_CLOSE:
		deep_io_udp_close(&io->udp[a->slot]);
		break;
	case DEEP_LISTEN:
		deep_io_tcp_listen(io, a);
		break;
	case DEEP_CONNECT:
		deep_io_tcp_connect(io, a);
		break;
	case DEEP_WRITE:
		tcp_io_write(&io->tcp, a->slot, a->data);
		break;
	default:
		tcp_io_close(&io->tcp, a->slot);
		break;
	}
}

/*
 * After this host has slept, or was busy, answers wait in the sockets: without them, what is due
 * would take its mapping for gone.
 */
static void catch_up(struct deep_io *io)
{
	if (io->deadline_us == 0 || clock_us() < io->deadline_us + LATE_US)
		return;
	io->deadline_us = 0;
	for (size_t i = 0; i < DEEP_SLOTS_MAX; i++)
		deep_io_udp_read(&io->udp[i]);
}

static void tell_counted(struct deep_io *io)
{
	if (io->has_counted || deep_is_to_count(io->config.deep))
		return;
	io->has_counted = true;
	io->config.on_counted(io->config.arg);
}

void deep_io_drive(struct deep_io *io)
{
	struct deep_action a;

	catch_up(io);
	while (!io->is_done) {
		switch (deep_next(io->config.deep, clock_us(), &a)) {
		case DEEP_WAIT:
			wait_until(io, a.deadline_us);
			tell_counted(io);
			return;
		case DEEP_FINISHED:
			finish(io);
			return;
		default:
			carry_out(io, &a);
			break;
		}
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	deep_io_drive(arg);
}

struct deep_io *deep_io_new(const struct deep_io_config *config)
{
	struct deep_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->config = *config;
	for (size_t i = 0; i < DEEP_SLOTS_MAX; i++)
		io->udp[i] = (struct deep_io_udp){ .io = io, .fd = -1, .index = (uint16_t)i };
	deep_io_tcp_init(io);
	io->timer = evtimer_new(config->base, on_timer, io);
	if (io->timer == NULL) {
		deep_io_free(io);
		return NULL;
	}
	event_active(io->timer, EV_TIMEOUT, 0);
	return io;
}

void deep_io_free(struct deep_io *io)
{
	if (io == NULL)
		return;
	close_all(io);
	if (io->timer != NULL)
		event_free(io->timer);
	free(io);
}

void deep_io_wake(struct deep_io *io)
{
	event_active(io->timer, EV_TIMEOUT, 0);
}

void deep_io_stop(struct deep_io *io)
{
	if (io->is_done)
		return;
	deep_stop(io->config.deep, clock_us());
	deep_io_drive(io);
}
