/* What a channel sends: one message at a time, so that others have their turn. */
#include "channel_word.h"
#include "transport_state.h"

#define OPEN_MAX (DCEP_OPEN_FIXED + 2 * CHANNEL_LABEL_MAX)

/* Before a message in the queue. */
struct message_head {
	uint32_t len;
	bool is_text;
};

void channel_wake(struct channel *c)
{
	if (list_is_empty(&c->ready))
		list_append(&c->t->ready, &c->ready);
}

static bool give(struct channel *c, uint32_t ppid, struct bytes data)
{
	struct assoc_message m = { .stream = c->id, .ppid = ppid, .data = data };

	if (ppid != PPID_DCEP && c->is_open && c->kind != CHANNEL_OF_BYTES) {
		uint8_t kind = c->type & (uint8_t)~DCEP_UNORDERED;

		m.is_unordered = (c->type & DCEP_UNORDERED) != 0;
		m.limit = kind == DCEP_REXMIT  ? ASSOC_LIMIT_TIMES
			  : kind == DCEP_TIMED ? ASSOC_LIMIT_TIME
					       : ASSOC_LIMIT_NONE;
		m.limit_value = c->reliability;
	}
	c->handed += data.len;
	if (assoc_send(c->t->assoc, &m) == ASSOC_SEND_OK)
		return true;
	c->handed -= data.len;
	return false;
}

static bool give_word(struct channel *c, const struct channel_word *word)
{
	uint8_t buf[CHANNEL_WORD_MAX];

	return give(c, PPID_STRING, bytes_of(buf, channel_word_write(word, buf)));
}

static bool give_open(struct channel *c)
{
	uint8_t buf[OPEN_MAX];
	struct dcep_open open = { .type = c->type,
				  .reliability = c->reliability,
				  .label = bytes_of_str(c->label),
				  .protocol = bytes_of_str(c->protocol) };

	if (!give(c, PPID_DCEP, bytes_of(buf, dcep_open_write(&open, buf, sizeof(buf)))))
		return false;
	c->open_due = false;
	c->open_sent = true;
	return true;
}

static bool give_ack(struct channel *c)
{
	uint8_t buf[1];

	if (!give(c, PPID_DCEP, bytes_of(buf, dcep_ack_write(buf, sizeof(buf)))))
		return false;
	c->ack_due = false;
	return true;
}

static bool give_grant(struct channel *c)
{
	struct channel_word word = { .kind = CHANNEL_WORD_GRANT, .grant = c->grant_due };

	if (!give_word(c, &word))
		return false;
	c->grant_due = 0;
	return true;
}

static bool give_end(struct channel *c)
{
	struct channel_word word = { .kind = CHANNEL_WORD_END };

	if (!give_word(c, &word))
		return false;
	c->end_due = false;
	c->end_sent = true;
	if (c->end_heard)
		c->t->ending++;
	return true;
}

/* The last word, and then the stream is reset. */
static bool give_abort(struct channel *c)
{
	struct channel_word word = { .kind = CHANNEL_WORD_ABORT };

	memcpy(word.text, c->why, sizeof(word.text));
	if (c->kind == CHANNEL_OF_BYTES && !give_word(c, &word))
		return false;
	c->abort_due = false;
	transport_release(c->t, c);
	return true;
}

static bool give_bytes(struct channel *c)
{
	size_t max = assoc_piece(c->t->assoc);
	struct bytes piece = byte_queue_first(&c->queue, c->may_send < max ? c->may_send : max);

	if (!give(c, PPID_BINARY, piece))
		return false;
	c->may_send -= (uint32_t)piece.len;
	c->t->counts.bytes_out += piece.len;
	byte_queue_drop(&c->queue, piece.len);
	return true;
}

static bool give_message(struct channel *c)
{
	struct message_head head;
	struct bytes data = byte_queue_first(&c->queue, SIZE_MAX);
	uint32_t ppid;

	memcpy(&head, data.data, sizeof(head));
	ppid = head.is_text ? PPID_STRING : PPID_BINARY;
	data = bytes_of(data.data + sizeof(head), head.len);
	if (head.len == 0) {
		ppid = head.is_text ? PPID_STRING_EMPTY : PPID_BINARY_EMPTY;
		data = BYTES("\0");
	}
	if (!give(c, ppid, data))
		return false;
	c->t->counts.bytes_out += head.len;
	byte_queue_drop(&c->queue, sizeof(head) + head.len);
	return true;
}

/*
 * The stream was used before, and nobody said yet that our direction is reset: what is sent now would
 * count on from what was sent then, and the other side would wait for ever for what is between.
 */
static bool is_to_be_reset(const struct channel *c)
{
	const struct slot *slot = &c->t->slots[c->id];

	return slot->out_sent || slot->out_wanted;
}

/* What is to be said next; NULL: nothing for now. */
static bool (*next_of(const struct channel *c))(struct channel *c)
{
	if (is_to_be_reset(c))
		return NULL;
	if (c->open_due)
		return give_open;
	if (c->ack_due)
		return give_ack;
	if (c->abort_due)
		return give_abort;
	if (c->grant_due > 0)
		return give_grant;
	if (c->queue.len > 0 && c->kind != CHANNEL_OF_BYTES)
		return give_message;
	if (c->queue.len > 0)
		return c->may_send > 0 ? give_bytes : NULL;
	return c->end_due ? give_end : NULL;
}

enum channel_step channel_step(struct channel *c)
{
	bool (*next)(struct channel *c) = next_of(c);

	if (next == NULL)
		return CHANNEL_STEP_IDLE;
	if (!next(c))
		return CHANNEL_STEP_FULL;
	return next == give_abort || next_of(c) == NULL ? CHANNEL_STEP_IDLE : CHANNEL_STEP_MORE;
}

size_t channel_room(const struct channel *c)
{
	return c->queue.len < CHANNEL_QUEUE_MAX ? CHANNEL_QUEUE_MAX - c->queue.len : 0;
}

static void pump(struct channel *c)
{
	channel_wake(c);
	transport_enter(c->t);
	transport_pump(c->t);
	transport_leave(c->t);
}

size_t channel_write(struct channel *c, struct bytes data)
{
	size_t taken = 0;

	if (c->is_gone || c->kind != CHANNEL_OF_BYTES || c->end_due || c->end_sent)
		return 0;
	transport_enter(c->t);
	while (taken < data.len) {
		size_t room = channel_room(c), n = data.len - taken;

		n = n < room ? n : room;
		if (n == 0 || !byte_queue_add(&c->queue, bytes_of(data.data + taken, n)))
			break;
		taken += n;
		pump(c);
	}
	c->is_blocked = taken < data.len;
	transport_leave(c->t);
	return taken;
}

void channel_end(struct channel *c)
{
	if (c->is_gone || c->kind != CHANNEL_OF_BYTES || c->end_sent)
		return;
	c->end_due = true;
	pump(c);
}

bool channel_is_flushed(const struct channel *c)
{
	bool is_sent = c->queue.len == 0 && !c->end_due && c->handed == c->sent;

	if (!is_sent || c->sent == 0)
		return is_sent;
	return sctp_watch_is_acked(assoc_watch(c->t->assoc), c->tsn_last);
}

bool channel_send(struct channel *c, struct bytes data, bool is_text)
{
	struct message_head head = { .len = (uint32_t)data.len, .is_text = is_text };
	size_t room = channel_room(c);

	if (c->is_gone || c->kind == CHANNEL_OF_BYTES || data.len > CHANNEL_MESSAGE_MAX)
		return false;
	c->is_blocked = room < sizeof(head) + data.len;
	if (c->is_blocked)
		return false;
	if (!byte_queue_add(&c->queue, bytes_of(&head, sizeof(head))))
		return false;
	if (!byte_queue_add(&c->queue, data)) {
		c->queue.len -= sizeof(head);
		return false;
	}
	pump(c);
	return true;
}
