/*
 * What may end a mapping: a datagram that its filter drops, and an ICMP error about it. Each lane
 * is a fresh socket whose mapping is upset while nothing more leaves from it; then the server, whom
 * the filter lets in, sends to it. A mapping made anew would look the same, so what was sent too
 * late makes a lane void. Lanes that nothing upsets are the control.
 */
#include "deep_kit.h"
#include "deep_trials.h"

#define UPSET_LANES   3
#define CONTROL_LANES 2
#define LANES         (UPSET_LANES + CONTROL_LANES)
#define ROUNDS        3
#define UPSETS        4    /* ICMP errors of a lane */
#define UPSET_MS      1500 /* beside round trips: until then all orders are acknowledged */
#define AFTER_MS      800

struct lane {
	uint16_t socket;
	uint16_t upset[UPSETS]; /* orders; 0: none */
	uint16_t answers;
	bool is_alive, is_void, is_passed;
};

struct upset {
	bool begun, over, is_unable, has_socket;
	uint16_t change; /* where the datagram comes from; of the trial of ICMP: none */
	uint8_t round;
	struct lane lanes[LANES];
	uint64_t ends_us;
	/* Of all rounds. */
	uint16_t alive, dead, control_alive, control_dead;
	uint16_t errors_ordered, errors_passed;
};

static uint32_t upset_ms(const struct deep *d)
{
	return (uint32_t)(UPSET_MS + 2 * deep_rtt_us(d) / 1000);
}

static void order_errors(struct deep *d, struct lane *l)
{
	for (uint8_t i = 0; i < UPSETS; i++) {
		struct coop_order o = { .kind = COOP_ICMP,
					.delay_ms = upset_ms(d) + i * KIT_GAP_MS };

		l->upset[i] = deep_order(d, l->socket, NULL, &o, 0);
	}
}

static void start_round(struct deep *d, struct upset *s)
{
	uint32_t answers_ms = upset_ms(d) + KIT_ANSWERS * KIT_GAP_MS + AFTER_MS;

	s->has_socket = false;
	for (size_t i = 0; i < LANES; i++) {
		struct lane *l = &s->lanes[i];

		*l = (struct lane){ .socket = deep_open(d, 0) };
		if (l->socket == DEEP_NO_SOCKET)
			continue;
		s->has_socket = true;
		if (i < UPSET_LANES && s->change != 0)
			l->upset[0] = deep_kit_answers(d, l->socket, s->change, upset_ms(d));
		else if (i < UPSET_LANES)
			order_errors(d, l);
		l->answers = deep_kit_answers(d, l->socket, 0, answers_ms);
	}
	s->ends_us = deep_kit_answers_us(d, answers_ms) + deep_backlog_us(d) + UPSET_MS * 1000;
	s->over = !s->has_socket;
}

static bool applies_to_datagrams(const struct deep *d)
{
	return deep_cooperates(d) && deep_other(d)->family != ADDR_NONE;
}

static void start_datagrams(struct deep *d, void *state)
{
	struct upset *s = state;

	s->begun = true;
	s->change = COOP_CHANGE_IP | COOP_CHANGE_PORT;
	start_round(d, s);
}

static void start_errors(struct deep *d, void *state)
{
	struct upset *s = state;

	s->begun = true;
	start_round(d, s);
}

static struct lane *lane_of(struct upset *s, uint16_t socket)
{
	for (size_t i = 0; i < LANES; i++) {
		if (s->lanes[i].socket == socket)
			return &s->lanes[i];
	}
	return NULL;
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct upset *s = state;
	struct lane *l = lane_of(s, socket);

	if (l == NULL)
		return;
	if (answer->report.outcome == COOP_UNABLE)
		s->is_unable = true;
	else if (answer->report.outcome == COOP_DONE && order_id == l->answers)
		l->is_alive = true;
	else if (answer->report.outcome > COOP_DONE)
		l->is_void = true;
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct lane *l = lane_of(state, socket);

	if (l != NULL)
		l->is_void = true;
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	struct lane *l = lane_of(state, socket);

	if (l != NULL && !opened)
		l->socket = DEEP_NO_SOCKET; /* its number may soon be another one's */
}

static void on_icmp(struct deep *d, void *state, uint16_t socket, const struct deep_icmp *icmp)
{
	struct lane *l = lane_of(state, socket);

	if (l != NULL && icmp->type == (icmp->to.family == ADDR_IPV6 ? 1 : 3))
		l->is_passed = true;
}

/* All orders were acknowledged, and what left had passed before the mapping was upset. */
static bool counts(const struct deep *d, const struct lane *l)
{
	uint64_t upset_us = UINT64_MAX, last_us = 0;
	struct deep_order_times t;

	if (l->socket == DEEP_NO_SOCKET || l->is_void)
		return false;
	for (size_t i = 0; i < UPSETS && l->upset[i] != 0; i++) {
		if (!deep_order_times(d, l->socket, l->upset[i], &t) || !t.is_settled)
			return false;
		if (t.first_us + upset_ms(d) * 1000 < upset_us)
			upset_us = t.first_us + upset_ms(d) * 1000;
		if (t.last_us > last_us)
			last_us = t.last_us;
	}
	return deep_order_times(d, l->socket, l->answers, &t) && t.is_settled &&
	       last_us < upset_us && t.last_us < upset_us;
}

static void tally(struct deep *d, struct upset *s)
{
	for (size_t i = 0; i < LANES; i++) {
		struct lane *l = &s->lanes[i];
		bool is_upset = i < UPSET_LANES;

		if (counts(d, l) && is_upset) {
			s->alive += l->is_alive;
			s->dead += !l->is_alive;
			s->errors_ordered = (uint16_t)(s->errors_ordered + (s->change == 0));
		} else if (counts(d, l)) {
			s->control_alive += l->is_alive;
			s->control_dead += !l->is_alive;
		}
		s->errors_passed += l->is_passed;
		if (l->socket != DEEP_NO_SOCKET)
			deep_close(d, l->socket);
	}
}

static bool is_enough(const struct upset *s)
{
	return s->alive + s->dead >= 2 && s->control_alive >= 1;
}

static void step(struct deep *d, void *state)
{
	struct upset *s = state;

	if (s->over || (deep_now_us(d) < s->ends_us && !s->is_unable))
		return;
	tally(d, s);
	s->over = is_enough(s) || s->is_unable || ++s->round == ROUNDS;
	if (!s->over)
		start_round(d, s);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ((const struct upset *)state)->ends_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct upset *)state)->over;
}

/* Why nothing is known; CAUSE_NONE: something is. */
static enum verdict_cause obstacle(const struct deep *d, const struct upset *s,
				   enum verdict_cause early)
{
	if (!s->begun)
		return deep_cooperates(d) ? CAUSE_NO_OTHER_ADDRESS : deep_kit_obstacle(d);
	if (s->is_unable)
		return CAUSE_NO_COOPERATION;
	if (is_enough(s))
		return s->alive == s->dead ? CAUSE_AMBIGUOUS : CAUSE_NONE;
	if (early != CAUSE_NONE)
		return early;
	if (!s->has_socket)
		return CAUSE_LOCAL_ERROR;
	return s->control_dead > 0 ? CAUSE_CONTROL_LOST : CAUSE_LOSS;
}

static void end_survival(struct deep *d, const struct upset *s, enum verdict_cause early,
			 struct verdict *v, enum deep_property which)
{
	enum verdict_cause cause = obstacle(d, s, early);

	v->deep.values[which].sent = s->alive + s->dead;
	v->deep.values[which].answered = s->alive;
	if (cause != CAUSE_NONE)
		deep_kit_unknown(v, which, cause);
	else
		deep_kit_conclude(v, which, s->alive > s->dead ? DEEP_SURVIVES : DEEP_ENDS_MAPPING,
				  deep_kit_all_lost(d, KIT_ANSWERS));
}

static void end_datagrams(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	end_survival(d, state, early, v, DEEP_UNEXPECTED);
}

static void end_errors(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct upset *s = state;
	enum verdict_cause cause = obstacle(d, s, early);

	end_survival(d, s, early, v, DEEP_ICMP_ERROR);
	v->deep.values[DEEP_ICMP_PASSED].sent = s->errors_ordered;
	v->deep.values[DEEP_ICMP_PASSED].answered = s->errors_passed;
	if (s->errors_passed > 0)
		deep_set_word(&v->deep, DEEP_ICMP_PASSED, DEEP_YES);
	else if (cause != CAUSE_NONE && cause != CAUSE_AMBIGUOUS)
		deep_kit_unknown(v, DEEP_ICMP_PASSED, cause);
	else if (!deep_config(d)->sees_icmp)
		deep_kit_unknown(v, DEEP_ICMP_PASSED, CAUSE_LOCAL_ERROR);
	else
		deep_kit_conclude(v, DEEP_ICMP_PASSED, DEEP_NO,
				  deep_kit_all_lost(d, UPSETS * s->errors_ordered));
}

const struct deep_trial deep_unexpected = {
	.name = "unexpected-inbound",
	.state_size = sizeof(struct upset),
	.applies = applies_to_datagrams,
	.start = start_datagrams,
	.step = step,
	.on_open = on_open,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end_datagrams,
};

const struct deep_trial deep_icmp = {
	.name = "icmp-error",
	.state_size = sizeof(struct upset),
	.applies = deep_cooperates,
	.start = start_errors,
	.step = step,
	.on_open = on_open,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.on_icmp = on_icmp,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end_errors,
};
