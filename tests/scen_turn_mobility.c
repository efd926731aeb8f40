/* Stories of RFC 8016: clients that take their allocation to another address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_move.h"
#include "turnd/mobility.h"

/* The ticket of an answer is always another one. */
static uint16_t move(void)
{
	struct story_ticket before = ticket;
	uint16_t code = move_to(&away);

	if (code == 0)
		assert_memory_not_equal(ticket.value, before.value, TICKET_LEN);
	return code;
}

static void it_moves_when_data_come_from_the_new_address(void **state)
{
	move_start();
	assert_int_equal(move(), 0);
	assert_int_equal(away.lifetime_s, 600);
	assert_true(move_reaches(&home)); /* make before break */
	assert_true(move_can_send(&home));
	assert_true(move_reaches(&home));
	assert_true(move_can_send(&away));
	assert_true(move_reaches(&away));
	assert_false(move_can_send(&home)); /* the old 5-tuple is free */
	assert_true(move_reaches(&away));
	assert_int_equal(rig_refresh(&home, 600), 437);
	assert_int_equal(rig_refresh(&away, 600), 0);
	assert_int_equal(r.open, 1);
	assert_int_equal(mobility_count(r.worker[0].turnd), 0);
}

static void a_send_indication_settles_it_too(void **state)
{
	move_start();
	assert_int_equal(move(), 0);
	assert_int_equal(rig_send(&away, &peer, BYTES("out")), TURND_TO_PEER);
	assert_true(move_reaches(&away));
}

static void requests_from_the_new_address_do_not_settle_it(void **state)
{
	struct addr other = story_peer(8, 8);

	move_start();
	assert_int_equal(move(), 0);
	assert_int_equal(rig_permit(&away, &other), 0);
	assert_int_equal(rig_bind(&away, 0x4001, &other), 0);
	assert_int_equal(rig_refresh(&away, 1200), 0);
	assert_int_equal(rig_allocate(&away), 437);
	assert_true(move_reaches(&home));
	assert_true(move_can_send(&away));
	assert_true(move_reaches(&away));
}

static void a_lost_answer_is_given_again_for_30_s(void **state)
{
	move_start();
	assert_int_equal(move(), 0);
	rig_pass(&r, 30000);
	assert_int_equal(story_repeat(&away), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(away.lifetime_s, 570);
	assert_true(move_can_send(&away));
	assert_int_equal(story_repeat(&away), 0); /* also when it has settled */
	rig_pass(&r, 1);
	assert_int_equal(story_repeat(&away), 437);
	/* The ticket that was given again is good. */
	assert_true(move_reaches(&away));
	story_go(&away, 1);
	assert_int_equal(move(), 0);
}

static void an_old_ticket_is_dead(void **state)
{
	struct story_ticket old;

	move_start();
	old = ticket;
	assert_int_equal(move(), 0);
	story_go(&away, 1);
	assert_int_equal(story_move(&away, &old, UINT32_MAX), 437);
	assert_true(away.is_signed);
	assert_int_equal(move(), 0); /* the newest one is not */
}

static void the_same_address_needs_no_ticket(void **state)
{
	move_start();
	assert_int_equal(story_move(&home, &ticket, UINT32_MAX), 400);
	assert_int_equal(move(), 0);
	assert_int_equal(story_move(&away, &ticket, UINT32_MAX), 400);
	assert_true(move_can_send(&away));
	assert_int_equal(story_move(&away, &ticket, UINT32_MAX), 400);
	assert_true(move_reaches(&away));
}

static void tickets_that_are_not_ours_are_400(void **state)
{
	struct stun_builder *b;

	move_start();
	for (size_t i = 0; i < TICKET_LEN; i++) {
		struct story_ticket bad = ticket;

		bad.value[i] ^= 1;
		assert_int_equal(story_move(&away, &bad, UINT32_MAX), 400);
	}
	b = rig_request(&away, TURN_REFRESH);
	(void)stun_build_attr(b, STUN_ATTR_MOBILITY_TICKET, 0);
	assert_int_equal(rig_ask(&away), 400);
	assert_true(move_reaches(&home));
}

static void another_user_is_441(void **state)
{
	move_start();
	away.user = BYTES("bob");
	away.password = BYTES("swordfish");
	assert_int_equal(move(), 441);
	assert_true(away.is_signed);
	away.user = BYTES("alice"); /* of another realm is another user */
	away.password = BYTES("close sesame");
	away.realm_id = r.realms[1].id;
	away.challenged = false;
	assert_int_equal(move(), 441);
	assert_true(move_reaches(&home));
}

static void when_mobility_is_forbidden_it_is_405(void **state)
{
	move_start();
	r.snapshot.mobility = false;
	assert_int_equal(move(), 405);
}

static void a_ticket_of_what_has_ended_is_437(void **state)
{
	move_start();
	assert_int_equal(rig_refresh(&home, 0), 0);
	assert_int_equal(move(), 437);
}

static void a_5_tuple_that_has_an_allocation_is_437(void **state)
{
	move_start();
	assert_int_equal(rig_allocate(&away), 0);
	assert_int_equal(move(), 437);
	assert_int_equal(rig_refresh(&away, 0), 0);
	assert_int_equal(move(), 0);
}

static void a_ticket_can_delete(void **state)
{
	move_start();
	assert_int_equal(story_move(&away, &ticket, 0), 0);
	assert_int_equal(away.lifetime_s, 0);
	assert_false(story_ticket(&r, &ticket));
	assert_int_equal(r.open, 0);
	assert_int_equal(rig_refresh(&home, 600), 437);
}

static void a_ticket_refreshes(void **state)
{
	move_start();
	rig_pass(&r, 599 * 1000);
	assert_int_equal(story_move(&away, &ticket, 1800), 0);
	assert_int_equal(away.lifetime_s, 1800);
	rig_pass(&r, 1799 * 1000);
	assert_int_equal(r.open, 1);
	rig_pass(&r, 1000);
	assert_int_equal(r.open, 0);
	assert_int_equal(mobility_count(r.worker[0].turnd), 0);
}

static void only_who_asked_for_it_is_mobile(void **state)
{
	rig_start(&r);
	home.tuple.transport = STUN_TCP;
	home.link = &home;
	assert_int_equal(rig_allocate(&home), 0);
	turnd_link_ended(r.worker[0].turnd, &home.tuple, &home, &r.now);
	assert_int_equal(r.open, 0);
}

static void it_outlives_its_connection(void **state)
{
	move_start_over_tls();
	turnd_link_ended(r.worker[0].turnd, &home.tuple, &home, &r.now);
	assert_int_equal(r.open, 1);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("lost")), TURND_NOTHING);
	/* Another client may get the port of the connection that ended. */
	home.link = &away;
	assert_int_equal(rig_refresh(&home, 600), 437);
	assert_int_equal(rig_allocate(&home), 0);
	/* Nothing holds it at the old address: it moves at once. */
	assert_int_equal(move(), 0);
	assert_true(move_reaches(&away));
	assert_true(move_can_send(&away));
}

static void without_its_ticket_it_ends_in_time(void **state)
{
	move_start_over_tls();
	turnd_link_ended(r.worker[0].turnd, &home.tuple, &home, &r.now);
	rig_pass(&r, 600 * 1000);
	assert_int_equal(r.open, 0);
}

static void the_end_of_the_old_connection_settles_it(void **state)
{
	rig_start(&r);
	home.tuple.transport = STUN_TCP;
	home.link = &home;
	move_allocate();
	assert_int_equal(move(), 0);
	assert_true(move_reaches(&home));
	turnd_link_ended(r.worker[0].turnd, &home.tuple, &home, &r.now);
	assert_true(move_reaches(&away));
	assert_int_equal(r.links_ended, 0);
}

static void the_end_of_the_new_connection_leaves_it_where_it_was(void **state)
{
	rig_start(&r);
	move_allocate();
	away.tuple.transport = STUN_TCP;
	away.link = &away;
	assert_int_equal(move(), 0);
	turnd_link_ended(r.worker[0].turnd, &away.tuple, &away, &r.now);
	assert_int_equal(mobility_count(r.worker[0].turnd), 0);
	assert_true(move_reaches(&home));
	away.link = &home; /* another connection of the same 5-tuple */
	assert_int_equal(rig_refresh(&away, 600), 437);
	assert_int_equal(move(), 0);
	assert_true(move_can_send(&away));
	assert_true(move_reaches(&away));
}

static void it_changes_its_mind_before_it_has_moved(void **state)
{
	struct rig_client third;

	move_start();
	assert_int_equal(move(), 0);
	third = away;
	story_go(&third, 1);
	assert_int_equal(story_move(&third, &ticket, UINT32_MAX), 0);
	assert_int_equal(mobility_count(r.worker[0].turnd), 1);
	assert_false(move_can_send(&away)); /* not expected there any more */
	assert_true(move_reaches(&home));
	assert_true(move_can_send(&third));
	assert_true(move_reaches(&third));
}

static void an_address_that_is_not_used_is_forgotten(void **state)
{
	move_start();
	assert_int_equal(story_move(&away, &ticket, 600), 0);
	assert_int_equal(rig_refresh(&home, 3600), 0);
	rig_pass(&r, MOBILITY_EXPECTED_MS - 1);
	assert_int_equal(mobility_count(r.worker[0].turnd), 1);
	rig_pass(&r, 1);
	assert_int_equal(mobility_count(r.worker[0].turnd), 0);
	assert_false(move_can_send(&away));
	assert_int_equal(rig_refresh(&home, 600), 0);
}

/* A client that has moved may be as silent as one that has not. */
static void an_address_is_expected_for_the_lifetime_that_was_granted(void **state)
{
	for (uint16_t i = 0; i < 2; i++) {
		if (i > 0)
			move_begin_again();
		r.workers = 2;
		move_start();
		away.worker = i;
		assert_int_equal(story_move(&away, &ticket, 3600), 0);
		rig_pass(&r, UINT64_C(3599) * 1000);
		assert_int_equal(rig_refresh(&away, 3600), 0);
		rig_pass(&r, 1000);
		assert_int_equal(rig_bind(&away, 0x4000, &peer), 0);
		assert_true(move_can_send(&away));
		assert_true(move_reaches(&away));
	}
}

static void both_families_move_together(void **state)
{
	rig_start(&r);
	assert_int_equal(story_allocate(&home, &(struct story_allocate){ .mobile = true,
									 .additional = ADDR_IPV6 }),
			 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(move(), 0);
	assert_int_equal(story_refresh_family(&away, 0, ADDR_IPV4), 0);
	assert_int_equal(r.open, 1);
	assert_int_equal(rig_refresh(&away, 0), 0);
	assert_int_equal(r.open, 0);
}

static void the_quota_of_the_source_moves_with_it(void **state)
{
	struct rig_client other;

	r.snapshot.source_allocations = 1;
	move_start();
	other = home;
	story_go(&other, 1);
	assert_int_equal(rig_allocate(&other), 486);
	assert_int_equal(move(), 0);
	assert_int_equal(rig_allocate(&other), 486); /* it has not moved yet */
	assert_true(move_can_send(&away));
	assert_int_equal(rig_allocate(&other), 0);
	other = away;
	story_go(&other, 1);
	assert_int_equal(rig_allocate(&other), 486);
}

static void tcp_allocations_stay(void **state)
{
	r.snapshot.tcp_relay = true;
	rig_start(&r);
	home.tuple.transport = STUN_TCP;
	home.link = &home;
	assert_int_equal(
		story_allocate(&home, &(struct story_allocate){ .mobile = true, .transport = 6 }),
		0);
	assert_false(story_ticket(&r, &ticket));
	turnd_link_ended(r.worker[0].turnd, &home.tuple, &home, &r.now);
	assert_int_equal(r.open, 0);
}

static void keys_of_tickets_may_be_rotated_once(void **state)
{
	static const uint8_t key[TICKET_KEY_LEN] = { 9 };

	move_start();
	ticket_keys_rotate(&r.snapshot.tickets, key);
	assert_int_equal(move(), 0);
	ticket_keys_rotate(&r.snapshot.tickets, key);
	ticket_keys_rotate(&r.snapshot.tickets, key);
	story_go(&away, 1);
	assert_int_equal(move(), 400);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, move_begin, move_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(it_moves_when_data_come_from_the_new_address),
		STORY(a_send_indication_settles_it_too),
		STORY(requests_from_the_new_address_do_not_settle_it),
		STORY(a_lost_answer_is_given_again_for_30_s),
		STORY(an_old_ticket_is_dead),
		STORY(the_same_address_needs_no_ticket),
		STORY(tickets_that_are_not_ours_are_400),
		STORY(another_user_is_441),
		STORY(when_mobility_is_forbidden_it_is_405),
		STORY(a_ticket_of_what_has_ended_is_437),
		STORY(a_5_tuple_that_has_an_allocation_is_437),
		STORY(a_ticket_can_delete),
		STORY(a_ticket_refreshes),
		STORY(only_who_asked_for_it_is_mobile),
		STORY(it_outlives_its_connection),
		STORY(without_its_ticket_it_ends_in_time),
		STORY(the_end_of_the_old_connection_settles_it),
		STORY(the_end_of_the_new_connection_leaves_it_where_it_was),
		STORY(it_changes_its_mind_before_it_has_moved),
		STORY(an_address_that_is_not_used_is_forgotten),
		STORY(an_address_is_expected_for_the_lifetime_that_was_granted),
		STORY(both_families_move_together),
		STORY(the_quota_of_the_source_moves_with_it),
		STORY(tcp_allocations_stay),
		STORY(keys_of_tickets_may_be_rotated_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
