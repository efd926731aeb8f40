#include "discover.h"

#include <stdlib.h>

#include "confidence.h"
#include "discover_state.h"
#include "nat64.h"

static bool has_server(const struct discover *d, const struct addr *addr)
{
	for (size_t i = 0; i < d->server_count; i++) {
		if (classify_same_endpoint(&d->servers[i].addr, addr))
			return true;
	}
	return false;
}

static void take_servers(struct discover *d, const struct discover_config *config)
{
	for (size_t i = 0; i < config->server_count; i++) {
		const struct discover_server *s = &config->servers[i];

		if (d->server_count == VERDICT_SERVERS_MAX)
			return;
		if (s->addr.family != config->local.family || has_server(d, &s->addr))
			continue;
		d->servers[d->server_count++] = (struct server){
			.addr = s->addr,
			.name = s->name,
			.ask = ASK_NONE,
		};
	}
}

struct discover *discover_new(const struct discover_config *config)
{
	struct discover *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->local = config->local;
	d->gateway = config->gateway;
	d->confidence = config->confidence > 0 ? config->confidence : CONFIDENCE_DEFAULT;
	d->allowance = confidence_allowance(d->confidence);
	d->sees_own_source = config->sees_own_source;
	d->has_floor = true;
	d->ports[MAPPING_SLOT] = config->local_port;
	d->random = config->random;
	d->random_arg = config->random_arg;
	d->timing = config->timing != NULL ? *config->timing : discover_timing_default();
	take_servers(d, config);
	return d;
}

void discover_free(struct discover *d)
{
	free(d);
}

/* Time that goes back is taken as standing still. */
static void move_on(struct discover *d, uint64_t now_us)
{
	if (now_us > d->now_us)
		d->now_us = now_us;
}

enum discover_kind discover_next(struct discover *d, uint64_t now_us,
				 struct discover_action *action)
{
	*action = (struct discover_action){ 0 };
	move_on(d, now_us);
	if (!d->started && !d->finished)
		discover_start(d);
	if (!d->finished)
		discover_run(d);
	return discover_act(d, action);
}

void discover_on_open(struct discover *d, uint8_t slot, const struct addr *local)
{
	if (slot >= DISCOVER_SLOTS_MAX || d->slots[slot] != SLOT_OPENING)
		return;
	d->slots[slot] = SLOT_OPEN;
	d->open[slot] = true;
	d->slot_local[slot] = *local;
	(void)samples_on_open(&d->samples, slot, local);
}

void discover_on_open_failed(struct discover *d, uint8_t slot, int err)
{
	if (slot >= DISCOVER_SLOTS_MAX || d->slots[slot] != SLOT_OPENING)
		return;
	d->slots[slot] = SLOT_FAILED;
	if (samples_on_open_failed(&d->samples, slot))
		d->slots[slot] = SLOT_UNUSED; /* another port is tried */
	if (slot == d->portmap_slot)
		portmap_on_refused(&d->portmap);
	asks_slot_failed(&d->asks, slot);
}

static void withdraw(struct discover *d, const struct probe_want *want)
{
	switch ((enum probe_test)want->test) {
	case PROBE_ASK:
		asks_withdrawn(&d->asks, want->index);
		break;
	case PROBE_FILTER:
	case PROBE_VERIFY:
		filter_test_withdrawn(&d->sessions[want->index].filter, want);
		break;
	case PROBE_SAMPLE:
		samples_withdrawn(&d->samples, want->item);
		break;
	case PROBE_HAIRPIN:
		hairpin_withdrawn(&d->hairpin);
		break;
	default:
		break;
	}
}

void discover_on_send_error(struct discover *d, uint8_t slot, int err)
{
	const struct probe *p;

	if (slot == d->portmap_slot && d->portmap_sent > d->portmap_refused) {
		d->portmap_refused++;
		portmap_on_refused(&d->portmap);
		return;
	}
	p = probe_log_withdraw(&d->log, slot);
	if (p != NULL)
		withdraw(d, &p->want);
}

static void on_ask(struct discover *d, enum probe_match match, const struct probe_answer *answer)
{
	const struct probe_want *want = &answer->probe->want;
	const struct ask *a = &d->asks.list[want->index];

	asks_on_answer(&d->asks, match, answer);
	if (match != PROBE_ANSWER)
		verdict_add_finding(&d->verdict, (enum verdict_cause)a->fault, want->server,
				    &answer->from);
	if (!a->opening || d->servers[want->server].judged)
		return;
	d->servers[want->server].other = answer->other;
	discover_judge_server(d, want->server);
}

static enum verdict_cause fault_of(enum probe_match match, const struct probe_want *want)
{
	bool control = want->item == FILTER_CONTROL;

	switch (match) {
	case PROBE_REFUSED:
		return control ? CAUSE_SERVER_ERROR : CAUSE_REFUSES_CHANGE;
	case PROBE_FROM_ASKED:
		return CAUSE_IGNORES_CHANGE;
	case PROBE_FROM_ANOTHER:
		return CAUSE_WRONG_SOURCE;
	default:
		return CAUSE_NONE;
	}
}

static void on_filter(struct discover *d, enum probe_match match, const struct probe_answer *answer)
{
	const struct probe_want *want = &answer->probe->want;
	struct filter_test *f = &d->sessions[want->index].filter;
	enum verdict_cause fault = fault_of(match, want);

	if (fault == CAUSE_NONE) {
		filter_test_on_answer(f, want);
		return;
	}
	filter_test_set_fault(f, fault);
	verdict_add_finding(&d->verdict, fault, want->server, &answer->from);
}

static bool is_detour(const struct discover *d, const struct probe_want *want)
{
	return want->test == PROBE_ASK && d->asks.list[want->index].detour;
}

static void note_nat64(struct discover *d, const struct probe_answer *answer)
{
	if (answer->nat64_len == 0 || d->nat64_len != 0)
		return;
	d->nat64_len = answer->nat64_len;
	d->nat64_prefix = nat64_prefix(&answer->from, answer->nat64_len);
}

static void on_answer(struct discover *d, enum probe_match match, const struct probe_answer *answer)
{
	const struct probe_want *want = &answer->probe->want;

	note_nat64(d, answer);
	if (d->answered_us == 0 && !is_detour(d, want))
		d->answered_us = d->now_us > 0 ? d->now_us : 1;
	switch ((enum probe_test)want->test) {
	case PROBE_ASK:
		on_ask(d, match, answer);
		break;
	case PROBE_FILTER:
	case PROBE_VERIFY:
		on_filter(d, match, answer);
		break;
	case PROBE_SAMPLE:
		if (match == PROBE_ANSWER)
			samples_on_answer(&d->samples, want->item, &answer->mapped);
		break;
	default:
		break;
	}
}

/* One of our own hairpin probes came back. */
static bool on_own(struct discover *d, uint8_t slot, const struct addr *from, struct bytes data)
{
	const struct probe *p = probe_log_match_own(&d->log, data);

	if (p != NULL)
		hairpin_on_arrival(&d->hairpin, p->want.item, slot, from);
	return p != NULL;
}

void discover_on_datagram(struct discover *d, uint8_t slot, const struct addr *from,
			  struct bytes data, uint64_t now_us)
{
	struct probe_answer answer;
	enum probe_match match;

	move_on(d, now_us);
	if (d->finished || slot >= DISCOVER_SLOTS_MAX || !d->open[slot])
		return;
	if (d->portmap_slot != 0 && slot == d->portmap_slot) {
		portmap_on_datagram(&d->portmap, from, data);
		return;
	}
	if (on_own(d, slot, from, data))
		return;
	match = probe_log_match(&d->log, slot, from, data, d->now_us, &answer);
	if (match != PROBE_STRAY && match != PROBE_DUPLICATE)
		on_answer(d, match, &answer);
}

void discover_on_connected(struct discover *d, uint8_t slot, const struct addr *local,
			   uint64_t now_us)
{
	move_on(d, now_us);
	if (!d->finished && slot < d->streams.count)
		streams_on_connected(&d->streams, slot, local != NULL ? local : &d->local,
				     d->now_us);
}

void discover_on_stream(struct discover *d, uint8_t slot, enum discover_stream what,
			struct bytes data, uint64_t now_us)
{
	move_on(d, now_us);
	if (d->finished || slot >= d->streams.count)
		return;
	switch (what) {
	case DISCOVER_STREAM_DATA:
		streams_on_data(&d->streams, slot, data, d->now_us);
		break;
	case DISCOVER_STREAM_CLOSED:
		streams_on_closed(&d->streams, slot);
		break;
	}
}

void discover_stop(struct discover *d, uint64_t now_us)
{
	move_on(d, now_us);
	if (!d->started)
		d->started_us = d->now_us;
	if (!d->finished)
		discover_end(d, CAUSE_TIMEOUT);
}

const struct verdict *discover_verdict(const struct discover *d)
{
	return d->finished ? &d->verdict : NULL;
}

/* Something that may make a mapping is still to leave, or may have to leave again. */
static bool makes_mappings(const struct discover *d, const struct probe_view *view)
{
	for (size_t i = 0; i < d->session_count; i++) {
		const struct filter_test *f = &d->sessions[i].filter;

		if (!f->is_mapped && !filter_test_is_over(f, view))
			return true;
	}
	return discover_samples_are_due(d) ||
	       (d->hairpin.begun && !hairpin_has_mappings(&d->hairpin)) ||
	       asks_are_waiting(&d->asks, view) || !discover_others_are_out(d, view);
}

bool discover_wants_floor(const struct discover *d)
{
	struct probe_view view;

	if (d->finished)
		return false;
	if (d->answered_us == 0)
		return !discover_yields(d) && !discover_has_looked(d);
	view = discover_view(d);
	return makes_mappings(d, &view);
}

void discover_take_floor(struct discover *d, bool granted)
{
	d->has_floor = granted;
	discover_end_look(d);
}

struct discover_progress discover_progress(const struct discover *d)
{
	struct discover_progress p = {
		.phase = DISCOVER_ASKING,
		.sent = (uint16_t)(d->log.sent + d->portmap_sent),
		.answered = d->log.answered,
		.started_us = d->started_us,
	};

	if (d->finished) {
		p.phase = DISCOVER_FINISHED;
	} else if (d->session_count > 0) {
		const struct filter_test *f = &d->sessions[d->session_count - 1].filter;
		struct probe_view view = { .log = &d->log };

		p.phase = DISCOVER_MEASURING;
		p.window_ends_us =
			f->started_us +
			discover_window_us(&d->timing, probe_view_rtt_us(&view, f->server));
	}
	return p;
}
