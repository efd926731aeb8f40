#include "hairpin.h"

#include "classify.h"

#define GAP_US 15000

/*
 * The first datagram of each end may meet a filter that the other has not opened yet; and what
 * is to open it may be lost as well.
 */
#define FIRST_COPIES 2u

void hairpin_start(struct hairpin *h, uint8_t server, const uint8_t slots[HAIRPIN_ENDS],
		   const struct addr mapped[HAIRPIN_ENDS], uint64_t now_us)
{
	*h = (struct hairpin){ .begun = true, .server = server, .next_us = now_us };
	for (unsigned i = 0; i < HAIRPIN_ENDS; i++) {
		h->ends[i].slot = slots[i];
		h->ends[i].mapped = mapped[i];
	}
}

/* The chance that loss alone silenced what was sent. */
static double error_of(const struct hairpin *h, const struct probe_view *view)
{
	unsigned copies = h->sent > FIRST_COPIES ? h->sent - FIRST_COPIES : 0;

	return probe_view_any_silence(view, copies);
}

static bool wants_copy(const struct hairpin *h, const struct probe_view *view)
{
	const struct discover_timing *t = view->timing;

	if (!h->begun || h->answered > 0 || view->exhausted)
		return false;
	if (h->tried < t->copies + FIRST_COPIES)
		return true;
	return h->tried < t->copies_max + FIRST_COPIES && error_of(h, view) > view->error_max;
}

bool hairpin_next(const struct hairpin *h, const struct probe_view *view, struct probe_want *want)
{
	unsigned end = h->tried % HAIRPIN_ENDS;
	const struct addr *to = &h->ends[1 - end].mapped;

	if (!wants_copy(h, view) || view->now_us < h->next_us ||
	    (view->holds && !hairpin_has_mappings(h)))
		return false;
	*want = (struct probe_want){
		.test = PROBE_HAIRPIN,
		.item = (uint8_t)end,
		.slot = h->ends[end].slot,
		.server = h->server,
		.to = *to,
		.source = *to,
	};
	return true;
}

void hairpin_sent(struct hairpin *h, const struct probe_view *view)
{
	h->tried++;
	h->sent++;
	h->last_us = view->now_us;
	h->next_us = view->now_us + GAP_US;
}

void hairpin_withdrawn(struct hairpin *h)
{
	if (h->sent > 0) /* none is left after a restart */
		h->sent--;
}

void hairpin_restart(struct hairpin *h, uint64_t now_us)
{
	h->tried = h->sent = 0;
	h->next_us = now_us;
}

void hairpin_on_arrival(struct hairpin *h, uint8_t item, uint8_t slot, const struct addr *from)
{
	if (!h->begun || item >= HAIRPIN_ENDS || slot != h->ends[1 - item].slot)
		return;
	if (h->answered == 0)
		h->source = *from;
	if (h->answered == 0 || h->answered < h->sent) /* a network may repeat it for ever */
		h->answered++;
}

bool hairpin_has_mappings(const struct hairpin *h)
{
	return h->tried >= HAIRPIN_ENDS;
}

bool hairpin_is_sent(const struct hairpin *h, const struct probe_view *view)
{
	return h->begun && h->answered == 0 && !wants_copy(h, view);
}

bool hairpin_is_over(const struct hairpin *h, const struct probe_view *view)
{
	uint64_t tail_us = timing_tail_us(view->timing, probe_view_rtt_us(view, h->server));

	if (!h->begun || h->answered > 0)
		return true;
	return !wants_copy(h, view) && view->now_us >= h->last_us + tail_us;
}

uint64_t hairpin_deadline_us(const struct hairpin *h, const struct probe_view *view)
{
	uint64_t tail_us = timing_tail_us(view->timing, probe_view_rtt_us(view, h->server));
	uint64_t at_us = wants_copy(h, view) ? h->next_us : h->last_us + tail_us;

	if (!h->begun || h->answered > 0 || at_us <= view->now_us)
		return UINT64_MAX;
	return at_us;
}

#define HAIRPIN_BIT(value) (1u << (value))
#define HAIRPIN_ANY                                                       \
	(HAIRPIN_BIT(HAIRPIN_NO) | HAIRPIN_BIT(HAIRPIN_EXTERNAL_SOURCE) | \
	 HAIRPIN_BIT(HAIRPIN_INTERNAL_SOURCE))

static void set_unknown(struct verdict *v, uint32_t possible, enum verdict_cause cause)
{
	v->hairpin.value = HAIRPIN_UNKNOWN;
	v->hairpin.possible = possible;
	v->hairpin.cause = (uint8_t)cause;
}

static void set_value(struct verdict *v, enum verdict_hairpin value)
{
	v->hairpin.value = (uint8_t)value;
	v->hairpin.possible = HAIRPIN_BIT(value);
}

/* Nothing has arrived: can the filter not be what hid it? */
static bool silence_counts(const struct hairpin_rest *rest)
{
	if (rest->filtering == BEHAVIOUR_ENDPOINT_INDEPENDENT)
		return true;
	return rest->mapping == BEHAVIOUR_ENDPOINT_INDEPENDENT && rest->pooling == POOLING_PAIRED;
}

static void end_silent(const struct hairpin *h, const struct probe_view *view,
		       const struct hairpin_rest *rest, enum verdict_cause cause, struct verdict *v)
{
	double error = error_of(h, view);

	if (!hairpin_is_over(h, view) || error > view->error_max)
		set_unknown(v, HAIRPIN_ANY,
			    cause != CAUSE_NONE ? cause
			    : view->exhausted   ? CAUSE_BUDGET
						: CAUSE_LOSS);
	else if (!silence_counts(rest))
		set_unknown(v, HAIRPIN_ANY, CAUSE_FILTERED);
	else if (rest->unmapped != CAUSE_NONE)
		set_unknown(v, HAIRPIN_ANY, rest->unmapped);
	else if (!rest->sees_own_source)
		set_unknown(v, HAIRPIN_BIT(HAIRPIN_NO) | HAIRPIN_BIT(HAIRPIN_INTERNAL_SOURCE),
			    CAUSE_HOST_HIDES);
	else
		set_value(v, HAIRPIN_NO);
	if (v->hairpin.possible != HAIRPIN_ANY)
		v->hairpin.error = error;
}

void hairpin_end(const struct hairpin *h, const struct probe_view *view,
		 const struct hairpin_rest *rest, const struct addr *local,
		 enum verdict_cause cause, struct verdict *v)
{
	v->hairpin.sent = h->sent;
	v->hairpin.answered = h->answered;
	v->hairpin.source = h->source;
	if (rest->nat == VERDICT_NO)
		set_value(v, HAIRPIN_NOT_APPLICABLE);
	else if (h->answered > 0)
		set_value(v, addr_equal_ip(&h->source, local) ? HAIRPIN_INTERNAL_SOURCE
							      : HAIRPIN_EXTERNAL_SOURCE);
	else if (h->sent == 0)
		set_unknown(v, HAIRPIN_ANY,
			    cause != CAUSE_NONE ? cause
			    : h->tried > 0      ? CAUSE_LOCAL_ERROR
						: CAUSE_NOT_TRIED);
	else
		end_silent(h, view, rest, cause, v);
}
