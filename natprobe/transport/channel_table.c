/* Channels and the streams of SCTP that they have. */
#include <stdio.h>
#include <stdlib.h>

#include "transport_state.h"

static uint8_t kind_of(const char *protocol)
{
	if (strcmp(protocol, CHANNEL_STREAM) == 0)
		return CHANNEL_OF_BYTES;
	return strcmp(protocol, CHANNEL_DATAGRAM) == 0 ? CHANNEL_OF_DATAGRAMS : CHANNEL_OF_MESSAGES;
}

struct channel *channel_make(struct transport *t, uint16_t id, const char *label,
			     const char *protocol)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->t = t;
	c->id = id;
	c->kind = kind_of(protocol);
	dcep_text_copy(bytes_of_str(label), c->label, sizeof(c->label));
	dcep_text_copy(bytes_of_str(protocol), c->protocol, sizeof(c->protocol));
	list_init(&c->link);
	list_init(&c->ready);
	if (!channel_window_open(c)) {
		free(c);
		return NULL;
	}
	list_append(&t->all, &c->link);
	t->slots[id] =
		(struct slot){ .channel = c, .is_used = true, .out_sent = t->slots[id].out_sent };
	return c;
}

uint16_t channel_free_id(const struct transport *t)
{
	uint16_t id = t->config.is_client ? 0 : 1;

	while (id < ASSOC_STREAMS && t->slots[id].is_used)
		id = (uint16_t)(id + 2);
	return id < ASSOC_STREAMS ? id : ASSOC_STREAMS;
}

struct channel *transport_open(struct transport *t, const char *label, const char *protocol,
			       const struct channel_events *events)
{
	uint16_t id = channel_free_id(t);
	struct channel *c;

	if (t->is_failed || t->is_closing || t->ours >= CHANNEL_MAX || id == ASSOC_STREAMS)
		return NULL;
	c = channel_make(t, id, label, protocol);
	if (c == NULL)
		return NULL;
	t->ours++;
	c->is_ours = true;
	c->open_due = true;
	if (c->kind == CHANNEL_OF_DATAGRAMS)
		c->type = DCEP_REXMIT | DCEP_UNORDERED;
	channel_set_events(c, events);
	channel_wake(c);
	channel_window_regrant(c);
	transport_enter(t);
	transport_pump(t);
	transport_leave(t);
	return c;
}

/* Nobody is to hear more of it. Its direction is reset where the other side knows of it. */
void transport_release(struct transport *t, struct channel *c)
{
	struct slot *slot = &t->slots[c->id];

	if (slot->channel != c)
		return;
	c->is_gone = true;
	slot->channel = NULL;
	slot->is_used = !c->is_ours || c->open_sent;
	if (slot->is_used && !slot->out_wanted) {
		slot->out_wanted = true;
		t->resets_wanted++;
	}
	if (c->is_ours)
		t->ours--;
	else
		t->theirs--;
	if (c->end_sent && c->end_heard)
		t->ending--;
	channel_window_close(c);
	byte_queue_clear(&c->queue);
	list_remove(&c->ready);
	c->is_dead = true;
	t->dead++;
}

void channel_close(struct channel *c, const char *why)
{
	if (c->is_gone)
		return;
	transport_enter(c->t);
	c->is_gone = true;
	byte_queue_clear(&c->queue);
	c->grant_due = 0;
	c->end_due = false;
	(void)snprintf(c->why, sizeof(c->why), "%s", why != NULL ? why : "closed");
	if (c->is_ours && !c->open_sent) {
		transport_release(c->t, c);
	} else {
		c->abort_due = true;
		channel_wake(c);
		transport_pump(c->t);
	}
	transport_leave(c->t);
}

const char *channel_label(const struct channel *c)
{
	return c->label;
}

const char *channel_protocol(const struct channel *c)
{
	return c->protocol;
}

void channel_set_events(struct channel *c, const struct channel_events *events)
{
	c->events = *events;
}
