#include "relay_run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "dial.h"
#include "natprobe/net/await.h"
#include "natprobe/net/random.h"
#include "sockaddr.h"
#include "udp.h"

#define LOCAL_READS 64
#define OPEN_MS     8000 /* for TCP and a handshake */

struct attempt;

struct dial_end {
	struct attempt *attempt;
	uint8_t number;
	struct dial *dial;
};

struct attempt {
	struct relay_run *run;
	const struct turn_candidate *candidate;
	struct relay_row *row;
	struct relay_trial *trial; /* NULL: it is over */
	struct dial_end ends[RELAY_ENDS];
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

static void on_open(void *arg)
{
	struct dial_end *e = arg;
	const char *problem = dial_certificate_problem(e->dial);

	if (problem != NULL)
		(void)snprintf(e->attempt->row->certificate, sizeof(e->attempt->row->certificate),
			       "%s", problem);
	relay_trial_on_open(e->attempt->trial, e->number, clock_us());
	pump(e->attempt);
}

static void on_frame(struct bytes frame, void *arg)
{
	struct dial_end *e = arg;

	relay_trial_on_bytes(e->attempt->trial, e->number, frame, clock_us());
	pump(e->attempt);
}

static void close_end(struct dial_end *e)
{
	dial_free(e->dial);
	e->dial = NULL;
}

static void on_close(const struct dial_failure *why, void *arg)
{
	struct dial_end *e = arg;

	close_end(e);
	relay_trial_on_close(e->attempt->trial, e->number, why, clock_us());
	pump(e->attempt);
}

static void open_end(struct dial_end *e, const struct relay_action *x)
{
	const struct relay_run_config *c = e->attempt->run->config;
	const struct dial_config config = {
		.base = c->base,
		.transport = e->attempt->candidate->transport,
		.to = x->to,
		.tls = c->tls,
		.dtls = c->dtls,
		.domain = x->domain != NULL ? x->domain : c->domain,
		.insecure = c->insecure,
		.timeout_ms = OPEN_MS,
		.on_open = on_open,
		.on_frame = on_frame,
		.on_close = on_close,
		.arg = e,
	};

	e->dial = dial_new(&config);
	if (e->dial == NULL)
		relay_trial_on_close(e->attempt->trial, e->number, &dial_no_memory, clock_us());
}

static void on_local(evutil_socket_t fd, short events, void *arg)
{
	struct attempt *a = arg;
	uint8_t buf[2048];

	for (int i = 0; i < LOCAL_READS; i++) {
		struct sockaddr_storage sa;
		socklen_t sa_len = sizeof(sa);
		struct addr from;
		ssize_t len = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&sa, &sa_len);

		if (len < 0)
			break;
		if (sockaddr_to_addr((struct sockaddr *)&sa, &from))
			relay_trial_on_local(a->trial, bytes_of(buf, (size_t)len), &from,
					     clock_us());
	}
	pump(a);
}

static void open_local(struct attempt *a, uint8_t family)
{
	const struct addr any = { .family = family };
	const struct udp_options options = { 0 };

	a->local_fd = udp_open(&any, &options, NULL);
	if (a->local_fd < 0)
		return;
	a->local_event =
		event_new(a->run->config->base, a->local_fd, EV_READ | EV_PERSIST, on_local, a);
	if (a->local_event != NULL)
		event_add(a->local_event, NULL);
}

/* What cannot be sent is as if lost. */
static void send_local(struct attempt *a, const struct relay_action *x)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&x->to, &sa);

	if (a->local_fd < 0)
		open_local(a, x->to.family);
	if (a->local_fd >= 0)
		(void)sendto(a->local_fd, x->data.data, x->data.len, 0, (struct sockaddr *)&sa,
			     len);
}

static void close_attempt(struct attempt *a)
{
	for (size_t i = 0; i < RELAY_ENDS; i++)
		close_end(&a->ends[i]);
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

static void set_timer(struct attempt *a, uint64_t deadline_us)
{
	await_moment(a->timer, deadline_us);
}

static void pump(struct attempt *a)
{
	struct relay_action x;

	for (;;) {
		switch (relay_trial_next(a->trial, clock_us(), &x)) {
		case RELAY_OPEN:
			open_end(&a->ends[x.end], &x);
			break;
		case RELAY_CLOSE:
			close_end(&a->ends[x.end]);
			break;
		case RELAY_SEND:
			dial_send(a->ends[x.end].dial, x.data);
			break;
		case RELAY_SEND_LOCAL:
			send_local(a, &x);
			break;
		case RELAY_WAIT:
			set_timer(a, x.deadline_us);
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
	for (uint8_t i = 0; i < RELAY_ENDS; i++)
		a->ends[i] = (struct dial_end){ .attempt = a, .number = i };
	a->trial = relay_trial_new(&config, clock_us());
	a->timer = evtimer_new(a->run->config->base, on_timer, a);
	if (a->trial == NULL || a->timer == NULL) {
		close_attempt(a);
		return false;
	}
	a->run->open++;
	set_timer(a, 0);
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
		set_timer(a, 0);
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
