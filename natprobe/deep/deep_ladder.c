#include "deep_ladder.h"

#include <math.h>

#define SLACK_US     500000 /* for the timers of both sides */
#define BACKLOG_US   60000  /* with more on its way nothing is opened */
#define OPEN_GAP_US  10000
#define JITTER_MIN_S 0.005
#define JITTER_MAX_S 0.25 /* what takes longer was held up once */
#define DEAD_ENOUGH  2    /* rungs above the lifetime */
#define ROOM_WAIT_US 250000
#define AGAIN_MAX    10
#define UNMAPPED_US  10000000 /* of what left so shortly before, nobody knows */

/* By how much one way may differ from one datagram to the next: all that round trips differ by. */
static double jitter_s(const struct deep *d)
{
	const struct verdict *v = deep_verdict(d);
	double s =
		v->rtt_max_us > v->rtt_min_us ? (double)(v->rtt_max_us - v->rtt_min_us) / 1e6 : 0;

	if (s < JITTER_MIN_S)
		return JITTER_MIN_S;
	return s < JITTER_MAX_S ? s : JITTER_MAX_S;
}

/* What is not known of how long a mapping was idle when the last answer came. */
static double answer_blur_s(const struct deep *d)
{
	return (double)deep_rtt_us(d) / 1e6 + (LADDER_ANSWERS - 1) * LADDER_GAP_MS / 1e3 +
	       jitter_s(d);
}

static double next_s(double at_s, double blur_s)
{
	double next = at_s * LADDER_WIDTH - blur_s;

	if (next > at_s * LADDER_STEP)
		return at_s * LADDER_STEP;
	return next > at_s * LADDER_LEAST_STEP ? next : at_s * LADDER_LEAST_STEP;
}

void ladder_start(const struct deep *d, struct ladder *l, enum deep_ladder kind,
		  const struct addr *to)
{
	double at_s = LADDER_FIRST_S, longest_s = deep_config(d)->longest_s;
	double blur_s = answer_blur_s(d) + LADDER_COPIES_S;

	l->kind = (uint8_t)kind;
	l->to = *to;
	while (l->count < LADDER_MAX) {
		if (at_s > longest_s || l->count == LADDER_MAX - 1)
			at_s = longest_s;
		l->rungs[l->count++] = (struct ladder_rung){ .socket = DEEP_NO_SOCKET,
							     .delay_ms = (uint32_t)(at_s * 1000),
							     .due_us = UINT64_MAX };
		if (at_s >= longest_s)
			break;
		at_s = next_s(at_s, blur_s);
	}
}

static bool has_ended(const struct ladder_rung *r)
{
	return r->stage >= RUNG_ALIVE;
}

static void end_rung(struct deep *d, struct ladder_rung *r, enum ladder_stage stage)
{
	r->stage = (uint8_t)stage;
	r->due_us = UINT64_MAX;
	deep_close(d, r->socket);
	r->socket = DEEP_NO_SOCKET;
}

static uint16_t order(struct deep *d, const struct ladder *l, uint16_t socket, bool quiet,
		      uint32_t delay_ms, uint8_t count)
{
	struct coop_order o = { .kind = COOP_ANSWER,
				.flags = quiet ? COOP_QUIET : 0,
				.count = count,
				.delay_ms = delay_ms,
				.gap_ms = count > 1 ? LADDER_GAP_MS : 0 };

	return deep_order(d, socket, &l->to, &o, quiet ? LADDER_COPIES : 0);
}

/* After this its answer will not come any more. */
static uint64_t patience_us(const struct deep *d)
{
	return LADDER_ANSWERS * LADDER_GAP_MS * 1000u + deep_rtt_us(d) * 3 / 2 +
	       deep_backlog_us(d) + SLACK_US;
}

static void place(struct deep *d, const struct ladder *l, struct ladder_rung *r)
{
	bool quiet = l->kind == LADDER_ONE_WAY;

	r->order = order(d, l, r->socket, quiet, r->delay_ms, LADDER_ANSWERS);
	if (r->order == 0) {
		end_rung(d, r, RUNG_VOID);
		return;
	}
	r->stage = quiet ? RUNG_WAITING : RUNG_ASKING;
	r->due_us = UINT64_MAX;
	if (quiet)
		r->due_us = deep_now_us(d) + (uint64_t)r->delay_ms * 1000 + 200000 + patience_us(d);
}

static bool has_room(const struct deep *d)
{
	size_t most = deep_config(d)->mappings;
	size_t spares = most > 4 * LADDER_SPARES ? LADDER_SPARES : most / 4;

	return deep_room(d) > spares && deep_backlog_us(d) < BACKLOG_US;
}

/* The first that is not open yet; NULL: all are. */
static struct ladder_rung *next_idle(struct ladder *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->rungs[i].stage == RUNG_IDLE)
			return &l->rungs[i];
	}
	return NULL;
}

static void open_next(struct deep *d, struct ladder *l, struct ladder_rung *r)
{

	l->pause_us = deep_now_us(d) + OPEN_GAP_US;
	if (!has_room(d)) {
		l->pause_us = deep_now_us(d) + deep_backlog_us(d) + OPEN_GAP_US;
		if (deep_backlog_us(d) < BACKLOG_US)
			l->pause_us = deep_now_us(d) + ROOM_WAIT_US;
		return;
	}
	r->socket = deep_open(d, 0);
	if (r->socket == DEEP_NO_SOCKET)
		return;
	if (l->kind == LADDER_ONE_WAY) {
		place(d, l, r);
		return;
	}
	r->order = order(d, l, r->socket, false, 0, 1);
	r->stage = RUNG_GREETING;
	r->due_us = UINT64_MAX;
	if (r->order == 0)
		end_rung(d, r, RUNG_VOID);
}

static void step_rung(struct deep *d, struct ladder *l, struct ladder_rung *r)
{
	struct deep_order_times t = { 0 };

	if (r->due_us > deep_now_us(d))
		return;
	if (r->stage == RUNG_PAUSING) {
		place(d, l, r);
	} else if (r->stage == RUNG_WAITING) {
		(void)deep_order_times(d, r->socket, r->order, &t);
		r->left_us = t.first_us;
		end_rung(d, r, RUNG_DEAD);
	}
}

/* The highest rung that was alive; SIZE_MAX: none. */
static size_t highest_alive(const struct ladder *l)
{
	size_t highest = SIZE_MAX;

	for (size_t i = 0; i < l->count; i++) {
		if (l->rungs[i].stage == RUNG_ALIVE)
			highest = i;
	}
	return highest;
}

/* The end is bracketed: enough dead ones above, and none open below those. */
static bool is_decided(const struct ladder *l)
{
	size_t highest = highest_alive(l), dead = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct ladder_rung *r = &l->rungs[i];

		if (!has_ended(r))
			return false;
		if (r->stage == RUNG_DEAD && (highest == SIZE_MAX || i > highest) &&
		    ++dead >= DEAD_ENOUGH)
			return true;
	}
	return true;
}

static void end_all(struct deep *d, struct ladder *l)
{
	l->over = true;
	for (size_t i = 0; i < l->count; i++) {
		if (l->rungs[i].socket != DEEP_NO_SOCKET)
			deep_close(d, l->rungs[i].socket);
	}
}

static void tell_progress(struct deep *d, const struct ladder *l)
{
	const struct ladder_rung *last = &l->rungs[l->count - 1];
	size_t highest = highest_alive(l);
	double alive_s = highest != SIZE_MAX ? l->rungs[highest].low_s : 0;

	deep_tell(d, alive_s, l->kind == LADDER_TWO_WAY ? alive_s : 0,
		  last->stage == RUNG_WAITING ? last->due_us : 0);
}

void ladder_step(struct deep *d, struct ladder *l)
{
	struct ladder_rung *idle;

	for (size_t i = 0; i < l->count; i++)
		step_rung(d, l, &l->rungs[i]);
	idle = next_idle(l);
	if (idle != NULL && l->pause_us <= deep_now_us(d))
		open_next(d, l, idle);
	tell_progress(d, l);
	if (!l->over && is_decided(l))
		end_all(d, l);
}

static struct ladder_rung *find(struct ladder *l, uint16_t socket)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->rungs[i].socket == socket)
			return &l->rungs[i];
	}
	return NULL;
}

void ladder_on_open(struct deep *d, struct ladder *l, uint16_t socket, bool opened)
{
	struct ladder_rung *r = find(l, socket);

	if (r != NULL && !opened)
		end_rung(d, r, RUNG_VOID);
}

/*
 * What the copies of an order blur of the time since the last one. A quiet order's first copy starts
 * the server's watch, and the last one refreshes. Otherwise the acknowledgement tells when the last
 * one came, unless it is of an earlier one: then it is sooner here than a round trip takes.
 */
static double blur_s(const struct deep *d, const struct ladder_rung *r, bool quiet)
{
	struct deep_order_times t = { 0 };
	uint64_t rtt_us = deep_rtt_us(d);

	if (!deep_order_times(d, r->socket, r->order, &t) || t.last_us <= t.first_us)
		return 0;
	if (quiet)
		return (double)(t.last_us - t.first_us) / 1e6;
	if (deep_now_us(d) - t.last_us > rtt_us * 9 / 10)
		return 0;
	return (double)(t.last_us - t.first_us + rtt_us) / 1e6;
}

/* How long the mapping was idle for at least when this answer passed it. */
static double idle_s(const struct deep *d, const struct ladder_rung *r, bool quiet,
		     const struct coop_answer *a)
{
	double idle = ((double)a->report.elapsed_ms - (double)r->ack_ms) / 1e3 - jitter_s(d);

	idle -= quiet ? blur_s(d, r, true) : r->blur_s;
	return idle > 0 ? idle : 0;
}

static void on_order_report(struct deep *d, struct ladder_rung *r, bool quiet,
			    const struct coop_answer *a)
{
	switch (a->report.outcome) {
	case COOP_ACCEPTED:
		r->ack_ms = a->report.elapsed_ms;
		r->blur_s = blur_s(d, r, false);
		if (r->stage == RUNG_ASKING)
			r->due_us = deep_now_us(d) + (uint64_t)r->delay_ms * 1000 + patience_us(d);
		r->stage = RUNG_WAITING;
		break;
	case COOP_DONE:
		r->low_s = idle_s(d, r, quiet, a);
		end_rung(d, r, RUNG_ALIVE);
		break;
	case COOP_BAD_TOKEN: /* of another external address: try a fresh socket */
	case COOP_BUSY:
		end_rung(d, r, r->again++ < AGAIN_MAX ? RUNG_IDLE : RUNG_VOID);
		break;
	default:
		end_rung(d, r, RUNG_VOID);
		break;
	}
}

void ladder_on_report(struct deep *d, struct ladder *l, uint16_t socket, uint16_t order_id,
		      const struct coop_answer *answer)
{
	struct ladder_rung *r = find(l, socket);

	if (r == NULL || r->order != order_id)
		return;
	if (r->stage == RUNG_GREETING) {
		r->stage = RUNG_PAUSING;
		r->due_us = deep_now_us(d) + LADDER_STREAM_US;
	} else if (r->stage == RUNG_ASKING || r->stage == RUNG_WAITING) {
		on_order_report(d, r, l->kind == LADDER_ONE_WAY, answer);
	}
}

void ladder_on_order_lost(struct deep *d, struct ladder *l, uint16_t socket)
{
	struct ladder_rung *r = find(l, socket);
	struct deep_order_times t;

	if (r == NULL || has_ended(r))
		return;
	if (r->stage == RUNG_GREETING && deep_order_times(d, socket, r->order, &t) &&
	    t.first_us != 0 && (l->unmapped_us == 0 || t.first_us < l->unmapped_us))
		l->unmapped_us = t.first_us;
	end_rung(d, r, RUNG_VOID);
}

uint64_t ladder_deadline_us(const struct deep *d, const struct ladder *l)
{
	uint64_t at_us = UINT64_MAX;

	for (size_t i = 0; i < l->count; i++) {
		if (l->rungs[i].stage == RUNG_IDLE && l->pause_us < at_us)
			at_us = l->pause_us;
		if (l->rungs[i].due_us < at_us)
			at_us = l->rungs[i].due_us;
	}
	return at_us;
}

/*
 * Nobody says whether a quiet order arrived. Where other fresh sockets got nothing through at the
 * time, the box had no more ports for us: such a mapping did not die, it never was.
 */
static bool had_mapping(const struct deep *d, const struct ladder *l, const struct ladder_rung *r)
{
	uint64_t since_us = deep_lifetime_unmapped_us(d);

	return l->kind != LADDER_ONE_WAY || since_us == 0 || r->left_us + UNMAPPED_US < since_us;
}

struct ladder_bounds ladder_bounds(const struct deep *d, const struct ladder *l)
{
	struct ladder_bounds b = { .high = INFINITY };
	size_t highest = highest_alive(l);
	double blur_s = answer_blur_s(d);

	for (size_t i = 0; i < l->count; i++) {
		const struct ladder_rung *r = &l->rungs[i];
		double dead_s = r->delay_ms / 1e3 + blur_s;

		b.ended = (uint16_t)(b.ended + (r->stage == RUNG_ALIVE || r->stage == RUNG_DEAD));
		b.alive = (uint16_t)(b.alive + (r->stage == RUNG_ALIVE));
		if (r->stage == RUNG_ALIVE && r->low_s > b.low)
			b.low = r->low_s;
		if (r->stage == RUNG_DEAD && (highest == SIZE_MAX || i > highest) &&
		    dead_s < b.high && had_mapping(d, l, r))
			b.high = dead_s;
	}
	return b;
}

void ladder_tell(const struct ladder *l, struct verdict_deep *v)
{
	for (size_t i = 0; i < l->count && v->rung_count < DEEP_RUNGS_MAX; i++) {
		const struct ladder_rung *r = &l->rungs[i];

		if (r->stage < RUNG_WAITING || r->stage == RUNG_VOID)
			continue;
		v->rungs[v->rung_count++] = (struct deep_rung){
			.ladder = l->kind,
			.ended = has_ended(r),
			.alive = r->stage == RUNG_ALIVE,
			.waited_s = r->stage == RUNG_ALIVE ? r->low_s : r->delay_ms / 1e3,
		};
	}
}

bool ladder_has_state(const struct verdict *v)
{
	return v->nat.value != VERDICT_NO || v->filtering.value != BEHAVIOUR_ENDPOINT_INDEPENDENT;
}

enum verdict_cause ladder_obstacle(const struct deep *d, const struct verdict *v)
{
	if (v->udp_blocked.value == VERDICT_YES || v->udp_blocked.value == VERDICT_MIXED)
		return CAUSE_UDP_BLOCKED;
	return deep_cooperates(d) ? CAUSE_NOT_TRIED : CAUSE_NO_COOPERATION;
}
