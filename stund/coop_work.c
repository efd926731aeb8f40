/* What a cooperating server does when its time has come, and what became of it. */
#include "coop_server.h"

#include "coop_state.h"

/* The shell tells of every connection in time; this is for one that it forgets. */
#define CONNECT_SLACK_MS 2000

static uint64_t remember_until(uint64_t now_us)
{
	return now_us / 1000 + COOP_REMEMBER_MS;
}

/* What it took is given back, its outcome counted. */
static void end(struct coop *c, struct coop_entry *e, uint8_t outcome, uint64_t now_us)
{
	if (e->is_charged) {
		coop_budget_give_back(c->budget, &e->from, &e->cost);
		counter_sub(&c->stats.pending, 1);
		counter_add(&c->stats.outcomes[outcome], 1);
	}
	e->is_charged = false;
	e->result.outcome = outcome;
	if (e->state != COOP_CONNECTING || outcome == COOP_UNABLE)
		e->result.elapsed_ms = (uint32_t)((now_us - e->came_us) / 1000);
}

/* The part of an action that is the same whatever it is. */
static void begin(struct coop *c, const struct coop_entry *e, struct coop_action *out)
{
	const unsigned int change_ip = COOP_CHANGE_IP;

	*out = (struct coop_action){ .site = e->site, .socket = e->source, .to = e->from };
	if (((e->source ^ e->socket) & change_ip) == 0)
		out->local = e->local;
	out->fresh_port = (e->order.flags & COOP_ANY_PORT) != 0;
	out->bind_port = !out->fresh_port;
	if (e->order.port != 0)
		out->to.port = e->order.port;
	out->handle = coop_table_handle(&c->table, e);
}

/* What becomes of it is told by the shell. */
static void watch(struct coop *c, struct coop_entry *e, uint32_t wait_ms, uint64_t now_us,
		  struct coop_action *out)
{
	out->wait_ms = wait_ms;
	e->state = COOP_CONNECTING;
	e->began_us = now_us;
	wheel_set(&c->table.wheel, &e->timer, now_us / 1000 + wait_ms + CONNECT_SLACK_MS);
}

static enum coop_action_kind answer(struct coop *c, struct coop_entry *e, uint64_t now_us,
				    uint64_t clock_us, uint8_t *buf, size_t cap,
				    struct coop_action *out)
{
	struct coop_report report = coop_report_on(e, COOP_DONE, now_us, clock_us);
	struct coop_says says = {
		.tid = &e->tid,
		.mapped = &e->from,
		.socket = e->source,
		.report = &report,
		.fingerprint = e->has_fingerprint,
		.size = e->order.size,
	};

	begin(c, e, out);
	report.index = e->sent++;
	out->flags = e->order.flags & (COOP_DF | COOP_FRAGMENTS | COOP_REVERSED);
	out->msg = coop_build(&says, buf, cap);
	counter_add(&c->stats.answers, 1);
	counter_add(&c->stats.answer_bytes, out->msg.len);
	if (e->order.wait_ms > 0) {
		watch(c, e, e->order.wait_ms, now_us, out);
	} else if (e->sent < e->order.count) {
		e->due_ms += e->order.gap_ms;
		wheel_set(&c->table.wheel, &e->timer, e->due_ms);
	} else {
		end(c, e, COOP_SENT, now_us);
		coop_table_finish(&c->table, e, remember_until(now_us));
	}
	return COOP_ACT_SEND;
}

static enum coop_action_kind start_connect(struct coop *c, struct coop_entry *e, uint64_t now_us,
					   struct coop_action *out)
{
	begin(c, e, out);
	watch(c, e, e->order.wait_ms != 0 ? e->order.wait_ms : COOP_WAIT_MS, now_us, out);
	return COOP_ACT_CONNECT;
}

static enum coop_action_kind icmp(struct coop *c, struct coop_entry *e, uint64_t now_us,
				  uint8_t *buf, size_t cap, struct coop_action *out)
{
	begin(c, e, out);
	out->bind_port = out->fresh_port = false;
	if (e->datagram_len <= cap) {
		memcpy(buf, e->datagram, e->datagram_len);
		out->msg = bytes_of(buf, e->datagram_len);
	}
	end(c, e, COOP_SENT, now_us);
	coop_table_finish(&c->table, e, remember_until(now_us));
	return COOP_ACT_ICMP;
}

static enum coop_action_kind tell(struct coop *c, struct coop_entry *e, uint64_t now_us,
				  uint64_t clock_us, uint8_t *buf, size_t cap,
				  struct coop_action *out)
{
	struct coop_report report = coop_report_on(e, e->result.outcome, now_us, clock_us);
	struct coop_says says = {
		.tid = &e->tid,
		.mapped = &e->from,
		.site = e->site,
		.socket = e->socket,
		.report = &report,
		.fingerprint = e->has_fingerprint,
	};
	bool is_quiet = (e->order.flags & COOP_QUIET) != 0 && e->result.outcome != COOP_UNABLE;

	*out = (struct coop_action){ .site = e->site, .socket = e->socket, .local = e->local };
	out->to = e->from;
	out->bind_port = true;
	out->msg = coop_build(&says, buf, cap);
	coop_table_finish(&c->table, e, remember_until(now_us));
	return is_quiet ? COOP_ACT_NONE : COOP_ACT_SEND;
}

static const struct coop_report *silence_of(const struct coop_entry *e)
{
	static const struct coop_report timed_out = { .outcome = COOP_TIMED_OUT };
	static const struct coop_report sent = { .outcome = COOP_SENT };

	return e->order.kind == COOP_CONNECT ? &timed_out : &sent;
}

static enum coop_action_kind act(struct coop *c, struct coop_entry *e, uint64_t now_us,
				 uint64_t clock_us, uint8_t *buf, size_t cap,
				 struct coop_action *out)
{
	switch (e->state) {
	case COOP_WAITS:
		if (e->order.kind == COOP_ANSWER)
			return answer(c, e, now_us, clock_us, buf, cap, out);
		if (e->order.kind == COOP_CONNECT)
			return start_connect(c, e, now_us, out);
		return icmp(c, e, now_us, buf, cap, out);
	case COOP_CONNECTING:
		coop_on_outcome(c, coop_table_handle(&c->table, e), silence_of(e), now_us);
		return COOP_ACT_NONE; /* it is due once more */
	case COOP_REPORTS:
		return tell(c, e, now_us, clock_us, buf, cap, out);
	default:
		coop_table_remove(&c->table, e);
		return COOP_ACT_NONE;
	}
}

enum coop_action_kind coop_next(struct coop *c, uint64_t now_us, uint64_t clock_us, uint8_t *buf,
				size_t cap, struct coop_action *out)
{
	struct wheel_node *n;

	*out = (struct coop_action){ 0 };
	while ((n = wheel_expire(&c->table.wheel, now_us / 1000)) != NULL) {
		struct coop_entry *e = WHEEL_OF(n, struct coop_entry, timer);
		enum coop_action_kind kind = act(c, e, now_us, clock_us, buf, cap, out);

		if (kind != COOP_ACT_NONE) {
			out->kind = (uint8_t)kind;
			return kind;
		}
	}
	return COOP_ACT_NONE;
}

uint64_t coop_deadline_us(const struct coop *c)
{
	uint64_t next_ms = wheel_next(&c->table.wheel);

	return next_ms < UINT64_MAX / 1000 ? next_ms * 1000 : UINT64_MAX;
}

static void report_soon(struct coop *c, struct coop_entry *e, uint64_t now_us)
{
	e->state = COOP_REPORTS;
	list_remove(&e->age); /* not among the finished any more */
	wheel_set(&c->table.wheel, &e->timer, now_us / 1000);
}

void coop_on_outcome(struct coop *c, uint32_t handle, const struct coop_report *outcome,
		     uint64_t now_us)
{
	struct coop_entry *e = coop_table_at(&c->table, handle);

	if (e == NULL || e->state != COOP_CONNECTING)
		return;
	e->result = (struct coop_report){ .icmp_type = outcome->icmp_type,
					  .icmp_code = outcome->icmp_code };
	e->result.elapsed_ms = (uint32_t)((now_us - e->began_us) / 1000);
	end(c, e, outcome->outcome, now_us);
	if (outcome->outcome ==
	    COOP_SENT) /* and nothing came back: the answer itself has said it */
		coop_table_finish(&c->table, e, remember_until(now_us));
	else
		report_soon(c, e, now_us);
}

void coop_on_failed(struct coop *c, uint32_t handle, uint64_t now_us)
{
	struct coop_entry *e = coop_table_at(&c->table, handle);

	if (e == NULL || e->state == COOP_REPORTS)
		return;
	if (!e->is_charged)
		counter_add(&c->stats.outcomes[COOP_UNABLE], 1); /* in spite of what was counted */
	end(c, e, COOP_UNABLE, now_us);
	report_soon(c, e, now_us);
}
