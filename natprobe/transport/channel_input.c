/* What comes for a channel: its data, and words about it. */
#include "channel_word.h"
#include "transport_state.h"

static void broke_rules(struct channel *c, const char *why)
{
	transport_fail(c->t, TRANSPORT_PROTOCOL, why);
}

void channel_tell_closed(struct channel *c, const char *why)
{
	struct channel_events events = c->events;

	if (c->is_gone)
		return;
	c->is_gone = true;
	byte_queue_clear(&c->queue);
	if (events.on_closed != NULL)
		events.on_closed(events.arg, why);
}

static void ended(struct channel *c)
{
	if (c->end_heard) {
		broke_rules(c, "a stream was ended twice");
		return;
	}
	c->end_heard = true;
	channel_window_end(c);
	if (c->end_sent)
		c->t->ending++;
	if (c->events.on_end != NULL && !c->is_gone)
		c->events.on_end(c->events.arg);
}

static void granted(struct channel *c, uint32_t more)
{
	if (more > CHANNEL_GRANT_MAX - c->may_send) {
		broke_rules(c, "more was granted than there are numbers for");
		return;
	}
	c->may_send += more;
	channel_wake(c);
}

static void word(struct channel *c, struct bytes data)
{
	struct channel_word w;

	channel_word_read(data, &w);
	switch (w.kind) {
	case CHANNEL_WORD_GRANT:
		granted(c, w.grant);
		break;
	case CHANNEL_WORD_END:
		ended(c);
		break;
	case CHANNEL_WORD_ABORT:
		channel_tell_closed(c, w.text);
		transport_release(c->t, c);
		break;
	case CHANNEL_WORD_BAD:
		broke_rules(c, "a grant of no number");
		break;
	default:
		break;
	}
}

static void bytes_came(struct channel *c, struct bytes data)
{
	if (c->end_heard || !channel_window_take(c, data.len)) {
		broke_rules(c, c->end_heard ? "data came after the end of a stream"
					    : "more data came than was granted");
		return;
	}
	c->t->counts.bytes_in += data.len;
	if (c->is_gone || c->events.on_data == NULL)
		return;
	c->events.on_data(c->events.arg, data, false);
}

static void message_came(struct channel *c, const struct assoc_event *e)
{
	bool is_text = e->ppid == PPID_STRING || e->ppid == PPID_STRING_EMPTY;
	bool is_empty = e->ppid == PPID_STRING_EMPTY || e->ppid == PPID_BINARY_EMPTY;

	if (!e->is_whole) {
		channel_close(c, "a message was too long");
		return;
	}
	c->t->counts.bytes_in += e->data.len;
	if (c->events.on_data != NULL)
		c->events.on_data(c->events.arg, is_empty ? (struct bytes){ 0 } : e->data, is_text);
}

static void dcep_came(struct channel *c, struct bytes data)
{
	struct dcep_open open;

	if (dcep_read(data, &open) != DCEP_ACK || !c->is_ours || c->is_open)
		return;
	c->is_open = true;
	if (c->events.on_open != NULL && !c->is_gone)
		c->events.on_open(c->events.arg);
}

void channel_input(struct channel *c, const struct assoc_event *e)
{
	bool is_known = e->ppid == PPID_STRING || e->ppid == PPID_BINARY ||
			e->ppid == PPID_STRING_EMPTY || e->ppid == PPID_BINARY_EMPTY;

	if (e->ppid == PPID_DCEP)
		dcep_came(c, e->data);
	else if (!is_known || (c->is_gone && c->kind != CHANNEL_OF_BYTES))
		return;
	else if (c->kind != CHANNEL_OF_BYTES)
		message_came(c, e);
	else if (e->ppid == PPID_BINARY)
		bytes_came(c, e->data);
	else if (e->ppid == PPID_STRING && e->is_whole)
		word(c, e->data);
}
