/*
 * Four workers, whose messages to each other come in any order, late or back to
 * where they came from, while clients allocate, move, hang up and send.
 * Whatever happens, each open relay socket has one allocation and one unit of
 * quota, or is that of a port that is reserved; no allocation has a connection
 * that has ended; and in the end nothing is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_story.h"
#include "turnd/mobility.h"

#define CLIENTS 8
#define LETTERS 32
#define ROUNDS  60
#define STEPS   400

enum stage { UNUSED, POSTED, GIVEN };

struct letter {
	enum stage stage;
	bool is_forgotten; /* whoever asked has hung up */
	struct turnd_in in;
	uint8_t data[RIG_TEXT_MAX];
	uint16_t from;
	struct turnd_ask ask;
	struct turnd_gift gift;
};

static struct rig r;
static struct rng rng;
static struct rig_client clients[CLIENTS];
static int links[CLIENTS];
static struct letter letters[LETTERS];
static struct story_ticket tickets[CLIENTS];
static struct ports_token token;
static struct addr peer;
static size_t gifts_used, gifts_returned;

static uint32_t below(uint32_t limit)
{
	return rng_below(&rng, limit);
}

static struct turnd *worker(uint16_t n)
{
	return r.worker[n].turnd;
}

static struct letter *unused_letter(void)
{
	for (size_t i = 0; i < LETTERS; i++) {
		if (letters[i].stage == UNUSED)
			return &letters[i];
	}
	return NULL;
}

/* As the system picks a worker: by the 5-tuple. */
static void place(struct rig_client *c)
{
	c->worker = c->tuple.client.port % r.workers;
}

static void learn(size_t client)
{
	(void)story_ticket(&r, &tickets[client]);
	(void)story_token(&r, &token);
}

static void judge(struct letter *l)
{
	enum turnd_step step = turnd_from_client(worker(l->from), &l->in, &r.now, r.buf, &r.out);

	r.answer = (struct stun_msg){ 0 };
	l->stage = step == TURND_ASK ? POSTED : UNUSED;
	if (step == TURND_ASK)
		l->ask = r.out.ask;
	else if (step == TURND_TO_CLIENT)
		assert_int_equal(stun_msg_parse(r.out.data, &r.answer), STUN_OK);
}

static void send_bytes(size_t client, struct bytes raw)
{
	const struct rig_client *c = &clients[client];
	struct letter *l = unused_letter();

	if (l == NULL)
		return;
	assert_true(raw.len <= sizeof(l->data));
	memcpy(l->data, raw.data, raw.len);
	l->from = c->worker;
	l->is_forgotten = false;
	l->in = (struct turnd_in){
		.data = bytes_of(l->data, raw.len),
		.tuple = c->tuple,
		.link = c->link,
		.ip = TURND_IP_DEFAULT,
	};
	judge(l);
	if (r.answer.raw.len > 0)
		learn(client);
}

static void send_request(size_t client)
{
	struct rig_client *c = &clients[client];
	struct bytes raw;

	rig_sign(c);
	assert_int_equal(stun_build_finish(&c->b, &raw), STUN_OK);
	send_bytes(client, raw);
}

static struct stun_builder *request(size_t client, uint16_t method)
{
	if (!clients[client].challenged)
		(void)rig_challenge(&clients[client]);
	return rig_request(&clients[client], method);
}

static void put(struct stun_builder *b, uint16_t type, const void *value, size_t len)
{
	uint8_t *to = stun_build_attr(b, type, len);

	if (len > 0)
		memcpy(to, value, len);
}

static void do_allocate(size_t client)
{
	struct stun_builder *b = request(client, TURN_ALLOCATE);
	uint32_t how = below(8);

	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	if (how >= 3)
		put(b, STUN_ATTR_MOBILITY_TICKET, NULL, 0);
	if (how == 0 || how == 3)
		(void)stun_attr_put_even_port(b, true);
	if (how == 1 || how == 4)
		put(b, STUN_ATTR_RESERVATION_TOKEN, token.bytes, sizeof(token.bytes));
	send_request(client);
}

static void do_move(size_t client)
{
	struct stun_builder *b = request(client, TURN_REFRESH);

	if (below(16) == 0)
		(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, 0);
	put(b, STUN_ATTR_MOBILITY_TICKET, tickets[below(CLIENTS)].value, TICKET_LEN);
	send_request(client);
}

static void do_refresh(size_t client)
{
	struct stun_builder *b = request(client, TURN_REFRESH);

	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, below(4) * 500);
	send_request(client);
}

static void do_bind(size_t client)
{
	struct stun_builder *b = request(client, TURN_CHANNEL_BIND);

	(void)stun_attr_put_u16(b, STUN_ATTR_CHANNEL_NUMBER, 0x4000);
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	send_request(client);
}

static void do_data(size_t client)
{
	static const uint8_t frame[8] = { 0x40, 0, 0, 4, 'd', 'a', 't', 'a' };

	send_bytes(client, bytes_of(frame, sizeof(frame)));
}

static void do_go(size_t client)
{
	struct rig_client *c = &clients[client];

	if (c->link == NULL)
		story_go(c, 8);
	place(c);
}

static void do_hang_up(size_t client)
{
	struct rig_client *c = &clients[client];

	if (c->link == NULL)
		return;
	turnd_link_ended(worker(c->worker), &c->tuple, c->link, &r.now);
	for (size_t i = 0; i < LETTERS; i++) {
		if (letters[i].in.link == c->link)
			letters[i].is_forgotten = true;
	}
	story_go(c, 8);
	place(c);
}

static void do_letter(struct letter *l)
{
	if (l->stage == POSTED) {
		turnd_answer(worker(l->ask.worker), &l->ask, &r.now, &l->gift);
		l->stage = GIVEN;
	} else if (l->stage == GIVEN && (l->is_forgotten || below(8) == 0)) {
		turnd_return(worker(l->ask.worker), &l->gift, &r.now);
		gifts_returned += l->gift.code == 0;
		l->stage = UNUSED;
	} else if (l->stage == GIVEN) {
		l->in.gift = &l->gift;
		gifts_used += l->gift.code == 0;
		judge(l);
		if (r.answer.raw.len > 0)
			learn(l->in.tuple.client.port % CLIENTS);
	}
}

static void do_time(void)
{
	rig_pass(&r, below(50) == 0 ? 600 * 1000 : below(3000));
}

static void do_kick(void)
{
	struct turnd *t = worker((uint16_t)below(r.workers));
	const struct alloc *a = turnd_next(t, NULL);

	if (a != NULL)
		assert_true(turnd_kick(t, a->number));
}

static void do_peer(void)
{
	struct relay_end *end = r.sockets[below(CLIENTS)].end;

	for (size_t i = 0; i < LETTERS; i++) {
		if (letters[i].stage == GIVEN && letters[i].gift.alloc != NULL)
			return; /* nobody reads its socket now */
	}
	if (end != NULL)
		(void)rig_from_peer(&r, end, &peer, BYTES("data"));
}

static void step(void)
{
	static void (*const deeds[])(size_t client) = { do_allocate, do_move, do_move, do_refresh,
							do_bind,     do_data, do_data, do_go };
	uint32_t what = below(20);

	if (what < ARRAY_LEN(deeds))
		deeds[what](below(CLIENTS));
	else if (what < 16)
		do_letter(&letters[below(LETTERS)]);
	else if (what == 16)
		do_hang_up(below(CLIENTS));
	else if (what == 17)
		do_time();
	else if (what == 18 && below(4) == 0)
		do_kick();
	else
		do_peer();
}

/* Those that are on their way between two workers included. */
static size_t count_alive(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++) {
		assert_int_equal(counter_read(&turnd_stats(worker(i))->allocations),
				 turnd_count(worker(i)));
		count += turnd_count(worker(i));
	}
	for (size_t i = 0; i < LETTERS; i++)
		count += letters[i].stage == GIVEN && letters[i].gift.alloc != NULL;
	return count;
}

/* The same for ports that are reserved. */
static size_t count_reserved(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++) {
		const struct list *all = &worker(i)->reserved;

		for (const struct list *l = all->next; l != all; l = l->next)
			count++;
	}
	for (size_t i = 0; i < LETTERS; i++)
		count += letters[i].stage == GIVEN && letters[i].gift.reserved != NULL;
	return count;
}

static bool is_connected(const struct flow *flow)
{
	size_t i = 0;

	while (i < CLIENTS && clients[i].link != flow->link)
		i++;
	return i < CLIENTS && five_tuple_equal(&clients[i].tuple, &flow->tuple);
}

static void check_links(void)
{
	for (uint16_t i = 0; i < r.workers; i++) {
		const struct alloc *a = NULL;

		while ((a = turnd_next(worker(i), a)) != NULL)
			assert_true(a->flow.link == NULL || is_connected(&a->flow));
	}
}

static void set_up(uint64_t seed)
{
	rng = rng_seed(seed);
	rig_init(&r);
	r.workers = RIG_WORKERS;
	r.snapshot.nonces.life_s = UINT32_MAX;
	r.snapshot.mobility = true;
	r.rng = rng_seed(seed);
	if (seed % 2 == 0) { /* so few ports that workers have to ask each other */
		r.low = 50000;
		r.high = 50015;
	}
	rig_start(&r);
	memset(letters, 0, sizeof(letters));
	memset(tickets, 0, sizeof(tickets));
	for (size_t i = 0; i < CLIENTS; i++) {
		rig_client(&clients[i], &r, (uint16_t)(1000 + i));
		place(&clients[i]);
		if (i % 2 == 0)
			continue;
		clients[i].tuple.transport = STUN_TLS;
		clients[i].link = &links[i];
	}
}

static void deliver_all(void)
{
	for (size_t i = 0; i < LETTERS; i++) {
		while (letters[i].stage != UNUSED)
			do_letter(&letters[i]);
	}
}

static void whatever_happens_nothing_is_lost(void **state)
{
	uint64_t moved = 0;

	peer = story_peer(7, 7);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		set_up(seed);
		for (int i = 0; i < STEPS; i++) {
			step();
			assert_int_equal(count_alive(), r.open);
			assert_int_equal(quota_alive(r.shared.quota), r.open);
			assert_int_equal(count_reserved(), r.reserved);
			check_links();
		}
		deliver_all();
		for (uint16_t i = 0; i < r.workers; i++)
			moved += mobility_count(worker(i));
		rig_stop(&r);
	}
	/* It has been somewhere. */
	assert_true(gifts_used > 100 && gifts_returned > 20 && moved > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
