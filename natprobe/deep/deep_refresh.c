/*
 * What keeps a mapping alive: what we send, what comes in, or both (RFC 4787, REQ-6).
 *
 * The lifetime is not known yet, so sockets of many spans wait at once, beside those of
 * deep_lifetime.c: each is refreshed once a little after the middle of its span, and probed at its
 * end. The span that is just longer than the lifetime, with halves that are shorter, tells.
 */
#include <math.h>

#include "deep_ladder.h"
#include "deep_trials.h"

#define FIRST_S      6.5
#define STEP         1.2
#define LAST_SHARE   1.25 /* of the longest lifetime that is looked for */
#define REFRESH_AT   0.55 /* of a span */
#define SPANS_MAX    40
#define SLACK_US     500000
#define BACKLOG_US   60000
#define OPEN_GAP_US  10000
#define ROOM_WAIT_US 250000

enum way {
	OUT,
	IN,
	WAYS,
};

struct span {
	uint8_t stage; /* enum ladder_stage */
	uint16_t socket;
	uint16_t first;      /* the order that refreshes from outside */
	uint16_t probe;      /* the order whose answer tells */
	bool was_refreshed;  /* IN: the datagram from outside arrived */
	uint32_t delay_ms;   /* its length */
	uint64_t started_us; /* when traffic both ways ended */
	uint64_t due_us;
};

struct refresh {
	struct span spans[WAYS][SPANS_MAX];
	size_t count, opened; /* of each way; in pairs */
	uint64_t pause_us;
	bool over;
};

static bool can_ask(const struct deep *d)
{
	return deep_cooperates(d) && ladder_has_state(deep_verdict(d));
}

static void start(struct deep *d, void *state)
{
	struct refresh *r = state;
	double last_s = deep_config(d)->longest_s * LAST_SHARE;

	for (double s = FIRST_S; r->count < SPANS_MAX && s <= last_s; s *= STEP) {
		for (int way = 0; way < WAYS; way++)
			r->spans[way][r->count] = (struct span){ .socket = DEEP_NO_SOCKET,
								 .delay_ms = (uint32_t)(s * 1000),
								 .due_us = UINT64_MAX };
		r->count++;
	}
}

static uint32_t refresh_ms(const struct span *s)
{
	return (uint32_t)(s->delay_ms * REFRESH_AT);
}

static void end_span(struct deep *d, struct span *s, enum ladder_stage stage)
{
	s->stage = (uint8_t)stage;
	s->due_us = UINT64_MAX;
	deep_close(d, s->socket);
	s->socket = DEEP_NO_SOCKET;
}

static uint16_t order(struct deep *d, struct span *s, uint16_t flags, uint32_t delay_ms,
		      uint8_t count)
{
	struct coop_order o = { .kind = COOP_ANSWER,
				.flags = flags,
				.count = count,
				.delay_ms = delay_ms,
				.gap_ms = count > 1 ? LADDER_GAP_MS : 0 };
	uint16_t id =
		deep_order(d, s->socket, NULL, &o, (flags & COOP_QUIET) != 0 ? LADDER_COPIES : 0);

	if (id == 0)
		end_span(d, s, RUNG_VOID);
	return id;
}

static uint64_t end_us(const struct deep *d, const struct span *s)
{
	return s->started_us + (uint64_t)s->delay_ms * 1000 +
	       LADDER_ANSWERS * LADDER_GAP_MS * 1000u + deep_rtt_us(d) * 3 / 2 +
	       deep_backlog_us(d) + SLACK_US;
}

/* The second exchange. From outside all is ordered now; from here it is sent later. */
static void begin_wait(struct deep *d, struct span *s, enum way way)
{
	s->stage = RUNG_ASKING;
	s->due_us = UINT64_MAX;
	if (way == OUT) {
		s->first = order(d, s, 0, 0, 1);
		return;
	}
	s->first = order(d, s, 0, refresh_ms(s), LADDER_ANSWERS);
	if (s->first != 0)
		s->probe = order(d, s, 0, s->delay_ms, LADDER_ANSWERS);
}

/* One datagram that refreshes, and whose answer comes at the end: nothing else comes in before. */
static void refresh_from_here(struct deep *d, struct span *s)
{
	uint64_t gone_ms = (deep_now_us(d) - s->started_us) / 1000;

	if (gone_ms + 1000 > s->delay_ms) {
		end_span(d, s, RUNG_VOID); /* too late: we slept */
		return;
	}
	s->probe = order(d, s, COOP_QUIET, s->delay_ms - (uint32_t)gone_ms, LADDER_ANSWERS);
	s->due_us = s->probe != 0 ? end_us(d, s) : UINT64_MAX;
}

static void step_span(struct deep *d, struct span *s, enum way way)
{
	if (s->due_us > deep_now_us(d))
		return;
	if (s->stage == RUNG_PAUSING)
		begin_wait(d, s, way);
	else if (s->stage == RUNG_WAITING && way == OUT && s->probe == 0)
		refresh_from_here(d, s);
	else if (s->stage == RUNG_WAITING)
		end_span(d, s, RUNG_DEAD);
}

static bool has_room(const struct deep *d)
{
	size_t most = deep_config(d)->mappings;

	return deep_room(d) > (most > 4 * LADDER_SPARES ? LADDER_SPARES : most / 4) + 1 &&
	       deep_backlog_us(d) < BACKLOG_US;
}

static void open_pair(struct deep *d, struct refresh *r)
{
	if (!has_room(d)) {
		r->pause_us = deep_now_us(d) + deep_backlog_us(d) + OPEN_GAP_US;
		if (deep_backlog_us(d) < BACKLOG_US)
			r->pause_us = deep_now_us(d) + ROOM_WAIT_US;
		return;
	}
	r->pause_us = deep_now_us(d) + OPEN_GAP_US;
	for (int way = 0; way < WAYS; way++) {
		struct span *s = &r->spans[way][r->opened];

		s->socket = deep_open(d, 0);
		s->stage = RUNG_GREETING;
		if (s->socket == DEEP_NO_SOCKET)
			s->stage = RUNG_VOID;
		else
			s->first = order(d, s, 0, 0, 1);
	}
	r->opened++;
}

/* A span that tells, if the lifetime is what is known of it by now. */
static bool tells(const struct deep *d, const struct span *s, const struct ladder_bounds *b)
{
	double rtt_s = (double)deep_rtt_us(d) / 1e6;
	double half_s = refresh_ms(s) / 1e3 + rtt_s + 0.3;

	/* Both parts are shorter than the lifetime, and the whole is longer. */
	return half_s < b->low && s->delay_ms / 1e3 > b->high;
}

/* 0: dead, 1: alive, -1: not known yet, -2: it never will be. */
static int judge(const struct deep *d, const struct refresh *r, enum way way)
{
	struct ladder_bounds b = deep_lifetime_bounds(d);
	int found = -2;

	for (size_t i = 0; i < r->count; i++) {
		const struct span *s = &r->spans[way][i];

		if (!tells(d, s, &b) || s->stage == RUNG_VOID)
			continue;
		if (s->stage == RUNG_ALIVE)
			return 1;
		if (s->stage == RUNG_DEAD && (way == OUT || s->was_refreshed))
			return 0;
		if (s->stage < RUNG_ALIVE)
			return -1;
	}
	return found;
}

static bool is_decided(const struct deep *d, const struct refresh *r)
{
	if (!deep_trial_is_over(d, &deep_lifetime))
		return false;
	return isinf(deep_lifetime_bounds(d).high) ||
	       (judge(d, r, OUT) != -1 && judge(d, r, IN) != -1);
}

static void step(struct deep *d, void *state)
{
	struct refresh *r = state;

	for (size_t i = 0; i < r->opened; i++) {
		step_span(d, &r->spans[OUT][i], OUT);
		step_span(d, &r->spans[IN][i], IN);
	}
	if (r->opened < r->count && r->pause_us <= deep_now_us(d))
		open_pair(d, r);
	if (!is_decided(d, r))
		return;
	r->over = true;
	for (size_t i = 0; i < r->opened; i++) {
		deep_close(d, r->spans[OUT][i].socket);
		deep_close(d, r->spans[IN][i].socket);
	}
}

static struct span *find(struct refresh *r, uint16_t socket, enum way *way)
{
	for (size_t i = 0; i < r->opened || i < r->count; i++) {
		for (int w = 0; w < WAYS; w++) {
			if (r->spans[w][i].socket != socket)
				continue;
			*way = (enum way)w;
			return &r->spans[w][i];
		}
	}
	return NULL;
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	enum way way;
	struct span *s = find(state, socket, &way);

	if (s != NULL && !opened)
		end_span(d, s, RUNG_VOID);
}

static void on_acknowledged(struct deep *d, struct span *s, enum way way, uint16_t order_id)
{
	if (s->stage == RUNG_GREETING) {
		s->stage = RUNG_PAUSING;
		s->due_us = deep_now_us(d) + LADDER_STREAM_US;
	} else if (s->stage == RUNG_ASKING && way == OUT && order_id == s->first) {
		s->stage = RUNG_WAITING;
		s->started_us = deep_now_us(d);
		s->due_us = s->started_us + (uint64_t)refresh_ms(s) * 1000;
	} else if (s->stage == RUNG_ASKING && way == IN && order_id == s->probe) {
		s->stage = RUNG_WAITING;
		s->started_us = deep_now_us(d);
		s->due_us = end_us(d, s);
	}
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	uint8_t outcome = answer->report.outcome;
	enum way way;
	struct span *s = find(state, socket, &way);
	bool is_waiting;

	if (s == NULL)
		return;
	is_waiting = s->stage == RUNG_WAITING || s->stage == RUNG_ASKING;
	if (outcome >= COOP_BAD_TOKEN)
		end_span(d, s, RUNG_VOID);
	else if (outcome == COOP_DONE && is_waiting && s->probe != 0 && order_id == s->probe)
		end_span(d, s, RUNG_ALIVE);
	else if (outcome == COOP_DONE && is_waiting && way == IN && order_id == s->first)
		s->was_refreshed = true;
	else
		on_acknowledged(d, s, way, order_id);
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	enum way way;
	struct span *s = find(state, socket, &way);

	if (s != NULL)
		end_span(d, s, RUNG_VOID);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	const struct refresh *r = state;
	uint64_t at_us = r->opened < r->count ? r->pause_us : UINT64_MAX;

	for (size_t i = 0; i < r->opened; i++) {
		for (int way = 0; way < WAYS; way++) {
			if (r->spans[way][i].due_us < at_us)
				at_us = r->spans[way][i].due_us;
		}
	}
	return at_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	const struct refresh *r = state;

	return r->over;
}

static void tell(const struct refresh *r, enum way way, struct verdict_deep *v)
{
	for (size_t i = 0; i < r->opened && v->rung_count < DEEP_RUNGS_MAX; i++) {
		const struct span *s = &r->spans[way][i];

		if (s->stage != RUNG_ALIVE && s->stage != RUNG_DEAD)
			continue;
		v->rungs[v->rung_count++] = (struct deep_rung){
			.ladder = way == OUT ? LADDER_REFRESH_OUT : LADDER_REFRESH_IN,
			.ended = true,
			.alive = s->stage == RUNG_ALIVE,
			.waited_s = (s->delay_ms - refresh_ms(s)) / 1e3,
			.refreshed_s = refresh_ms(s) / 1e3,
		};
	}
}

static enum verdict_cause why_unknown(const struct deep *d, const struct refresh *r,
				      enum verdict_cause early, const struct verdict *v)
{
	if (r->count == 0 && early == CAUSE_NONE)
		return ladder_obstacle(d, v);
	/* The lifetime did not end while we looked, or too much was lost. */
	return isinf(deep_lifetime_bounds(d).high) ? CAUSE_TIMEOUT : CAUSE_LOSS;
}

static void conclude(const struct deep *d, const struct refresh *r, enum way way,
		     enum verdict_cause early, struct verdict *v)
{
	enum deep_property which = way == OUT ? DEEP_REFRESH_OUTBOUND : DEEP_REFRESH_INBOUND;
	int found = r->count > 0 ? judge(d, r, way) : -2;

	if (!ladder_has_state(v))
		deep_set_none(&v->deep, which);
	else if (found >= 0)
		deep_set_word(&v->deep, which, found == 1 ? DEEP_YES : DEEP_NO);
	else
		deep_set_unknown(&v->deep, which, (uint8_t)why_unknown(d, r, early, v));
	tell(r, way, &v->deep);
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	conclude(d, state, OUT, early, v);
	conclude(d, state, IN, early, v);
}

const struct deep_trial deep_refresh = {
	.name = "refresh",
	.state_size = sizeof(struct refresh),
	.applies = can_ask,
	.start = start,
	.step = step,
	.on_open = on_open,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
