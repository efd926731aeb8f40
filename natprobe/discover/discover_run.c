/* What a discovery does next: which server to measure with, and when it is enough. */
#include "discover_state.h"

/* Datagrams that the tests of a second server, or a second socket, need at least. */
#define SESSION_COST 32
#define CONFIRM_COST 8

void discover_judge_server(struct discover *d, uint8_t server)
{
	struct server *s = &d->servers[server];

	s->judged = true;
	s->other.scope = s->addr.scope;
	s->unfit = d->asks.list[s->ask].fault;
	if (s->unfit != CAUSE_NONE)
		return; /* is a finding already */
	s->unfit = (uint8_t)discover_judge_other(&s->addr, &s->other);
	if (s->unfit != CAUSE_NONE)
		verdict_add_finding(&d->verdict, (enum verdict_cause)s->unfit, server, &s->other);
}

void discover_start(struct discover *d)
{
	d->started = true;
	d->started_us = d->now_us;
	(void)discover_take_slot(d, d->ports[MAPPING_SLOT]);
	portmap_start(&d->portmap, &d->local, &d->gateway, d->now_us);
	if (d->gateway.family != ADDR_NONE)
		d->portmap_slot = discover_take_slot(d, 0);
}

/* The first probes may leave. */
static void begin(struct discover *d)
{
	d->begun_us = d->now_us > 0 ? d->now_us : 1;
	for (uint8_t i = 0; i < d->server_count; i++)
		d->servers[i].ask =
			asks_add_opening(&d->asks, MAPPING_SLOT, i, &d->servers[i].addr);
	tcp_control_start(&d->tcp, d->server_count, d->now_us + d->timing.tcp_after_us);
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

static void confirm_mapping(struct discover *d, struct session *s)
{
	uint8_t slot = DISCOVER_SLOTS_MAX;

	if (!mapping_is_known(d) && discover_budget_left(d) >= CONFIRM_COST)
		slot = discover_take_slot(d, 0);
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

/* A server that was begun earlier has turned out to be good enough. */
static bool is_superfluous(const struct discover *d, size_t session, const struct probe_view *view)
{
	for (size_t i = 0; i < session; i++) {
		const struct session *s = &d->sessions[i];

		if (!session_is_over(s, view) && !session_is_suspect(s, &d->asks, view))
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
		s->filter.paused = makes_way(d, i, view) || is_superfluous(d, i, view);
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
	    (index > 0 && discover_budget_left(d) < SESSION_COST))
		return false;
	slot = discover_take_slot(d, 0);
	if (slot == DISCOVER_SLOTS_MAX)
		return false;
	server->in_session = true;
	session_start(&d->sessions[index], &d->asks, index, (uint8_t)(server - d->servers),
		      &server->addr, &server->other, MAPPING_SLOT, slot, d->now_us);
	d->session_count++;
	if (discover_nat(d) != VERDICT_NO)
		confirm_mapping(d, &d->sessions[index]);
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

/* Asks all servers that answered again, where there are two to compare and a NAT to look at. */
static void begin_second_socket(struct discover *d)
{
	enum verdict_answer nat = discover_nat(d);
	size_t answered = 0;

	for (size_t i = 0; i < d->server_count; i++)
		answered += d->servers[i].judged;
	if (answered < 2 || nat == VERDICT_NO || discover_budget_left(d) < CONFIRM_COST)
		return;
	d->second_slot = discover_take_slot(d, 0);
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
	bool measured;

	for (size_t i = 0; i < d->asks.count; i++)
		d->asks.list[i].seen.local = d->slot_local[d->asks.list[i].seen.slot];
	step_sessions(d, &view);
	measured = (mapping_is_known(d) && filtering_is_known(d, &view)) ||
		   (!begin_session(d, &view) && !discover_sessions_are_running(d, &view) &&
		    !servers_are_due(d, &view) && !second_socket_is_due(d, &view));
	discover_run_beside(d);
	view = discover_view(d);
	d->only_rate = measured && discover_others_are_over(d, &view);
	if (d->only_rate && (view.exhausted || !rate_limit_wants_probe(&d->rate)))
		discover_end(d, CAUSE_NONE);
}

void discover_run(struct discover *d)
{
	discover_begin_look(d);
	if (d->server_count == 0)
		discover_end(d, CAUSE_NO_SERVER);
	else if (d->slots[MAPPING_SLOT] == SLOT_FAILED)
		discover_end(d, CAUSE_LOCAL_ERROR);
	else if (d->now_us >= d->started_us + d->timing.deadline_us)
		discover_end(d, CAUSE_TIMEOUT);
	else if (d->begun_us == 0 && !d->has_floor)
		return;
	else if (d->begun_us == 0)
		begin(d);
	else if (d->answered_us == 0)
		discover_run_silent(d);
	else
		run_tests(d);
}

uint64_t discover_run_deadline_us(const struct discover *d)
{
	uint64_t deadline_us = d->started_us + d->timing.deadline_us;
	struct probe_view view = discover_view(d);
	uint64_t window_us = discover_window_us(&d->timing, probe_view_rtt_us(&view, 0));

	if (d->begun_us != 0 && d->answered_us == 0)
		timing_sooner(&deadline_us, discover_silent_deadline_us(d), d->now_us);
	else if (d->begun_us != 0)
		timing_sooner(&deadline_us, d->answered_us + window_us, d->now_us);
	return deadline_us;
}
