#include "meet_io.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"
#include "clock.h"

#define TOPICS_MAX 8
#define REACH_US   20000000 /* until a carrier has to be there */

struct link {
	struct meet_io *io;
	struct carrier *carrier;
	bool was_up;
	char why[200];
};

struct meet_io {
	struct meet_io_hooks hooks;
	struct meet *meet;
	struct link links[MEET_IO_CARRIERS_MAX];
	size_t link_count;
	struct event *timer;
	uint64_t reach_by_us, deadline_us;
	bool is_driving, is_over;
};

static void drive(struct meet_io *io);

static void fill_random(void *arg, void *buf, size_t len)
{
	if (RAND_bytes(buf, (int)len) != 1)
		abort(); /* without it nothing is safe */
}

static void on_message(void *arg, const char *topic, struct bytes data, uint64_t now_us)
{
	struct link *l = arg;

	if (l->io->is_over)
		return;
	meet_on_message(l->io->meet, topic, data, now_us);
	drive(l->io);
}

static void on_state(void *arg, bool is_up, const char *why)
{
	struct link *l = arg;

	l->was_up = l->was_up || is_up;
	if (!is_up && why != NULL)
		(void)snprintf(l->why, sizeof(l->why), "%s", why);
}

static bool was_reached(const struct meet_io *io)
{
	for (size_t i = 0; i < io->link_count; i++) {
		if (io->links[i].was_up)
			return true;
	}
	return false;
}

static const char *why_unreached(const struct meet_io *io)
{
	for (size_t i = 0; i < io->link_count; i++) {
		if (io->links[i].why[0] != '\0')
			return io->links[i].why;
	}
	return "it does not answer";
}

static void publish(struct meet_io *io, const struct meet_action *a)
{
	for (size_t i = 0; i < io->link_count; i++)
		(void)carrier_publish(io->links[i].carrier, a->topic, a->data);
}

static void subscribe(struct meet_io *io, const struct meet_action *a)
{
	for (size_t i = 0; i < io->link_count; i++)
		(void)carrier_subscribe(io->links[i].carrier, a->topic);
}

static void end(struct meet_io *io, enum meet_failure failure, const char *why)
{
	io->is_over = true;
	event_del(io->timer);
	io->hooks.on_failed(io->hooks.arg, failure, why);
}

static void fail(struct meet_io *io, enum meet_failure failure)
{
	if (failure == MEET_NOBODY && !was_reached(io))
		end(io, MEET_FINE, why_unreached(io));
	else
		end(io, failure, meet_failure_text(failure));
}

static void set_timer(struct meet_io *io, uint64_t deadline_us)
{
	uint64_t now_us = clock_us(), in_us;
	struct timeval tv;

	if (!was_reached(io) && io->reach_by_us < deadline_us)
		deadline_us = io->reach_by_us;
	if (deadline_us == UINT64_MAX) {
		event_del(io->timer);
		return;
	}
	in_us = deadline_us > now_us ? deadline_us - now_us : 0;
	tv = (struct timeval){ .tv_sec = (time_t)(in_us / 1000000),
			       .tv_usec = (suseconds_t)(in_us % 1000000) };
	event_add(io->timer, &tv);
}

/* Returns false when there is nothing more to do now. */
static bool step(struct meet_io *io)
{
	struct meet_action a;

	switch (meet_next(io->meet, clock_us(), &a)) {
	case MEET_WAIT:
		set_timer(io, a.deadline_us);
		return false;
	case MEET_SUBSCRIBE:
		subscribe(io, &a);
		break;
	case MEET_PUBLISH:
		publish(io, &a);
		break;
	case MEET_READY:
		io->hooks.on_ready(io->hooks.arg);
		break;
	case MEET_MESSAGE:
		io->hooks.on_message(io->hooks.arg, a.data);
		break;
	case MEET_FAILED:
		fail(io, a.failure);
		break;
	}
	return true;
}

/* Hooks send, which comes back here. */
static void drive(struct meet_io *io)
{
	if (io->is_driving)
		return;
	io->is_driving = true;
	if (!was_reached(io) && clock_us() >= io->reach_by_us && !io->is_over)
		end(io, MEET_FINE, why_unreached(io));
	while (!io->is_over && step(io))
		;
	io->is_driving = false;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	drive(arg);
}

static bool open_links(struct meet_io *io, const struct meet_io_config *config, const char **why)
{
	for (size_t i = 0; i < config->uri_count && i < MEET_IO_CARRIERS_MAX; i++) {
		struct link *l = &io->links[i];
		const struct carrier_hooks hooks = { .on_message = on_message,
						     .on_state = on_state,
						     .arg = l };

		*l = (struct link){ .io = io };
		l->carrier = carrier_open(config->base, config->uris[i], &hooks, why);
		if (l->carrier == NULL)
			return false;
		io->link_count++;
	}
	return true;
}

struct meet_io *meet_io_new(const struct meet_io_config *config, const char **why)
{
	struct meet_io *io = calloc(1, sizeof(*io));
	struct meet_config meet = config->meet;

	*why = "out of memory";
	if (io == NULL)
		return NULL;
	meet.random = fill_random;
	io->hooks = config->hooks;
	io->reach_by_us = clock_us() + REACH_US;
	io->timer = evtimer_new(config->base, on_timer, io);
	io->meet = meet_new(&meet, clock_us());
	if (io->timer == NULL || io->meet == NULL || !open_links(io, config, why)) {
		meet_io_free(io);
		return NULL;
	}
	event_active(io->timer, EV_TIMEOUT, 0);
	return io;
}

void meet_io_free(struct meet_io *io)
{
	if (io == NULL)
		return;
	for (size_t i = 0; i < io->link_count; i++)
		carrier_close(io->links[i].carrier);
	if (io->timer != NULL)
		event_free(io->timer);
	meet_free(io->meet);
	free(io);
}

bool meet_io_send(struct meet_io *io, struct bytes data)
{
	bool ok;

	if (io->is_over)
		return false;
	ok = meet_send(io->meet, data, clock_us());
	drive(io);
	return ok;
}

void meet_io_leave(struct meet_io *io)
{
	struct meet_action a;

	if (io->is_over)
		return;
	io->is_over = true;
	event_del(io->timer);
	meet_leave(io->meet, clock_us());
	for (int i = 0; i < 64; i++) {
		enum meet_kind kind = meet_next(io->meet, clock_us(), &a);

		if (kind == MEET_WAIT || kind == MEET_FAILED)
			return;
		if (kind == MEET_PUBLISH)
			publish(io, &a);
	}
}

const struct meet *meet_io_meet(const struct meet_io *io)
{
	return io->meet;
}

void meet_io_set_server_clock(struct meet_io *io, const char *server, int64_t offset_us,
			      uint64_t error_us)
{
	if (io->is_over)
		return;
	meet_set_server_clock(io->meet, server, offset_us, error_us);
	drive(io);
}
