/* What leaves for clients; for those of UDP, gathered until the loop's round ends. */
#include "listen_parts.h"

#include "handover.h"
#include "relay.h"
#include "tcp_relay.h"

uint8_t *listen_room(struct listen *l)
{
	if (l->arena_len + LISTEN_ROOM > LISTEN_ARENA)
		listen_flush(l);
	return l->arena + l->arena_len;
}

/* Where `data` stays until it is sent: there already, if it was built in listen_room. */
static struct bytes keep(struct listen *l, struct bytes data)
{
	uint8_t *room = listen_room(l);
	size_t end;

	if (data.data < room || data.data >= room + LISTEN_ROOM) {
		memcpy(room, data.data, data.len);
		data.data = room;
	}
	end = (size_t)(data.data - l->arena) + data.len;
	l->arena_len = (end + 15) / 16 * 16;
	return data;
}

static void flush_socket(struct listen *l, struct listen_socket *s)
{
	int sent = udp_send(s->fd, l->batch, s->out, s->out_count);

	if (sent < s->out_count)
		counter_add(&l->stats.send_errors,
			    (uint64_t)(s->out_count - (sent > 0 ? sent : 0)));
	s->out_count = 0;
}

void listen_flush(struct listen *l)
{
	for (size_t i = 0; i < l->common->listener_count; i++) {
		if (l->sockets[i].out_count > 0)
			flush_socket(l, &l->sockets[i]);
	}
	l->arena_len = 0;
}

struct listen_socket *listen_find(struct listen *l, const struct addr *local)
{
	struct listen_socket *any = NULL;

	for (size_t i = 0; i < l->common->listener_count; i++) {
		struct listen_socket *s = &l->sockets[i];

		if (s->at->local.port != local->port || s->at->local.family != local->family)
			continue;
		if (s->any)
			any = s;
		else if (addr_equal_ip(&s->at->local, local))
			return s;
	}
	return any;
}

static void send_datagram(struct listen *l, const struct turnd_out *out)
{
	struct listen_socket *s = listen_find(l, &out->tuple.server);
	struct udp_dgram *d;

	if (s == NULL || s->fd < 0) {
		counter_add(&l->stats.send_errors, 1);
		return;
	}
	d = &s->out[s->out_count++];
	d->data = keep(l, out->data);
	d->peer = out->tuple.client;
	d->local = s->any ? out->tuple.server : (struct addr){ 0 };
	d->ip = (struct udp_ip){ 0 };
	if (out->ip.ttl > 0)
		d->ip.ttl = (uint8_t)out->ip.ttl;
	if (out->ip.tos > 0)
		d->ip.tos = (uint8_t)out->ip.tos;
	if (s->out_count == UDP_BATCH)
		listen_flush(l);
}

void listen_send(struct listen *l, const struct turnd_out *out)
{
	if (out->link != NULL)
		listen_link_send(l, out->link, out->data);
	else
		send_datagram(l, out);
}

/* Only STUN makes and ends allocations; but to its next connection, data take it along. */
static bool may_settle(const struct turnd_in *in)
{
	const struct listen_link *link = in->link;
	bool is_stun = in->data.len > 0 && in->data.data[0] < 4;

	return link != NULL && (is_stun || list_is_empty(&link->kept));
}

void listen_judge(struct listen *l, const struct turnd_in *in)
{
	struct turnd_out out;
	enum turnd_step step;

	(void)listen_begin(l);
	step = turnd_from_client(l->turnd, in, &l->now, listen_room(l), &out);
	if (may_settle(in))
		listen_link_settle(l, in->link);
	listen_carry_out(l, step, in, &out);
}

void listen_carry_out(struct listen *l, enum turnd_step step, const struct turnd_in *in,
		      struct turnd_out *out)
{
	switch (step) {
	case TURND_NOTHING:
		break;
	case TURND_TO_CLIENT:
		if (in != NULL && in->site != NULL)
			out->tuple.server = listen_site_source(l, in, out->socket);
		listen_send(l, out);
		break;
	case TURND_TO_PEER:
		relay_send(l, out);
		break;
	case TURND_ASK:
		handover_ask(l, in, &out->ask);
		break;
	case TURND_JOIN:
		tcp_relay_join(l, in->link, out);
		break;
	case TURND_CLOSE:
		if (out->data.len > 0)
			listen_send(l, out);
		if (in != NULL && in->link != NULL)
			listen_link_close(l, in->link);
		break;
	}
}
