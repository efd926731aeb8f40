/* Packets between a socket of our own and the relayed address. */
#include "relay_state.h"
#include "stun_attr.h"

#define BINDINGS      4
#define BINDING_US    (RT_SECOND / 4) /* until the second one, doubling */
#define STUN_PORT     3478
#define ROUNDS        12
#define ROUND_US      (3 * RT_SECOND / 20)
#define ENOUGH        3 /* that came through */
#define TAIL_US       RT_SECOND
#define PERMISSION_US (8 * RT_SECOND)

void rt_local_begin(struct relay_trial *t, uint8_t lead, uint64_t now_us)
{
	struct rt_local *l = &t->local;
	const struct rt_end *e = &t->ends[lead];
	uint8_t random[12];

	l->lead = lead;
	l->server = e->to;
	l->relayed = rt_relayed(e, rt_family(e->to.family));
	l->since_us = l->next_us = now_us;
	t->config.random(t->config.random_arg, random, sizeof(random));
	l->tid = stun_tid_make(random);
	l->state = l->relayed.family != ADDR_NONE ? RT_LOCAL_BINDING : RT_LOCAL_ENDED;
}

static bool send_local(struct relay_trial *t, const struct addr *to, struct bytes data,
		       struct relay_action *out)
{
	*out = (struct relay_action){ .kind = RELAY_SEND_LOCAL, .to = *to, .data = data };
	return true;
}

/* The permission is for an address, whatever its port. */
static void ask(struct relay_trial *t, uint64_t now_us)
{
	struct rt_local *l = &t->local;
	const struct addr *us =
		l->mapped.family != ADDR_NONE ? &l->mapped : &t->ends[l->lead].allocated.mapped;

	l->state = RT_LOCAL_ASKING;
	l->since_us = now_us;
	rt_add_peer(t, l->lead, &l->peer, us, false, now_us);
}

/* What listens for TLS may have its UDP port beside. */
static struct addr binding_server(const struct rt_local *l)
{
	return l->bindings % 2 == 0 ? l->server : addr_with_port(&l->server, STUN_PORT);
}

static bool binding_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out)
{
	struct rt_local *l = &t->local;
	struct addr to = binding_server(l);
	struct stun_builder b;
	struct bytes msg;

	if (now_us < l->next_us)
		return false;
	if (l->bindings == BINDINGS) {
		ask(t, now_us);
		return false;
	}
	l->next_us = now_us + (BINDING_US << l->bindings);
	l->bindings++;
	b = stun_build(t->packet, sizeof(t->packet), STUN_BINDING, STUN_REQUEST, &l->tid);
	return stun_build_finish(&b, &msg) == STUN_OK && send_local(t, &to, msg, out);
}

static void take_binding(struct relay_trial *t, const struct stun_msg *msg, uint64_t now_us)
{
	struct rt_local *l = &t->local;
	struct bytes value;

	if (l->state != RT_LOCAL_BINDING || msg->method != STUN_BINDING ||
	    msg->class != STUN_SUCCESS || !stun_tid_equal(&msg->tid, &l->tid) ||
	    !stun_msg_find(msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &msg->tid, &l->mapped) != STUN_OK)
		return;
	ask(t, now_us);
}

/* Passes unless it comes from where it should not. */
static void note_arrival(struct relay_path *p, const struct addr *from, const struct addr *want)
{
	if (p->arrived++ == 0)
		p->from = *from;
	if (p->state != RELAY_PATH_PASSES)
		p->state = want == NULL || addr_equal(from, want) ? RELAY_PATH_PASSES
								  : RELAY_PATH_ELSEWHERE;
}

void rt_local_on_datagram(struct relay_trial *t, struct bytes in, const struct addr *from,
			  uint64_t now_us)
{
	struct stun_msg msg;
	struct rt_packet p;

	if (rt_packet_read(t, in, &p)) {
		if (p.kind == RT_OUT)
			note_arrival(&t->result.out, from, &t->local.relayed);
	} else if (addr_equal_ip(from, &t->local.server) && stun_msg_parse(in, &msg) == STUN_OK) {
		take_binding(t, &msg, now_us);
	}
}

void rt_local_on_relayed(struct relay_trial *t, const struct addr *from, uint64_t now_us)
{
	struct rt_local *l = &t->local;

	if (l->state != RT_LOCAL_PROBING)
		return;
	note_arrival(&t->result.in, from, NULL);
	/* A NAT may give us another port towards the relay than towards the server. */
	if (t->result.in.arrived == 1 && !addr_equal(from, &l->mapped))
		rt_add_peer(t, l->lead, &l->answer, from, false, now_us);
}

static void check_permission(struct relay_trial *t, uint64_t now_us)
{
	struct rt_local *l = &t->local;

	if (l->peer.permission == RT_PERMITTED) {
		l->state = RT_LOCAL_PROBING;
		l->since_us = l->next_us = now_us;
	} else if (l->peer.permission == RT_PERMISSION_REFUSED) {
		l->state = RT_LOCAL_ENDED;
		t->result.in.state = t->result.out.state = RELAY_PATH_DENIED;
		t->result.in.code = t->result.out.code = l->peer.code;
	} else if (t->ends[l->lead].is_failed || now_us >= l->since_us + PERMISSION_US) {
		l->state = RT_LOCAL_ENDED;
	}
}

/* From the relay to where our socket is seen, once that is known. */
static bool out_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out)
{
	struct rt_local *l = &t->local;
	const struct rt_peer *peer = l->answer.permission == RT_PERMITTED ? &l->answer : &l->peer;
	const struct rt_packet p = { RT_OUT, (uint8_t)rt_family(l->relayed.family), l->rounds,
				     now_us };

	l->is_out_due = false;
	if ((peer == &l->peer && l->mapped.family == ADDR_NONE) ||
	    t->result.out.arrived >= ENOUGH ||
	    !rt_send(t, l->lead, peer, rt_packet_make(t, &p), now_us, out))
		return false;
	t->result.out.sent++;
	return true;
}

static bool round_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out)
{
	struct rt_local *l = &t->local;
	const struct rt_packet p = { RT_IN, (uint8_t)rt_family(l->relayed.family), l->rounds,
				     now_us };

	if (l->is_out_due && out_next(t, now_us, out))
		return true;
	if (l->rounds == ROUNDS || now_us < l->next_us)
		return false;
	l->rounds++;
	l->next_us = now_us + ROUND_US;
	l->is_out_due = true;
	t->result.in.sent++;
	return send_local(t, &l->relayed, rt_packet_make(t, &p), out);
}

static void end_paths(struct relay_trial *t)
{
	struct relay_path *paths[] = { &t->result.in, &t->result.out };

	t->local.state = RT_LOCAL_ENDED;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (paths[i]->sent > 0 && paths[i]->arrived == 0)
			paths[i]->state = RELAY_PATH_SILENT;
	}
}

static bool probing_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out)
{
	struct rt_local *l = &t->local;
	bool is_enough = t->result.in.arrived >= ENOUGH && t->result.out.arrived >= ENOUGH;

	if (!is_enough && round_next(t, now_us, out))
		return true;
	if (is_enough || t->ends[l->lead].is_failed ||
	    (l->rounds == ROUNDS && now_us >= l->next_us + TAIL_US))
		end_paths(t);
	return false;
}

static uint64_t local_deadline(const struct rt_local *l)
{
	switch (l->state) {
	case RT_LOCAL_BINDING:
		return l->next_us;
	case RT_LOCAL_ASKING:
		return l->since_us + PERMISSION_US;
	case RT_LOCAL_PROBING:
		return l->rounds == ROUNDS ? l->next_us + TAIL_US : l->next_us;
	default:
		return UINT64_MAX;
	}
}

bool rt_local_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		   uint64_t *deadline_us)
{
	struct rt_local *l = &t->local;
	uint64_t at_us;

	if (l->state == RT_LOCAL_BINDING && binding_next(t, now_us, out))
		return true;
	if (l->state == RT_LOCAL_ASKING)
		check_permission(t, now_us);
	if (l->state == RT_LOCAL_PROBING && probing_next(t, now_us, out))
		return true;
	at_us = local_deadline(l);
	*deadline_us = at_us < *deadline_us ? at_us : *deadline_us;
	return false;
}

bool rt_local_is_over(const struct relay_trial *t)
{
	return t->local.state == RT_LOCAL_ENDED || t->local.state == RT_LOCAL_NONE;
}
