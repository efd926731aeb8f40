/* What leaves for peers, and what comes of it. */
#include "relay.h"

#include <errno.h>

#include "relay_parts.h"

/* Errors that one readiness may cost: then other sockets get their turn. */
#define ERRORS_PER_WAKEUP 16

static void tell_error(struct relay *r, const struct udp_error *error)
{
	struct turnd_icmp icmp = {
		.peer = error->peer,
		.type = error->type,
		.code = error->code,
		.data = error->mtu,
	};
	struct listen *l = r->owner;
	struct turnd_out out;
	enum turnd_step step =
		turnd_from_icmp(l->turnd, r->end, &icmp, &l->now, listen_room(l), &out);

	listen_carry_out(l, step, NULL, &out);
}

/* Our own system's refusals come without the port, and again for each try: the first one counts. */
void relay_take_errors(struct relay *r, const struct addr *too_big)
{
	struct listen *l = r->owner;
	struct udp_error error;

	l->reading = r;
	for (int i = 0; i < ERRORS_PER_WAKEUP && l->reading == r; i++) {
		if (udp_recv_error(r->fd, &error) != 1)
			break;
		if (error.is_ours && too_big == NULL)
			continue;
		if (error.is_ours) {
			error.peer = *too_big;
			too_big = NULL;
		}
		tell_error(r, &error);
	}
	l->reading = NULL;
}

static void send_one(struct relay *r, const struct udp_dgram *d)
{
	bool has_errors = false;
	int rc = udp_send_one(r->fd, d, &has_errors);

	if (rc != 0)
		counter_add(&r->owner->stats.relay_errors, 1);
	if (has_errors && r->end->shell == r) /* not while it closes */
		relay_take_errors(r, rc == -EMSGSIZE ? &d->peer : NULL);
}

static void send_some(struct relay *r, const struct udp_dgram *dgrams, int count)
{
	struct listen *l = r->owner;
	bool has_errors = false;
	int sent = udp_send_heeding(r->fd, l->batch, dgrams, count, &has_errors);

	if (sent < count)
		counter_add(&l->stats.relay_errors, (uint64_t)(count - (sent > 0 ? sent : 0)));
	if (has_errors && r->end->shell == r) /* not while it closes */
		relay_take_errors(r, NULL);
}

void relay_flush_one(struct relay *r)
{
	struct listen_gathered *g = &r->owner->gathered;
	struct udp_dgram run[UDP_BATCH];
	int at, count = 0;

	if (r->gathered == 0)
		return;
	at = g->first[r->place];
	g->relays[r->place] = NULL;
	if (r->gathered == 1) {
		r->gathered = 0;
		send_one(r, &g->dgrams[at]);
		return;
	}
	r->gathered = 0;
	for (; at >= 0; at = g->next[at])
		run[count++] = g->dgrams[at];
	send_some(r, run, count);
}

static void gather(struct relay *r, const struct udp_dgram *d)
{
	struct listen_gathered *g = &r->owner->gathered;
	int at = g->count++;

	g->dgrams[at] = *d;
	g->next[at] = -1;
	if (r->gathered++ == 0) {
		r->place = (uint8_t)g->relay_count++;
		g->relays[r->place] = r;
		g->first[r->place] = (int8_t)at;
	} else {
		g->next[g->last[r->place]] = (int8_t)at;
	}
	g->last[r->place] = (int8_t)at;
}

void relay_flush(struct listen *l)
{
	struct listen_gathered *g = &l->gathered;

	for (int i = 0; i < g->relay_count; i++) {
		if (g->relays[i] != NULL)
			relay_flush_one(g->relays[i]);
	}
	g->count = g->relay_count = 0;
}

/* Changing what the socket does concerns what is gathered as well. */
static void set_dont_fragment(struct relay *r, bool on)
{
	if (on == r->dont_fragment)
		return;
	relay_flush_one(r);
	if (udp_set_dont_fragment(r->fd, r->end->local.family, on) == 0)
		r->dont_fragment = on;
}

void relay_send(struct listen *l, const struct turnd_out *out)
{
	struct relay *r = out->end->shell;
	struct udp_dgram d = { .data = out->data, .peer = out->peer };

	if (out->ip.ttl > 0)
		d.ip.ttl = (uint8_t)out->ip.ttl;
	if (out->ip.tos > 0)
		d.ip.tos = (uint8_t)out->ip.tos;
	set_dont_fragment(r, out->dont_fragment);
	if (l->gathered.is_on && !out->dont_fragment) {
		gather(r, &d);
		return;
	}
	relay_flush_one(r); /* in order */
	send_one(r, &d);
}
