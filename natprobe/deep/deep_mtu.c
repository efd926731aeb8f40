/*
 * The largest packet with DF that passes, out and in, and what becomes of larger ones. A few sizes
 * that links have are tried at once, then all between the largest that passed and the smallest
 * that did not. Messages are multiples of four bytes long, and so the result is four bytes wide.
 */
#include "deep_kit.h"
#include "deep_trials.h"

#include <math.h>

#define SIZES_MAX  8 /* at once: a server gives nobody all of its bandwidth */
#define COPIES_OUT 4
#define COPIES_IN  3
#define ROUNDS_MAX 8
#define LATER_US   4000000 /* the server's bandwidth is for those who cannot wait */
#define STEP       4
#define JUMBO      1504 /* more than Ethernet has: whether this passes, no more is asked */

static const uint16_t usual[] = { 576, 1000, 1280, 1400, 1460, 1500, JUMBO };

struct probe {
	uint16_t size; /* of the packet */
	uint16_t order;
	bool settled, accepted, passed;
};

struct search {
	bool begun, over, inward, waits;
	uint16_t socket;
	uint8_t round;
	uint16_t good,
		bad; /* the largest that passed, the smallest above it that did not; 0: none */
	struct probe probes[SIZES_MAX];
	size_t count;
	uint64_t ends_us; /* of a round */
	uint16_t failed;  /* probes */
	uint16_t refused; /* datagrams, by this host */
	uint16_t complaints;
};

static uint16_t order_for(struct deep *d, struct search *s, uint16_t packet)
{
	uint16_t size = (uint16_t)(packet - deep_kit_header(d));
	struct deep_shape shape = { .size = size, .flags = DEEP_SEND_DF };
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };

	if (!s->inward)
		return deep_order_shaped(d, s->socket, NULL, &o, COPIES_OUT, &shape);
	o.count = COPIES_IN;
	o.gap_ms = KIT_GAP_MS;
	o.flags = COOP_DF;
	o.size = size;
	return deep_order(d, s->socket, NULL, &o, 0);
}

static void add(struct deep *d, struct search *s, uint16_t size)
{
	struct probe *p = &s->probes[s->count];

	*p = (struct probe){ .size = size, .order = order_for(d, s, size) };
	if (p->order != 0)
		s->count++;
}

static void start_round(struct deep *d, struct search *s)
{
	unsigned between = s->bad > s->good ? (unsigned)(s->bad - s->good) / STEP - 1 : 0;

	s->count = 0;
	s->ends_us = UINT64_MAX;
	if (s->round == 0) {
		for (size_t i = 0; i < ARRAY_LEN(usual); i++)
			add(d, s, usual[i]);
	} else {
		unsigned n = between < SIZES_MAX ? between : SIZES_MAX;

		for (unsigned i = 1; i <= n; i++)
			add(d, s, (uint16_t)(s->good + STEP * (between * i / (n + 1) + 1)));
	}
	s->over = s->count == 0 || s->round == ROUNDS_MAX;
	s->round++;
}

static void start(struct deep *d, struct search *s, bool inward)
{
	s->begun = true;
	s->inward = inward;
	s->socket = deep_open(d, 0);
	s->over = s->socket == DEEP_NO_SOCKET;
	s->waits = true;
	s->ends_us = deep_now_us(d) + LATER_US;
}

static void start_out(struct deep *d, void *state)
{
	start(d, state, false);
}

static void start_in(struct deep *d, void *state)
{
	start(d, state, true);
}

static struct probe *probe_of(struct search *s, uint16_t order_id)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->probes[i].order == order_id)
			return &s->probes[i];
	}
	return NULL;
}

static void settle(struct deep *d, struct search *s, struct probe *p)
{
	p->settled = true;
	for (size_t i = 0; i < s->count; i++) {
		if (!s->probes[i].settled)
			return;
	}
	if (s->ends_us == UINT64_MAX)
		s->ends_us = s->inward ? deep_kit_answers_us(d, 0) : deep_now_us(d);
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct search *s = state;
	struct probe *p = probe_of(s, order_id);

	if (p == NULL)
		return;
	if (!s->inward || answer->report.outcome == COOP_DONE)
		p->passed = true;
	else if (answer->report.outcome == COOP_ACCEPTED || answer->report.outcome == COOP_SENT)
		p->accepted = true;
	settle(d, s, p);
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct search *s = state;
	struct probe *p = probe_of(s, order_id);

	if (p != NULL)
		settle(d, s, p);
}

static void on_icmp(struct deep *d, void *state, uint16_t socket, const struct deep_icmp *icmp)
{
	struct search *s = state;
	bool ipv6 = icmp->to.family == ADDR_IPV6;

	if (ipv6 ? icmp->type == 2 : icmp->type == 3 && icmp->code == 4)
		s->complaints++;
}

static void on_send_error(struct deep *d, void *state, uint16_t socket, int err)
{
	((struct search *)state)->refused++;
}

/* What was passed on is believed; what failed below that was lost by chance. */
static void tally(struct search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->probes[i].passed && s->probes[i].size > s->good)
			s->good = s->probes[i].size;
	}
	if (s->bad <= s->good)
		s->bad = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct probe *p = &s->probes[i];
		bool failed = !p->passed && p->size > s->good && (!s->inward || p->accepted);

		s->failed += failed;
		if (failed && (s->bad == 0 || p->size < s->bad))
			s->bad = p->size;
	}
}

static void step(struct deep *d, void *state)
{
	struct search *s = state;

	if (s->over || deep_now_us(d) < s->ends_us)
		return;
	if (s->waits) {
		s->waits = false;
		start_round(d, s);
		return;
	}
	tally(s);
	if (s->good == 0 || s->good == JUMBO || s->bad == 0 || s->bad - s->good <= STEP)
		s->over = true;
	else
		start_round(d, s);
	if (s->over)
		deep_close(d, s->socket);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ((const struct search *)state)->ends_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct search *)state)->over;
}

static void conclude(struct deep *d, const struct search *s, enum verdict_cause early,
		     struct verdict *v, enum deep_property which)
{
	if (!s->begun)
		deep_kit_unknown(v, which, deep_kit_obstacle(d));
	else if (s->good == 0 || (!s->over && s->bad == 0))
		deep_kit_unknown(v, which, early != CAUSE_NONE ? early : CAUSE_CONTROL_LOST);
	else
		deep_set_number(&v->deep, which, s->good, s->bad > 0 ? s->bad - 1 : INFINITY);
	v->deep.values[which].error = deep_kit_all_lost(d, COPIES_IN);
}

static void end_out(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct search *s = state;
	/* Each size that this host does not send is refused as often as it was tried. */
	bool by_path = s->failed > s->refused / COPIES_OUT;

	conclude(d, s, early, v, DEEP_MTU_OUT);
	if (v->deep.values[DEEP_MTU_OUT].state == DEEP_UNKNOWN)
		deep_kit_unknown(v, DEEP_DF, v->deep.values[DEEP_MTU_OUT].cause);
	else if (!by_path)
		deep_set_none(&v->deep, DEEP_DF);
	else if (s->complaints > 0)
		deep_set_word(&v->deep, DEEP_DF, DEEP_DF_ICMP);
	else if (!deep_config(d)->sees_icmp)
		deep_kit_unknown(v, DEEP_DF, CAUSE_LOCAL_ERROR);
	else
		deep_kit_conclude(v, DEEP_DF, DEEP_DF_SILENT, deep_kit_all_lost(d, COPIES_OUT));
}

static void end_in(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	conclude(d, state, early, v, DEEP_MTU_IN);
}

const struct deep_trial deep_mtu_out = {
	.name = "MTU to the outside",
	.state_size = sizeof(struct search),
	.applies = deep_cooperates,
	.start = start_out,
	.step = step,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.on_icmp = on_icmp,
	.on_send_error = on_send_error,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end_out,
};

const struct deep_trial deep_mtu_in = {
	.name = "MTU from outside",
	.state_size = sizeof(struct search),
	.applies = deep_cooperates,
	.start = start_in,
	.step = step,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end_in,
};
