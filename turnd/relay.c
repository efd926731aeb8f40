#include "relay.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "relay_parts.h"
#include "reserved.h"
#include "tcp_relay.h"

/*
 * Datagrams that one readiness may bring. As a rule it is one, and asking for a second would be in
 * vain; but where a socket is readable round after round, datagrams queue in it, and the loop would
 * come to all of them one by one. It is asked for as many as there were, and for twice as many
 * where those were all that it was asked for.
 */
#define READS_MOST 16
#define READS_REST 16 /* rounds with one datagram, after a queue that was none */

#define GIVEN_MOST 2 /* sockets of a gift */

static struct turnd_ip ip_of(struct udp_ip ip)
{
	return (struct turnd_ip){ .ttl = ip.ttl == 0 ? -1 : ip.ttl,
				  .tos = ip.ttl == 0 ? -1 : ip.tos };
}

/* How many datagrams to ask for in this round. */
static int reads_now(struct relay *r)
{
	uint32_t round = r->owner->round;
	bool again = r->round == round - 1;

	r->round = round;
	if (r->rest > 0)
		r->rest--;
	return again && r->rest == 0 ? r->most : 1;
}

static void learn(struct relay *r, int asked, int came)
{
	if (asked > 1)
		r->most = (uint8_t)(came < asked ? came : 2 * asked);
	if (r->most > READS_MOST)
		r->most = READS_MOST;
	if (r->most > 1)
		return;
	r->most = 2;
	r->rest = READS_REST;
}

/* One alone is read to where it is sent from. Returns how many came, or -errno. */
static int receive(struct relay *r, int most)
{
	struct listen *l = r->owner;

	if (most > 1)
		return udp_recv_some(r->fd, l->batch, l->in, most);
	return udp_recv_one(r->fd, listen_room(l) + TURND_HEADROOM, LISTEN_DGRAM_MAX, &l->in[0]);
}

static void take_one(struct relay *r, const struct udp_dgram *in)
{
	struct listen *l = r->owner;
	uint8_t *data = (uint8_t *)(uintptr_t)in->data.data; /* of a buffer of ours */
	struct turnd_out out;
	enum turnd_step step = turnd_from_peer(l->turnd, r->end, &in->peer, data, in->data.len,
					       ip_of(in->ip), &l->now, &out);

	listen_carry_out(l, step, NULL, &out);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct relay *r = arg;
	struct listen *l = r->owner;
	int most, n;

	(void)listen_begin(l);
	most = reads_now(r);
	n = receive(r, most);
	if (n < 0)
		counter_add(&l->stats.receive_errors, 1);
	if (n <= 0) {
		relay_take_errors(r, NULL); /* that is what made it readable */
		return;
	}
	learn(r, most, n);
	l->reading = r;
	for (int i = 0; i < n && l->reading == r; i++) /* a client that is lost takes it along */
		take_one(r, &l->in[i]);
	l->reading = NULL;
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
	r->most = 2;
	rc = open_socket(r, &end->local);
	if (rc == 0) {
		end->shell = r;
		return 0;
	}
	if (rc == -EMFILE || rc == -ENFILE)
		counter_add(&l->stats.no_descriptors, 1);
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
	relay_flush_one(r);
	if (r->owner->reading == r)
		r->owner->reading = NULL;
	event_del(&r->readable);
	close(r->fd);
	free(r);
}

void relay_pass(void *arg, struct relay_end *from, struct relay_end *to)
{
	struct relay *r = from->shell;

	from->shell = NULL;
	to->shell = r;
	r->end = to;
}

/* The i-th socket of a gift; NULL: it has not so many. */
static struct relay *given(const struct turnd_gift *gift, size_t i)
{
	if (gift->alloc != NULL)
		return gift->alloc->flow.ends[i].shell;
	return gift->reserved != NULL && i == 0 ? gift->reserved->end.shell : NULL;
}

void relay_detach(const struct turnd_gift *gift)
{
	for (size_t i = 0; i < GIVEN_MOST; i++) {
		struct relay *r = given(gift, i);

		if (r == NULL)
			continue;
		relay_flush_one(r);
		event_del(&r->readable);
	}
}

bool relay_attach(struct listen *l, const struct turnd_gift *gift)
{
	bool all = true;

	for (size_t i = 0; i < GIVEN_MOST; i++) {
		struct relay *r = given(gift, i);

		if (r == NULL)
			continue;
		r->owner = l;
		all = wait_for(r) == 0 && all;
	}
	return all;
}
