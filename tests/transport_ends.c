#include "transport_ends.h"

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

void end_write(struct end *e)
{
	uint8_t buf[4096];

	while (e->c != NULL && e->written < e->to_write) {
		size_t n = sizeof(buf), taken;

		if (n > e->to_write - e->written)
			n = (size_t)(e->to_write - e->written);
		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(e->written + i);
		taken = channel_write(e->c, bytes_of(buf, n));
		e->written += taken;
		if (taken < n)
			return;
	}
	if (e->c != NULL && e->ends) {
		e->ends = false;
		channel_end(e->c);
	}
}

static void on_open(void *arg)
{
	((struct end *)arg)->is_open = true;
}

static void on_data(void *arg, struct bytes data, bool is_text)
{
	struct end *e = arg;

	for (size_t i = 0; i < data.len; i++)
		e->has_other |= data.data[i] != pattern(e->read + i);
	e->read += data.len;
	if (e->is_slow)
		e->unread += data.len;
	else
		channel_consumed(e->c, data.len);
}

static void on_writable(void *arg)
{
	end_write(arg);
}

static void on_end(void *arg)
{
	((struct end *)arg)->has_end = true;
}

static void on_closed(void *arg, const char *why)
{
	struct end *e = arg;

	e->is_closed = true;
	e->c = NULL;
	e->has_why = why != NULL;
	if (why != NULL)
		strncpy(e->why, why, sizeof(e->why) - 1);
}

static struct channel_events events_of(struct end *e)
{
	return (struct channel_events){ .on_open = on_open,
					.on_data = on_data,
					.on_writable = on_writable,
					.on_end = on_end,
					.on_closed = on_closed,
					.arg = e };
}

bool end_accept(struct pair_side *side, struct channel *c)
{
	struct end *e = side->user;
	struct channel_events events;

	while (e->c != NULL || e->is_closed)
		e++;
	events = events_of(e);
	e->c = c;
	channel_set_events(c, &events);
	end_write(e);
	return true;
}

void end_open(struct pair_side *side, struct end *e, const char *label)
{
	struct channel_events events = events_of(e);

	e->c = transport_open(side->transport, label, CHANNEL_STREAM, &events);
	end_write(e);
}

bool ends_are_closed(void *two)
{
	struct end *ends = two;

	return ends[0].is_closed && ends[1].is_closed;
}

bool sides_are_ready(void *pair)
{
	struct transport_pair *p = pair;

	return p->side[0].is_ready && p->side[1].is_ready;
}

bool sides_have_failed(void *pair)
{
	struct transport_pair *p = pair;

	return p->side[0].has_failed && p->side[1].has_failed;
}
