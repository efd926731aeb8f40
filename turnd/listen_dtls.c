/* The DTLS clients of a worker, on its UDP sockets. */
#include "listen_parts.h"

#include <errno.h>

#include "clock.h"
#include "dtls_timer.h"

/* A flight of OpenSSL's: leaves at once, behind what waits already. */
static void on_datagram(struct bytes datagram, const struct addr *to, const struct addr *local,
			void *arg)
{
	struct turnd_out out = {
		.data = datagram,
		.tuple = { .client = *to, .server = *local, .transport = STUN_UDP },
		.ip = TURND_IP_DEFAULT,
	};

	listen_send(arg, &out);
}

static struct listen_link *link_of(struct listen *l, struct dtls_session *session)
{
	struct listen_link *link = dtls_user(session);
	const struct listen_socket *s;
	struct five_tuple tuple = { .client = *dtls_peer(session),
				    .server = *dtls_local(session),
				    .transport = STUN_DTLS };

	if (link != NULL)
		return link;
	s = listen_find(l, &tuple.server);
	if (s == NULL)
		return NULL;
	link = listen_link_new(s, &tuple, dtls_name_tag(session));
	if (link != NULL)
		link->dtls = session;
	dtls_set_user(session, link);
	return link;
}

static void on_data(struct dtls_session *session, struct bytes data, void *arg)
{
	struct listen_link *link = link_of(arg, session);

	if (link != NULL)
		listen_link_judge(arg, link, data);
	else
		dtls_close(session);
}

static void on_end(struct dtls_session *session, enum dtls_end why, void *arg)
{
	listen_link_ended(arg, dtls_user(session));
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct listen *l = arg;

	l->dtls_due_us = DTLS_NEVER;
	dtls_on_time(l->dtls, listen_begin(l)->us);
	listen_dtls_rearm(l);
}

int listen_dtls_open(struct listen *l)
{
	static const struct dtls_events events = { .on_datagram = on_datagram,
						   .on_data = on_data,
						   .on_end = on_end };
	const struct turnd_conf *conf = l->common->conf;
	uint32_t most = (uint32_t)conf->max_connections;
	struct dtls_limits limits = {
		.max_sessions = most,
		.max_half_open = most / 4 / (uint32_t)l->common->workers + 1,
		.shared = l->common->sessions,
		.idle_ms = (uint32_t)conf->idle_timeout_ms,
		.data_max = UINT16_MAX, /* peers know nothing of our MTU */
	};

	l->dtls_due_us = DTLS_NEVER;
	l->dtls = dtls_new(l->settings->names[0].dtls, &limits, &events, l, clock_us());
	l->dtls_timer = evtimer_new(l->base, on_timer, l);
	return l->dtls != NULL && l->dtls_timer != NULL ? 0 : -ENOMEM;
}

void listen_dtls_close(struct listen *l)
{
	if (l->dtls_timer != NULL)
		event_free(l->dtls_timer);
	dtls_free(l->dtls);
	l->dtls = NULL;
	l->dtls_timer = NULL;
}

void listen_dtls_input(struct listen_socket *s, const struct udp_dgram *in)
{
	struct listen *l = s->owner;
	struct addr local = s->at->local;

	if (l->dtls == NULL || !s->at->dtls) {
		counter_add(&l->stats.unwanted, 1);
		return;
	}
	if (s->any)
		local = addr_with_port(&in->local, local.port);
	dtls_input(l->dtls, in->data, &in->peer, &local, l->now.us);
}

void listen_dtls_rearm(struct listen *l)
{
	dtls_timer_rearm(l->dtls, l->dtls_timer, &l->dtls_due_us);
}
