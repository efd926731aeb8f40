#include "handover.h"

#include <stdlib.h>

#include "relay.h"

/* Of the asker, but for `gift` and `ask`, which the giver has meanwhile. */
struct handover {
	struct handover *next;
	struct listen *asker;
	struct turnd_in in; /* its data is a copy, behind this struct */
	struct turnd_ask ask;
	struct turnd_gift gift;
	struct worker_message *back; /* with the gift, for the giver to send */
	struct worker_message *home; /* with a gift that nobody wants, for the asker to send */
	bool forgotten;              /* nobody waits for the answer */
	uint8_t data[];
};

static struct worker *thread_of(struct listen *l, uint16_t index)
{
	if (index >= l->common->workers)
		return NULL;
	return atomic_load(&l->common->threads[index]);
}

static void unlink_waiting(struct handover *h)
{
	struct handover **at = &h->asker->waiting;

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	h->asker->waiting_count--;
}

static void handover_free(struct handover *h)
{
	worker_message_free(h->back);
	worker_message_free(h->home);
	free(h);
}

/* It is freed once it has run. */
static void send_message(struct worker *w, struct worker_message **m)
{
	struct worker_message *sent = *m;

	*m = NULL;
	worker_send(w, sent);
}

/* In the giver's thread: nobody wants it. */
static void take_back(struct worker *w, void *arg)
{
	struct handover *h = arg;
	struct listen *l = worker_data(w);

	(void)listen_begin(l);
	(void)relay_attach(l, &h->gift);
	turnd_return(l->turnd, &h->gift, &l->now);
	handover_free(h);
}

static bool waits(const struct listen *l, const struct listen_link *link)
{
	const struct handover *h = l->waiting;

	while (h != NULL && h->in.link != link)
		h = h->next;
	return h != NULL;
}

/* In the asker's thread. */
static void judge_again(struct listen *l, struct handover *h)
{
	struct listen_link *link = h->in.link;
	bool is_stream = link != NULL && link->stream != NULL;

	(void)relay_attach(l, &h->gift);
	h->in.gift = &h->gift;
	listen_judge(l, &h->in);
	if (is_stream && !waits(l, link))
		listen_link_resume(link);
}

static void receive(struct worker *w, void *arg)
{
	struct handover *h = arg;
	struct listen *l = worker_data(w);

	unlink_waiting(h);
	(void)listen_begin(l);
	if (h->forgotten) {
		send_message(thread_of(l, h->ask.worker), &h->home);
		return;
	}
	judge_again(l, h);
	handover_free(h);
}

/* In the giver's thread. */
static void give(struct worker *w, void *arg)
{
	struct handover *h = arg;
	struct listen *l = worker_data(w);

	(void)listen_begin(l);
	turnd_answer(l->turnd, &h->ask, &l->now, &h->gift);
	relay_detach(&h->gift);
	send_message(thread_of(l, h->ask.from), &h->back);
}

/* All messages that it may take are made now: what is given cannot be lost on its way. */
static struct handover *handover_new(struct listen *l, const struct turnd_in *in,
				     const struct turnd_ask *ask)
{
	struct handover *h = calloc(1, sizeof(*h) + in->data.len);

	if (h == NULL)
		return NULL;
	h->back = worker_message_new(receive, h);
	h->home = worker_message_new(take_back, h);
	if (h->back == NULL || h->home == NULL) {
		handover_free(h);
		return NULL;
	}
	h->asker = l;
	h->in = *in;
	h->ask = *ask;
	memcpy(h->data, in->data.data, in->data.len);
	h->in.data = bytes_of(h->data, in->data.len);
	h->next = l->waiting;
	l->waiting = h;
	l->waiting_count++;
	return h;
}

static bool may_ask(struct listen *l, const struct turnd_in *in, const struct turnd_ask *ask)
{
	struct worker *giver = thread_of(l, ask->worker);
	struct handover *h;

	if (giver == NULL || l->waiting_count >= HANDOVER_MAX)
		return false;
	h = handover_new(l, in, ask);
	if (h == NULL)
		return false;
	if (!worker_post(giver, give, h)) {
		unlink_waiting(h);
		handover_free(h);
		return false;
	}
	counter_add(&l->stats.handed_over, 1);
	return true;
}

/* As if that worker had nothing. A move that is expected is not given up for it. */
static void refuse(struct listen *l, const struct turnd_in *in, const struct turnd_ask *ask)
{
	struct turnd_gift nothing = { .kind = ask->kind, .code = 508, .worker = ask->worker };
	struct turnd_in again = *in;

	again.gift = &nothing;
	if (ask->kind != TURND_ASK_ALLOC)
		listen_judge(l, &again);
}

void handover_ask(struct listen *l, const struct turnd_in *in, const struct turnd_ask *ask)
{
	if (!may_ask(l, in, ask)) {
		if (five_tuple_is_stream(&in->tuple)) /* over datagrams it is sent again */
			refuse(l, in, ask);
	} else if (in->link != NULL) {
		listen_link_pause(in->link); /* what follows may build on it */
	}
}

void handover_forget(struct listen *l, const void *link)
{
	for (struct handover *h = l->waiting; h != NULL; h = h->next) {
		if (h->in.link != link)
			continue;
		h->forgotten = true;
		h->in.link = NULL; /* another one may get its place in memory */
	}
}

void handover_free_all(struct listen *l)
{
	while (l->waiting != NULL) {
		struct handover *next = l->waiting->next;

		handover_free(l->waiting);
		l->waiting = next;
	}
}

/* A port that goes back to the worker whose share it is of. */
struct returned {
	uint16_t relay, port;
	bool has_token;
	struct ports_token token;
};

static void take_port(struct worker *w, void *arg)
{
	struct returned *r = arg;
	struct listen *l = worker_data(w);

	turnd_port_returned(l->turnd, r->relay, r->port, r->has_token ? &r->token : NULL);
	free(r);
}

void handover_release_port(void *arg, uint16_t worker, uint16_t relay, uint16_t port,
			   const struct ports_token *token)
{
	struct listen *l = arg;
	struct worker *w = thread_of(l, worker);
	struct returned *r;

	if (l->quiet) /* the end: no port is given out again, and who would hear of it may be gone */
		return;
	r = malloc(sizeof(*r));
	if (w == NULL || r == NULL) {
		free(r);
		return;
	}
	*r = (struct returned){ .relay = relay, .port = port, .has_token = token != NULL };
	if (token != NULL)
		r->token = *token;
	if (!worker_post(w, take_port, r))
		free(r);
}
