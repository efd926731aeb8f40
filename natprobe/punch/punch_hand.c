#include "punch_state.h"

#define PASS_US (1500 * PU_MS) /* from one of these rows to the next */
#define GAP_US  (10 * PU_MS)
/* Of a step that sends rounds: the one that has all targets, once. */
#define ROUND_FROM_US  75000
#define ROUND_UNTIL_US 150000

bool pu_hand_waits(const struct punch *p)
{
	return p->config.by_hand && p->config.is_a && p->phase == PU_WAIT && p->has_start &&
	       !p->is_heard;
}

void pu_hand_begin(struct punch *p)
{
	punch_plan_make(&p->ours, &p->theirs, &p->options, &p->result.plan);
	p->hand_next_us = p->now_us;
}

void pu_hand_tick(struct punch *p, uint64_t *deadline_us)
{
	uint64_t until_us = p->phase_us + p->config.patience_us;

	if (p->now_us >= until_us) {
		pu_end_now(p, REASON_PEER_SILENT, PUNCH_SIDE_B);
		return;
	}
	pu_by(deadline_us, until_us);
	pu_gather_refresh(p, deadline_us);
}

/* Their step is where ours is now. */
void pu_hand_on_check(struct punch *p, uint8_t step)
{
	uint32_t ago_us = step < p->result.plan.count ? p->result.plan.steps[step].start_us : 0;

	p->is_heard = true;
	p->start_us = p->now_us > ago_us ? p->now_us - ago_us : p->now_us;
}

/* One announced endpoint to another. */
static bool is_simple(const struct punch_step *s)
{
	return !s->is_tcp && (PUNCH_BIT(s->strategy) & PUNCH_BY_HAND) != 0;
}

/*
 * Does the shot belong to a row, and how? A packet that arrives before the other side has sent one
 * does no good where it is the other side that opens, and may do harm.
 */
static bool belongs(const struct punch *p, const struct punch_step *s, struct shot *shot)
{
	const struct punch_part *ours = pu_part(p, s);
	uint32_t from_us = ROUND_FROM_US;

	/* Of those that climb the lowest alone: the other side does not climb with us. */
	if (s->strategy == PUNCH_LOW_TTL && ours->opener_ttl != 0)
		return shot->ttl == ours->opener_ttl;
	if (s->strategy == PUNCH_LOW_TTL) {
		from_us += s->settle_us;
		shot->ttl = p->ours.paths[ours->path].opener_ttl;
		if (shot->ttl == 0)
			return false;
	} else if (!ours->opens) {
		return false;
	}
	return shot->at_us >= from_us && shot->at_us < from_us + ROUND_UNTIL_US - ROUND_FROM_US;
}

static bool find_shot(struct punch *p, struct pu_sent *what, uint8_t *ttl)
{
	for (; p->hand_step < p->result.plan.count; p->hand_step++, p->hand_index = 0) {
		const struct punch_step *s = &p->result.plan.steps[p->hand_step];
		struct shots_view view = pu_run_view(p, p->hand_step);
		struct shot shot;

		while (is_simple(s) && shots_get(&view, p->hand_index, &shot)) {
			p->hand_index++;
			what->slot = pu_run_slot(p, p->hand_step, shot.socket);
			if (!belongs(p, s, &shot) || !pu_slot_is_open(p, what->slot))
				continue;
			what->to = shot.to;
			what->step = p->hand_step;
			*ttl = shot.ttl;
			return true;
		}
	}
	return false;
}

bool pu_hand_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	struct pu_sent what = { 0 };
	uint8_t ttl;

	if (!pu_hand_waits(p) || p->tells_offer || p->tells_start)
		return false;
	if (p->now_us >= p->hand_next_us && find_shot(p, &what, &ttl)) {
		p->hand_next_us = p->now_us + GAP_US;
		pu_check_send(p, &what, ttl, action);
		return true;
	}
	if (p->now_us >= p->hand_next_us) {
		p->hand_step = 0;
		p->hand_index = 0;
		p->hand_next_us = p->now_us + PASS_US;
	}
	pu_by(deadline_us, p->hand_next_us);
	return false;
}
