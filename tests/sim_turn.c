#include "sim_turn.h"

#include "fuzz_check.h"

static const struct addr at_ipv4 = { .family = ADDR_IPV4, .port = 3478, .ip = { 20, 50, 3, 20 } };
static const struct addr at_ipv6 = {
	.family = ADDR_IPV6,
	.port = 3478,
	.ip = { 0x2a, 0x10, 0x50, 0x20, 0, 3, [15] = 0x20 },
};

static void put(struct sim_turn_server *s, const struct addr *from, const struct addr *to,
		struct bytes data)
{
	struct sim_turn_out *o = &s->out[s->out_count++];

	FUZZ_CHECK(s->out_count <= SIM_TURN_OUT_MAX && data.len <= sizeof(o->data));
	*o = (struct sim_turn_out){ .from = *from, .to = *to, .len = data.len };
	memcpy(o->data, data.data, data.len);
}

/* The relay socket that others send to; NULL: there is none. */
static struct relay_end *end_at(struct sim_turn_server *s, const struct addr *to)
{
	return rig_end_of(&s->rig, to);
}

static void carry_out(struct sim_turn_server *s, enum turnd_step step)
{
	const struct turnd_out *out = &s->rig.out;
	struct addr from;

	if (step == TURND_TO_CLIENT) {
		put(s, &s->turn.addr, &out->tuple.client, out->data);
	} else if (step == TURND_TO_PEER) {
		from = out->end->relayed;
		if (s->leaves_as.family != ADDR_NONE)
			from = addr_with_port(&s->leaves_as, from.port);
		put(s, &from, &out->peer, out->data);
	}
}

static void set_clock(struct sim_turn_server *s, uint64_t now_us)
{
	struct turnd_now *now = &s->rig.now;

	if (now_us <= now->us)
		return;
	now->wall_s += now_us / 1000000 - now->us / 1000000;
	now->us = now_us;
	(void)turnd_on_time(s->rig.worker[0].turnd, now);
}

static bool on_datagram(void *arg, const struct addr *from, const struct addr *to,
			struct bytes data, uint64_t now_us)
{
	struct sim_turn_server *s = arg;
	struct relay_end *end = end_at(s, to);

	set_clock(s, now_us);
	s->out_count = s->out_next = 0;
	if (addr_equal(to, &s->turn.addr)) {
		s->client.tuple.client = *from;
		s->client.tuple.server = *to;
		carry_out(s, rig_give(&s->client, data));
		return true;
	}
	if (end == NULL)
		return false;
	carry_out(s, rig_from_peer(&s->rig, end, from, data));
	return true;
}

static bool next(void *arg, struct addr *from, struct addr *to, struct bytes *data)
{
	struct sim_turn_server *s = arg;
	const struct sim_turn_out *o = &s->out[s->out_next];

	if (s->out_next == s->out_count)
		return false;
	s->out_next++;
	*from = o->from;
	*to = o->to;
	*data = bytes_of(o->data, o->len);
	return true;
}

void sim_turn_init(struct sim_turn_server *s, const struct nat_profile *p)
{
	bool is_ipv6 = p->family == ADDR_IPV6 && p->layers[0].nat64_prefix.family == ADDR_NONE;

	*s = (struct sim_turn_server){ 0 };
	rig_init(&s->rig);
	s->rig.now.us = SIM_START_US;
	s->turn = (struct sim_turn){
		.addr = is_ipv6 ? at_ipv6 : at_ipv4,
		.credentials = { .username = BYTES("alice"), .password = BYTES("open sesame") },
		.arg = s,
		.on_datagram = on_datagram,
		.next = next,
	};
	for (size_t i = 0; i < RIG_RELAYS; i++)
		s->rig.relays[i].seen_as = addr_with_port(i == 0 ? &at_ipv4 : &at_ipv6, 0);
}

void sim_turn_start(struct sim_turn_server *s)
{
	rig_start(&s->rig);
	rig_client(&s->client, &s->rig, 1);
}

void sim_turn_stop(struct sim_turn_server *s)
{
	rig_stop(&s->rig);
}
