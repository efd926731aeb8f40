/*
 * reason - why a step made no path: judged from both sides' profiles, offers and evidence.
 * A pure function that both sides call with the same arguments, A first.
 */
#ifndef NATPROBE_REASON_H
#define NATPROBE_REASON_H

#include "punch_result.h"

struct reason_case {
	const struct peer_profile *a, *b;
	const struct peer_offer *offer_a, *offer_b;
	const struct punch_step *step;
	const struct punch_evidence *seen_a, *seen_b; /* NULL: that side told nothing */
};

struct punch_verdict reason_judge(const struct reason_case *c);

/* One reason for all: that of the step with the best chance among those that were tried. */
struct punch_verdict reason_overall(const struct punch_plan *plan,
				    const struct punch_verdict verdicts[static PUNCH_STEPS_MAX]);

/*
 * One sentence for people, with ports and sides named: "Their filter dropped us, since our mapping
 * moved from 40001 to 40007." we_are_a: who reads it.
 */
void reason_print(const struct reason_case *c, const struct punch_verdict *v, bool we_are_a,
		  char *buf, size_t cap);

/* The same where what was allowed is not for such a pair: REASON_NOT_TRIED of the whole plan. */
void reason_print_unsuitable(const struct punch_plan *plan, bool we_are_a, char *buf, size_t cap);

#endif
