#include "exchange.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "exchange_state.h"
#include "unix_peer.h"

#define EARLY_MAX 65536

void party_free(struct party *p)
{
	p->exchange->counts[p->state]--;
	list_remove(&p->link);
	junction_free(p->junction);
	if (p->bev != NULL)
		bufferevent_free(p->bev);
	free(p);
}

static void move(struct party *p, enum party_state to)
{
	p->exchange->counts[p->state]--;
	p->exchange->counts[to]++;
	p->state = to;
	list_append(&p->exchange->lists[to], &p->link);
}

struct party *party_new(struct exchange *x, enum party_state state)
{
	struct party *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->exchange = x;
	p->state = state;
	list_init(&p->link);
	list_append(&x->lists[state], &p->link);
	x->counts[state]++;
	return p;
}

void party_drop(struct party *p)
{
	move(p, PARTY_DEAD);
	event_active(p->exchange->sweeper, EV_TIMEOUT, 0);
}

/* --- a stream --- */

static void stand(struct party *p)
{
	struct bufferevent *bev = p->bev;

	p->bev = NULL;
	p->exchange->streams_all++;
	move(p, PARTY_STREAM);
	attach_accept(bev, p->line.datagrams);
	junction_set_program(p->junction, bev);
}

static void on_open(void *arg)
{
	struct party *p = arg;

	if (p->state == PARTY_WAITING && !p->has_lost)
		stand(p);
}

static void on_over(void *arg, const char *why)
{
	struct party *p = arg;

	if (p->state != PARTY_WAITING) {
		party_drop(p);
		return;
	}
	/* Did the other side refuse, or is there no other side any more? That is known in a moment. */
	p->has_lost = true;
	(void)snprintf(p->why, sizeof(p->why), "%s", why != NULL ? why : "it was closed");
	event_active(p->exchange->sweeper, EV_TIMEOUT, 0);
}

struct junction *party_make_junction(struct party *p)
{
	const struct junction_hooks hooks = { .on_open = on_open, .on_over = on_over, .arg = p };

	return junction_new(p->line.datagrams, &hooks);
}

/* --- programs --- */

/* It was killed while it waited; what it has written may still be wanted. */
bool party_has_left(struct party *p)
{
	return unix_peer_is_gone(bufferevent_getfd(p->bev)) &&
	       evbuffer_get_length(bufferevent_get_input(p->bev)) == 0;
}

/* It may write before it is heard, but so much. */
static void on_early(struct bufferevent *bev, void *arg)
{
	if (evbuffer_get_length(bufferevent_get_input(bev)) >= EARLY_MAX)
		(void)bufferevent_disable(bev, EV_READ);
}

static void on_waiting_event(struct bufferevent *bev, short events, void *arg)
{
	struct party *p = arg;

	if ((events & BEV_EVENT_ERROR) != 0 || party_has_left(p))
		party_drop(p);
}

bool party_is_opener(const struct exchange *x, const struct party *p)
{
	return p->line.verb == ATTACH_CONNECT || (p->line.verb == ATTACH_JOIN && x->opens);
}

static struct party *find(struct list *l, const char *service)
{
	for (struct list *at = l->next; at != l; at = at->next) {
		struct party *p = LIST_OF(at, struct party, link);

		if (strcmp(p->line.service, service) == 0)
			return p;
	}
	return NULL;
}

static void refuse_party(struct party *p, const char *word, const char *text)
{
	attach_refuse(p->bev, word, text);
	p->bev = NULL;
	party_drop(p);
}

static void open_channel(struct party *p)
{
	struct exchange *x = p->exchange;
	struct channel_events events;
	struct channel *c = NULL;

	p->junction = party_make_junction(p);
	if (p->junction != NULL) {
		events = junction_events(p->junction);
		c = transport_open(x->transport, p->line.service,
				   p->line.datagrams ? CHANNEL_DATAGRAM : CHANNEL_STREAM, &events);
	}
	if (c != NULL)
		junction_set_channel(p->junction, c);
	else
		refuse_party(p, "busy",
			     "there are too many streams; try again when some have ended");
}

/* Makes one of a program that waits and a channel that does. */
void party_marry(struct party *program, struct party *channel)
{
	channel->line.verb = program->line.verb;
	channel->bev = program->bev;
	program->bev = NULL;
	party_drop(program);
	stand(channel);
}

static void try_program(struct party *p)
{
	struct exchange *x = p->exchange;
	struct party *other;

	if (p->junction != NULL)
		return;
	if (party_is_opener(x, p)) {
		if (x->transport != NULL)
			open_channel(p);
		return;
	}
	/* It may have been said to the end by somebody who has left since. */
	other = find(&x->lists[PARTY_PENDING], p->line.service);
	if (other != NULL)
		party_marry(p, other);
}

void exchange_add(struct exchange *x, const struct attach_line *line, struct bufferevent *bev)
{
	struct party *p = x->counts[PARTY_WAITING] < EXCHANGE_WAITING_MAX
				  ? party_new(x, PARTY_WAITING)
				  : NULL;

	if (p == NULL) {
		attach_refuse(bev, "busy",
			      "too many programs wait for the other side; end some of them");
		return;
	}
	p->line = *line;
	p->bev = bev;
	bufferevent_setcb(bev, on_early, NULL, on_waiting_event, p);
	(void)bufferevent_enable(bev, EV_READ);
	try_program(p);
}

/* --- all of it --- */

static void free_all(struct exchange *x, enum party_state state)
{
	while (!list_is_empty(&x->lists[state]))
		party_free(LIST_OF(x->lists[state].next, struct party, link));
}

static void forget_channel(struct party *p)
{
	junction_free(p->junction);
	p->junction = NULL;
	p->has_lost = false;
}

/* A program whose channel was lost waits on where the whole link was lost. */
static void judge_lost(struct party *p)
{
	if (p->exchange->transport != NULL) {
		refuse_party(p, "closed", p->why);
		return;
	}
	forget_channel(p);
}

static void try_all(struct exchange *x)
{
	struct list *at = x->lists[PARTY_WAITING].next;

	while (at != &x->lists[PARTY_WAITING]) {
		struct party *p = LIST_OF(at, struct party, link);

		at = at->next;
		if (p->has_lost)
			judge_lost(p);
		else
			try_program(p);
	}
}

static void on_sweep(evutil_socket_t fd, short events, void *arg)
{
	struct exchange *x = arg;

	try_all(x);
	free_all(x, PARTY_DEAD);
}

struct exchange *exchange_new(struct event_base *base)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	for (int s = 0; s < PARTY_STATES; s++)
		list_init(&x->lists[s]);
	x->sweeper = evtimer_new(base, on_sweep, x);
	if (x->sweeper != NULL)
		return x;
	free(x);
	return NULL;
}

void exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	for (int s = 0; s < PARTY_STATES; s++)
		free_all(x, (enum party_state)s);
	event_free(x->sweeper);
	free(x);
}

static void lose_all(struct list *l)
{
	struct list *at = l->next;

	while (at != l) {
		struct party *p = LIST_OF(at, struct party, link);

		at = at->next;
		junction_lose(p->junction);
	}
}

void exchange_lose(struct exchange *x)
{
	struct list *waiting = &x->lists[PARTY_WAITING];

	x->transport = NULL;
	lose_all(&x->lists[PARTY_PENDING]);
	lose_all(&x->lists[PARTY_STREAM]);
	for (struct list *at = waiting->next; at != waiting; at = at->next)
		forget_channel(LIST_OF(at, struct party, link));
}

void exchange_use(struct exchange *x, struct transport *t, bool opens)
{
	/* Of the old transport, before there may be a new one. */
	x->transport = NULL;
	try_all(x);
	x->transport = t;
	x->opens = opens;
	if (t != NULL)
		try_all(x);
}

bool exchange_is_flushed(const struct exchange *x)
{
	const struct list *l = &x->lists[PARTY_STREAM];

	for (const struct list *at = l->next; at != l; at = at->next) {
		const struct party *p = LIST_OF(at, struct party, link);

		if (junction_is_ending(p->junction) && !junction_is_flushed(p->junction))
			return false;
	}
	return true;
}

void exchange_count(const struct exchange *x, struct exchange_counts *out)
{
	*out = (struct exchange_counts){ .waiting = x->counts[PARTY_WAITING],
					 .pending = x->counts[PARTY_PENDING],
					 .streams = x->counts[PARTY_STREAM],
					 .streams_all = x->streams_all };
}
