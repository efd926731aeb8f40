#include "lease_io.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "sockaddr.h"
#include "udp.h"
#include "upnp_job.h"

#define UPNP_LOOK_US 50000 /* between looks whether a thread is done */
#define MESSAGE_MAX  1200
#define ACTIONS_MAX  64 /* in a row */

struct held {
	struct lease lease;
	struct upnp_job *job; /* NULL: none runs */
};

struct lease_io {
	struct lease_io_config config;
	int fd;           /* connected to the gateway; -1: it could not be opened */
	int announced_fd; /* -1: nobody listens */
	struct event *readable, *announced, *timer;
	struct held items[LEASE_IO_MAX];
	size_t count;
};

static int connect_to(int fd, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);

	return connect(fd, (struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
}

static void tell_refused(struct lease_io *io, bool is_local)
{
	for (size_t i = 0; i < io->count; i++)
		lease_on_refused(&io->items[i].lease, is_local, clock_us());
}

/* Nobody listens there, or the gateway is not there at all. */
static bool is_absence(int rc)
{
	return rc == -ECONNREFUSED || rc == -EHOSTUNREACH;
}

static void send_one(struct lease_io *io, struct held *h, const struct lease_action *a)
{
	struct udp_dgram d = { .data = bytes_of(a->data, a->len) };
	int rc = io->fd < 0 ? io->fd : udp_send_one(io->fd, &d, NULL);

	if (is_absence(rc))
		tell_refused(io, false);
	else if (rc != 0 && rc != -EAGAIN)
		lease_on_refused(&h->lease, true, clock_us());
}

static void start_upnp(struct lease_io *io, struct held *h, const struct lease_action *a)
{
	const struct own_path *path = io->config.upnp;
	struct lease_upnp_result failed = { .answer = LEASE_LOCAL_ERROR };

	h->job = upnp_job_start(&path->source, &path->gateway, &a->upnp);
	if (h->job == NULL)
		lease_on_upnp(&h->lease, &failed, clock_us());
}

static void take_upnp(struct held *h)
{
	struct lease_upnp_result result;

	if (h->job == NULL || !upnp_job_is_over(h->job, &result, NULL))
		return;
	upnp_job_release(h->job);
	h->job = NULL;
	lease_on_upnp(&h->lease, &result, clock_us());
}

static void act(struct lease_io *io, struct held *h)
{
	struct lease_action a;

	for (int i = 0; i < ACTIONS_MAX; i++) {
		switch (lease_next(&h->lease, clock_us(), &a)) {
		case LEASE_SEND:
			send_one(io, h, &a);
			break;
		case LEASE_DO_UPNP:
			start_upnp(io, h, &a);
			break;
		default:
			return;
		}
	}
}

static uint64_t deadline_us(const struct held *h, uint64_t now_us)
{
	uint64_t at_us = lease_deadline_us(&h->lease);

	return h->job != NULL && at_us > now_us + UPNP_LOOK_US ? now_us + UPNP_LOOK_US : at_us;
}

static void set_timer(struct lease_io *io)
{
	uint64_t now_us = clock_us(), next_us = UINT64_MAX;

	for (size_t i = 0; i < io->count; i++) {
		uint64_t at_us = deadline_us(&io->items[i], now_us);

		next_us = at_us < next_us ? at_us : next_us;
	}
	await_moment(io->timer, next_us);
}

static void pump(struct lease_io *io)
{
	for (size_t i = 0; i < io->count; i++) {
		take_upnp(&io->items[i]);
		act(io, &io->items[i]);
	}
	set_timer(io);
}

static void go_on(struct lease_io *io)
{
	pump(io);
	io->config.on_change(io->config.arg);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	go_on(arg);
}

static void hear(struct lease_io *io, const struct addr *from, struct bytes data)
{
	for (size_t i = 0; i < io->count; i++)
		lease_on_datagram(&io->items[i].lease, from, data, clock_us());
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct lease_io *io = arg;
	uint8_t buf[MESSAGE_MAX];
	struct udp_dgram d;

	for (int i = 0; i < UDP_BATCH; i++) {
		int rc = udp_recv_one(fd, buf, sizeof(buf), &d);

		if (rc == 0)
			break;
		if (rc == 1)
			hear(io, &d.peer, d.data);
		else if (is_absence(rc))
			tell_refused(io, false);
	}
	go_on(io);
}

/* All hosts hear what is said to 224.0.0.1 and ff02::1 (RFC 6887, section 14.1.1). */
static int open_announced(const struct own_path *path)
{
	struct addr any = { .family = path->family, .port = PORTMAP_ANNOUNCE_PORT };
	struct udp_options options = { .device = path->source.device, .reuse_port = true };
	int fd = udp_open(&any, &options, NULL);

	if (fd < 0) {
		options.device = NULL;
		fd = udp_open(&any, &options, NULL);
	}
	return fd;
}

static int open_socket(const struct own_path *path)
{
	const struct addr to = addr_with_port(&path->gateway, PORTMAP_PORT);
	struct addr bound;
	int fd, rc;

	if (path->gateway.family == ADDR_NONE)
		return -ENETUNREACH;
	fd = probe_socket_udp(&path->source, 0, &bound);
	if (fd < 0)
		return fd;
	rc = connect_to(fd, &to);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static struct event *read_from(struct lease_io *io, int fd)
{
	struct event *ev = event_new(io->config.base, fd, EV_READ | EV_PERSIST, on_readable, io);

	if (ev != NULL)
		event_add(ev, NULL);
	return ev;
}

struct lease_io *lease_io_new(const struct lease_io_config *config)
{
	struct lease_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->config = *config;
	io->fd = open_socket(config->path);
	io->announced_fd = config->listens ? open_announced(config->path) : -1;
	io->timer = evtimer_new(config->base, on_timer, io);
	if (io->fd >= 0)
		io->readable = read_from(io, io->fd);
	if (io->announced_fd >= 0)
		io->announced = read_from(io, io->announced_fd);
	if (io->timer != NULL && (io->fd < 0 || io->readable != NULL) &&
	    (io->announced_fd < 0 || io->announced != NULL))
		return io;
	lease_io_free(io);
	return NULL;
}

void lease_io_free(struct lease_io *io)
{
	struct event *const events[] = { io != NULL ? io->readable : NULL,
					 io != NULL ? io->announced : NULL,
					 io != NULL ? io->timer : NULL };

	if (io == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	for (size_t i = 0; i < io->count; i++)
		upnp_job_release(io->items[i].job);
	if (io->fd >= 0)
		close(io->fd);
	if (io->announced_fd >= 0)
		close(io->announced_fd);
	free(io);
}

static struct lease_config complete(const struct lease_io *io, const struct lease_config *config)
{
	struct lease_config c = *config;

	c.gateway = io->config.path->gateway;
	c.has_upnp = io->config.upnp != NULL && io->config.upnp->gateway.family == ADDR_IPV4 &&
		     upnp_job_is_built();
	return c;
}

const struct lease *lease_io_add(struct lease_io *io, const struct lease_config *config)
{
	const struct lease_config c = complete(io, config);
	struct held *h = &io->items[io->count];

	if (io->count == LEASE_IO_MAX)
		return NULL;
	io->count++;
	lease_start(&h->lease, &c, clock_us());
	pump(io);
	return &h->lease;
}

const struct lease *lease_io_resume(struct lease_io *io, const struct lease_config *config,
				    const struct lease_grant *grant)
{
	const struct lease_config c = complete(io, config);
	struct held *h = &io->items[io->count];

	if (io->count == LEASE_IO_MAX)
		return NULL;
	io->count++;
	lease_resume(&h->lease, &c, grant, clock_us());
	pump(io);
	return &h->lease;
}

void lease_io_remove_all(struct lease_io *io)
{
	for (size_t i = 0; i < io->count; i++)
		lease_remove(&io->items[i].lease, clock_us());
	pump(io);
}

size_t lease_io_count(const struct lease_io *io)
{
	return io->count;
}

const struct lease *lease_io_get(const struct lease_io *io, size_t i)
{
	return &io->items[i].lease;
}

bool lease_io_is_settled(const struct lease_io *io)
{
	for (size_t i = 0; i < io->count; i++) {
		if (!lease_is_settled(&io->items[i].lease))
			return false;
	}
	return true;
}

bool lease_io_is_ended(const struct lease_io *io)
{
	for (size_t i = 0; i < io->count; i++) {
		if (io->items[i].lease.state != LEASE_ENDED)
			return false;
	}
	return true;
}
