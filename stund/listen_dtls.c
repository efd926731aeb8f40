/* The DTLS clients of a listener, on its UDP sockets. */
#include "listen_parts.h"

#include <errno.h>

#include "clock.h"
#include "dtls_timer.h"

static struct listen_socket *socket_of(struct listen *l, const struct addr *local)
{
	const struct layout_socket *at = layout_find(l->common->layout, local);

	return at != NULL ? &l->sockets[at - l->common->layout->sockets] : NULL;
}

static void on_datagram(struct bytes datagram, const struct addr *to, const struct addr *local,
			void *arg)
{
	struct listen *l = arg;
	struct listen_socket *s = socket_of(l, local);
	struct udp_dgram out = { .data = datagram, .peer = *to };

	if (s == NULL || s->fd < 0)
		return;
	if (s->site->any)
		out.local = *local;
	if (udp_send(s->fd, l->batch, &out, 1) != 1)
		counter_add(&l->stats.send_errors, 1);
	else
		counter_add(&l->stats.sent_bytes, datagram.len);
}

static void on_data(struct dtls_session *session, struct bytes data, void *arg)
{
	struct stun_query q = { .datagram = data,
				.from = *dtls_peer(session),
				.transport = STUN_DTLS };
	uint8_t buf[LISTEN_ANSWER_MAX];
	struct bytes answer;

	if (!listen_judge(arg, dtls_local(session), &q, buf, &answer))
		dtls_close(session);
	else if (answer.len > 0)
		(void)dtls_send(session, answer); /* fits: the MTU is larger than any answer */
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct listen *l = arg;

	l->dtls_due_us = DTLS_NEVER;
	dtls_on_time(l->dtls, clock_us());
	listen_dtls_rearm(l);
}

int listen_dtls_open(struct listen *l)
{
	static const struct dtls_events events = { .on_datagram = on_datagram, .on_data = on_data };
	const struct stund_conf *conf = l->common->conf;
	uint32_t most = (uint32_t)conf->max_connections;
	struct dtls_limits limits = {
		.max_sessions = most,
		.max_half_open = most / 4 / (uint32_t)l->common->workers + 1,
		.shared = l->common->sessions,
		.idle_ms = (uint32_t)conf->idle_timeout_ms,
	};

	l->dtls_due_us = DTLS_NEVER;
	l->dtls = dtls_new(l->policy->dtls, &limits, &events, l, clock_us());
	l->dtls_timer = evtimer_new(l->base, on_timer, l);
	return l->dtls != NULL && l->dtls_timer != NULL ? 0 : -ENOMEM;
}

void listen_dtls_close(struct listen *l)
{
	if (l->dtls_timer != NULL)
		event_free(l->dtls_timer);
	dtls_free(l->dtls);
}

void listen_dtls_input(struct listen_socket *s, const struct udp_dgram *in, uint64_t now_us)
{
	struct listen *l = s->owner;
	struct addr local = s->at->local;

	if (l->dtls == NULL) {
		counter_add(&l->stats.unwanted_dtls, 1);
		return;
	}
	if (s->site->any)
		local = addr_with_port(&in->local, local.port);
	dtls_input(l->dtls, in->data, &in->peer, &local, now_us);
}

void listen_dtls_rearm(struct listen *l)
{
	dtls_timer_rearm(l->dtls, l->dtls_timer, &l->dtls_due_us);
}
