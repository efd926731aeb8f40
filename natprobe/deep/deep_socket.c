#include <errno.h>

#include "deep_state.h"

/* Local ports as systems hand them out. */
#define PORT_LOW      32768u
#define PORT_COUNT    28000u
#define ATTEMPTS_MAX  8
#define DRAWS_MAX     64
#define DATAGRAMS_MAX 20000 /* of one diagnosis */

static bool is_used(const struct deep *d, uint16_t port)
{
	return (d->used_ports[port / 8] >> port % 8 & 1) != 0;
}

/* A mapping may live on behind a port that was in use. */
static uint16_t fresh_port(struct deep *d)
{
	uint16_t random, port = 0;

	for (int i = 0; i < DRAWS_MAX; i++) {
		deep_random(d, &random, sizeof(random));
		port = (uint16_t)(PORT_LOW + random % PORT_COUNT);
		if (!is_used(d, port))
			break;
	}
	return port;
}

/* Before all that is to be sent from it, where that is on its way already. */
static void ask_for(struct deep *d, uint16_t socket, uint16_t port, bool again)
{
	struct deep_socket *s = &d->sockets[socket];
	struct deep_action a = { .kind = DEEP_OPEN, .slot = socket, .local = s->source };

	a.port = port != 0 ? port : fresh_port(d);
	d->used_ports[a.port / 8] |= (uint8_t)(1u << a.port % 8);
	if (!(again ? deep_queue_put_first(&d->queue, &a)
		    : deep_queue_put(&d->queue, &a, DEEP_NO_ORDER)))
		s->state = DEEP_SOCKET_FREE;
}

static uint16_t free_socket(const struct deep *d)
{
	for (uint16_t i = 0; i < DEEP_SLOTS_MAX; i++) {
		if (d->sockets[i].state == DEEP_SOCKET_FREE)
			return i;
	}
	return DEEP_NO_SOCKET;
}

uint16_t deep_socket_open(struct deep *d, const struct addr *source, uint16_t port, uint8_t trial)
{
	uint16_t socket = d->socket_count < d->config.mappings ? free_socket(d) : DEEP_NO_SOCKET;

	if (socket == DEEP_NO_SOCKET || d->phase >= DEEP_CLOSING)
		return DEEP_NO_SOCKET;
	d->sockets[socket] = (struct deep_socket){ .state = DEEP_SOCKET_WANTED,
						   .trial = trial,
						   .any_port = port == 0 };
	if (source != NULL)
		d->sockets[socket].source = *source;
	if (d->token_count > 0)
		d->sockets[socket].token = deep_token_likely(d);
	ask_for(d, socket, port, false);
	if (d->sockets[socket].state == DEEP_SOCKET_FREE)
		return DEEP_NO_SOCKET;
	d->socket_count++;
	if (d->socket_count > d->verdict->deep.mappings)
		d->verdict->deep.mappings = d->socket_count;
	return socket;
}

bool deep_socket_is_usable(const struct deep *d, uint16_t socket)
{
	return socket < DEEP_SLOTS_MAX && (d->sockets[socket].state == DEEP_SOCKET_WANTED ||
					   d->sockets[socket].state == DEEP_SOCKET_OPEN);
}

void deep_socket_close(struct deep *d, uint16_t socket)
{
	struct deep_action a = { .kind = DEEP_CLOSE, .slot = socket };

	if (!deep_socket_is_usable(d, socket))
		return;
	deep_order_forget(d, socket);
	deep_queue_drop(&d->queue, DEEP_SEND, socket);
	d->sockets[socket].state = DEEP_SOCKET_CLOSING;
	/* Where the queue is full, the end closes it. */
	(void)deep_queue_put(&d->queue, &a, DEEP_NO_ORDER);
}

bool deep_socket_send(struct deep *d, uint16_t socket, const struct deep_send *send, uint16_t order)
{
	struct deep_action a = { .kind = DEEP_SEND,
				 .slot = socket,
				 .to = send->to,
				 .ttl = send->ttl,
				 .flags = send->flags,
				 .data = send->data };

	if (!deep_socket_is_usable(d, socket) || send->data.len > COOP_SIZE_MAX ||
	    d->verdict->deep.sent + d->queue.sends >= DATAGRAMS_MAX)
		return false;
	return deep_queue_put(&d->queue, &a, order);
}

static void tell_open(struct deep *d, uint16_t socket, bool opened)
{
	uint8_t trial = d->sockets[socket].trial;

	if (trial == DEEP_NOBODY)
		return;
	deep_poke(d, trial);
	d->current = trial;
	if (deep_trials[trial]->on_open != NULL)
		deep_trials[trial]->on_open(d, d->trials[trial].state, socket, opened);
}

void deep_on_open(struct deep *d, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	struct deep_socket *s = slot < DEEP_SLOTS_MAX ? &d->sockets[slot] : NULL;

	if (s == NULL || s->state == DEEP_SOCKET_FREE)
		return;
	d->now_us = now_us;
	s->local = *local;
	if (s->state != DEEP_SOCKET_WANTED)
		return;
	s->state = DEEP_SOCKET_OPEN;
	tell_open(d, slot, true);
}

void deep_on_open_failed(struct deep *d, uint16_t slot, int err, uint64_t now_us)
{
	struct deep_socket *s = slot < DEEP_SLOTS_MAX ? &d->sockets[slot] : NULL;

	if (s == NULL || s->state != DEEP_SOCKET_WANTED)
		return;
	d->now_us = now_us;
	if (err == -EADDRINUSE && s->any_port && ++s->attempts < ATTEMPTS_MAX) {
		ask_for(d, slot, 0, true);
		if (s->state == DEEP_SOCKET_WANTED)
			return;
	}
	deep_queue_drop(&d->queue, DEEP_SEND, slot);
	/* Nobody else gets it while those whose it was are told. */
	s->state = DEEP_SOCKET_CLOSING;
	deep_order_abandon(d, slot);
	tell_open(d, slot, false);
	s->state = DEEP_SOCKET_FREE;
	d->socket_count--;
}

/* Services of trials. */

uint16_t deep_open(struct deep *d, uint16_t port)
{
	return deep_socket_open(d, NULL, port, d->current);
}

/* Who has to share it with another address of ours may get another port outside because of that. */
static void do_not_sample(struct deep *d, uint16_t port)
{
	for (size_t i = 0; i < DEEP_SLOTS_MAX; i++) {
		if (d->sockets[i].local.port == port)
			d->sockets[i].is_seen = true;
	}
}

uint16_t deep_open_at(struct deep *d, const struct addr *local, uint16_t port)
{
	if (port != 0)
		do_not_sample(d, port);
	return deep_socket_open(d, local, port, d->current);
}

const struct addr *deep_local(const struct deep *d, uint16_t socket)
{
	static const struct addr none;

	return deep_socket_is_usable(d, socket) ? &d->sockets[socket].local : &none;
}

void deep_close(struct deep *d, uint16_t socket)
{
	/* What was not opened has a number that may be somebody else's by now. */
	if (socket < DEEP_SLOTS_MAX && d->sockets[socket].trial == d->current)
		deep_socket_close(d, socket);
}

bool deep_send(struct deep *d, uint16_t socket, const struct deep_send *send)
{
	return deep_socket_send(d, socket, send, DEEP_NO_ORDER);
}

size_t deep_room(const struct deep *d)
{
	return d->socket_count < d->config.mappings ? (size_t)(d->config.mappings - d->socket_count)
						    : 0;
}

uint64_t deep_backlog_us(const struct deep *d)
{
	return d->queue.sends * (1000000u / d->timing.rate_per_s);
}

/* TCP. */

static uint16_t open_tcp(struct deep *d, enum deep_kind kind, uint16_t port, const struct addr *to)
{
	struct deep_action a = { .kind = (uint8_t)kind, .port = port };

	for (uint16_t i = 0; i < DEEP_ACCEPTED_FIRST; i++) {
		if (d->tcp[i].state != DEEP_SOCKET_FREE)
			continue;
		a.slot = i;
		if (to != NULL)
			a.to = *to;
		if (d->phase >= DEEP_CLOSING || !deep_queue_put(&d->queue, &a, DEEP_NO_ORDER))
			return DEEP_NO_SOCKET;
		d->tcp[i] = (struct deep_tcp){ .state = DEEP_SOCKET_WANTED,
					       .trial = d->current,
					       .listens = kind == DEEP_LISTEN };
		return i;
	}
	return DEEP_NO_SOCKET;
}

uint16_t deep_listen(struct deep *d, uint16_t port)
{
	return open_tcp(d, DEEP_LISTEN, port, NULL);
}

uint16_t deep_connect(struct deep *d, uint16_t port, const struct addr *to)
{
	return open_tcp(d, DEEP_CONNECT, port, to);
}

static bool tcp_is_alive(const struct deep *d, uint16_t tcp)
{
	return tcp < DEEP_CONNECTIONS_MAX &&
	       (d->tcp[tcp].state == DEEP_SOCKET_WANTED || d->tcp[tcp].state == DEEP_SOCKET_OPEN);
}

const struct addr *deep_tcp_local(const struct deep *d, uint16_t tcp)
{
	static const struct addr none;

	return tcp_is_alive(d, tcp) ? &d->tcp[tcp].local : &none;
}

void deep_write(struct deep *d, uint16_t tcp, struct bytes data)
{
	struct deep_action a = { .kind = DEEP_WRITE, .slot = tcp, .data = data };

	if (tcp_is_alive(d, tcp) && data.len <= COOP_SIZE_MAX)
		(void)deep_queue_put(&d->queue, &a, DEEP_NO_ORDER);
}

void deep_disconnect(struct deep *d, uint16_t tcp)
{
	struct deep_action a = { .kind = DEEP_DISCONNECT, .slot = tcp };

	if (!tcp_is_alive(d, tcp))
		return;
	d->tcp[tcp].state = DEEP_SOCKET_CLOSING;
	(void)deep_queue_put(&d->queue, &a, DEEP_NO_ORDER);
}
