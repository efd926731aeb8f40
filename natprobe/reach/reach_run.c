#include "reach_run.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "natprobe/net/random.h"
#include "port_tap.h"
#include "sockaddr.h"
#include "udp.h"

#define BACKLOG 8

enum { ASKING, LISTENING, TAPPING, SOCKETS };

struct run {
	const struct reach_run_config *config;
	struct reach_trial trial;
	struct addr local; /* with the port */
	int fds[SOCKETS];
	struct event *events[SOCKETS];
	struct event *timer;
	uint64_t ends_us;
	uint8_t listener; /* enum reach_listener */
	bool is_tapped;
};

static void step(struct run *run)
{
	uint64_t now_us = clock_us(), next_us;
	uint8_t out[REACH_REQUEST_MAX];
	size_t len;

	while ((len = reach_next(&run->trial, now_us, out)) > 0) {
		struct udp_dgram d = { .data = bytes_of(out, len), .peer = run->config->server };

		(void)udp_send_one(run->fds[ASKING], &d, NULL);
	}
	if (run->trial.is_over || now_us >= run->ends_us) {
		event_base_loopbreak(run->config->base);
		return;
	}
	next_us = reach_deadline_us(&run->trial);
	await_moment(run->timer, next_us < run->ends_us ? next_us : run->ends_us);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	step(arg);
}

static void on_answer(evutil_socket_t fd, short events, void *arg)
{
	struct run *run = arg;
	uint8_t buf[UDP_RX_MAX];
	struct udp_dgram d;

	for (int i = 0; i < UDP_BATCH && udp_recv_one(fd, buf, sizeof(buf), &d) == 1; i++)
		reach_on_datagram(&run->trial, &d.peer, d.data, clock_us());
	step(run);
}

static void read_port(struct run *run)
{
	uint8_t buf[UDP_RX_MAX];
	struct udp_dgram d;

	for (int i = 0; i < UDP_BATCH; i++) {
		if (udp_recv_one(run->fds[LISTENING], buf, sizeof(buf), &d) != 1)
			return;
		if (reach_is_ordered(&run->trial, d.data))
			reach_on_heard(&run->trial, clock_us());
	}
}

/* A connection of the server's: whatever port it is from. Others that come by are let go as well. */
static void accept_port(struct run *run)
{
	struct sockaddr_storage sa;
	struct addr from;

	for (int i = 0; i < BACKLOG; i++) {
		socklen_t len = sizeof(sa);
		int fd = accept(run->fds[LISTENING], (struct sockaddr *)&sa, &len);

		if (fd < 0)
			return;
		close(fd);
		if (sockaddr_to_addr((struct sockaddr *)&sa, &from) &&
		    addr_equal_ip(&from, &run->config->server))
			reach_on_heard(&run->trial, clock_us());
	}
}

static void look_at_tap(struct run *run)
{
	const uint8_t transport = run->config->transport;
	uint8_t buf[PORT_TAP_MAX];
	struct port_packet p;

	if (run->fds[TAPPING] < 0)
		return;
	while (port_tap_read(run->fds[TAPPING], &run->local, transport, buf, &p)) {
		if (transport == PORTMAP_UDP
			    ? reach_is_ordered(&run->trial, p.data)
			    : p.is_syn && addr_equal_ip(&p.from, &run->config->server))
			run->is_tapped = true;
	}
}

static void on_port(evutil_socket_t fd, short events, void *arg)
{
	struct run *run = arg;

	look_at_tap(run);
	if (run->config->transport == PORTMAP_UDP)
		read_port(run);
	else
		accept_port(run);
	step(run);
}

static void on_tap(evutil_socket_t fd, short events, void *arg)
{
	look_at_tap(arg);
}

/* Returns a listening socket, or -errno: -EADDRINUSE where a program has the port. */
static int listen_on(const struct run *run)
{
	const struct probe_source *from = &run->config->path->source;
	struct addr bound;
	int fd, rc;

	if (run->config->transport == PORTMAP_UDP)
		return probe_socket_udp(from, run->config->port, &bound);
	fd = probe_socket_tcp(from, run->config->port);
	if (fd < 0 || listen(fd, BACKLOG) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static bool add(struct run *run, int which, event_callback_fn on_event)
{
	if (run->fds[which] < 0)
		return true;
	run->events[which] =
		event_new(run->config->base, run->fds[which], EV_READ | EV_PERSIST, on_event, run);
	return run->events[which] != NULL && event_add(run->events[which], NULL) == 0;
}

static int open_all(struct run *run)
{
	const struct own_path *path = run->config->path;
	struct addr bound;

	run->fds[ASKING] = probe_socket_udp(&path->source, 0, &bound);
	if (run->fds[ASKING] < 0)
		return run->fds[ASKING];
	run->fds[LISTENING] = listen_on(run);
	if (run->fds[LISTENING] >= 0)
		run->listener = REACH_NATPROBE;
	else if (run->fds[LISTENING] == -EADDRINUSE)
		run->listener = REACH_PROGRAM;
	run->fds[TAPPING] = port_tap_open(path->index, &run->local, run->config->transport);
	run->timer = evtimer_new(run->config->base, on_timer, run);
	if (run->timer == NULL || !add(run, ASKING, on_answer) || !add(run, LISTENING, on_port) ||
	    !add(run, TAPPING, on_tap))
		return -ENOMEM;
	return 0;
}

static void close_all(struct run *run)
{
	for (int i = 0; i < SOCKETS; i++) {
		if (run->events[i] != NULL)
			event_free(run->events[i]);
		if (run->fds[i] >= 0)
			close(run->fds[i]);
	}
	if (run->timer != NULL)
		event_free(run->timer);
}

static void tell(struct run *run, struct reach_facts *facts, int *tap_error)
{
	look_at_tap(run);
	*tap_error = run->fds[TAPPING] < 0 ? run->fds[TAPPING] : 0;
	*facts = (struct reach_facts){
		.transport = run->config->transport,
		.local = run->local,
		.mapped = run->trial.mapped,
		.server = run->trial.server,
		.outcome = run->trial.outcome,
		.listener = run->listener,
		.is_heard = run->trial.is_heard,
		.is_watched = run->fds[TAPPING] >= 0,
		.is_tapped = run->is_tapped,
	};
}

int reach_run(const struct reach_run_config *config, struct reach_facts *facts, int *tap_error)
{
	const struct reach_config trial = { .transport = config->transport,
					    .server = config->server,
					    .port = config->external,
					    .random = random_draw };
	struct run run = { .config = config, .fds = { -1, -1, -1 } };
	int rc;

	run.local = addr_with_port(&config->path->source.local, config->port);
	run.ends_us = clock_us() + config->timeout_ms * 1000;
	rc = open_all(&run);
	if (rc == 0) {
		reach_start(&run.trial, &trial, clock_us());
		step(&run);
		event_base_dispatch(config->base);
		tell(&run, facts, tap_error);
	}
	close_all(&run);
	return rc;
}
