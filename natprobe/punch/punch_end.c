#include "punch_state.h"

#define EVIDENCE_US      (3000 * PU_MS)
#define EVIDENCE_HOLD_US (6000 * PU_MS)
#define HAND_US          (700 * PU_MS)
#define EVIDENCE_TRIPS   3

enum punch_side pu_side(const struct punch *p, bool ours)
{
	return p->config.is_a == ours ? PUNCH_SIDE_A : PUNCH_SIDE_B;
}

static void close_all(struct punch *p)
{
	bool keeps = p->result.path.strategy != PUNCH_NONE && !p->result.path.is_tcp;

	pu_slots_leave_but(p, keeps ? p->result.path.slot : PU_NO_SLOT);
	pu_asks_end(p);
	if (p->has_start && p->now_us > p->start_us)
		p->result.elapsed_us = (uint32_t)(p->now_us - p->start_us);
	if (p->has_valid && p->result.path.strategy != PUNCH_NONE && p->valid_us > p->start_us)
		p->result.to_path_us = (uint32_t)(p->valid_us - p->start_us);
	pu_enter(p, PU_OVER);
}

void pu_end_now(struct punch *p, enum punch_reason reason, enum punch_side side)
{
	p->result.overall =
		(struct punch_verdict){ .reason = (uint8_t)reason, .side = (uint8_t)side };
	for (uint8_t i = 0; i < p->result.plan.count; i++)
		p->result.verdicts[i].reason = REASON_NOT_TRIED;
	close_all(p);
}

/* What machines and sockets know of steps that are cut short. */
static void finish_evidence(struct punch *p)
{
	if (p->is_evidence_whole)
		return;
	p->is_evidence_whole = true;
	for (uint8_t i = 0; i < p->result.plan.count; i++) {
		struct punch_evidence *e = &p->result.ours[i];

		if (p->steps[i].tcp != NULL)
			tcp_open_evidence(p->steps[i].tcp, e);
		if (p->steps[i].state == PU_STEP_RUNS && !p->result.plan.steps[i].is_tcp)
			e->sockets = (uint16_t)(1 + p->steps[i].fresh_count);
	}
}

void pu_end_tell(struct punch *p)
{
	finish_evidence(p);
	p->tells_evidence = true;
	pu_enter(p, PU_TELL);
}

static bool has_path(const struct punch *p)
{
	return p->result.path.strategy != PUNCH_NONE;
}

static bool is_theirs_as_well(const struct punch *p)
{
	return p->their_evidence.has_path && p->their_evidence.step == p->result.step;
}

/* By how much B began after A; both measure it with the clock of the meeting. */
static void judge_skew(struct punch *p)
{
	int64_t theirs_us, skew_us;

	p->result.skew_error_us = UINT32_MAX;
	if (!p->result.has_theirs || !p->has_clock || p->their_evidence.ran_us == 0 ||
	    p->ran_us == 0 || p->clock.error_us > INT32_MAX)
		return;
	theirs_us = (int64_t)p->their_evidence.ran_us - p->clock.offset_us;
	skew_us = theirs_us - (int64_t)p->ran_us;
	if (!p->config.is_a)
		skew_us = -skew_us;
	if (skew_us < INT32_MIN || skew_us > INT32_MAX)
		return;
	p->result.skew_us = (int32_t)skew_us;
	p->result.skew_error_us = (uint32_t)p->clock.error_us;
}

static struct punch_verdict judge_step(const struct punch *p, uint8_t i)
{
	const struct punch_result *r = &p->result;
	const struct punch_evidence *ours = &r->ours[i], *theirs = &r->theirs[i];
	struct reason_case c = { .step = &r->plan.steps[i] };

	if (has_path(p) && i == r->step)
		return (struct punch_verdict){ .reason = REASON_NONE };
	/* Cut short by another one that made it, or never begun by either. */
	if (p->steps[i].state == PU_STEP_RUNS && has_path(p))
		return (struct punch_verdict){ .reason = REASON_NOT_TRIED };
	if (ours->strategy == PUNCH_NONE && (!r->has_theirs || theirs->strategy == PUNCH_NONE))
		return (struct punch_verdict){ .reason = REASON_NOT_TRIED };
	c.a = p->config.is_a ? &p->ours : &p->theirs;
	c.b = p->config.is_a ? &p->theirs : &p->ours;
	c.offer_a = p->config.is_a ? &p->our_offer : pu_their_offer(p);
	c.offer_b = p->config.is_a ? pu_their_offer(p) : &p->our_offer;
	if (!r->has_theirs)
		theirs = NULL;
	c.seen_a = p->config.is_a ? ours : theirs;
	c.seen_b = p->config.is_a ? theirs : ours;
	return reason_judge(&c);
}

static void judge(struct punch *p)
{
	struct punch_result *r = &p->result;

	memcpy(r->theirs, p->their_evidence.seen, sizeof(r->theirs));
	judge_skew(p);
	/* It is a path if it is one for both. */
	if (r->has_theirs && !is_theirs_as_well(p))
		r->path = (struct punch_path){ 0 };
	for (uint8_t i = 0; i < r->plan.count; i++)
		r->verdicts[i] = judge_step(p, i);
	if (!has_path(p))
		r->overall = reason_overall(&r->plan, r->verdicts);
	if (!has_path(p) && r->overall.reason == REASON_NONE)
		r->overall = (struct punch_verdict){ .reason = REASON_UNSURE };
	close_all(p);
}

/* Nothing was lost, nor was the path left idle: the other side is through in a moment as well. */
static bool is_measured(const struct punch *p)
{
	const struct punch_quality *q = &p->result.quality;

	return p->hold_s == 0 && q->sent > 0 && q->answered == q->sent;
}

/* When the other side's evidence is waited for no longer. */
static uint64_t patience_us(const struct punch *p)
{
	uint64_t until_us = p->phase_us + (p->hold_s > 0 ? EVIDENCE_HOLD_US : EVIDENCE_US);
	uint64_t limit_us = p->config.limit_us != 0 ? p->config.limit_us : PUNCH_LIMIT_US;
	uint64_t end_us = p->start_us + limit_us;
	uint64_t trips_us = EVIDENCE_TRIPS * pu_measure_round_trip_us(p);

	if (!has_path(p) && until_us > end_us)
		return end_us;
	/* Nobody carries their word to us; they may still measure, and follow. */
	if (p->config.by_hand)
		return has_path(p) && is_measured(p) ? p->phase_us + HAND_US + trips_us : until_us;
	/* They may have to ask anew, where most answers were lost. */
	if (has_path(p))
		until_us += trips_us;
	/* B said that there is nothing, and has taken it since: so it will say another word. */
	if (has_path(p) && p->config.is_a && p->result.has_theirs && !is_theirs_as_well(p) &&
	    p->measure_until_us > until_us)
		return p->measure_until_us;
	/* B may be looking for what we have found. */
	if (has_path(p) && p->config.is_a && !p->is_followed && until_us < end_us)
		return end_us;
	/* A may have lost what B holds for a path: its word is told by then. */
	if (has_path(p) && !p->config.is_a && !p->result.has_theirs && until_us < end_us)
		return end_us;
	return until_us;
}

bool pu_end_follow(struct punch *p)
{
	bool is_running = p->phase == PU_RUN;

	if (!p->result.has_theirs || p->is_stopped || (p->config.is_a && !is_running))
		return false;
	if (p->their_evidence.has_path)
		return !(has_path(p) && is_theirs_as_well(p)) && pu_agree_follow_word(p);
	if (is_running && !p->config.is_a)
		pu_end_tell(p);
	return is_running && !p->config.is_a;
}

/* A's word is the last one; A waits until B has followed. */
static bool is_settled(const struct punch *p)
{
	return p->result.has_theirs && (!p->config.is_a || !has_path(p) || is_theirs_as_well(p));
}

void pu_end_tick(struct punch *p, uint64_t *deadline_us)
{
	if (p->tells_evidence || pu_end_follow(p))
		return;
	if (pu_agree_take_late(p))
		return;
	if (is_settled(p) || p->is_peer_gone || p->is_stopped || p->now_us >= patience_us(p))
		judge(p);
	else
		pu_by(deadline_us, patience_us(p));
}
