/* What a discovery does next: which server to measure with, and when it is enough. */
#include "discover_state.h"

/* Datagrams that the tests of a second server, or a second socket, need at least. */
#define SESSION_COST 32
#define CONFIRM_COST 8

static bool is_multicast(const struct addr *a)
{
	return a->family == ADDR_IPV4 ? a->ip[0] >= 224 : a->ip[0] == 0xff;
}

/* An address that a public server can have, and that differs as RFC 5780, section 7.4 wants. */
static enum verdict_cause judge_other(const struct addr *server, const struct addr *other)
{
	if (other->family == ADDR_NONE)
		return CAUSE_NO_OTHER_ADDRESS;
	if (other->family != server->family || other->port == 0 || addr_is_any(other) ||
	    is_multicast(other) || addr_is_loopback(other) != addr_is_loopback(server))
		return CAUSE_ALTERNATE_UNUSABLE;
	if (addr_is_private(other) && !addr_is_private(server))
		return CAUSE_ALTERNATE_UNUSABLE;
	if (addr_is_link_local(other) != addr_is_link_local(server))
		return CAUSE_ALTERNATE_UNUSABLE;
	if (addr_equal_ip(other, server))
		return CAUSE_SAME_ADDRESS;
	if (other->port == server->port)
		return CAUSE_SAME_PORT;
	return CAUSE_NONE;
}

void discover_judge_server(struct discover *d, uint8_t server)
{
	struct server *s = &d->servers[server];

	s->judged = true;
	s->other.scope = s->addr.scope;
	s->unfit = d->asks.list[s->ask].fault;
	if (s->unfit != CAUSE_NONE)
		return; /* is a finding already */
	s->unfit = (uint8_t)judge_other(&s->addr, &s->other);
	if (s->unfit != CAUSE_NONE)
		verdict_add_finding(&d->verdict, (enum verdict_cause)s->unfit, server, &s->other);
}

/* UDP probes that should have been answered by now, over a path as long as TCP's. */
static unsigned count_overdue(const struct discover *d)
{
	uint64_t tail_us = timing_tail_us(&d->timing, d->tcp.rtt_us);
	unsigned overdue = 0;

	for (size_t i = 0; i < d->log.count; i++) {
		if (d->now_us >= d->log.probes[i].sent_us + tail_us)
			overdue++;
	}
	return overdue;
}

/* No answer by UDP yet. */
static void run_silent(struct discover *d)
{
	bool late = d->now_us >= d->started_us + d->timing.give_up_us;
	bool unsent = d->log.sent == 0 && d->log.send_errors >= 3;

	if (tcp_control_is_answered(&d->tcp)) {
		if (late || count_overdue(d) >= d->timing.blocked_copies)
			discover_end(d, CAUSE_UDP_BLOCKED);
		return;
	}
	if (late && !tcp_control_is_hopeful(&d->tcp, d->now_us))
		discover_end(d, CAUSE_NO_SERVER);
	else if (unsent && tcp_control_has_failed(&d->tcp))
		discover_end(d, CAUSE_NO_SERVER);
}

static bool mapping_is_known(const struct discover *d)
{
	for (size_t i = 0; i < d->session_count; i++) {
		if (d->sessions[i].mapping == SESSION_MAPPED)
			return true;
	}
	return false;
}

static bool filtering_is_known(const struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		const struct filter_test *f = &d->sessions[i].filter;

		if (filter_test_is_over(f, view) &&
		    filter_test_result(f, view).value != BEHAVIOUR_UNKNOWN)
			return true;
	}
	return false;
}

static size_t budget_left(const struct discover *d)
{
	return d->log.count < d->timing.budget ? d->timing.budget - d->log.count : 0;
}

static void confirm_mapping(struct discover *d, struct session *s)
{
	uint8_t slot = DISCOVER_SLOTS_MAX;

	if (!mapping_is_known(d) && budget_left(d) >= CONFIRM_COST)
		slot = discover_take_slot(d);
	if (slot < DISCOVER_SLOTS_MAX)
		session_confirm(s, &d->asks, slot);
	else
		session_skip_confirm(s);
}

/* A suspect server leaves the budget, and its pace, to the one that was begun beside it. */
static bool makes_way(const struct discover *d, size_t session, const struct probe_view *view)
{
	if (!session_is_suspect(&d->sessions[session], &d->asks, view))
		return false;
	for (size_t i = session + 1; i < d->session_count; i++) {
		if (!session_is_over(&d->sessions[i], view))
			return true;
	}
	return false;
}

static void step_sessions(struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		struct session *s = &d->sessions[i];

		s->filter.failed = d->slots[s->filter.slot] == SLOT_FAILED;
		session_step(s, &d->asks, view);
		s->filter.paused = makes_way(d, i, view);
		if (s->mapping == SESSION_ASKED)
			confirm_mapping(d, s);
	}
}

static struct server *next_candidate(struct discover *d)
{
	for (size_t i = 0; i < d->server_count; i++) {
		struct server *s = &d->servers[i];

		if (s->judged && s->unfit == CAUSE_NONE && !s->in_session)
			return s;
	}
	return NULL;
}

/* All servers in use look as if they could not be used, or are done without a result. */
static bool wants_session(const struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		const struct session *s = &d->sessions[i];

		if (!session_is_over(s, view) && !session_is_suspect(s, &d->asks, view))
			return false;
	}
	return true;
}

static bool begin_session(struct discover *d, const struct probe_view *view)
{
	struct server *server = next_candidate(d);
	uint8_t index = d->session_count, slot;

	if (server == NULL || index == SESSIONS_MAX || !wants_session(d, view) ||
	    (index > 0 && budget_left(d) < SESSION_COST))
		return false;
	slot = discover_take_slot(d);
	if (slot == DISCOVER_SLOTS_MAX)
		return false;
	server->in_session = true;
	session_start(&d->sessions[index], &d->asks, index, (uint8_t)(server - d->servers),
		      &server->addr, &server->other, MAPPING_SLOT, slot, d->now_us);
	d->session_count++;
	return true;
}

/* Servers that have not answered yet may still do. */
static bool servers_are_due(const struct discover *d, const struct probe_view *view)
{
	uint64_t rtt_us = probe_view_rtt_us(view, 0);

	if (d->now_us >= d->answered_us + discover_window_us(&d->timing, rtt_us))
		return false;
	for (size_t i = 0; i < d->server_count; i++) {
		if (asks_state(&d->asks, d->servers[i].ask, view) == ASK_WAITING)
			return true;
	}
	return false;
}

static bool sessions_are_running(const struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		if (!session_is_over(&d->sessions[i], view))
			return true;
	}
	return false;
}

/* Asks all servers that answered again, where there are two to compare and a NAT to look at. */
static void begin_second_socket(struct discover *d)
{
	struct verdict_sighting seen[VERDICT_SIGHTINGS_MAX];
	enum verdict_answer nat = classify_nat(seen, asks_sightings(&d->asks, seen));
	size_t answered = 0;

	for (size_t i = 0; i < d->server_count; i++)
		answered += d->servers[i].judged;
	if (answered < 2 || nat == VERDICT_NO || budget_left(d) < CONFIRM_COST)
		return;
	d->second_slot = discover_take_slot(d);
	for (uint8_t i = 0; d->second_slot < DISCOVER_SLOTS_MAX && i < d->server_count; i++) {
		if (d->servers[i].judged)
			(void)asks_add(&d->asks, d->second_slot, i, &d->servers[i].addr);
	}
}

/*
 * Where no server shows the mapping by its four endpoints, all of them together do; and as
 * there, a second socket tells a rule from chance. False: it is done.
 */
static bool second_socket_is_due(struct discover *d, const struct probe_view *view)
{
	if (mapping_is_known(d))
		return false;
	if (d->second_slot == 0)
		begin_second_socket(d);
	for (uint8_t i = 0; d->second_slot != 0 && i < d->asks.count; i++) {
		if (d->asks.list[i].seen.slot == d->second_slot &&
		    asks_state(&d->asks, i, view) == ASK_WAITING)
			return true;
	}
	return false;
}

static void run_tests(struct discover *d)
{
	struct probe_view view = discover_view(d);

	for (size_t i = 0; i < d->asks.count; i++)
		d->asks.list[i].seen.local = d->slot_local[d->asks.list[i].seen.slot];
	step_sessions(d, &view);
	if (mapping_is_known(d) && filtering_is_known(d, &view))
		discover_end(d, CAUSE_NONE);
	else if (!begin_session(d, &view) && !sessions_are_running(d, &view) &&
		 !servers_are_due(d, &view) && !second_socket_is_due(d, &view))
		discover_end(d, CAUSE_NONE);
}

void discover_run(struct discover *d)
{
	if (d->server_count == 0)
		discover_end(d, CAUSE_NO_SERVER);
	else if (d->slots[MAPPING_SLOT] == SLOT_FAILED)
		discover_end(d, CAUSE_LOCAL_ERROR);
	else if (d->now_us >= d->started_us + d->timing.deadline_us)
		discover_end(d, CAUSE_TIMEOUT);
	else if (d->answered_us == 0)
		run_silent(d);
	else
		run_tests(d);
}

static uint64_t later_than_now(const struct discover *d, uint64_t at_us)
{
	return at_us > d->now_us ? at_us : UINT64_MAX;
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* While nobody has answered by UDP. */
static uint64_t silent_deadline_us(const struct discover *d)
{
	uint64_t deadline = later_than_now(d, d->started_us + d->timing.give_up_us);
	uint64_t tail_us = timing_tail_us(&d->timing, d->tcp.rtt_us);

	if (!tcp_control_is_answered(&d->tcp))
		deadline = min_of(deadline, later_than_now(d, tcp_control_deadline_us(&d->tcp)));
	else if (d->log.count >= d->timing.blocked_copies)
		deadline = min_of(
			deadline,
			later_than_now(d, d->log.probes[d->timing.blocked_copies - 1].sent_us +
						  tail_us));
	if (tcp_control_is_hopeful(&d->tcp, d->now_us))
		deadline = min_of(deadline, d->now_us + d->timing.tcp_gap_us);
	return deadline;
}

uint64_t discover_run_deadline_us(const struct discover *d)
{
	uint64_t deadline = d->started_us + d->timing.deadline_us;
	struct probe_view view = discover_view(d);

	if (d->answered_us == 0)
		return min_of(deadline, silent_deadline_us(d));
	return min_of(deadline,
		      later_than_now(d, d->answered_us +
						discover_window_us(&d->timing,
								   probe_view_rtt_us(&view, 0))));
}
