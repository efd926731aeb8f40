/*
 * Stories of four workers: reserved ports and moving allocations that another one has. Where it
 * matters, what they ask of each other lies in a mailbox for a while.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_story.h"
#include "turnd/mobility.h"

static struct rig r;
static struct rig_client home, away, sender; /* the same client, before and after */
static struct story_ticket ticket;
static struct addr peer;
static struct relay_end *relay;

static int begin(void **state)
{
	rig_init(&r);
	r.workers = 4;
	r.snapshot.nonces.life_s = 86400;
	r.snapshot.mobility = true;
	rig_client(&home, &r, 1000);
	rig_client(&away, &r, 2000);
	away.tuple.client.ip[3] = 77;
	away.worker = 1;
	peer = story_peer(7, 7);
	return 0;
}

static int end(void **state)
{
	rig_stop(&r);
	return 0;
}

static struct turnd *worker(uint16_t n)
{
	return r.worker[n].turnd;
}

static size_t expected(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++)
		count += mobility_count(worker(i));
	return count;
}

static size_t alive(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++) {
		assert_int_equal(counter_read(&turnd_stats(worker(i))->allocations),
				 turnd_count(worker(i)));
		count += turnd_count(worker(i));
	}
	return count;
}

/* One message that asks another worker, and what came of it. */
struct letter {
	struct turnd_in in;
	uint8_t data[RIG_TEXT_MAX];
	uint16_t from;
	struct turnd_ask ask;
	struct turnd_gift gift;
};

static void post(struct rig_client *c, struct letter *l)
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
	assert_int_equal(turnd_from_client(worker(c->worker), &l->in, &r.now, r.buf, &r.out),
			 TURND_ASK);
	l->ask = r.out.ask;
}

static void give(struct letter *l)
{
	turnd_answer(worker(l->ask.worker), &l->ask, &r.now, &l->gift);
}

/* Returns the code of the answer, or RIG_NOTHING. */
static uint16_t come_back(struct letter *l)
{
	struct stun_error error;
	struct bytes value;

	l->in.gift = &l->gift;
	r.step = turnd_from_client(worker(l->from), &l->in, &r.now, r.buf, &r.out);
	if (r.step != TURND_TO_CLIENT)
		return RIG_NOTHING;
	assert_int_equal(stun_msg_parse(r.out.data, &r.answer), STUN_OK);
	if (!rig_find(&r, STUN_ATTR_ERROR_CODE, &value))
		return 0;
	assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
	return error.code;
}

static void give_back(struct letter *l)
{
	turnd_return(worker(l->ask.worker), &l->gift, &r.now);
}

/* Ports */

static struct ports_token reserve(void)
{
	struct ports_token token = { { 0 } };

	assert_int_equal(story_allocate(&home, &(struct story_allocate){ .even_port = true,
									 .reserve = true }),
			 0);
	assert_true(story_token(&r, &token));
	return token;
}

static void request_port(struct rig_client *c, const struct ports_token *token)
{
	struct stun_builder *b;

	if (!c->challenged)
		assert_int_equal(rig_challenge(c), 401);
	b = rig_request(c, TURN_ALLOCATE);
	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	memcpy(stun_build_attr(b, STUN_ATTR_RESERVATION_TOKEN, PORTS_TOKEN_LEN), token->bytes,
	       PORTS_TOKEN_LEN);
}

static bool reaches_through(struct rig_client *c)
{
	struct relay_end *e = rig_end_of(&r, &c->relayed[0]);

	return rig_permit(c, &peer) == 0 &&
	       rig_from_peer(&r, e, &peer, BYTES("in")) == TURND_TO_CLIENT &&
	       five_tuple_equal(&r.out.tuple, &c->tuple);
}

static void a_token_is_good_at_any_worker(void **state)
{
	rig_start(&r);
	for (uint16_t i = 0; i < r.workers; i++) {
		struct ports_token token = reserve();
		uint32_t before = ports_count_free(r.ports[0]);
		size_t opened = r.opened;

		away.worker = i;
		assert_int_equal(r.reserved, 1);
		assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }),
				 0);
		assert_int_equal(away.relayed[0].port, home.relayed[0].port + 1);
		assert_int_equal(r.opened, opened); /* it gets the socket that there is */
		assert_int_equal(r.reserved, 0);
		assert_true(reaches_through(&away));
		assert_int_equal(story_repeat(&away), 0);
		assert_int_equal(rig_refresh(&away, 0), 0);
		/* The port goes back to the worker whose share it is of. */
		assert_int_equal(ports_count_free(r.ports[0]), before + 1);
		assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }),
				 508);
		assert_int_equal(rig_refresh(&home, 0), 0);
	}
}

static void expect_all_ports_free(void)
{
	for (uint16_t i = 0; i < r.workers; i++)
		assert_int_equal(ports_count_free(r.ports[i]), ports_count(r.ports[i]));
}

/* Two ports are of each worker, and the kernel may send all clients to one. */
static void a_range_is_full_when_no_worker_has_a_port(void **state)
{
	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	for (int i = 0; i < 8; i++, story_go(&home, 1))
		assert_int_equal(rig_allocate(&home), 0);
	assert_int_equal(rig_allocate(&home), 508);
	for (int i = 0; i < 8; i++) {
		story_go(&home, -1);
		assert_int_equal(rig_refresh(&home, 0), 0);
	}
	expect_all_ports_free();
}

static void a_pair_of_another_worker_is_reserved_there(void **state)
{
	struct ports_token token, last;

	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	(void)reserve();
	story_go(&home, 1);
	token = reserve();
	assert_int_equal(home.relayed[0].port % 2, 0);
	assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }), 0);
	assert_int_equal(away.relayed[0].port, home.relayed[0].port + 1);
	story_go(&home, 1);
	(void)reserve();
	story_go(&home, 1);
	last = reserve();
	story_go(&away, 1);
	assert_int_equal(rig_allocate(&away), 508); /* what is reserved is nobody's */
	assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &last }), 0);
	assert_int_equal(away.relayed[0].port, home.relayed[0].port + 1);
}

static void both_families_may_come_from_another_worker(void **state)
{
	struct story_allocate both = { .additional = ADDR_IPV6 };

	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	for (int i = 0; i < 2; i++, story_go(&home, 1))
		assert_int_equal(story_allocate(&home, &both), 0);
	assert_int_equal(story_allocate(&home, &both), 0);
	assert_int_equal(home.relayed[0].family, ADDR_IPV4);
	assert_int_equal(rig_refresh(&home, 0), 0);
}

static void a_port_that_cannot_be_used_goes_back(void **state)
{
	struct ports_token token;

	r.snapshot.total_allocations = 1;
	rig_start(&r);
	token = reserve();
	assert_int_equal(story_allocate(&away, &(struct story_allocate){ .token = &token }), 508);
	assert_int_equal(r.open, 1);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(rig_refresh(&home, 0), 0);
	expect_all_ports_free();
}

/* A range of which only another worker has ports left. */
static void fill_the_share_of_worker_0(void)
{
	r.low = 50000;
	r.high = 50007;
	rig_start(&r);
	for (int i = 0; i < 2; i++, story_go(&home, 1))
		assert_int_equal(rig_allocate(&home), 0);
	assert_int_equal(rig_challenge(&home), 401);
}

static size_t ports_free_of_all(void)
{
	size_t count = 0;

	for (uint16_t i = 0; i < r.workers; i++)
		count += ports_count_free(r.ports[i]);
	return count;
}

static bool even_ports(const struct addr *local)
{
	return local->port % 2 == 0;
}

static bool odd_ports(const struct addr *local)
{
	return local->port % 2 != 0;
}

static void a_pair_that_the_system_refuses_goes_back_whole(void **state)
{
	static bool (*const foreign[])(const struct addr *local) = { even_ports, odd_ports };
	struct story_allocate how = { .even_port = true, .reserve = true };

	fill_the_share_of_worker_0();
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		r.is_foreign = foreign[i];
		assert_int_equal(story_allocate(&home, &how), 508);
		assert_int_equal(r.open, 2);
		assert_int_equal(r.reserved, 0);
		assert_int_equal(quota_alive(r.shared.quota), 2);
		assert_int_equal(ports_free_of_all(), 6);
	}
}

static void a_pair_that_comes_too_late_goes_back_whole(void **state)
{
	struct stun_builder *b;
	struct letter l, lost;

	fill_the_share_of_worker_0();
	b = rig_request(&home, TURN_ALLOCATE);
	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	(void)stun_attr_put_even_port(b, true);
	post(&home, &l);
	lost = l;
	give(&lost);
	assert_int_equal(r.reserved, 1);
	give_back(&lost);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_free_of_all(), 6);
	give(&l);
	assert_int_equal(rig_allocate(&home), 0); /* meanwhile, with another port */
	assert_int_equal(come_back(&l), 437);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_free_of_all(), 5);
}

/* Other workers would fare no better. */
static void a_lack_of_descriptors_is_508_at_once(void **state)
{
	r.open_error = EMFILE;
	rig_start(&r);
	assert_int_equal(rig_challenge(&home), 401);
	r.open_errors = 1;
	assert_int_equal(rig_allocate(&home), 508);
	r.open_errors = 2;
	assert_int_equal(story_allocate(&home, &(struct story_allocate){ .additional = ADDR_IPV6 }),
			 508);
	assert_int_equal(r.opened, 0);
}

static void a_port_that_comes_too_late_goes_back(void **state)
{
	struct letter l, twice;
	struct ports_token token;

	rig_start(&r);
	token = reserve();
	request_port(&away, &token);
	post(&away, &l);
	post(&away, &twice); /* sent again meanwhile */
	give(&l);
	give(&twice);
	assert_int_equal(l.gift.code, 0);
	assert_int_equal(twice.gift.code, 508);
	assert_int_equal(r.reserved, 1);
	assert_int_equal(come_back(&l), 0);
	assert_int_equal(come_back(&twice), 0); /* the same answer */
	assert_int_equal(alive(), 2);
	/* The client has gone before the port came. */
	assert_int_equal(rig_refresh(&away, 0), 0);
	assert_int_equal(rig_refresh(&home, 0), 0);
	token = reserve();
	request_port(&away, &token);
	post(&away, &l);
	give(&l);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]) - 2);
	assert_int_equal(r.reserved, 1);
	give_back(&l);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]) - 1);
	/* Or it has got another allocation. */
	assert_int_equal(rig_refresh(&home, 0), 0);
	token = reserve();
	request_port(&away, &token);
	post(&away, &l);
	assert_int_equal(rig_allocate(&away), 0);
	give(&l);
	assert_int_equal(come_back(&l), 437);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]) - 1);
}

/* Moves */

static void allocate(void)
{
	assert_int_equal(story_allocate(&home, &(struct story_allocate){ .mobile = true }), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(rig_bind(&home, 0x4000, &peer), 0);
	relay = rig_end_of(&r, &home.relayed[0]);
}

static void start(void)
{
	rig_start(&r);
	allocate();
}

static uint16_t move(struct rig_client *c)
{
	uint16_t code = story_move(c, &ticket, UINT32_MAX);

	if (code == 0)
		assert_true(story_ticket(&r, &ticket));
	return code;
}

static bool reaches(const struct rig_client *c)
{
	return rig_from_peer(&r, relay, &peer, BYTES("in")) == TURND_TO_CLIENT &&
	       five_tuple_equal(&r.out.tuple, &c->tuple) && r.out.link == c->link;
}

static bool can_send(struct rig_client *c)
{
	sender = *c; /* so that the last request can be repeated */
	return rig_channel(&sender, 0x4000, BYTES("out")) == TURND_TO_PEER && r.out.end == relay;
}

static void it_moves_to_another_worker_when_it_is_used_there(void **state)
{
	start();
	assert_int_equal(move(&away), 0);
	assert_int_equal(turnd_count(worker(0)), 1);
	assert_true(reaches(&home)); /* make before break */
	assert_true(can_send(&home));
	assert_int_equal(story_repeat(&away), 0); /* a lost answer */
	assert_true(can_send(&away));
	assert_int_equal(turnd_count(worker(0)), 0);
	assert_int_equal(turnd_count(worker(1)), 1);
	assert_true(reaches(&away));
	assert_int_equal(story_repeat(&away), 0);
	assert_false(can_send(&home));
	assert_int_equal(rig_refresh(&home, 600), 437);
	assert_int_equal(rig_refresh(&away, 600), 0);
	assert_int_equal(expected(), 0);
	assert_int_equal(alive(), 1);
	/* It ends there, and the port goes home. */
	rig_pass(&r, 600 * 1000);
	assert_int_equal(r.open, 0);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]));
}

static void requests_fetch_it_too(void **state)
{
	struct addr other = story_peer(8, 8);

	start();
	assert_int_equal(move(&away), 0);
	assert_int_equal(rig_bind(&away, 0x4001, &other), 0);
	assert_int_equal(turnd_count(worker(1)), 1);
	assert_true(can_send(&away));
	assert_int_equal(rig_allocate(&away), 437);
}

static void bindings_do_not_fetch_it(void **state)
{
	start();
	assert_int_equal(move(&away), 0);
	(void)rig_request(&away, STUN_BINDING);
	assert_int_equal(rig_send_request(&away), 0);
	assert_int_equal(turnd_count(worker(0)), 1);
}

static void it_goes_round_all_workers(void **state)
{
	start();
	for (unsigned i = 1; i < 40; i++) {
		story_go(&away, 1);
		away.worker = (uint16_t)(i * 7 % 4);
		assert_int_equal(move(&away), 0);
		if (i % 3 != 0)
			assert_true(can_send(&away));
		if (i % 3 != 0)
			assert_true(reaches(&away));
		assert_in_range(expected(), 0, 1);
		assert_int_equal(alive(), 1);
	}
	assert_int_equal(rig_refresh(&away, 0), 0);
	assert_int_equal(expected(), 0);
	assert_int_equal(alive(), 0);
}

/* Wherever it is shown, wherever its allocation is by now, and however often it was replaced. */
static void old_tickets_are_dead_at_every_worker(void **state)
{
	struct story_ticket old[3];
	struct rig_client late;

	for (uint16_t first = 0; first < 2; first++) { /* the move may stay at home */
		if (first > 0)
			assert_int_equal(begin(NULL), 0);
		start();
		old[0] = ticket;
		away.worker = first;
		for (size_t moves = 1; moves <= ARRAY_LEN(old); moves++) {
			assert_int_equal(move(&away), 0);
			for (size_t i = 0; i < moves * r.workers; i++) {
				late = away;
				late.worker = (uint16_t)(i % r.workers);
				story_go(&late, 50);
				assert_int_equal(story_move(&late, &old[i / r.workers], UINT32_MAX),
						 437);
			}
			if (moves > 1)
				assert_true(can_send(&away));
			if (moves < ARRAY_LEN(old))
				old[moves] = ticket;
			story_go(&away, 1);
			away.worker = (uint16_t)((away.worker + first) % r.workers);
		}
		if (first < 1)
			rig_stop(&r);
	}
}

static void another_user_is_441_at_every_worker(void **state)
{
	start();
	assert_int_equal(move(&away), 0);
	away.user = BYTES("bob");
	away.password = BYTES("swordfish");
	for (uint16_t i = 0; i < r.workers; i++) {
		story_go(&away, 1);
		away.worker = i;
		assert_int_equal(move(&away), 441);
	}
	assert_true(reaches(&home));
}

static void a_ticket_deletes_at_another_worker(void **state)
{
	start();
	assert_int_equal(story_move(&away, &ticket, 0), 0);
	assert_int_equal(away.lifetime_s, 0);
	assert_int_equal(alive(), 0);
	assert_int_equal(expected(), 0);
	assert_int_equal(story_repeat(&away), 437);
}

static void what_ended_meanwhile_is_437(void **state)
{
	start();
	assert_int_equal(move(&away), 0);
	assert_int_equal(rig_refresh(&home, 0), 0);
	assert_false(can_send(&away));
	assert_int_equal(expected(), 0); /* it knows now */
	assert_int_equal(rig_refresh(&away, 600), 437);
	assert_int_equal(rig_allocate(&away), 0);
	story_go(&away, 1);
	assert_int_equal(move(&away), 437);
}

static void what_lost_its_connection_moves_at_once(void **state)
{
	rig_start(&r);
	home.tuple.transport = STUN_TLS;
	home.link = &home;
	allocate();
	turnd_link_ended(worker(0), &home.tuple, &home, &r.now);
	assert_int_equal(move(&away), 0);
	assert_int_equal(turnd_count(worker(1)), 1);
	assert_true(reaches(&away));
	assert_int_equal(story_repeat(&away), 0);
}

static void a_connection_that_ends_after_the_move_waits_for_its_fetch(void **state)
{
	rig_start(&r);
	home.tuple.transport = STUN_TLS;
	home.link = &home;
	allocate();
	assert_int_equal(move(&away), 0);
	turnd_link_ended(worker(0), &home.tuple, &home, &r.now);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("lost")), TURND_NOTHING);
	assert_true(can_send(&away));
	assert_true(reaches(&away));
	rig_pass(&r, 600 * 1000 - 1);
	assert_int_equal(alive(), 1);
	rig_pass(&r, 1);
	assert_int_equal(alive(), 0);
}

static void request_move(struct rig_client *c)
{
	struct stun_builder *b;

	if (!c->challenged)
		assert_int_equal(rig_challenge(c), 401);
	b = rig_request(c, TURN_REFRESH);
	memcpy(stun_build_attr(b, STUN_ATTR_MOBILITY_TICKET, TICKET_LEN), ticket.value, TICKET_LEN);
}

static void a_request_that_comes_twice_moves_once(void **state)
{
	struct letter l, twice;

	start();
	request_move(&away);
	post(&away, &l);
	post(&away, &twice);
	give(&l);
	give(&twice);
	assert_int_equal(come_back(&l), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(come_back(&twice), 0);
	assert_int_equal(expected(), 1);
	assert_true(can_send(&away));
	/* The ticket of the first answer is as good as that of the second one. */
	story_go(&away, 1);
	assert_int_equal(move(&away), 0);
}

static void data_that_come_while_it_is_fetched_are_lost_only(void **state)
{
	struct turnd_gift gift;
	struct turnd_in in = { .tuple = away.tuple,
			       .data = BYTES("\x40\x00\x00\x01xxx"),
			       .ip = TURND_IP_DEFAULT };
	struct turnd_ask ask;

	start();
	assert_int_equal(move(&away), 0);
	assert_int_equal(turnd_from_client(worker(1), &in, &r.now, r.buf, &r.out), TURND_ASK);
	ask = r.out.ask;
	assert_int_equal(turnd_from_client(worker(1), &in, &r.now, r.buf, &r.out), TURND_NOTHING);
	/* The letter is lost: after a while it asks again. */
	rig_pass(&r, 1000);
	assert_int_equal(turnd_from_client(worker(1), &in, &r.now, r.buf, &r.out), TURND_ASK);
	turnd_answer(worker(0), &ask, &r.now, &gift);
	assert_int_equal(gift.code, 0);
	in.gift = &gift;
	assert_int_equal(turnd_from_client(worker(1), &in, &r.now, r.buf, &r.out), TURND_TO_PEER);
	/* The second letter finds nothing, and does no harm. */
	turnd_answer(worker(0), &ask, &r.now, &gift);
	assert_int_equal(gift.code, 437);
	assert_int_equal(turnd_from_client(worker(1), &in, &r.now, r.buf, &r.out), TURND_TO_PEER);
	assert_int_equal(alive(), 1);
}

static void what_nobody_waits_for_goes_back_alive(void **state)
{
	struct letter l;

	start();
	assert_int_equal(move(&away), 0);
	(void)rig_request(&away, TURN_REFRESH);
	post(&away, &l);
	give(&l);
	assert_int_equal(alive(), 0); /* between two workers */
	give_back(&l);
	assert_int_equal(alive(), 1);
	assert_true(reaches(&home));
	rig_pass(&r, 1000);
	assert_true(can_send(&away)); /* it may still be fetched */
	assert_true(reaches(&away));
}

static void what_lost_its_connection_and_goes_back_still_waits(void **state)
{
	struct letter l;

	rig_start(&r);
	home.tuple.transport = STUN_TLS;
	home.link = &home;
	allocate();
	turnd_link_ended(worker(0), &home.tuple, &home, &r.now);
	request_move(&away);
	post(&away, &l);
	give(&l);
	assert_non_null(l.gift.alloc);
	give_back(&l);
	assert_int_equal(alive(), 1);
	assert_int_equal(rig_refresh(&home, 600), 437);
	assert_int_equal(rig_refresh(&away, 600), 437);
	rig_pass(&r, 600 * 1000);
	assert_int_equal(alive(), 0);
}

static void start_with_connections(void)
{
	rig_start(&r);
	home.tuple.transport = away.tuple.transport = STUN_TLS;
	home.link = &home;
	away.link = &away;
	allocate();
}

static void what_goes_back_knows_no_connection_that_ended_meanwhile(void **state)
{
	struct letter l;

	start_with_connections();
	assert_int_equal(move(&away), 0);
	(void)rig_request(&away, TURN_REFRESH);
	post(&away, &l);
	give(&l);
	turnd_link_ended(worker(0), &home.tuple, &home, &r.now);
	turnd_link_ended(worker(1), &away.tuple, &away, &r.now);
	give_back(&l);
	assert_int_equal(alive(), 1);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("in")), TURND_NOTHING);
	rig_pass(&r, 600 * 1000);
	assert_int_equal(alive(), 0);
}

/* Over UDP it would be where it was, but that is another allocation's now. */
static void what_goes_back_tells_nothing_to_who_has_its_5_tuple_now(void **state)
{
	struct rig_client other;
	struct letter l;

	start();
	other = home;
	assert_int_equal(move(&away), 0);
	(void)rig_request(&away, TURN_REFRESH);
	post(&away, &l);
	give(&l);
	assert_int_equal(rig_allocate(&other), 0);
	give_back(&l);
	assert_int_equal(alive(), 2);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("in")), TURND_NOTHING);
	assert_int_equal(rig_permit(&other, &peer), 0);
	relay = rig_end_of(&r, &other.relayed[0]);
	assert_true(reaches(&other));
}

/* The newest ticket is of a connection that ended before it was used. */
static void a_ticket_of_a_connection_that_was_never_used_is_good(void **state)
{
	for (uint16_t next = 0; next < r.workers; next++) {
		rig_start(&r);
		home.link = away.link = NULL;
		home.tuple.transport = STUN_UDP;
		away.tuple.transport = STUN_TCP;
		away.link = &away;
		away.worker = 1;
		allocate();
		assert_int_equal(move(&away), 0);
		turnd_link_ended(worker(1), &away.tuple, &away, &r.now);
		assert_true(reaches(&home));
		/* Whoever has the same port later has nothing of it. */
		assert_false(can_send(&away));
		assert_int_equal(rig_refresh(&away, 600), 437);
		story_go(&away, 1);
		away.worker = next;
		assert_int_equal(move(&away), 0);
		assert_true(can_send(&away));
		assert_true(reaches(&away));
		assert_int_equal(alive(), 1);
		assert_int_equal(rig_refresh(&away, 0), 0);
		assert_int_equal(expected(), 0);
		if (next + 1 < r.workers) {
			rig_stop(&r);
			(void)begin(state);
		}
	}
}

static void a_5_tuple_that_was_taken_meanwhile_keeps_what_it_has(void **state)
{
	struct letter l;

	rig_start(&r);
	home.tuple.transport = STUN_TLS;
	home.link = &home;
	allocate();
	turnd_link_ended(worker(0), &home.tuple, &home, &r.now);
	request_move(&away);
	post(&away, &l);
	give(&l);
	assert_non_null(l.gift.alloc);
	sender = away;
	assert_int_equal(rig_allocate(&sender), 0);
	assert_int_equal(come_back(&l), 437);
	assert_int_equal(alive(), 1);
	assert_int_equal(r.open, 1);
	assert_int_equal(quota_alive(r.shared.quota), 1);
}

/* The client has expected another allocation at that 5-tuple, and now comes with this one's ticket. */
/* The new connection ends before it was used: its ticket is the newest one all the same. */
static void a_connection_that_ends_unused_leaves_its_ticket_good(void **state)
{
	struct rig_client third;

	for (uint16_t i = 0; i < r.workers; i++) {
		if (i > 0)
			assert_int_equal(begin(NULL), 0);
		start_with_connections();
		assert_int_equal(move(&away), 0);
		turnd_link_ended(worker(1), &away.tuple, &away, &r.now);
		turnd_link_ended(worker(0), &home.tuple, &home, &r.now);
		assert_int_equal(expected(), 1);
		third = away;
		third.link = &third;
		third.worker = i;
		story_go(&third, i % 2); /* from the same port, too */
		assert_int_equal(move(&third), 0);
		assert_true(can_send(&third));
		assert_true(reaches(&third));
		assert_int_equal(expected(), 0);
		assert_int_equal(alive(), 1);
		if (i < r.workers - 1)
			rig_stop(&r);
	}
}

static void a_ticket_where_it_was_given_out_is_400(void **state)
{
	start();
	assert_int_equal(move(&away), 0);
	assert_int_equal(move(&away), 400); /* it is with worker 0 still */
	assert_true(can_send(&away));
	assert_int_equal(move(&away), 400);
}

/* While it is fetched by one 5-tuple, its client comes from the next. */
static void what_is_between_workers_is_asked_for_again(void **state)
{
	struct rig_client third;
	struct letter l;

	for (uint16_t i = 1; i <= 2; i++) {
		if (i > 1)
			assert_int_equal(begin(NULL), 0);
		start();
		assert_int_equal(move(&away), 0);
		third = away;
		third.worker = i;
		story_go(&third, 1);
		(void)rig_request(&away, TURN_REFRESH);
		post(&away, &l);
		give(&l);
		assert_int_equal(move(&third), RIG_NOTHING);
		assert_int_equal(come_back(&l), 0);
		assert_int_equal(story_repeat(&third), 0);
		assert_true(can_send(&third));
		assert_int_equal(alive(), 1);
		if (i < 2)
			rig_stop(&r);
	}
}

/* Over a connection its request comes once. */
static void what_is_between_workers_is_500_to_a_stream(void **state)
{
	struct rig_client third;
	struct letter l;

	for (uint16_t i = 1; i <= 2; i++) {
		if (i > 1)
			assert_int_equal(begin(NULL), 0);
		start();
		assert_int_equal(move(&away), 0);
		third = away;
		third.worker = i;
		third.tuple.transport = STUN_TCP;
		third.link = &third;
		story_go(&third, 1);
		(void)rig_request(&away, TURN_REFRESH);
		post(&away, &l);
		give(&l);
		assert_int_equal(move(&third), 500);
		assert_true(third.is_signed);
		assert_int_equal(come_back(&l), 0);
		assert_int_equal(move(&third), 0);
		assert_true(can_send(&third));
		assert_int_equal(alive(), 1);
		if (i < 2)
			rig_stop(&r);
	}
}

static void a_ticket_leads_to_its_own_allocation_alone(void **state)
{
	struct story_ticket first, second;
	struct rig_client later;

	start();
	assert_int_equal(move(&away), 0); /* over UDP, and is not used */
	first = ticket;
	story_go(&home, 1);
	home.tuple.transport = STUN_TLS;
	home.link = &home;
	allocate();
	turnd_link_ended(worker(0), &home.tuple, &home, &r.now);
	assert_int_equal(move(&away), 0);
	second = ticket;
	assert_true(can_send(&away));
	later = away;
	story_go(&later, 1);
	assert_int_equal(story_move(&later, &first, UINT32_MAX), 437);
	assert_true(reaches(&away));
	story_go(&away, 1);
	assert_int_equal(story_move(&away, &second, UINT32_MAX), 0);
}

static struct policy *deny(const char *prefix)
{
	struct policy_rules *rules = policy_rules_new(true);
	const char *why = NULL;
	struct policy *p;

	assert_non_null(rules);
	assert_true(policy_rules_add(rules, POLICY_DENY, prefix, &why));
	p = policy_new(rules, NULL, &why);
	policy_rules_free(rules);
	assert_non_null(p);
	return p;
}

static void what_is_not_allowed_any_more_is_cut_off_on_the_way(void **state)
{
	struct policy *narrow;
	struct letter l;

	start();
	assert_int_equal(rig_permit(&home, &peer), 0);
	assert_int_equal(move(&away), 0);
	(void)rig_request(&away, TURN_REFRESH);
	post(&away, &l);
	give(&l);
	narrow = deny("93.184.0.0/16");
	r.realms[0].peers = narrow;
	for (uint16_t i = 0; i < r.workers; i++)
		turnd_use_snapshot(worker(i), &r.snapshot, r.now.us);
	assert_int_equal(come_back(&l), 0);
	assert_int_equal(alive(), 1);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("in")), TURND_NOTHING);
	assert_false(can_send(&away));
	r.realms[0].peers = r.peers;
	policy_free(narrow);
}

/* Over a stream nothing is sent again, so that a full queue is told. */
static void what_cannot_be_asked_for_is_508(void **state)
{
	struct ports_token token;
	struct letter l;

	rig_start(&r);
	token = reserve();
	story_go(&home, 1);
	allocate();
	away.tuple.transport = STUN_TCP;
	away.link = &away;
	request_port(&away, &token);
	post(&away, &l);
	l.gift = (struct turnd_gift){ .kind = l.ask.kind, .code = 508, .worker = l.ask.worker };
	assert_int_equal(come_back(&l), 508);
	request_move(&away);
	post(&away, &l);
	l.gift = (struct turnd_gift){ .kind = l.ask.kind, .code = 508, .worker = l.ask.worker };
	assert_int_equal(come_back(&l), 508);
	assert_int_equal(move(&away), 0);
}

static void a_realm_that_is_gone_takes_what_comes_along(void **state)
{
	start();
	assert_int_equal(move(&away), 0);
	r.snapshot.realms = &r.realms[1];
	r.snapshot.realm_count = 1;
	assert_false(can_send(&away));
	assert_int_equal(alive(), 0);
	assert_int_equal(r.open, 0);
}

/* The message that it came with still has to be answered over that connection. */
static void a_realm_that_is_gone_does_not_end_the_connection_at_hand(void **state)
{
	struct letter l;

	start_with_connections();
	assert_int_equal(move(&away), 0);
	(void)rig_request(&away, TURN_REFRESH);
	post(&away, &l);
	give(&l);
	r.snapshot.realms = &r.realms[1];
	r.snapshot.realm_count = 1;
	assert_int_not_equal(come_back(&l), RIG_NOTHING);
	assert_int_equal(alive(), 0);
	assert_int_equal(r.links_ended, 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_token_is_good_at_any_worker),
		STORY(a_range_is_full_when_no_worker_has_a_port),
		STORY(a_pair_of_another_worker_is_reserved_there),
		STORY(both_families_may_come_from_another_worker),
		STORY(a_port_that_cannot_be_used_goes_back),
		STORY(a_pair_that_the_system_refuses_goes_back_whole),
		STORY(a_pair_that_comes_too_late_goes_back_whole),
		STORY(a_lack_of_descriptors_is_508_at_once),
		STORY(a_port_that_comes_too_late_goes_back),
		STORY(it_moves_to_another_worker_when_it_is_used_there),
		STORY(requests_fetch_it_too),
		STORY(bindings_do_not_fetch_it),
		STORY(it_goes_round_all_workers),
		STORY(old_tickets_are_dead_at_every_worker),
		STORY(another_user_is_441_at_every_worker),
		STORY(a_ticket_deletes_at_another_worker),
		STORY(what_ended_meanwhile_is_437),
		STORY(what_lost_its_connection_moves_at_once),
		STORY(a_connection_that_ends_after_the_move_waits_for_its_fetch),
		STORY(a_request_that_comes_twice_moves_once),
		STORY(data_that_come_while_it_is_fetched_are_lost_only),
		STORY(what_nobody_waits_for_goes_back_alive),
		STORY(what_lost_its_connection_and_goes_back_still_waits),
		STORY(what_goes_back_knows_no_connection_that_ended_meanwhile),
		STORY(what_goes_back_tells_nothing_to_who_has_its_5_tuple_now),
		STORY(a_ticket_of_a_connection_that_was_never_used_is_good),
		STORY(a_5_tuple_that_was_taken_meanwhile_keeps_what_it_has),
		STORY(a_connection_that_ends_unused_leaves_its_ticket_good),
		STORY(a_ticket_where_it_was_given_out_is_400),
		STORY(what_is_between_workers_is_asked_for_again),
		STORY(what_is_between_workers_is_500_to_a_stream),
		STORY(a_ticket_leads_to_its_own_allocation_alone),
		STORY(what_is_not_allowed_any_more_is_cut_off_on_the_way),
		STORY(what_cannot_be_asked_for_is_508),
		STORY(a_realm_that_is_gone_takes_what_comes_along),
		STORY(a_realm_that_is_gone_does_not_end_the_connection_at_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
