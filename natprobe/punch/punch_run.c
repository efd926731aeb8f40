#include "punch_state.h"

#include "natprobe/planning/punch_plan_side.h"

#define OPEN_BEFORE_US (150 * PU_MS) /* fresh sockets: before their step */
#define SKIP_US        (100 * PU_MS) /* shots that are later than this when a step begins late */
#define ASK_US         (450 * PU_MS) /* questions after a step; twice the round trip more */
#define ASK_MOST_US    (900 * PU_MS)
#define END_US         (1000 * PU_MS) /* of the limit: for the exchange of evidence */
#define HOLD_US        (150 * PU_MS)  /* and a round trip: until what was heard of is proven */
#define ALIVE_MAX      16
#define SHOTS_AT_ONCE  20000 /* that may be skipped: they are bounded, whatever the plan says */

const struct punch_part *pu_part(const struct punch *p, const struct punch_step *s)
{
	return p->config.is_a ? &s->a : &s->b;
}

struct shots_view pu_run_view(const struct punch *p, uint8_t i)
{
	const struct peer_offer *theirs = p->steps[i].their_offer;
	uint64_t age_us = p->start_us > p->their_offer_us ? p->start_us - p->their_offer_us : 0;

	return (struct shots_view){
		.step = &p->result.plan.steps[i],
		.ours = &p->ours,
		.theirs = &p->theirs,
		.our_offer = &p->our_offer,
		.their_offer = theirs != NULL ? theirs : pu_their_offer(p),
		.is_a = p->config.is_a,
		.seed = p->seed + i,
		.offer_age_us = age_us < UINT32_MAX ? (uint32_t)age_us : UINT32_MAX,
	};
}

static uint64_t limit_us(const struct punch *p)
{
	uint64_t limit_us = p->config.limit_us != 0 ? p->config.limit_us : PUNCH_LIMIT_US;

	return p->start_us + (limit_us > END_US ? limit_us - END_US : 0);
}

uint64_t pu_run_last_us(const struct punch *p)
{
	return limit_us(p) + END_US / 2;
}

static uint64_t step_start_us(const struct punch *p, uint8_t i)
{
	return p->start_us + p->result.plan.steps[i].start_us;
}

static uint64_t step_end_us(const struct punch *p, uint8_t i)
{
	uint64_t end_us = step_start_us(p, i) + p->result.plan.steps[i].duration_us;

	return end_us < limit_us(p) ? end_us : limit_us(p);
}

uint16_t pu_run_slot(const struct punch *p, uint8_t i, uint16_t socket)
{
	const struct punch_step *s = &p->result.plan.steps[i];
	uint8_t path = pu_part(p, s)->path;

	if (socket == SHOTS_SOCKET_SET)
		return pu_set_slot(p, path, s->set);
	if (socket == SHOTS_SOCKET_LOCAL)
		return pu_local_slot(p, path);
	if (socket == SHOTS_SOCKET_RELAY)
		return PU_SLOT_RELAY;
	socket -= SHOTS_SOCKET_FRESH;
	return socket < p->steps[i].fresh_count ? p->steps[i].fresh[socket] : PU_NO_SLOT;
}

/* Of our socket, as it was offered. */
static struct addr announced(const struct punch *p, const struct punch_step *s)
{
	uint8_t path = pu_part(p, s)->path;

	for (uint8_t i = 0; i < p->our_offer.endpoint_count; i++) {
		const struct peer_endpoint *e = &p->our_offer.endpoints[i];

		if (e->kind == PEER_MAPPED && e->path == path && e->set == s->set &&
		    e->is_tcp == s->is_tcp && e->addr.family == s->family)
			return e->addr;
	}
	return (struct addr){ 0 };
}

void pu_run_begin(struct punch *p)
{
	const struct peer_profile *a = p->config.is_a ? &p->ours : &p->theirs;
	const struct peer_profile *b = p->config.is_a ? &p->theirs : &p->ours;

	pu_asks_end(p);
	punch_plan_make(a, b, &p->options, &p->result.plan);
	p->ran_us = p->now_us;
	pu_enter(p, PU_RUN);
}

/* All but what may become the path: that stays until the trial ends. */
static void close_fresh(struct punch *p, struct pu_step *s)
{
	for (uint16_t i = 0; i < s->fresh_count; i++) {
		if (!pu_slot_is_proven(p, s->fresh[i]))
			pu_slot_leave(p, s->fresh[i]);
	}
	s->fresh_count = 0;
}

/* Sockets of steps that are through make room. */
static uint16_t take_fresh(struct punch *p)
{
	uint16_t slot = pu_slot_fresh(p);

	for (uint8_t i = 0; slot == PU_NO_SLOT && i < p->result.plan.count; i++) {
		if (p->steps[i].state == PU_STEP_ASKS)
			close_fresh(p, &p->steps[i]);
		slot = pu_slot_fresh(p);
	}
	return slot;
}

static void open_fresh(struct punch *p, uint8_t i)
{
	struct pu_step *s = &p->steps[i];
	const struct punch_part *ours = pu_part(p, &p->result.plan.steps[i]);
	struct shots_view view = pu_run_view(p, i);
	uint16_t count = p->result.plan.steps[i].is_tcp ? 0 : shots_sockets(&view);

	if (s->is_prepared)
		return;
	s->is_prepared = true;
	for (uint16_t k = 0; k < count && k < PUNCH_SOCKETS_MAX; k++) {
		uint16_t slot = take_fresh(p);

		if (slot == PU_NO_SLOT)
			return;
		pu_slot_want(p, slot, ours->path, shots_local_port(&view, k));
		s->fresh[s->fresh_count++] = slot;
	}
}

/* The next shot is looked up once. */
static bool load_shot(struct punch *p, uint8_t i)
{
	struct pu_step *s = &p->steps[i];
	struct shots_view view;

	if (s->has_shot || s->has_no_more)
		return s->has_shot;
	view = pu_run_view(p, i);
	s->has_shot = shots_get(&view, s->index, &s->shot);
	s->has_no_more = !s->has_shot;
	s->index++;
	return s->has_shot;
}

void pu_run_note(struct punch *p, uint8_t i)
{
	const struct punch_step *step = &p->result.plan.steps[i];
	struct punch_evidence *e = &p->result.ours[i];

	if (e->strategy != PUNCH_NONE)
		return;
	e->strategy = step->strategy;
	e->began_us = (int32_t)(p->now_us - p->start_us);
	e->announced = announced(p, step);
	e->has_portmap = p->portmaps[pu_part(p, step)->path].family != ADDR_NONE;
	e->has_relay = pu_slot_is_open(p, PU_SLOT_RELAY);
	e->relay_code = p->relay_code;
	if (!step->is_tcp) {
		const struct pu_slot *slot = &p->slots[pu_run_slot(p, i, SHOTS_SOCKET_SET)];

		e->local = slot->local;
		e->is_unseen = slot->state == PU_OPEN && slot->mapped[0].family == ADDR_NONE &&
			       slot->mapped[1].family == ADDR_NONE;
	}
}

static void begin_step(struct punch *p, uint8_t i)
{
	struct pu_step *s = &p->steps[i];
	uint64_t late_us = p->now_us - step_start_us(p, i);

	s->state = PU_STEP_RUNS;
	s->their_offer = pu_their_offer(p);
	pu_run_note(p, i);
	if (p->result.plan.steps[i].is_tcp) {
		pu_tcp_begin(p, i);
		return;
	}
	open_fresh(p, i);
	for (int k = 0; k < SHOTS_AT_ONCE && load_shot(p, i); k++) {
		if (s->shot.at_us + SKIP_US >= late_us)
			break;
		s->has_shot = false;
	}
}

/* Slow lines take longer, as far as there is time. */
static uint64_t ask_us(const struct punch *p, uint8_t i)
{
	uint8_t path = pu_part(p, &p->result.plan.steps[i])->path;
	uint64_t us = ASK_US + 2 * (uint64_t)p->ours.paths[path].rtt_us;

	return us < ASK_MOST_US ? us : ASK_MOST_US;
}

/* What is left behind by a step that made nothing: where does its socket stand now? */
static void ask_after(struct punch *p, uint8_t i)
{
	struct pu_step *s = &p->steps[i];
	const struct punch_step *step = &p->result.plan.steps[i];
	uint16_t every = (uint16_t)(s->fresh_count / ALIVE_MAX + 1);
	struct pu_ask *a;

	if (step->is_tcp)
		return;
	a = pu_ask(p, PU_ASK_AFTER, pu_run_slot(p, i, SHOTS_SOCKET_SET), step->family,
		   ask_us(p, i));
	if (a != NULL)
		a->step = i;
	for (uint16_t k = 0; k < s->fresh_count; k = (uint16_t)(k + every)) {
		a = pu_ask(p, PU_ASK_ALIVE, s->fresh[k], step->family, ask_us(p, i));
		if (a == NULL)
			continue;
		a->step = i;
		pu_count(&p->result.ours[i].alive_asked);
	}
}

static void end_step(struct punch *p, uint8_t i)
{
	struct pu_step *s = &p->steps[i];
	struct punch_evidence *e = &p->result.ours[i];

	e->sockets = !p->result.plan.steps[i].is_tcp;
	for (uint16_t k = 0; k < s->fresh_count; k++) {
		e->sockets = (uint16_t)(e->sockets + pu_slot_is_open(p, s->fresh[k]));
		if (p->slots[s->fresh[k]].state == PU_FAILED)
			pu_count(&e->open_failed);
	}
	s->state = PU_STEP_ASKS;
	s->asks_until_us = p->now_us + ask_us(p, i);
	if (p->agreed == PU_PAIRS_MAX)
		ask_after(p, i);
}

static void tick_pending(struct punch *p, uint8_t i, uint64_t *deadline_us)
{
	uint64_t start_us = step_start_us(p, i);
	uint64_t open_us = start_us > OPEN_BEFORE_US ? start_us - OPEN_BEFORE_US : 0;

	if (pu_agree_is_near(p) || p->now_us >= step_end_us(p, i))
		return;
	if (p->now_us < open_us) {
		pu_by(deadline_us, open_us);
		return;
	}
	open_fresh(p, i);
	if (p->now_us >= start_us)
		begin_step(p, i);
	else
		pu_by(deadline_us, start_us);
}

static void tick_step(struct punch *p, uint8_t i, uint64_t *deadline_us)
{
	struct pu_step *s = &p->steps[i];

	if (s->state == PU_STEP_PENDING)
		tick_pending(p, i, deadline_us);
	if (s->state == PU_STEP_RUNS) {
		if (p->now_us >= step_end_us(p, i))
			end_step(p, i);
		else
			pu_by(deadline_us, step_end_us(p, i));
	}
	if (s->state != PU_STEP_ASKS)
		return;
	if (p->now_us < s->asks_until_us) {
		pu_by(deadline_us, s->asks_until_us);
		return;
	}
	close_fresh(p, s);
	s->state = PU_STEP_OVER;
}

static uint64_t run_end_us(const struct punch *p)
{
	uint64_t end_us = p->start_us;

	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		if (step_end_us(p, i) + ask_us(p, i) > end_us)
			end_us = step_end_us(p, i) + ask_us(p, i);
	}
	return end_us;
}

bool pu_run_is_hopeful(const struct punch *p)
{
	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		if (p->steps[i].tcp != NULL && !p->steps[i].is_tcp_dead &&
		    tcp_open_is_hopeful(p->steps[i].tcp, p->now_us))
			return p->config.is_a;
	}
	return false;
}

static bool is_through(const struct punch *p, uint64_t *deadline_us)
{
	uint64_t end_us = run_end_us(p);
	bool waits = (pu_agree_is_near(p) && p->now_us < pu_run_last_us(p)) ||
		     (pu_run_is_hopeful(p) && p->now_us < limit_us(p));

	if (p->now_us >= end_us && !waits)
		return true;
	pu_by(deadline_us, p->now_us < end_us ? end_us : p->now_us + 10 * PU_MS);
	return false;
}

/* We went on without their offer, and nothing came of that, either. */
static bool is_alone(const struct punch *p)
{
	if (!p->is_peer_gone || !p->is_stand_in || p->result.has_theirs || pu_run_is_hopeful(p))
		return false;
	for (uint8_t i = 0; i < PU_PAIRS_MAX; i++) {
		if (p->pairs[i].slot != PU_NO_SLOT)
			return false;
	}
	return true;
}

void pu_run_tick(struct punch *p, uint64_t *deadline_us)
{
	if (is_alone(p)) {
		pu_end_now(p, REASON_PEER_SILENT, pu_side(p, false));
		return;
	}
	if (p->result.plan.count == 0) {
		pu_end_now(p, p->result.plan.reason, p->result.plan.side);
		return;
	}
	if (pu_end_follow(p))
		return;
	for (uint8_t i = 0; i < p->result.plan.count; i++)
		tick_step(p, i, deadline_us);
	if (is_through(p, deadline_us))
		pu_end_tell(p);
}

uint64_t pu_run_nominate_us(const struct punch *p, uint8_t step)
{
	uint64_t at_us = p->start_us;

	if (step < p->result.plan.count)
		at_us += p->result.plan.steps[step].nominate_us;
	return at_us < limit_us(p) ? at_us : limit_us(p);
}

static void count_port(struct punch_evidence *e, uint16_t port)
{
	if (e->tried_low == 0 || port < e->tried_low)
		e->tried_low = port;
	if (port > e->tried_high)
		e->tried_high = port;
}

/* From which a counter is looked at: the first fresh one. Where both sides count, the last one, since
 * what comes in between upsets the order in which they are to meet. */
static uint16_t socket_to_ask(const struct pu_step *s, const struct punch_part *ours)
{
	if (s->fresh_count == 0)
		return SHOTS_SOCKET_SET;
	if (ours->ports == 0)
		return SHOTS_SOCKET_FRESH;
	return (uint16_t)(SHOTS_SOCKET_FRESH + s->fresh_count - 1);
}

/* A counter that has just given a port towards the other side: the next one tells which it was. */
static void ask_next(struct punch *p, uint8_t i, uint16_t socket)
{
	struct pu_step *s = &p->steps[i];
	const struct punch_step *step = &p->result.plan.steps[i];
	const struct punch_part *ours = pu_part(p, step);
	struct pu_ask *a;

	if (s->has_asked_next || socket != socket_to_ask(s, ours) ||
	    step->strategy > PUNCH_PREDICTION ||
	    plan_next_step(&p->ours.paths[ours->path], s->fresh_count > 0) == 0)
		return;
	s->has_asked_next = true;
	a = pu_ask(p, PU_ASK_NEXT, pu_run_slot(p, i, socket), step->family, ask_us(p, i));
	if (a != NULL)
		a->step = i;
}

/* False: it could not be sent, and is left out. */
static bool shoot(struct punch *p, uint8_t i, struct punch_action *action)
{
	struct pu_step *s = &p->steps[i];
	struct pu_sent what = { .slot = pu_run_slot(p, i, s->shot.socket),
				.to = s->shot.to,
				.step = i };

	s->has_shot = false;
	if (!pu_slot_is_open(p, what.slot)) {
		/* Its socket opens late: the shot is only a little late, too. */
		uint8_t state = what.slot == PU_NO_SLOT ? PU_FAILED : p->slots[what.slot].state;

		s->has_shot = state == PU_WANTED || state == PU_OPENING;
		return false;
	}
	count_port(&p->result.ours[i], what.to.port);
	pu_check_send(p, &what, s->shot.ttl, action);
	ask_next(p, i, s->shot.socket);
	return true;
}

void pu_run_on_check(struct punch *p, uint8_t step, uint16_t slot)
{
	if (step < p->result.plan.count && slot >= PU_SLOT_FRESH &&
	    p->steps[step].state == PU_STEP_RUNS && p->steps[step].heard_us == 0)
		p->steps[step].heard_us = p->now_us;
}

/*
 * One of its fresh sockets was found. What the others send comes from ports that the other side has
 * not sent to, and could end its mapping: so they wait, once, until that one is proven. What is due
 * comes later by as much.
 */
static bool holds(struct punch *p, uint8_t i, uint64_t *deadline_us)
{
	struct pu_step *s = &p->steps[i];
	uint64_t until_us = s->heard_us + pu_measure_round_trip_us(p) + HOLD_US;

	if (s->heard_us == 0)
		return false;
	if (p->now_us < until_us) {
		pu_by(deadline_us, until_us);
		return true;
	}
	s->held_us = until_us - s->heard_us;
	return false;
}

static bool step_next(struct punch *p, uint8_t i, struct punch_action *action,
		      uint64_t *deadline_us)
{
	struct pu_step *s = &p->steps[i];

	if (s->state != PU_STEP_RUNS || p->result.plan.steps[i].is_tcp || holds(p, i, deadline_us))
		return false;
	while (load_shot(p, i)) {
		uint64_t at_us = step_start_us(p, i) + s->held_us + s->shot.at_us;

		if (at_us > p->now_us) {
			pu_by(deadline_us, at_us);
			return false;
		}
		if (shoot(p, i, action))
			return true;
		if (s->has_shot) /* waits for its socket, which will be told */
			return false;
	}
	return false;
}

bool pu_run_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	if (p->phase != PU_RUN || pu_agree_is_near(p) || !pu_may_burst(p, deadline_us))
		return false;
	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		if (step_next(p, i, action, deadline_us))
			return true;
	}
	return false;
}
