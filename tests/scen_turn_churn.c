/*
 * Stories of many clients one after another: what an allocation weighs, and that nothing is left
 * of it: no memory, no port, no socket, no quota.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alloc_count.h"
#include "turn_story.h"
#include "turnd/mobility.h"

#define WEIGHT_MOST 4096

static struct rig r;
static struct rig_client clients[2], *c = &clients[0];
static struct addr peer;

static int begin(void **state)
{
	rig_init(&r);
	r.snapshot.nonces.life_s = UINT32_MAX;
	r.snapshot.mobility = true;
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		rig_client(&clients[i], &r, (uint16_t)(1000 * (i + 1)));
	peer = story_peer(7, 7);
	return 0;
}

static int end(void **state)
{
	rig_stop(&r);
	return 0;
}

/* What libcrypto and the quota's tables take at first is taken before anything is weighed. */
static size_t weigh_after(void (*cycle)(void))
{
	cycle();
	return alloc_bytes();
}

static void check_nothing_is_left(size_t bytes)
{
	assert_int_equal(alloc_bytes(), bytes);
	assert_int_equal(r.open, 0);
	assert_int_equal(quota_alive(r.shared.quota), 0);
	for (size_t i = 0; i < (size_t)RIG_RELAYS * r.workers; i++)
		assert_int_equal(ports_count_free(r.ports[i]), ports_count(r.ports[i]));
	for (uint16_t i = 0; i < r.workers; i++) {
		assert_int_equal(turnd_count(r.worker[i].turnd), 0);
		assert_int_equal(mobility_count(r.worker[i].turnd), 0);
	}
}

static void cycle_plain(void)
{
	assert_int_equal(rig_allocate(c), 0);
	assert_int_equal(rig_refresh(c, 0), 0);
}

static void cycle_used(void)
{
	assert_int_equal(story_allocate(c, &(struct story_allocate){ .additional = ADDR_IPV6 }), 0);
	for (uint16_t i = 0; i < 20; i++) {
		struct addr other = story_peer((uint8_t)i, 9);

		assert_int_equal(rig_bind(c, (uint16_t)(0x4000 + i), &other), 0);
	}
	assert_int_equal(rig_refresh(c, 0), 0);
}

static void cycle_even(void)
{
	assert_int_equal(story_allocate(c, &(struct story_allocate){ .even_port = true }), 0);
	assert_int_equal(rig_refresh(c, 0), 0);
}

static void cycle_reserved(void)
{
	struct ports_token token;

	assert_int_equal(
		story_allocate(c, &(struct story_allocate){ .even_port = true, .reserve = true }),
		0);
	assert_true(story_token(&r, &token));
	assert_int_equal(story_allocate(&clients[1], &(struct story_allocate){ .token = &token }),
			 0);
	assert_int_equal(rig_refresh(&clients[1], 0), 0);
	assert_int_equal(rig_refresh(c, 0), 0);
}

static void cycle_unclaimed(void)
{
	assert_int_equal(
		story_allocate(c, &(struct story_allocate){ .even_port = true, .reserve = true }),
		0);
	assert_int_equal(rig_refresh(c, 0), 0);
	rig_pass(&r, PORTS_RESERVED_MS);
}

static void cycle_expired(void)
{
	assert_int_equal(rig_allocate(c), 0);
	assert_int_equal(rig_bind(c, 0x4000, &peer), 0);
	rig_pass(&r, 600 * 1000);
}

static void cycle_aborted(void)
{
	c->tuple.transport = STUN_TCP;
	c->link = c;
	assert_int_equal(rig_allocate(c), 0);
	turnd_link_ended(r.worker[0].turnd, &c->tuple, c, &r.now);
	c->tuple.transport = STUN_UDP;
	c->link = NULL;
}

static void cycle_refused(void)
{
	r.open_errors = 16;
	assert_int_equal(rig_allocate(c), 508);
	assert_int_equal(r.open_errors, 0);
}

static void cycle_moved(void)
{
	struct story_ticket ticket;

	assert_int_equal(story_allocate(c, &(struct story_allocate){ .mobile = true }), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(story_move(&clients[1], &ticket, UINT32_MAX), 0);
	assert_int_equal(rig_bind(&clients[1], 0x4000, &peer), 0);
	assert_int_equal(rig_channel(&clients[1], 0x4000, BYTES("x")), TURND_TO_PEER);
	assert_int_equal(rig_refresh(&clients[1], 0), 0);
}

static void whatever_it_did_nothing_is_left(void **state)
{
	static const struct {
		void (*cycle)(void);
		int times;
	} cases[] = {
		{ cycle_plain, 100000 },  { cycle_used, 500 },       { cycle_even, 3000 },
		{ cycle_reserved, 2000 }, { cycle_unclaimed, 2000 }, { cycle_expired, 3000 },
		{ cycle_aborted, 3000 },  { cycle_refused, 3000 },   { cycle_moved, 1000 },
	};

	const int times = getenv("NATKIT_FULL") != NULL ? 10 : 1;

	rig_start(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t bytes = weigh_after(cases[i].cycle);

		for (int n = 0; n < cases[i].times * times; n++)
			cases[i].cycle();
		check_nothing_is_left(bytes);
	}
}

static void the_same_with_workers_that_ask_each_other(void **state)
{
	size_t bytes;

	r.workers = 4;
	rig_start(&r);
	clients[1].worker = 2;
	cycle_reserved();
	bytes = weigh_after(cycle_moved);
	for (int n = 0; n < 1000; n++) {
		clients[0].worker = (uint16_t)(n % 4);
		clients[1].worker = (uint16_t)(n / 4 % 4);
		cycle_moved();
		cycle_reserved();
	}
	/* Each worker has made its table of moves once. */
	assert_in_range(alloc_bytes(), bytes, bytes + 4 * 8192);
	bytes = alloc_bytes();
	for (int n = 0; n < 100; n++)
		cycle_moved();
	check_nothing_is_left(bytes);
}

/* A client that never stays: two addresses at two workers, 100,000 times, used or not. */
static void chains_of_moves_leave_memory_flat(void **state)
{
	struct story_ticket ticket;
	size_t bytes = 0;

	r.workers = 2;
	rig_start(&r);
	clients[1].worker = 1;
	assert_int_equal(story_allocate(c, &(struct story_allocate){ .mobile = true }), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(rig_bind(c, 0x4000, &peer), 0);
	for (int i = 1; i <= 100000; i++) {
		struct rig_client *at = &clients[i % 2];

		assert_int_equal(story_move(at, &ticket, UINT32_MAX), 0);
		assert_true(story_ticket(&r, &ticket));
		assert_int_equal(rig_channel(at, 0x4000, BYTES("x")), TURND_TO_PEER);
		if (i == 16)
			bytes = alloc_bytes();
	}
	assert_int_equal(alloc_bytes(), bytes);
	assert_int_equal(quota_alive(r.shared.quota), 1);
	assert_int_equal(r.opened, 1);
	/* And without a word of data: what was expected before is forgotten with each move. */
	for (int i = 1; i <= 5000; i++) {
		struct rig_client *at = &clients[1];

		at->tuple.client.port = (uint16_t)(3000 + i);
		at->challenged = false;
		at->worker = (uint16_t)(i % 2);
		assert_int_equal(story_move(at, &ticket, UINT32_MAX), 0);
		assert_true(story_ticket(&r, &ticket));
	}
	assert_in_range(alloc_bytes(), 0, bytes + 1024);
	assert_int_equal(rig_refresh(&clients[1], 0), 0);
	check_nothing_is_left(alloc_bytes());
}

/* Tickets whose allocation ends before they are used: bounded, and gone with time. */
static void moves_that_never_happen_are_bounded(void **state)
{
	r.workers = 2;
	rig_start(&r);
	for (int i = 0; i < MOBILITY_EXPECTED_MOST + 500; i++) {
		struct story_ticket ticket;

		assert_int_equal(story_allocate(c, &(struct story_allocate){ .mobile = true }), 0);
		assert_true(story_ticket(&r, &ticket));
		story_go(&clients[1], 1);
		clients[1].worker = 1;
		assert_int_equal(story_move(&clients[1], &ticket, UINT32_MAX), 0);
		assert_int_equal(rig_refresh(c, 0), 0);
	}
	assert_int_equal(mobility_count(r.worker[1].turnd), MOBILITY_EXPECTED_MOST);
	rig_pass(&r, MOBILITY_EXPECTED_MS);
	assert_int_equal(mobility_count(r.worker[1].turnd), 0);
}

static void an_allocation_weighs_less_than_4_kb(void **state)
{
	enum { MANY = 400 };
	size_t before, held;

	r.low = 49152;
	r.high = 49152 + 2 * MANY;
	rig_start(&r);
	before = weigh_after(cycle_moved);
	for (int i = 0; i < MANY; i++) {
		story_go(c, 1);
		assert_int_equal(story_allocate(c, &(struct story_allocate){ .mobile = i % 2 }), 0);
		assert_int_equal(rig_bind(c, 0x4000, &peer), 0);
	}
	held = (alloc_bytes() - before) / MANY;
	if (alloc_count_works()) {
		assert_in_range(held, sizeof(struct alloc), WEIGHT_MOST);
		print_message("one allocation weighs %zu bytes\n", held);
	}
	rig_pass(&r, 600 * 1000);
	check_nothing_is_left(before);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(whatever_it_did_nothing_is_left),
		STORY(the_same_with_workers_that_ask_each_other),
		STORY(chains_of_moves_leave_memory_flat),
		STORY(moves_that_never_happen_are_bounded),
		STORY(an_allocation_weighs_less_than_4_kb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
