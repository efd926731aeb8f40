#include "meet_io.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"
#include "clock.h"
#include "natprobe/net/random.h"
#include "peer_clock.h"
#include "sntp.h"

#define REACH_US  20000000 /* until a carrier has to be there */
#define REFUSE_US 2500000  /* ... once all of them failed: one may be starting just now */
#define SLOW_US   2000000  /* when people are told that it takes longer */

#define CLOCKS_MAX 4

/* What a server told before somebody came. */
struct known_clock {
	char server[PEER_CLOCK_NAME_MAX + 1];
	int64_t offset_us;
	uint64_t error_us, at_us;
};

struct meet_io {
	struct meet_io_hooks hooks;
	struct meet *meet; /* NULL: nobody came to the door yet */
	struct carrier *carrier;
	struct event *timer;
	uint64_t reach_by_us, slow_at_us; /* while none was up */
	struct meet_door *door;           /* NULL: none */
	uint64_t alone_until_us;          /* at the door */
	struct known_clock clocks[CLOCKS_MAX];
	uint32_t clock_count; /* in all; the last ones count */
	uint32_t knocks;      /* that were told */
	bool was_up, was_refused, is_slow_told, is_driving, is_over;
	char why[1024]; /* of several servers */
};

static void drive(struct meet_io *io);

/* The first one that is new; others come again until they are answered. */
static void hear_at_door(struct meet_io *io, struct bytes data, uint64_t now_us)
{
	io->meet = meet_door_admit(io->door, data, now_us);
	for (uint32_t i = 0; io->meet != NULL && i < io->clock_count && i < CLOCKS_MAX; i++) {
		const struct known_clock *c = &io->clocks[i];

		meet_set_server_clock(io->meet, c->server, c->offset_us,
				      c->error_us + (now_us - c->at_us) * SNTP_DRIFT_PPM / 1000000);
	}
}

static void tell_knock(struct meet_io *io)
{
	const uint32_t knocks = io->meet != NULL ? meet_knocks(io->meet) : 0;

	if (io->is_over || knocks == io->knocks)
		return;
	io->knocks = knocks;
	if (io->hooks.on_knock != NULL)
		io->hooks.on_knock(io->hooks.arg);
}

static void on_message(void *arg, const char *topic, struct bytes data, uint64_t now_us)
{
	struct meet_io *io = arg;

	if (io->is_over)
		return;
	if (io->meet != NULL)
		meet_on_message(io->meet, topic, data, now_us);
	else
		hear_at_door(io, data, now_us);
	drive(io);
	tell_knock(io);
}

static void on_state(void *arg, bool is_up, const char *why)
{
	struct meet_io *io = arg;

	io->was_up = io->was_up || is_up;
	if (!is_up && why != NULL)
		(void)snprintf(io->why, sizeof(io->why), "%s", why);
	if (is_up || io->was_up || io->was_refused || io->is_over)
		return;
	io->was_refused = true;
	io->slow_at_us = clock_us();
	/* Who waits for good may have been started before its network was. */
	if (io->meet != NULL && io->reach_by_us > clock_us() + REFUSE_US)
		io->reach_by_us = clock_us() + REFUSE_US;
	drive(io);
}

static void on_server_time(void *arg, const char *name, int64_t offset_us, uint64_t error_us)
{
	meet_io_set_server_clock(arg, name, offset_us, error_us);
}

static const char *why_unreached(const struct meet_io *io)
{
	return io->why[0] != '\0' ? io->why : "it does not answer";
}

static void end(struct meet_io *io, enum meet_failure failure, const char *why)
{
	io->is_over = true;
	event_del(io->timer);
	io->hooks.on_failed(io->hooks.arg, failure, why);
}

static void fail(struct meet_io *io, enum meet_failure failure)
{
	if (failure == MEET_NOBODY && !io->was_up)
		end(io, MEET_FINE, why_unreached(io));
	else
		end(io, failure, meet_failure_text(failure));
}

static void set_timer(struct meet_io *io, uint64_t deadline_us)
{
	uint64_t now_us = clock_us(), in_us;
	struct timeval tv;

	if (!io->was_up && io->reach_by_us < deadline_us)
		deadline_us = io->reach_by_us;
	if (!io->was_up && !io->is_slow_told && io->slow_at_us < deadline_us)
		deadline_us = io->slow_at_us;
	if (deadline_us == UINT64_MAX) {
		event_del(io->timer);
		return;
	}
	in_us = deadline_us > now_us ? deadline_us - now_us : 0;
	tv = (struct timeval){ .tv_sec = (time_t)(in_us / 1000000),
			       .tv_usec = (suseconds_t)(in_us % 1000000) };
	event_add(io->timer, &tv);
}

static bool wait_at_door(struct meet_io *io)
{
	if (clock_us() < io->alone_until_us) {
		set_timer(io, io->alone_until_us);
		return false;
	}
	fail(io, MEET_NOBODY);
	return true;
}

static void publish(struct meet_io *io, const struct meet_action *a)
{
	if (io->carrier != NULL)
		(void)carrier_publish(io->carrier, a->topic, a->data);
	else if (io->hooks.on_publish != NULL && !io->is_over)
		io->hooks.on_publish(io->hooks.arg, a->data);
}

/* Returns false when there is nothing more to do now. */
static bool step(struct meet_io *io)
{
	struct meet_action a;

	if (io->meet == NULL)
		return wait_at_door(io);
	switch (meet_next(io->meet, clock_us(), &a)) {
	case MEET_WAIT:
		set_timer(io, a.deadline_us);
		return false;
	case MEET_SUBSCRIBE:
		if (io->carrier != NULL)
			(void)carrier_subscribe(io->carrier, a.topic);
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

static void judge_reach(struct meet_io *io)
{
	const uint64_t now_us = clock_us();

	if (io->was_up || io->is_over)
		return;
	if (now_us >= io->reach_by_us) {
		end(io, MEET_FINE, why_unreached(io));
	} else if (now_us >= io->slow_at_us && !io->is_slow_told) {
		io->is_slow_told = true;
		if (io->hooks.on_slow != NULL)
			io->hooks.on_slow(io->hooks.arg, why_unreached(io));
	}
}

/* Hooks send, which comes back here. */
static void drive(struct meet_io *io)
{
	if (io->is_driving)
		return;
	io->is_driving = true;
	judge_reach(io);
	while (!io->is_over && step(io))
		;
	io->is_driving = false;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	drive(arg);
}

static bool open_carrier(struct meet_io *io, const struct meet_io_config *config, const char **why)
{
	const struct carrier_hooks hooks = { .on_message = on_message,
					     .on_state = on_state,
					     .on_server_time = on_server_time,
					     .arg = io };

	if (config->uris == NULL) {
		io->was_up = true;
		return true;
	}
	io->carrier = carrier_open(config->base, config->uris, &hooks, why);
	return io->carrier != NULL;
}

static bool start(struct meet_io *io, const struct meet_io_config *config, const char **why)
{
	struct meet_config meet = config->meet;

	meet.random = random_draw;
	io->timer = evtimer_new(config->base, on_timer, io);
	if (config->door == NULL)
		io->meet = meet_new(&meet, clock_us());
	OPENSSL_cleanse(&meet, sizeof(meet));
	if (io->timer == NULL || (config->door == NULL && io->meet == NULL) ||
	    !open_carrier(io, config, why))
		return false;
	return config->door == NULL || io->carrier == NULL ||
	       carrier_subscribe(io->carrier, meet_door_topic(config->door));
}

struct meet_io *meet_io_new(const struct meet_io_config *config, const char **why)
{
	struct meet_io *io = calloc(1, sizeof(*io));
	uint64_t patience_us = config->meet.patience_us;

	*why = "out of memory";
	if (io == NULL)
		return NULL;
	io->hooks = config->hooks;
	io->door = config->door;
	io->was_up = config->keeps_trying;
	io->reach_by_us = clock_us() + REACH_US;
	io->slow_at_us = clock_us() + SLOW_US;
	io->alone_until_us = patience_us != 0 ? clock_us() + patience_us : UINT64_MAX;
	if (!start(io, config, why)) {
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
	io->is_over = true; /* for hooks of what is closed */
	carrier_close(io->carrier);
	if (io->timer != NULL)
		event_free(io->timer);
	meet_free(io->meet);
	free(io);
}

bool meet_io_send(struct meet_io *io, struct bytes data)
{
	bool ok;

	if (io->is_over || io->meet == NULL)
		return false;
	ok = meet_send(io->meet, data, clock_us());
	drive(io);
	return ok;
}

void meet_io_ask(struct meet_io *io)
{
	if (io->is_over || io->meet == NULL)
		return;
	meet_ask(io->meet, clock_us());
	drive(io);
}

bool meet_io_hear(struct meet_io *io, struct bytes data)
{
	if (io->is_over || io->door == NULL || io->meet != NULL)
		return false;
	hear_at_door(io, data, clock_us());
	drive(io);
	return io->meet != NULL;
}

static void keep_clock(struct meet_io *io, const struct known_clock *clock)
{
	for (uint32_t i = 0; i < io->clock_count && i < CLOCKS_MAX; i++) {
		if (strcmp(io->clocks[i].server, clock->server) == 0) {
			io->clocks[i] = *clock;
			return;
		}
	}
	io->clocks[io->clock_count++ % CLOCKS_MAX] = *clock;
}

void meet_io_set_server_clock(struct meet_io *io, const char *server, int64_t offset_us,
			      uint64_t error_us)
{
	struct known_clock clock = { .offset_us = offset_us,
				     .error_us = error_us,
				     .at_us = clock_us() };

	if (io->is_over)
		return;
	(void)snprintf(clock.server, sizeof(clock.server), "%s", server);
	if (io->meet == NULL) {
		keep_clock(io, &clock);
		return;
	}
	meet_set_server_clock(io->meet, server, offset_us, error_us);
	drive(io);
}

void meet_io_leave(struct meet_io *io)
{
	struct meet_action a;

	if (io->is_over)
		return;
	io->is_over = true;
	event_del(io->timer);
	if (io->meet == NULL)
		return;
	meet_leave(io->meet, clock_us());
	for (int i = 0; i < 64; i++) {
		enum meet_kind kind = meet_next(io->meet, clock_us(), &a);

		if (kind == MEET_WAIT || kind == MEET_FAILED)
			return;
		if (kind == MEET_PUBLISH)
			publish(io, &a);
	}
}

void meet_io_refresh(struct meet_io *io)
{
	if (!io->is_over && io->carrier != NULL)
		carrier_refresh(io->carrier);
}

const struct meet *meet_io_meet(const struct meet_io *io)
{
	return io->meet;
}
