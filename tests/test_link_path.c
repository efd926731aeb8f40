/* link_path: two sides keep a path alive, in virtual time. */
#include "link_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S  LINK_PAIR_S
#define MS LINK_PAIR_MS
#define A  LINK_PAIR_A
#define B  LINK_PAIR_B

static struct link_pair l;

static void both_begin(uint64_t seed)
{
	link_pair_init(&l, seed);
	link_pair_begin(&l, A);
	link_pair_begin(&l, B);
}

static int teardown(void **state)
{
	link_pair_clear(&l);
	return 0;
}

static void each_learns_who_the_other_is_and_how_far(void **state)
{
	both_begin(1);
	link_pair_run(&l, 100 * MS);
	assert_int_equal(l.sides[A].identities, 1);
	assert_int_equal(l.sides[B].identities, 1);
	assert_memory_equal(l.sides[A].their_identity, l.config[B].fingerprint, 32);
	assert_memory_equal(l.sides[B].their_identity, l.config[A].fingerprint, 32);
	assert_int_equal(link_path_rtt_us(l.sides[A].path), 40 * MS);
	link_pair_run(&l, 600 * S);
	assert_int_equal(l.sides[A].identities, 1);
	assert_in_range(link_path_rtt_us(l.sides[A].path), 39 * MS, 41 * MS);
}

static void an_identity_arrives_at_a_side_that_comes_late(void **state)
{
	for (uint64_t late_us = 100 * MS; late_us <= 20 * S; late_us *= 3) {
		for (int loss = 0; loss <= 30; loss += 30) {
			link_pair_init(&l, late_us);
			l.sides[A].loss = l.sides[B].loss = (unsigned int)loss;
			link_pair_begin(&l, A);
			link_pair_run(&l, late_us > 5 * S ? 5 * S : late_us);
			link_pair_begin(&l, B);
			link_pair_run(&l, loss > 0 ? 3 * S : 100 * MS);
			assert_int_equal(l.sides[A].identities, 1);
			assert_int_equal(l.sides[B].identities, 1);
			link_pair_clear(&l);
		}
	}
}

/* The other side's trial answers, and does not read who we are. */
static void a_trial_that_answers_is_no_link(void **state)
{
	link_pair_init(&l, 3);
	l.sides[B].is_other = true;
	link_pair_begin(&l, A);
	link_pair_run(&l, 4 * S);
	assert_int_equal(l.sides[A].broken, 0);
	assert_int_equal(l.sides[A].identities, 0);
	assert_int_equal(l.sides[A].sent_padded, 0); /* the trial would not read it */
	link_pair_begin(&l, B);
	link_pair_run(&l, 100 * MS);
	assert_int_equal(l.sides[A].identities, 1);
	assert_int_equal(l.sides[B].identities, 1);
}

/* Of a WebRTC peer, which never says who it is. The width is found all the same. */
static void a_peer_without_an_identity_is_kept(void **state)
{
	for (int side = 0; side < 2; side++) {
		link_pair_init(&l, 4);
		l.sides[!side].is_other = true;
		l.sides[side].has_traffic = true;
		link_pair_begin(&l, side);
		link_pair_run(&l, 100 * S);
		assert_int_equal(l.sides[side].broken, 0);
		assert_int_equal(l.sides[side].frame_max, 1472);
		link_pair_clear(&l);
	}
}

static void the_pace_is_that_of_the_mapping(void **state)
{
	static const struct {
		uint32_t lifetime_s;
		bool is_tcp;
		unsigned int least, most; /* requests and answers of one side in an hour */
	} cases[] = {
		{ 0, false, 2 * 3600 / 18, 2 * 3600 / 13 },
		{ 30, false, 2 * 3600 / 12, 2 * 3600 / 8 },
		{ 3, false, 2 * 2900, 2 * 4700 },
		{ 1, false, 2 * 2900, 2 * 4700 },
		{ 9999, false, 2 * 3600 / 18, 2 * 3600 / 13 },
		{ 30, true, 2 * 3600 / 18, 2 * 3600 / 13 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned int before;

		link_pair_init(&l, 5);
		for (int k = 0; k < 2; k++) {
			l.config[k].lifetime_s = cases[i].lifetime_s;
			l.config[k].is_tcp = cases[i].is_tcp;
		}
		link_pair_begin(&l, A);
		link_pair_begin(&l, B);
		link_pair_run(&l, 60 * S);
		before = l.sides[A].sent;
		for (int k = 0; k < 60; k++)
			link_pair_run(&l, 60 * S);
		/* Searches for the width are some more. */
		assert_in_range(l.sides[A].sent - before, cases[i].least / 2, cases[i].most + 80);
		assert_int_equal(l.sides[A].broken, 0);
		link_pair_clear(&l);
	}
}

static void loss_does_not_break_it(void **state)
{
	for (uint64_t seed = 0; seed < 10; seed++) {
		both_begin(seed);
		l.sides[A].loss = l.sides[B].loss = 30;
		l.sides[A].has_traffic = seed % 2;
		link_pair_run(&l, 1000 * S);
		assert_int_equal(l.sides[A].broken, 0);
		assert_int_equal(l.sides[B].broken, 0);
		assert_in_range(l.sides[A].frame_max, 1400, 1472);
		link_pair_clear(&l);
	}
}

static void a_silent_death_is_found(void **state)
{
	for (int traffic = 0; traffic < 2; traffic++) {
		uint64_t died_us, limit_us = traffic ? 9 * S : 27 * S;

		both_begin(7);
		l.sides[A].has_traffic = l.sides[B].has_traffic = traffic;
		link_pair_run(&l, 100 * S);
		l.sides[A].is_dead = l.sides[B].is_dead = true;
		died_us = l.now_us;
		link_pair_run(&l, 100 * S);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(l.sides[i].broken, 1);
			assert_in_range(l.sides[i].broken_us - died_us, 6 * S, limit_us);
		}
	}
}

static void the_death_of_one_direction_is_found_by_both(void **state)
{
	for (int from = 0; from < 2; from++) {
		uint64_t died_us;

		both_begin(8);
		l.sides[A].has_traffic = l.sides[B].has_traffic = true;
		link_pair_run(&l, 100 * S);
		l.sides[from].is_dead = true;
		died_us = l.now_us;
		link_pair_run(&l, 100 * S);
		/* The one that hears nothing is the first; the other one hears nothing more of it. */
		assert_int_equal(l.sides[!from].broken, 1);
		assert_in_range(l.sides[!from].broken_us - died_us, 6 * S, 9 * S);
		assert_int_equal(l.sides[from].broken, 1);
		assert_in_range(l.sides[from].broken_us - died_us, 6 * S, 25 * S);
	}
}

static void a_short_outage_is_survived(void **state)
{
	both_begin(9);
	l.sides[A].has_traffic = l.sides[B].has_traffic = true;
	link_pair_run(&l, 100 * S);
	for (int i = 0; i < 20; i++) {
		l.sides[A].is_dead = l.sides[B].is_dead = true;
		link_pair_run(&l, 4 * S);
		l.sides[A].is_dead = l.sides[B].is_dead = false;
		link_pair_run(&l, 10 * S);
	}
	assert_int_equal(l.sides[A].broken + l.sides[B].broken, 0);
	assert_int_equal(l.sides[A].frame_max, 1472);
}

static void a_report_is_not_believed_but_looked_into(void **state)
{
	unsigned int before;

	both_begin(10);
	link_pair_run(&l, 100 * S);
	before = l.sides[A].sent;
	for (int i = 0; i < 1000; i++) {
		link_path_doubt(l.sides[A].path, l.now_us);
		link_pair_run(&l, 10 * MS);
	}
	assert_in_range(l.sides[A].sent - before, 8, 30);
	assert_int_equal(l.sides[A].broken, 0);
	l.sides[B].is_dead = true;
	link_path_doubt(l.sides[A].path, l.now_us);
	link_pair_run(&l, 7 * S);
	assert_int_equal(l.sides[A].broken, 1);
}

/* Somebody sends as much as goes, and all waits in one queue. */
static void a_long_queue_does_not_break_it(void **state)
{
	both_begin(13);
	l.sides[A].has_traffic = l.sides[B].has_traffic = true;
	link_pair_run(&l, 100 * S);
	l.delay_us = 4 * S;
	link_pair_run(&l, 60 * S);
	l.delay_us = 20 * MS;
	link_pair_run(&l, 60 * S);
	assert_int_equal(l.sides[A].broken + l.sides[B].broken, 0);
}

/* A process that was stopped for long asks before it gives up. */
static void a_jump_of_time_does_not_break_it(void **state)
{
	both_begin(11);
	l.sides[A].has_traffic = l.sides[B].has_traffic = true;
	link_pair_run(&l, 100 * S);
	for (int i = 0; i < 10; i++) {
		memset(l.flying, 0, sizeof(l.flying));
		l.now_us += 500 * S;
		link_pair_run(&l, 5 * S);
	}
	assert_int_equal(l.sides[A].broken + l.sides[B].broken, 0);
}

static void over_tcp_what_is_heard_is_life(void **state)
{
	uint64_t died_us;

	link_pair_init(&l, 12);
	l.config[A].is_tcp = l.config[B].is_tcp = true;
	link_pair_begin(&l, A);
	link_pair_begin(&l, B);
	assert_int_equal(link_path_frame_max(l.sides[A].path), LINK_PATH_FRAME_TCP);
	l.sides[B].has_traffic = true;
	link_pair_run(&l, 1000 * S);
	assert_int_equal(l.sides[A].sent_padded + l.sides[A].widths, 0);
	assert_int_equal(l.sides[A].broken, 0);
	l.sides[A].is_dead = l.sides[B].is_dead = true;
	died_us = l.now_us;
	link_pair_run(&l, 100 * S);
	assert_int_equal(l.sides[B].broken, 1);
	assert_in_range(l.sides[B].broken_us - died_us, 11 * S, 18 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_learns_who_the_other_is_and_how_far, teardown),
		cmocka_unit_test_teardown(an_identity_arrives_at_a_side_that_comes_late, teardown),
		cmocka_unit_test_teardown(a_trial_that_answers_is_no_link, teardown),
		cmocka_unit_test_teardown(a_peer_without_an_identity_is_kept, teardown),
		cmocka_unit_test_teardown(the_pace_is_that_of_the_mapping, teardown),
		cmocka_unit_test_teardown(loss_does_not_break_it, teardown),
		cmocka_unit_test_teardown(a_silent_death_is_found, teardown),
		cmocka_unit_test_teardown(the_death_of_one_direction_is_found_by_both, teardown),
		cmocka_unit_test_teardown(a_short_outage_is_survived, teardown),
		cmocka_unit_test_teardown(a_report_is_not_believed_but_looked_into, teardown),
		cmocka_unit_test_teardown(a_long_queue_does_not_break_it, teardown),
		cmocka_unit_test_teardown(a_jump_of_time_does_not_break_it, teardown),
		cmocka_unit_test_teardown(over_tcp_what_is_heard_is_life, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
