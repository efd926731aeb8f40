/*
 * Fragments: one datagram in two pieces, in order and the last one first, in and out; and whole,
 * as a control. Small ones, so that no MTU is in their way.
 */
#include "deep_kit.h"
#include "deep_trials.h"

#define SIZE         600  /* payload of what is fragmented */
#define SYSTEMS_SIZE 2000 /* what every system fragments, where it may not do so by hand */

enum shape {
	WHOLE,
	IN_ORDER,
	REVERSED,
	SHAPES,
};

struct fragments {
	bool begun, over, is_unable, has_raw;
	uint16_t socket;
	uint16_t orders[SHAPES]; /* 0: not tried */
	bool passed[SHAPES], settled[SHAPES];
	uint64_t ends_us;
};

static void end_here(struct deep *d, struct fragments *s)
{
	s->over = true;
	if (s->socket != DEEP_NO_SOCKET)
		deep_close(d, s->socket);
}

static void start_in(struct deep *d, void *state)
{
	static const uint16_t flags[SHAPES] = { 0, COOP_FRAGMENTS, COOP_FRAGMENTS | COOP_REVERSED };
	struct fragments *s = state;

	s->begun = s->has_raw = true;
	s->ends_us = UINT64_MAX;
	s->socket = deep_open(d, 0);
	for (size_t i = 0; i < SHAPES && s->socket != DEEP_NO_SOCKET; i++) {
		struct coop_order o = { .kind = COOP_ANSWER,
					.flags = flags[i],
					.count = KIT_ANSWERS,
					.gap_ms = KIT_GAP_MS,
					.size = SIZE };

		s->orders[i] = deep_order(d, s->socket, NULL, &o, 0);
	}
	s->over = s->orders[WHOLE] == 0;
}

static void start_out(struct deep *d, void *state)
{
	static const uint8_t flags[SHAPES] = { 0, DEEP_SEND_FRAGMENTS,
					       DEEP_SEND_FRAGMENTS | DEEP_SEND_REVERSED };
	struct fragments *s = state;

	s->begun = true;
	s->has_raw = deep_config(d)->can_fragment;
	s->ends_us = UINT64_MAX;
	s->socket = deep_open(d, 0);
	for (size_t i = 0; i < SHAPES && s->socket != DEEP_NO_SOCKET; i++) {
		struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };
		struct deep_shape shape = { .size = SIZE, .flags = flags[i] };

		if (!s->has_raw && i == REVERSED)
			break;
		if (!s->has_raw && i == IN_ORDER)
			shape = (struct deep_shape){ .size = SYSTEMS_SIZE };
		s->orders[i] = deep_order_shaped(d, s->socket, NULL, &o, KIT_ANSWERS, &shape);
	}
	s->over = s->orders[WHOLE] == 0;
}

static int shape_of(const struct fragments *s, uint16_t order_id)
{
	for (int i = 0; i < SHAPES; i++) {
		if (s->orders[i] != 0 && s->orders[i] == order_id)
			return i;
	}
	return -1;
}

static void settle(struct deep *d, struct fragments *s, int shape)
{
	s->settled[shape] = true;
	for (size_t i = 0; i < SHAPES; i++) {
		if (s->orders[i] != 0 && !s->settled[i])
			return;
	}
	s->ends_us = deep_kit_answers_us(d, 0);
}

static void on_report_in(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
			 const struct addr *from, const struct coop_answer *answer)
{
	struct fragments *s = state;
	int shape = shape_of(s, order_id);

	if (shape < 0)
		return;
	if (answer->report.outcome == COOP_UNABLE)
		s->is_unable = true;
	if (answer->report.outcome == COOP_DONE)
		s->passed[shape] = true;
	if (!s->settled[shape])
		settle(d, s, shape);
}

static void on_report_out(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
			  const struct addr *from, const struct coop_answer *answer)
{
	struct fragments *s = state;
	int shape = shape_of(s, order_id);

	if (shape < 0)
		return;
	s->passed[shape] = true;
	if (!s->settled[shape])
		settle(d, s, shape);
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct fragments *s = state;
	int shape = shape_of(s, order_id);

	if (shape >= 0)
		settle(d, s, shape);
}

static void step(struct deep *d, void *state)
{
	struct fragments *s = state;
	bool all = s->passed[WHOLE] && s->passed[IN_ORDER] && s->passed[REVERSED];

	if (!s->over && (all || deep_now_us(d) >= s->ends_us))
		end_here(d, s);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ((const struct fragments *)state)->ends_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct fragments *)state)->over;
}

static void conclude(struct deep *d, const struct fragments *s, enum verdict_cause early,
		     struct verdict *v, enum deep_property which)
{
	double error = deep_kit_all_lost(d, KIT_ANSWERS);

	if (!s->begun)
		deep_kit_unknown(v, which, deep_kit_obstacle(d));
	else if (s->passed[REVERSED])
		deep_kit_conclude(v, which, DEEP_FRAGMENTS_ANY_ORDER, 0);
	else if (s->is_unable)
		deep_kit_unknown(v, which, CAUSE_NO_COOPERATION);
	else if (!s->passed[WHOLE])
		deep_kit_unknown(v, which, early != CAUSE_NONE ? early : CAUSE_CONTROL_LOST);
	else if (!s->over)
		deep_kit_unknown(v, which, early);
	else if (!s->passed[IN_ORDER])
		deep_kit_conclude(v, which, DEEP_FRAGMENTS_NO, error);
	else if (!s->has_raw)
		deep_kit_unknown(v, which, CAUSE_LOCAL_ERROR);
	else
		deep_kit_conclude(v, which, DEEP_FRAGMENTS_IN_ORDER, error);
}

static void end_in(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	conclude(d, state, early, v, DEEP_FRAGMENTS_IN);
}

static void end_out(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	conclude(d, state, early, v, DEEP_FRAGMENTS_OUT);
}

const struct deep_trial deep_fragments_in = {
	.name = "fragments from outside",
	.state_size = sizeof(struct fragments),
	.applies = deep_cooperates,
	.start = start_in,
	.step = step,
	.on_report = on_report_in,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end_in,
};

const struct deep_trial deep_fragments_out = {
	.name = "fragments to the outside",
	.state_size = sizeof(struct fragments),
	.applies = deep_cooperates,
	.start = start_out,
	.step = step,
	.on_report = on_report_out,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end_out,
};
