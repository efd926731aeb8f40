/* The next action of a discovery. */
#include "discover_state.h"

/* Connections whose handshakes and answers show how much is lost, where UDP is silent. */
#define CONTROLS_WANTED 4

static bool take_slot_action(struct discover *d, enum slot_state in, enum slot_state next,
			     enum discover_kind kind, struct discover_action *action)
{
	for (uint8_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (d->slots[i] != in)
			continue;
		d->slots[i] = (uint8_t)next;
		action->kind = (uint8_t)kind;
		action->slot = i;
		action->port = kind == DISCOVER_OPEN ? d->ports[i] : 0;
		return true;
	}
	return false;
}

static bool take_hang_up(struct discover *d, bool all, struct discover_action *action)
{
	action->kind = DISCOVER_DISCONNECT;
	return streams_hang_up(&d->streams, all, &action->slot);
}

static void connect_to(struct discover *d, uint8_t server, const struct addr *to, uint16_t port,
		       struct discover_action *action)
{
	uint8_t random[12];

	d->random(d->random_arg, random, sizeof(random));
	action->kind = DISCOVER_CONNECT;
	action->to = *to;
	action->port = port;
	action->slot =
		streams_connect(&d->streams, server, to, port, random, d->now_us, &action->data);
}

static bool take_control(struct discover *d, struct discover_action *action)
{
	size_t wanted = d->tcp_mapping.begun ? 0 : CONTROLS_WANTED;
	uint8_t server;

	if (d->answered_us != 0 || !tcp_control_is_due(&d->tcp, &d->streams, wanted, d->now_us))
		return false;
	server = tcp_control_server(&d->tcp);
	connect_to(d, server, &d->servers[server].addr, 0, action);
	tcp_control_begun(&d->tcp, &d->timing, d->now_us);
	return true;
}

static bool take_connect(struct discover *d, const struct probe_view *view,
			 struct discover_action *action)
{
	struct addr to;
	uint16_t port;

	if (view->holds)
		return false;
	if (!tcp_mapping_next(&d->tcp_mapping, &d->streams, &to, &port))
		return take_control(d, action);
	connect_to(d, d->tcp_mapping.server, &to, port, action);
	tcp_mapping_begun(&d->tcp_mapping, action->slot);
	return true;
}

static bool want_pace_probe(const struct discover *d, struct probe_want *want)
{
	const struct server *s;

	if (!d->only_rate || !rate_limit_wants_probe(&d->rate) || d->session_count == 0)
		return false;
	s = &d->servers[d->sessions[0].server];
	*want = (struct probe_want){
		.test = PROBE_PACED,
		.slot = MAPPING_SLOT,
		.server = d->sessions[0].server,
		.to = s->addr,
		.source = s->addr,
	};
	return true;
}

/* What some test wants sent. */
static bool find_want(struct discover *d, const struct probe_view *view, struct probe_want *want)
{
	if (view->exhausted)
		return false;
	if (samples_next(&d->samples, view) == SAMPLES_SEND) {
		samples_want(&d->samples, want);
		return true;
	}
	if (asks_next(&d->asks, view, want) || hairpin_next(&d->hairpin, view, want))
		return true;
	for (size_t i = 0; i < d->session_count; i++) {
		if (filter_test_next(&d->sessions[i].filter, view, want))
			return true;
	}
	return want_pace_probe(d, want);
}

static void note_sent(struct discover *d, const struct probe_want *want,
		      const struct probe_view *view)
{
	switch ((enum probe_test)want->test) {
	case PROBE_ASK:
		asks_sent(&d->asks, want->index, view);
		break;
	case PROBE_FILTER:
	case PROBE_VERIFY:
		filter_test_sent(&d->sessions[want->index].filter, want, view);
		break;
	case PROBE_SAMPLE:
		samples_sent(&d->samples, view);
		break;
	case PROBE_HAIRPIN:
		hairpin_sent(&d->hairpin, view);
		break;
	default:
		rate_limit_probe_sent(&d->rate);
		break;
	}
}

/* There is a token for one more datagram; else sets when there will be. */
static bool take_token(struct discover *d, struct discover_action *action)
{
	action->deadline_us = pace_ready_us(&d->pace, &d->timing);
	if (action->deadline_us > d->now_us)
		return false;
	pace_take(&d->pace, &d->timing, d->now_us);
	return true;
}

static bool take_probe(struct discover *d, const struct probe_view *view,
		       struct discover_action *action)
{
	struct probe_want want;
	uint8_t random[12];

	if (!find_want(d, view, &want) || !take_token(d, action))
		return false;
	d->random(d->random_arg, random, sizeof(random));
	action->kind = DISCOVER_SEND;
	action->slot = want.slot;
	action->to = want.to;
	action->data = probe_log_add(&d->log, &want, random, d->now_us, d->request);
	note_sent(d, &want, view);
	return true;
}

/* To the gateway: makes no mapping, so it is never held back. */
static bool take_portmap(struct discover *d, const struct probe_view *view,
			 struct discover_action *action)
{
	size_t len;

	if (d->portmap_slot == 0 || !d->open[d->portmap_slot] || view->exhausted ||
	    portmap_deadline_us(&d->portmap) > d->now_us)
		return false;
	if (pace_ready_us(&d->pace, &d->timing) > d->now_us) {
		(void)take_token(d, action);
		return false;
	}
	len = portmap_next(&d->portmap, d->now_us, d->request);
	if (len == 0)
		return false;
	(void)take_token(d, action);
	d->portmap_sent++;
	action->kind = DISCOVER_SEND;
	action->slot = d->portmap_slot;
	action->to = d->portmap.gateway;
	action->data = bytes_of(d->request, len);
	return true;
}

static enum discover_kind take_end(struct discover *d, struct discover_action *action)
{
	if (!take_slot_action(d, SLOT_OPEN, SLOT_CLOSED, DISCOVER_CLOSE, action) &&
	    !take_hang_up(d, true, action))
		action->kind = DISCOVER_DONE;
	return (enum discover_kind)action->kind;
}

static enum discover_kind take_wait(struct discover *d, const struct probe_view *view,
				    struct discover_action *action)
{
	uint64_t paced_us = action->deadline_us; /* of a datagram that waits for its token */
	uint64_t deadline_us = discover_run_deadline_us(d);

	timing_sooner(&deadline_us, paced_us, d->now_us);
	timing_sooner(&deadline_us, asks_deadline_us(&d->asks, view), d->now_us);
	timing_sooner(&deadline_us, samples_deadline_us(&d->samples, view), d->now_us);
	timing_sooner(&deadline_us, hairpin_deadline_us(&d->hairpin, view), d->now_us);
	timing_sooner(&deadline_us, tcp_mapping_deadline_us(&d->tcp_mapping, &d->streams, view),
		      d->now_us);
	if (d->portmap_slot != 0)
		timing_sooner(&deadline_us, portmap_deadline_us(&d->portmap), d->now_us);
	for (size_t i = 0; i < d->session_count; i++)
		timing_sooner(&deadline_us, filter_test_deadline_us(&d->sessions[i].filter, view),
			      d->now_us);
	*action = (struct discover_action){ .kind = DISCOVER_WAIT };
	action->deadline_us = deadline_us > d->now_us ? deadline_us : d->now_us + 1;
	return DISCOVER_WAIT;
}

/* The socket of the next sample, once it is due. */
static void want_sample_socket(struct discover *d, const struct probe_view *view)
{
	uint8_t slot;

	if (samples_next(&d->samples, view) != SAMPLES_SOCKET)
		return;
	slot = discover_take_slot(d, samples_port(&d->samples, discover_random(d)));
	if (slot < DISCOVER_SLOTS_MAX)
		samples_socket_wanted(&d->samples, slot);
	else
		samples_give_up(&d->samples, CAUSE_LOCAL_ERROR);
}

enum discover_kind discover_act(struct discover *d, struct discover_action *action)
{
	struct probe_view view;

	if (d->finished)
		return take_end(d, action);
	view = discover_view(d);
	want_sample_socket(d, &view);
	if (take_slot_action(d, SLOT_WANTED, SLOT_OPENING, DISCOVER_OPEN, action))
		return DISCOVER_OPEN;
	if (take_hang_up(d, false, action) || take_connect(d, &view, action))
		return (enum discover_kind)action->kind;
	*action = (struct discover_action){ 0 };
	if (take_probe(d, &view, action) || take_portmap(d, &view, action))
		return DISCOVER_SEND;
	return take_wait(d, &view, action);
}
