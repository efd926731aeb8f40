/*
 * Stories of what is on its way between workers: an allocation that moves, or a port, lies in a
 * mailbox for a while, and meanwhile the world goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_move.h"

static void a_request_that_comes_twice_moves_once(void **state)
{
	struct letter l, twice;

	move_start();
	move_request(&away);
	letter_post(&away, &l);
	letter_post(&away, &twice);
	letter_answer(&l);
	letter_answer(&twice);
	assert_int_equal(letter_come_back(&l), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(letter_come_back(&twice), 0);
	assert_int_equal(move_expected(), 1);
	assert_true(move_can_send(&away));
	/* The ticket of the first answer is as good as that of the second one. */
	story_go(&away, 1);
	assert_int_equal(move_to(&away), 0);
}

static void data_that_come_while_it_is_fetched_are_lost_only(void **state)
{
	struct turnd_gift gift;
	struct turnd_in in = { .tuple = away.tuple,
			       .data = BYTES("\x40\x00\x00\x01xxx"),
			       .ip = TURND_IP_DEFAULT };
	struct turnd_ask ask;

	move_start();
	assert_int_equal(move_to(&away), 0);
	assert_int_equal(turnd_from_client(move_worker(1), &in, &r.now, r.buf, &r.out), TURND_ASK);
	ask = r.out.ask;
	assert_int_equal(turnd_from_client(move_worker(1), &in, &r.now, r.buf, &r.out),
			 TURND_NOTHING);
	/* The letter is lost: after a while it asks again. */
	rig_pass(&r, 1000);
	assert_int_equal(turnd_from_client(move_worker(1), &in, &r.now, r.buf, &r.out), TURND_ASK);
	turnd_answer(move_worker(0), &ask, &r.now, &gift);
	assert_int_equal(gift.code, 0);
	in.gift = &gift;
	assert_int_equal(turnd_from_client(move_worker(1), &in, &r.now, r.buf, &r.out),
			 TURND_TO_PEER);
	/* The second letter finds nothing, and does no harm. */
	turnd_answer(move_worker(0), &ask, &r.now, &gift);
	assert_int_equal(gift.code, 437);
	assert_int_equal(turnd_from_client(move_worker(1), &in, &r.now, r.buf, &r.out),
			 TURND_TO_PEER);
	assert_int_equal(move_alive(), 1);
}

static void what_nobody_waits_for_goes_back_alive(void **state)
{
	struct letter l;

	move_start();
	assert_int_equal(move_to(&away), 0);
	letter_fetch(&l);
	assert_int_equal(move_alive(), 0); /* between two workers */
	letter_give_back(&l);
	assert_int_equal(move_alive(), 1);
	assert_true(move_reaches(&home));
	rig_pass(&r, 1000);
	assert_true(move_can_send(&away)); /* it may still be fetched */
	assert_true(move_reaches(&away));
}

static void what_lost_its_connection_and_goes_back_still_waits(void **state)
{
	struct letter l;

	move_start_over_tls();
	turnd_link_ended(move_worker(0), &home.tuple, &home, &r.now);
	move_request(&away);
	letter_post(&away, &l);
	letter_answer(&l);
	assert_non_null(l.gift.alloc);
	letter_give_back(&l);
	assert_int_equal(move_alive(), 1);
	assert_int_equal(rig_refresh(&home, 600), 437);
	assert_int_equal(rig_refresh(&away, 600), 437);
	rig_pass(&r, 600 * 1000);
	assert_int_equal(move_alive(), 0);
}

static void what_goes_back_knows_no_connection_that_ended_meanwhile(void **state)
{
	struct letter l;

	move_start_connected();
	assert_int_equal(move_to(&away), 0);
	letter_fetch(&l);
	turnd_link_ended(move_worker(0), &home.tuple, &home, &r.now);
	turnd_link_ended(move_worker(1), &away.tuple, &away, &r.now);
	letter_give_back(&l);
	assert_int_equal(move_alive(), 1);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("in")), TURND_NOTHING);
	rig_pass(&r, 600 * 1000);
	assert_int_equal(move_alive(), 0);
}

/* Over UDP it would be where it was, but that is another allocation's now. */
static void what_goes_back_tells_nothing_to_who_has_its_5_tuple_now(void **state)
{
	struct rig_client other;
	struct letter l;

	move_start();
	other = home;
	assert_int_equal(move_to(&away), 0);
	letter_fetch(&l);
	assert_int_equal(rig_allocate(&other), 0);
	letter_give_back(&l);
	assert_int_equal(move_alive(), 2);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("in")), TURND_NOTHING);
	assert_int_equal(rig_permit(&other, &peer), 0);
	relay = rig_end_of(&r, &other.relayed[0]);
	assert_true(move_reaches(&other));
}

static void a_5_tuple_that_was_taken_meanwhile_keeps_what_it_has(void **state)
{
	struct rig_client other;
	struct letter l;

	move_start_over_tls();
	turnd_link_ended(move_worker(0), &home.tuple, &home, &r.now);
	move_request(&away);
	letter_post(&away, &l);
	letter_answer(&l);
	assert_non_null(l.gift.alloc);
	other = away;
	assert_int_equal(rig_allocate(&other), 0);
	assert_int_equal(letter_come_back(&l), 437);
	assert_int_equal(move_alive(), 1);
	assert_int_equal(r.open, 1);
	assert_int_equal(quota_alive(r.shared.quota), 1);
}

/* While it is fetched by one 5-tuple, its client comes from the next. */
static void what_is_between_workers_is_asked_for_again(void **state)
{
	struct rig_client third;
	struct letter l;

	for (uint16_t i = 1; i <= 2; i++) {
		if (i > 1)
			move_begin_again();
		move_start();
		assert_int_equal(move_to(&away), 0);
		third = away;
		third.worker = i;
		story_go(&third, 1);
		letter_fetch(&l);
		assert_int_equal(move_to(&third), RIG_NOTHING);
		assert_int_equal(letter_come_back(&l), 0);
		assert_int_equal(story_repeat(&third), 0);
		assert_true(move_can_send(&third));
		assert_int_equal(move_alive(), 1);
	}
}

/* Over a connection its request comes once. */
static void what_is_between_workers_is_500_to_a_stream(void **state)
{
	struct rig_client third;
	struct letter l;

	for (uint16_t i = 1; i <= 2; i++) {
		if (i > 1)
			move_begin_again();
		move_start();
		assert_int_equal(move_to(&away), 0);
		third = away;
		third.worker = i;
		third.tuple.transport = STUN_TCP;
		third.link = &third;
		story_go(&third, 1);
		letter_fetch(&l);
		assert_int_equal(move_to(&third), 500);
		assert_true(third.is_signed);
		assert_int_equal(letter_come_back(&l), 0);
		assert_int_equal(move_to(&third), 0);
		assert_true(move_can_send(&third));
		assert_int_equal(move_alive(), 1);
	}
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

	move_start();
	assert_int_equal(rig_permit(&home, &peer), 0);
	assert_int_equal(move_to(&away), 0);
	letter_fetch(&l);
	narrow = deny("93.184.0.0/16");
	r.realms[0].peers = narrow;
	for (uint16_t i = 0; i < r.workers; i++)
		turnd_use_snapshot(move_worker(i), &r.snapshot, r.now.us);
	assert_int_equal(letter_come_back(&l), 0);
	assert_int_equal(move_alive(), 1);
	assert_int_equal(rig_from_peer(&r, relay, &peer, BYTES("in")), TURND_NOTHING);
	assert_false(move_can_send(&away));
	r.realms[0].peers = r.peers;
	policy_free(narrow);
}

/* Over a stream nothing is sent again, so that a full queue is told. */
static void what_cannot_be_asked_for_is_508(void **state)
{
	struct ports_token token;
	struct letter l;

	rig_start(&r);
	token = move_reserve();
	story_go(&home, 1);
	move_allocate();
	away.tuple.transport = STUN_TCP;
	away.link = &away;
	move_request_port(&away, &token);
	letter_post(&away, &l);
	l.gift = (struct turnd_gift){ .kind = l.ask.kind, .code = 508, .worker = l.ask.worker };
	assert_int_equal(letter_come_back(&l), 508);
	move_request(&away);
	letter_post(&away, &l);
	l.gift = (struct turnd_gift){ .kind = l.ask.kind, .code = 508, .worker = l.ask.worker };
	assert_int_equal(letter_come_back(&l), 508);
	assert_int_equal(move_to(&away), 0);
}

/* The message that it came with still has to be answered over that connection. */
static void a_realm_that_is_gone_does_not_end_the_connection_at_hand(void **state)
{
	struct letter l;

	move_start_connected();
	assert_int_equal(move_to(&away), 0);
	letter_fetch(&l);
	r.snapshot.realms = &r.realms[1];
	r.snapshot.realm_count = 1;
	assert_int_not_equal(letter_come_back(&l), RIG_NOTHING);
	assert_int_equal(move_alive(), 0);
	assert_int_equal(r.links_ended, 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, move_begin_workers, move_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_request_that_comes_twice_moves_once),
		STORY(data_that_come_while_it_is_fetched_are_lost_only),
		STORY(what_nobody_waits_for_goes_back_alive),
		STORY(what_lost_its_connection_and_goes_back_still_waits),
		STORY(what_goes_back_knows_no_connection_that_ended_meanwhile),
		STORY(what_goes_back_tells_nothing_to_who_has_its_5_tuple_now),
		STORY(a_5_tuple_that_was_taken_meanwhile_keeps_what_it_has),
		STORY(what_is_between_workers_is_asked_for_again),
		STORY(what_is_between_workers_is_500_to_a_stream),
		STORY(what_is_not_allowed_any_more_is_cut_off_on_the_way),
		STORY(what_cannot_be_asked_for_is_508),
		STORY(a_realm_that_is_gone_does_not_end_the_connection_at_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
