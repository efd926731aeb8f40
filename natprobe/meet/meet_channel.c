#include "meet_channel.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#define FLAG_LEAVE 1u
#define FLAG_PING  2u /* answer at once */
#define FLAG_ECHO  4u /* echo and held say something */
#define FLAGS      (FLAG_LEAVE | FLAG_PING | FLAG_ECHO)

#define MESSAGE_HEAD_LEN 3
#define ACK_WITHIN_US    20000 /* so that it may ride with an answer */
#define PING_EVERY_US    250000
#define PINGS            4
#define PINGS_TRIED      8
#define EAGER_TRIES      14
#define WINDOW           64

static void queue_init(struct channel_queue *q)
{
	*q = (struct channel_queue){ .last = &q->first };
}

static bool queue_add(struct channel_queue *q, uint8_t kind, struct bytes data)
{
	struct channel_message *m;

	if (data.len > CHANNEL_MESSAGE_MAX || q->count >= CHANNEL_QUEUE_MAX ||
	    q->bytes + data.len > CHANNEL_BYTES_MAX)
		return false;
	m = malloc(sizeof(*m) + data.len);
	if (m == NULL)
		return false;
	m->next = NULL;
	m->len = (uint16_t)data.len;
	m->kind = kind;
	if (data.len > 0)
		memcpy(m->data, data.data, data.len);
	*q->last = m;
	q->last = &m->next;
	q->count++;
	q->bytes += data.len;
	return true;
}

static struct channel_message *queue_pop(struct channel_queue *q)
{
	struct channel_message *m = q->first;

	if (m == NULL)
		return NULL;
	q->first = m->next;
	if (q->first == NULL)
		q->last = &q->first;
	q->count--;
	q->bytes -= m->len;
	return m;
}

void channel_drop(struct channel_message *m)
{
	if (m != NULL)
		OPENSSL_cleanse(m->data, m->len);
	free(m);
}

static void queue_free(struct channel_queue *q)
{
	while (q->first != NULL)
		channel_drop(queue_pop(q));
}

void channel_init(struct meet_channel *c, uint64_t now_us)
{
	*c = (struct meet_channel){ .due_us = UINT64_MAX, .waits_us = now_us };
	queue_init(&c->out);
	queue_init(&c->in);
}

void channel_free(struct meet_channel *c)
{
	queue_free(&c->out);
	queue_free(&c->in);
}

static void due_within(struct meet_channel *c, uint64_t now_us, uint64_t delay_us)
{
	if (c->due_us > now_us + delay_us)
		c->due_us = now_us + delay_us;
}

static bool is_outstanding(const struct meet_channel *c)
{
	return c->out.count > 0 || c->asks || (c->wants_hearing && !c->is_heard);
}

bool channel_queue(struct meet_channel *c, enum channel_kind kind, struct bytes data,
		   uint64_t now_us)
{
	bool waited = is_outstanding(c);

	if (!queue_add(&c->out, (uint8_t)kind, data))
		return false;
	if (!waited)
		c->waits_us = now_us;
	c->tries = 0;
	due_within(c, now_us, 0);
	return true;
}

void channel_ask(struct meet_channel *c, uint64_t now_us)
{
	if (is_outstanding(c)) /* an answer is owed already */
		return;
	c->asks = true;
	c->waits_us = now_us;
	c->tries = 0;
	due_within(c, now_us, 0);
}

struct channel_message *channel_pop(struct meet_channel *c)
{
	return queue_pop(&c->in);
}

static uint64_t retry_after(const struct meet_channel *c)
{
	uint64_t unheard = c->tries < EAGER_TRIES ? CHANNEL_EAGER_US : CHANNEL_UNHEARD_US;
	uint64_t slowest = c->is_heard ? CHANNEL_SLOWEST_US : unheard;
	uint64_t after = (uint64_t)CHANNEL_FIRST_US << (c->tries < 16 ? c->tries : 16);

	return after < slowest ? after : slowest;
}

static void count_sent(struct meet_channel *c, uint64_t now_us)
{
	bool again = is_outstanding(c) || c->pings > 0;

	if (c->pings > 0 && c->tries >= PINGS_TRIED)
		c->pings = 0; /* no clock is worth more than that */
	c->due_us = again ? now_us + retry_after(c) : UINT64_MAX;
	if (c->tries < UINT8_MAX)
		c->tries++;
}

static void put_messages(struct meet_channel *c, struct wire_out *out)
{
	uint32_t number = c->out_first;

	for (const struct channel_message *m = c->out.first; m != NULL; m = m->next) {
		if (out->cap - out->len < (size_t)m->len + MESSAGE_HEAD_LEN)
			break;
		wire_put_u16(out, m->len);
		wire_put_u8(out, m->kind);
		wire_put_mem(out, m->data, m->len);
		number++;
	}
	if (number - c->out_first > c->out_sent - c->out_first)
		c->out_sent = number;
}

void channel_put(struct meet_channel *c, uint64_t now_us, struct wire_out *out)
{
	bool has_stamp = c->newest > 0;
	bool asks = c->pings > 0 || c->asks || (c->wants_hearing && !c->is_heard);
	unsigned int flags =
		(c->leaves ? FLAG_LEAVE : 0) | (asks ? FLAG_PING : 0) | (has_stamp ? FLAG_ECHO : 0);

	wire_put_u8(out, (uint8_t)flags);
	wire_put_u8(out, 0);
	wire_put_u32(out, c->in_next);
	wire_put_u64(out, now_us);
	wire_put_u64(out, has_stamp ? c->stamp_us : 0);
	wire_put_u64(out, has_stamp ? now_us - c->stamp_at_us : 0);
	wire_put_u32(out, c->out_first);
	put_messages(c, out);
	c->ping_us = c->pings > 0 ? now_us : 0;
	count_sent(c, now_us);
}

bool channel_is_new(const struct meet_channel *c, uint64_t counter)
{
	uint64_t age;

	if (counter >= c->newest)
		return counter < UINT64_MAX;
	age = c->newest - 1 - counter;
	return age < WINDOW && (c->window >> age & 1) == 0;
}

/* True where it is the newest. */
static bool mark(struct meet_channel *c, uint64_t counter)
{
	uint64_t ahead = counter + 1 - c->newest;

	if (counter < c->newest) {
		c->window |= 1ull << (c->newest - 1 - counter);
		return false;
	}
	c->window = ahead < WINDOW ? c->window << ahead : 0;
	c->window |= 1;
	c->newest = counter + 1;
	return true;
}

/* A server's clock: name, offset, error, and by their clock when it told. */
static void take_clock(struct meet_channel *c, struct bytes data, uint64_t now_us)
{
	struct wire in = wire_read(data);
	char name[PEER_CLOCK_NAME_MAX] = "";
	uint8_t len = wire_get_u8(&in);
	struct peer_clock_told told = { .known = true };
	uint64_t age;

	if (len >= sizeof(name))
		return;
	wire_get_mem(&in, name, len);
	told.offset_us = (int64_t)wire_get_u64(&in);
	told.error_us = wire_get_u64(&in);
	age = wire_get_u64(&in); /* their time: as old as the newest stamp makes it */
	age = age < c->stamp_us ? c->stamp_us - age : 0;
	told.at_us = age < now_us ? now_us - age : 0;
	if (wire_done(&in) && strlen(name) == len)
		peer_clock_server_told(&c->clock, name, false, &told);
}

/* False: there is no room, so it was not received. */
static bool take_message(struct meet_channel *c, uint8_t kind, struct bytes data, uint64_t now_us)
{
	if (kind == CHANNEL_CLOCK)
		take_clock(c, data, now_us);
	else if (kind == CHANNEL_USER && !queue_add(&c->in, kind, data))
		return false;
	c->in_next++; /* kinds of later versions are received, and mean nothing */
	return true;
}

static bool take_messages(struct meet_channel *c, struct wire *in, uint32_t number, uint64_t now_us)
{
	bool is_full = false;

	if (in->left > 0)
		due_within(c, now_us, ACK_WITHIN_US); /* known ones too: our word of it was lost */
	while (in->left > 0) {
		uint16_t len = wire_get_u16(in);
		uint8_t kind = wire_get_u8(in);
		struct bytes data = wire_get_bytes(in, len);

		if (in->failed || len > CHANNEL_MESSAGE_MAX)
			return false;
		if (number == c->in_next && !is_full)
			is_full = !take_message(c, kind, data, now_us);
		number++;
	}
	return true;
}

static void take_ack(struct meet_channel *c, uint32_t ack, uint64_t now_us)
{
	uint32_t count = ack - c->out_first;

	if (count == 0 || count > c->out_sent - c->out_first || count > c->out.count)
		return; /* old, or a lie */
	for (uint32_t i = 0; i < count; i++)
		channel_drop(queue_pop(&c->out));
	c->out_first = ack;
	c->tries = 0;
	c->due_us = UINT64_MAX;
	if (c->out.count > 0)
		due_within(c, now_us, c->out_first == c->out_sent ? 0 : CHANNEL_FIRST_US);
}

static void take_stamps(struct meet_channel *c, uint64_t sent_us, uint64_t echo_us,
			uint64_t held_us, uint64_t now_us)
{
	uint64_t between = now_us - echo_us;

	if (echo_us > now_us || held_us > sent_us || held_us > between)
		return; /* a lie, or clocks that run apart by more than this took */
	peer_clock_delivered(&c->clock, echo_us, sent_us - held_us);
	peer_clock_round_trip(&c->clock, between - held_us);
	if (c->pings > 0 && c->ping_us > 0 && echo_us >= c->ping_us) {
		c->pings--;
		c->ping_us = 0;
		c->tries = 0;
		if (c->pings > 0)
			due_within(c, now_us, PING_EVERY_US);
	}
}

static void heard(struct meet_channel *c, uint64_t now_us)
{
	c->waits_us = now_us;
	if (c->asks && c->out.count == 0 && c->pings == 0)
		c->due_us = UINT64_MAX;
	c->asks = false;
	if (c->is_heard)
		return;
	c->is_heard = true;
	c->tries = 0;
	if (c->out.count == 0)
		c->due_us = UINT64_MAX;
	if (c->wants_hearing) {
		c->pings = PINGS;
		due_within(c, now_us, PING_EVERY_US);
	}
}

bool channel_take(struct meet_channel *c, uint64_t counter, struct bytes plain, uint64_t now_us)
{
	struct wire in = wire_read(plain);
	uint8_t flags = wire_get_u8(&in), zero = wire_get_u8(&in);
	uint32_t ack = wire_get_u32(&in);
	uint64_t sent_us = wire_get_u64(&in), echo_us = wire_get_u64(&in);
	uint64_t held_us = wire_get_u64(&in);
	uint32_t number = wire_get_u32(&in);

	if (in.failed || zero != 0 || (flags & ~FLAGS) != 0)
		return false;
	if (mark(c, counter)) {
		c->stamp_us = sent_us;
		c->stamp_at_us = now_us;
	}
	heard(c, now_us);
	peer_clock_received(&c->clock, sent_us, now_us);
	take_ack(c, ack, now_us);
	if ((flags & FLAG_ECHO) != 0)
		take_stamps(c, sent_us, echo_us, held_us, now_us);
	if ((flags & FLAG_PING) != 0)
		due_within(c, now_us, 0);
	if ((flags & FLAG_LEAVE) != 0)
		c->they_left = true;
	return take_messages(c, &in, number, now_us);
}

uint64_t channel_waits_us(const struct meet_channel *c)
{
	return is_outstanding(c) ? c->waits_us : UINT64_MAX;
}

uint64_t channel_gone_at(const struct meet_channel *c)
{
	return is_outstanding(c) ? c->waits_us + CHANNEL_GONE_US : UINT64_MAX;
}
