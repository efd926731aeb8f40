#include "samples.h"

#include "classify.h"

#define FAILURES_MAX 8

/* The chance that loss alone took the last ones, up to which it was not loss. */
#define REFUSED_MAX 0.001

void samples_start(struct samples *s, uint8_t server, const struct addr *to, uint64_t started_us,
		   uint64_t at_us)
{
	*s = (struct samples){
		.phase = SAMPLES_WAITING,
		.server = server,
		.to = *to,
		.started_us = started_us,
		.due_us = at_us,
	};
}

size_t samples_copy(const struct samples *s, struct verdict_sample out[VERDICT_SAMPLES_MAX])
{
	size_t count = 0;

	for (uint8_t i = 0; i < s->count; i++) {
		if (!s->list[i].failed)
			out[count++] = s->list[i].seen;
	}
	return count;
}

/* What became of all else since then. */
static struct probe_loss loss_beside(const struct probe_log *log, uint64_t from_us, uint64_t now_us)
{
	struct probe_loss loss = { 0 };
	uint8_t fates[PROBE_LOG_MAX];

	probe_log_fates(log, now_us, fates);
	for (size_t i = 0; i < log->count; i++) {
		const struct probe *p = &log->probes[i];

		if (p->want.test == PROBE_SAMPLE || p->sent_us < from_us)
			continue;
		loss.answered += fates[i] == PROBE_FATE_ANSWERED;
		loss.lost += fates[i] == PROBE_FATE_LOST;
	}
	return loss;
}

bool samples_are_refused(const struct samples *s, const struct probe_view *view)
{
	uint64_t from_us = 0;
	unsigned refused = 0;
	struct probe_loss loss;

	for (uint8_t i = s->count; i-- > 0 && s->list[i].seen.mapped.family == ADDR_NONE;) {
		refused += !s->list[i].failed;
		from_us = s->list[i].sent_us;
	}
	if (refused == 0)
		return false;
	loss = loss_beside(view->log, from_us, view->now_us);
	return classify_silence_by_loss(loss.answered, loss.lost, refused) <= REFUSED_MAX;
}

const struct addr *samples_mapped(const struct samples *s, uint8_t slot)
{
	for (uint8_t i = 0; i < s->count; i++) {
		if (s->list[i].slot == slot && s->list[i].seen.mapped.family != ADDR_NONE)
			return &s->list[i].seen.mapped;
	}
	return NULL;
}

static uint64_t overdue_us(const struct samples *s, const struct probe_view *view)
{
	return timing_overdue_us(probe_view_rtt_us(view, s->server));
}

/* Answered, or not to be waited for. */
static bool is_settled(const struct sample *one, uint64_t overdue_us, uint64_t now_us)
{
	return one->failed || one->seen.mapped.family != ADDR_NONE ||
	       now_us >= one->sent_us + overdue_us;
}

static bool all_are_settled(const struct samples *s, const struct probe_view *view)
{
	for (uint8_t i = 0; i < s->count; i++) {
		if (!is_settled(&s->list[i], overdue_us(s, view), view->now_us))
			return false;
	}
	return true;
}

static void plan_batch(struct samples *s, const struct probe_view *view, enum verdict_answer nat,
		       double error_max, size_t room)
{
	struct verdict_sample seen[VERDICT_SAMPLES_MAX];
	size_t count = samples_copy(s, seen);
	size_t slots = VERDICT_SAMPLES_MAX - s->count;

	if (room > slots)
		room = slots;
	if (view->exhausted)
		room = 0;
	s->plan = allocation_more(seen, count, nat, error_max, room);
	s->left = s->plan.count < room ? s->plan.count : (uint8_t)room;
	s->port = 0;
	if (s->plan.locals == ALLOCATION_ENOUGH || s->left == 0)
		s->phase = SAMPLES_OVER;
	else
		s->phase = SAMPLES_SENDING;
}

/* Overdue: lost, or held up by a limit that more of them would meet as well. */
static bool none_is_missing(const struct samples *s, const struct probe_view *view)
{
	uint64_t late_us = overdue_us(s, view);

	for (uint8_t i = 0; i < s->count; i++) {
		const struct sample *one = &s->list[i];

		if (one->seen.mapped.family == ADDR_NONE && is_settled(one, late_us, view->now_us))
			return false;
	}
	return true;
}

/* The first ones are planned whatever is answered, and what looks like chance takes more. */
static bool may_plan(const struct samples *s, const struct probe_view *view)
{
	struct verdict_sample seen[VERDICT_SAMPLES_MAX];

	if (all_are_settled(s, view))
		return true;
	if (s->count > ALLOCATION_FIRST || !none_is_missing(s, view))
		return false;
	return s->count < ALLOCATION_FIRST || allocation_looks_random(seen, samples_copy(s, seen));
}

void samples_step(struct samples *s, const struct probe_view *view, enum verdict_answer nat,
		  double error_max, size_t room)
{
	if (s->phase == SAMPLES_SENDING && (s->left == 0 || view->exhausted))
		s->phase = SAMPLES_WAITING;
	if (s->phase == SAMPLES_WAITING && view->now_us >= s->due_us && may_plan(s, view))
		plan_batch(s, view, nat, error_max, room);
}

/* In serial order each one waits for the one before. */
static bool may_follow(const struct samples *s, const struct probe_view *view)
{
	if (!s->plan.serial || s->count == 0)
		return true;
	return is_settled(&s->list[s->count - 1], overdue_us(s, view), view->now_us);
}

enum samples_wish samples_next(const struct samples *s, const struct probe_view *view)
{
	if (s->phase != SAMPLES_SENDING || s->left == 0 || view->exhausted)
		return SAMPLES_NOTHING;
	if (view->now_us < s->due_us || !may_follow(s, view))
		return SAMPLES_NOTHING;
	if (!s->has_socket)
		return SAMPLES_SOCKET;
	return s->socket_is_open ? SAMPLES_SEND : SAMPLES_NOTHING;
}

static bool is_used(const struct samples *s, uint16_t port)
{
	for (uint8_t i = 0; i < s->count; i++) {
		if (s->list[i].seen.local_port == port)
			return true;
	}
	return false;
}

/* Half of a batch of random ports is even, then the other half is odd. */
static uint16_t random_port(const struct samples *s, uint16_t random)
{
	bool odd = s->left <= s->plan.count / 2;
	uint32_t pair = random % (SAMPLES_PORT_COUNT / 2);
	uint16_t port;

	do {
		port = (uint16_t)(SAMPLES_PORT_LOW + 2 * pair + odd);
		pair = (pair + 1) % (SAMPLES_PORT_COUNT / 2);
	} while (is_used(s, port));
	return port;
}

uint16_t samples_port(struct samples *s, uint16_t random)
{
	bool follows = s->plan.locals == ALLOCATION_CONSECUTIVE && s->port != 0;

	if (follows && s->port < SAMPLES_PORT_LOW + SAMPLES_PORT_COUNT &&
	    !is_used(s, (uint16_t)(s->port + 1)))
		s->port++;
	else
		s->port = random_port(s, random);
	return s->port;
}

void samples_socket_wanted(struct samples *s, uint8_t slot)
{
	s->has_socket = true;
	s->socket_is_open = false;
	s->slot = slot;
}

bool samples_on_open(struct samples *s, uint8_t slot, const struct addr *local)
{
	if (!s->has_socket || s->slot != slot)
		return false;
	s->socket_is_open = true;
	s->failures = 0;
	s->port = local->port;
	return true;
}

bool samples_on_open_failed(struct samples *s, uint8_t slot)
{
	if (!s->has_socket || s->slot != slot)
		return false;
	s->has_socket = false;
	if (++s->failures == FAILURES_MAX)
		samples_give_up(s, CAUSE_LOCAL_ERROR);
	return true;
}

void samples_want(const struct samples *s, struct probe_want *want)
{
	*want = (struct probe_want){
		.test = PROBE_SAMPLE,
		.item = s->count,
		.slot = s->slot,
		.server = s->server,
		.to = s->to,
		.source = s->to,
	};
}

void samples_sent(struct samples *s, const struct probe_view *view)
{
	s->list[s->count++] = (struct sample){
		.seen = { .local_port = s->port,
			  .sent_us = view->now_us - s->started_us,
			  .serial = s->plan.serial },
		.slot = s->slot,
		.sent_us = view->now_us,
	};
	s->has_socket = false;
	s->left--;
	s->due_us = view->now_us + view->timing->sample_gap_us;
}

void samples_withdrawn(struct samples *s, uint8_t item)
{
	s->list[item].failed = true;
}

void samples_on_answer(struct samples *s, uint8_t item, const struct addr *mapped)
{
	s->list[item].seen.mapped = *mapped;
}

bool samples_are_going_out(const struct samples *s, uint64_t now_us)
{
	return s->phase == SAMPLES_SENDING ||
	       (s->phase == SAMPLES_WAITING && s->count > 0 && now_us < s->due_us);
}

bool samples_are_over(const struct samples *s)
{
	return s->phase == SAMPLES_OVER;
}

void samples_give_up(struct samples *s, enum verdict_cause cause)
{
	s->phase = SAMPLES_OVER;
	s->cause = (uint8_t)cause;
}

uint64_t samples_deadline_us(const struct samples *s, const struct probe_view *view)
{
	uint64_t deadline = UINT64_MAX;

	if (s->phase != SAMPLES_SENDING && s->phase != SAMPLES_WAITING)
		return deadline;
	timing_sooner(&deadline, s->due_us, view->now_us);
	for (uint8_t i = 0; i < s->count; i++) {
		if (s->list[i].seen.mapped.family == ADDR_NONE)
			timing_sooner(&deadline, s->list[i].sent_us + overdue_us(s, view),
				      view->now_us);
	}
	return deadline;
}
