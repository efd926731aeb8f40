/* The verdict of a discovery, from all that was seen. */
#include "confidence.h"
#include "discover_state.h"
#include "nat64.h"

/* Copies that a server must have ignored before it is called silent. */
#define SILENT_COPIES 3

static void end_servers(struct discover *d)
{
	struct verdict *v = &d->verdict;

	v->server_count = d->server_count;
	for (uint8_t i = 0; i < d->server_count; i++) {
		const struct server *s = &d->servers[i];

		v->servers[i] = (struct verdict_server){
			.name = s->name,
			.addr = s->addr,
			.other = s->other,
			.rtt_us = d->log.rtt[i].min_us,
			.sent = d->log.server_sent[i],
			.answered = d->log.server_answered[i],
		};
		if (d->answered_us != 0 && !s->judged && d->log.server_sent[i] >= SILENT_COPIES)
			verdict_add_finding(v, CAUSE_SERVER_SILENT, i, &s->addr);
	}
}

static void end_tcp(struct discover *d)
{
	struct verdict *v = &d->verdict;

	for (size_t i = 0; i < d->streams.count; i++) {
		const struct stream *c = &d->streams.list[i];
		struct verdict_server *s = &v->servers[c->server];

		s->tcp_tried++;
		s->tcp_connected += c->connected;
		s->tcp_answered += c->answered;
		if (s->tcp_mapped.family != ADDR_NONE || c->mapped.family == ADDR_NONE)
			continue;
		s->tcp_local = c->local;
		s->tcp_mapped = c->mapped;
		if (v->mapped_tcp.family == ADDR_NONE) {
			v->local_tcp = c->local;
			v->mapped_tcp = c->mapped;
		}
	}
}

static void end_sightings(struct discover *d)
{
	struct verdict *v = &d->verdict;

	v->sighting_count = (uint8_t)asks_sightings(&d->asks, v->sightings);
	for (size_t i = 0; i < v->sighting_count; i++) {
		struct verdict_sighting *seen = &v->sightings[i];

		seen->local = d->slot_local[seen->slot];
		if (v->mapped.family == ADDR_NONE && seen->slot == MAPPING_SLOT)
			v->mapped = seen->mapped;
	}
	v->local = d->open[MAPPING_SLOT] ? d->slot_local[MAPPING_SLOT] : d->local;
}

static void end_counters(struct discover *d)
{
	struct verdict *v = &d->verdict;

	v->sent = (uint16_t)(d->log.sent + d->portmap_sent - d->portmap_refused);
	v->answered = d->log.answered;
	v->send_errors = (uint16_t)(d->log.send_errors + d->portmap_refused);
	v->stray = d->log.stray;
	v->duplicates = d->log.duplicates;
	v->elapsed_us = d->now_us - d->started_us;
	for (size_t i = 0; i < d->server_count; i++) {
		const struct probe_rtt *rtt = &d->log.rtt[i];

		if (rtt->min_us != 0 && (v->rtt_min_us == 0 || rtt->min_us < v->rtt_min_us))
			v->rtt_min_us = rtt->min_us;
		if (rtt->max_us > v->rtt_max_us)
			v->rtt_max_us = rtt->max_us;
	}
}

/* The first server that answered. */
static uint8_t first_server(const struct discover *d)
{
	for (uint8_t i = 0; i < d->server_count; i++) {
		if (d->servers[i].judged)
			return i;
	}
	return VERDICT_NO_SERVER_INDEX;
}

/* Why no server that answered was measured with. */
static enum verdict_cause unfit_servers(const struct discover *d)
{
	uint8_t first = first_server(d);

	if (first == VERDICT_NO_SERVER_INDEX)
		return d->answered_us != 0 ? CAUSE_LOCAL_ERROR : CAUSE_NO_SERVER;
	return d->servers[first].unfit != CAUSE_NONE ? (enum verdict_cause)d->servers[first].unfit
						     : CAUSE_LOCAL_ERROR;
}

/* The session whose filtering is reported: the first with a value, else the first. */
static const struct session *best_session(const struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		if (filter_test_result(&d->sessions[i].filter, view).value != BEHAVIOUR_UNKNOWN)
			return &d->sessions[i];
	}
	return d->session_count > 0 ? &d->sessions[0] : NULL;
}

static void end_filter_evidence(struct verdict *v, const struct filter_test *f)
{
	for (unsigned k = 0; k < FILTER_KINDS; k++) {
		const struct filter_kind_state *s = &f->kinds[k];

		v->filter[k] = (struct verdict_filter_probe){
			.source = s->source,
			.sent = s->sent,
			.answered = s->answered,
			.verify_sent = s->verify_sent,
			.verify_answered = s->verify_answered,
		};
	}
}

static void end_filtering(struct discover *d, enum verdict_cause cause)
{
	struct verdict *v = &d->verdict;
	struct probe_view view = discover_view(d);
	const struct session *s = best_session(d, &view);

	v->filtering = (struct verdict_property){
		.possible = CLASSIFY_ANY,
		.server = first_server(d),
	};
	if (s == NULL) {
		v->filtering.cause = (uint8_t)(cause != CAUSE_NONE ? cause : unfit_servers(d));
		return;
	}
	v->filtering = filter_test_result(&s->filter, &view);
	end_filter_evidence(v, &s->filter);
	for (unsigned k = FILTER_PORT; k < FILTER_KINDS; k++) {
		if (v->filter[k].answered == 0)
			v->window_us = d->now_us - s->filter.started_us;
	}
}

static void end_session_findings(struct discover *d)
{
	struct probe_view view = discover_view(d);

	for (size_t i = 0; i < d->session_count; i++) {
		const struct session *s = &d->sessions[i];
		const struct addr *silent = session_silent_endpoint(s, &d->asks, &view);

		if (silent != NULL)
			verdict_add_finding(&d->verdict, CAUSE_ALTERNATE_SILENT, s->server, silent);
		if (filter_test_drops_change(&s->filter, &view))
			verdict_add_finding(&d->verdict, CAUSE_DROPS_CHANGE, s->server,
					    &s->endpoints[FILTER_CONTROL]);
	}
}

/* A server's misbehaviour explains more than the number of endpoints that were left. */
static enum verdict_cause mapping_cause(const struct discover *d, enum verdict_cause cause)
{
	for (size_t i = 0; i < d->verdict.finding_count; i++) {
		const struct verdict_finding *f = &d->verdict.findings[i];

		if (f->cause == CAUSE_WRONG_SOURCE || f->cause == CAUSE_SERVER_ERROR ||
		    f->cause == CAUSE_ALTERNATE_SILENT || f->cause == CAUSE_SAME_ADDRESS ||
		    f->cause == CAUSE_SAME_PORT || f->cause == CAUSE_ALTERNATE_UNUSABLE)
			return (enum verdict_cause)f->cause;
	}
	return cause;
}

static enum verdict_answer nat_by_tcp(const struct verdict *v)
{
	struct verdict_sighting seen[VERDICT_SERVERS_MAX] = { 0 };

	for (size_t i = 0; i < v->server_count; i++) {
		seen[i].local = v->servers[i].tcp_local;
		seen[i].mapped = v->servers[i].tcp_mapped;
	}
	return classify_nat(seen, v->server_count);
}

/* A NAT that TCP showed says nothing about how it maps UDP. */
static void end_without_mapping(struct verdict *v, enum verdict_cause cause)
{
	v->nat.value = (uint8_t)nat_by_tcp(v);
	if (v->nat.value == VERDICT_UNKNOWN)
		v->nat.cause = (uint8_t)cause;
	if (v->nat.value != VERDICT_YES)
		v->mapping.possible |= BEHAVIOUR_BIT(BEHAVIOUR_NONE);
	v->mapping.cause = (uint8_t)cause;
}

static void end_mapping(struct discover *d, enum verdict_cause cause)
{
	struct verdict *v = &d->verdict;

	v->nat.value = (uint8_t)classify_nat(v->sightings, v->sighting_count);
	v->mapping = (struct verdict_property){
		.possible = CLASSIFY_ANY,
		.server = first_server(d),
	};
	if (v->nat.value == VERDICT_UNKNOWN) {
		end_without_mapping(v, cause != CAUSE_NONE ? cause : unfit_servers(d));
		return;
	}
	v->mapping = classify_mapping(v->sightings, v->sighting_count);
	v->mapping.server = d->session_count > 0 ? d->sessions[0].server : first_server(d);
	if (v->mapping.value == BEHAVIOUR_UNKNOWN)
		v->mapping.cause =
			(uint8_t)(cause != CAUSE_NONE ? cause : mapping_cause(d, v->mapping.cause));
}

static void end_udp(struct discover *d, enum verdict_cause cause)
{
	struct verdict_yes_no *blocked = &d->verdict.udp_blocked;

	if (d->answered_us != 0)
		blocked->value = VERDICT_NO;
	else if (cause == CAUSE_UDP_BLOCKED)
		blocked->value = discover_detour_is_answered(d) ? VERDICT_MIXED : VERDICT_YES;
	else
		blocked->cause = (uint8_t)cause;
}

static void end_tcp_mapping(struct discover *d, enum verdict_cause cause)
{
	struct verdict_property *p = &d->verdict.mapping_tcp;
	struct probe_view view = discover_view(d);

	if (d->tcp_mapping.begun) {
		*p = tcp_mapping_result(&d->tcp_mapping, &d->streams);
		if (p->value == BEHAVIOUR_UNKNOWN && cause == CAUSE_TIMEOUT &&
		    !tcp_mapping_is_over(&d->tcp_mapping, &d->streams, &view))
			p->cause = CAUSE_TIMEOUT;
		return;
	}
	*p = (struct verdict_property){
		.possible = CLASSIFY_ANY | BEHAVIOUR_BIT(BEHAVIOUR_NONE),
		.server = first_server(d),
		.cause = (uint8_t)(cause != CAUSE_NONE ? cause : unfit_servers(d)),
	};
}

static void blame(struct verdict_yes_no *answer, enum verdict_cause cause)
{
	if (answer->value == VERDICT_UNKNOWN)
		answer->cause = (uint8_t)cause;
}

/* Why there are too few samples, if it is not what they say. */
static enum verdict_cause samples_cause(const struct discover *d, enum verdict_cause cause)
{
	if (d->samples.cause != CAUSE_NONE)
		return (enum verdict_cause)d->samples.cause;
	if (samples_are_over(&d->samples))
		return CAUSE_NONE;
	return cause != CAUSE_NONE ? cause : CAUSE_NOT_TRIED;
}

/* Where samples are missing, and it was no loss. */
static void blame_limit(struct verdict *v)
{
	if (v->ports.cause == CAUSE_LOSS || v->ports.cause == CAUSE_AMBIGUOUS)
		v->ports.cause = CAUSE_MAPPING_LIMIT;
	if (v->ports.delta == DELTA_UNKNOWN) {
		blame(&v->ports.parity, CAUSE_MAPPING_LIMIT);
		blame(&v->ports.contiguity, CAUSE_MAPPING_LIMIT);
	}
	if (v->pooling.cause == CAUSE_LOSS)
		v->pooling.cause = CAUSE_MAPPING_LIMIT;
}

static void end_ports(struct discover *d, enum verdict_cause cause)
{
	struct verdict *v = &d->verdict;
	struct probe_view view = discover_view(d);
	enum verdict_answer nat = (enum verdict_answer)v->nat.value;

	v->sample_count = (uint8_t)samples_copy(&d->samples, v->samples);
	allocation_classify(v->samples, v->sample_count, nat, d->allowance * CONFIDENCE_PORTS_SHARE,
			    &v->ports, &v->prediction);
	allocation_pooling(v, &d->samples.to, d->allowance * CONFIDENCE_POOLING_SHARE);
	if (samples_are_refused(&d->samples, &view))
		blame_limit(v);
	cause = samples_cause(d, cause);
	if (cause == CAUSE_NONE)
		return;
	if (v->ports.delta == DELTA_UNKNOWN)
		v->ports.cause = (uint8_t)cause;
	blame(&v->ports.parity, cause);
	blame(&v->ports.contiguity, cause);
	if (v->pooling.value == POOLING_UNKNOWN)
		v->pooling.cause = (uint8_t)cause;
}

/* Whom the server saw once the hairpin was tried is whom it saw before? Else why not. */
static enum verdict_cause judge_ends(const struct discover *d, const struct probe_view *view)
{
	const struct hairpin *h = &d->hairpin;

	for (size_t i = 0; h->begun && i < HAIRPIN_ENDS; i++) {
		const struct addr *before = samples_mapped(&d->samples, h->ends[i].slot);
		const struct addr *now;

		if (!h->is_checked || h->checks[i] == ASK_NONE)
			return CAUSE_LOSS;
		now = &d->asks.list[h->checks[i]].seen.mapped;
		if (now->family == ADDR_NONE)
			return view->exhausted ? CAUSE_BUDGET : CAUSE_LOSS;
		if (before == NULL || !classify_same_endpoint(now, before))
			return CAUSE_CHANGED;
	}
	return CAUSE_NONE;
}

static void end_hairpin(struct discover *d, enum verdict_cause cause)
{
	struct verdict *v = &d->verdict;
	struct probe_view view = discover_view(d);
	struct hairpin_rest rest = {
		.nat = (enum verdict_answer)v->nat.value,
		.mapping = (enum verdict_behaviour)v->mapping.value,
		.filtering = (enum verdict_behaviour)v->filtering.value,
		.pooling = (enum verdict_pooling)v->pooling.value,
		.unmapped = judge_ends(d, &view),
		.sees_own_source = d->sees_own_source,
	};

	hairpin_end(&d->hairpin, &view, &rest, &d->local, cause, v);
}

static bool is_beyond_nat64(const struct addr *mapped, const struct addr *local)
{
	return mapped->family == ADDR_IPV4 && local->family == ADDR_IPV6;
}

/* An IPv6 host is seen with an IPv4 address (RFC 6146). */
static void end_nat64(struct discover *d)
{
	struct verdict *v = &d->verdict;
	bool seen = v->mapped.family != ADDR_NONE || v->mapped_tcp.family != ADDR_NONE;

	v->nat64_prefix = d->nat64_prefix;
	v->nat64_prefix_len = d->nat64_len;
	for (size_t i = 0; i < d->streams.count && v->nat64_prefix_len == 0; i++) {
		const struct stream *c = &d->streams.list[i];

		v->nat64_prefix_len = c->nat64_len;
		v->nat64_prefix = nat64_prefix(&c->to, c->nat64_len);
	}
	if (is_beyond_nat64(&v->mapped, &d->local) || is_beyond_nat64(&v->mapped_tcp, &d->local))
		v->nat64.value = VERDICT_YES;
	else if (seen || d->local.family == ADDR_IPV4)
		v->nat64.value = VERDICT_NO;
	else
		v->nat64.cause = CAUSE_NO_SERVER;
}

static void end_gateway(struct discover *d)
{
	struct verdict *v = &d->verdict;
	enum verdict_cause early = discover_budget_left(d) == 0 ? CAUSE_BUDGET : CAUSE_TIMEOUT;

	v->gateway = d->gateway;
	portmap_end(&d->portmap, early, v, d->now_us);
	portmap_judge_cgn(v);
}

static void end_confidence(struct discover *d)
{
	struct verdict *v = &d->verdict;
	struct probe_loss loss = probe_log_link_loss(&d->log, d->rate.since_us, d->now_us);

	v->loss = confidence_loss(loss.answered, loss.lost);
	v->confidence_asked = d->confidence;
	v->confidence = confidence_of(v, d->blocked_error + rate_limit_error(&d->rate));
}

void discover_end(struct discover *d, enum verdict_cause cause)
{
	struct verdict *v = &d->verdict;
	enum verdict_answer blocked;

	d->finished = true;
	end_servers(d);
	end_tcp(d);
	end_sightings(d);
	end_counters(d);
	end_session_findings(d);
	end_udp(d, cause);
	blocked = (enum verdict_answer)v->udp_blocked.value;
	end_mapping(d, cause);
	end_filtering(d, cause);
	end_tcp_mapping(d, cause);
	end_ports(d, cause);
	end_hairpin(d, cause);
	end_gateway(d);
	end_nat64(d);
	rate_limit_end(&d->rate, d->answered_us != 0, cause, v);
	end_confidence(d);
	v->firewall = classify_firewall(blocked, &v->nat, &v->filtering);
	if (blocked == VERDICT_UNKNOWN && d->answered_us == 0)
		v->firewall = (struct verdict_yes_no){ .cause = v->udp_blocked.cause };
	v->legacy = (uint8_t)classify_legacy(blocked, &v->mapping, &v->filtering);
}
