#include "punch_state.h"

#include <stdlib.h>

#define PINGS        10
#define PING_US      (30 * PU_MS)
#define RATE_SHARES  3 /* of what a path takes: pings, answers to theirs, and the rest */
#define LAST_US      (600 * PU_MS)  /* for the last answer; twice the longest round trip more */
#define TCP_US       (3000 * PU_MS) /* ... of TCP more: behind what is lost all waits */
#define TCP_TRIPS    4              /* ... and so many round trips */
#define ROUNDS       3              /* where half of the answers are missing, it asks anew */
#define ANEW_US      (100 * PU_MS)
#define MOST_US      (10000 * PU_MS) /* for the answers of all pings: a slow peer ends there */
#define HOLD_ASKS    5
#define HOLD_ASK_US  (200 * PU_MS)
#define HOLD_WAIT_US (1000 * PU_MS) /* after the last of them */
/* B hears whether it survived; A's patience and the difference of both beginnings. */
#define HOLD_HEAR_US (4000 * PU_MS)

static uint16_t pings(const struct punch *p)
{
	uint16_t n = p->config.pings != 0 ? p->config.pings : PINGS;

	return n < PU_PINGS_MAX ? n : PU_PINGS_MAX;
}

void pu_measure_begin(struct punch *p)
{
	if (p->measure_until_us == 0)
		p->measure_until_us = p->now_us + pings(p) * PING_US + MOST_US;
	p->result.quality = (struct punch_quality){ 0 };
	p->pings_sent = p->pings_past = 0;
	p->pings_wanted = pings(p);
	p->is_path_heard = false;
	p->ping_next_us = p->now_us;
	p->hold_asked = 0;
	p->hold_heard = false;
	pu_enter(p, PU_MEASURE);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* RFC 3550, section 6.4.1, with round trips in place of transit times. */
static uint32_t jitter(const uint32_t *rtts, uint16_t count)
{
	double j = 0;

	for (uint16_t i = 1; i < count; i++) {
		double d = (double)rtts[i] - (double)rtts[i - 1];

		j += ((d < 0 ? -d : d) - j) / 16;
	}
	return (uint32_t)j;
}

/* What is underway when a side leaves is not lost. */
static void sum_up(struct punch *p)
{
	struct punch_quality *q = &p->result.quality;
	uint16_t n = q->answered;

	q->sent = p->is_stopped || p->is_peer_gone ? p->pings_past : p->pings_sent;
	if (n == 0)
		return;
	q->jitter_us = jitter(p->rtts, n);
	qsort(p->rtts, n, sizeof(p->rtts[0]), compare);
	q->rtt_min_us = p->rtts[0];
	q->rtt_median_us = p->rtts[n / 2];
	q->rtt_max_us = p->rtts[n - 1];
}

void pu_measure_cut(struct punch *p)
{
	if (p->phase == PU_MEASURE)
		sum_up(p);
}

/* What TCP holds back comes in the end; and whoever is asked on a path lives with it. */
static bool has_died(const struct punch *p)
{
	struct punch_path path;

	if (p->result.quality.answered > 0 || p->result.has_theirs)
		return false;
	if (p->result.path.is_tcp)
		return !tcp_open_path(p->steps[p->result.step].tcp, &path);
	return !p->is_path_heard;
}

static void begin_hold(struct punch *p)
{
	sum_up(p);
	/* It died as it was agreed on: there may be another one. */
	if (has_died(p)) {
		pu_agree_drop(p);
		pu_enter(p, PU_RUN);
		return;
	}
	if (p->hold_s == 0) {
		pu_end_tell(p);
		return;
	}
	p->hold_us = p->now_us;
	pu_enter(p, PU_HOLD);
}

static void end_hold(struct punch *p, enum verdict_answer survived)
{
	p->result.quality.survived = (uint8_t)survived;
	p->result.quality.held_s = p->hold_s;
	pu_end_tell(p);
}

static uint64_t hold_end_us(const struct punch *p)
{
	return p->hold_us + p->hold_s * (1000 * PU_MS);
}

/* A asks, B is quiet: whoever spoke first would open the way for the other one's question. */
static void tick_hold(struct punch *p, uint64_t *deadline_us)
{
	uint64_t until_us = hold_end_us(p) + HOLD_HEAR_US;

	if (p->config.is_a)
		until_us = hold_end_us(p) + HOLD_ASKS * HOLD_ASK_US + HOLD_WAIT_US;
	if (p->hold_heard) {
		end_hold(p, VERDICT_YES);
	} else if (p->now_us >= until_us || p->is_peer_gone) {
		end_hold(p, p->is_peer_gone ? VERDICT_UNKNOWN : VERDICT_NO);
	} else {
		pu_by(deadline_us, until_us);
	}
}

/* A check of theirs while it is held: the first one to B after all that time, or a late ping. */
static void hear(struct punch *p)
{
	/* Checks that were under way as it was agreed on say nothing. */
	if (p->phase == PU_MEASURE && p->now_us > p->phase_us + pu_measure_round_trip_us(p))
		p->is_path_heard = true;
	if (p->phase != PU_HOLD)
		return;
	/* Pings of theirs that began later than ours begin it anew. */
	if (p->now_us + HOLD_HEAR_US / 2 >= hold_end_us(p))
		p->hold_heard = p->hold_heard || !p->config.is_a;
	else if (p->now_us < p->measure_until_us) /* nobody has us wait for ever */
		p->hold_us = p->now_us;
}

static void take_from_tcp(struct punch *p)
{
	struct tcp_open *t = p->steps[p->result.step].tcp;
	uint32_t rtt_us = 0;

	while (tcp_open_take_pong(t, &rtt_us))
		pu_measure_on_pong(p, rtt_us);
	if (tcp_open_take_heard(t))
		hear(p);
}

/* The slower of both paths: of any of theirs, as it is not told which one they use. */
static uint64_t ping_gap_us(const struct punch *p)
{
	uint16_t least = 0;

	for (uint8_t i = 0; i < p->ours.path_count; i++) {
		if (least == 0 ||
		    (p->ours.paths[i].rate_per_s != 0 && p->ours.paths[i].rate_per_s < least))
			least = p->ours.paths[i].rate_per_s;
	}
	for (uint8_t i = 0; i < p->theirs.path_count; i++) {
		if (least == 0 ||
		    (p->theirs.paths[i].rate_per_s != 0 && p->theirs.paths[i].rate_per_s < least))
			least = p->theirs.paths[i].rate_per_s;
	}
	if (least == 0 || RATE_SHARES * 1000 * PU_MS / least < PING_US)
		return PING_US;
	return RATE_SHARES * 1000 * PU_MS / least;
}

uint64_t pu_measure_round_trip_us(const struct punch *p)
{
	uint64_t ours_us = 0, theirs_us = 0;

	if (p->result.quality.answered > 0)
		return p->result.quality.rtt_max_us;
	for (uint8_t i = 0; i < p->ours.path_count; i++)
		ours_us = p->ours.paths[i].rtt_us > ours_us ? p->ours.paths[i].rtt_us : ours_us;
	for (uint8_t i = 0; i < p->theirs.path_count; i++)
		theirs_us = p->theirs.paths[i].rtt_us > theirs_us ? p->theirs.paths[i].rtt_us
								  : theirs_us;
	return ours_us + theirs_us;
}

/* Half of the answers should be there, and are not: of so few little is to be learnt. TCP sends by
 * itself what was lost. */
static void ask_anew(struct punch *p, uint64_t *deadline_us)
{
	const struct punch_quality *q = &p->result.quality;
	uint64_t rtt_us = pu_measure_round_trip_us(p);
	uint64_t at_us = p->ping_last_us + rtt_us + rtt_us / 4 + ANEW_US;

	if (p->result.path.is_tcp || p->pings_sent < p->pings_wanted || q->answered == 0 ||
	    2 * q->answered >= p->pings_sent || p->pings_wanted >= ROUNDS * pings(p) ||
	    p->pings_wanted + pings(p) > PU_PINGS_MAX)
		return;
	if (p->now_us < at_us) {
		pu_by(deadline_us, at_us);
		return;
	}
	p->pings_wanted = (uint16_t)(p->pings_wanted + pings(p));
	p->ping_next_us = p->ping_last_us = p->now_us;
}

void pu_measure_tick(struct punch *p, uint64_t *deadline_us)
{
	uint64_t until_us = p->ping_last_us + LAST_US + 2 * pu_measure_round_trip_us(p);

	/* A's word is the last one: it has not heard that we took this. */
	if (!p->config.is_a && p->result.has_theirs && !p->their_evidence.has_path) {
		pu_agree_drop(p);
		pu_end_tell(p);
		return;
	}
	if (pu_agree_take_late(p)) /* and begins anew */
		return;
	if (p->result.path.is_tcp)
		take_from_tcp(p);
	if (p->result.path.is_tcp)
		until_us += TCP_US + TCP_TRIPS * pu_measure_round_trip_us(p);
	if (p->phase == PU_HOLD) {
		tick_hold(p, deadline_us);
		return;
	}
	pu_by(&until_us, p->measure_until_us);
	ask_anew(p, deadline_us);
	if (p->pings_sent < p->pings_wanted && p->now_us < p->measure_until_us)
		return;
	if (p->result.quality.answered >= p->pings_sent || p->now_us >= until_us)
		begin_hold(p);
	else
		pu_by(deadline_us, until_us);
}

void pu_measure_on_pong(struct punch *p, uint32_t rtt_us)
{
	struct punch_quality *q = &p->result.quality;
	uint16_t later; /* pings that were sent after this one */

	if (p->phase == PU_HOLD && p->hold_asked > 0)
		p->hold_heard = true;
	if (p->phase != PU_MEASURE || q->answered >= p->pings_sent)
		return;
	p->rtts[q->answered++] = rtt_us;
	later = rtt_us / PING_US < p->pings_sent ? (uint16_t)(rtt_us / PING_US) : p->pings_sent;
	if (p->pings_past < p->pings_sent - later)
		p->pings_past = (uint16_t)(p->pings_sent - later);
	if (p->pings_past < q->answered)
		p->pings_past = q->answered;
	if (rtt_us > q->rtt_max_us)
		q->rtt_max_us = rtt_us;
}

void pu_measure_on_heard(struct punch *p, const struct pu_pair *pair)
{
	if (p->agreed != PU_PAIRS_MAX && pair == &p->pairs[p->agreed])
		hear(p);
}

static bool ping(struct punch *p, struct punch_action *action)
{
	struct pu_sent what = {
		.slot = p->result.path.slot,
		.to = p->result.path.remote,
		.step = p->result.step,
		.nomination = p->nomination,
		.is_ping = true,
	};

	p->ping_last_us = p->now_us;
	if (p->result.path.is_tcp) {
		tcp_open_ping(p->steps[p->result.step].tcp, p->now_us);
		return false;
	}
	if (!pu_slot_is_open(p, what.slot))
		return false;
	pu_check_send(p, &what, 0, action);
	return true;
}

bool pu_measure_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	uint64_t due_us = p->ping_next_us;

	if (p->phase == PU_MEASURE && p->pings_sent < p->pings_wanted) {
		if (p->now_us < due_us) {
			pu_by(deadline_us, due_us);
		} else if (pu_may_burst(p, deadline_us)) {
			p->pings_sent++;
			p->ping_next_us = p->now_us + ping_gap_us(p);
			pu_by(deadline_us, p->ping_next_us);
			return ping(p, action);
		}
	}
	if (p->phase != PU_HOLD || !p->config.is_a || p->hold_asked == HOLD_ASKS)
		return false;
	due_us = hold_end_us(p) + p->hold_asked * HOLD_ASK_US;
	if (p->now_us >= due_us) {
		p->hold_asked++;
		return ping(p, action);
	}
	pu_by(deadline_us, due_us);
	return false;
}
