#include "transport.h"

#include <stdlib.h>

#include "transport_state.h"

#define WINDOW_DEFAULT ((size_t)16 << 20)
#define PATHLESS_US    500000
#define GOODBYE_US     2000000 /* all has arrived, but what we leave with may be lost */

bool transport_is_built(void)
{
	return assoc_is_built();
}

struct transport *transport_new(const struct transport_config *config)
{
	struct transport *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->config = *config;
	if (t->config.window_max == 0)
		t->config.window_max = WINDOW_DEFAULT;
	list_init(&t->all);
	list_init(&t->ready);
	return t;
}

static void reap(struct transport *t)
{
	struct list *next;

	for (struct list *l = t->all.next; l != &t->all && t->dead > 0; l = next) {
		struct channel *c = LIST_OF(l, struct channel, link);

		next = l->next;
		if (!c->is_dead)
			continue;
		list_remove(&c->link);
		free(c);
		t->dead--;
	}
}

void transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	assoc_free(t->assoc);
	t->assoc = NULL;
	for (struct list *l = t->all.next; l != &t->all; l = l->next)
		transport_release(t, LIST_OF(l, struct channel, link));
	reap(t);
	secure_free(t->dtls);
	secure_free(t->tls);
	free(t);
}

void transport_fail(struct transport *t, enum transport_failure failure, const char *why)
{
	if (t->is_over)
		return;
	t->is_over = true;
	t->failure = (uint8_t)failure;
	t->why = why;
}

void transport_enter(struct transport *t)
{
	t->depth++;
}

/* Tells it, when nothing of ours is on the way any more. */
static void tell_failed(struct transport *t)
{
	t->is_failed = true;
	transport_close_all(t, t->why);
	t->config.on_failed(t->config.arg, t->failure, t->why);
}

void transport_leave(struct transport *t)
{
	if (--t->depth > 0)
		return;
	reap(t);
	if (t->config.on_due != NULL)
		t->config.on_due(t->config.arg);
}

/* SCTP's; from within libusrsctp. */
static void on_packet_out(void *arg, struct bytes packet)
{
	struct transport *t = arg;

	if (t->path == NULL)
		return;
	t->counts.packets_out++;
	secure_send(t->path, packet);
}

static void on_sent(void *arg, uint16_t stream, uint32_t tsn, size_t len)
{
	struct transport *t = arg;
	struct channel *c = stream < ASSOC_STREAMS ? t->slots[stream].channel : NULL;

	if (c == NULL)
		return;
	c->sent += len;
	c->tsn_last = tsn;
}

void transport_associate(struct transport *t)
{
	const struct assoc_config config = { .on_packet = on_packet_out,
					     .on_sent = on_sent,
					     .arg = t };

	if (t->assoc != NULL || t->is_over)
		return;
	t->assoc = assoc_new(&config, transport_mtu(t), t->now_us);
	if (t->assoc == NULL)
		transport_fail(t, TRANSPORT_MEMORY, "memory has run out");
}

static void came_up(struct transport *t)
{
	t->is_up = true;
	if (t->config.on_ready != NULL)
		t->config.on_ready(t->config.arg);
}

static void take(struct transport *t, const struct assoc_event *e)
{
	switch (e->kind) {
	case ASSOC_UP:
		came_up(t);
		break;
	case ASSOC_MESSAGE:
		transport_message(t, e);
		break;
	case ASSOC_RESET:
		transport_stream_reset(t, e->stream);
		break;
	case ASSOC_RESET_DONE:
	case ASSOC_RESET_FAILED:
		transport_reset_done(t, e->stream, e->kind == ASSOC_RESET_DONE);
		break;
	case ASSOC_LEFT:
		transport_fail(t, t->is_closing ? TRANSPORT_FINE : TRANSPORT_PEER_LEFT,
			       t->is_closing ? "closed" : "the other side has left");
		break;
	case ASSOC_LOST:
		transport_fail(t, t->is_closing ? TRANSPORT_FINE : TRANSPORT_ABORTED,
			       t->is_closing ? "closed" : "the other side broke it off");
		break;
	default:
		break;
	}
}

static void take_all(struct transport *t)
{
	struct assoc_event e;

	while (t->assoc != NULL && !t->is_over) {
		assoc_take(t->assoc, &e);
		if (e.kind == ASSOC_NONE)
			break;
		take(t, &e);
	}
}

static void judge_path(struct transport *t)
{
	if (t->path == NULL || t->is_over)
		return;
	switch (secure_state(t->path)) {
	case SECURE_UP:
		transport_associate(t);
		break;
	case SECURE_LEFT:
		transport_fail(t, t->is_closing ? TRANSPORT_FINE : TRANSPORT_PEER_LEFT,
			       "the other side has left");
		break;
	case SECURE_WRONG:
		transport_fail(t, TRANSPORT_FINGERPRINT,
			       "the other side is not the one that was promised");
		break;
	case SECURE_BROKEN:
		transport_fail(t, TRANSPORT_HANDSHAKE, "no secure session came about");
		break;
	default:
		break;
	}
}

static bool all_is_sent(const struct transport *t)
{
	for (struct list *l = t->all.next; l != &t->all; l = l->next) {
		const struct channel *c = LIST_OF(l, struct channel, link);

		if (c->queue.len > 0)
			return false;
	}
	return list_is_empty(&t->ready) && assoc_is_idle(t->assoc);
}

static void close_if_sent(struct transport *t)
{
	if (!t->is_closing || t->is_over)
		return;
	if (!t->is_up || (t->has_shut_down && t->now_us >= t->goodbye_us)) {
		transport_fail(t, TRANSPORT_FINE, "closed");
	} else if (!t->has_shut_down && all_is_sent(t)) {
		t->has_shut_down = true;
		t->goodbye_us = t->now_us + GOODBYE_US;
		assoc_shutdown(t->assoc);
	}
}

/* After anything that came: what follows from it. */
static void settle(struct transport *t)
{
	judge_path(t);
	take_all(t);
	transport_pump(t);
	if (!t->is_over) {
		transport_tell_room(t);
		transport_tell_ended(t);
	}
	close_if_sent(t);
	if (t->is_over && !t->is_failed) {
		if (t->path != NULL)
			secure_close(t->path);
		tell_failed(t);
	}
}

bool transport_begin(struct transport *t, uint64_t now_us)
{
	if (t->is_failed)
		return false;
	if (now_us > t->now_us)
		t->now_us = now_us;
	transport_enter(t);
	return true;
}

void transport_end(struct transport *t)
{
	if (t->depth == 1)
		settle(t);
	transport_leave(t);
}

void transport_input(struct transport *t, struct bytes frame, uint64_t now_us)
{
	if (t->path == NULL || frame.len == 0 || frame.data[0] < 20 || frame.data[0] > 63)
		return;
	if (!transport_begin(t, now_us))
		return;
	secure_input(t->path, frame, t->now_us);
	transport_end(t);
}

uint64_t transport_next_us(const struct transport *t)
{
	uint64_t next_us = TRANSPORT_NEVER, secure_us;

	if (t->is_failed)
		return TRANSPORT_NEVER;
	if (t->is_over || (t->is_closing && !t->is_up))
		return t->now_us;
	if (t->assoc != NULL)
		next_us = t->path != NULL ? assoc_next_us(t->assoc) : t->now_us + PATHLESS_US;
	secure_us = t->path != NULL ? secure_next_us(t->path) : TRANSPORT_NEVER;
	return secure_us < next_us ? secure_us : next_us;
}

void transport_on_time(struct transport *t, uint64_t now_us)
{
	if (!transport_begin(t, now_us))
		return;
	if (t->path != NULL)
		secure_on_time(t->path, t->now_us);
	if (t->assoc != NULL)
		assoc_on_time(t->assoc, t->now_us);
	transport_end(t);
}

void transport_close(struct transport *t, uint64_t now_us)
{
	if (!transport_begin(t, now_us))
		return;
	t->is_closing = true;
	if (t->depth > 1 || t->is_up)
		transport_end(t);
	else
		transport_leave(t); /* told by transport_on_time */
}

void transport_count(const struct transport *t, struct transport_counts *out)
{
	struct assoc_state state = { 0 };

	*out = t->counts;
	out->mtu = t->frame_max;
	if (t->assoc == NULL)
		return;
	assoc_state_of(t->assoc, &state);
	out->retransmitted = assoc_watch(t->assoc)->retransmitted;
	out->rtt_us = state.rtt_us;
	out->window = state.window;
}
