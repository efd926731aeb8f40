/* Filtering of TCP: whose connections come in to a port that is connected elsewhere. */
#include "natprobe/discover/confidence.h"
#include "natprobe/discover/probe_log.h"
#include "stun_stream.h"
#include "turn_resolve.h"
#include "vantage_state.h"

#define SECOND_US  UINT64_C(1000000)
#define CONNECT_US (8 * SECOND_US) /* for a connection of ours, and the answer to a request */
#define NOT_LINKED 447             /* RFC 6062: the peer did not take the connection */
#define FORBIDDEN  403
#define EACH       3 /* ports for each kind of filter */

/* When a SYN is sent again, after the first one (RFC 6298). */
static const uint64_t again_us[] = { 0, SECOND_US, 3 * SECOND_US, 7 * SECOND_US };

/* A Connect is answered when the peer has: longer than the last SYN that is waited for. */
static const struct stun_txn_timing timing = { .ti_us = 12 * SECOND_US, .reliable = true };

static const struct vantage_target *find_target(const struct vantage *v)
{
	for (size_t i = 0; i < v->target_count; i++) {
		if (turn_transport_is_stream(v->targets[i].transport))
			return &v->targets[i];
	}
	return NULL;
}

/* Once UDP has what it takes: a server may grant little to one user. */
static void start(struct vantage *v)
{
	const struct vantage_target *target = find_target(v);
	struct turn_client_config config;

	v->tcp.has_started = true;
	if (target == NULL) {
		v->tcp.is_over = true;
		v->tcp.cause = v->target_count > 0 ? CAUSE_TURN_NO_TCP : CAUSE_TURN_FAILED;
		return;
	}
	config = vt_client_config(v, target);
	config.options.tcp = true;
	config.timing = &timing;
	if (v->family == ADDR_IPV6)
		config.options.families = TURN_CLIENT_FAMILY_IPV6;
	v->tcp.transport = target->transport;
	turn_end_start(&v->ends[VT_TCP_END], &config);
}

static void add_call(struct vantage *v, uint8_t kind, const struct addr *to)
{
	for (size_t i = 0; i < VANTAGE_CALLS; i++) {
		struct vt_call *c = &v->tcp.calls[i];

		if (c->state != VT_CALL_NONE)
			continue;
		*c = (struct vt_call){ .state = VT_CALL_TO_CONNECT, .kind = kind, .to = *to };
		if (kind == FILTER_CONTROL) { /* nothing of ours is connected for it */
			c->state = VT_CALL_MAPPED;
			c->mapped = vt_beyond(v, to);
		}
		return;
	}
}

/* A STUN server that the relay is another address and port to; ADDR_NONE: there is none. */
static struct addr find_far(const struct vantage *v)
{
	for (size_t i = 0; i < v->tcp_opener_count; i++) {
		struct addr a = vt_beyond(v, &v->tcp_openers[i]);

		if (a.family == v->family && vt_is_far(&a, &v->tcp.relayed))
			return v->tcp_openers[i];
	}
	return (struct addr){ 0 };
}

static void begin_calls(struct vantage *v)
{
	struct addr far = find_far(v), near = v->ends[VT_TCP_END].to;
	struct addr beyond = vt_beyond(v, &near);
	bool has_near =
		addr_equal_ip(&beyond, &v->tcp.relayed) && beyond.port != v->tcp.relayed.port;

	v->tcp.has_begun = true;
	for (size_t i = 0; i < EACH; i++) {
		if (far.family != ADDR_NONE)
			add_call(v, FILTER_BOTH, &far);
		if (has_near)
			add_call(v, FILTER_PORT, &near);
	}
	if (far.family != ADDR_NONE)
		add_call(v, FILTER_CONTROL, &far);
}

static void end_call(struct vt_call *c, uint8_t cause)
{
	c->state = VT_CALL_OVER;
	c->cause = cause;
}

/* 0: it has not answered yet, and we wait no longer than for a SYN. */
static uint8_t cause_of_code(uint16_t code)
{
	if (code == NOT_LINKED || code == 0)
		return CAUSE_NONE;
	return code == FORBIDDEN ? CAUSE_TURN_DENIED : CAUSE_TURN_FAILED;
}

/* What the TURN server says of a connection that it was to make. */
static void step_calling(struct vantage *v, struct vt_call *c)
{
	const struct turn_end *e = &v->ends[VT_TCP_END];
	uint32_t bit = UINT32_C(1) << c->link;

	if (c->kind == FILTER_CONTROL && (e->linked & bit) != 0) {
		c->arrived = true;
		end_call(c, CAUSE_NONE);
	} else if ((e->unlinked & bit) != 0) {
		c->refused = e->link_codes[c->link] == NOT_LINKED;
		end_call(c, cause_of_code(e->link_codes[c->link]));
	}
}

/* True where it is another state now. */
static bool step_call(struct vantage *v, struct vt_call *c, uint64_t now_us)
{
	uint8_t before = c->state;

	switch (c->state) {
	case VT_CALL_CONNECTING:
	case VT_CALL_ASKING:
		if (now_us >= c->begun_us + CONNECT_US)
			end_call(c, CAUSE_TCP_SILENT);
		break;
	case VT_CALL_MAPPED:
		c->link = turn_client_connect(v->ends[VT_TCP_END].client, &c->mapped, now_us);
		c->called_us = now_us;
		c->state = VT_CALLING;
		if (c->link < 0)
			end_call(c, CAUSE_TURN_FAILED);
		break;
	case VT_CALLING:
		step_calling(v, c);
		break;
	default:
		break;
	}
	return c->state != before;
}

/* SYNs of a call by now whose answer is overdue. */
static unsigned count_syns(const struct vantage *v, const struct vt_call *c, uint64_t now_us)
{
	unsigned syns = 0;

	for (size_t i = 0; c->called_us != 0 && i < ARRAY_LEN(again_us); i++)
		syns += now_us >= c->called_us + again_us[i] + vt_tail_us(v);
	return syns;
}

/* Connections of ours that stood, and were answered: each a round trip or two. */
static unsigned count_answers(const struct vantage *v)
{
	unsigned answers = 0;

	for (size_t i = 0; i < VANTAGE_CALLS; i++) {
		const struct vt_call *c = &v->tcp.calls[i];

		if (c->kind != FILTER_CONTROL && c->called_us != 0)
			answers += 2;
	}
	return answers;
}

/* All calls of one kind. */
struct calls {
	unsigned planned, made, open, arrived, refused, syns;
	uint8_t cause;
	bool may_ring; /* another SYN may come */
};

static struct calls calls_of(const struct vantage *v, uint8_t kind, uint64_t now_us)
{
	struct calls sum = { 0 };

	for (size_t i = 0; i < VANTAGE_CALLS; i++) {
		const struct vt_call *c = &v->tcp.calls[i];
		unsigned syns = count_syns(v, c, now_us);

		if (c->state == VT_CALL_NONE || c->kind != kind)
			continue;
		sum.planned++;
		sum.open += c->state < VT_CALLING;
		sum.arrived += c->arrived;
		sum.refused += c->refused;
		if (c->cause != CAUSE_NONE) {
			sum.cause = c->cause;
			continue;
		}
		sum.made += c->called_us != 0;
		sum.syns += syns;
		sum.may_ring =
			sum.may_ring || (c->state == VT_CALLING && syns < ARRAY_LEN(again_us));
	}
	return sum;
}

static struct vt_gate unknown(uint8_t cause)
{
	return (struct vt_gate){ .cause = cause };
}

static struct vt_gate open_gate(void)
{
	return (struct vt_gate){ .cause = CAUSE_TIMEOUT, .pending = true };
}

/* Why there is no call of this kind. */
static uint8_t cause_of_none(const struct vantage *v, uint8_t kind)
{
	if (v->tcp.cause != CAUSE_NONE)
		return v->tcp.cause;
	if (kind == FILTER_PORT)
		return CAUSE_TURN_ONE_PORT;
	return v->tcp_opener_count > 0 ? CAUSE_TURN_ALIKE : CAUSE_NO_SERVER;
}

static struct vt_gate judge(const struct vantage *v, uint8_t kind, uint64_t now_us)
{
	struct calls control = calls_of(v, FILTER_CONTROL, now_us);
	struct calls all = calls_of(v, kind, now_us);

	if (v->tcp.cause == CAUSE_NONE && !v->tcp.has_begun)
		return open_gate();
	if (all.arrived > 0)
		return (struct vt_gate){ .gate = GATE_PASSES };
	if (all.planned == 0)
		return unknown(cause_of_none(v, kind));
	if (all.open > 0)
		return open_gate();
	if (all.made == 0)
		return unknown(all.cause);
	if (control.arrived == 0)
		return control.may_ring ? open_gate() : unknown(CAUSE_CONTROL_LOST);
	if (all.refused == 0 && vt_silence(v, all.syns, count_answers(v)) > v->error_max)
		return all.may_ring ? open_gate() : unknown(CAUSE_LOSS);
	return (struct vt_gate){ .gate = GATE_BLOCKS };
}

static void end_tcp(struct vantage *v, uint64_t now_us)
{
	if (v->tcp.is_over)
		return;
	v->tcp.is_over = true;
	v->tcp.ended_us = now_us;
	turn_end_close(&v->ends[VT_TCP_END], now_us);
}

void vt_tcp_stop(struct vantage *v, uint64_t now_us)
{
	if (!v->tcp.is_over && !v->tcp.has_begun)
		v->tcp.cause = CAUSE_TIMEOUT;
	end_tcp(v, now_us);
}

/* Why there is no relayed address; `v` and what else it is good for do not depend on it. */
static uint8_t cause_of_failure(const struct turn_end *e)
{
	return e->failure.cause == TURN_CLIENT_REFUSED ? CAUSE_TURN_NO_TCP : CAUSE_TURN_FAILED;
}

/* True where something changed, and what follows from it may be due. */
static bool step_allocation(struct vantage *v)
{
	struct vt_tcp *t = &v->tcp;
	const struct turn_end *e = &v->ends[VT_TCP_END];

	if (t->has_begun || t->cause != CAUSE_NONE || (!e->is_allocated && !e->is_failed))
		return false;
	t->relayed = vt_relayed_by(v, e);
	if (t->relayed.family != ADDR_NONE)
		begin_calls(v);
	else
		t->cause = cause_of_failure(e);
	return true;
}

bool vt_tcp_step(struct vantage *v, uint64_t now_us)
{
	bool changed = false;

	if (v->tcp.is_over || v->phase < VT_PROBING)
		return false;
	if (!v->tcp.has_started) {
		start(v);
		changed = true;
	}
	changed = (!v->tcp.is_over && step_allocation(v)) || changed;
	for (size_t i = 0; i < VANTAGE_CALLS; i++)
		changed = step_call(v, &v->tcp.calls[i], now_us) || changed;
	if (v->tcp.is_over ||
	    (!v->ends[VT_TCP_END].is_failed &&
	     (judge(v, FILTER_BOTH, now_us).pending || judge(v, FILTER_PORT, now_us).pending)))
		return changed;
	end_tcp(v, now_us);
	return true;
}

static bool connect_call(struct vantage *v, uint8_t number, uint64_t now_us,
			 struct vantage_action *out)
{
	struct vt_call *c = &v->tcp.calls[number];
	uint8_t random[12];
	struct stun_builder b;

	v->random(v->random_arg, random, sizeof(random));
	c->tid = stun_tid_make(random);
	c->state = VT_CALL_CONNECTING;
	c->is_open = true;
	c->begun_us = now_us;
	b = stun_build(v->packet, sizeof(v->packet), STUN_BINDING, STUN_REQUEST, &c->tid);
	*out = (struct vantage_action){ .kind = VANTAGE_CALL, .slot = number, .to = c->to };
	return stun_build_finish(&b, &out->data) == STUN_OK;
}

bool vt_tcp_next(struct vantage *v, uint64_t now_us, struct vantage_action *out)
{
	for (uint8_t i = 0; i < VANTAGE_CALLS; i++) {
		struct vt_call *c = &v->tcp.calls[i];

		if (v->tcp.is_over && c->is_open) {
			c->is_open = false;
			*out = (struct vantage_action){ .kind = VANTAGE_END_CALL, .slot = i };
			return true;
		}
		if (!v->tcp.is_over && c->state == VT_CALL_TO_CONNECT)
			return connect_call(v, i, now_us, out);
	}
	return false;
}

void vt_tcp_deadline(const struct vantage *v, uint64_t now_us, uint64_t *deadline_us)
{
	for (size_t i = 0; !v->tcp.is_over && i < VANTAGE_CALLS; i++) {
		const struct vt_call *c = &v->tcp.calls[i];

		if (c->state == VT_CALL_CONNECTING || c->state == VT_CALL_ASKING)
			timing_sooner(deadline_us, c->begun_us + CONNECT_US, now_us);
		for (size_t k = 0; c->state == VT_CALLING && k < ARRAY_LEN(again_us); k++)
			timing_sooner(deadline_us, c->called_us + again_us[k] + vt_tail_us(v),
				      now_us);
	}
}

bool vt_tcp_wants_floor(const struct vantage *v)
{
	if (v->tcp.is_over)
		return false;
	for (size_t i = 0; i < VANTAGE_CALLS; i++) {
		uint8_t state = v->tcp.calls[i].state;

		if (state != VT_CALL_NONE && state < VT_CALLING)
			return true;
	}
	return !v->tcp.has_begun;
}

static struct vt_call *call_at(struct vantage *v, uint8_t slot)
{
	return slot < VANTAGE_CALLS && v->tcp.calls[slot].is_open ? &v->tcp.calls[slot] : NULL;
}

void vantage_on_connected(struct vantage *v, uint8_t slot, uint64_t now_us)
{
	struct vt_call *c = call_at(v, slot);

	if (c != NULL && c->state == VT_CALL_CONNECTING)
		c->state = VT_CALL_ASKING;
}

static void read_answer(struct vantage *v, struct vt_call *c, struct bytes frame)
{
	struct probe_answer answer = { .from = c->to };
	struct stun_msg msg;

	if (stun_msg_parse(frame, &msg) != STUN_OK || msg.method != STUN_BINDING ||
	    !stun_tid_equal(&msg.tid, &c->tid))
		return;
	if (msg.class == STUN_SUCCESS)
		probe_read_answer(&msg, &answer);
	if (answer.mapped.family != v->family || answer.mapped.port == 0) {
		end_call(c, CAUSE_TCP_SILENT);
		return;
	}
	c->mapped = answer.mapped;
	c->state = VT_CALL_MAPPED;
}

void vantage_on_stream(struct vantage *v, uint8_t slot, struct bytes data, uint64_t now_us)
{
	struct vt_call *c = call_at(v, slot);
	struct bytes frame;
	size_t used;

	if (c == NULL || c->state != VT_CALL_ASKING || data.len > sizeof(c->in) - c->in_len)
		return;
	if (data.len > 0)
		memcpy(c->in + c->in_len, data.data, data.len);
	c->in_len += data.len;
	if (stun_stream_next(bytes_of(c->in, c->in_len), sizeof(c->in), &frame, &used) == STUN_OK)
		read_answer(v, c, frame);
}

/* With our connection the NAT may forget the port: then a silence says nothing. */
void vantage_on_disconnected(struct vantage *v, uint8_t slot)
{
	struct vt_call *c = call_at(v, slot);

	if (c != NULL && c->state != VT_CALL_OVER)
		end_call(c, c->state < VT_CALL_MAPPED ? CAUSE_TCP_SILENT : CAUSE_CHANGED);
}

void vantage_on_accepted(struct vantage *v, uint8_t slot, const struct addr *from)
{
	struct vt_call *c = call_at(v, slot);
	struct addr source = vt_beyond(v, from);

	if (c != NULL && c->called_us != 0 && classify_same_endpoint(&source, &v->tcp.relayed)) {
		c->arrived = true;
		end_call(c, CAUSE_NONE);
	}
}

void vt_tcp_conclude(const struct vantage *v, struct verdict *out)
{
	static const uint8_t words[BEHAVIOURS] = {
		[BEHAVIOUR_ENDPOINT_INDEPENDENT] = DEEP_FILTER_ENDPOINT_INDEPENDENT,
		[BEHAVIOUR_ADDRESS_DEPENDENT] = DEEP_FILTER_ADDRESS_DEPENDENT,
		[BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT] = DEEP_FILTER_ADDRESS_AND_PORT_DEPENDENT,
		[BEHAVIOUR_MIXED] = DEEP_FILTER_MIXED,
	};
	static const uint8_t tried[] = { FILTER_BOTH, FILTER_PORT };
	struct deep_value *value = &out->turn.filtering_tcp;
	enum classify_gate gates[FILTER_KINDS] = { 0 };
	uint8_t cause = CAUSE_NONE;
	struct verdict_property p;
	double error = 0;
	uint16_t sent = 0, arrived = 0;

	for (size_t i = 0; i < ARRAY_LEN(tried); i++) {
		struct calls all = calls_of(v, tried[i], v->tcp.ended_us);
		struct vt_gate g = judge(v, tried[i], v->tcp.ended_us);

		gates[tried[i]] = (enum classify_gate)g.gate;
		if (g.gate == GATE_BLOCKS && all.refused == 0)
			error += vt_silence(v, all.syns, count_answers(v));
		cause = cause != CAUSE_NONE ? cause : g.cause;
		sent = (uint16_t)(sent + all.made);
		arrived = (uint16_t)(arrived + all.arrived);
	}
	p = classify_filtering(gates);
	vt_settle_ports(&p);
	*value = (struct deep_value){ .cause = cause, .sent = sent, .answered = arrived };
	if (p.value != BEHAVIOUR_UNKNOWN)
		*value = (struct deep_value){ .state = DEEP_WORD,
					      .word = words[p.value],
					      .error = error,
					      .sent = sent,
					      .answered = arrived };
	verdict_use_turn(out);
}
