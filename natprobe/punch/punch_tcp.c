#include "punch_state.h"

#define OWNER_GATHER  1
#define OWNER_STEP(i) ((uint8_t)((i) + 2))

/* What is left of our slots is shared evenly among the steps that want some. */
static void share(struct punch *p, uint8_t step)
{
	uint16_t steps = 0, before = 0;

	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		if (!p->result.plan.steps[i].is_tcp)
			continue;
		before = (uint16_t)(before + (i < step));
		steps++;
	}
	p->steps[step].tcp_count = (uint16_t)((PUNCH_ACCEPTED_FIRST - PU_TCP_GATHER) / steps);
	p->steps[step].tcp_first = (uint16_t)(PU_TCP_GATHER + before * p->steps[step].tcp_count);
}

void pu_tcp_begin(struct punch *p, uint8_t step)
{
	const struct punch_step *s = &p->result.plan.steps[step];
	struct tcp_open_config config = {
		.step = s,
		.step_number = step,
		.ours = &p->ours,
		.theirs = &p->theirs,
		.our_offer = &p->our_offer,
		.their_offer = p->steps[step].their_offer,
		.keys = &p->keys,
		.is_a = p->config.is_a,
		.start_us = p->start_us + s->start_us,
		.end_us = p->start_us + s->start_us + s->duration_us,
		.random = p->config.random,
		.random_arg = p->config.random_arg,
	};

	share(p, step);
	config.first_slot = p->steps[step].tcp_first;
	config.slot_count = p->steps[step].tcp_count;
	p->steps[step].tcp = tcp_open_new(&config);
}

static void note_owner(struct punch *p, const struct punch_action *action, uint8_t owner)
{
	if (action->slot >= PUNCH_CONNECTIONS_MAX)
		return;
	if (action->kind == PUNCH_LISTEN || action->kind == PUNCH_CONNECT)
		p->tcp_owner[action->slot] = owner;
	else if (action->kind == PUNCH_DISCONNECT)
		p->tcp_owner[action->slot] = 0;
}

static bool take(struct punch *p, uint8_t owner, struct punch_action *action, uint64_t *deadline_us)
{
	struct punch_action got = { 0 };
	enum punch_kind kind = owner == OWNER_GATHER
				       ? tcp_gather_next(p->tcp_gather, p->now_us, &got)
				       : tcp_open_next(p->steps[owner - 2].tcp, p->now_us, &got);

	if (kind == PUNCH_WAIT) {
		pu_by(deadline_us, got.deadline_us);
		return false;
	}
	note_owner(p, &got, owner);
	*action = got;
	return true;
}

bool pu_tcp_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	if (p->phase == PU_OVER)
		return false;
	if (p->tcp_gather != NULL && take(p, OWNER_GATHER, action, deadline_us))
		return true;
	for (uint8_t i = 0; i < PUNCH_STEPS_MAX; i++) {
		if (p->steps[i].tcp != NULL && take(p, OWNER_STEP(i), action, deadline_us))
			return true;
	}
	return false;
}

/* The machines are asked no more: what they have open is closed. */
bool pu_tcp_close_next(struct punch *p, struct punch_action *action)
{
	for (uint16_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++) {
		if (p->tcp_owner[i] == 0 || (p->result.path.is_tcp && i == p->result.path.slot))
			continue;
		p->tcp_owner[i] = 0;
		*action = (struct punch_action){ .kind = PUNCH_DISCONNECT, .slot = i };
		return true;
	}
	return false;
}

void pu_tcp_free(struct punch *p)
{
	for (uint8_t i = 0; i < PUNCH_STEPS_MAX; i++)
		tcp_open_free(p->steps[i].tcp);
	tcp_gather_free(p->tcp_gather);
}

static struct tcp_open *machine(const struct punch *p, uint16_t slot)
{
	uint8_t owner = slot < PUNCH_CONNECTIONS_MAX ? p->tcp_owner[slot] : 0;

	return owner > OWNER_GATHER ? p->steps[owner - 2].tcp : NULL;
}

static bool is_gathers(const struct punch *p, uint16_t slot)
{
	return slot < PUNCH_CONNECTIONS_MAX && p->tcp_owner[slot] == OWNER_GATHER;
}

void punch_on_connected(struct punch *p, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	struct tcp_open *t = machine(p, slot);

	p->now_us = now_us;
	if (p->phase == PU_OVER)
		return;
	if (t != NULL)
		tcp_open_on_connected(t, slot, local, now_us);
	else if (is_gathers(p, slot))
		tcp_gather_on_connected(p->tcp_gather, slot, local, now_us);
}

void punch_on_accepted(struct punch *p, uint16_t listener, uint16_t slot, const struct addr *remote,
		       uint64_t now_us)
{
	struct tcp_open *t = machine(p, listener);

	p->now_us = now_us;
	if (slot < PUNCH_ACCEPTED_FIRST || slot >= PUNCH_CONNECTIONS_MAX)
		return;
	/* Whoever is too late is closed with all the others. */
	p->tcp_owner[slot] = t != NULL ? p->tcp_owner[listener] : OWNER_GATHER;
	if (t != NULL && p->phase != PU_OVER)
		tcp_open_on_accepted(t, listener, slot, remote, now_us);
}

void punch_on_stream(struct punch *p, uint16_t slot, enum punch_stream what, struct bytes data,
		     uint64_t now_us)
{
	struct tcp_open *t = machine(p, slot);
	bool is_gather = is_gathers(p, slot);

	p->now_us = now_us;
	if (t == NULL && !is_gather)
		return;
	if (what != PUNCH_STREAM_DATA)
		p->tcp_owner[slot] = 0;
	if (p->phase == PU_OVER)
		return;
	if (t != NULL)
		tcp_open_on_stream(t, slot, what, data, now_us);
	else
		tcp_gather_on_stream(p->tcp_gather, slot, what, data, now_us);
}
