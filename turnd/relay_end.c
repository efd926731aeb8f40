#include "relay_end.h"

#include <errno.h>

#define TRIES_MOST 16 /* ports of one relay address that other programs may turn out to have */

bool relay_end_has_family(const struct turnd *t, uint8_t family)
{
	for (size_t i = 0; i < t->snapshot->relay_count; i++) {
		if (t->snapshot->relays[i].local.family == family)
			return true;
	}
	return false;
}

static uint64_t random_u64(const struct turnd *t)
{
	uint64_t random;

	t->io->random(t->io->arg, &random, sizeof(random));
	return random;
}

static int open_at(struct turnd *t, struct relay_end *end, uint16_t worker, uint16_t relay,
		   uint16_t port)
{
	const struct snapshot_relay *r = &t->snapshot->relays[relay];
	int rc;

	end->local = addr_with_port(&r->local, port);
	end->relayed = addr_with_port(&r->seen_as, port);
	end->relay = relay;
	end->worker = worker;
	rc = t->io->open_relay(t->io->arg, end);
	if (rc != 0)
		end->relayed.family = ADDR_NONE;
	return rc;
}

uint16_t relay_end_open_at(struct turnd *t, struct relay_end *end, uint16_t worker, uint16_t relay,
			   uint16_t port)
{
	return open_at(t, end, worker, relay, port) == 0 ? 0 : 508;
}

static uint16_t take_port(struct turnd *t, uint16_t relay, enum relay_want want, uint64_t now_ms,
			  struct ports_token *token)
{
	struct ports *p = turnd_ports(t, relay);
	uint8_t random[PORTS_TOKEN_LEN];

	if (want != RELAY_PAIR)
		return ports_take(p, want == RELAY_EVEN ? PORTS_EVEN : PORTS_ANY, random_u64(t));
	t->io->random(t->io->arg, random, sizeof(random));
	return ports_take_pair(p, random_u64(t), random, now_ms, token);
}

uint16_t relay_end_take(struct turnd *t, uint8_t family, enum relay_want want, uint64_t now_ms,
			uint16_t *relay, struct ports_token *token)
{
	size_t relays = t->snapshot->relay_count;
	size_t first = relays > 0 ? (size_t)(random_u64(t) % relays) : 0;

	for (size_t i = 0; i < relays; i++) {
		uint16_t port = 0;

		*relay = (uint16_t)((first + i) % relays);
		if (t->snapshot->relays[*relay].local.family == family)
			port = take_port(t, *relay, want, now_ms, token);
		if (port != 0)
			return port;
	}
	return 0;
}

/* Refused ports are held until the end, so that none of them is picked twice. */
static uint16_t open_on(struct turnd *t, struct relay_end *end, uint16_t relay,
			enum relay_want want, uint64_t now_ms, struct ports_token *token)
{
	struct ports_token tokens[TRIES_MOST];
	uint16_t refused[TRIES_MOST];
	size_t count = 0;
	int rc = -EADDRINUSE;

	while (rc == -EADDRINUSE && count < TRIES_MOST) {
		uint16_t port = take_port(t, relay, want, now_ms, &tokens[count]);

		if (port == 0)
			break;
		rc = open_at(t, end, t->worker, relay, port);
		if (rc != 0)
			refused[count++] = port;
	}
	if (rc == 0 && want == RELAY_PAIR)
		*token = tokens[count];
	for (size_t i = 0; i < count; i++) {
		ports_release(turnd_ports(t, relay), refused[i]);
		if (want == RELAY_PAIR)
			ports_cancel(turnd_ports(t, relay), &tokens[i]);
	}
	return rc == 0 ? 0 : 508;
}

uint16_t relay_end_open(struct turnd *t, struct relay_end *end, uint8_t family,
			enum relay_want want, uint64_t now_ms, struct ports_token *token)
{
	size_t relays = t->snapshot->relay_count;
	size_t first = relays > 0 ? (size_t)(random_u64(t) % relays) : 0;

	for (size_t i = 0; i < relays; i++) {
		size_t at = (first + i) % relays;

		if (t->snapshot->relays[at].local.family == family &&
		    open_on(t, end, (uint16_t)at, want, now_ms, token) == 0)
			return 0;
	}
	return 508;
}

void relay_end_release(struct turnd *t, uint16_t worker, uint16_t relay, uint16_t port)
{
	if (worker == t->worker)
		ports_release(turnd_ports(t, relay), port);
	else
		t->io->release_port(t->io->arg, worker, relay, port);
}

void relay_end_close(struct turnd *t, struct relay_end *end)
{
	if (end->relayed.family == ADDR_NONE)
		return;
	if (end->protocol == TURN_PROTOCOL_TCP)
		tcp_peers_end(t, end);
	t->io->close_relay(t->io->arg, end);
	relay_end_release(t, end->worker, end->relay, end->local.port);
	end->relayed.family = ADDR_NONE;
}

struct relay_end *relay_end_of(struct flow *f, uint8_t family)
{
	for (size_t i = 0; i < ARRAY_LEN(f->ends); i++) {
		if (f->ends[i].relayed.family == family)
			return &f->ends[i];
	}
	return NULL;
}
