/* Channels that the other side opens: who takes them, and which of them wait. */
#include <stdio.h>
#include <string.h>

#include "exchange_state.h"

/* A program that still is there and may take it. */
static struct party *find_taker(struct exchange *x, const char *service)
{
	struct list *at = x->lists[PARTY_WAITING].next;

	while (at != &x->lists[PARTY_WAITING]) {
		struct party *p = LIST_OF(at, struct party, link);

		at = at->next;
		if (p->junction != NULL || party_is_opener(x, p) ||
		    strcmp(p->line.service, service) != 0)
			continue;
		if (!party_has_left(p))
			return p;
		party_drop(p);
	}
	return NULL;
}

static bool is_ours(const struct channel *c, bool *datagrams)
{
	*datagrams = strcmp(channel_protocol(c), CHANNEL_DATAGRAM) == 0;
	return (*datagrams || strcmp(channel_protocol(c), CHANNEL_STREAM) == 0) &&
	       attach_is_service(bytes_of_str(channel_label(c)));
}

static struct party *oldest_left_over(const struct exchange *x, size_t *bytes)
{
	const struct list *l = &x->lists[PARTY_PENDING];
	struct party *oldest = NULL;

	*bytes = 0;
	for (struct list *at = l->prev; at != l; at = at->prev) {
		struct party *p = LIST_OF(at, struct party, link);
		const size_t left = junction_left_over(p->junction);

		*bytes += left;
		oldest = left > 0 ? p : oldest;
	}
	return oldest;
}

/* What was said to the end waits for good, but for what is new. */
static void make_room(struct exchange *x)
{
	struct party *p;
	size_t bytes;

	while ((p = oldest_left_over(x, &bytes)) != NULL &&
	       (bytes > EXCHANGE_LEFT_MAX || x->counts[PARTY_PENDING] >= EXCHANGE_PENDING_MAX))
		party_drop(p);
}

bool exchange_on_channel(struct exchange *x, struct channel *c)
{
	struct channel_events events;
	struct party *p, *program;
	bool datagrams;

	if (!is_ours(c, &datagrams))
		return false;
	make_room(x);
	program = find_taker(x, channel_label(c));
	if (program == NULL && x->counts[PARTY_PENDING] >= EXCHANGE_PENDING_MAX)
		return false;
	p = party_new(x, PARTY_PENDING);
	if (p == NULL)
		return false;
	p->line.datagrams = datagrams;
	(void)snprintf(p->line.service, sizeof(p->line.service), "%s", channel_label(c));
	p->junction = party_make_junction(p);
	if (p->junction == NULL) {
		party_free(p);
		return false;
	}
	events = junction_events(p->junction);
	channel_set_events(c, &events);
	junction_set_channel(p->junction, c);
	if (program != NULL)
		party_marry(program, p);
	return true;
}
