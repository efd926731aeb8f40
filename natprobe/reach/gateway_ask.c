#include "gateway_ask.h"

#include <unistd.h>

#include "clock.h"
#include "natprobe/map/portmap.h"
#include "udp.h"
#include "natprobe/map/upnp.h"

#define LOOK_US     20000
#define PATIENCE_US 1500000

struct ask {
	struct event_base *base;
	struct event *readable, *timer;
	int fd;
	struct portmap portmap;
	struct upnp *upnp; /* NULL: it is not asked */
	uint64_t ends_us;
	struct addr external;
};

static void look(struct ask *a)
{
	struct verdict_portmap found = { 0 };
	bool upnp_is_over = a->upnp == NULL;

	if (a->portmap.nat_pmp.found.external.family != ADDR_NONE)
		a->external = a->portmap.nat_pmp.found.external;
	if (a->upnp != NULL) {
		found = upnp_result(a->upnp);
		upnp_is_over = found.present.value != VERDICT_UNKNOWN ||
			       found.present.cause != CAUSE_TIMEOUT;
	}
	if (a->external.family == ADDR_NONE)
		a->external = found.external;
	if (a->external.family != ADDR_NONE || clock_us() >= a->ends_us ||
	    (upnp_is_over && portmap_is_over(&a->portmap, clock_us())))
		event_base_loopbreak(a->base);
}

static void send_due(struct ask *a)
{
	uint8_t out[PORTMAP_LEN];
	size_t len;

	while ((len = portmap_next(&a->portmap, clock_us(), out)) > 0) {
		struct udp_dgram d = { .data = bytes_of(out, len), .peer = a->portmap.gateway };

		if (udp_send_one(a->fd, &d, NULL) != 0)
			portmap_on_refused(&a->portmap);
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct ask *a = arg;
	const struct timeval wait = { .tv_usec = LOOK_US };

	send_due(a);
	look(a);
	event_add(a->timer, &wait);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct ask *a = arg;
	uint8_t buf[UDP_RX_MAX];
	struct udp_dgram d;

	for (int i = 0; i < UDP_BATCH && udp_recv_one(fd, buf, sizeof(buf), &d) == 1; i++)
		portmap_on_datagram(&a->portmap, &d.peer, d.data);
	look(a);
}

struct addr gateway_ask(struct event_base *base, const struct own_path *path, bool asks_upnp)
{
	struct ask a = { .base = base, .ends_us = clock_us() + PATIENCE_US };
	struct addr bound;

	if (path->gateway.family != ADDR_IPV4)
		return a.external;
	portmap_start(&a.portmap, &path->source.local, &path->gateway, clock_us());
	a.fd = probe_socket_udp(&path->source, 0, &bound);
	if (a.fd < 0)
		return a.external;
	if (asks_upnp)
		a.upnp = upnp_start(&path->source, &path->gateway);
	a.timer = evtimer_new(base, on_timer, &a);
	a.readable = event_new(base, a.fd, EV_READ | EV_PERSIST, on_readable, &a);
	if (a.timer != NULL && a.readable != NULL && event_add(a.readable, NULL) == 0) {
		on_timer(-1, 0, &a);
		event_base_dispatch(base);
	}
	if (a.timer != NULL)
		event_free(a.timer);
	if (a.readable != NULL)
		event_free(a.readable);
	upnp_release(a.upnp);
	close(a.fd);
	return a.external;
}
