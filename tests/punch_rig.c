#include "punch_rig.h"

#include <errno.h>
#include <stdlib.h>

#include "stun_attr.h"

#define CALLS_MAX  100000
#define FIRST_PORT 40000

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void make_side(struct rig *r, uint8_t side)
{
	struct rig_side *s = &r->sides[side];
	struct peer_path *path = &s->profile.paths[0];

	s->rng = rng_seed(77 + side);
	s->next_port = FIRST_PORT;
	s->clock_us = side == 0 ? 0 : 5000000000;
	s->profile.path_count = 1;
	*path = (struct peer_path){
		.family = ADDR_IPV4,
		.local = addr_ipv4(20, 0, side, 1, 0),
		.local_prefix_len = 24,
		.externals[0] = addr_ipv4(20, 0, side, 1, 0),
		.external_count = 1,
		.mapping = BEHAVIOUR_NONE,
		.tcp_mapping = BEHAVIOUR_NONE,
		.filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		.tcp_filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
		.udp_blocked = VERDICT_NO,
		.delta = DELTA_NOT_APPLICABLE,
		.background_per_s = -1,
		.overload = -1,
		.loss = -1,
		.rtt_us = 40000,
	};
	s->config = (struct punch_config){
		.is_a = side == 0,
		.key = { 1, 2, 3 },
		.servers = &r->server,
		.server_count = 1,
		.plan.only = PUNCH_BIT(PUNCH_SIMULTANEOUS),
		.random = fill_random,
		.random_arg = &s->rng,
	};
	s->clock.error_us = 5000;
	s->clock.round_trip_us = 200000;
}

void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->now_us = 1000000000;
	r->delay_us = 20000;
	r->tell_us = 60000;
	r->rng = rng_seed(4711);
	r->server = addr_ipv4(20, 9, 9, 9, 3478);
	make_side(r, 0);
	make_side(r, 1);
	r->sides[0].clock.offset_us = r->sides[1].clock_us - r->sides[0].clock_us;
	r->sides[1].clock.offset_us = -r->sides[0].clock.offset_us;
}

uint64_t rig_clock(const struct rig *r, uint8_t side)
{
	return r->now_us + (uint64_t)r->sides[side].clock_us;
}

void rig_start(struct rig *r)
{
	for (uint8_t i = 0; i < 2; i++) {
		struct rig_side *s = &r->sides[i];

		s->config.ours = &s->profile;
		s->config.theirs = &r->sides[1 - i].profile;
		s->punch = punch_new(&s->config);
		if (s->punch == NULL)
			abort();
		if (s->clock.round_trip_us != 0)
			punch_set_clock(s->punch, &s->clock);
	}
}

const struct punch_result *rig_result(const struct rig *r, uint8_t side)
{
	return punch_result(r->sides[side].punch);
}

unsigned rig_open(const struct rig *r, uint8_t side)
{
	unsigned count = 0;

	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++)
		count += r->sides[side].slots[i].open;
	return count;
}

static struct rig_event *add(struct rig *r)
{
	for (size_t i = 0; i < RIG_WAITING; i++) {
		if (r->events[i].kind == RIG_FREE)
			return &r->events[i];
	}
	abort();
}

void rig_inject(struct rig *r, uint8_t to_side, const struct addr *from, const struct addr *to,
		struct bytes data, uint32_t delay_us)
{
	struct rig_event *e = add(r);

	*e = (struct rig_event){
		.kind = RIG_DATAGRAM,
		.side = to_side,
		.at_us = r->now_us + delay_us,
		.from = *from,
		.to = *to,
		.len = data.len < RIG_BYTES_MAX ? data.len : RIG_BYTES_MAX,
	};
	memcpy(e->data, data.data, e->len);
}

/* A server that says how it sees the sender. */
static void serve(struct rig *r, uint8_t side, const struct addr *from, struct bytes data)
{
	struct stun_msg msg;
	struct stun_builder b;
	struct bytes out = { 0 };
	uint8_t buf[64];

	if (r->server_is_silent || stun_msg_parse(data, &msg) != STUN_OK)
		return;
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &msg.tid);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, from);
	if (stun_build_finish(&b, &out) == STUN_OK)
		rig_inject(r, side, &r->server, from, out, 2 * r->delay_us);
}

static void count_burst(struct rig *r, struct rig_side *s)
{
	if (r->now_us >= s->burst_us + 5000) {
		s->burst_us = r->now_us;
		s->burst = 0;
	}
	if (++s->burst > s->most_5ms)
		s->most_5ms = s->burst;
}

static void send(struct rig *r, uint8_t side, const struct punch_action *a)
{
	struct rig_slot *slot = &r->sides[side].slots[a->slot];
	struct addr from = slot->local;

	if (!slot->open || a->to.port == 0 || a->data.len == 0)
		abort();
	count_burst(r, &r->sides[side]);
	if (r->loss_per_mille > 0 && rng_below(&r->rng, 1000) < r->loss_per_mille)
		return;
	if (a->ttl != 0 && a->ttl < 8)
		return;
	if (addr_equal(&a->to, &r->server))
		serve(r, side, &from, a->data);
	else if (r->filter == NULL || !r->filter(r, side, &from, &a->to, a->data))
		rig_inject(r, (uint8_t)(1 - side), &from, &a->to, a->data, r->delay_us);
}

static void open_slot(struct rig *r, uint8_t side, const struct punch_action *a)
{
	struct rig_side *s = &r->sides[side];
	struct rig_slot *slot = &s->slots[a->slot];

	if (a->slot >= PUNCH_SLOTS_MAX || slot->open || a->path >= s->profile.path_count)
		abort();
	if (a->port != 0 && a->port == s->taken_port) {
		punch_on_open_failed(s->punch, a->slot, EADDRINUSE, rig_clock(r, side));
		return;
	}
	slot->open = true;
	slot->local = addr_with_port(&s->profile.paths[a->path].local,
				     a->port != 0 ? a->port : s->next_port++);
	punch_on_open(s->punch, a->slot, &slot->local, rig_clock(r, side));
}

/* In order, as the channel of the meeting has it. */
static void tell(struct rig *r, uint8_t side, const struct punch_action *a)
{
	struct rig_side *s = &r->sides[side];
	uint32_t at = r->told_count++ % RIG_TOLD_MAX;
	struct rig_event *e;

	if (a->data.len == 0 || a->data.len > PUNCH_TELL_MAX)
		abort();
	s->told++;
	if (s->loses_told)
		return;
	e = add(r);
	r->told[at].len = a->data.len;
	memcpy(r->told[at].data, a->data.data, a->data.len);
	*e = (struct rig_event){
		.kind = RIG_TOLD,
		.side = (uint8_t)(1 - side),
		.at_us = r->now_us + r->tell_us,
		.told = (uint8_t)at,
	};
}

static void carry_out(struct rig *r, uint8_t side, const struct punch_action *a)
{
	struct rig_side *s = &r->sides[side];

	switch ((enum punch_kind)a->kind) {
	case PUNCH_OPEN:
		open_slot(r, side, a);
		break;
	case PUNCH_OPEN_RELAY:
		punch_on_relay(s->punch, a->slot, &(struct addr){ 0 }, 401, rig_clock(r, side));
		break;
	case PUNCH_MAP:
		punch_on_mapped(s->punch, a->slot, &(struct addr){ 0 }, rig_clock(r, side));
		break;
	case PUNCH_SEND:
		send(r, side, a);
		break;
	case PUNCH_CLOSE:
		if (!s->slots[a->slot].open && a->slot < 30)
			abort();
		s->slots[a->slot].open = false;
		break;
	case PUNCH_CONNECT:
		punch_on_stream(s->punch, a->slot, PUNCH_STREAM_REFUSED, (struct bytes){ 0 },
				rig_clock(r, side));
		break;
	case PUNCH_TELL:
		tell(r, side, a);
		break;
	default:
		break;
	}
}

static void run_side(struct rig *r, uint8_t side)
{
	struct rig_side *s = &r->sides[side];
	struct punch_action a;

	for (unsigned calls = 0; !s->finished; calls++) {
		enum punch_kind kind = punch_next(s->punch, rig_clock(r, side), &a);

		if (calls > CALLS_MAX)
			abort(); /* it spins */
		if (kind == PUNCH_WAIT) {
			uint64_t now_us = rig_clock(r, side);

			s->deadline_us = a.deadline_us == UINT64_MAX
						 ? UINT64_MAX
						 : a.deadline_us - (uint64_t)s->clock_us;
			if (a.deadline_us > now_us)
				return;
			continue;
		}
		if (kind == PUNCH_FINISHED) {
			s->finished = true;
			s->finished_us = r->now_us;
			return;
		}
		carry_out(r, side, &a);
	}
}

static void deliver(struct rig *r, struct rig_event *e)
{
	struct rig_side *s = &r->sides[e->side];
	struct rig_event got = *e;

	e->kind = RIG_FREE;
	if (s->punch == NULL || s->finished)
		return;
	if (got.kind == RIG_TOLD) {
		punch_on_told(s->punch, bytes_of(r->told[got.told].data, r->told[got.told].len),
			      rig_clock(r, got.side));
		return;
	}
	for (uint16_t i = 0; i < PUNCH_SLOTS_MAX; i++) {
		if (s->slots[i].open && addr_equal(&s->slots[i].local, &got.to))
			punch_on_datagram(s->punch, i, &got.from, bytes_of(got.data, got.len),
					  rig_clock(r, got.side));
	}
}

/* Of those of one moment, the one that was sent first. */
static struct rig_event *first(struct rig *r)
{
	struct rig_event *best = NULL;

	for (size_t i = 0; i < RIG_WAITING; i++) {
		struct rig_event *e = &r->events[i];

		if (e->kind != RIG_FREE && (best == NULL || e->at_us < best->at_us))
			best = e;
	}
	return best;
}

bool rig_run(struct rig *r, uint64_t for_us)
{
	uint64_t until_us = r->now_us + for_us;

	for (;;) {
		struct rig_event *e;
		uint64_t due_us = UINT64_MAX;

		for (uint8_t i = 0; i < 2; i++) {
			run_side(r, i);
			if (!r->sides[i].finished && r->sides[i].deadline_us < due_us)
				due_us = r->sides[i].deadline_us;
		}
		if (r->at_every_step != NULL)
			r->at_every_step(r);
		if (r->sides[0].finished && r->sides[1].finished)
			return true;
		e = first(r);
		if (e != NULL && e->at_us < due_us)
			due_us = e->at_us;
		if (due_us >= until_us)
			return false;
		if (due_us > r->now_us)
			r->now_us = due_us;
		if (e != NULL && e->at_us <= r->now_us)
			deliver(r, e);
	}
}

void rig_end(struct rig *r)
{
	punch_free(r->sides[0].punch);
	punch_free(r->sides[1].punch);
	r->sides[0].punch = r->sides[1].punch = NULL;
}
