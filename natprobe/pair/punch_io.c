#include "punch_io.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "punch_io_state.h"

#define DESCRIPTORS_BESIDE 96 /* of what is not a trial */
#define RELEASE_US         3000000

static void wait_until(struct punch_io *io, uint64_t deadline_us)
{
	await_moment(io->timer, deadline_us);
}

static void send_on(struct punch_io *io, const struct punch_action *a)
{
	if (punch_io_is_relay(io, a->slot))
		relay_link_send(io->relay, &a->to, a->data);
	else
		punch_io_udp_send(io, a);
}

static void close_slot(struct punch_io *io, const struct punch_action *a)
{
	if (punch_io_is_relay(io, a->slot))
		relay_link_close(io->relay);
	else
		punch_io_udp_close(&io->udp[a->slot]);
}

static void carry_out(struct punch_io *io, const struct punch_action *a)
{
	switch ((enum punch_kind)a->kind) {
	case PUNCH_OPEN:
		punch_io_udp_open(io, a);
		break;
	case PUNCH_OPEN_RELAY:
		punch_io_relay_open(io, a);
		break;
	case PUNCH_MAP:
		punch_io_map_open(io, a);
		break;
	case PUNCH_SEND:
		send_on(io, a);
		break;
	case PUNCH_CLOSE:
		close_slot(io, a);
		break;
	case PUNCH_LISTEN:
		punch_io_tcp_listen(io, a);
		break;
	case PUNCH_CONNECT:
		punch_io_tcp_connect(io, a);
		break;
	case PUNCH_WRITE:
		tcp_io_write(&io->tcp, a->slot, a->data);
		break;
	case PUNCH_DISCONNECT:
		punch_io_tcp_disconnect(io, a);
		break;
	case PUNCH_TELL:
		io->config.on_tell(io->config.arg, a->data);
		break;
	case PUNCH_WAIT:
	case PUNCH_FINISHED:
		break; /* punch_io_drive's own */
	}
}

/* What comes on the path from now on is for whoever takes it over. */
static void stop_reading(struct punch_io *io)
{
	const struct punch_path *path = &punch_result(io->config.punch)->path;
	struct event *event;

	if (path->strategy == PUNCH_NONE || (!path->is_tcp && punch_io_is_relay(io, path->slot)))
		return;
	event = path->is_tcp ? io->tcp_places[path->slot].event : io->udp[path->slot].event;
	if (event != NULL)
		event_del(event);
}

void punch_io_drive(struct punch_io *io)
{
	struct punch_action a;

	while (!io->is_done) {
		switch (punch_next(io->config.punch, clock_us(), &a)) {
		case PUNCH_WAIT:
			wait_until(io, a.deadline_us);
			return;
		case PUNCH_FINISHED:
			io->is_done = true;
			event_del(io->timer);
			stop_reading(io);
			io->config.on_finished(io->config.arg);
			return;
		default:
			carry_out(io, &a);
			break;
		}
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	punch_io_drive(arg);
}

static bool is_all_released(const struct punch_io *io)
{
	return punch_io_map_is_over(io) && (io->relay == NULL || relay_link_is_over(io->relay));
}

static void look_at_release(struct punch_io *io, uint64_t now_us)
{
	if (now_us < io->release_by_us && !is_all_released(io)) {
		await_moment(io->release_timer, io->release_by_us);
		return;
	}
	io->on_released(io->released_arg);
}

static void on_release_timer(evutil_socket_t fd, short events, void *arg)
{
	struct punch_io *io = arg;

	if (io->on_released != NULL)
		look_at_release(io, clock_us());
}

struct punch_io *punch_io_new(const struct punch_io_config *config)
{
	struct punch_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->config = *config;
	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++)
		io->udp[i] = (struct punch_io_udp){ .io = io, .fd = -1, .index = (uint16_t)i };
	punch_io_tcp_init(io);
	io->timer = evtimer_new(config->base, on_timer, io);
	io->release_timer = evtimer_new(config->base, on_release_timer, io);
	if (io->timer == NULL || io->release_timer == NULL) {
		punch_io_free(io);
		return NULL;
	}
	event_active(io->timer, EV_TIMEOUT, 0);
	return io;
}

void punch_io_free(struct punch_io *io)
{
	if (io == NULL)
		return;
	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++)
		punch_io_udp_close(&io->udp[i]);
	tcp_io_close_all(&io->tcp);
	punch_io_map_free_all(io);
	relay_link_free(io->relay);
	if (io->timer != NULL)
		event_free(io->timer);
	if (io->release_timer != NULL)
		event_free(io->release_timer);
	free(io);
}

void punch_io_told(struct punch_io *io, struct bytes data)
{
	if (io->is_done)
		return;
	punch_on_told(io->config.punch, data, clock_us());
	punch_io_drive(io);
}

void punch_io_peer_gone(struct punch_io *io)
{
	if (io->is_done)
		return;
	punch_on_peer_gone(io->config.punch, clock_us());
	punch_io_drive(io);
}

void punch_io_stop(struct punch_io *io)
{
	if (io->is_done)
		return;
	punch_stop(io->config.punch, clock_us());
	punch_io_drive(io);
}

int punch_io_take(struct punch_io *io)
{
	const struct punch_path *path = &punch_result(io->config.punch)->path;
	struct punch_io_udp *s;
	int fd;

	if (path->strategy == PUNCH_NONE || (!path->is_tcp && punch_io_is_relay(io, path->slot)))
		return -1;
	if (path->is_tcp)
		return tcp_io_take(&io->tcp, path->slot);
	s = &io->udp[path->slot];
	fd = s->fd;
	s->fd = -1;
	await_no_more(&s->event);
	return fd;
}

void punch_io_release(struct punch_io *io, void (*on_released)(void *arg), void *arg)
{
	io->on_released = on_released;
	io->released_arg = arg;
	io->release_by_us = clock_us() + RELEASE_US;
	punch_io_map_remove_all(io);
	if (io->relay != NULL)
		relay_link_close(io->relay);
	event_active(io->release_timer, EV_TIMEOUT, 0);
}

void punch_io_allow_descriptors(void)
{
	const rlim_t need = DESCRIPTORS_BESIDE + PUNCH_SLOTS_MAX + PUNCH_CONNECTIONS_MAX;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
