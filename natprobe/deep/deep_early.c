/*
 * A datagram that comes in before ours goes out. Linux, as far as its own INPUT chain accepts it,
 * takes it for one of its own, holds the pair of endpoints, and what we send to that peer later
 * leaves from another port. One socket is met that way; a second one shows what port such a peer
 * sees where nothing came first. Where the first endpoint sees another port afterwards, too, the
 * datagram has ended the whole mapping: that is another matter (deep_upset.c).
 */
#include "deep_kit.h"
#include "deep_trials.h"

struct early {
	bool begun, over;
	uint16_t change;     /* to the endpoint that is early */
	uint16_t met, unmet; /* sockets */
	uint16_t met_first;  /* orders, that show our port to the server's first endpoint ... */
	uint16_t met_last;   /* ... and to its other one */
	uint16_t unmet_first, unmet_last;
	uint16_t met_again;  /* to the first one once more */
	struct addr seen[5]; /* as they were answered, in that order */
	uint64_t due_us;     /* when the early ones have arrived */
};

static bool applies(const struct deep *d)
{
	uint16_t change = deep_kit_same_mapping(d);

	return deep_cooperates(d) && change != 0 &&
	       deep_kit_endpoint(d, change).family != ADDR_NONE;
}

static void start(struct deep *d, void *state)
{
	struct early *s = state;

	s->begun = true;
	s->change = deep_kit_same_mapping(d);
	s->due_us = UINT64_MAX;
	s->met = deep_open(d, 0);
	s->unmet = deep_open(d, 0);
	if (s->met == DEEP_NO_SOCKET || s->unmet == DEEP_NO_SOCKET) {
		s->over = true;
		return;
	}
	s->met_first = deep_kit_answers(d, s->met, s->change, 0);
	s->unmet_first = deep_kit_ask(d, s->unmet, NULL);
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct early *s = state;
	const uint16_t orders[] = { s->met_first, s->met_last, s->unmet_first, s->unmet_last,
				    s->met_again };
	struct addr other = deep_kit_endpoint(d, s->change);

	/* The answers of the first order come from another endpoint, and show no more than it. */
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (orders[i] == order_id && s->seen[i].family == ADDR_NONE)
			s->seen[i] = answer->mapped;
	}
	if (order_id == s->met_first && s->due_us == UINT64_MAX && s->met_last == 0)
		s->due_us = deep_kit_answers_us(d, 0);
	if (order_id == s->met_last && s->met_again == 0)
		s->met_again = deep_kit_ask(d, s->met, NULL);
	if (order_id == s->unmet_first && s->unmet_last == 0)
		s->unmet_last = deep_kit_ask(d, s->unmet, &other);
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct early *s = state;

	s->over = true;
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	struct early *s = state;

	s->over |= !opened;
}

static bool has_all(const struct early *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->seen); i++) {
		if (s->seen[i].family == ADDR_NONE)
			return false;
	}
	return true;
}

static void step(struct deep *d, void *state)
{
	struct early *s = state;
	struct addr other = deep_kit_endpoint(d, s->change);

	if (s->met_last == 0 && deep_now_us(d) >= s->due_us) {
		s->due_us = UINT64_MAX;
		s->met_last = deep_kit_ask(d, s->met, &other);
	}
	s->over |= has_all(s);
	if (!s->over)
		return;
	deep_close(d, s->met);
	deep_close(d, s->unmet);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	const struct early *s = state;

	return s->met_last == 0 ? s->due_us : UINT64_MAX;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct early *)state)->over;
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct early *s = state;

	if (!s->begun)
		deep_kit_unknown(v, DEEP_EARLY_INBOUND,
				 !deep_cooperates(d)             ? deep_kit_obstacle(d)
				 : deep_kit_same_mapping(d) == 0 ? CAUSE_FILTERED
								 : CAUSE_NO_OTHER_ADDRESS);
	else if (!has_all(s))
		deep_kit_unknown(v, DEEP_EARLY_INBOUND, early != CAUSE_NONE ? early : CAUSE_LOSS);
	else if (s->seen[2].port != s->seen[3].port || s->seen[0].port != s->seen[4].port)
		deep_kit_unknown(v, DEEP_EARLY_INBOUND, CAUSE_AMBIGUOUS);
	else
		deep_kit_conclude(v, DEEP_EARLY_INBOUND,
				  s->seen[0].port == s->seen[1].port ? DEEP_EARLY_KEPT
								     : DEEP_EARLY_REMAPPED,
				  deep_kit_all_lost(d, KIT_ANSWERS));
}

const struct deep_trial deep_early = {
	.name = "early-inbound",
	.state_size = sizeof(struct early),
	.applies = applies,
	.start = start,
	.step = step,
	.on_open = on_open,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
