/*
 * Does somebody on the path rewrite addresses inside payloads? Answers tell our mapped address
 * twice: plain, as such boxes know it, and masked, as they do not.
 */
#include "deep_kit.h"
#include "deep_trials.h"

#define PATIENCE_US 15000000 /* more than all copies of an order take */

struct alg {
	bool begun, over, differs, told;
	uint16_t socket;
	uint64_t until_us; /* a server that tells one address only is not waited for */
};

static void start(struct deep *d, void *state)
{
	struct alg *s = state;

	s->begun = true;
	s->until_us = deep_now_us(d) + PATIENCE_US;
	s->socket = deep_open(d, 0);
	s->over = s->socket == DEEP_NO_SOCKET || deep_kit_ask(d, s->socket, NULL) == 0;
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct alg *s = state;

	if (s->over || answer->mapped.family == ADDR_NONE || answer->plain.family == ADDR_NONE)
		return;
	s->told = s->over = true;
	s->differs = !addr_equal(&answer->mapped, &answer->plain);
	deep_close(d, socket);
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	((struct alg *)state)->over = true;
}

static void step(struct deep *d, void *state)
{
	struct alg *s = state;

	s->over |= deep_now_us(d) >= s->until_us;
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ((const struct alg *)state)->until_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct alg *)state)->over;
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct alg *s = state;

	if (s->told)
		deep_set_word(&v->deep, DEEP_ALG, s->differs ? DEEP_YES : DEEP_NO);
	else
		deep_kit_unknown(v, DEEP_ALG,
				 !s->begun             ? deep_kit_obstacle(d)
				 : early != CAUSE_NONE ? early
						       : CAUSE_LOSS);
}

const struct deep_trial deep_alg = {
	.name = "payloads",
	.state_size = sizeof(struct alg),
	.applies = deep_cooperates,
	.start = start,
	.step = step,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
