/* What a discovery does next: which server to measure with, and when it is enough. */
#include "confidence.h"
#include "discover_state.h"
#include "nat64.h"

/* Silence after which another discovery behind the same NAT may go ahead. */
#define YIELD_US 600000

/* UDP port that networks leave open which block others: HTTP/3 has it. */
#define DETOUR_PORT 443

/* Datagrams that the samples leave to the hairpin and the gateway, and to a filter. */
#define SAMPLES_RESERVE 20
#define FILTER_RESERVE  28

/* Probes whose fate is known before the loss that they show says something. */
#define PORTMAP_KNOWN 16

#define FRESH_PORT_LOW 32768
#define FRESH_PORTS    28000

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

bool discover_yields(const struct discover *d)
{
	return d->begun_us != 0 && d->answered_us == 0 && d->now_us >= d->begun_us + YIELD_US;
}

uint16_t discover_random(struct discover *d)
{
	uint8_t random[2];

	d->random(d->random_arg, random, sizeof(random));
	return (uint16_t)(random[0] << 8 | random[1]);
}

/* A local port that nobody else is likely to have, among those that systems hand out. */
static uint16_t fresh_port(struct discover *d)
{
	return (uint16_t)(FRESH_PORT_LOW + discover_random(d) % FRESH_PORTS);
}

static void step_tcp_mapping(struct discover *d, const struct probe_view *view)
{
	if (tcp_mapping_wants_port(&d->tcp_mapping, &d->streams, view))
		tcp_mapping_add_port(&d->tcp_mapping, fresh_port(d));
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

static bool detour_is_answered(const struct discover *d)
{
	for (size_t i = 0; i < d->asks.count; i++) {
		if (d->asks.list[i].detour && d->asks.list[i].seen.mapped.family != ADDR_NONE)
			return true;
	}
	return false;
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
		if (!c->answered || judge_other(&c->to, &other) != CAUSE_NONE)
			continue;
		session_endpoints(&c->to, &other, endpoints);
		tcp_mapping_start(&d->tcp_mapping, c->server, endpoints, fresh_port(d));
	}
}

static bool is_blocked(struct discover *d)
{
	struct probe_view view = discover_view(d);
	unsigned needed = copies_needed(d), overdue = count_overdue(d);
	unsigned detours = fewest_overdue_detours(d);
	bool around = detour_is_answered(d);

	d->asks.detour_copies = (uint8_t)needed;
	step_tcp_mapping(d, &view);
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
static void run_silent(struct discover *d)
{
	bool late = d->now_us >= d->begun_us + d->timing.give_up_us;
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

/* Everything that makes a mapping before the samples do has left. */
static bool others_are_out(const struct discover *d, const struct probe_view *view)
{
	struct addr to;
	uint16_t port;

	if (view->exhausted)
		return true;
	for (size_t i = 0; i < d->session_count; i++) {
		if (filter_test_is_unsent(&d->sessions[i].filter))
			return false;
	}
	return !asks_are_unsent(&d->asks) &&
	       !tcp_mapping_next(&d->tcp_mapping, &d->streams, &to, &port);
}

/* The server whose answers the samples wait for: that of the tests, or the first that answers. */
static uint8_t sampled_server(const struct discover *d)
{
	if (d->session_count > 0)
		return d->sessions[0].server;
	for (uint8_t i = 0; i < d->server_count; i++) {
		if (d->servers[i].judged && d->log.rtt[i].min_us != 0)
			return i;
	}
	return VERDICT_NO_SERVER_INDEX;
}

static void begin_samples(struct discover *d, const struct probe_view *view)
{
	uint8_t server = sampled_server(d);
	uint64_t rtt_us;

	if (server == VERDICT_NO_SERVER_INDEX || view->holds || discover_nat(d) == VERDICT_NO ||
	    !others_are_out(d, view))
		return;
	rtt_us = probe_view_rtt_us(view, server);
	if (d->session_count == 0 && d->now_us < d->answered_us + timing_overdue_us(rtt_us) / 2)
		return; /* a better server may be about to answer */
	samples_start(&d->samples, server, &d->servers[server].addr, d->started_us,
		      d->now_us + d->timing.sample_gap_us);
}

static void run_samples(struct discover *d, const struct probe_view *view)
{
	size_t left = discover_budget_left(d), reserve = SAMPLES_RESERVE;

	if (d->samples.phase == SAMPLES_IDLE)
		begin_samples(d, view);
	if (d->samples.phase == SAMPLES_IDLE)
		return;
	if (sessions_are_running(d, view))
		reserve += FILTER_RESERVE;
	samples_step(&d->samples, view, discover_nat(d), d->allowance * CONFIDENCE_PORTS_SHARE,
		     left > reserve ? left - reserve : 0);
}

/* Two samples that the hairpin test can use: seen with the same address, if there are such. */
static bool find_ends(const struct discover *d, uint8_t slots[HAIRPIN_ENDS],
		      struct addr mapped[HAIRPIN_ENDS])
{
	unsigned found = 0;

	for (uint8_t i = 0; i < d->samples.count && found < HAIRPIN_ENDS; i++) {
		const struct sample *s = &d->samples.list[i];

		if (s->seen.mapped.family == ADDR_NONE)
			continue;
		if (found > 0 && !addr_equal_ip(&mapped[0], &s->seen.mapped))
			continue;
		slots[found] = s->slot;
		mapped[found++] = s->seen.mapped;
	}
	return found == HAIRPIN_ENDS;
}

/* Beyond a NAT64, mapped addresses are IPv4 ones: how are they reached from here? */
static bool make_reachable(const struct discover *d, struct addr mapped[HAIRPIN_ENDS])
{
	bool fine = true;

	for (size_t i = 0; i < HAIRPIN_ENDS; i++) {
		if (mapped[i].family != d->local.family)
			fine = fine &&
			       nat64_embed(&d->nat64_prefix, d->nat64_len, &mapped[i], &mapped[i]);
	}
	return fine;
}

static void run_hairpin(struct discover *d)
{
	uint8_t slots[HAIRPIN_ENDS];
	struct addr mapped[HAIRPIN_ENDS];

	if (!d->hairpin.begun && samples_are_over(&d->samples) && find_ends(d, slots, mapped) &&
	    make_reachable(d, mapped))
		hairpin_start(&d->hairpin, d->samples.server, slots, mapped, d->now_us);
}

static void run_tcp_mapping(struct discover *d, const struct probe_view *view)
{
	if (!d->tcp_mapping.begun && d->session_count > 0)
		tcp_mapping_start(&d->tcp_mapping, d->sessions[0].server, d->sessions[0].endpoints,
				  fresh_port(d));
	for (unsigned k = 0; d->session_count > 0 && k < FILTER_KINDS; k++) {
		uint8_t ask = d->sessions[0].asks[k];

		if (ask != ASK_NONE && asks_state(&d->asks, ask, view) == ASK_SILENT)
			tcp_mapping_set_dead(&d->tcp_mapping, (enum verdict_filter_kind)k);
	}
	step_tcp_mapping(d, view);
}

static void run_rate(struct discover *d)
{
	if (!rate_limit_step(&d->rate, &d->log, &d->timing, &d->pace, d->now_us))
		return;
	asks_restart(&d->asks);
	hairpin_restart(&d->hairpin, d->now_us);
	for (size_t i = 0; i < d->session_count; i++)
		filter_test_restart(&d->sessions[i].filter);
}

/* Port samples are still to be had: there may be a NAT, and somebody to ask. */
static bool samples_are_due(const struct discover *d)
{
	if (d->samples.phase != SAMPLES_IDLE)
		return !samples_are_over(&d->samples);
	return discover_nat(d) != VERDICT_NO && sampled_server(d) != VERDICT_NO_SERVER_INDEX;
}

static bool portmap_is_due(const struct discover *d, const struct probe_view *view)
{
	return d->portmap_slot != 0 && d->slots[d->portmap_slot] != SLOT_FAILED &&
	       !view->exhausted && !portmap_is_over(&d->portmap, d->now_us);
}

/* What runs beside mapping and filtering. */
static bool others_are_over(const struct discover *d, const struct probe_view *view)
{
	return !samples_are_due(d) && hairpin_is_over(&d->hairpin, view) &&
	       tcp_mapping_is_over(&d->tcp_mapping, &d->streams, view) && !portmap_is_due(d, view);
}

static void hang_up_controls(struct discover *d)
{
	for (uint8_t i = 0; i < d->streams.count; i++)
		d->streams.list[i].unwanted = !tcp_mapping_has(&d->tcp_mapping, i);
}

/* What the paths to the servers show holds for the way to the gateway, at most. */
static void expect_portmap(struct discover *d, const struct probe_view *view)
{
	struct probe_loss loss = probe_view_loss(view);
	unsigned known = loss.lost + loss.answered;

	if (known >= PORTMAP_KNOWN)
		portmap_expect(&d->portmap, probe_view_rtt_us(view, 0),
			       (loss.lost + 0.5) / (known + 1.0));
}

static void run_tests(struct discover *d)
{
	struct probe_view view = discover_view(d);
	bool measured;

	for (size_t i = 0; i < d->asks.count; i++)
		d->asks.list[i].seen.local = d->slot_local[d->asks.list[i].seen.slot];
	step_sessions(d, &view);
	measured = (mapping_is_known(d) && filtering_is_known(d, &view)) ||
		   (!begin_session(d, &view) && !sessions_are_running(d, &view) &&
		    !servers_are_due(d, &view) && !second_socket_is_due(d, &view));
	run_tcp_mapping(d, &view);
	hang_up_controls(d);
	run_rate(d);
	view = discover_view(d);
	expect_portmap(d, &view);
	run_samples(d, &view);
	run_hairpin(d);
	d->only_rate = measured && others_are_over(d, &view);
	if (d->only_rate && (view.exhausted || !rate_limit_wants_probe(&d->rate)))
		discover_end(d, CAUSE_NONE);
}

enum verdict_answer discover_nat(const struct discover *d)
{
	struct verdict_sighting seen[VERDICT_SIGHTINGS_MAX];
	size_t count = asks_sightings(&d->asks, seen);

	for (size_t i = 0; i < count; i++)
		seen[i].local = d->slot_local[seen[i].slot];
	return classify_nat(seen, count);
}

/* Something that may make a mapping is still to leave, or may have to leave again. */
static bool makes_mappings(const struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		const struct filter_test *f = &d->sessions[i].filter;

		if (!f->is_mapped && !filter_test_is_over(f, view))
			return true;
	}
	return samples_are_due(d) || (d->hairpin.begun && !hairpin_has_mappings(&d->hairpin)) ||
	       asks_are_waiting(&d->asks, view) || !others_are_out(d, view);
}

bool discover_wants_floor(const struct discover *d)
{
	struct probe_view view;

	if (d->finished)
		return false;
	if (d->answered_us == 0)
		return !discover_yields(d);
	view = discover_view(d);
	return makes_mappings(d, &view);
}

void discover_run(struct discover *d)
{
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
	uint64_t deadline = later_than_now(d, d->begun_us + d->timing.give_up_us);
	uint64_t tail_us = timing_tail_us(&d->timing, d->streams.rtt_us);

	deadline = min_of(deadline, later_than_now(d, d->begun_us + YIELD_US));
	if (!streams_are_answered(&d->streams))
		deadline = min_of(deadline,
				  later_than_now(d, tcp_control_deadline_us(&d->tcp, &d->streams)));
	for (size_t i = 0; i < d->log.count && streams_are_answered(&d->streams); i++)
		deadline = min_of(deadline, later_than_now(d, d->log.probes[i].sent_us + tail_us));
	if (streams_are_hopeful(&d->streams, d->now_us))
		deadline = min_of(deadline, d->now_us + d->timing.tcp_gap_us);
	return deadline;
}

uint64_t discover_run_deadline_us(const struct discover *d)
{
	uint64_t deadline = d->started_us + d->timing.deadline_us;
	struct probe_view view = discover_view(d);

	if (d->begun_us == 0)
		return deadline;
	if (d->answered_us == 0)
		return min_of(deadline, silent_deadline_us(d));
	return min_of(deadline,
		      later_than_now(d, d->answered_us +
						discover_window_us(&d->timing,
								   probe_view_rtt_us(&view, 0))));
}
