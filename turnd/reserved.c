#include "reserved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay_end.h"

int reserved_open(struct turnd *t, uint16_t relay, uint16_t port, const struct ports_token *token,
		  uint64_t now_ms)
{
	struct reserved *held = calloc(1, sizeof(*held));
	int rc;

	if (held == NULL)
		return -ENOMEM;
	held->end = (struct relay_end){
		.flow = &t->nobody,
		.local = addr_with_port(&t->snapshot->relays[relay].local, port),
		.relay = relay,
		.worker = t->worker,
		.protocol = TURN_PROTOCOL_UDP,
	};
	rc = t->io->open_relay(t->io->arg, &held->end);
	if (rc != 0) {
		free(held);
		return rc;
	}
	held->token = *token;
	held->until_ms = now_ms + PORTS_RESERVED_MS;
	list_init(&held->link);
	list_append(&t->reserved, &held->link);
	return 0;
}

static struct reserved *find(const struct turnd *t, uint16_t relay, uint16_t port)
{
	for (struct list *l = t->reserved.next; l != &t->reserved; l = l->next) {
		struct reserved *held = LIST_OF(l, struct reserved, link);

		if (held->end.relay == relay && held->end.local.port == port)
			return held;
	}
	return NULL;
}

/* The pools compare tokens, in a time that tells nothing. */
struct reserved *reserved_claim(struct turnd *t, const struct ports_token *token, uint64_t now_ms)
{
	for (size_t i = 0; i < t->snapshot->relay_count; i++) {
		uint16_t port = ports_claim(turnd_ports(t, (uint16_t)i), token, now_ms);
		struct reserved *held;

		if (port == 0)
			continue;
		held = find(t, (uint16_t)i, port);
		list_remove(&held->link);
		return held;
	}
	return NULL;
}

void reserved_use(struct turnd *t, struct reserved *held, struct relay_end *end)
{
	struct flow *flow = end->flow;

	*end = held->end;
	end->flow = flow;
	end->relayed =
		addr_with_port(&t->snapshot->relays[end->relay].seen_as, held->end.local.port);
	t->io->pass_relay(t->io->arg, &held->end, end);
	free(held);
}

void reserved_close(struct turnd *t, struct reserved *held)
{
	const struct relay_end *end = &held->end;

	t->io->close_relay(t->io->arg, &held->end);
	relay_end_release(t, end->worker, end->relay, end->local.port, NULL);
	free(held);
}

/* Its port is held by the reservation alone. */
static void drop(struct turnd *t, struct reserved *held)
{
	list_remove(&held->link);
	t->io->close_relay(t->io->arg, &held->end);
	free(held);
}

void reserved_cancel(struct turnd *t, const struct ports_token *token)
{
	for (struct list *l = t->reserved.next; l != &t->reserved; l = l->next) {
		struct reserved *held = LIST_OF(l, struct reserved, link);

		if (memcmp(&held->token, token, sizeof(*token)) != 0)
			continue;
		ports_cancel(turnd_ports(t, held->end.relay), token);
		drop(t, held);
		return;
	}
}

void reserved_on_time(struct turnd *t, uint64_t now_ms)
{
	while (!list_is_empty(&t->reserved)) {
		struct reserved *oldest = LIST_OF(t->reserved.next, struct reserved, link);

		if (oldest->until_ms > now_ms)
			return;
		drop(t, oldest);
	}
}

void reserved_free(struct turnd *t)
{
	while (!list_is_empty(&t->reserved))
		drop(t, LIST_OF(t->reserved.next, struct reserved, link));
}
