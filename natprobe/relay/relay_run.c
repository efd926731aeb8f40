#include "relay_run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "natprobe/net/dial_io.h"
#include "natprobe/net/probe_socket.h"
#include "natprobe/net/random.h"
#include "udp.h"

#define LOCAL_READS 64
#define OPEN_MS     8000 /* for TCP and a handshake */

struct attempt {
	struct relay_run *run;
	const struct turn_candidate *candidate;
	struct relay_row *row;
	struct relay_trial *trial; /* NULL: it is over */
	struct dial_io ends;
	struct dial_io_place end_places[RELAY_ENDS];
	struct event *timer;
	int local_fd; /* our own socket; -1: not opened, or it cannot be */
	struct event *local_event;
};

struct relay_run {
	const struct relay_run_config *config;
	struct attempt attempts[RELAY_RUN_MAX];
	size_t open;
	bool is_stopped;
	struct event *signals[2];
};

static void pump(struct attempt *a);

static void on_open(void *arg, uint8_t number)
{
	struct attempt *a = arg;
	const char *problem = dial_io_certificate_problem(&a->ends, number);

	if (problem != NULL)
		(void)snprintf(a->row->certificate, sizeof(a->row->certificate), "%s", problem);
	relay_trial_on_open(a->trial, number, clock_us());
}

static void on_frame(void *arg, uint8_t number, struct bytes frame)
{
	struct attempt *a = arg;

	relay_trial_on_bytes(a->trial, number, frame, clock_us());
}

static void on_close(void *arg, uint8_t number, const struct dial_failure *why)
{
	struct attempt *a = arg;

	relay_trial_on_close(a->trial, number, why, clock_us());
}

static void on_rest(void *arg)
{
	pump(arg);
}

static void init_ends(struct attempt *a)
{
	static const struct dial_io_calls calls = {
		.on_open = on_open,
		.on_frame = on_frame,
		.on_close = on_close,
		.on_rest = on_rest,
	};
	const struct relay_run_config *c = a->run->config;

	a->ends = (struct dial_io){ .base = c->base,
				    .tls = c->tls,
				    .dtls = c->dtls,
				    .domain = c->domain,
				    .insecure = c->insecure,
				    .timeout_ms = OPEN_MS,
				    .calls = &calls,
				    .arg = a,
				    .places = a->end_places,
				    .count = RELAY_ENDS };
	dial_io_init(&a->ends);
}

static void on_local(evutil_socket_t fd, short events, void *arg)
{
	struct attempt *a = arg;
	uint8_t buf[2048];

	for (int i = 0; i < LOCAL_READS; i++) {
		struct addr from;
		ssize_t len = probe_socket_receive(fd, buf, sizeof(buf), &from);

		if (len < 0)
			break;
		relay_trial_on_local(a->trial, bytes_of(buf, (size_t)len), &from, clock_us());
	}
	pump(a);
}

static void open_local(struct attempt *a, uint8_t family)
{
	const struct addr any = { .family = family };
	const struct udp_options options = { 0 };

	a->local_fd = udp_open(&any, &options, NULL);
	if (a->local_fd >= 0)
		(void)await_fd(&a->local_event, a->run->config->base, a->local_fd,
			       EV_READ | EV_PERSIST, on_local, a);
}

static void send_local(struct attempt *a, const struct relay_action *x)
{
	if (a->local_fd < 0)
		open_local(a, x->to.family);
	if (a->local_fd >= 0)
		probe_socket_send(a->local_fd, &x->to, x->data);
}

static void close_attempt(struct attempt *a)
{
	dial_io_close_all(&a->ends);
	await_close(&a->local_event, &a->local_fd);
	await_no_more(&a->timer);
	relay_trial_free(a->trial);
	a->trial = NULL;
}

static void finish(struct attempt *a)
{
	a->row->result = *relay_trial_result(a->trial);
	close_attempt(a);
	if (--a->run->open == 0)
		event_base_loopbreak(a->run->config->base);
}

static void pump(struct attempt *a)
{
	struct relay_action x;

	for (;;) {
		switch (relay_trial_next(a->trial, clock_us(), &x)) {
		case RELAY_OPEN:
			dial_io_open(&a->ends, x.end, a->candidate->transport, &x.to, x.domain);
			break;
		case RELAY_CLOSE:
			dial_io_close(&a->ends, x.end);
			break;
		case RELAY_SEND:
			dial_io_send(&a->ends, x.end, x.data);
			break;
		case RELAY_SEND_LOCAL:
			send_local(a, &x);
			break;
		case RELAY_WAIT:
			await_moment(a->timer, x.deadline_us);
			return;
		case RELAY_DONE:
			finish(a);
			return;
		}
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	pump(arg);
}

static bool start(struct attempt *a)
{
	struct relay_trial_config config = a->run->config->trial;

	config.transport = a->candidate->transport;
	config.to = a->candidate->to;
	config.random = random_draw;
	*a->row = (struct relay_row){ 0 };
	a->local_fd = -1;
	init_ends(a);
	a->trial = relay_trial_new(&config, clock_us());
	a->timer = evtimer_new(a->run->config->base, on_timer, a);
	if (a->trial == NULL || a->timer == NULL) {
		close_attempt(a);
		return false;
	}
	a->run->open++;
	await_moment(a->timer, 0);
	return true;
}

static void on_signal(evutil_socket_t number, short events, void *arg)
{
	struct relay_run *r = arg;

	r->is_stopped = true;
	for (size_t i = 0; i < r->config->count; i++) {
		struct attempt *a = &r->attempts[i];

		if (a->trial == NULL)
			continue;
		relay_trial_stop(a->trial, clock_us());
		await_moment(a->timer, 0);
	}
}

/* Until all are over that were started. */
static void wait_for_all(struct relay_run *r)
{
	if (r->open > 0)
		event_base_dispatch(r->config->base);
}

/* There were more of us at once than the server grants to one user. */
static bool was_one_too_many(const struct relay_result *r)
{
	return r->client.cause == TURN_CLIENT_REFUSED && r->client.code == 486;
}

static bool run_all(struct relay_run *r)
{
	const struct relay_run_config *c = r->config;

	for (size_t i = 0; i < c->count; i++) {
		if (!start(&r->attempts[i]))
			return false;
	}
	wait_for_all(r);
	for (size_t i = 0; i < c->count && c->count > 1 && !r->is_stopped; i++) {
		if (!was_one_too_many(&r->attempts[i].row->result))
			continue;
		if (!start(&r->attempts[i]))
			return false;
		wait_for_all(r);
	}
	return true;
}

static bool catch_signals(struct relay_run *r)
{
	static const int numbers[] = { SIGINT, SIGTERM };

	for (size_t i = 0; i < ARRAY_LEN(r->signals); i++) {
		r->signals[i] = evsignal_new(r->config->base, numbers[i], on_signal, r);
		if (r->signals[i] == NULL || event_add(r->signals[i], NULL) != 0)
			return false;
	}
	return true;
}

int relay_run(const struct relay_run_config *config, struct relay_row *rows)
{
	struct relay_run *r = calloc(1, sizeof(*r));
	bool ok;

	if (r == NULL)
		return -ENOMEM;
	r->config = config;
	for (size_t i = 0; i < config->count; i++) {
		r->attempts[i] = (struct attempt){ .run = r,
						   .candidate = &config->candidates[i],
						   .row = &rows[i],
						   .local_fd = -1 };
	}
	ok = catch_signals(r) && run_all(r);
	for (size_t i = 0; i < config->count; i++)
		close_attempt(&r->attempts[i]);
	for (size_t i = 0; i < ARRAY_LEN(r->signals); i++) {
		if (r->signals[i] != NULL)
			event_free(r->signals[i]);
	}
	free(r);
	return ok ? 0 : -ENOMEM;
}
