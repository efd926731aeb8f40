#include "relay.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <unistd.h>

#include "tcp_relay.h"

/* Errors that one readiness may cost: then other sockets get their turn. */
#define ERRORS_PER_WAKEUP 16

/* What hangs at end->shell. Its event lies in it: a block of memory less for each. */
struct relay {
	struct listen *owner;
	struct relay_end *end;
	int fd;
	bool dont_fragment; /* as the socket has it */
	struct event readable;
};

static struct turnd_ip ip_of(struct udp_ip ip)
{
	return (struct turnd_ip){ .ttl = ip.ttl == 0 ? -1 : ip.ttl,
				  .tos = ip.ttl == 0 ? -1 : ip.tos };
}

static void take_errors(struct relay *r)
{
	struct listen *l = r->owner;
	struct udp_error error;
	struct turnd_out out;

	for (int i = 0; i < ERRORS_PER_WAKEUP && udp_recv_error(r->fd, &error) == 1; i++) {
		struct turnd_icmp icmp = {
			.peer = error.peer,
			.type = error.type,
			.code = error.code,
			.data = error.mtu,
		};
		uint8_t *buf = listen_room(l);
		enum turnd_step step = turnd_from_icmp(l->turnd, r->end, &icmp, &l->now, buf, &out);

		listen_carry_out(l, step, NULL, &out);
	}
}

/* One datagram for each time it is readable: a second try would fail most of the times. */
static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct relay *r = arg;
	struct listen *l = r->owner;
	const struct turnd_now *now = listen_begin(l);
	uint8_t *data = listen_room(l) + TURND_HEADROOM;
	struct udp_dgram in;
	struct turnd_out out;
	enum turnd_step step;
	int n = udp_recv_one(r->fd, data, UDP_MAX + 20, &in);

	if (n <= 0) {
		if (n < 0)
			stats_add(&l->stats.receive_errors, 1);
		take_errors(r); /* that is what made it readable */
		return;
	}
	step = turnd_from_peer(l->turnd, r->end, &in.peer, data, in.data.len, ip_of(in.ip), now,
			       &out);
	listen_carry_out(l, step, NULL, &out);
}

static int wait_for(struct relay *r)
{
	if (event_assign(&r->readable, r->owner->base, r->fd, EV_READ | EV_PERSIST, on_readable,
			 r) != 0)
		return -ENOMEM;
	return event_add(&r->readable, NULL) == 0 ? 0 : -ENOMEM;
}

static int open_socket(struct relay *r, const struct addr *local)
{
	static const struct udp_options options = { .want_ip = true, .want_errors = true };
	int rc;

	r->fd = udp_open(local, &options, NULL);
	if (r->fd < 0)
		return r->fd;
	rc = udp_set_dont_fragment(r->fd, local->family, false);
	if (rc == 0)
		rc = wait_for(r);
	if (rc != 0)
		close(r->fd);
	return rc;
}

int relay_open(void *arg, struct relay_end *end)
{
	struct listen *l = arg;
	struct relay *r;
	int rc;

	if (end->protocol == TURN_PROTOCOL_TCP)
		return tcp_relay_open(l, end);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->owner = l;
	r->end = end;
	rc = open_socket(r, &end->local);
	if (rc == 0) {
		end->shell = r;
		return 0;
	}
	if (rc == -EMFILE || rc == -ENFILE)
		stats_add(&l->stats.no_descriptors, 1);
	free(r);
	return rc;
}

void relay_close(void *arg, struct relay_end *end)
{
	struct relay *r = end->shell;

	if (end->protocol == TURN_PROTOCOL_TCP) {
		tcp_relay_close(arg, end);
		return;
	}
	if (r == NULL)
		return;
	end->shell = NULL;
	event_del(&r->readable);
	close(r->fd);
	free(r);
}

void relay_send(struct listen *l, const struct turnd_out *out)
{
	struct relay *r = out->end->shell;
	struct udp_dgram d = { .data = out->data, .peer = out->peer };
	bool has_errors = false;

	if (out->ip.ttl > 0)
		d.ip.ttl = (uint8_t)out->ip.ttl;
	if (out->ip.tos > 0)
		d.ip.tos = (uint8_t)out->ip.tos;
	if (out->dont_fragment != r->dont_fragment &&
	    udp_set_dont_fragment(r->fd, out->end->local.family, out->dont_fragment) == 0)
		r->dont_fragment = out->dont_fragment;
	if (udp_send_one(r->fd, &d, &has_errors) != 0)
		stats_add(&l->stats.relay_errors, 1);
	/* What waits in the error queue makes the socket readable. */
}

void relay_detach(struct flow *flow)
{
	for (size_t i = 0; i < ARRAY_LEN(flow->ends); i++) {
		struct relay *r = flow->ends[i].shell;

		if (r != NULL)
			event_del(&r->readable);
	}
}

bool relay_attach(struct listen *l, struct flow *flow)
{
	bool all = true;

	for (size_t i = 0; i < ARRAY_LEN(flow->ends); i++) {
		struct relay *r = flow->ends[i].shell;

		if (r == NULL)
			continue;
		r->owner = l;
		all = wait_for(r) == 0 && all;
	}
	return all;
}
