#include "fake_channels.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"

/* One end. */
struct channel {
	struct list link;
	struct transport *transport;
	struct channel *other; /* NULL: it is gone */
	struct channel_events events;
	struct evbuffer *out;
	size_t granted;
	char label[CHANNEL_LABEL_MAX];
	char protocol[CHANNEL_LABEL_MAX];
	char why[64];
	bool is_told, is_open, has_ended, is_end_told, was_full, is_broken;
};

struct transport {
	struct transport *other;
	struct list channels;
	bool (*on_channel)(void *arg, struct channel *c);
	void *arg;
};

void fake_transports(struct transport *out[2], bool (*on_channel)(void *arg, struct channel *c),
		     void *args[2])
{
	for (int i = 0; i < 2; i++) {
		out[i] = calloc(1, sizeof(*out[i]));
		list_init(&out[i]->channels);
		out[i]->on_channel = on_channel;
		out[i]->arg = args[i];
	}
	out[0]->other = out[1];
	out[1]->other = out[0];
}

static struct channel *make(struct transport *t, const char *label, const char *protocol)
{
	struct channel *c = calloc(1, sizeof(*c));

	list_init(&c->link);
	list_append(&t->channels, &c->link);
	c->transport = t;
	c->out = evbuffer_new();
	c->granted = FAKE_WINDOW;
	(void)snprintf(c->label, sizeof(c->label), "%s", label);
	(void)snprintf(c->protocol, sizeof(c->protocol), "%s", protocol);
	return c;
}

static void destroy(struct channel *c)
{
	if (c->other != NULL)
		c->other->other = NULL;
	list_remove(&c->link);
	evbuffer_free(c->out);
	free(c);
}

/* Streams alone have a word for why. */
static void tell_closed(struct channel *c, const char *why)
{
	const struct channel_events events = c->events;

	if (strcmp(c->protocol, CHANNEL_STREAM) != 0)
		why = NULL;
	destroy(c);
	if (events.on_closed != NULL)
		events.on_closed(events.arg, why);
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

size_t channel_write(struct channel *c, struct bytes data)
{
	const size_t used = evbuffer_get_length(c->out), room = FAKE_WINDOW - used;
	const size_t taken = data.len < room ? data.len : room;

	(void)evbuffer_add(c->out, data.data, taken);
	c->was_full = taken < data.len;
	return taken;
}

void channel_consumed(struct channel *c, size_t n)
{
	if (c->other != NULL)
		c->other->granted += n;
}

void channel_end(struct channel *c)
{
	c->has_ended = true;
}

bool channel_is_flushed(const struct channel *c)
{
	return evbuffer_get_length(c->out) == 0;
}

bool channel_send(struct channel *c, struct bytes data, bool is_text)
{
	if (c->other != NULL && c->other->events.on_data != NULL)
		c->other->events.on_data(c->other->events.arg, data, is_text);
	return true;
}

void channel_close(struct channel *c, const char *why)
{
	if (c->other != NULL) {
		c->other->is_broken = true;
		(void)snprintf(c->other->why, sizeof(c->other->why), "%s", why);
	}
	destroy(c);
}

struct channel *transport_open(struct transport *t, const char *label, const char *protocol,
			       const struct channel_events *events)
{
	struct channel *c = make(t, label, protocol);

	c->events = *events;
	return c;
}

static bool tell_other(struct channel *c)
{
	struct transport *to = c->transport->other;

	c->is_told = true;
	c->other = make(to, c->label, c->protocol);
	c->other->other = c;
	c->other->is_told = c->other->is_open = true;
	if (!to->on_channel(to->arg, c->other)) {
		destroy(c->other);
		tell_closed(c, "refused");
		return true;
	}
	c->is_open = true;
	c->events.on_open(c->events.arg);
	return true;
}

static bool move_data(struct channel *c)
{
	uint8_t piece[4096];
	size_t most = c->granted < sizeof(piece) ? c->granted : sizeof(piece);
	int n = evbuffer_remove(c->out, piece, most);

	if (n <= 0)
		return false;
	c->granted -= (size_t)n;
	c->other->events.on_data(c->other->events.arg, bytes_of(piece, (size_t)n), false);
	return true;
}

/* One thing that happens to it; it may be gone then. */
static bool step(struct channel *c)
{
	if (!c->is_told)
		return tell_other(c);
	if (c->is_broken) {
		tell_closed(c, c->why);
		return true;
	}
	if (c->other == NULL)
		return false;
	if (move_data(c))
		return true;
	if (c->was_full && evbuffer_get_length(c->out) < FAKE_WINDOW) {
		c->was_full = false;
		c->events.on_writable(c->events.arg);
		return true;
	}
	if (c->has_ended && evbuffer_get_length(c->out) == 0 && !c->is_end_told) {
		c->is_end_told = true;
		c->other->events.on_end(c->other->events.arg);
		return true;
	}
	if (c->is_end_told && c->other->is_end_told) {
		struct channel *other = c->other;

		tell_closed(c, NULL);
		tell_closed(other, NULL);
		return true;
	}
	return false;
}

static bool run_one(struct transport *t)
{
	for (struct list *l = t->channels.next; l != &t->channels; l = l->next) {
		if (step(LIST_OF(l, struct channel, link)))
			return true;
	}
	return false;
}

bool fake_run(struct transport *t)
{
	bool did = false;

	while (run_one(t) || run_one(t->other))
		did = true;
	return did;
}

void fake_lose(struct transport *t, const char *why)
{
	while (!list_is_empty(&t->channels))
		tell_closed(LIST_OF(t->channels.next, struct channel, link), why);
	while (!list_is_empty(&t->other->channels))
		tell_closed(LIST_OF(t->other->channels.next, struct channel, link), why);
}

void fake_free(struct transport *t)
{
	struct transport *both[2] = { t, t->other };

	for (int i = 0; i < 2; i++) {
		while (!list_is_empty(&both[i]->channels))
			destroy(LIST_OF(both[i]->channels.next, struct channel, link));
		free(both[i]);
	}
}
