#include "tcp_state.h"

/*
 * A check that is lost is sent again after three round trips, since a connection that has just begun
 * knows no better (RFC 6298, section 2.2); or once segments behind it were acknowledged (RFC 5681,
 * section 3.2). So where the answer takes long, copies of it follow.
 */
#define LONG_US    250000
#define COPIES_MAX 5
#define COPY_US    80000
/* Of the last ping, while it is not answered: what follows shows the other end what it has to send
 * again, before its timer does. They end before the answers are waited for no more. */
#define PING_COPIES_MAX 8
/* After a connection has proven itself, and two round trips more: until it is agreed on. */
#define QUIET_US 1000000

void tcp_conn_begin(struct tcp_open *t, uint16_t slot, uint64_t now_us)
{
	struct tcp_conn *c = &t->conns[slot];

	c->state = TCP_CONN_OPEN;
	c->began_us = now_us;
	/* Who was connected to waits until the other side has proven that it is no stranger. */
	c->asks[TCP_ASK].is_due = !c->is_accepted;
}

/*
 * It carries both ways and is about to be agreed on: one more SYN, to another port of the same host,
 * may move the mapping that it goes through.
 */
static void note_valid(struct tcp_open *t, const struct tcp_conn *c, uint64_t now_us)
{
	if (c->is_heard && c->is_proven)
		t->quiet_until_us = now_us + QUIET_US + 2 * t->rtt_us;
}

/* Whom we have heard first is the other side as it looks from here. */
static void note_heard(struct tcp_open *t, struct tcp_conn *c)
{
	t->seen.received++;
	t->was_heard = t->was_heard || c == &t->conns[t->chosen % PUNCH_CONNECTIONS_MAX];
	if (t->seen.seen.family == ADDR_NONE)
		t->seen.seen = c->remote;
	if (!c->is_heard && !c->asks[TCP_ASK].is_open)
		c->asks[TCP_ASK].is_due = true;
	c->is_heard = true;
}

static void on_request(struct tcp_open *t, uint16_t slot, const struct check *check,
		       uint64_t now_us)
{
	struct tcp_conn *c = &t->conns[slot];
	bool was_heard = c->is_heard;

	note_heard(t, c);
	if (!was_heard)
		note_valid(t, c, now_us);
	if (c->due_count < TCP_DUE_MAX)
		c->due[c->due_count++] = check->tid;
	if (t->c.is_a || check->nomination <= t->nomination)
		return;
	t->nomination = check->nomination;
	t->chosen = slot;
}

static void on_pong(struct tcp_open *t, const struct stun_tid *tid, uint64_t now_us)
{
	for (size_t i = 0; i < TCP_PINGS; i++) {
		struct tcp_ask *ping = &t->pings[i];

		if (!ping->is_open || !stun_tid_equal(&ping->tid, tid))
			continue;
		ping->is_open = false;
		t->seen.answers++;
		if (t->pong_count < TCP_PINGS)
			t->pongs[t->pong_count++] = (uint32_t)(now_us - ping->sent_us);
	}
}

static void on_answer(struct tcp_open *t, uint16_t slot, const struct check *check, uint64_t now_us)
{
	struct tcp_conn *c = &t->conns[slot];

	for (int i = 0; i < TCP_ASKS; i++) {
		struct tcp_ask *ask = &c->asks[i];

		if (!ask->is_open || !stun_tid_equal(&ask->tid, &check->tid))
			continue;
		ask->is_open = false;
		t->seen.answers++;
		if (!c->is_proven) {
			c->is_proven = true;
			note_valid(t, c, now_us);
		}
		c->outer = check->mapped;
		if (i == TCP_NOMINATE && t->chosen == slot)
			t->is_agreed = true;
	}
	if (t->chosen == slot)
		on_pong(t, &check->tid, now_us);
	if (!t->c.is_a && t->chosen == slot && c->is_proven)
		t->is_agreed = true;
}

static void on_frame(struct tcp_open *t, uint16_t slot, struct bytes frame, uint64_t now_us)
{
	struct tcp_conn *c = &t->conns[slot];
	struct check check;

	check_read(t->c.keys, frame, &check);
	if (check.kind == CHECK_REQUEST) {
		on_request(t, slot, &check, now_us);
	} else if (check.kind == CHECK_ANSWER) {
		on_answer(t, slot, &check, now_us);
	} else {
		t->seen.stray++;
		c->is_dropped = true;
	}
}

void tcp_conn_read(struct tcp_open *t, uint16_t slot, struct bytes data, uint64_t now_us)
{
	struct tcp_conn *c = &t->conns[slot];
	struct bytes frame;

	while (!c->is_dropped && data.len > 0) {
		enum tcp_frame_result result = tcp_frame_take(&c->in, &data, &frame);

		if (result == TCP_FRAME_BROKEN) {
			t->seen.stray++;
			c->is_dropped = true;
		} else if (result == TCP_FRAME_WHOLE) {
			on_frame(t, slot, frame, now_us);
		}
	}
}

static bool write_out(struct tcp_open *t, uint16_t slot, size_t len, struct punch_action *action)
{
	if (len == 0)
		return false;
	*action = (struct punch_action){
		.kind = PUNCH_WRITE,
		.path = t->ours->path,
		.slot = slot,
		.to = t->conns[slot].remote,
		.data = tcp_frame_close(t->out, len),
	};
	return true;
}

static bool write_answer(struct tcp_open *t, uint16_t slot, struct punch_action *action)
{
	struct tcp_conn *c = &t->conns[slot];
	uint8_t check[CHECK_BYTES_MAX];
	size_t len = check_write_answer(t->c.keys, &c->due[0], &c->remote, check);

	memmove(&c->due[0], &c->due[1], sizeof(c->due) - sizeof(c->due[0]));
	c->due_count--;
	memcpy(t->out + 2, check, len);
	/* B has taken it, and both know that it carries both ways. */
	if (!t->c.is_a && t->chosen == slot && c->is_proven)
		t->is_agreed = true;
	return write_out(t, slot, len, action);
}

static bool wants_copy(const struct tcp_open *t, const struct tcp_ask *ask, uint8_t most)
{
	return t->rtt_us >= LONG_US && ask->is_open && !ask->is_due && ask->copies < most;
}

static size_t last_ping(const struct tcp_open *t)
{
	return (t->ping_next + TCP_PINGS - 1u) % TCP_PINGS;
}

uint64_t tcp_conn_due_us(const struct tcp_open *t, const struct tcp_conn *c)
{
	const struct tcp_ask *ping = &t->pings[last_ping(t)];
	uint64_t at_us = UINT64_MAX;

	for (int i = 0; i < TCP_ASKS && c->state == TCP_CONN_OPEN && !c->is_dropped; i++) {
		if (wants_copy(t, &c->asks[i], COPIES_MAX) && c->asks[i].again_us < at_us)
			at_us = c->asks[i].again_us;
	}
	if (t->chosen != TCP_NO_SLOT && c == &t->conns[t->chosen] &&
	    wants_copy(t, ping, PING_COPIES_MAX) && ping->again_us < at_us)
		at_us = ping->again_us;
	return at_us;
}

static bool write_copy(struct tcp_open *t, uint16_t slot, struct tcp_ask *ask, uint8_t nomination,
		       uint64_t now_us, struct punch_action *action)
{
	uint8_t check[CHECK_BYTES_MAX];
	size_t len;

	ask->copies++;
	ask->again_us = now_us + COPY_US;
	t->seen.sent++;
	len = check_write_request(t->c.keys, &ask->tid, t->c.step_number, nomination, check);
	memcpy(t->out + 2, check, len);
	return write_out(t, slot, len, action);
}

static bool write_request(struct tcp_open *t, uint16_t slot, struct tcp_ask *ask,
			  uint8_t nomination, uint64_t now_us, struct punch_action *action)
{
	uint8_t random[12];

	t->c.random(t->c.random_arg, random, sizeof(random));
	*ask = (struct tcp_ask){
		.is_open = true,
		.tid = stun_tid_make(random),
		.sent_us = now_us,
	};
	return write_copy(t, slot, ask, nomination, now_us, action);
}

static bool write_ask(struct tcp_open *t, uint16_t slot, enum tcp_ask_kind kind, uint64_t now_us,
		      struct punch_action *action)
{
	struct tcp_ask *ask = &t->conns[slot].asks[kind];
	uint8_t nomination = kind == TCP_NOMINATE ? t->nomination : 0;

	if (ask->is_due)
		return write_request(t, slot, ask, nomination, now_us, action);
	if (!wants_copy(t, ask, COPIES_MAX) || now_us < ask->again_us)
		return false;
	return write_copy(t, slot, ask, nomination, now_us, action);
}

static bool write_ping(struct tcp_open *t, uint16_t slot, uint64_t now_us,
		       struct punch_action *action)
{
	struct tcp_ask *ping = &t->pings[last_ping(t)];
	bool is_written;

	if (t->pings_due > 0) {
		t->pings_due--;
		ping = &t->pings[t->ping_next++ % TCP_PINGS];
		is_written = write_request(t, slot, ping, 0, now_us, action);
		ping->again_us = now_us + t->rtt_us + t->rtt_us / 2;
		return is_written;
	}
	if (!wants_copy(t, ping, PING_COPIES_MAX) || now_us < ping->again_us)
		return false;
	is_written = write_copy(t, slot, ping, 0, now_us, action);
	ping->again_us = now_us + t->rtt_us / 2;
	return is_written;
}

bool tcp_conn_write(struct tcp_open *t, uint16_t slot, uint64_t now_us, struct punch_action *action)
{
	struct tcp_conn *c = &t->conns[slot];

	if (c->state != TCP_CONN_OPEN || c->is_dropped)
		return false;
	if (c->due_count > 0)
		return write_answer(t, slot, action);
	if (write_ask(t, slot, TCP_NOMINATE, now_us, action) ||
	    write_ask(t, slot, TCP_ASK, now_us, action))
		return true;
	return t->chosen == slot && write_ping(t, slot, now_us, action);
}
