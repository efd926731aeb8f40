#include "deep_state.h"

#define LIMIT_SHARE 1400000u /* of the longest lifetime that is looked for, in us a second */
#define LIMIT_US    60000000u
#define STEPS_MAX   64 /* of trials in a row, lest two of them keep each other busy */

void deep_poke(struct deep *d, uint8_t trial)
{
	d->trials[trial].poked = true;
}

static bool has_ended(const struct deep *d, uint8_t i)
{
	const struct deep_running *r = &d->trials[i];

	return r->over || (r->begun && deep_trials[i]->is_over(d, r->state));
}

static void step(struct deep *d, uint8_t i)
{
	struct deep_running *r = &d->trials[i];

	r->poked = false;
	d->current = i;
	deep_trials[i]->step(d, r->state);
	if (deep_trials[i]->is_over(d, r->state)) {
		r->over = true;
		/* Others may have waited for it. */
		for (uint8_t j = 0; j < deep_trial_count; j++)
			d->trials[j].poked = true;
	}
}

static void begin(struct deep *d, uint8_t i)
{
	const struct deep_trial *t = deep_trials[i];
	struct deep_running *r = &d->trials[i];

	d->current = i;
	if (t->applies != NULL && !t->applies(d)) {
		r->over = true;
		return;
	}
	r->begun = true;
	t->start(d, r->state);
	r->poked = true;
}

/* What has to be alone stands first. */
static void begin_all(struct deep *d)
{
	for (uint8_t i = 0; i < deep_trial_count; i++) {
		if (!deep_trials[i]->alone && d->config.turn != DEEP_TURN_ALL)
			return;
		if (!d->trials[i].begun && !d->trials[i].over)
			begin(d, i);
		if (deep_trials[i]->alone && !d->trials[i].over)
			return;
	}
}

static bool is_due(const struct deep *d, uint8_t i)
{
	const struct deep_running *r = &d->trials[i];

	if (!r->begun || r->over)
		return false;
	return r->poked || deep_trials[i]->deadline_us(d, r->state) <= d->now_us;
}

static bool are_all_over(const struct deep *d)
{
	for (uint8_t i = 0; i < deep_trial_count; i++) {
		if (!has_ended(d, i))
			return false;
	}
	return true;
}

static void step_trials(struct deep *d)
{
	bool any = true;

	for (int round = 0; any && round < STEPS_MAX; round++) {
		any = false;
		begin_all(d);
		for (uint8_t i = 0; i < deep_trial_count; i++) {
			if (!is_due(d, i))
				continue;
			step(d, i);
			any = true;
		}
	}
}

static bool is_asking(const struct deep *d)
{
	for (size_t i = 0; i < DEEP_ASKINGS_MAX; i++) {
		if (d->askings[i].is_active)
			return true;
	}
	return false;
}

static void conclude(struct deep *d)
{
	struct verdict_deep *v = &d->verdict->deep;

	d->phase = DEEP_CLOSING;
	for (uint8_t i = 0; i < deep_trial_count; i++) {
		enum verdict_cause early = d->trials[i].over ? CAUSE_NONE : CAUSE_TIMEOUT;

		d->current = i;
		v->cut |= d->trials[i].begun && !d->trials[i].over;
		deep_trials[i]->end(d, d->trials[i].state, early, d->verdict);
	}
	verdict_use_turn(d->verdict); /* what a TURN server showed stays known */
	v->elapsed_us = d->now_us - d->started_us;
	if (d->cooperates)
		v->server = d->config.server;
	for (uint16_t i = 0; i < DEEP_SLOTS_MAX; i++)
		deep_socket_close(d, i);
	for (uint16_t i = 0; i < DEEP_CONNECTIONS_MAX; i++)
		deep_disconnect(d, i);
}

/* Begins trials and lets them step. */
static void step_all(struct deep *d)
{
	bool searches = d->phase == DEEP_ASKING;

	deep_token_step(d);
	deep_order_step(d);
	while (searches && !is_asking(d) && deep_token_search(d))
		continue;
	if (searches && !is_asking(d)) {
		d->phase = DEEP_TRYING;
		for (uint8_t i = 0; i < deep_trial_count; i++)
			d->trials[i].poked = true;
	}
	if (d->phase == DEEP_TRYING)
		step_trials(d);
	d->is_stopped |= d->now_us >= d->limit_us;
	if (d->phase <= DEEP_TRYING &&
	    (d->is_stopped || (d->phase == DEEP_TRYING && are_all_over(d))))
		conclude(d);
}

static uint64_t deadline_us(const struct deep *d)
{
	uint64_t at_us = deep_sooner(deep_token_deadline_us(d), d->orders_due_us);

	at_us = deep_sooner(at_us, d->limit_us);

	for (uint8_t i = 0; d->phase == DEEP_TRYING && i < deep_trial_count; i++) {
		const struct deep_running *r = &d->trials[i];

		if (r->begun && !r->over)
			at_us = deep_sooner(at_us, deep_trials[i]->deadline_us(d, r->state));
	}
	return at_us;
}

/* Whether the shell has to be asked; what it need not know is done here. */
static bool is_for_shell(struct deep *d, const struct deep_queued *item)
{
	const struct deep_action *a = &item->action;
	struct deep_socket *s;

	switch (a->kind) {
	case DEEP_OPEN:
		return d->sockets[a->slot].state == DEEP_SOCKET_WANTED;
	case DEEP_SEND:
		pace_take(&d->pace, &d->timing, d->now_us);
		deep_order_left(d, item->order);
		d->verdict->deep.sent++;
		return true;
	case DEEP_CLOSE:
		s = &d->sockets[a->slot];
		if (s->state != DEEP_SOCKET_CLOSING)
			return false;
		s->state = DEEP_SOCKET_FREE;
		d->socket_count--;
		return s->local.family != ADDR_NONE;
	case DEEP_DISCONNECT:
		if (d->tcp[a->slot].state != DEEP_SOCKET_CLOSING)
			return false;
		d->tcp[a->slot].state = DEEP_SOCKET_FREE;
		return true;
	case DEEP_LISTEN:
	case DEEP_CONNECT:
		return true;
	default:
		return d->tcp[a->slot].state == DEEP_SOCKET_OPEN;
	}
}

/* True: *action is to be carried out. */
static bool take(struct deep *d, struct deep_action *action)
{
	const struct deep_queued *first;
	struct deep_queued item;

	while ((first = deep_queue_first(&d->queue)) != NULL) {
		if (first->action.kind == DEEP_SEND &&
		    pace_ready_us(&d->pace, &d->timing) > d->now_us)
			return false;
		deep_queue_take(&d->queue, &item);
		if (is_for_shell(d, &item)) {
			*action = item.action;
			return true;
		}
	}
	return false;
}

static void start(struct deep *d)
{
	d->is_started = true;
	d->started_us = d->now_us;
	d->limit_us = d->now_us + (uint64_t)d->config.longest_s * LIMIT_SHARE + LIMIT_US;
	(void)deep_token_search(d);
}

/* Sockets whose closing found no room in the queue. */
static void close_rest(struct deep *d)
{
	for (uint16_t i = 0; i < DEEP_SLOTS_MAX; i++) {
		struct deep_action a = { .kind = DEEP_CLOSE, .slot = i };

		if (d->sockets[i].state != DEEP_SOCKET_FREE)
			(void)deep_queue_put(&d->queue, &a, DEEP_NO_ORDER);
	}
}

enum deep_kind deep_next(struct deep *d, uint64_t now_us, struct deep_action *action)
{
	*action = (struct deep_action){ .kind = DEEP_WAIT };
	if (now_us > d->now_us)
		d->now_us = now_us;
	if (d->config.turn == DEEP_TURN_NONE && !d->is_stopped) {
		action->deadline_us = UINT64_MAX;
		return DEEP_WAIT;
	}
	if (!d->is_started)
		start(d);
	if (d->phase <= DEEP_TRYING)
		step_all(d);
	if (take(d, action))
		return (enum deep_kind)action->kind;
	if (d->phase == DEEP_CLOSING && d->socket_count > 0)
		close_rest(d);
	if (d->phase == DEEP_CLOSING && take(d, action))
		return (enum deep_kind)action->kind;
	if (d->phase >= DEEP_CLOSING) {
		d->phase = DEEP_OVER;
		action->kind = DEEP_FINISHED;
		return DEEP_FINISHED;
	}
	action->deadline_us = deadline_us(d);
	if (deep_queue_first(&d->queue) != NULL)
		action->deadline_us =
			deep_sooner(action->deadline_us, pace_ready_us(&d->pace, &d->timing));
	return DEEP_WAIT;
}
