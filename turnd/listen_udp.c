/* The UDP clients of a worker: taken in batches, answered at the end of the loop's round. */
#include "listen_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "relay.h"

/* Then other sockets get their turn. */
#define BATCHES_PER_WAKEUP 4

/* DTLS and the rest share a port: the first byte tells (RFC 7983). */
static bool is_dtls(struct bytes datagram)
{
	return datagram.len > 0 && datagram.data[0] >= 20 && datagram.data[0] <= 63;
}

static void judge(struct listen_socket *s, const struct udp_dgram *d)
{
	struct turnd_in in = {
		.data = d->data,
		.tuple = { .client = d->peer, .server = s->at->local, .transport = STUN_UDP },
		.realm = s->realm,
		.ip = TURND_IP_DEFAULT,
		.site = s->site,
		.socket = s->at->number,
	};

	if (d->ip.ttl != 0)
		in.ip = (struct turnd_ip){ .ttl = d->ip.ttl, .tos = d->ip.tos };
	if (s->any)
		in.tuple.server = addr_with_port(&d->local, s->at->local.port);
	s->owner->gathered.is_on = true;
	listen_judge(s->owner, &in);
	s->owner->gathered.is_on = false;
}

static void take_one(struct listen_socket *s, const struct udp_dgram *d)
{
	struct listen *l = s->owner;

	if (d->truncated)
		counter_add(&l->stats.truncated, 1);
	else if (is_dtls(d->data))
		listen_dtls_input(s, d);
	else if (!s->at->udp)
		counter_add(&l->stats.unwanted, 1);
	else
		judge(s, d);
}

/*
 * While a socket is in the event loop, every datagram that leaves it calls the loop's wait
 * queue: there may be room to write now. Under load that is 3 % of all that answering costs, so
 * a socket that has a whole batch waiting is taken out for a while.
 */
static void set_waiting(struct listen_socket *s, bool *waiting, bool on)
{
	if (*waiting == on)
		return;
	*waiting = on;
	if (!on)
		(void)event_del(s->readable);
	else if (event_add(s->readable, NULL) != 0)
		log_event(LOG_LEVEL_ERROR, "listen", "a socket is lost: cannot wait for it again");
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct listen_socket *s = arg;
	struct listen *l = s->owner;
	bool waiting = true;
	int n = UDP_BATCH;

	(void)listen_begin(l);
	for (int i = 0; i < BATCHES_PER_WAKEUP && n == UDP_BATCH; i++) {
		n = udp_recv(fd, l->batch, l->in);
		if (n == UDP_BATCH)
			set_waiting(s, &waiting, false);
		if (n < 0)
			counter_add(&l->stats.receive_errors, 1);
		for (int at = 0; at < n; at++)
			take_one(s, &l->in[at]);
		relay_flush(l);
	}
	if (!waiting)
		listen_flush(l);
	set_waiting(s, &waiting, true); /* what is left wakes it again */
}

int listen_udp_open(struct listen_socket *s)
{
	const struct turnd_conf *conf = s->owner->common->conf;
	struct udp_options options = {
		.reuse_port = true,
		.want_local = s->any,
		.want_ip = true,
		.receive_buffer =
			conf->receive_buffer < INT_MAX ? (int)conf->receive_buffer : INT_MAX,
	};

	s->out = calloc(UDP_BATCH, sizeof(*s->out));
	if (s->out == NULL)
		return -ENOMEM;
	s->fd = udp_open(&s->at->local, &options, NULL);
	if (s->fd < 0)
		return s->fd;
	s->readable = event_new(s->owner->base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) != 0)
		return -ENOMEM;
	return 0;
}

void listen_udp_close(struct listen_socket *s)
{
	if (s->readable != NULL)
		event_free(s->readable);
	if (s->fd >= 0)
		close(s->fd);
	free(s->out);
	s->readable = NULL;
	s->fd = -1;
	s->out = NULL;
}
