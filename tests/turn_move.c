#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_move.h"
#include "turnd/mobility.h"

struct rig r;
struct rig_client home, away;
struct story_ticket ticket;
struct addr peer;
struct relay_end *relay;

int move_begin(void **state)
{
	rig_init(&r);
	r.snapshot.nonces.life_s = 86400;
	r.snapshot.mobility = true;
	rig_client(&home, &r, 1000);
	rig_client(&away, &r, 2000);
	away.tuple.client.ip[3] = 77;
	peer = story_peer(7, 7);
	return 0;
}

int move_end(void **state)
{
	rig_stop(&r);
	return 0;
}

int move_begin_workers(void **state)
{
	(void)move_begin(state);
	r.workers = 4;
	away.worker = 1;
	return 0;
}

void move_begin_again(void)
{
	rig_stop(&r);
	(void)move_begin_workers(NULL);
}

struct turnd *move_worker(uint16_t n)
{
	return r.worker[n].turnd;
}

size_t move_expected(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++)
		count += mobility_count(move_worker(i));
	return count;
}

size_t move_alive(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++) {
		assert_int_equal(counter_read(&turnd_stats(move_worker(i))->allocations),
				 turnd_count(move_worker(i)));
		count += turnd_count(move_worker(i));
	}
	return count;
}

void letter_post(struct rig_client *c, struct letter *l)
{
	struct bytes raw;

	rig_sign(c);
	assert_int_equal(stun_build_finish(&c->b, &raw), STUN_OK);
	assert_true(raw.len <= sizeof(l->data));
	memcpy(l->data, raw.data, raw.len);
	l->from = c->worker;
	l->in = (struct turnd_in){
		.data = bytes_of(l->data, raw.len),
		.tuple = c->tuple,
		.link = c->link,
		.ip = TURND_IP_DEFAULT,
	};
	assert_int_equal(turnd_from_client(move_worker(c->worker), &l->in, &r.now, r.buf, &r.out),
			 TURND_ASK);
	l->ask = r.out.ask;
}

void letter_answer(struct letter *l)
{
	turnd_answer(move_worker(l->ask.worker), &l->ask, &r.now, &l->gift);
}

uint16_t letter_come_back(struct letter *l)
{
	struct stun_error error;
	struct bytes value;

	l->in.gift = &l->gift;
	r.step = turnd_from_client(move_worker(l->from), &l->in, &r.now, r.buf, &r.out);
	if (r.step != TURND_TO_CLIENT)
		return RIG_NOTHING;
	assert_int_equal(stun_msg_parse(r.out.data, &r.answer), STUN_OK);
	if (!rig_find(&r, STUN_ATTR_ERROR_CODE, &value))
		return 0;
	assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
	return error.code;
}

void letter_give_back(struct letter *l)
{
	turnd_return(move_worker(l->ask.worker), &l->gift, &r.now);
}

void letter_fetch(struct letter *l)
{
	(void)rig_request(&away, TURN_REFRESH);
	letter_post(&away, l);
	letter_answer(l);
}

struct ports_token move_reserve(void)
{
	struct ports_token token = { { 0 } };

	assert_int_equal(story_allocate(&home, &(struct story_allocate){ .even_port = true,
									 .reserve = true }),
			 0);
	assert_true(story_token(&r, &token));
	return token;
}

void move_request_port(struct rig_client *c, const struct ports_token *token)
{
	struct stun_builder *b;

	if (!c->challenged)
		assert_int_equal(rig_challenge(c), 401);
	b = rig_request(c, TURN_ALLOCATE);
	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	memcpy(stun_build_attr(b, STUN_ATTR_RESERVATION_TOKEN, PORTS_TOKEN_LEN), token->bytes,
	       PORTS_TOKEN_LEN);
}

void move_allocate(void)
{
	assert_int_equal(story_allocate(&home, &(struct story_allocate){ .mobile = true }), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(rig_bind(&home, 0x4000, &peer), 0);
	relay = rig_end_of(&r, &home.relayed[0]);
}

void move_start(void)
{
	rig_start(&r);
	move_allocate();
}

void move_start_over_tls(void)
{
	rig_start(&r);
	home.tuple.transport = STUN_TLS;
	home.link = &home;
	move_allocate();
}

uint16_t move_to(struct rig_client *c)
{
	uint16_t code = story_move(c, &ticket, UINT32_MAX);

	if (code == 0)
		assert_true(story_ticket(&r, &ticket));
	return code;
}

bool move_reaches(const struct rig_client *c)
{
	return rig_from_peer(&r, relay, &peer, BYTES("in")) == TURND_TO_CLIENT &&
	       five_tuple_equal(&r.out.tuple, &c->tuple) && r.out.link == c->link;
}

bool move_can_send(const struct rig_client *c)
{
	struct rig_client sender = *c; /* so that the last request can be repeated */

	return rig_channel(&sender, 0x4000, BYTES("out")) == TURND_TO_PEER && r.out.end == relay;
}

void move_request(struct rig_client *c)
{
	struct stun_builder *b;

	if (!c->challenged)
		assert_int_equal(rig_challenge(c), 401);
	b = rig_request(c, TURN_REFRESH);
	memcpy(stun_build_attr(b, STUN_ATTR_MOBILITY_TICKET, TICKET_LEN), ticket.value, TICKET_LEN);
}

void move_start_connected(void)
{
	rig_start(&r);
	home.tuple.transport = away.tuple.transport = STUN_TLS;
	home.link = &home;
	away.link = &away;
	move_allocate();
}
