#include "partner_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stun_attr.h"

static const struct addr links[2] = {
	{ .family = ADDR_IPV4, .port = 3480, .ip = { 84, 20, 3, 1 } },
	{ .family = ADDR_IPV4, .port = 3480, .ip = { 91, 80, 1, 1 } },
};

static struct addr seen(int side, unsigned int face, uint16_t port)
{
	struct addr a = links[side];

	if (partner_face_family(face) == ADDR_IPV6)
		a = (struct addr){ .family = ADDR_IPV6,
				   .ip = { 0x2a, 0x06, 0x13, (uint8_t)side, [15] = 1 } };
	return addr_with_port(&a, port);
}

static void set_up(struct partner_kit *k, int side)
{
	struct partner_setup *s = &k->sides[side].setup;

	*s = (struct partner_setup){ .peer = links[!side], .rate = 1000 };
	memcpy(s->key, "a key that two hosts have, and 1", PARTNER_KEY_LEN);
	for (unsigned int face = 0; face < 2; face++) {
		s->own[face].seen[0] = seen(side, face, 3478);
		s->own[face].seen[1] = seen(side, face, 3479);
	}
}

uint64_t partner_kit_clock(const struct partner_kit *k, int side)
{
	const struct partner_kit_side *s = &k->sides[side];

	return s->clock_from_ms + k->now_ms * s->clock_percent / 100;
}

void partner_kit_restart(struct partner_kit *k, int side)
{
	struct partner_kit_side *s = &k->sides[side];

	s->runs++;
	s->number = 0;
	rng_fill(&k->rng, s->setup.random, sizeof(s->setup.random));
	partner_init(&s->p, &s->setup, partner_kit_clock(k, side));
}

void partner_kit_open(struct partner_kit *k, uint64_t seed)
{
	memset(k, 0, sizeof(*k));
	k->rng = rng_seed(seed);
	k->delay_ms = 20;
	for (int side = 0; side < 2; side++) {
		k->sides[side].clock_percent = 100;
		set_up(k, side);
		partner_kit_restart(k, side);
	}
}

static void launch(struct partner_kit *k, int to, struct bytes datagram)
{
	for (size_t i = 0; i < PARTNER_KIT_FLYING; i++) {
		struct partner_kit_flying *f = &k->flying[i];

		if (f->is_used)
			continue;
		f->is_used = true;
		k->flying_count++;
		f->to_second = to == 1;
		f->at_ms = k->now_ms + k->delay_ms;
		if (k->jitter_ms > 0)
			f->at_ms += rng_below(&k->rng, k->jitter_ms);
		f->len = datagram.len;
		memcpy(f->bytes, datagram.data, datagram.len);
		return;
	}
}

static void send_to(struct partner_kit *k, int to, struct bytes datagram)
{
	struct partner_kit_flying *last = &k->heard[!to][partner_wire_type(datagram)];

	k->datagrams++;
	last->len = datagram.len;
	memcpy(last->bytes, datagram.data, datagram.len);
	if (rng_below(&k->rng, 100) < k->loss_percent[to])
		return;
	launch(k, to, datagram);
	if (rng_below(&k->rng, 100) < k->double_percent)
		launch(k, to, datagram);
}

enum partner_took partner_kit_say(struct partner_kit *k, int side, struct bytes datagram)
{
	struct partner_kit_side *s = &k->sides[side];
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;
	enum partner_took took = partner_input(&s->p, datagram, &links[!side],
					       partner_kit_clock(k, side), buf, &out);

	s->took[took]++;
	if (took == PARTNER_REPLY)
		send_to(k, !side, out.datagram);
	if (took == PARTNER_SEND) {
		s->sent = out.hand;
		memcpy(s->sent_msg, out.hand.msg.data, out.hand.msg.len);
		s->sent.msg.data = s->sent_msg;
	}
	return took;
}

static void step(struct partner_kit *k)
{
	uint8_t buf[PARTNER_CONTROL_MAX];

	for (size_t i = 0; i < PARTNER_KIT_FLYING && k->flying_count > 0; i++) {
		struct partner_kit_flying f = k->flying[i];

		if (!f.is_used || f.at_ms > k->now_ms)
			continue;
		k->flying[i].is_used = false;
		k->flying_count--;
		if (!k->sides[f.to_second].is_off)
			(void)partner_kit_say(k, f.to_second, bytes_of(f.bytes, f.len));
	}
	for (int side = 0; side < 2; side++) {
		struct partner_kit_side *s = &k->sides[side];
		uint64_t now_ms = partner_kit_clock(k, side);
		struct bytes d;

		if (s->is_off || partner_deadline(&s->p) > now_ms)
			continue;
		while ((d = partner_next(&s->p, now_ms, buf)).len > 0)
			send_to(k, !side, d);
	}
}

void partner_kit_run(struct partner_kit *k, uint64_t ms)
{
	for (uint64_t end = k->now_ms + ms; k->now_ms < end; k->now_ms++)
		step(k);
}

enum partner_why partner_kit_why(struct partner_kit *k, int side)
{
	struct partner_view v;

	partner_view(&k->sides[side].p, &v);
	return v.why;
}

bool partner_kit_has(struct partner_kit *k, int side, unsigned int face)
{
	struct partner_view v;

	partner_view(&k->sides[side].p, &v);
	return v.faces[face].seen[0].family != ADDR_NONE;
}

struct bytes partner_kit_answer(uint8_t *buf, size_t cap, const struct addr *to, bool classic)
{
	struct stun_tid tid = stun_tid_make((const uint8_t *)"answer to it");
	struct stun_builder b;
	struct bytes out = { 0 };

	if (classic)
		tid.bytes[0] = 7;
	b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &tid);
	if (classic)
		(void)stun_attr_put_addr(&b, STUN_ATTR_MAPPED_ADDRESS, to);
	else
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, to);
	(void)stun_build_finish(&b, &out);
	return out;
}

bool partner_kit_hand(struct partner_kit *k, int side, unsigned int face, unsigned int port,
		      const struct addr *to)
{
	struct partner_kit_side *s = &k->sides[side];
	uint8_t buf[PARTNER_DATAGRAM_MAX], msg[PARTNER_MSG_MAX];
	struct partner_hand h = { .face = (uint8_t)face,
				  .port = (uint8_t)port,
				  .to = *to,
				  .msg = partner_kit_answer(msg, sizeof(msg), to, false) };
	struct partner_view v;
	struct bytes d;

	partner_view(&s->p, &v);
	d = partner_hand_over(&v, &h, ++s->number, buf);
	if (d.len > 0)
		send_to(k, !side, d);
	return d.len > 0;
}

const struct addr partner_kit_client = { .family = ADDR_IPV4,
					 .port = 40000,
					 .ip = { 93, 184, 7, 9 } };
const struct addr partner_kit_client6 = { .family = ADDR_IPV6,
					  .port = 40000,
					  .ip = { 0x2a, 0x01, 0x04, 0xf8, [15] = 9 } };

struct partner_kit *partner_kit_live(struct partner_kit *k, uint64_t seed)
{
	partner_kit_open(k, seed);
	partner_kit_run(k, 200);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(partner_kit_why(k, side), PARTNER_LIVE);
		assert_true(partner_kit_has(k, side, 0));
		assert_true(partner_kit_has(k, side, 1));
		assert_false(partner_kit_has(k, side, 2));
	}
	return k;
}

bool partner_kit_both_live(struct partner_kit *k)
{
	return partner_kit_why(k, 0) == PARTNER_LIVE && partner_kit_why(k, 1) == PARTNER_LIVE;
}

struct bytes partner_kit_heard(const struct partner_kit *k, int side, enum partner_type type)
{
	const struct partner_kit_flying *f = &k->heard[side][type];

	assert_true(f->len > 0);
	return bytes_of(f->bytes, f->len);
}
