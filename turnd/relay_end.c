#include "relay_end.h"

#include <errno.h>

#include "reserved.h"

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

int relay_end_open_at(struct turnd *t, struct relay_end *end, uint16_t worker, uint16_t relay,
		      uint16_t port)
{
	const struct snapshot_relay *r = &t->snapshot->relays[relay];
	int rc;

	end->local = addr_with_port(&r->local, port);
	end->relayed = addr_with_port(&r->seen_as, port);
	end->relay = relay;
	end->worker = worker;
	if (end->protocol == TURN_PROTOCOL_TCP) /* before anybody can be allowed to reach it */
		ports_set_stream(turnd_ports_of(t, worker, relay), port);
	rc = t->io->open_relay(t->io->arg, end);
	if (rc != 0)
		end->relayed.family = ADDR_NONE;
	return rc;
}

static void close_socket(struct turnd *t, struct relay_end *end)
{
	t->io->close_relay(t->io->arg, end);
	end->relayed.family = ADDR_NONE;
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

/* end NULL: another worker opens it, so that there is the second one of a pair to open at most. */
static int open_taken(struct turnd *t, struct relay_end *end, uint16_t relay, uint16_t port,
		      const struct ports_token *pair, uint64_t now_ms)
{
	int rc = end == NULL ? 0 : relay_end_open_at(t, end, t->worker, relay, port);

	if (rc != 0 || pair == NULL)
		return rc;
	rc = reserved_open(t, relay, (uint16_t)(port + 1), pair, now_ms);
	if (rc != 0 && end != NULL)
		close_socket(t, end);
	return rc;
}

/*
 * Refused ports are held until the end, so that none of them is picked twice.
 * Returns 0 with *port set, or -errno.
 */
static int take_on(struct turnd *t, struct relay_end *end, uint16_t relay, enum relay_want want,
		   uint64_t now_ms, uint16_t *port, struct ports_token *token)
{
	struct ports_token tokens[TRIES_MOST];
	uint16_t refused[TRIES_MOST];
	bool is_pair = want == RELAY_PAIR;
	size_t count = 0;
	int rc = -EADDRINUSE;

	while (rc == -EADDRINUSE && count < TRIES_MOST) {
		*port = take_port(t, relay, want, now_ms, &tokens[count]);
		if (*port == 0)
			break;
		rc = open_taken(t, end, relay, *port, is_pair ? &tokens[count] : NULL, now_ms);
		if (rc != 0)
			refused[count++] = *port;
	}
	if (rc == 0 && is_pair)
		*token = tokens[count];
	for (size_t i = 0; i < count; i++) {
		ports_release(turnd_ports(t, relay), refused[i]);
		if (is_pair)
			ports_cancel(turnd_ports(t, relay), &tokens[i]);
	}
	return rc;
}

/* On any relay address of the family. Where one of them has no port left, that is why it failed. */
static int take(struct turnd *t, struct relay_end *end, uint8_t family, enum relay_want want,
		uint64_t now_ms, uint16_t *relay, uint16_t *port, struct ports_token *token)
{
	size_t relays = t->snapshot->relay_count;
	size_t first = relays > 0 ? (size_t)(random_u64(t) % relays) : 0;
	int failure = -EADDRNOTAVAIL;

	for (size_t i = 0; i < relays; i++) {
		int rc;

		*relay = (uint16_t)((first + i) % relays);
		if (t->snapshot->relays[*relay].local.family != family)
			continue;
		rc = take_on(t, end, *relay, want, now_ms, port, token);
		if (rc == 0)
			return 0;
		if (failure != -EADDRINUSE)
			failure = rc;
	}
	return failure;
}

uint16_t relay_end_take(struct turnd *t, uint8_t family, enum relay_want want, uint64_t now_ms,
			uint16_t *relay, struct ports_token *token)
{
	uint16_t port;

	return take(t, NULL, family, want, now_ms, relay, &port, token) == 0 ? port : 0;
}

int relay_end_open(struct turnd *t, struct relay_end *end, uint8_t family, enum relay_want want,
		   uint64_t now_ms, struct ports_token *token)
{
	uint16_t relay, port;

	return take(t, end, family, want, now_ms, &relay, &port, token);
}

void relay_end_release(struct turnd *t, uint16_t worker, uint16_t relay, uint16_t port,
		       const struct ports_token *token)
{
	if (worker == t->worker)
		turnd_port_returned(t, relay, port, token);
	else
		t->io->release_port(t->io->arg, worker, relay, port, token);
}

void relay_end_close(struct turnd *t, struct relay_end *end)
{
	if (end->relayed.family == ADDR_NONE)
		return;
	if (end->protocol == TURN_PROTOCOL_TCP)
		tcp_peers_end(t, end);
	close_socket(t, end);
	relay_end_release(t, end->worker, end->relay, end->local.port, NULL);
}

struct relay_end *relay_end_of(struct flow *f, uint8_t family)
{
	for (size_t i = 0; i < ARRAY_LEN(f->ends); i++) {
		if (f->ends[i].relayed.family == family)
			return &f->ends[i];
	}
	return NULL;
}
