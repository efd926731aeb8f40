/* While nobody answers by UDP: is it blocked, or is nobody there? */
#include "confidence.h"
#include "discover_state.h"

/* UDP port that networks leave open which block others: HTTP/3 has it. */
#define DETOUR_PORT 443

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* UDP probes that should have been answered by now, over a path as long as TCP's. */
static bool is_overdue(const struct discover *d, const struct probe *p)
{
	return d->now_us >= p->sent_us + timing_tail_us(&d->timing, d->streams.rtt_us);
}

/* To the servers' own ports, all together: one that is alive is enough. */
static unsigned count_overdue(const struct discover *d)
{
	unsigned overdue = 0;

	for (size_t i = 0; i < d->log.count; i++) {
		const struct probe *p = &d->log.probes[i];

		overdue += !d->asks.list[p->want.index].detour && is_overdue(d, p);
	}
	return overdue;
}

/* To the detour that has the fewest; others may lead to ports where nobody is. */
static unsigned fewest_overdue_detours(const struct discover *d)
{
	unsigned fewest = UINT8_MAX;

	for (size_t k = 0; k < d->asks.count; k++) {
		unsigned overdue = 0;

		for (size_t i = 0; i < d->log.count; i++)
			overdue += d->log.probes[i].want.index == k &&
				   is_overdue(d, &d->log.probes[i]);
		if (d->asks.list[k].detour && overdue < fewest)
			fewest = overdue;
	}
	return fewest;
}

/* The chance that loss, of which TCP shows how much there is, silenced so many copies. */
static double silence_beside_tcp(const struct discover *d, unsigned copies)
{
	struct probe_loss loss = streams_loss(&d->streams);

	return classify_silence_by_loss(loss.answered, loss.lost, copies);
}

/* Copies that it takes for a silence to count; what the system refused is silence too. */
static unsigned copies_needed(const struct discover *d)
{
	double error_max = d->allowance * CONFIDENCE_SILENCE_SHARE;
	unsigned copies = d->timing.blocked_copies;

	while (copies < UINT8_MAX && silence_beside_tcp(d, copies) > error_max)
		copies++;
	return copies;
}

/* TCP is answered: the server's other ports may be open. */
static void begin_detours(struct discover *d)
{
	struct addr to;

	for (uint8_t i = 0; i < d->streams.count; i++) {
		const struct stream *c = &d->streams.list[i];

		to = addr_with_port(&c->to, DETOUR_PORT);
		if (c->answered && c->to.port != DETOUR_PORT)
			(void)asks_add_detour(&d->asks, MAPPING_SLOT, c->server, &to);
	}
}

static void begin_mapping_over_tcp(struct discover *d)
{
	for (uint8_t i = 0; i < d->streams.count && !d->tcp_mapping.begun; i++) {
		const struct stream *c = &d->streams.list[i];
		struct addr other = c->other, endpoints[FILTER_KINDS];

		other.scope = c->to.scope;
		if (!c->answered || discover_judge_other(&c->to, &other) != CAUSE_NONE)
			continue;
		session_endpoints(&c->to, &other, endpoints);
		tcp_mapping_start(&d->tcp_mapping, c->server, endpoints, discover_fresh_port(d));
	}
}

static bool is_blocked(struct discover *d)
{
	struct probe_view view = discover_view(d);
	unsigned needed = copies_needed(d), overdue = count_overdue(d);
	unsigned detours = fewest_overdue_detours(d);
	bool around = discover_detour_is_answered(d);

	d->asks.detour_copies = (uint8_t)needed;
	discover_step_tcp_mapping(d, &view);
	if (overdue < needed || !tcp_mapping_is_over(&d->tcp_mapping, &d->streams, &view))
		return false;
	if (!around && d->asks.count > d->server_count && detours < needed)
		return false;
	d->blocked_error = silence_beside_tcp(d, overdue);
	if (!around)
		d->blocked_error += silence_beside_tcp(d, detours);
	return true;
}

/* No answer by UDP yet. */
void discover_run_silent(struct discover *d)
{
	uint64_t give_up_us = d->timing.give_up_us;
	/* While others had the floor, nothing could be answered. */
	bool late = d->now_us >= d->begun_us + give_up_us &&
		    discover_has_looked_for(d, min_of(give_up_us, YIELD_US));
	bool unsent = d->log.sent == 0 && d->log.send_errors >= 3;

	if (streams_are_answered(&d->streams)) {
		begin_detours(d);
		begin_mapping_over_tcp(d);
		if (is_blocked(d))
			discover_end(d, CAUSE_UDP_BLOCKED);
		else if (discover_budget_left(d) == 0)
			discover_end(d, CAUSE_BUDGET);
		return;
	}
	if (late && !streams_are_hopeful(&d->streams, d->now_us))
		discover_end(d, CAUSE_NO_SERVER);
	else if (unsent && streams_have_failed(&d->streams))
		discover_end(d, CAUSE_NO_SERVER);
}

/* While nobody has answered by UDP. */
uint64_t discover_silent_deadline_us(const struct discover *d)
{
	uint64_t deadline_us = UINT64_MAX, now_us = d->now_us;
	uint64_t tail_us = timing_tail_us(&d->timing, d->streams.rtt_us);

	timing_sooner(&deadline_us, d->begun_us + d->timing.give_up_us, now_us);
	if (d->look_since_us != 0) {
		timing_sooner(&deadline_us, d->look_since_us + LOOK_US, now_us);
		timing_sooner(&deadline_us, d->look_since_us + YIELD_US - d->looked_us, now_us);
	}
	if (!streams_are_answered(&d->streams))
		timing_sooner(&deadline_us, tcp_control_deadline_us(&d->tcp, &d->streams), now_us);
	for (size_t i = 0; i < d->log.count && streams_are_answered(&d->streams); i++)
		timing_sooner(&deadline_us, d->log.probes[i].sent_us + tail_us, now_us);
	if (streams_are_hopeful(&d->streams, now_us))
		timing_sooner(&deadline_us, now_us + d->timing.tcp_gap_us, now_us);
	return deadline_us;
}
