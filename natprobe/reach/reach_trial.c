#include "reach_trial.h"

#define MS 1000ULL

#define NEVER UINT64_MAX

#define UDP_COUNT       4
#define UDP_GAP_MS      150
#define UDP_PATIENCE_MS 900
#define TCP_WAIT_MS     3500 /* three SYNs */
#define TCP_PATIENCE_MS 1500
#define HEARD_MS        400 /* an accepted connection may be told after the server's report */
#define BUSY_MS         1000
#define REFUSALS_MAX    3
#define AGAIN_MS        1000 /* an order that was accepted: what has become of it? */

enum phase {
	PHASE_TOKEN,
	PHASE_ORDER,
	PHASE_LAST, /* waits for what is on its way */
};

/* When the copies of a request are due, and when silence counts. */
static const uint16_t due_ms[] = { 0, 250, 600, 1200, 2000, 3000 };
#define SILENCE_MS 4000

static void over(struct reach_trial *r)
{
	r->is_over = true;
	r->next_us = r->ends_us = NEVER;
}

static void draw_tid(struct reach_trial *r)
{
	uint8_t random[12];

	if (r->tid_count == ARRAY_LEN(r->tids))
		r->tid_count--; /* the last one gives way */
	r->config.random(r->config.random_arg, random, sizeof(random));
	r->tids[r->tid_count++] = stun_tid_make(random);
}

static void begin(struct reach_trial *r, enum phase phase, uint64_t now_us)
{
	r->phase = (uint8_t)phase;
	r->copies = 0;
	r->is_accepted = false;
	r->started_us = r->next_us = now_us;
	r->ends_us = now_us + SILENCE_MS * MS;
	draw_tid(r);
}

void reach_start(struct reach_trial *r, const struct reach_config *config, uint64_t now_us)
{
	*r = (struct reach_trial){ .config = *config, .any_port = true };
	begin(r, PHASE_TOKEN, now_us);
}

static struct coop_order order_of(const struct reach_trial *r)
{
	struct coop_order o = { .kind = COOP_ANSWER,
				.count = UDP_COUNT,
				.gap_ms = UDP_GAP_MS,
				.port = r->config.port,
				.id = r->round };

	if (r->any_port)
		o.flags = COOP_ANY_PORT;
	if (r->config.transport == PORTMAP_UDP)
		return o;
	o.kind = COOP_CONNECT;
	o.count = 0;
	o.gap_ms = 0;
	o.wait_ms = TCP_WAIT_MS;
	return o;
}

/* Silence, or time enough for all that was ordered. */
static void on_end(struct reach_trial *r, uint64_t now_us)
{
	if (r->phase == PHASE_ORDER && r->is_accepted) {
		r->server = REACH_SERVER_TRIED;
		if (r->config.transport == PORTMAP_TCP)
			r->outcome = COOP_TIMED_OUT;
		if (++r->round < REACH_ROUNDS && r->config.transport == PORTMAP_UDP) {
			begin(r, PHASE_ORDER, now_us);
			return;
		}
	}
	over(r);
}

size_t reach_next(struct reach_trial *r, uint64_t now_us, uint8_t out[REACH_REQUEST_MAX])
{
	struct coop_order order = order_of(r);

	if (!r->is_over && now_us >= r->ends_us)
		on_end(r, now_us);
	if (r->is_over || now_us < r->next_us)
		return 0;
	r->copies++;
	if (r->is_accepted)
		r->next_us = now_us + AGAIN_MS * MS;
	else if (r->copies < ARRAY_LEN(due_ms))
		r->next_us = r->started_us + due_ms[r->copies] * MS;
	else
		r->next_us = NEVER;
	return coop_request(&r->tids[r->tid_count - 1], &r->token,
			    r->phase == PHASE_ORDER ? &order : NULL, 0, out, REACH_REQUEST_MAX)
		.len;
}

uint64_t reach_deadline_us(const struct reach_trial *r)
{
	return r->next_us < r->ends_us ? r->next_us : r->ends_us;
}

/* The first answer of a server: does it cooperate, and how does it see us? */
static void on_token(struct reach_trial *r, const struct coop_answer *a, uint64_t now_us)
{
	r->mapped = a->mapped.family != ADDR_NONE ? a->mapped : a->plain;
	if (!a->has_token || coop_token_is_none(&a->token)) {
		r->server = REACH_SERVER_OTHER;
		over(r);
		return;
	}
	r->token = a->token;
	r->server = REACH_SERVER_REFUSES;
	begin(r, PHASE_ORDER, now_us);
}

static void on_accepted(struct reach_trial *r, uint64_t now_us)
{
	bool is_udp = r->config.transport == PORTMAP_UDP;
	uint64_t wait_ms =
		is_udp ? UDP_COUNT * UDP_GAP_MS + UDP_PATIENCE_MS : TCP_WAIT_MS + TCP_PATIENCE_MS;

	if (r->is_accepted)
		return;
	r->is_accepted = true;
	r->ends_us = now_us + wait_ms * MS;
	r->next_us = now_us + (is_udp ? UDP_COUNT * UDP_GAP_MS : AGAIN_MS) * MS;
}

/* Again, with another token, later, or from an ordinary port; or not at all. */
static void on_refused(struct reach_trial *r, uint8_t outcome, uint64_t now_us)
{
	r->outcome = outcome;
	if (++r->refusals > REFUSALS_MAX || outcome == COOP_MALFORMED ||
	    (outcome == COOP_UNABLE && !r->any_port)) {
		over(r);
		return;
	}
	if (outcome == COOP_UNABLE)
		r->any_port = false;
	begin(r, PHASE_ORDER, outcome == COOP_BUSY ? now_us + BUSY_MS * MS : now_us);
}

static void on_outcome(struct reach_trial *r, const struct coop_report *report, uint64_t now_us)
{
	r->server = REACH_SERVER_TRIED;
	r->outcome = report->outcome;
	r->icmp_type = report->icmp_type;
	r->icmp_code = report->icmp_code;
	if (report->outcome != COOP_CONNECTED || r->is_heard) {
		over(r);
		return;
	}
	r->phase = PHASE_LAST;
	r->next_us = NEVER;
	r->ends_us = now_us + HEARD_MS * MS;
}

static void on_report(struct reach_trial *r, const struct coop_answer *a, uint64_t now_us)
{
	if (a->has_token && !coop_token_is_none(&a->token))
		r->token = a->token;
	switch (a->report.outcome) {
	case COOP_ACCEPTED:
		on_accepted(r, now_us);
		break;
	case COOP_SENT:
		on_accepted(r, now_us); /* the report of that was lost */
		r->next_us = NEVER;
		break;
	case COOP_CONNECTED:
	case COOP_RESET:
	case COOP_UNREACHABLE:
	case COOP_TIMED_OUT:
		on_outcome(r, &a->report, now_us);
		break;
	case COOP_BAD_TOKEN:
	case COOP_BUSY:
	case COOP_UNABLE:
	case COOP_MALFORMED:
		on_refused(r, a->report.outcome, now_us);
		break;
	default:
		break;
	}
}

void reach_on_datagram(struct reach_trial *r, const struct addr *from, struct bytes data,
		       uint64_t now_us)
{
	struct coop_answer a;
	struct stun_msg m;

	if (r->is_over || r->phase == PHASE_LAST || !addr_equal(from, &r->config.server) ||
	    stun_msg_parse(data, &m) != STUN_OK ||
	    !stun_tid_equal(&m.tid, &r->tids[r->tid_count - 1]))
		return;
	if (!coop_read_answer(&m, &a)) {
		/* An error: it answers, and that is all. */
		if (r->phase == PHASE_TOKEN && m.class == STUN_ERROR) {
			r->server = REACH_SERVER_OTHER;
			over(r);
		}
		return;
	}
	if (r->phase == PHASE_TOKEN)
		on_token(r, &a, now_us);
	else if (a.has_report)
		on_report(r, &a, now_us);
}

bool reach_is_ordered(const struct reach_trial *r, struct bytes data)
{
	struct stun_msg m;

	if (stun_msg_parse(data, &m) != STUN_OK || m.class != STUN_SUCCESS)
		return false;
	for (size_t i = 1; i < r->tid_count; i++) {
		if (stun_tid_equal(&m.tid, &r->tids[i]))
			return true;
	}
	return false;
}

void reach_on_heard(struct reach_trial *r, uint64_t now_us)
{
	r->is_heard = true;
	if (r->config.transport == PORTMAP_UDP || r->phase == PHASE_LAST) {
		r->server = REACH_SERVER_TRIED;
		over(r);
	}
}
