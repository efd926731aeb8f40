/* Datagrams at a port here: each source has a stream of datagrams to its target over there. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"
#include "forward_state.h"
#include "sockaddr.h"

struct flow {
	struct list link;
	struct forward_port *port;
	struct addr from;
	struct bufferevent *bev; /* NULL: none yet, or none any more */
	struct evbuffer *early;  /* messages that wait for it */
	uint64_t heard_ms;       /* the last datagram, of either side */
	bool is_attaching;       /* the link still calls us */
	bool is_open;            /* the other side has our target */
	bool is_deaf;            /* it was refused: forgotten at the next sweep */
	uint64_t out, in;
};

static void free_flow(struct flow *w)
{
	if (w->bev != NULL)
		bufferevent_free(w->bev);
	if (w->early != NULL)
		evbuffer_free(w->early);
	list_remove(&w->link);
	w->port->forward->flows--;
	free(w);
}

static void tell(struct flow *w, enum forward_event_kind kind, const char *word)
{
	const struct forward_event e = { .kind = kind,
					 .target = &w->port->spec->target,
					 .from = &w->from,
					 .word = word,
					 .out = w->out,
					 .in = w->in };

	forward_tell(w->port->forward, &e);
}

/* It hears nothing more for a while, so that its next datagram does not ask all anew. */
static void fail(struct flow *w, const char *word)
{
	tell(w, w->is_open ? FORWARD_CLOSED : FORWARD_FAILED, word);
	w->is_deaf = true;
	w->heard_ms = clock_ms();
	if (w->bev != NULL)
		bufferevent_free(w->bev);
	w->bev = NULL;
	(void)evbuffer_drain(w->early, evbuffer_get_length(w->early));
}

/* --- to the other side --- */

static void send_out(struct flow *w, struct bytes data)
{
	struct forward *f = w->port->forward;
	const struct forward_msg m = { .kind = w->is_open ? FORWARD_DATA : FORWARD_OPEN,
				       .target = w->port->spec->target,
				       .data = data };
	struct evbuffer *out = w->bev != NULL ? bufferevent_get_output(w->bev) : w->early;
	size_t len = forward_msg_write(&m, f->message, sizeof(f->message));

	w->heard_ms = clock_ms();
	if (len == 0 || evbuffer_get_length(out) + len >
				(w->bev != NULL ? FORWARD_QUEUE_HIGH : FORWARD_EARLY_MAX))
		return; /* it is lost, as datagrams may be */
	if (evbuffer_add(out, f->message, len) == 0)
		w->out += data.len;
}

/* --- from the other side --- */

static void hear_open(struct flow *w)
{
	if (w->is_open)
		return;
	w->is_open = true;
	tell(w, FORWARD_OPENED, NULL);
}

static void send_back(struct flow *w, struct bytes data)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(&w->from, &ss);

	hear_open(w);
	w->heard_ms = clock_ms();
	if (sendto(w->port->fd, data.data, data.len, MSG_DONTWAIT, (struct sockaddr *)&ss, len) >=
	    0)
		w->in += data.len;
}

static void hear(struct flow *w, const struct forward_msg *m)
{
	char word[PIPE_WORD_MAX + 1];

	if (m->kind == FORWARD_DATA) {
		send_back(w, m->data);
	} else if (m->kind == FORWARD_OK) {
		hear_open(w);
	} else if (m->kind == FORWARD_REFUSED) {
		(void)snprintf(word, sizeof(word), "%.*s", (int)m->data.len,
			       (const char *)m->data.data);
		fail(w, word);
	}
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct flow *w = arg;
	struct forward_msg m;
	enum forward_heard heard;

	while (w->bev != NULL) {
		heard = forward_hear(w->port->forward, bev, true, &m);
		if (heard == FORWARD_PARTLY)
			return;
		if (heard == FORWARD_HEARD)
			hear(w, &m);
	}
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct flow *w = arg;

	/* The other side forgot a source that was silent, or broke: the next datagram asks anew. */
	if (w->is_open)
		tell(w, FORWARD_CLOSED, NULL);
	free_flow(w);
}

static void on_stream(void *arg, struct bufferevent *bev, bool datagrams)
{
	struct flow *w = arg;

	w->is_attaching = false;
	if (w->is_deaf || !datagrams) {
		bufferevent_free(bev);
		return;
	}
	w->bev = bev;
	bufferevent_setcb(bev, on_read, NULL, on_event, w);
	(void)bufferevent_write_buffer(bev, w->early);
	(void)bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void on_refused(void *arg, const char *word, const char *text)
{
	struct flow *w = arg;

	w->is_attaching = false;
	fail(w, FORWARD_BUSY);
}

/* --- sources --- */

static struct flow *find(struct forward_port *p, const struct addr *from)
{
	for (struct list *at = p->flows.next; at != &p->flows; at = at->next) {
		struct flow *w = LIST_OF(at, struct flow, link);

		if (addr_equal(&w->from, from))
			return w;
	}
	return NULL;
}

/* The longest silent one that the link does not call any more; NULL: none. */
static struct flow *find_oldest(struct forward *f)
{
	struct flow *oldest = NULL;

	for (size_t i = 0; i < f->config.spec_count; i++) {
		struct list *flows = &f->ports[i].flows;

		for (struct list *at = flows->next; at != flows; at = at->next) {
			struct flow *w = LIST_OF(at, struct flow, link);

			if (!w->is_attaching && (oldest == NULL || w->heard_ms < oldest->heard_ms))
				oldest = w;
		}
	}
	return oldest;
}

static void forget(struct flow *w)
{
	if (w->is_open && !w->is_deaf)
		tell(w, FORWARD_CLOSED, NULL);
	free_flow(w);
}

/* Resolvers have a new source for each query. */
static bool has_room(struct forward *f)
{
	struct flow *oldest;

	if (f->flows < FORWARD_FLOWS_MAX)
		return true;
	oldest = find_oldest(f);
	if (oldest == NULL)
		return false;
	forget(oldest);
	return true;
}

static struct flow *add(struct forward_port *p, const struct addr *from)
{
	struct forward *f = p->forward;
	struct flow *w = has_room(f) ? calloc(1, sizeof(*w)) : NULL;
	const struct link_user_stream stream = { .on_stream = on_stream,
						 .on_refused = on_refused,
						 .arg = w };

	if (w == NULL)
		return NULL;
	w->port = p;
	w->from = *from;
	list_init(&w->link);
	list_append(&p->flows, &w->link);
	f->flows++;
	w->early = evbuffer_new();
	if (w->early == NULL) {
		free_flow(w);
		return NULL;
	}
	w->is_attaching = true;
	if (!f->config.attach(f->config.arg, "connect " FORWARD_SERVICE " datagrams", &stream)) {
		w->is_attaching = false;
		fail(w, FORWARD_BUSY);
	}
	return w;
}

void forward_flow_read(struct forward_port *p)
{
	struct forward *f = p->forward;

	for (int i = 0; i < FORWARD_BATCH; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct addr from;
		struct flow *w;
		ssize_t n = recvfrom(p->fd, f->datagram, sizeof(f->datagram), MSG_DONTWAIT,
				     (struct sockaddr *)&ss, &len);

		if (n < 0)
			return;
		if (!sockaddr_to_addr((struct sockaddr *)&ss, &from))
			continue;
		w = find(p, &from);
		if (w == NULL)
			w = add(p, &from);
		if (w != NULL && !w->is_deaf)
			send_out(w, bytes_of(f->datagram, (size_t)n));
	}
}

static bool is_stale(const struct flow *w, uint64_t now_ms)
{
	const uint64_t silent_ms = now_ms - w->heard_ms;

	if (w->is_attaching)
		return false;
	return silent_ms > (w->is_deaf ? FORWARD_SWEEP_S : FORWARD_IDLE_S) * UINT64_C(1000);
}

void forward_flow_sweep(struct forward_port *p)
{
	const uint64_t now_ms = clock_ms();
	struct list *at = p->flows.next;

	while (at != &p->flows) {
		struct flow *w = LIST_OF(at, struct flow, link);

		at = at->next;
		if (!w->is_open && !w->is_deaf &&
		    now_ms - w->heard_ms > FORWARD_ANSWER_S * UINT64_C(1000)) {
			fail(w, FORWARD_TIMEOUT);
			continue;
		}
		if (is_stale(w, now_ms))
			forget(w);
	}
}

void forward_flow_end_all(struct forward_port *p)
{
	while (!list_is_empty(&p->flows))
		free_flow(LIST_OF(p->flows.next, struct flow, link));
}
