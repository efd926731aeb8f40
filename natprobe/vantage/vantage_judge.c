/* What came by way of the relay, and what the verdict of the discovery becomes with it. */
#include "natprobe/discover/classify.h"
#include "natprobe/discover/confidence.h"
#include "vantage_state.h"

#define HOPELESS_ROUNDS 10 /* in which nothing at all was relayed to us */

static const uint8_t packet_of[FILTER_KINDS] = {
	[FILTER_CONTROL] = VT_CONTROL,
	[FILTER_PORT] = VT_PORT,
	[FILTER_ADDRESS] = VT_PACKETS,
	[FILTER_BOTH] = VT_BOTH,
};

uint64_t vt_tail_us(const struct vantage *v)
{
	return timing_tail_us(&v->timing, v->rtt_us);
}

double vt_silence(const struct vantage *v, unsigned copies, unsigned more)
{
	const struct vt_count *control = &v->counts[VT_CONTROL], *out = &v->counts[VT_OUT];
	unsigned arrived = control->arrived + out->arrived;
	unsigned sent = control->sent + out->sent;

	return classify_silence_by_loss(arrived + more, sent - arrived, copies);
}

/* What else went by way of the relay shows how much is lost. */
static double silence(const struct vantage *v, unsigned copies)
{
	return vt_silence(v, copies, 0);
}

static struct vt_gate unknown(enum verdict_cause cause)
{
	return (struct vt_gate){ .cause = (uint8_t)cause };
}

static struct vt_gate pending(enum verdict_cause cause)
{
	return (struct vt_gate){ .cause = (uint8_t)cause, .pending = true };
}

/* Unknown for `cause`, unless more rounds can cure it. */
static struct vt_gate short_of(const struct vantage *v, enum verdict_cause cause)
{
	if (v->is_cut)
		return unknown(CAUSE_TIMEOUT);
	return v->rounds < VT_ROUNDS_MAX ? pending(cause) : unknown(cause);
}

static bool is_denied(const struct turn_end *e, int peer)
{
	return peer != TURN_END_NO_PEER && e->peers[peer].permission == TURN_END_DENIED;
}

/* The relay takes nothing from any address that we are known to have. */
static bool all_denied(const struct vantage *v)
{
	for (size_t i = 0; i < v->external_count; i++) {
		if (!is_denied(&v->ends[0], v->external_peers[i][0]))
			return false;
	}
	return v->external_count > 0;
}

/* Why there is no relayed address to send from. */
static enum verdict_cause relay_cause(const struct vantage *v)
{
	if (v->useless != CAUSE_NONE)
		return (enum verdict_cause)v->useless;
	if (v->is_cut && v->rounds == 0)
		return CAUSE_TIMEOUT;
	if (v->relayed[0].family == ADDR_NONE)
		return CAUSE_TURN_FAILED;
	if (all_denied(v) || is_denied(&v->ends[0], v->near.peers[0]))
		return CAUSE_TURN_DENIED;
	return CAUSE_NONE;
}

/* Why a kind of probe cannot be sent at all. */
static enum verdict_cause kind_cause(const struct vantage *v, enum verdict_filter_kind kind)
{
	if (kind == FILTER_PORT &&
	    (v->relayed[1].family == ADDR_NONE || !addr_equal_ip(&v->relayed[0], &v->relayed[1]) ||
	     v->relayed[0].port == v->relayed[1].port))
		return CAUSE_TURN_ONE_PORT;
	if (kind == FILTER_BOTH && v->opener.family == ADDR_NONE)
		return v->opener_count > 0 ? CAUSE_TURN_ALIKE : CAUSE_NO_SERVER;
	if (kind == FILTER_ADDRESS)
		return CAUSE_FEW_ENDPOINTS;
	return CAUSE_NONE;
}

/* The end whose relayed address sends these. */
static uint8_t end_of(enum verdict_filter_kind kind)
{
	return kind == FILTER_PORT ? 1 : 0;
}

/* The relay may ask the STUN server, and has had no answer yet. */
static bool is_unverified(const struct vantage *v, enum verdict_filter_kind kind)
{
	const struct vt_verify *c = &v->verify[end_of(kind)];
	const struct turn_end *e = &v->ends[end_of(kind)];

	return v->opener.family != ADDR_NONE && c->peer != TURN_END_NO_PEER && !c->is_answered &&
	       e->peers[c->peer].permission != TURN_END_DENIED;
}

/* Nothing of this kind has come in, nor the controls, or not enough of them. */
static struct vt_gate judge_silence(const struct vantage *v, enum verdict_filter_kind kind,
				    uint64_t now_us)
{
	const struct vt_count *c = &v->counts[packet_of[kind]];
	const struct vt_count *control = &v->counts[VT_CONTROL];

	if (v->near.answered == 0 && v->rounds >= HOPELESS_ROUNDS)
		return unknown(CAUSE_TURN_UNSEEN);
	if (v->rounds < VT_ROUNDS || now_us < c->last_us + vt_tail_us(v))
		return v->is_cut ? unknown(CAUSE_TIMEOUT) : pending(CAUSE_TIMEOUT);
	if (control->arrived == 0)
		return short_of(v, v->near.answered == 0 ? CAUSE_TURN_UNSEEN : CAUSE_CONTROL_LOST);
	if (control->arrived * 2 < control->sent || silence(v, c->sent) > v->error_max)
		return short_of(v, CAUSE_LOSS);
	if (is_unverified(v, kind))
		return silence(v, v->verify[end_of(kind)].sent) > v->error_max
			       ? short_of(v, CAUSE_LOSS)
			       : unknown(CAUSE_CONTROL_LOST);
	return (struct vt_gate){ .gate = GATE_BLOCKS };
}

static struct vt_gate judge(const struct vantage *v, enum verdict_filter_kind kind, uint64_t now_us)
{
	enum verdict_cause cause = relay_cause(v);
	const struct vt_count *c;

	if (cause == CAUSE_NONE)
		cause = kind_cause(v, kind);
	if (cause != CAUSE_NONE)
		return unknown(cause);
	c = &v->counts[packet_of[kind]];
	if (c->arrived > 0)
		return (struct vt_gate){ .gate = GATE_PASSES };
	if (v->odd_source.family != ADDR_NONE)
		return unknown(CAUSE_WRONG_SOURCE);
	if (v->near.slot == VT_NO_SLOT || v->slots[v->near.slot] == VT_FAILED)
		return unknown(CAUSE_LOCAL_ERROR);
	return judge_silence(v, kind, now_us);
}

bool vt_is_decided(const struct vantage *v, uint64_t now_us)
{
	return !judge(v, FILTER_PORT, now_us).pending && !judge(v, FILTER_BOTH, now_us).pending;
}

/* The silence of this kind would not count if it lasted: what is under way counts as lost. */
static bool needs_more(const struct vantage *v, enum verdict_filter_kind kind)
{
	const struct vt_count *c = &v->counts[packet_of[kind]], *control = &v->counts[VT_CONTROL];

	if (c->arrived > 0 || kind_cause(v, kind) != CAUSE_NONE)
		return false;
	return control->arrived * 2 < control->sent || silence(v, c->sent) > v->error_max ||
	       is_unverified(v, kind);
}

enum vt_want vt_wants_round(const struct vantage *v, uint64_t now_us)
{
	if (v->rounds >= VT_ROUNDS_MAX || vt_is_decided(v, now_us))
		return VT_NO_ROUND;
	if (v->rounds < VT_ROUNDS)
		return VT_SOON;
	return needs_more(v, FILTER_PORT) || needs_more(v, FILTER_BOTH) ? VT_LATER : VT_NO_ROUND;
}

void vt_settle_ports(struct verdict_property *p)
{
	if (p->possible != (BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT) |
			    BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT)))
		return;
	p->value = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	p->cause = CAUSE_FEW_ENDPOINTS;
}

static struct verdict_property filtering_of(const struct vantage *v, uint8_t server)
{
	static const uint8_t tried[] = { FILTER_BOTH, FILTER_PORT };
	enum classify_gate gates[FILTER_KINDS] = { 0 };
	enum verdict_cause cause = CAUSE_NONE;
	struct verdict_property p;
	double error = 0;

	for (size_t i = 0; i < ARRAY_LEN(tried); i++) {
		enum verdict_filter_kind kind = (enum verdict_filter_kind)tried[i];
		struct vt_gate g = judge(v, kind, v->ended_us);

		gates[kind] = (enum classify_gate)g.gate;
		if (g.gate == GATE_BLOCKS)
			error += silence(v, v->counts[packet_of[kind]].sent);
		if (cause == CAUSE_NONE)
			cause = (enum verdict_cause)g.cause;
	}
	p = classify_filtering(gates);
	p.server = server;
	vt_settle_ports(&p);
	if (p.value == BEHAVIOUR_UNKNOWN)
		p.cause = (uint8_t)cause;
	else
		p.error = error;
	return p;
}

static void put_probes(const struct vantage *v, struct verdict_filter_probe out[FILTER_KINDS])
{
	for (size_t k = 0; k < FILTER_KINDS; k++) {
		const struct vt_count *c;

		out[k] = (struct verdict_filter_probe){ 0 };
		if (packet_of[k] == VT_PACKETS)
			continue;
		c = &v->counts[packet_of[k]];
		out[k].source = v->relayed[k == FILTER_PORT ? 1 : 0];
		out[k].sent = c->sent;
		out[k].answered = c->arrived;
	}
}

static uint8_t add_server(const struct vantage *v, struct verdict *out)
{
	const struct vt_count *c = v->counts;
	struct verdict_server *s;

	if (v->target_count == 0 || out->server_count == VERDICT_SERVERS_MAX)
		return VERDICT_NO_SERVER_INDEX;
	s = &out->servers[out->server_count];
	*s = (struct verdict_server){
		.name = v->name,
		.addr = v->targets[v->target].to,
		.rtt_us = v->ends[0].allocated.rtt_us,
		.sent = (uint16_t)(c[VT_OUT].sent + c[VT_CONTROL].sent),
		.answered = (uint16_t)(c[VT_OUT].arrived + c[VT_CONTROL].arrived),
	};
	return out->server_count++;
}

/* How much a filter lets in: what was seen to come in did come in, whoever saw it. */
static unsigned openness(const struct verdict_property *p)
{
	static const uint8_t ranks[BEHAVIOURS] = {
		[BEHAVIOUR_ENDPOINT_INDEPENDENT] = 3,
		[BEHAVIOUR_ADDRESS_DEPENDENT] = 2,
		[BEHAVIOUR_PORT_DEPENDENT] = 2,
		[BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT] = 1,
	};

	return ranks[p->value];
}

/* The relay got in where a server of RFC 5780 did not: that one never sent it. */
static void blame(struct verdict *v)
{
	if (v->filtering.server < v->server_count)
		verdict_add_finding(v, CAUSE_DROPS_CHANGE, v->filtering.server,
				    &v->servers[v->filtering.server].addr);
}

static void use_filtering(const struct vantage *v, struct verdict *out)
{
	if (out->filtering.value != BEHAVIOUR_UNKNOWN)
		blame(out);
	out->filtering = out->turn.filtering;
	put_probes(v, out->filter);
}

/* What follows from mapping and filtering. */
static void use_both(struct verdict *out)
{
	enum verdict_answer blocked = (enum verdict_answer)out->udp_blocked.value;

	out->firewall = classify_firewall(blocked, &out->nat, &out->filtering);
	out->legacy = (uint8_t)classify_legacy(blocked, &out->mapping, &out->filtering);
}

/* Why there is no relayed address; NULL: there is one, or it was not tried. */
static const char *why_not(const struct vantage *v)
{
	const struct turn_end *e = &v->ends[0];

	if (v->useless != CAUSE_NONE || e->is_allocated)
		return NULL;
	if (v->target_count == 0)
		return "it has no address in this family";
	if (e->dial.cause != DIAL_FINE)
		return dial_cause_text(e->dial.cause);
	return e->is_failed ? turn_client_failure_text(&e->failure) : NULL;
}

void vantage_conclude(const struct vantage *v, struct verdict *out)
{
	struct verdict_turn *t = &out->turn;
	double others = confidence_of(out, 0) - out->confidence; /* of what no field tells */

	*t = (struct verdict_turn){
		.tried = true,
		.server = add_server(v, out),
		.transport = v->targets[v->target].transport,
		.code = v->ends[0].failure.code,
		.why = why_not(v),
		.relayed = { v->relayed[0], v->relayed[1] },
	};
	t->filtering = filtering_of(v, t->server);
	vt_tcp_conclude(v, out);
	if (v->odd_source.family != ADDR_NONE)
		verdict_add_finding(out, CAUSE_WRONG_SOURCE, t->server, &v->odd_source);
	if (v->useless != CAUSE_NONE)
		return;
	if (openness(&t->filtering) > openness(&out->filtering) ||
	    out->filtering.value == BEHAVIOUR_UNKNOWN)
		use_filtering(v, out);
	vt_mapping_conclude(v, out);
	use_both(out);
	out->confidence = confidence_of(out, others > 0 ? others : 0);
}
