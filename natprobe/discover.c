#include "discover.h"

#include <stdlib.h>

#include "discover_state.h"

static bool has_server(const struct discover *d, const struct addr *addr)
{
	for (size_t i = 0; i < d->server_count; i++) {
		if (classify_same_endpoint(&d->servers[i].addr, addr))
			return true;
	}
	return false;
}

static void take_servers(struct discover *d, const struct discover_config *config)
{
	for (size_t i = 0; i < config->server_count; i++) {
		const struct discover_server *s = &config->servers[i];

		if (d->server_count == VERDICT_SERVERS_MAX)
			return;
		if (s->addr.family != config->local.family || has_server(d, &s->addr))
			continue;
		d->servers[d->server_count++] = (struct server){
			.addr = s->addr,
			.name = s->name,
			.ask = ASK_NONE,
		};
	}
}

struct discover *discover_new(const struct discover_config *config)
{
	struct discover *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->local = config->local;
	d->random = config->random;
	d->random_arg = config->random_arg;
	d->timing = config->timing != NULL ? *config->timing : discover_timing_default();
	take_servers(d, config);
	return d;
}

void discover_free(struct discover *d)
{
	free(d);
}

struct probe_view discover_view(const struct discover *d)
{
	return (struct probe_view){
		.timing = &d->timing,
		.log = &d->log,
		.open = d->open,
		.exhausted = d->log.count >= d->timing.budget || probe_log_is_full(&d->log),
		.now_us = d->now_us,
	};
}

uint8_t discover_take_slot(struct discover *d)
{
	for (uint8_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (d->slots[i] == SLOT_UNUSED) {
			d->slots[i] = SLOT_WANTED;
			return i;
		}
	}
	return DISCOVER_SLOTS_MAX;
}

static void start(struct discover *d)
{
	d->started = true;
	d->started_us = d->now_us;
	(void)discover_take_slot(d); /* MAPPING_SLOT */
	for (uint8_t i = 0; i < d->server_count; i++)
		d->servers[i].ask =
			asks_add_opening(&d->asks, MAPPING_SLOT, i, &d->servers[i].addr);
	tcp_control_start(&d->tcp, d->server_count, d->now_us + d->timing.tcp_after_us);
}

static bool take_slot_action(struct discover *d, enum slot_state in, enum slot_state next,
			     enum discover_kind kind, struct discover_action *action)
{
	for (uint8_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (d->slots[i] != in)
			continue;
		d->slots[i] = (uint8_t)next;
		action->kind = (uint8_t)kind;
		action->slot = i;
		return true;
	}
	return false;
}

static bool take_hang_up(struct discover *d, struct discover_action *action)
{
	action->kind = DISCOVER_DISCONNECT;
	return tcp_control_hang_up(&d->tcp, &action->slot);
}

static bool take_connect(struct discover *d, struct discover_action *action)
{
	uint8_t random[12];

	if (!tcp_control_is_due(&d->tcp, d->now_us))
		return false;
	d->random(d->random_arg, random, sizeof(random));
	action->kind = DISCOVER_CONNECT;
	action->slot = tcp_control_connect(&d->tcp, &d->timing, random, d->now_us, &action->data);
	action->to = d->servers[d->tcp.connections[action->slot].server].addr;
	return true;
}

/* What some test wants sent. */
static bool find_want(struct discover *d, const struct probe_view *view, struct probe_want *want)
{
	if (view->exhausted)
		return false;
	if (asks_next(&d->asks, view, want))
		return true;
	for (size_t i = 0; i < d->session_count; i++) {
		if (filter_test_next(&d->sessions[i].filter, view, want))
			return true;
	}
	return false;
}

static void note_sent(struct discover *d, const struct probe_want *want,
		      const struct probe_view *view)
{
	if (want->test == PROBE_ASK)
		asks_sent(&d->asks, want->index, view);
	else
		filter_test_sent(&d->sessions[want->index].filter, want, view);
}

static bool take_send(struct discover *d, struct discover_action *action)
{
	struct probe_view view = discover_view(d);
	struct probe_want want;
	uint8_t random[12];

	if (!find_want(d, &view, &want))
		return false;
	action->deadline_us = pace_ready_us(&d->pace, &d->timing);
	if (action->deadline_us > d->now_us)
		return false;
	pace_take(&d->pace, &d->timing, d->now_us);
	d->random(d->random_arg, random, sizeof(random));
	action->kind = DISCOVER_SEND;
	action->slot = want.slot;
	action->to = want.to;
	action->data = probe_log_add(&d->log, &want, random, d->now_us, d->request);
	note_sent(d, &want, &view);
	return true;
}

static enum discover_kind take_end(struct discover *d, struct discover_action *action)
{
	if (!take_slot_action(d, SLOT_OPEN, SLOT_CLOSED, DISCOVER_CLOSE, action) &&
	    !take_hang_up(d, action))
		action->kind = DISCOVER_DONE;
	return (enum discover_kind)action->kind;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static enum discover_kind take_wait(struct discover *d, struct discover_action *action)
{
	struct probe_view view = discover_view(d);
	uint64_t paced_us = action->deadline_us; /* of a datagram that waits for its token */
	uint64_t deadline_us = discover_run_deadline_us(d);

	if (paced_us > d->now_us)
		deadline_us = sooner(deadline_us, paced_us);
	deadline_us = sooner(deadline_us, asks_deadline_us(&d->asks, &view));
	for (size_t i = 0; i < d->session_count; i++)
		deadline_us =
			sooner(deadline_us, filter_test_deadline_us(&d->sessions[i].filter, &view));
	action->kind = DISCOVER_WAIT;
	action->deadline_us = deadline_us > d->now_us ? deadline_us : d->now_us + 1;
	return DISCOVER_WAIT;
}

/* Time that goes back is taken as standing still. */
static void move_on(struct discover *d, uint64_t now_us)
{
	if (now_us > d->now_us)
		d->now_us = now_us;
}

enum discover_kind discover_next(struct discover *d, uint64_t now_us,
				 struct discover_action *action)
{
	*action = (struct discover_action){ 0 };
	move_on(d, now_us);
	if (!d->started && !d->finished)
		start(d);
	if (!d->finished)
		discover_run(d);
	if (d->finished)
		return take_end(d, action);
	if (take_slot_action(d, SLOT_WANTED, SLOT_OPENING, DISCOVER_OPEN, action))
		return DISCOVER_OPEN;
	if (d->answered_us != 0 ? take_hang_up(d, action) : take_connect(d, action))
		return (enum discover_kind)action->kind;
	*action = (struct discover_action){ 0 };
	if (take_send(d, action))
		return DISCOVER_SEND;
	return take_wait(d, action);
}

void discover_on_open(struct discover *d, uint8_t slot, const struct addr *local)
{
	if (slot >= DISCOVER_SLOTS_MAX || d->slots[slot] != SLOT_OPENING)
		return;
	d->slots[slot] = SLOT_OPEN;
	d->open[slot] = true;
	d->slot_local[slot] = *local;
}

void discover_on_open_failed(struct discover *d, uint8_t slot, int err)
{
	if (slot >= DISCOVER_SLOTS_MAX || d->slots[slot] != SLOT_OPENING)
		return;
	d->slots[slot] = SLOT_FAILED;
	asks_slot_failed(&d->asks, slot);
}

void discover_on_send_error(struct discover *d, uint8_t slot, int err)
{
	const struct probe *p = probe_log_withdraw(&d->log, slot);

	if (p == NULL)
		return;
	if (p->want.test == PROBE_ASK)
		asks_withdrawn(&d->asks, p->want.index);
	else
		filter_test_withdrawn(&d->sessions[p->want.index].filter, &p->want);
}

static void on_ask(struct discover *d, enum probe_match match, const struct probe_answer *answer)
{
	const struct probe_want *want = &answer->probe->want;
	const struct ask *a = &d->asks.list[want->index];

	asks_on_answer(&d->asks, match, answer);
	if (match != PROBE_ANSWER)
		verdict_add_finding(&d->verdict, (enum verdict_cause)a->fault, want->server,
				    &answer->from);
	if (!a->opening || d->servers[want->server].judged)
		return;
	d->servers[want->server].other = answer->other;
	discover_judge_server(d, want->server);
}

static enum verdict_cause fault_of(enum probe_match match, const struct probe_want *want)
{
	bool control = want->item == FILTER_CONTROL;

	switch (match) {
	case PROBE_REFUSED:
		return control ? CAUSE_SERVER_ERROR : CAUSE_REFUSES_CHANGE;
	case PROBE_FROM_ASKED:
		return CAUSE_IGNORES_CHANGE;
	case PROBE_FROM_ANOTHER:
		return CAUSE_WRONG_SOURCE;
	default:
		return CAUSE_NONE;
	}
}

static void on_filter(struct discover *d, enum probe_match match, const struct probe_answer *answer)
{
	const struct probe_want *want = &answer->probe->want;
	struct filter_test *f = &d->sessions[want->index].filter;
	enum verdict_cause fault = fault_of(match, want);

	if (fault == CAUSE_NONE) {
		filter_test_on_answer(f, want);
		return;
	}
	filter_test_set_fault(f, fault);
	verdict_add_finding(&d->verdict, fault, want->server, &answer->from);
}

void discover_on_datagram(struct discover *d, uint8_t slot, const struct addr *from,
			  struct bytes data, uint64_t now_us)
{
	struct probe_answer answer;
	enum probe_match match;

	move_on(d, now_us);
	if (d->finished || slot >= DISCOVER_SLOTS_MAX || !d->open[slot])
		return;
	match = probe_log_match(&d->log, slot, from, data, d->now_us, &answer);
	if (match == PROBE_STRAY || match == PROBE_DUPLICATE)
		return;
	if (d->answered_us == 0)
		d->answered_us = d->now_us > 0 ? d->now_us : 1;
	if (answer.probe->want.test == PROBE_ASK)
		on_ask(d, match, &answer);
	else
		on_filter(d, match, &answer);
}

void discover_on_connected(struct discover *d, uint8_t slot, const struct addr *local,
			   uint64_t now_us)
{
	move_on(d, now_us);
	if (!d->finished && slot < d->tcp.count)
		tcp_control_on_connected(&d->tcp, slot, local != NULL ? local : &d->local,
					 d->now_us);
}

void discover_on_stream(struct discover *d, uint8_t slot, enum discover_stream what,
			struct bytes data, uint64_t now_us)
{
	move_on(d, now_us);
	if (d->finished || slot >= d->tcp.count)
		return;
	switch (what) {
	case DISCOVER_STREAM_DATA:
		tcp_control_on_data(&d->tcp, slot, data, d->now_us);
		break;
	case DISCOVER_STREAM_CLOSED:
		tcp_control_on_closed(&d->tcp, slot);
		break;
	}
}

void discover_stop(struct discover *d, uint64_t now_us)
{
	move_on(d, now_us);
	if (!d->started)
		d->started_us = d->now_us;
	if (!d->finished)
		discover_end(d, CAUSE_TIMEOUT);
}

const struct verdict *discover_verdict(const struct discover *d)
{
	return d->finished ? &d->verdict : NULL;
}

struct discover_progress discover_progress(const struct discover *d)
{
	struct discover_progress p = {
		.phase = DISCOVER_ASKING,
		.sent = d->log.sent,
		.answered = d->log.answered,
		.started_us = d->started_us,
	};

	if (d->finished) {
		p.phase = DISCOVER_FINISHED;
	} else if (d->session_count > 0) {
		const struct filter_test *f = &d->sessions[d->session_count - 1].filter;
		struct probe_view view = discover_view(d);

		p.phase = DISCOVER_MEASURING;
		p.window_ends_us =
			f->started_us +
			discover_window_us(&d->timing, probe_view_rtt_us(&view, f->server));
	}
	return p;
}
