#include "reason.h"

#include <stdio.h>

static struct punch_verdict say(enum punch_reason reason, enum punch_side side)
{
	return (struct punch_verdict){ .reason = (uint8_t)reason, .side = (uint8_t)side };
}

struct punch_verdict reason_judge(const struct reason_case *c)
{
	if (c->seen_a == NULL && c->seen_b == NULL)
		return say(REASON_UNSURE, PUNCH_SIDE_NONE);
	if (c->seen_a == NULL)
		return say(REASON_PEER_SILENT, PUNCH_SIDE_A);
	if (c->seen_b == NULL)
		return say(REASON_PEER_SILENT, PUNCH_SIDE_B);
	if (c->seen_a->strategy == PUNCH_NONE && c->seen_b->strategy == PUNCH_NONE)
		return say(REASON_NOT_TRIED, PUNCH_SIDE_NONE);
	return say(REASON_UNSURE, PUNCH_SIDE_NONE);
}

struct punch_verdict reason_overall(const struct punch_plan *plan,
				    const struct punch_verdict verdicts[static PUNCH_STEPS_MAX])
{
	struct punch_verdict best = say(REASON_UNSURE, PUNCH_SIDE_NONE);
	double chance = -1;

	for (size_t i = 0; i < plan->count && i < PUNCH_STEPS_MAX; i++) {
		if (verdicts[i].reason == REASON_NOT_TRIED || verdicts[i].reason == REASON_NONE ||
		    plan->steps[i].chance <= chance)
			continue;
		chance = plan->steps[i].chance;
		best = verdicts[i];
	}
	if (chance < 0 && plan->reason != REASON_NONE)
		return say((enum punch_reason)plan->reason, (enum punch_side)plan->side);
	return best;
}

void reason_print(const struct reason_case *c, const struct punch_verdict *v, bool we_are_a,
		  char *buf, size_t cap)
{
	(void)snprintf(buf, cap, "%s.", punch_reason_text((enum punch_reason)v->reason));
}
