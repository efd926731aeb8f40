#include "probe_turn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "natprobe/net/dial_io.h"
#include "natprobe/net/random.h"
#include "sockaddr.h"

#define READS_PER_WAKEUP 64
#define OPEN_MS          8000 /* for TCP and a handshake */
#define DATAGRAM_MAX     2048
#define STREAM_READ_MAX  1024 /* more than any Binding answer; the rest waits */

struct slot {
	struct probe_turn *turn;
	struct event *event;
	int fd; /* -1: closed */
	uint8_t number;
};

/* A port that listens, and our own connection from it. */
struct call {
	struct probe_turn *turn;
	struct event *calls;
	struct bufferevent *bev;  /* NULL: closed */
	struct evbuffer *request; /* sent once connected */
	int fd;                   /* that listens; -1: closed */
	uint8_t number;
};

struct probe_turn {
	struct probe_turn_config config;
	struct vantage *vantage;
	struct dial_io ends;
	struct dial_io_place end_places[VANTAGE_ENDS];
	struct slot slots[VANTAGE_SLOTS];
	struct call calls[VANTAGE_CALLS];
	struct event *timer;
	bool is_done;
};

static void drive(struct probe_turn *t);

static void on_open(void *arg, uint8_t number)
{
	struct probe_turn *t = arg;

	vantage_on_dialled(t->vantage, number, clock_us());
}

static void on_frame(void *arg, uint8_t number, struct bytes frame)
{
	struct probe_turn *t = arg;

	vantage_on_frame(t->vantage, number, frame, clock_us());
}

static void on_close(void *arg, uint8_t number, const struct dial_failure *why)
{
	struct probe_turn *t = arg;

	vantage_on_hung_up(t->vantage, number, why, clock_us());
}

static void on_rest(void *arg)
{
	drive(arg);
}

static void init_ends(struct probe_turn *t)
{
	static const struct dial_io_calls calls = {
		.on_open = on_open,
		.on_frame = on_frame,
		.on_close = on_close,
		.on_rest = on_rest,
	};
	const struct turn_server *s = t->config.server;

	t->ends = (struct dial_io){ .base = t->config.base,
				    .tls = s->tls,
				    .dtls = s->dtls,
				    .domain = s->domain,
				    .insecure = s->insecure,
				    .timeout_ms = OPEN_MS,
				    .calls = &calls,
				    .arg = t,
				    .places = t->end_places,
				    .count = VANTAGE_ENDS };
	dial_io_init(&t->ends);
}

static void close_slot(struct slot *s)
{
	await_close(&s->event, &s->fd);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct slot *s = arg;
	uint8_t buf[DATAGRAM_MAX];

	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		struct addr from;
		ssize_t len = probe_socket_receive(fd, buf, sizeof(buf), &from);

		if (len < 0)
			break;
		vantage_on_datagram(s->turn->vantage, s->number, &from, bytes_of(buf, (size_t)len),
				    clock_us());
	}
	drive(s->turn);
}

static void open_slot(struct probe_turn *t, uint8_t number)
{
	struct slot *s = &t->slots[number];
	struct addr bound;

	close_slot(s);
	s->fd = probe_socket_udp(&t->config.source, 0, &bound);
	if (s->fd >= 0 &&
	    await_fd(&s->event, t->config.base, s->fd, EV_READ | EV_PERSIST, on_readable, s)) {
		vantage_on_open(t->vantage, number, &bound);
		return;
	}
	close_slot(s);
	vantage_on_open_failed(t->vantage, number);
}

static void hang_up(struct call *c)
{
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	c->bev = NULL;
	if (c->request != NULL)
		evbuffer_free(c->request);
	c->request = NULL;
}

static void close_call(struct call *c)
{
	hang_up(c);
	await_close(&c->calls, &c->fd);
}

static void on_called(evutil_socket_t fd, short events, void *arg)
{
	struct call *c = arg;

	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		struct addr from;
		int got = probe_socket_accept(fd, &from);

		if (got < 0)
			break;
		vantage_on_accepted(c->turn->vantage, c->number, &from);
		close(got);
	}
	drive(c->turn);
}

static void on_stream_data(struct bufferevent *bev, void *arg)
{
	struct call *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);
	const uint8_t *data = evbuffer_pullup(in, (ev_ssize_t)len);

	if (data != NULL)
		vantage_on_stream(c->turn->vantage, c->number, bytes_of(data, len), clock_us());
	evbuffer_drain(in, len);
	drive(c->turn);
}

static void on_stream_event(struct bufferevent *bev, short events, void *arg)
{
	struct call *c = arg;
	struct probe_turn *t = c->turn;

	if ((events & BEV_EVENT_CONNECTED) != 0) {
		vantage_on_connected(t->vantage, c->number, clock_us());
		bufferevent_write_buffer(bev, c->request);
	} else if ((events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		hang_up(c);
		vantage_on_disconnected(t->vantage, c->number);
	}
	drive(t);
}

static bool start_listening(struct call *c, struct addr *bound)
{
	struct event_base *base = c->turn->config.base;

	c->fd = probe_socket_tcp_shared(&c->turn->config.source, 0);
	if (c->fd < 0 || listen(c->fd, 1) != 0)
		return false;
	*bound = probe_socket_local(c->fd);
	return bound->family != ADDR_NONE &&
	       await_fd(&c->calls, base, c->fd, EV_READ | EV_PERSIST, on_called, c);
}

static bool start_connecting(struct call *c, uint16_t port, const struct vantage_action *a)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&a->to, &sa);
	int fd = probe_socket_tcp_shared(&c->turn->config.source, port);

	if (fd < 0)
		return false;
	c->bev = bufferevent_socket_new(c->turn->config.base, fd,
					BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	c->request = evbuffer_new();
	if (c->bev == NULL)
		close(fd);
	if (c->bev == NULL || c->request == NULL ||
	    evbuffer_add(c->request, a->data.data, a->data.len) != 0)
		return false;
	bufferevent_setcb(c->bev, on_stream_data, NULL, on_stream_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, STREAM_READ_MAX);
	return bufferevent_enable(c->bev, EV_READ | EV_WRITE) == 0 &&
	       bufferevent_socket_connect(c->bev, (struct sockaddr *)&sa, (int)len) == 0;
}

static void open_call(struct probe_turn *t, const struct vantage_action *a)
{
	struct call *c = &t->calls[a->slot];
	struct addr bound;

	close_call(c);
	if (start_listening(c, &bound) && start_connecting(c, bound.port, a))
		return;
	close_call(c);
	vantage_on_disconnected(t->vantage, a->slot);
}

static void close_all(struct probe_turn *t)
{
	dial_io_close_all(&t->ends);
	for (size_t i = 0; i < VANTAGE_SLOTS; i++)
		close_slot(&t->slots[i]);
	for (size_t i = 0; i < VANTAGE_CALLS; i++)
		close_call(&t->calls[i]);
}

static void finish(struct probe_turn *t)
{
	t->is_done = true;
	event_del(t->timer);
	close_all(t);
	t->config.on_done(t->config.arg);
}

static void carry_out(struct probe_turn *t, const struct vantage_action *a)
{
	switch (a->kind) {
	case VANTAGE_DIAL:
		dial_io_open(&t->ends, a->end, a->transport, &a->to, a->domain);
		break;
	case VANTAGE_HANG_UP:
		dial_io_close(&t->ends, a->end);
		break;
	case VANTAGE_SAY:
		dial_io_send(&t->ends, a->end, a->data);
		break;
	case VANTAGE_OPEN:
		open_slot(t, a->slot);
		break;
	case VANTAGE_SEND:
		probe_socket_send(t->slots[a->slot].fd, &a->to, a->data);
		break;
	case VANTAGE_CLOSE:
		close_slot(&t->slots[a->slot]);
		break;
	case VANTAGE_CALL:
		open_call(t, a);
		break;
	case VANTAGE_END_CALL:
		close_call(&t->calls[a->slot]);
		break;
	default:
		break;
	}
}

static void drive(struct probe_turn *t)
{
	struct vantage_action a;

	while (!t->is_done) {
		switch (vantage_next(t->vantage, clock_us(), &a)) {
		case VANTAGE_WAIT:
			await_moment(t->timer, a.deadline_us);
			t->config.on_rest(t->config.arg);
			return;
		case VANTAGE_DONE:
			finish(t);
			return;
		default:
			carry_out(t, &a);
			break;
		}
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	drive(arg);
}

static struct vantage *make_vantage(const struct probe_turn_config *c, const struct verdict *seen)
{
	const struct turn_server *s = c->server;
	int family = server_family(c->source.local.family);
	const struct vantage_config config = {
		.targets = s->targets[family],
		.target_count = s->target_counts[family],
		.credentials = s->credentials,
		.name = s->name,
		.timeout_us = c->timeout_ms * 1000,
		.random = random_draw,
	};

	return vantage_new(&config, seen, clock_us());
}

struct probe_turn *probe_turn_new(const struct probe_turn_config *config,
				  const struct verdict *seen)
{
	struct probe_turn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->config = *config;
	init_ends(t);
	for (uint8_t i = 0; i < VANTAGE_SLOTS; i++)
		t->slots[i] = (struct slot){ .turn = t, .fd = -1, .number = i };
	for (uint8_t i = 0; i < VANTAGE_CALLS; i++)
		t->calls[i] = (struct call){ .turn = t, .fd = -1, .number = i };
	t->vantage = make_vantage(config, seen);
	t->timer = evtimer_new(config->base, on_timer, t);
	if (t->vantage == NULL || t->timer == NULL) {
		probe_turn_free(t);
		return NULL;
	}
	event_active(t->timer, EV_TIMEOUT, 0);
	return t;
}

void probe_turn_free(struct probe_turn *t)
{
	if (t == NULL)
		return;
	close_all(t);
	if (t->timer != NULL)
		event_free(t->timer);
	vantage_free(t->vantage);
	free(t);
}

void probe_turn_stop(struct probe_turn *t)
{
	if (t->is_done)
		return;
	vantage_stop(t->vantage, clock_us());
	event_active(t->timer, EV_TIMEOUT, 0);
}

bool probe_turn_wants_floor(const struct probe_turn *t)
{
	return !t->is_done && vantage_wants_floor(t->vantage);
}

void probe_turn_conclude(const struct probe_turn *t, struct verdict *verdict)
{
	vantage_conclude(t->vantage, verdict);
}
