/* What a trial saw, and what it means. */
#include <stdlib.h>

#include "addr_special.h"
#include "relay_state.h"

#define LOSS_SHARE   0.03 /* from here on it is worth telling */
#define LOSS_PACKETS 30   /* fewer say nothing about loss */

static void add(struct relay_result *r, uint8_t kind, bool is_failure, uint8_t family,
		const struct addr *addr)
{
	struct relay_finding *f;

	if (r->finding_count == RELAY_FINDINGS_MAX)
		return;
	f = &r->findings[r->finding_count++];
	*f = (struct relay_finding){ .kind = kind, .is_failure = is_failure, .family = family };
	if (addr != NULL)
		f->addr = *addr;
}

static int compare_rtts(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorts the round trips, which nobody needs in order of their numbers any more. */
static void sum_up_rtts(struct rt_flow *flow, struct relay_loop *loop)
{
	size_t count = 0;

	for (uint32_t i = 0; i < flow->sent; i++) {
		if (flow->rtt_us[i] != 0)
			flow->rtt_us[count++] = flow->rtt_us[i];
	}
	if (count == 0)
		return;
	qsort(flow->rtt_us, count, sizeof(flow->rtt_us[0]), compare_rtts);
	loop->rtt_min_us = flow->rtt_us[0];
	loop->rtt_median_us = flow->rtt_us[count / 2];
	loop->rtt_p95_us = flow->rtt_us[count * 95 / 100];
	loop->rtt_max_us = flow->rtt_us[count - 1];
}

static void sum_up_loop(struct relay_trial *t, int f)
{
	struct rt_flow *flow = &t->flows[f];
	struct relay_loop *loop = &t->result.families[f].loop;

	loop->sent = flow->sent;
	loop->arrived = flow->arrived;
	loop->returned = flow->returned;
	loop->sending_us = flow->sent > 0 ? flow->last_sent_us - flow->since_us : 0;
	loop->arriving_us = flow->last_arrived_us - flow->first_arrived_us;
	sum_up_rtts(flow, loop);
	for (size_t i = 0; i < RELAY_ENDS; i++) {
		if (t->ends[i].peers[f].permission != RT_PERMISSION_REFUSED)
			continue;
		loop->state = RELAY_PATH_DENIED;
		loop->code = t->ends[i].peers[f].code;
		return;
	}
	if (flow->arrived > 0)
		loop->state = RELAY_PATH_PASSES;
	else if (flow->sent > 0)
		loop->state = RELAY_PATH_SILENT;
}

static void sum_up(struct relay_trial *t)
{
	struct relay_result *r = &t->result;
	const struct rt_end *lead = &t->ends[t->ends[0].is_allocated ? 0 : 1];

	r->is_allocated = lead->is_allocated;
	r->outside = t->local.mapped;
	r->mapped = lead->allocated.mapped;
	r->allocate_us = lead->allocated.rtt_us;
	r->lifetime_s = lead->allocated.lifetime_s;
	r->other_refused = lead->allocated.other_refused != 0 ? lead->allocated.other_refused
							      : lead->other_refused;
	for (int f = 0; f < RELAY_FAMILIES; f++) {
		for (size_t i = 0; i < RELAY_ENDS; i++)
			r->families[f].relayed[i] = rt_relayed(&t->ends[i], f);
		sum_up_loop(t, f);
	}
}

/* "1700000000:alice": time-limited credentials as most servers take them. 0: no such name. */
static uint64_t expiry_of(struct bytes username)
{
	uint64_t at_s = 0;
	size_t i = 0;

	while (i < username.len && username.data[i] >= '0' && username.data[i] <= '9' && i < 12)
		at_s = at_s * 10 + (uint64_t)(username.data[i++] - '0');
	return i >= 9 && (i == username.len || username.data[i] == ':') ? at_s : 0;
}

static bool has_expired(const struct relay_trial *t)
{
	uint64_t at_s = expiry_of(t->config.credentials.username);

	return at_s != 0 && at_s < t->config.unix_s;
}

static bool is_unreached(uint8_t cause)
{
	return cause == DIAL_REFUSED || cause == DIAL_SILENT;
}

static uint8_t judge_dial(struct relay_result *r)
{
	add(r, RELAY_FOUND_DIAL, r->dial.cause != DIAL_NO_ROUTE, ADDR_NONE, NULL);
	if (r->dial.cause == DIAL_NO_ROUTE)
		return RELAY_NOT_TRIED;
	return is_unreached(r->dial.cause) ? RELAY_NO_ANSWER : RELAY_FAILS;
}

static uint8_t judge_refusal(struct relay_trial *t)
{
	struct relay_result *r = &t->result;
	bool is_silent = r->client.cause == TURN_CLIENT_TIMEOUT && !t->ends[0].was_answered;

	if (r->client.cause == TURN_CLIENT_CREDENTIALS && has_expired(t)) {
		r->expired_s = expiry_of(t->config.credentials.username);
		add(r, RELAY_FOUND_EXPIRED, true, ADDR_NONE, NULL);
	} else {
		add(r, RELAY_FOUND_CLIENT, true, ADDR_NONE, NULL);
	}
	return is_silent ? RELAY_NO_ANSWER : RELAY_FAILS;
}

/* Nothing is allocated. */
static uint8_t judge_nothing(struct relay_trial *t)
{
	struct relay_result *r = &t->result;
	const struct rt_end *e = &t->ends[t->ends[0].is_failed || !t->ends[1].is_failed ? 0 : 1];

	r->dial = e->dial;
	r->client = e->failure;
	if (e->dial.cause != DIAL_FINE)
		return judge_dial(r);
	if (e->is_failed)
		return judge_refusal(t);
	add(r, RELAY_FOUND_TIMEOUT, true, ADDR_NONE, NULL);
	return e->was_answered ? RELAY_INCONCLUSIVE : RELAY_NO_ANSWER;
}

static bool is_special(const struct addr *a)
{
	struct addr_special_hit hit;

	return addr_special_judge(a, &hit);
}

/* In a private network the relay is meant for it. */
static void judge_addresses(struct relay_trial *t)
{
	struct relay_result *r = &t->result;

	for (int f = 0; f < RELAY_FAMILIES; f++) {
		const struct addr *a = &r->families[f].relayed[0];

		if (a->family == ADDR_NONE)
			a = &r->families[f].relayed[1];
		if (a->family != ADDR_NONE && is_special(a) && !is_special(&r->to))
			add(r, RELAY_FOUND_PRIVATE, true, a->family, a);
	}
}

static bool passes(const struct relay_path *p)
{
	return p->state == RELAY_PATH_PASSES || p->state == RELAY_PATH_ELSEWHERE;
}

/* One family of relayed addresses; in and out are about that of the server's own family. */
static void judge_loop(struct relay_result *r, int f)
{
	const struct relay_loop *loop = &r->families[f].loop;
	const struct addr *peer = &r->families[f].relayed[1];
	bool is_tried = rt_family(r->to.family) == f;
	uint8_t family = rt_addr_family(f);

	if (loop->state == RELAY_PATH_DENIED)
		add(r, RELAY_FOUND_DENIED, true, family, peer);
	else if (loop->state == RELAY_PATH_SILENT && is_tried && passes(&r->in))
		add(r, RELAY_FOUND_NO_LOOP, true, family, peer);
	else if (loop->state == RELAY_PATH_SILENT)
		add(r, RELAY_FOUND_NOTHING_COMES, true, family, peer);
	else if (loop->state == RELAY_PATH_PASSES && loop->returned == 0)
		add(r, RELAY_FOUND_HALF_LOOP, true, family, peer);
	else if (loop->sent >= LOSS_PACKETS && relay_loss(loop->sent, loop->returned) >= LOSS_SHARE)
		add(r, RELAY_FOUND_LOSS, false, family, NULL);
}

/* Between the relay and our own socket. */
static void judge_paths(struct relay_result *r)
{
	const struct relay_family *own = &r->families[rt_family(r->to.family)];
	bool has_control = r->outside.family != ADDR_NONE;
	bool is_silent = own->loop.state == RELAY_PATH_SILENT;

	if (r->out.state == RELAY_PATH_ELSEWHERE)
		add(r, RELAY_FOUND_ELSEWHERE, true, r->out.from.family, &r->out.from);
	if (r->in.state == RELAY_PATH_DENIED) {
		add(r, RELAY_FOUND_SELF_DENIED, false, r->to.family, &r->mapped);
		return;
	}
	if (r->in.state == RELAY_PATH_SILENT && !has_control)
		add(r, RELAY_FOUND_NO_CONTROL, false, r->to.family, NULL);
	else if (r->in.state == RELAY_PATH_SILENT && !is_silent &&
		 r->out.state != RELAY_PATH_ELSEWHERE)
		add(r, RELAY_FOUND_CLOSED_RANGE, true, r->to.family, &own->relayed[0]);
	else if (r->in.state == RELAY_PATH_PASSES && r->out.state == RELAY_PATH_SILENT)
		add(r, RELAY_FOUND_NO_WAY_OUT, true, r->to.family, NULL);
}

/* One allocation stands, the other one was refused or was lost. */
static void judge_ends(struct relay_trial *t)
{
	struct relay_result *r = &t->result;

	for (size_t i = 0; i < RELAY_ENDS; i++) {
		const struct rt_end *e = &t->ends[i];

		if (!e->is_failed)
			continue;
		r->client = e->failure;
		r->dial = e->dial;
		add(r, e->is_allocated ? RELAY_FOUND_CLIENT : RELAY_FOUND_SECOND, true, ADDR_NONE,
		    NULL);
		return;
	}
}

static bool relays_something(const struct relay_result *r)
{
	for (int f = 0; f < RELAY_FAMILIES; f++) {
		if (r->families[f].loop.state == RELAY_PATH_PASSES)
			return true;
	}
	return passes(&r->in) || passes(&r->out);
}

static bool has_tried_something(const struct relay_result *r)
{
	for (int f = 0; f < RELAY_FAMILIES; f++) {
		if (r->families[f].loop.sent > 0)
			return true;
	}
	return r->in.sent > 0 && r->outside.family != ADDR_NONE;
}

static bool has_failure(const struct relay_result *r)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		if (r->findings[i].is_failure)
			return true;
	}
	return false;
}

static uint8_t judge_relay(struct relay_trial *t)
{
	struct relay_result *r = &t->result;

	if (t->ends[0].is_open_relay || t->ends[1].is_open_relay)
		add(r, RELAY_FOUND_OPEN, true, ADDR_NONE, NULL);
	judge_ends(t);
	judge_addresses(t);
	for (int f = 0; f < RELAY_FAMILIES; f++)
		judge_loop(r, f);
	judge_paths(r);
	if (t->is_cut)
		add(r, RELAY_FOUND_TIMEOUT, false, ADDR_NONE, NULL);
	if (relays_something(r))
		return has_failure(r) ? RELAY_PARTLY : t->is_cut ? RELAY_INCONCLUSIVE : RELAY_WORKS;
	return has_tried_something(r) && !t->is_cut ? RELAY_FAILS : RELAY_INCONCLUSIVE;
}

void rt_judge(struct relay_trial *t)
{
	struct relay_result *r = &t->result;

	sum_up(t);
	r->finding_count = 0;
	r->verdict = r->is_allocated ? judge_relay(t) : judge_nothing(t);
}
