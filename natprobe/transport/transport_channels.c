/* All channels of a transport: how they come, go, and take turns. */
#include "transport_state.h"

#define REFUSED_MAX     256 /* openings in vain, less those that were granted: then it is a flood */
#define CHANNEL_REFUSED "the other side takes no more streams now; try again when some have ended"
#define RESETS_ONCE     64
#define RESET_PAUSE_US  200000

static bool is_theirs(const struct transport *t, uint16_t id)
{
	return (id % 2 == 1) == t->config.is_client;
}

/* Without a channel: what the other side opened is closed by a reset of our direction. */
static void refuse(struct transport *t, uint16_t id)
{
	t->slots[id] = (struct slot){ .is_used = true, .out_wanted = true };
	t->resets_wanted++;
	if (++t->refused > REFUSED_MAX)
		transport_fail(t, TRANSPORT_PROTOCOL, "the other side opens too many channels");
}

/* A stream is to come in order and whole; else it is none of ours. */
static bool fits(const struct channel *c, const struct dcep_open *open)
{
	return c->kind != CHANNEL_OF_BYTES || open->type == DCEP_RELIABLE;
}

static void accept_channel(struct transport *t, uint16_t id, const struct dcep_open *open)
{
	char label[CHANNEL_LABEL_MAX + 1], protocol[CHANNEL_LABEL_MAX + 1];
	struct channel *c;

	dcep_text_copy(open->label, label, sizeof(label));
	dcep_text_copy(open->protocol, protocol, sizeof(protocol));
	c = channel_make(t, id, label, protocol);
	if (c == NULL) {
		refuse(t, id);
		return;
	}
	t->theirs++;
	if (t->refused > 0)
		t->refused--;
	c->is_open = true;
	c->type = open->type;
	c->reliability = open->reliability;
	if (!fits(c, open) || t->is_closing || !t->config.on_channel(t->config.arg, c)) {
		c->events = (struct channel_events){ 0 };
		/* Without a word before it a reset is lost where an earlier one is under way. */
		c->ack_due = c->kind != CHANNEL_OF_BYTES;
		channel_close(c, CHANNEL_REFUSED);
		return;
	}
	c->ack_due = !c->is_gone;
	channel_wake(c);
	channel_window_regrant(c);
}

static void opened(struct transport *t, const struct assoc_event *e)
{
	struct slot *slot = &t->slots[e->stream];
	bool is_left = slot->channel == NULL && slot->in_ended && slot->out_sent;
	struct dcep_open open;

	if (dcep_read(e->data, &open) != DCEP_OPEN)
		return;
	if (slot->is_used && !is_left)
		transport_fail(t, TRANSPORT_PROTOCOL, "a channel was opened twice");
	else if (!is_theirs(t, e->stream) || t->theirs >= CHANNEL_MAX)
		refuse(t, e->stream);
	else
		accept_channel(t, e->stream, &open);
}

void transport_message(struct transport *t, const struct assoc_event *e)
{
	struct slot *slot;

	if (e->stream >= ASSOC_STREAMS)
		return;
	slot = &t->slots[e->stream];
	if (slot->channel != NULL)
		channel_input(slot->channel, e);
	else if (e->ppid == PPID_DCEP && e->is_whole && !slot->out_wanted)
		opened(t, e);
}

static void forget_if_over(struct slot *slot)
{
	if (slot->channel == NULL && slot->in_ended && slot->out_ended)
		*slot = (struct slot){ 0 };
}

/* Who has heard our end may reset its direction before we know that all has arrived. */
static bool is_in_order(const struct channel *c)
{
	return c->kind != CHANNEL_OF_BYTES || (c->end_sent && c->end_heard);
}

/* Where there is no room for another one, a reset is all that is said of it: refuse(). */
static const char *reset_means(const struct channel *c)
{
	if (is_in_order(c))
		return NULL;
	return c->is_ours && !c->is_open ? CHANNEL_REFUSED : "broken off";
}

void transport_stream_reset(struct transport *t, uint16_t stream)
{
	struct slot *slot;
	struct channel *c;

	if (stream >= ASSOC_STREAMS || !t->slots[stream].is_used)
		return;
	slot = &t->slots[stream];
	slot->in_ended = true;
	c = slot->channel;
	if (c != NULL) {
		channel_tell_closed(c, reset_means(c));
		transport_release(t, c);
	}
	forget_if_over(slot);
}

void transport_reset_done(struct transport *t, uint16_t stream, bool is_done)
{
	struct slot *slot;

	if (stream >= ASSOC_STREAMS || !t->slots[stream].out_sent)
		return;
	slot = &t->slots[stream];
	slot->out_sent = false;
	slot->out_ended = is_done && slot->channel == NULL && !slot->out_wanted;
	if (!is_done) {
		t->resets_wanted += slot->out_wanted ? 0 : 1;
		slot->out_wanted = true;
		t->reset_after_us = t->now_us + RESET_PAUSE_US;
	}
	if (slot->channel != NULL)
		channel_wake(slot->channel); /* the other side was quicker to use it again */
	forget_if_over(slot);
}

static void send_resets(struct transport *t)
{
	uint16_t ids[RESETS_ONCE];
	size_t n = 0;

	if (t->resets_wanted == 0 || t->now_us < t->reset_after_us)
		return;
	for (uint16_t id = 0; id < ASSOC_STREAMS && n < RESETS_ONCE; id++) {
		if (t->slots[id].out_wanted)
			ids[n++] = id;
	}
	if (!assoc_reset(t->assoc, ids, n)) {
		t->reset_after_us = t->now_us + RESET_PAUSE_US / 20;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		t->slots[ids[i]].out_wanted = false;
		t->slots[ids[i]].out_sent = true;
	}
	t->resets_wanted -= n;
}

void transport_pump(struct transport *t)
{
	if (t->assoc == NULL || t->is_failed || !t->is_up)
		return;
	while (!list_is_empty(&t->ready) && assoc_room(t->assoc) > 0) {
		struct channel *c = LIST_OF(t->ready.next, struct channel, ready);
		enum channel_step step = channel_step(c);

		if (step == CHANNEL_STEP_FULL)
			break;
		list_remove(&c->ready);
		if (step == CHANNEL_STEP_MORE)
			list_append(&t->ready, &c->ready);
	}
	send_resets(t);
}

void transport_tell_room(struct transport *t)
{
	for (struct list *l = t->all.next; l != &t->all; l = l->next) {
		struct channel *c = LIST_OF(l, struct channel, link);

		if (!c->is_blocked || c->is_gone || channel_room(c) < CHANNEL_QUEUE_MAX / 2)
			continue;
		c->is_blocked = false;
		if (c->events.on_writable != NULL)
			c->events.on_writable(c->events.arg);
	}
}

void transport_tell_ended(struct transport *t)
{
	for (struct list *l = t->all.next; l != &t->all && t->ending > 0; l = l->next) {
		struct channel *c = LIST_OF(l, struct channel, link);

		if (c->is_dead || !c->end_sent || !c->end_heard || !channel_is_flushed(c))
			continue;
		channel_tell_closed(c, NULL);
		transport_release(t, c);
	}
}

void transport_close_all(struct transport *t, const char *why)
{
	for (struct list *l = t->all.next; l != &t->all; l = l->next) {
		struct channel *c = LIST_OF(l, struct channel, link);

		channel_tell_closed(c, why);
		transport_release(t, c);
	}
}
