#include "relay_net.h"

#include "fuzz_check.h"

#define CLIENT_PORT  40000
#define OUTSIDE_PORT 41000
#define STEPS_MAX    2000000

static void fill(void *arg, void *buf, size_t len)
{
	rng_fill(&((struct relay_net *)arg)->rig.rng, buf, len);
}

void net_init(struct relay_net *n)
{
	*n = (struct relay_net){ 0 };
	rig_init(&n->rig);
	n->config = (struct relay_trial_config){
		.transport = TURN_OVER_UDP,
		.to = addr_ipv4(RIG_SERVER_IP, STUN_PORT),
		.credentials = { .username = BYTES("alice"), .password = BYTES("open sesame") },
		.rate = 100,
		.count = 100,
		.length = 160,
		.timeout_us = 20000000,
		.unix_s = RIG_WALL_S,
		.random = fill,
		.random_arg = n,
	};
}

static uint64_t now_us(const struct relay_net *n)
{
	return n->rig.now.us;
}

#define KIND_AT 12 /* in what the trial sends: its kind, 1 for an answer */

static bool is_lost(struct relay_net *n, uint8_t leg, struct bytes data)
{
	if (n->loses_answers && leg == NET_RELAY_RELAY && data.len > KIND_AT &&
	    data.data[KIND_AT] == 1)
		return true;
	return n->loss[leg] > 0 && rng_below(&n->rig.rng, 100) < n->loss[leg];
}

static void send_packet(struct relay_net *n, uint8_t leg, uint8_t end, struct bytes data,
			const struct addr *from, const struct addr *to)
{
	struct net_packet *p = n->packets;

	n->sent[leg]++;
	if (is_lost(n, leg, data))
		return;
	while (p < n->packets + NET_PACKETS && p->is_used)
		p++;
	FUZZ_CHECK(p < n->packets + NET_PACKETS && data.len <= NET_LEN_MAX);
	*p = (struct net_packet){ .is_used = true, .leg = leg, .end = end, .len = data.len };
	p->at_us = now_us(n) + (leg == NET_RELAY_RELAY ? 0 : NET_DELAY_US);
	if (data.len > 0)
		memcpy(p->data, data.data, data.len);
	if (from != NULL)
		p->from = *from;
	if (to != NULL)
		p->to = *to;
}

static bool is_outside(const struct relay_net *n, const struct addr *a)
{
	return addr_equal(a, &n->outside.tuple.client);
}

/* What turnd wants to be sent. */
static void carry_out(struct relay_net *n, enum turnd_step step)
{
	const struct turnd_out *out = &n->rig.out;
	const struct addr *source;

	if (step == TURND_TO_CLIENT) {
		for (uint8_t i = 0; i < RELAY_ENDS; i++) {
			if (addr_equal(&out->tuple.client, &n->clients[i].tuple.client))
				send_packet(n, NET_TO_CLIENT, i, out->data, NULL, NULL);
		}
		if (is_outside(n, &out->tuple.client))
			send_packet(n, NET_BINDING, RELAY_ENDS, out->data, &out->tuple.server,
				    NULL);
	} else if (step == TURND_TO_PEER) {
		source = n->leaves_as.family != ADDR_NONE ? &n->leaves_as : &out->end->relayed;
		if (is_outside(n, &out->peer))
			send_packet(n, NET_FROM_RELAY, 0, out->data, source, &out->peer);
		else
			send_packet(n, NET_RELAY_RELAY, 0, out->data, &out->end->local, &out->peer);
	}
}

/* The relay socket that is meant, by its public address or, within the server, by its own. */
static struct relay_end *end_at(struct relay_net *n, const struct addr *to)
{
	for (size_t i = 0; i < RIG_SOCKETS; i++) {
		struct rig_socket *s = &n->rig.sockets[i];

		if (s->end != NULL && addr_equal(&s->local, to))
			return s->end;
	}
	return rig_end_of(&n->rig, to);
}

static void to_relay(struct relay_net *n, const struct net_packet *p)
{
	struct relay_end *end = end_at(n, &p->to);

	if (end != NULL)
		carry_out(n, rig_from_peer(&n->rig, end, &p->from, bytes_of(p->data, p->len)));
}

static struct bytes changed(struct relay_net *n, struct net_packet *p)
{
	if (n->change != NULL)
		n->change(n->change_arg, p->data, &p->len);
	FUZZ_CHECK(p->len <= NET_LEN_MAX);
	return bytes_of(p->data, p->len);
}

static void arrive(struct relay_net *n, struct net_packet *p)
{
	switch (p->leg) {
	case NET_TO_SERVER:
		carry_out(n, rig_give(&n->clients[p->end], bytes_of(p->data, p->len)));
		break;
	case NET_TO_CLIENT:
		if (n->is_open[p->end])
			relay_trial_on_bytes(n->trial, p->end, changed(n, p), now_us(n));
		break;
	case NET_BINDING:
		if (p->end == RELAY_ENDS)
			relay_trial_on_local(n->trial, changed(n, p), &p->from, now_us(n));
		else
			carry_out(n, rig_give(&n->outside, bytes_of(p->data, p->len)));
		break;
	case NET_FROM_RELAY:
		relay_trial_on_local(n->trial, changed(n, p), &p->from, now_us(n));
		break;
	default:
		to_relay(n, p);
		break;
	}
}

static void open_end(struct relay_net *n, uint8_t end)
{
	const struct dial_failure why = { .cause = n->dial_cause[end],
					  .detail = "as the test says" };

	n->opens++;
	if (n->opens_never)
		return;
	if (why.cause != DIAL_FINE) {
		relay_trial_on_close(n->trial, end, &why, now_us(n));
		return;
	}
	n->is_open[end] = true;
	relay_trial_on_open(n->trial, end, now_us(n));
}

static void send_local(struct relay_net *n, const struct relay_action *x)
{
	const struct addr *from = &n->outside.tuple.client;

	if (addr_equal(&x->to, &n->config.to))
		send_packet(n, NET_BINDING, 0, x->data, from, &x->to);
	else
		send_packet(n, NET_TO_RELAY, 0, x->data, from, &x->to);
}

/* Returns when the trial wants to be called again; 0: it is over. */
static uint64_t pump(struct relay_net *n)
{
	struct relay_action x;

	for (int i = 0; i < STEPS_MAX; i++) {
		switch (relay_trial_next(n->trial, now_us(n), &x)) {
		case RELAY_OPEN:
			open_end(n, x.end);
			break;
		case RELAY_CLOSE:
			n->closes++;
			n->is_open[x.end] = false;
			break;
		case RELAY_SEND:
			FUZZ_CHECK(n->is_open[x.end]);
			send_packet(n, NET_TO_SERVER, x.end, x.data, NULL, NULL);
			break;
		case RELAY_SEND_LOCAL:
			send_local(n, &x);
			break;
		case RELAY_WAIT:
			FUZZ_CHECK(x.deadline_us > now_us(n));
			return x.deadline_us;
		case RELAY_DONE:
			return 0;
		}
	}
	FUZZ_CHECK(false);
	return 0;
}

static struct net_packet *next_packet(struct relay_net *n)
{
	struct net_packet *first = NULL;

	for (size_t i = 0; i < NET_PACKETS; i++) {
		struct net_packet *p = &n->packets[i];

		if (p->is_used && (first == NULL || p->at_us < first->at_us))
			first = p;
	}
	return first;
}

static void move_clock(struct relay_net *n, uint64_t to_us)
{
	if (to_us > now_us(n)) {
		n->rig.now.wall_s += to_us / 1000000 - now_us(n) / 1000000;
		n->rig.now.us = to_us;
	}
	(void)turnd_on_time(n->rig.worker[0].turnd, &n->rig.now);
}

/* What the test wants to happen at a time of its own. */
static void happen(struct relay_net *n)
{
	const struct dial_failure why = { .cause = DIAL_CLOSED };
	uint64_t since_us = now_us(n) - n->started_us;

	if (n->breaks_at_us != 0 && since_us >= n->breaks_at_us) {
		n->breaks_at_us = 0;
		n->is_open[0] = false;
		relay_trial_on_close(n->trial, 0, &why, now_us(n));
	}
	if (n->stops_at_us != 0 && since_us >= n->stops_at_us) {
		n->stops_at_us = 0;
		relay_trial_stop(n->trial, now_us(n));
	}
}

static uint64_t least_due(uint64_t at_us, uint64_t start_us, uint64_t after_us)
{
	return after_us != 0 && start_us + after_us < at_us ? start_us + after_us : at_us;
}

void net_run(struct relay_net *n)
{
	bool is_stream = turn_transport_is_stream(n->config.transport);

	rig_start(&n->rig);
	for (uint8_t i = 0; i < RELAY_ENDS; i++) {
		rig_client(&n->clients[i], &n->rig, (uint16_t)(CLIENT_PORT + i));
		n->clients[i].tuple.transport = is_stream ? STUN_TCP : STUN_UDP;
		n->clients[i].link = is_stream ? &n->clients[i] : NULL;
	}
	rig_client(&n->outside, &n->rig, OUTSIDE_PORT);
	n->started_us = now_us(n);
	n->trial = relay_trial_new(&n->config, now_us(n));
	FUZZ_CHECK(n->trial != NULL);
	for (;;) {
		uint64_t due_us = pump(n);
		struct net_packet *p = next_packet(n);

		if (due_us == 0)
			break;
		due_us = least_due(due_us, n->started_us, n->breaks_at_us);
		due_us = least_due(due_us, n->started_us, n->stops_at_us);
		move_clock(n, p != NULL && p->at_us < due_us ? p->at_us : due_us);
		if (p != NULL && p->at_us <= now_us(n)) {
			struct net_packet copy = *p;

			p->is_used = false;
			arrive(n, &copy);
		}
		happen(n);
	}
	n->took_us = now_us(n) - n->started_us;
	n->result = relay_trial_result(n->trial);
	for (size_t i = 0; i < RELAY_ENDS; i++)
		FUZZ_CHECK(!n->is_open[i]);
}

void net_end(struct relay_net *n)
{
	relay_trial_free(n->trial);
	rig_stop(&n->rig);
}

bool net_found(const struct relay_net *n, uint8_t kind, struct relay_finding *out)
{
	for (size_t i = 0; i < n->result->finding_count; i++) {
		if (n->result->findings[i].kind != kind)
			continue;
		if (out != NULL)
			*out = n->result->findings[i];
		return true;
	}
	return false;
}
