#include "filter_test.h"

void filter_test_start(struct filter_test *f, uint8_t session, uint8_t server, uint8_t slot,
		       uint8_t verify_slot, const struct addr sources[FILTER_KINDS],
		       uint64_t now_us)
{
	*f = (struct filter_test){
		.session = session,
		.server = server,
		.slot = slot,
		.verify_slot = verify_slot,
		.started_us = now_us,
	};
	for (unsigned k = 0; k < FILTER_KINDS; k++)
		f->kinds[k].source = sources[k];
}

void filter_test_set_source(struct filter_test *f, enum verdict_filter_kind kind,
			    enum filter_source state)
{
	f->kinds[kind].source_state = (uint8_t)state;
}

void filter_test_set_fault(struct filter_test *f, enum verdict_cause fault)
{
	if (f->fault == CAUSE_NONE)
		f->fault = (uint8_t)fault;
}

static uint64_t rtt_of(const struct filter_test *f, const struct probe_view *view)
{
	return probe_view_rtt_us(view, f->server);
}

static uint64_t tail_of(const struct filter_test *f, const struct probe_view *view)
{
	return timing_tail_us(view->timing, rtt_of(f, view));
}

static bool is_credible(const struct filter_test *f, const struct probe_view *view, unsigned copies)
{
	return probe_view_silence(view, f->server, copies) <= view->error_max;
}

static bool controls_got_through(const struct filter_test *f)
{
	const struct filter_kind_state *c = &f->kinds[FILTER_CONTROL];

	return c->answered > 0 && c->answered * 2 >= c->sent;
}

static bool needs_verifying(const struct filter_kind_state *k)
{
	return k->source_state == SOURCE_REACHABLE && k->answered == 0 && k->verify_answered == 0;
}

/* No round will follow. */
static bool rounds_are_over(const struct filter_test *f, const struct probe_view *view)
{
	return view->exhausted || f->rounds >= view->timing->rounds_max;
}

struct gate_state {
	enum classify_gate gate;
	enum verdict_cause cause; /* where the gate is unknown for good */
	bool pending;             /* time or more probes may tell */
};

static struct gate_state gate_unknown(enum verdict_cause cause)
{
	return (struct gate_state){ .cause = cause };
}

/* Unknown for `cause`, unless more rounds can cure it. */
static struct gate_state gate_short_of(const struct filter_test *f, const struct probe_view *view,
				       enum verdict_cause cause)
{
	if (!rounds_are_over(f, view))
		return (struct gate_state){ .cause = cause, .pending = true };
	return gate_unknown(view->exhausted ? CAUSE_BUDGET : cause);
}

/* Copies after which the silence of one kind towards the mapping socket counts. */
static uint8_t verify_copies(const struct filter_test *f, const struct probe_view *view)
{
	uint8_t copies = view->timing->copies;

	while (copies < view->timing->copies_max && !is_credible(f, view, copies))
		copies++;
	return copies;
}

/* The mapping socket asked for the same, its filters are open, and nothing has come. */
static struct gate_state judge_verifying(const struct filter_test *f,
					 const struct filter_kind_state *k,
					 const struct probe_view *view)
{
	uint8_t copies = view->exhausted ? k->verify.copies : verify_copies(f, view);

	if (!retry_is_silent(&k->verify, view->timing, copies, rtt_of(f, view), view->now_us))
		return (struct gate_state){ .cause = CAUSE_DROPS_CHANGE, .pending = true };
	if (is_credible(f, view, k->verify_sent))
		return gate_unknown(CAUSE_DROPS_CHANGE);
	return gate_unknown(view->exhausted ? CAUSE_BUDGET : CAUSE_LOSS);
}

static struct gate_state judge_silence(const struct filter_test *f,
				       const struct filter_kind_state *k,
				       const struct probe_view *view)
{
	if (f->rounds < view->timing->rounds && !view->exhausted)
		return (struct gate_state){ .cause = CAUSE_TIMEOUT, .pending = true };
	if (view->now_us < k->last_us + tail_of(f, view))
		return (struct gate_state){ .cause = CAUSE_TIMEOUT, .pending = true };
	if (f->kinds[FILTER_CONTROL].answered == 0)
		return is_credible(f, view, f->kinds[FILTER_CONTROL].sent)
			       ? gate_unknown(CAUSE_CONTROL_LOST)
			       : gate_short_of(f, view, CAUSE_CONTROL_LOST);
	if (!controls_got_through(f))
		return gate_short_of(f, view, CAUSE_LOSS);
	if (needs_verifying(k))
		return judge_verifying(f, k, view);
	if (!is_credible(f, view, k->sent))
		return gate_short_of(f, view, CAUSE_LOSS);
	return (struct gate_state){ .gate = GATE_BLOCKS };
}

/* The guards of this test, in the order in which they excuse a silence. */
static struct gate_state judge(const struct filter_test *f, enum verdict_filter_kind kind,
			       const struct probe_view *view)
{
	const struct filter_kind_state *k = &f->kinds[kind];

	if (k->answered > 0)
		return (struct gate_state){ .gate = GATE_PASSES };
	if (f->failed)
		return gate_unknown(CAUSE_LOCAL_ERROR);
	if (f->fault != CAUSE_NONE)
		return gate_unknown((enum verdict_cause)f->fault);
	if (k->source_state == SOURCE_SILENT)
		return gate_unknown(CAUSE_ALTERNATE_SILENT);
	if (k->source_state == SOURCE_PENDING)
		return (struct gate_state){ .cause = CAUSE_TIMEOUT, .pending = true };
	return judge_silence(f, k, view);
}

bool filter_test_is_over(const struct filter_test *f, const struct probe_view *view)
{
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		if (judge(f, (enum verdict_filter_kind)k, view).pending)
			return false;
	}
	return true;
}

bool filter_test_drops_change(const struct filter_test *f, const struct probe_view *view)
{
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		struct gate_state g = judge(f, (enum verdict_filter_kind)k, view);

		if (!g.pending && g.cause == CAUSE_DROPS_CHANGE)
			return true;
	}
	return false;
}

struct verdict_property filter_test_result(const struct filter_test *f,
					   const struct probe_view *view)
{
	enum classify_gate gates[FILTER_KINDS] = { 0 };
	enum verdict_cause cause = CAUSE_NONE;
	bool drops = filter_test_drops_change(f, view); /* ... of one kind: why not of all? */
	double error = 0;
	struct verdict_property p;

	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		struct gate_state g = judge(f, (enum verdict_filter_kind)k, view);

		gates[k] = g.gate;
		if (g.gate == GATE_BLOCKS && drops)
			gates[k] = GATE_UNKNOWN;
		else if (g.gate == GATE_BLOCKS)
			error += probe_view_silence(view, f->server, f->kinds[k].sent);
		if (cause == CAUSE_NONE)
			cause = g.cause;
	}
	p = classify_filtering(gates);
	p.server = f->server;
	if (f->fault != CAUSE_NONE) { /* even where its other answers seem to tell */
		p.value = BEHAVIOUR_UNKNOWN;
		cause = (enum verdict_cause)f->fault;
	}
	if (p.value == BEHAVIOUR_UNKNOWN)
		p.cause = (uint8_t)cause;
	else
		p.error = error;
	return p;
}

/* Every control is answered or overdue, so that the loss of this path can be judged. */
static bool loss_is_known(const struct filter_test *f, const struct probe_view *view)
{
	const struct filter_kind_state *c = &f->kinds[FILTER_CONTROL];

	return c->answered == c->sent ||
	       view->now_us >= c->last_us + timing_overdue_us(rtt_of(f, view));
}

static bool any_kind_is_silent(const struct filter_test *f)
{
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		if (f->kinds[k].answered == 0)
			return true;
	}
	return false;
}

/* More rounds than usual: loss is high, and some kind is still silent. */
static bool wants_extra_round(const struct filter_test *f, const struct probe_view *view)
{
	if (!loss_is_known(f, view))
		return false;
	if (f->kinds[FILTER_CONTROL].answered == 0)
		return !is_credible(f, view, f->kinds[FILTER_CONTROL].sent);
	if (!controls_got_through(f))
		return true;
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		if (f->kinds[k].answered == 0 && !is_credible(f, view, f->kinds[k].sent))
			return true;
	}
	return false;
}

static bool is_sending(const struct filter_test *f, const struct probe_view *view)
{
	return f->fault == CAUSE_NONE && !f->failed && !f->paused && !view->exhausted &&
	       view->open[f->slot] && any_kind_is_silent(f);
}

static void begin_round(struct filter_test *f, const struct probe_view *view)
{
	f->pending = 1u << FILTER_CONTROL;
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		if (f->kinds[k].answered == 0)
			f->pending |= (uint8_t)(1u << k);
	}
	f->rounds++;
	f->round_us = view->now_us;
}

/* Not fixed when a round begins: the first round trips may have been far too long. */
static uint64_t next_round_us(const struct filter_test *f, const struct probe_view *view)
{
	if (f->rounds == 0)
		return f->started_us;
	return f->round_us + timing_round_gap_us(view->timing, rtt_of(f, view));
}

static bool round_is_due(const struct filter_test *f, const struct probe_view *view)
{
	if (f->pending != 0 || view->now_us < next_round_us(f, view) || rounds_are_over(f, view))
		return false;
	return f->rounds < view->timing->rounds || wants_extra_round(f, view);
}

/*
 * The control goes first, since some NATs forget a mapping that an unexpected datagram meets.
 * The others take turns, so that a rate limit does not always hit the same.
 */
static enum verdict_filter_kind first_pending(const struct filter_test *f)
{
	unsigned k = FILTER_PORT + (f->rounds - 1u) % (FILTER_KINDS - 1);

	if ((f->pending & 1u << FILTER_CONTROL) != 0)
		return FILTER_CONTROL;
	while ((f->pending & 1u << k) == 0)
		k = k + 1 < FILTER_KINDS ? k + 1 : FILTER_PORT;
	return (enum verdict_filter_kind)k;
}

static struct probe_want want_of(const struct filter_test *f, enum probe_test test,
				 enum verdict_filter_kind kind)
{
	return (struct probe_want){
		.test = (uint8_t)test,
		.index = f->session,
		.item = (uint8_t)kind,
		.slot = test == PROBE_VERIFY ? f->verify_slot : f->slot,
		.server = f->server,
		.to = f->kinds[FILTER_CONTROL].source,
		.source = f->kinds[kind].source,
		.change = { .address = kind == FILTER_ADDRESS || kind == FILTER_BOTH,
			    .port = kind == FILTER_PORT || kind == FILTER_BOTH },
	};
}

static bool verify_next(const struct filter_test *f, const struct probe_view *view,
			struct probe_want *want)
{
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		const struct filter_kind_state *s = &f->kinds[k];

		if (needs_verifying(s) && s->verify.copies < verify_copies(f, view) &&
		    s->verify.next_us <= view->now_us) {
			*want = want_of(f, PROBE_VERIFY, (enum verdict_filter_kind)k);
			return true;
		}
	}
	return false;
}

bool filter_test_next(struct filter_test *f, const struct probe_view *view, struct probe_want *want)
{
	if (!is_sending(f, view) || (view->holds && !f->is_mapped))
		return false;
	if (round_is_due(f, view))
		begin_round(f, view);
	if (f->pending == 0)
		return verify_next(f, view, want);
	*want = want_of(f, PROBE_FILTER, first_pending(f));
	want->exposed = want->item != FILTER_CONTROL; /* which leaves first */
	return true;
}

void filter_test_sent(struct filter_test *f, const struct probe_want *want,
		      const struct probe_view *view)
{
	struct filter_kind_state *k = &f->kinds[want->item];

	if (want->test == PROBE_VERIFY) {
		k->verify_sent++;
		retry_sent(&k->verify, view->timing, rtt_of(f, view), view->now_us);
		return;
	}
	k->sent++;
	k->last_us = view->now_us;
	f->pending &= (uint8_t)~(1u << want->item);
}

void filter_test_withdrawn(struct filter_test *f, const struct probe_want *want)
{
	struct filter_kind_state *k = &f->kinds[want->item];

	uint16_t *sent = want->test == PROBE_VERIFY ? &k->verify_sent : &k->sent;

	if (*sent > 0) /* none is left after a restart */
		--*sent;
}

void filter_test_on_answer(struct filter_test *f, const struct probe_want *want)
{
	struct filter_kind_state *k = &f->kinds[want->item];

	if (want->test == PROBE_VERIFY) {
		k->verify_answered++;
		return;
	}
	if (k->answered < k->sent) /* fewer were sent since a restart */
		k->answered++;
	f->is_mapped = true;
	f->pending &= (uint8_t)~(1u << want->item);
}

void filter_test_restart(struct filter_test *f)
{
	f->rounds = f->pending = 0;
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		struct filter_kind_state *s = &f->kinds[k];

		if (s->answered == 0 || k == FILTER_CONTROL)
			s->sent = s->answered = 0;
		if (s->verify_answered == 0)
			s->verify_sent = s->verify.copies = 0;
	}
}

bool filter_test_is_unsent(const struct filter_test *f)
{
	return !f->failed && f->fault == CAUSE_NONE && !f->paused && !f->is_mapped &&
	       (f->rounds == 0 || f->kinds[FILTER_CONTROL].sent == 0);
}

uint64_t filter_test_deadline_us(const struct filter_test *f, const struct probe_view *view)
{
	uint64_t deadline = UINT64_MAX;
	uint64_t tail_us = tail_of(f, view);
	uint64_t overdue_us = timing_overdue_us(rtt_of(f, view));

	if (is_sending(f, view) && (!view->holds || f->is_mapped))
		timing_sooner(&deadline, next_round_us(f, view), view->now_us);
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		const struct filter_kind_state *s = &f->kinds[k];

		timing_sooner(&deadline, s->last_us + overdue_us, view->now_us);
		timing_sooner(&deadline, s->last_us + tail_us, view->now_us);
		if (s->verify.copies == 0)
			continue;
		timing_sooner(&deadline, s->verify.next_us, view->now_us);
		timing_sooner(&deadline, s->verify.first_us + overdue_us, view->now_us);
		timing_sooner(&deadline, s->verify.last_us + tail_us, view->now_us);
	}
	return deadline;
}

bool filter_test_is_suspect(const struct filter_test *f, const struct probe_view *view)
{
	const struct filter_kind_state *c = &f->kinds[FILTER_CONTROL];
	uint64_t rtt_us = rtt_of(f, view);
	unsigned unverified = 0;

	if (f->fault != CAUSE_NONE || f->failed)
		return true;
	if (c->sent >= 3 && c->answered == 0 &&
	    view->now_us >= f->started_us + timing_overdue_us(rtt_us))
		return true;
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		const struct filter_kind_state *s = &f->kinds[k];

		if (needs_verifying(s) && retry_is_overdue(&s->verify, rtt_us, view->now_us))
			unverified++;
	}
	return unverified >= 2;
}
