/* What runs beside mapping and filtering: TCP, port samples, hairpin, gateway, pace. */
#include "confidence.h"
#include "discover_state.h"
#include "nat64.h"
#include "natprobe/lead.h"

/* Datagrams that the samples leave to the hairpin and the gateway, and to a filter. */
#define SAMPLES_RESERVE 20
#define FILTER_RESERVE  28

/* A local port that nobody else is likely to have, among those that systems hand out. */
uint16_t discover_fresh_port(struct discover *d)
{
	return (uint16_t)(SAMPLES_PORT_LOW + discover_random(d) % SAMPLES_PORT_COUNT);
}

void discover_step_tcp_mapping(struct discover *d, const struct probe_view *view)
{
	if (tcp_mapping_wants_port(&d->tcp_mapping, &d->streams, view))
		tcp_mapping_add_port(&d->tcp_mapping, discover_fresh_port(d));
}

/* Everything that makes a mapping before the samples do has left. */
bool discover_others_are_out(const struct discover *d, const struct probe_view *view)
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
	    !discover_others_are_out(d, view))
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
	if (discover_sessions_are_running(d, view))
		reserve += FILTER_RESERVE;
	samples_step(&d->samples, view, discover_nat(d), d->allowance * CONFIDENCE_PORTS_SHARE,
		     left > reserve ? left - reserve : 0);
}

/* Whoever lies about our mapped address does not choose whom we send hairpins to. */
static bool may_be_ours(const struct discover *d, const struct addr *mapped)
{
	struct addr server = d->samples.to;

	if (mapped->family != server.family && !nat64_extract(&server, d->nat64_len, &server))
		return false;
	return lead_allows(&server, mapped);
}

/* Two samples that the hairpin test can use: seen with the same address, if there are such. */
static bool find_ends(const struct discover *d, uint8_t slots[HAIRPIN_ENDS],
		      struct addr mapped[HAIRPIN_ENDS])
{
	unsigned found = 0;

	for (uint8_t i = 0; i < d->samples.count && found < HAIRPIN_ENDS; i++) {
		const struct sample *s = &d->samples.list[i];

		if (s->seen.mapped.family == ADDR_NONE || !may_be_ours(d, &s->seen.mapped))
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

/* Where mappings differ and the filter has not let everything in by now, silence is no proof. */
static bool silence_may_count(const struct discover *d, const struct probe_view *view)
{
	struct verdict_sighting seen[VERDICT_SIGHTINGS_MAX];
	size_t count = asks_sightings(&d->asks, seen);
	uint8_t mapping = classify_mapping(seen, count).value;

	for (size_t i = 0; i < d->session_count; i++) {
		if (filter_test_result(&d->sessions[i].filter, view).value ==
		    BEHAVIOUR_ENDPOINT_INDEPENDENT)
			return true;
	}
	return mapping == BEHAVIOUR_ENDPOINT_INDEPENDENT || mapping == BEHAVIOUR_UNKNOWN;
}

static void run_hairpin(struct discover *d, const struct probe_view *view)
{
	uint8_t slots[HAIRPIN_ENDS];
	struct addr mapped[HAIRPIN_ENDS];

	if (!d->hairpin.begun && samples_are_over(&d->samples) && find_ends(d, slots, mapped) &&
	    make_reachable(d, mapped))
		hairpin_start(&d->hairpin, d->samples.server, slots, mapped, d->now_us);
	if (d->hairpin.is_checked || !hairpin_is_sent(&d->hairpin, view) ||
	    !silence_may_count(d, view))
		return;
	d->hairpin.is_checked = true;
	for (size_t i = 0; i < HAIRPIN_ENDS; i++)
		d->hairpin.checks[i] = asks_add(&d->asks, d->hairpin.ends[i].slot,
						d->samples.server, &d->samples.to);
}

/* The ends of a hairpin have not been told yet whether they are still who they were. */
static bool checks_are_due(const struct discover *d, const struct probe_view *view)
{
	if (d->hairpin.answered > 0)
		return false;
	for (size_t i = 0; d->hairpin.is_checked && i < HAIRPIN_ENDS; i++) {
		uint8_t ask = d->hairpin.checks[i];

		if (ask != ASK_NONE && asks_state(&d->asks, ask, view) == ASK_WAITING)
			return true;
	}
	return false;
}

static void run_tcp_mapping(struct discover *d, const struct probe_view *view)
{
	if (!d->tcp_mapping.begun && d->session_count > 0)
		tcp_mapping_start(&d->tcp_mapping, d->sessions[0].server, d->sessions[0].endpoints,
				  discover_fresh_port(d));
	for (unsigned k = 0; d->session_count > 0 && k < FILTER_KINDS; k++) {
		uint8_t ask = d->sessions[0].asks[k];

		if (ask != ASK_NONE && asks_state(&d->asks, ask, view) == ASK_SILENT)
			tcp_mapping_set_dead(&d->tcp_mapping, (enum verdict_filter_kind)k);
	}
	discover_step_tcp_mapping(d, view);
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
bool discover_samples_are_due(const struct discover *d)
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
bool discover_others_are_over(const struct discover *d, const struct probe_view *view)
{
	return !discover_samples_are_due(d) && hairpin_is_over(&d->hairpin, view) &&
	       !checks_are_due(d, view) &&
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

	portmap_expect(&d->portmap, probe_view_rtt_us(view, 0), loss.answered, loss.lost);
}

void discover_run_beside(struct discover *d)
{
	struct probe_view view = discover_view(d);

	run_tcp_mapping(d, &view);
	hang_up_controls(d);
	run_rate(d);
	view = discover_view(d);
	expect_portmap(d, &view);
	run_samples(d, &view);
	run_hairpin(d, &view);
}
