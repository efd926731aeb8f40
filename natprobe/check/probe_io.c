#include "probe_io.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "natprobe/net/packet_tap.h"
#include "sockaddr.h"

#define BATCHES_PER_WAKEUP 4
#define STREAM_READ_MAX    4096 /* more than any Binding answer; the rest waits */

struct slot {
	struct probe_io *probe;
	struct event *event;
	int fd; /* -1: closed */
	uint16_t port;
	uint8_t index;
};

struct connection {
	struct probe_io *probe;
	struct bufferevent *bev;  /* NULL: closed */
	struct evbuffer *request; /* sent once connected */
	uint8_t index;
};

struct probe_io {
	struct probe_io_config config;
	struct slot slots[DISCOVER_SLOTS_MAX];
	struct connection connections[DISCOVER_CONNECTIONS_MAX];
	struct event *timer;
	struct event *tap; /* NULL: none */
	bool is_done;
};

static void drive(struct probe_io *p);

static void close_slot(struct slot *s)
{
	await_close(&s->event, &s->fd);
}

static void close_connection(struct connection *c)
{
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	c->bev = NULL;
	if (c->request != NULL)
		evbuffer_free(c->request);
	c->request = NULL;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct slot *s = arg;
	struct probe_io *p = s->probe;
	struct udp_dgram dgrams[UDP_BATCH];
	int n = UDP_BATCH;

	for (int i = 0; i < BATCHES_PER_WAKEUP && n == UDP_BATCH; i++) {
		n = udp_recv(s->fd, p->config.batch, dgrams);
		for (int k = 0; k < n; k++)
			discover_on_datagram(p->config.discover, s->index, &dgrams[k].peer,
					     dgrams[k].data, clock_us());
	}
	drive(p);
}

static struct slot *find_slot(struct probe_io *p, uint16_t port)
{
	for (size_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (p->slots[i].fd >= 0 && p->slots[i].port == port)
			return &p->slots[i];
	}
	return NULL;
}

static void on_tapped(evutil_socket_t fd, short events, void *arg)
{
	struct probe_io *p = arg;
	uint8_t buf[PACKET_TAP_MAX];
	struct udp_packet packet;

	for (int i = 0; i < UDP_BATCH && packet_tap_read(fd, buf, &packet); i++) {
		const struct slot *s = find_slot(p, packet.to.port);

		if (s != NULL)
			discover_on_datagram(p->config.discover, s->index, &packet.from,
					     packet.data, clock_us());
	}
	drive(p);
}

static void open_slot(struct probe_io *p, uint8_t index, uint16_t port)
{
	struct slot *s = &p->slots[index];
	struct addr bound;

	close_slot(s);
	s->fd = probe_socket_udp(&p->config.source, port, &bound);
	if (s->fd < 0) {
		discover_on_open_failed(p->config.discover, index, s->fd);
		s->fd = -1;
		return;
	}
	s->port = bound.port;
	s->event = event_new(p->config.base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->event == NULL || event_add(s->event, NULL) != 0) {
		close_slot(s);
		discover_on_open_failed(p->config.discover, index, -ENOMEM);
		return;
	}
	discover_on_open(p->config.discover, index, &bound);
}

static void send_from(struct probe_io *p, const struct discover_action *a)
{
	struct udp_dgram out = { .data = a->data, .peer = a->to };
	int rc = udp_send(p->slots[a->slot].fd, p->config.batch, &out, 1);

	if (rc < 0)
		discover_on_send_error(p->config.discover, a->slot, rc);
}

/* Tells the discovery, and leaves driving it to the caller. */
static void lose_connection(struct connection *c)
{
	close_connection(c);
	discover_on_stream(c->probe->config.discover, c->index, DISCOVER_STREAM_CLOSED,
			   (struct bytes){ 0 }, clock_us());
}

static void on_stream_data(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);
	const uint8_t *data = evbuffer_pullup(in, (ev_ssize_t)len);

	if (data != NULL)
		discover_on_stream(c->probe->config.discover, c->index, DISCOVER_STREAM_DATA,
				   bytes_of(data, len), clock_us());
	evbuffer_drain(in, len);
	drive(c->probe);
}

static void tell_connected(struct connection *c)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr local;
	bool is_known = getsockname(bufferevent_getfd(c->bev), (struct sockaddr *)&sa, &len) == 0 &&
			sockaddr_to_addr((struct sockaddr *)&sa, &local);

	discover_on_connected(c->probe->config.discover, c->index, is_known ? &local : NULL,
			      clock_us());
}

static void on_stream_event(struct bufferevent *bev, short events, void *arg)
{
	struct connection *c = arg;
	struct probe_io *p = c->probe;

	if ((events & BEV_EVENT_CONNECTED) != 0) {
		tell_connected(c);
		bufferevent_write_buffer(bev, c->request);
	} else if ((events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		lose_connection(c);
	}
	drive(p);
}

static struct addr stream_address(const struct probe_io *p, const struct addr *to)
{
	for (size_t i = 0; i < p->config.detour_count; i++) {
		if (addr_equal(&p->config.detours[i].udp, to))
			return p->config.detours[i].tcp;
	}
	return *to;
}

static bool start_connection(struct connection *c, const struct discover_action *a)
{
	struct probe_io *p = c->probe;
	struct addr to = stream_address(p, &a->to);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&to, &sa);
	int fd = probe_socket_tcp(&p->config.source, a->port);

	if (fd < 0)
		return false;
	c->bev = bufferevent_socket_new(p->config.base, fd,
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

static void open_connection(struct probe_io *p, const struct discover_action *a)
{
	struct connection *c = &p->connections[a->slot];

	close_connection(c);
	if (!start_connection(c, a))
		lose_connection(c);
}

static void wait_until(struct probe_io *p, uint64_t deadline_us)
{
	await_moment(p->timer, deadline_us);
}

static void finish(struct probe_io *p)
{
	p->is_done = true;
	event_del(p->timer);
	if (p->tap != NULL)
		event_del(p->tap);
	for (size_t i = 0; i < DISCOVER_SLOTS_MAX; i++)
		close_slot(&p->slots[i]);
	for (size_t i = 0; i < DISCOVER_CONNECTIONS_MAX; i++)
		close_connection(&p->connections[i]);
	p->config.on_done(p->config.arg);
}

static void drive(struct probe_io *p)
{
	struct discover_action a;

	while (!p->is_done) {
		switch (discover_next(p->config.discover, clock_us(), &a)) {
		case DISCOVER_OPEN:
			open_slot(p, a.slot, a.port);
			break;
		case DISCOVER_SEND:
			send_from(p, &a);
			break;
		case DISCOVER_CLOSE:
			close_slot(&p->slots[a.slot]);
			break;
		case DISCOVER_CONNECT:
			open_connection(p, &a);
			break;
		case DISCOVER_DISCONNECT:
			close_connection(&p->connections[a.slot]);
			break;
		case DISCOVER_WAIT:
			wait_until(p, a.deadline_us);
			p->config.on_rest(p->config.arg);
			return;
		case DISCOVER_DONE:
			finish(p);
			return;
		}
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	drive(arg);
}

static bool make_events(struct probe_io *p)
{
	p->timer = evtimer_new(p->config.base, on_timer, p);
	if (p->timer == NULL)
		return false;
	if (p->config.tap < 0)
		return true;
	p->tap = event_new(p->config.base, p->config.tap, EV_READ | EV_PERSIST, on_tapped, p);
	return p->tap != NULL && event_add(p->tap, NULL) == 0;
}

struct probe_io *probe_io_new(const struct probe_io_config *config)
{
	struct probe_io *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->config = *config;
	for (size_t i = 0; i < DISCOVER_SLOTS_MAX; i++)
		p->slots[i] = (struct slot){ .probe = p, .fd = -1, .index = (uint8_t)i };
	for (size_t i = 0; i < DISCOVER_CONNECTIONS_MAX; i++)
		p->connections[i] = (struct connection){ .probe = p, .index = (uint8_t)i };
	if (!make_events(p)) {
		probe_io_free(p);
		return NULL;
	}
	probe_io_wake(p);
	return p;
}

void probe_io_wake(struct probe_io *p)
{
	if (!p->is_done)
		event_active(p->timer, EV_TIMEOUT, 0);
}

void probe_io_free(struct probe_io *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < DISCOVER_SLOTS_MAX; i++)
		close_slot(&p->slots[i]);
	for (size_t i = 0; i < DISCOVER_CONNECTIONS_MAX; i++)
		close_connection(&p->connections[i]);
	if (p->timer != NULL)
		event_free(p->timer);
	if (p->tap != NULL)
		event_free(p->tap);
	free(p);
}

void probe_io_stop(struct probe_io *p)
{
	if (p->is_done)
		return;
	discover_stop(p->config.discover, clock_us());
	drive(p);
}
