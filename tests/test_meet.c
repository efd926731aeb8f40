/* meet, with a code: two parties, and whatever the carrier does to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "meet_fixture.h"

#define CODE   "37-copper-violin-harbor"
#define TOPIC  "natkit/c/37"
#define SECOND 1000000u

static void meet_and_talk(void **state)
{
	struct meet_kit *k = open_kit(1);

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, "37 Copper Violin Harbor");
	meet_kit_run(k, SECOND);
	assert_met(0, 1);
	assert_true(meet_kit_say(k, 0, 'a', 10));
	assert_true(meet_kit_say(k, 0, 'b', MEET_MESSAGE_MAX));
	assert_true(meet_kit_say(k, 1, 'c', 0));
	assert_false(meet_kit_say(k, 1, 'd', MEET_MESSAGE_MAX + 1));
	meet_kit_run(k, SECOND);
	assert_string_equal(party(1)->received_text, "ab");
	assert_int_equal(party(1)->last_len, MEET_MESSAGE_MAX);
	assert_int_equal(party(0)->received, 1);
}

static void are_quick_and_then_quiet(void **state)
{
	struct meet_kit *k = open_kit(2);
	int said[2];

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 10 * SECOND);
	assert_met(0, 1);
	for (int i = 0; i < 2; i++) {
		assert_true(party(i)->ready_at_us < 5 * SECOND + 5 * 51000);
		assert_true(party(i)->published < 12);
		said[i] = party(i)->published;
	}
	meet_kit_run(k, 3600u * SECOND);
	for (int i = 0; i < 2; i++)
		assert_int_equal(party(i)->published, said[i]);
	assert_met(0, 1);
	/* A link says nothing for hours, and then that its path broke. */
	meet_kit_run(k, 20 * 3600u * UINT64_C(1000000));
	assert_true(meet_kit_say(k, 0, 'z', 10));
	meet_kit_run(k, 10 * SECOND);
	assert_string_equal(party(1)->received_text, "z");
}

static void hear_who_begins_with_their_code_again(void **state)
{
	struct meet_kit *k = open_kit(3);

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 10 * SECOND);
	assert_met(0, 1);
	assert_int_equal(meet_knocks(party(0)->m), 0);
	assert_int_equal(meet_knocks(party(1)->m), 0);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 5 * SECOND);
	assert_in_range(meet_knocks(party(0)->m), 1, 16);
	assert_int_equal(party(0)->failure, -1);
}

static void fill_and_drain(struct meet_kit *k, int from)
{
	for (int i = 0; i < 12; i++)
		assert_true(meet_kit_say(k, from, (char)('a' + i), (size_t)i * 350));
}

static void meet_whatever_the_carrier_does(void **state)
{
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct meet_kit *k = open_kit(100 + seed);

		k->loss_percent = 30;
		k->repeat_percent = 20;
		k->jitter_us = seed % 3 == 0 ? 50000 : 3 * SECOND;
		k->keeps = seed % 2 == 0;
		meet_kit_code(k, 0, CODE);
		meet_kit_run(k, (seed % 5) * 17 * SECOND); /* one waits for the other */
		meet_kit_code(k, 1, CODE);
		meet_kit_run(k, 60 * SECOND);
		assert_met(0, 1);
		fill_and_drain(k, 0);
		fill_and_drain(k, 1);
		meet_kit_run(k, 120 * SECOND);
		assert_string_equal(party(0)->received_text, "0bcdefghijkl");
		assert_string_equal(party(1)->received_text, "0bcdefghijkl");
		assert_met(0, 1);
		meet_kit_close(k);
		*k = (struct meet_kit){ 0 };
	}
}

static void one_wrong_guess_ends_it(void **state)
{
	struct meet_kit *k = open_kit(3);

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, "37-copper-violin-harvest");
	meet_kit_run(k, 10 * SECOND);
	assert_int_equal(party(0)->failure, MEET_WRONG_CODE);
	assert_int_equal(party(1)->failure, MEET_WRONG_CODE);
	assert_false(party(0)->is_ready || party(1)->is_ready);
	meet_kit_code(k, 1, CODE); /* too late for the first one */
	meet_kit_run(k, 600 * SECOND);
	assert_int_equal(party(1)->failure, MEET_NOBODY);
}

static void wait_for_somebody_and_then_no_more(void **state)
{
	struct meet_kit *k = open_kit(4);

	meet_kit_code(k, 0, CODE);
	meet_kit_run(k, 599 * SECOND);
	assert_int_equal(party(0)->failure, -1);
	assert_true(party(0)->published < 50);
	meet_kit_run(k, 2 * SECOND);
	assert_int_equal(party(0)->failure, MEET_NOBODY);
}

static void notice_who_starts_again(void **state)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct meet_kit *k = open_kit(200 + seed);

		k->keeps = true;
		meet_kit_code(k, 0, CODE);
		meet_kit_run(k, 3 * SECOND);
		meet_kit_code(k, 0, CODE);
		meet_kit_run(k, seed * 100000);
		meet_kit_code(k, 0, CODE); /* its earlier hellos are still about */
		meet_kit_code(k, 1, CODE);
		meet_kit_run(k, 30 * SECOND);
		assert_met(0, 1);
		meet_kit_close(k);
		*k = (struct meet_kit){ 0 };
	}
}

static void use_a_code_again_over_what_was_said_before(void **state)
{
	struct meet_kit *k = open_kit(5);

	k->keeps = true;
	for (int run = 0; run < 4; run++) {
		meet_kit_code(k, 0, "a secret of our own");
		meet_kit_code(k, 1, "a secret of our own");
		meet_kit_run(k, 10 * SECOND);
		assert_met(0, 1);
		assert_true(meet_kit_say(k, run % 2, (char)('a' + run), 5));
		meet_kit_run(k, 5 * SECOND);
		assert_int_equal(party(1 - run % 2)->received, 1);
		assert_int_equal(party(1 - run % 2)->received_text[0], 'a' + run);
	}
}

static void leave_with_a_word(void **state)
{
	struct meet_kit *k = open_kit(6);

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 2 * SECOND);
	assert_true(meet_kit_say(k, 0, 'z', 1));
	meet_leave(party(0)->m, meet_kit_clock(k, 0));
	meet_kit_run(k, SECOND);
	assert_int_equal(party(0)->failure, MEET_LEFT);
	assert_int_equal(party(1)->failure, MEET_LEFT);
	assert_string_equal(party(1)->received_text, "z");
}

static void notice_who_is_gone(void **state)
{
	struct meet_kit *k = open_kit(7);

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 2 * SECOND);
	assert_met(0, 1);
	meet_kit_stop(k, 1);
	meet_kit_run(k, 1000 * SECOND);
	assert_int_equal(party(0)->failure, -1); /* it had nothing to say */
	assert_true(meet_gone_at_us(party(0)->m) == UINT64_MAX);
	assert_true(meet_kit_say(k, 0, 'a', 5));
	meet_kit_run(k, 59 * SECOND);
	assert_int_equal(party(0)->failure, -1);
	assert_in_range(meet_kit_clock(k, 0) - meet_gone_at_us(party(0)->m), 49 * SECOND,
			52 * SECOND);
	meet_kit_run(k, 2 * SECOND);
	assert_int_equal(party(0)->failure, MEET_GONE);
	assert_true(party(0)->published < 30);
}

#define ASK_EVERY (2 * SECOND)

static bool is_taken_for_gone(const struct meet_kit *k, int i)
{
	return meet_kit_clock(k, i) >= meet_gone_at_us(party(i)->m);
}

static void ask(struct meet_kit *k, int i)
{
	meet_ask(party(i)->m, meet_kit_clock(k, i));
}

/* Who waits for the other side's word asks now and then whether it is there. */
static void miss_who_fell_silent_within_ten_seconds(void **state)
{
	for (int death = 0; death < 8; death++) {
		struct meet_kit *k = open_kit(20 + (uint64_t)death);
		uint64_t died_us = 0;
		int seconds = 0;

		meet_kit_code(k, 0, CODE);
		meet_kit_code(k, 1, CODE);
		meet_kit_run(k, 2 * SECOND);
		assert_met(0, 1);
		for (int i = 0; i < 40 && !is_taken_for_gone(k, 0); i++, seconds++) {
			if (i == 8 + death) {
				meet_kit_stop(k, 1);
				died_us = k->now_us;
			}
			if (i % 8 == 0)
				ask(k, 0);
			meet_kit_run(k, ASK_EVERY / 8);
		}
		meet_kit_run(k, 0);
		while (!is_taken_for_gone(k, 0) && k->now_us < died_us + 20 * SECOND)
			meet_kit_run(k, SECOND / 10);
		assert_true(died_us != 0);
		assert_in_range(k->now_us - died_us, 5 * SECOND, 10 * SECOND);
		assert_int_equal(party(0)->failure, -1);
		close_kit(state);
	}
}

/* Whom the carrier lets wait is not missed: a broker far away, and two TCPs that lose a fifth. */
static void slow_carriers_are_no_silence(void **state)
{
	static const struct {
		uint64_t delay_us, jitter_us;
		uint32_t loss_percent, tcp_loss_percent;
		int most; /* of 60 sides that were missed nevertheless */
	} carriers[] = {
		{ 50000, 0, 0, 0, 0 },         { 400000, 800000, 0, 0, 0 },
		{ 2000000, 2000000, 0, 0, 0 }, { 100000, 100000, 20, 0, 0 },
		{ 50000, 20000, 0, 20, 1 },
	};

	for (size_t c = 0; c < ARRAY_LEN(carriers); c++) {
		int missed = 0;

		for (uint64_t seed = 0; seed < 30; seed++) {
			struct meet_kit *k = open_kit(100 + seed);

			k->delay_us = carriers[c].delay_us;
			k->jitter_us = carriers[c].jitter_us;
			k->loss_percent = carriers[c].loss_percent;
			k->tcp_loss_percent = carriers[c].tcp_loss_percent;
			meet_kit_code(k, 0, CODE);
			meet_kit_code(k, 1, CODE);
			while (!(party(0)->is_ready && party(1)->is_ready))
				meet_kit_run(k, SECOND);
			for (int i = 0; i < 80; i++) {
				if (i % 8 == 0)
					ask(k, (int)(seed % 2));
				meet_kit_run(k, ASK_EVERY / 8);
				if (is_taken_for_gone(k, (int)(seed % 2))) {
					missed++;
					break;
				}
			}
			close_kit(state);
		}
		if (missed > carriers[c].most)
			fail_msg("carrier %zu: %d of 30 were missed", c, missed);
	}
}

/* One question, one answer, and nothing more. */
static void a_question_costs_little(void **state)
{
	struct meet_kit *k = open_kit(21);
	int said[2];

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 10 * SECOND);
	said[0] = party(0)->published;
	said[1] = party(1)->published;
	ask(k, 0);
	ask(k, 0);
	assert_true(meet_gone_at_us(party(0)->m) < UINT64_MAX);
	meet_kit_run(k, 10 * SECOND);
	assert_true(meet_gone_at_us(party(0)->m) == UINT64_MAX);
	assert_int_equal(party(0)->published, said[0] + 1);
	assert_int_equal(party(1)->published, said[1] + 1);
}

static void take_no_more_than_they_can_keep(void **state)
{
	struct meet_kit *k = open_kit(8);
	int count = 0;

	meet_kit_code(k, 0, CODE);
	meet_kit_code(k, 1, CODE);
	meet_kit_run(k, 2 * SECOND);
	while (meet_kit_say(k, 0, (char)('A' + count % 26), 4000))
		count++;
	assert_in_range(count, 10, 20);
	meet_kit_run(k, 20 * SECOND);
	assert_int_equal(party(1)->received, count);
	for (count = 0; meet_kit_say(k, 0, 'x', 1); count++)
		;
	assert_int_equal(count, 64);
	meet_kit_run(k, 20 * SECOND);
	assert_int_equal(party(1)->last_len, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(meet_and_talk, close_kit),
		cmocka_unit_test_teardown(are_quick_and_then_quiet, close_kit),
		cmocka_unit_test_teardown(hear_who_begins_with_their_code_again, close_kit),
		cmocka_unit_test_teardown(meet_whatever_the_carrier_does, close_kit),
		cmocka_unit_test_teardown(one_wrong_guess_ends_it, close_kit),
		cmocka_unit_test_teardown(wait_for_somebody_and_then_no_more, close_kit),
		cmocka_unit_test_teardown(notice_who_starts_again, close_kit),
		cmocka_unit_test_teardown(use_a_code_again_over_what_was_said_before, close_kit),
		cmocka_unit_test_teardown(leave_with_a_word, close_kit),
		cmocka_unit_test_teardown(notice_who_is_gone, close_kit),
		cmocka_unit_test(miss_who_fell_silent_within_ten_seconds),
		cmocka_unit_test(slow_carriers_are_no_silence),
		cmocka_unit_test_teardown(a_question_costs_little, close_kit),
		cmocka_unit_test_teardown(take_no_more_than_they_can_keep, close_kit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
