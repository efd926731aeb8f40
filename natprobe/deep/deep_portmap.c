/*
 * Does a port mapping of the gateway really work? One is asked for, by PCP or NAT-PMP, for a socket
 * that never sends; then the server sends to it from a port that nobody has seen; then it is given
 * back. A gateway may grant what another NAT in front of it does not let in.
 */
#include "natprobe/discover/classify.h"
#include "deep_trials.h"
#include "natprobe/map/lease.h"

#define LIFETIME_S  120 /* that is left where nobody gives it back */
#define COUNT       4
#define GAP_MS      150
#define PATIENCE_US 500000
#define ROUNDS      2

enum stage {
	OPENING,
	ASKING, /* the gateway */
	TRYING, /* the server sends */
	REMOVING,
	OVER,
};

enum which {
	TARGET,  /* has the mapping, and never sends */
	GATEWAY, /* speaks with the gateway */
	CONTROL, /* gives orders */
	SOCKETS,
};

struct portmap_trial {
	uint8_t stage;
	uint16_t sockets[SOCKETS];
	bool failed; /* this host opened no socket */
	bool was_granted, is_heard, any_port;
	uint8_t rounds; /* that went out */
	uint16_t ids[ROUNDS + 1];
	uint8_t id_count;
	struct addr mapped; /* as the server sees us */
	struct lease lease;
	uint64_t due_us;
};

static bool speaks(const struct verdict_portmap *p)
{
	return p->present.value == VERDICT_YES;
}

static bool applies(const struct deep *d)
{
	const struct verdict *v = deep_verdict(d);

	return deep_cooperates(d) && deep_config(d)->gateway.family != ADDR_NONE &&
	       (speaks(&v->pcp) || speaks(&v->nat_pmp));
}

static void start(struct deep *d, void *state)
{
	struct portmap_trial *t = state;

	t->due_us = UINT64_MAX;
	t->any_port = true;
	for (int i = 0; i < SOCKETS; i++) {
		t->sockets[i] = deep_open(d, 0);
		t->failed = t->failed || t->sockets[i] == DEEP_NO_SOCKET;
	}
}

static void finish(struct deep *d, struct portmap_trial *t)
{
	t->stage = OVER;
	t->due_us = UINT64_MAX;
	for (int i = 0; i < SOCKETS; i++) {
		if (t->sockets[i] != DEEP_NO_SOCKET)
			deep_close(d, t->sockets[i]);
	}
}

static void ask(struct deep *d, struct portmap_trial *t)
{
	struct lease_config c = { .transport = PORTMAP_UDP,
				  .internal = *deep_local(d, t->sockets[TARGET]),
				  .gateway = deep_config(d)->gateway,
				  .lifetime_s = LIFETIME_S };

	deep_random(d, c.nonce, sizeof(c.nonce));
	deep_random(d, &c.seed, sizeof(c.seed));
	t->stage = ASKING;
	lease_start(&t->lease, &c, deep_now_us(d));
}

/* What the lease wants to say. False: the budget is used up. */
static bool speak(struct deep *d, struct portmap_trial *t)
{
	struct lease_action a;

	while (lease_next(&t->lease, deep_now_us(d), &a) == LEASE_SEND) {
		const struct deep_send send = { .to = t->lease.config.gateway,
						.data = bytes_of(a.data, a.len) };

		if (!deep_send(d, t->sockets[GATEWAY], &send))
			return false;
	}
	return true;
}

static void try_it(struct deep *d, struct portmap_trial *t)
{
	struct coop_order o = { .kind = COOP_ANSWER,
				.flags = t->any_port ? COOP_ANY_PORT : 0,
				.count = COUNT,
				.gap_ms = GAP_MS,
				.port = t->lease.grant.external.port };
	uint16_t id = deep_order(d, t->sockets[CONTROL], NULL, &o, 0);

	t->stage = TRYING;
	t->due_us = UINT64_MAX; /* until the server has it */
	if (id == 0 || t->id_count == ARRAY_LEN(t->ids)) {
		t->stage = REMOVING;
		lease_remove(&t->lease, deep_now_us(d));
		return;
	}
	t->ids[t->id_count++] = id;
}

static void give_back(struct deep *d, struct portmap_trial *t)
{
	t->stage = REMOVING;
	t->due_us = UINT64_MAX;
	lease_remove(&t->lease, deep_now_us(d));
}

static bool has_all(const struct deep *d, const struct portmap_trial *t)
{
	for (int i = 0; i < SOCKETS; i++) {
		if (deep_local(d, t->sockets[i])->family == ADDR_NONE)
			return false;
	}
	return true;
}

static void step(struct deep *d, void *state)
{
	struct portmap_trial *t = state;

	if (t->stage == OPENING && t->failed)
		finish(d, t);
	else if (t->stage == OPENING && has_all(d, t))
		ask(d, t);
	if ((t->stage == ASKING || t->stage == REMOVING) && !speak(d, t)) {
		finish(d, t);
		return;
	}
	if (t->stage == ASKING && t->lease.state == LEASE_HELD) {
		t->was_granted = true;
		try_it(d, t);
	}
	if (t->stage == TRYING && deep_now_us(d) >= t->due_us) {
		if (++t->rounds < ROUNDS)
			try_it(d, t);
		else
			give_back(d, t);
	}
	if (t->stage == REMOVING && !speak(d, t))
		finish(d, t);
	if ((t->stage == ASKING || t->stage == REMOVING) &&
	    (t->lease.state == LEASE_REFUSED || t->lease.state == LEASE_ENDED))
		finish(d, t);
}

static void on_open(struct deep *d, void *state, uint16_t socket, bool opened)
{
	struct portmap_trial *t = state;

	t->failed = t->failed || !opened;
}

/* An answer to our order at the socket that never asked: the mapping let it in. */
static bool is_ours(const struct portmap_trial *t, struct bytes data)
{
	struct coop_answer a;
	struct stun_msg m;

	if (stun_msg_parse(data, &m) != STUN_OK || !coop_read_answer(&m, &a) || !a.has_report)
		return false;
	for (size_t i = 0; i < t->id_count; i++) {
		if (a.report.id == t->ids[i] && a.report.outcome == COOP_DONE)
			return true;
	}
	return false;
}

static void hear(struct deep *d, struct portmap_trial *t)
{
	if (t->stage != TRYING)
		return;
	t->is_heard = true;
	give_back(d, t);
}

static void on_datagram(struct deep *d, void *state, uint16_t socket, const struct addr *from,
			struct bytes data)
{
	struct portmap_trial *t = state;

	if (socket == t->sockets[GATEWAY] && t->stage != OPENING)
		lease_on_datagram(&t->lease, from, data, deep_now_us(d));
	else if (socket == t->sockets[TARGET] && is_ours(t, data))
		hear(d, t);
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct portmap_trial *t = state;

	if (answer->mapped.family != ADDR_NONE && socket == t->sockets[CONTROL])
		t->mapped = answer->mapped;
	if (t->stage != TRYING || t->id_count == 0 || order_id != t->ids[t->id_count - 1])
		return;
	if (answer->report.outcome == COOP_DONE && socket == t->sockets[TARGET]) {
		hear(d, t);
	} else if (answer->report.outcome == COOP_UNABLE && t->any_port) {
		t->any_port = false;
		try_it(d, t);
	} else if (answer->report.outcome == COOP_ACCEPTED && t->due_us == UINT64_MAX) {
		t->due_us = deep_now_us(d) + COUNT * GAP_MS * 1000u + deep_rtt_us(d) * 3 / 2 +
			    PATIENCE_US;
	} else if (answer->report.outcome >= COOP_BAD_TOKEN) {
		give_back(d, t); /* rounds says how far it came */
	}
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct portmap_trial *t = state;

	if (t->stage == TRYING)
		give_back(d, t);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	const struct portmap_trial *t = state;

	if (t->stage == ASKING || t->stage == REMOVING)
		return lease_deadline_us(&t->lease);
	return t->stage == TRYING ? t->due_us : UINT64_MAX;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct portmap_trial *)state)->stage == OVER;
}

/* Whether anybody says that the gateway opens no ports. */
static bool is_none(const struct verdict *v)
{
	return v->pcp.present.value == VERDICT_NO && v->nat_pmp.present.value == VERDICT_NO &&
	       v->upnp.present.value == VERDICT_NO;
}

static enum verdict_cause why_not(const struct deep *d, const struct verdict *v,
				  const struct portmap_trial *t, enum verdict_cause early)
{
	if (!deep_cooperates(d))
		return CAUSE_NO_COOPERATION;
	if (early != CAUSE_NONE)
		return early;
	if (t->failed)
		return CAUSE_LOCAL_ERROR;
	if (v->gateway.family == ADDR_NONE)
		return CAUSE_NO_GATEWAY;
	return CAUSE_NOT_TRIED;
}

/* Nothing was sent to where the mapping is, but to another address of the same pool. */
static bool is_elsewhere(const struct verdict *v, const struct portmap_trial *t)
{
	const struct addr *external = &t->lease.grant.external;

	if (external->family == ADDR_NONE || addr_equal_ip(external, &t->mapped))
		return false;
	for (size_t i = 0; i < v->pooling.external_count; i++) {
		if (addr_equal_ip(&v->pooling.externals[i], external))
			return true;
	}
	return false;
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct portmap_trial *t = state;
	struct deep_value *value = &v->deep.values[DEEP_PORTMAP_WORKS];

	value->sent = (uint16_t)((t->rounds + t->is_heard) * COUNT);
	value->answered = t->is_heard;
	if (t->is_heard) {
		deep_set_word(&v->deep, DEEP_PORTMAP_WORKS, DEEP_YES);
	} else if (t->rounds == ROUNDS && is_elsewhere(v, t)) {
		deep_set_unknown(&v->deep, DEEP_PORTMAP_WORKS, CAUSE_AMBIGUOUS);
	} else if (t->rounds == ROUNDS) {
		deep_set_word(&v->deep, DEEP_PORTMAP_WORKS, DEEP_NO);
		value->error = classify_silence_by_loss(v->deep.answered, 0, value->sent);
	} else if (t->stage == OVER && t->lease.state == LEASE_REFUSED) {
		deep_set_word(&v->deep, DEEP_PORTMAP_WORKS, DEEP_NO); /* it denies all */
	} else if (is_none(v)) {
		deep_set_none(&v->deep, DEEP_PORTMAP_WORKS);
	} else {
		deep_set_unknown(&v->deep, DEEP_PORTMAP_WORKS, (uint8_t)why_not(d, v, t, early));
	}
}

const struct deep_trial deep_portmap = {
	.name = "a port mapping",
	.state_size = sizeof(struct portmap_trial),
	.applies = applies,
	.start = start,
	.step = step,
	.on_open = on_open,
	.on_datagram = on_datagram,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
