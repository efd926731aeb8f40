#include "splice.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define READ_MOST 65536 /* taken from one end before others get their turn */
#define RETRY_MS  20    /* for a close_notify that the socket had no room for */

struct end {
	struct splice *splice;
	struct end *other;
	struct bufferevent *bev;
	struct event *timer; /* while it rests, or owes a close_notify */
	bool held;           /* the other end has too much to take */
	bool resting;        /* on_bytes said so */
	bool eof;            /* sends no more */
	bool shut;           /* was told that nothing more comes */
};

struct splice {
	struct end ends[2];
	struct splice_options options;
	struct splice_events events;
	void *arg;
	struct event *silence; /* once one way has ended */
};

static size_t waiting_for(const struct end *e)
{
	return evbuffer_get_length(bufferevent_get_output(e->bev));
}

static void set_timer(struct event *ev, uint32_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(ev, &tv);
}

static void detach(struct splice *s)
{
	for (int i = 0; i < 2; i++) {
		bufferevent_setcb(s->ends[i].bev, NULL, NULL, NULL, NULL);
		bufferevent_disable(s->ends[i].bev, EV_READ);
		event_del(s->ends[i].timer);
	}
	event_del(s->silence);
}

/* The last thing that is done with it in a callback. */
static void over(struct splice *s)
{
	detach(s);
	s->events.on_end(s, s->arg);
}

static void read_or_not(struct end *e)
{
	if (e->held || e->resting || e->eof)
		bufferevent_disable(e->bev, EV_READ);
	else
		bufferevent_enable(e->bev, EV_READ);
}

/* Says that nothing more comes. Returns false when it has to be tried again. */
static bool shut(struct end *e)
{
	SSL *ssl = bufferevent_openssl_get_ssl(e->bev);
	int rc;

	if (ssl == NULL) {
		shutdown(bufferevent_getfd(e->bev), SHUT_WR);
		return true;
	}
	ERR_clear_error();
	rc = SSL_shutdown(ssl);
	if (rc < 0 && SSL_get_error(ssl, rc) == SSL_ERROR_WANT_WRITE)
		return false;
	ERR_clear_error();
	return true;
}

/* Passes on the end of what `e` sent, once all of it is written. False: all is over. */
static bool pass_end(struct end *e)
{
	struct end *to = e->other;

	if (!e->eof || to->shut || waiting_for(to) > 0)
		return true;
	if (!shut(to)) {
		set_timer(to->timer, RETRY_MS);
		return true;
	}
	to->shut = true;
	if (e->shut) { /* the other way had ended before */
		over(e->splice);
		return false;
	}
	set_timer(e->splice->silence, e->splice->options.half_ms);
	return true;
}

static void rest(struct end *e, uint32_t ms)
{
	e->resting = true;
	set_timer(e->timer, ms);
}

/* False: all is over. */
static bool move(struct end *e)
{
	struct splice *s = e->splice;
	struct evbuffer *in = bufferevent_get_input(e->bev);
	size_t n = evbuffer_get_length(in);
	enum splice_way way = e == &s->ends[0] ? SPLICE_A_TO_B : SPLICE_B_TO_A;
	uint32_t rest_ms = 0;

	if (n == 0)
		return true;
	if (evbuffer_add_buffer(bufferevent_get_output(e->other->bev), in) != 0) {
		over(s);
		return false;
	}
	if (s->events.on_bytes != NULL)
		rest_ms = s->events.on_bytes(s, way, n, s->arg);
	if (rest_ms > 0)
		rest(e, rest_ms);
	e->held = waiting_for(e->other) >= s->options.max_waiting;
	if (e->other->eof)
		set_timer(s->silence, s->options.half_ms);
	read_or_not(e);
	return true;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct end *e = arg;

	/* What comes beyond the bound stays in its input, and is bounded there. */
	if (!e->held && !e->resting)
		(void)move(e);
}

/* Most of what waited for this end is written. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct end *e = arg;
	struct end *from = e->other;

	if (from->held && waiting_for(e) <= e->splice->options.max_waiting / 2) {
		from->held = false;
		read_or_not(from);
		if (!from->resting && !move(from))
			return;
	}
	(void)pass_end(from);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct end *e = arg;

	if (what & BEV_EVENT_CONNECTED)
		return;
	ERR_clear_error();
	if (!(what & BEV_EVENT_EOF)) {
		over(e->splice);
		return;
	}
	e->eof = true;
	read_or_not(e);
	/* Behind a close_notify libevent writes no more, unless it is told to. */
	bufferevent_enable(bev, EV_WRITE);
	if (move(e))
		(void)pass_end(e);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct end *e = arg;

	e->resting = false;
	read_or_not(e);
	if (!e->held && !move(e))
		return;
	if (pass_end(e))
		(void)pass_end(e->other);
}

static void on_silence(evutil_socket_t fd, short events, void *arg)
{
	over(arg);
}

static bool end_open(struct splice *s, int i, struct event_base *base, struct bufferevent *bev)
{
	struct end *e = &s->ends[i];

	e->splice = s;
	e->other = &s->ends[1 - i];
	e->bev = bev;
	e->timer = event_new(base, -1, 0, on_timer, e);
	return e->timer != NULL;
}

static void end_begin(struct end *e)
{
	bufferevent_setcb(e->bev, on_read, on_written, on_event, e);
	bufferevent_setwatermark(e->bev, EV_READ, 0, READ_MOST);
	bufferevent_setwatermark(e->bev, EV_WRITE, e->splice->options.max_waiting / 2, 0);
	bufferevent_set_max_single_read(e->bev, READ_MOST);
	bufferevent_enable(e->bev, EV_READ | EV_WRITE);
	bufferevent_trigger(e->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

struct splice *splice_new(struct event_base *base, struct bufferevent *a, struct bufferevent *b,
			  const struct splice_options *options, const struct splice_events *events,
			  void *arg)
{
	struct splice *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->options = *options;
	if (s->options.max_waiting == 0)
		s->options.max_waiting = 131072;
	if (s->options.half_ms == 0)
		s->options.half_ms = 60000;
	s->events = *events;
	s->arg = arg;
	s->silence = event_new(base, -1, 0, on_silence, s);
	if (!end_open(s, 0, base, a) || !end_open(s, 1, base, b) || s->silence == NULL) {
		splice_free(s);
		return NULL;
	}
	end_begin(&s->ends[0]);
	end_begin(&s->ends[1]);
	return s;
}

void splice_rest(struct splice *s, enum splice_way way, uint32_t ms)
{
	struct end *e = &s->ends[way == SPLICE_A_TO_B ? 0 : 1];

	rest(e, ms);
	read_or_not(e);
}

void splice_free(struct splice *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		struct end *e = &s->ends[i];

		if (e->timer == NULL)
			continue;
		event_free(e->timer);
		bufferevent_setcb(e->bev, NULL, NULL, NULL, NULL);
		bufferevent_disable(e->bev, EV_READ);
	}
	if (s->silence != NULL)
		event_free(s->silence);
	free(s);
}
