#include "tcp_open.h"

#include <stdlib.h>

#include "tcp_state.h"

/* A connection that proves nothing for so long is a stranger's, or dead. */
#define PROOF_US 2500000
/* A nomination that TCP has to send again and again: whoever waits for it may have been taken. */
#define NOMINATED_US 6000000
/* After the step's end, for those that are nearly there. */
#define GRACE_US 2000000
/* What fails sooner has not left this host. */
#define LOCAL_US 1000

uint32_t tcp_random(const struct tcp_open *t, uint32_t below)
{
	uint32_t value;

	t->c.random(t->c.random_arg, &value, sizeof(value));
	return below > 0 ? value % below : 0;
}

struct tcp_open *tcp_open_new(const struct tcp_open_config *config)
{
	struct tcp_open *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->c = *config;
	t->step = *config->step;
	t->ours = config->is_a ? &t->step.a : &t->step.b;
	t->theirs = config->is_a ? &t->step.b : &t->step.a;
	t->chosen = TCP_NO_SLOT;
	tcp_lines_make(t);
	return t;
}

void tcp_open_free(struct tcp_open *t)
{
	free(t);
}

static bool is_over(const struct tcp_open *t, uint64_t now_us)
{
	return t->is_agreed || now_us >= t->c.end_us;
}

/* Of what stays in the own network nothing is to be learnt about a NAT, and the host that has the
 * other side's address there may be another one, or this one. */
static bool leaves_network(const struct tcp_open *t, const struct tcp_conn *c)
{
	return c->state == TCP_CONN_CONNECTING && !t->lines[c->line].is_local;
}

static bool is_of_mapped_port(const struct tcp_open *t, const struct tcp_conn *c)
{
	return c->local.port == t->ports[0] || leaves_network(t, c);
}

/* Until when a connection that stands is waited for. */
static uint64_t patient_until_us(const struct tcp_open *t, uint16_t slot)
{
	const struct tcp_conn *c = &t->conns[slot];
	uint64_t until_us = t->c.end_us + GRACE_US + t->rtt_us;
	uint64_t proof_us = PROOF_US + 2 * t->rtt_us;

	if (c->asks[TCP_NOMINATE].is_due)
		return UINT64_MAX;
	if (c->asks[TCP_NOMINATE].is_open)
		return c->asks[TCP_NOMINATE].sent_us + NOMINATED_US + 2 * t->rtt_us;
	if (!c->is_proven && c->began_us + proof_us < until_us)
		until_us = c->began_us + proof_us;
	return until_us;
}

/* Until when there is a reason for a connection to be there; 0: there is none. */
static uint64_t needed_until_us(const struct tcp_open *t, uint16_t slot)
{
	const struct tcp_conn *c = &t->conns[slot];

	if (c->is_dropped)
		return 0;
	if (t->is_agreed)
		return slot == t->chosen ? UINT64_MAX : 0;
	if (c->state == TCP_CONN_OPEN)
		return patient_until_us(t, slot);
	if (c->state == TCP_CONN_CONNECTING && t->lines[c->line].until_us < t->c.end_us)
		return t->lines[c->line].until_us;
	return t->c.end_us;
}

/* The connection of a slot is no more. */
static void forget(struct tcp_open *t, uint16_t slot, enum punch_stream what, uint64_t now_us)
{
	struct tcp_conn *c = &t->conns[slot];
	bool has_line = c->state != TCP_CONN_LISTENING && !c->is_accepted;

	if (has_line)
		tcp_line_again(t, &t->lines[c->line], what, now_us);
	if (t->chosen == slot) {
		t->chosen = TCP_NO_SLOT;
		t->is_agreed = false;
	}
	*c = (struct tcp_conn){ 0 };
}

static bool drop_next(struct tcp_open *t, uint64_t now_us, struct punch_action *action)
{
	for (uint16_t slot = 0; slot < PUNCH_CONNECTIONS_MAX; slot++) {
		struct tcp_conn *c = &t->conns[slot];

		if (c->state == TCP_CONN_FREE || now_us < needed_until_us(t, slot))
			continue;
		if (leaves_network(t, c) && !is_over(t, now_us))
			t->seen.tcp_timeouts++;
		*action = (struct punch_action){
			.kind = PUNCH_DISCONNECT,
			.path = t->ours->path,
			.slot = slot,
			.quiet = !c->is_dropped && is_of_mapped_port(t, c),
		};
		forget(t, slot, PUNCH_STREAM_CLOSED, now_us);
		return true;
	}
	return false;
}

static bool write_next(struct tcp_open *t, uint64_t now_us, struct punch_action *action)
{
	for (uint16_t slot = 0; slot < PUNCH_CONNECTIONS_MAX; slot++) {
		if (tcp_conn_write(t, slot, now_us, action))
			return true;
	}
	return false;
}

static bool listen_next(struct tcp_open *t, uint64_t now_us, struct punch_action *action)
{
	for (uint16_t i = 0; i < TCP_PORTS && i < t->c.slot_count; i++) {
		uint16_t slot = (uint16_t)(t->c.first_slot + i);

		if (t->ports[i] == 0 || t->is_listening[i] || is_over(t, now_us))
			continue;
		t->is_listening[i] = true;
		t->conns[slot] = (struct tcp_conn){
			.state = TCP_CONN_LISTENING,
			.local =
				addr_with_port(&t->c.ours->paths[t->ours->path].local, t->ports[i]),
		};
		*action = (struct punch_action){
			.kind = PUNCH_LISTEN,
			.path = t->ours->path,
			.slot = slot,
			.port = t->ports[i],
		};
		return true;
	}
	return false;
}

/* When that attempt is made. */
static uint64_t begins_us(const struct tcp_open *t, const struct tcp_line *line)
{
	return tcp_open_is_valid(t) && t->quiet_until_us > line->next_us ? t->quiet_until_us
									 : line->next_us;
}

static uint64_t deadline_us(const struct tcp_open *t, const struct tcp_line *line)
{
	uint64_t at_us = line != NULL ? begins_us(t, line) : UINT64_MAX;

	for (uint16_t slot = 0; slot < PUNCH_CONNECTIONS_MAX; slot++) {
		uint64_t until_us;

		if (t->conns[slot].state == TCP_CONN_FREE)
			continue;
		until_us = needed_until_us(t, slot);
		if (until_us < at_us)
			at_us = until_us;
		until_us = tcp_conn_due_us(t, &t->conns[slot]);
		if (until_us < at_us)
			at_us = until_us;
	}
	return at_us;
}

enum punch_kind tcp_open_next(struct tcp_open *t, uint64_t now_us, struct punch_action *action)
{
	struct tcp_line *line;

	if (write_next(t, now_us, action) || drop_next(t, now_us, action) ||
	    listen_next(t, now_us, action))
		return (enum punch_kind)action->kind;
	line = is_over(t, now_us) ? NULL : tcp_lines_next(t);
	if (line != NULL && begins_us(t, line) <= now_us) {
		tcp_line_begin(t, line, now_us, action);
		return PUNCH_CONNECT;
	}
	*action = (struct punch_action){
		.kind = PUNCH_WAIT,
		.deadline_us = deadline_us(t, line),
	};
	return PUNCH_WAIT;
}

void tcp_open_on_connected(struct tcp_open *t, uint16_t slot, const struct addr *local,
			   uint64_t now_us)
{
	struct tcp_conn *c;

	if (slot >= PUNCH_CONNECTIONS_MAX || t->conns[slot].state != TCP_CONN_CONNECTING)
		return;
	c = &t->conns[slot];
	t->seen.tcp_connected = (uint16_t)(t->seen.tcp_connected + leaves_network(t, c));
	c->local = *local;
	tcp_conn_begin(t, slot, now_us);
}

void tcp_open_on_accepted(struct tcp_open *t, uint16_t listener, uint16_t slot,
			  const struct addr *remote, uint64_t now_us)
{
	if (slot >= PUNCH_CONNECTIONS_MAX || listener >= PUNCH_CONNECTIONS_MAX ||
	    t->conns[slot].state != TCP_CONN_FREE)
		return;
	t->conns[slot] = (struct tcp_conn){
		.is_accepted = true,
		.is_dropped = t->conns[listener].state != TCP_CONN_LISTENING,
		.local = t->conns[listener].local,
		.remote = *remote,
	};
	t->seen.tcp_accepted++;
	tcp_conn_begin(t, slot, now_us);
}

static void count_failure(struct tcp_open *t, enum punch_stream what, uint64_t took_us)
{
	if (what == PUNCH_STREAM_REFUSED)
		t->seen.tcp_refused++;
	else if (what == PUNCH_STREAM_ICMP)
		t->seen.tcp_icmp++;
	else if (took_us < LOCAL_US)
		t->seen.send_errors++;
	else
		t->seen.tcp_timeouts++;
}

void tcp_open_on_stream(struct tcp_open *t, uint16_t slot, enum punch_stream what,
			struct bytes data, uint64_t now_us)
{
	uint8_t state;

	if (slot >= PUNCH_CONNECTIONS_MAX || t->conns[slot].state == TCP_CONN_FREE)
		return;
	state = t->conns[slot].state;
	if (what == PUNCH_STREAM_DATA) {
		if (state == TCP_CONN_OPEN)
			tcp_conn_read(t, slot, data, now_us);
		return;
	}
	if (leaves_network(t, &t->conns[slot]))
		count_failure(t, what, now_us - t->conns[slot].began_us);
	if (state == TCP_CONN_LISTENING)
		t->seen.open_failed++;
	forget(t, slot, what, now_us);
}

/* In one network first: nothing is shorter. Then whatever came first. */
static uint16_t best_slot(const struct tcp_open *t)
{
	uint16_t best = TCP_NO_SLOT;

	for (uint16_t slot = 0; slot < PUNCH_CONNECTIONS_MAX; slot++) {
		const struct tcp_conn *c = &t->conns[slot];

		if (c->state != TCP_CONN_OPEN || !c->is_proven || !c->is_heard || c->is_dropped)
			continue;
		if (best == TCP_NO_SLOT || c->began_us < t->conns[best].began_us)
			best = slot;
	}
	return best;
}

bool tcp_open_is_valid(const struct tcp_open *t)
{
	return best_slot(t) != TCP_NO_SLOT;
}

bool tcp_open_is_hopeful(const struct tcp_open *t, uint64_t now_us)
{
	for (uint16_t slot = 0; slot < PUNCH_CONNECTIONS_MAX; slot++) {
		if (t->conns[slot].state == TCP_CONN_OPEN && now_us < needed_until_us(t, slot))
			return true;
	}
	return false;
}

uint64_t tcp_open_round_trip_us(const struct tcp_open *t)
{
	return t->rtt_us;
}

void tcp_open_nominate(struct tcp_open *t, uint8_t number, uint64_t now_us)
{
	if (!t->c.is_a || t->chosen != TCP_NO_SLOT)
		return;
	t->chosen = best_slot(t);
	if (t->chosen == TCP_NO_SLOT)
		return;
	t->nomination = number;
	t->conns[t->chosen].asks[TCP_NOMINATE].is_due = true;
}

uint8_t tcp_open_nomination(const struct tcp_open *t)
{
	return t->nomination;
}

bool tcp_open_path(const struct tcp_open *t, struct punch_path *out)
{
	const struct tcp_conn *c;

	if (!t->is_agreed)
		return false;
	c = &t->conns[t->chosen];
	*out = (struct punch_path){
		.is_tcp = true,
		.slot = t->chosen,
		.path = t->ours->path,
		.local = c->local,
		.outer = c->outer,
		.remote = c->remote,
	};
	return true;
}

void tcp_open_ping(struct tcp_open *t, uint64_t now_us)
{
	if (t->is_agreed && t->pings_due < TCP_PINGS)
		t->pings_due++;
}

bool tcp_open_take_pong(struct tcp_open *t, uint32_t *rtt_us)
{
	if (t->pong_count == 0)
		return false;
	*rtt_us = t->pongs[0];
	t->pong_count--;
	memmove(t->pongs, t->pongs + 1, t->pong_count * sizeof(t->pongs[0]));
	return true;
}

bool tcp_open_take_heard(struct tcp_open *t)
{
	bool was_heard = t->was_heard;

	t->was_heard = false;
	return was_heard;
}

void tcp_open_evidence(const struct tcp_open *t, struct punch_evidence *out)
{
	const struct punch_evidence *seen = &t->seen;

	out->sent = (uint16_t)(out->sent + seen->sent);
	out->received = (uint16_t)(out->received + seen->received);
	out->answers = (uint16_t)(out->answers + seen->answers);
	out->stray = (uint16_t)(out->stray + seen->stray);
	out->open_failed = (uint16_t)(out->open_failed + seen->open_failed);
	out->send_errors = (uint16_t)(out->send_errors + seen->send_errors);
	out->tcp_connects = seen->tcp_connects;
	out->tcp_refused = seen->tcp_refused;
	out->tcp_icmp = seen->tcp_icmp;
	out->tcp_timeouts = seen->tcp_timeouts;
	out->tcp_accepted = seen->tcp_accepted;
	out->tcp_connected = seen->tcp_connected;
	out->local = seen->local;
	out->announced = seen->announced;
	if (out->seen.family == ADDR_NONE)
		out->seen = seen->seen;
}
