/* Stories of four workers: an allocation that moves to where another one has its client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_move.h"

static void it_moves_to_another_worker_when_it_is_used_there(void **state)
{
	move_start();
	assert_int_equal(move_to(&away), 0);
	assert_int_equal(turnd_count(move_worker(0)), 1);
	assert_true(move_reaches(&home)); /* make before break */
	assert_true(move_can_send(&home));
	assert_int_equal(story_repeat(&away), 0); /* a lost answer */
	assert_true(move_can_send(&away));
	assert_int_equal(turnd_count(move_worker(0)), 0);
	assert_int_equal(turnd_count(move_worker(1)), 1);
	assert_true(move_reaches(&away));
	assert_int_equal(story_repeat(&away), 0);
	assert_false(move_can_send(&home));
	assert_int_equal(rig_refresh(&home, 600), 437);
	assert_int_equal(rig_refresh(&away, 600), 0);
	assert_int_equal(move_expected(), 0);
	assert_int_equal(move_alive(), 1);
	/* It ends there, and the port goes home. */
	rig_pass(&r, 600 * 1000);
	assert_int_equal(r.open, 0);
	assert_int_equal(ports_count_free(r.ports[0]), ports_count(r.ports[0]));
}

static void requests_fetch_it_too(void **state)
{
	struct addr other = story_peer(8, 8);

	move_start();
	assert_int_equal(move_to(&away), 0);
	assert_int_equal(rig_bind(&away, 0x4001, &other), 0);
	assert_int_equal(turnd_count(move_worker(1)), 1);
	assert_true(move_can_send(&away));
	assert_int_equal(rig_allocate(&away), 437);
}

static void bindings_do_not_fetch_it(void **state)
{
	move_start();
	assert_int_equal(move_to(&away), 0);
	(void)rig_request(&away, STUN_BINDING);
	assert_int_equal(rig_send_request(&away), 0);
	assert_int_equal(turnd_count(move_worker(0)), 1);
}

static void it_goes_round_all_workers(void **state)
{
	move_start();
	for (unsigned i = 1; i < 40; i++) {
		story_go(&away, 1);
		away.worker = (uint16_t)(i * 7 % 4);
		assert_int_equal(move_to(&away), 0);
		if (i % 3 != 0)
			assert_true(move_can_send(&away));
		if (i % 3 != 0)
			assert_true(move_reaches(&away));
		assert_in_range(move_expected(), 0, 1);
		assert_int_equal(move_alive(), 1);
	}
	assert_int_equal(rig_refresh(&away, 0), 0);
	assert_int_equal(move_expected(), 0);
	assert_int_equal(move_alive(), 0);
}

/* Wherever it is shown, wherever its allocation is by now, and however often it was replaced. */
static void old_tickets_are_dead_at_every_worker(void **state)
{
	struct story_ticket old[3];
	struct rig_client late;

	for (uint16_t first = 0; first < 2; first++) { /* the move may stay at home */
		if (first > 0)
			move_begin_again();
		move_start();
		old[0] = ticket;
		away.worker = first;
		for (size_t moves = 1; moves <= ARRAY_LEN(old); moves++) {
			assert_int_equal(move_to(&away), 0);
			for (size_t i = 0; i < moves * r.workers; i++) {
				late = away;
				late.worker = (uint16_t)(i % r.workers);
				story_go(&late, 50);
				assert_int_equal(story_move(&late, &old[i / r.workers], UINT32_MAX),
						 437);
			}
			if (moves > 1)
				assert_true(move_can_send(&away));
			if (moves < ARRAY_LEN(old))
				old[moves] = ticket;
			story_go(&away, 1);
			away.worker = (uint16_t)((away.worker + first) % r.workers);
		}
	}
}

static void another_user_is_441_at_every_worker(void **state)
{
	move_start();
	assert_int_equal(move_to(&away), 0);
	away.user = BYTES("bob");
	away.password = BYTES("swordfish");
	for (uint16_t i = 0; i < r.workers; i++) {
		story_go(&away, 1);
		away.worker = i;
		assert_int_equal(move_to(&away), 441);
	}
	assert_true(move_reaches(&home));
}

static void a_ticket_deletes_at_another_worker(void **state)
{
	move_start();
	assert_int_equal(story_move(&away, &ticket, 0), 0);
	assert_int_equal(away.lifetime_s, 0);
	assert_int_equal(move_alive(), 0);
	assert_int_equal(move_expected(), 0);
	assert_int_equal(story_repeat(&away), 437);
}

static void what_ended_meanwhile_is_437(void **state)
{
	move_start();
	assert_int_equal(move_to(&away), 0);
	assert_int_equal(rig_refresh(&home, 0), 0);
	assert_false(move_can_send(&away));
	assert_int_equal(move_expected(), 0); /* it knows now */
	assert_int_equal(rig_refresh(&away, 600), 437);
	assert_int_equal(rig_allocate(&away), 0);
	story_go(&away, 1);
	assert_int_equal(move_to(&away), 437);
}

static void what_lost_its_connection_moves_at_once(void **state)
{
	move_start_over_tls();
	turnd_link_ended(move_worker(0), &home.tuple, &home, &r.now);
	assert_int_equal(move_to(&away), 0);
	assert_int_equal(turnd_count(move_worker(1)), 1);
	assert_true(move_reaches(&away));
	assert_int_equal(story_repeat(&away), 0);
}

static void a_connection_that_ends_after_the_move_waits_for_its_fetch(void **state)
{
	move_start_over_tls();
	assert_int_equal(move_to(&away), 0);
	turnd_link_ended(move_worker(0), &home.tuple, &home, &r.now);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("lost")), TURND_NOTHING);
	assert_true(move_can_send(&away));
	assert_true(move_reaches(&away));
	rig_pass(&r, 600 * 1000 - 1);
	assert_int_equal(move_alive(), 1);
	rig_pass(&r, 1);
	assert_int_equal(move_alive(), 0);
}

/* The newest ticket is of a connection that ended before it was used. */
static void a_ticket_of_a_connection_that_was_never_used_is_good(void **state)
{
	for (uint16_t next = 0; next < r.workers; next++) {
		if (next > 0)
			move_begin_again();
		away.tuple.transport = STUN_TCP;
		away.link = &away;
		move_start();
		assert_int_equal(move_to(&away), 0);
		turnd_link_ended(move_worker(1), &away.tuple, &away, &r.now);
		assert_true(move_reaches(&home));
		/* Whoever has the same port later has nothing of it. */
		assert_false(move_can_send(&away));
		assert_int_equal(rig_refresh(&away, 600), 437);
		story_go(&away, 1);
		away.worker = next;
		assert_int_equal(move_to(&away), 0);
		assert_true(move_can_send(&away));
		assert_true(move_reaches(&away));
		assert_int_equal(move_alive(), 1);
		assert_int_equal(rig_refresh(&away, 0), 0);
		assert_int_equal(move_expected(), 0);
	}
}

/* The new connection ends before it was used: its ticket is the newest one all the same. */
static void a_connection_that_ends_unused_leaves_its_ticket_good(void **state)
{
	struct rig_client third;

	for (uint16_t i = 0; i < r.workers; i++) {
		if (i > 0)
			move_begin_again();
		move_start_connected();
		assert_int_equal(move_to(&away), 0);
		turnd_link_ended(move_worker(1), &away.tuple, &away, &r.now);
		turnd_link_ended(move_worker(0), &home.tuple, &home, &r.now);
		assert_int_equal(move_expected(), 1);
		third = away;
		third.link = &third;
		third.worker = i;
		story_go(&third, i % 2); /* from the same port, too */
		assert_int_equal(move_to(&third), 0);
		assert_true(move_can_send(&third));
		assert_true(move_reaches(&third));
		assert_int_equal(move_expected(), 0);
		assert_int_equal(move_alive(), 1);
	}
}

static void a_ticket_where_it_was_given_out_is_400(void **state)
{
	move_start();
	assert_int_equal(move_to(&away), 0);
	assert_int_equal(move_to(&away), 400); /* it is with worker 0 still */
	assert_true(move_can_send(&away));
	assert_int_equal(move_to(&away), 400);
}

static void a_ticket_leads_to_its_own_allocation_alone(void **state)
{
	struct story_ticket first, second;
	struct rig_client later;

	move_start();
	assert_int_equal(move_to(&away), 0); /* over UDP, and is not used */
	first = ticket;
	story_go(&home, 1);
	home.tuple.transport = STUN_TLS;
	home.link = &home;
	move_allocate();
	turnd_link_ended(move_worker(0), &home.tuple, &home, &r.now);
	assert_int_equal(move_to(&away), 0);
	second = ticket;
	assert_true(move_can_send(&away));
	later = away;
	story_go(&later, 1);
	assert_int_equal(story_move(&later, &first, UINT32_MAX), 437);
	assert_true(move_reaches(&away));
	story_go(&away, 1);
	assert_int_equal(story_move(&away, &second, UINT32_MAX), 0);
}

static void a_realm_that_is_gone_takes_what_comes_along(void **state)
{
	move_start();
	assert_int_equal(move_to(&away), 0);
	r.snapshot.realms = &r.realms[1];
	r.snapshot.realm_count = 1;
	assert_false(move_can_send(&away));
	assert_int_equal(move_alive(), 0);
	assert_int_equal(r.open, 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, move_begin_workers, move_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		STORY(a_ticket_of_a_connection_that_was_never_used_is_good),
		STORY(a_connection_that_ends_unused_leaves_its_ticket_good),
		STORY(a_ticket_where_it_was_given_out_is_400),
		STORY(a_ticket_leads_to_its_own_allocation_alone),
		STORY(a_realm_that_is_gone_takes_what_comes_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
