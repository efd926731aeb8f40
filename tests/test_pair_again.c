/*
 * pair_again: when a run that goes on begins its next trial, and when the two meet anew. The trial and
 * the meeting are this test, and so is the clock.
 */
#include "natprobe/pair/pair_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "natprobe/net/await.h"

#define SECOND UINT64_C(1000000)
#define PAUSE  SECOND /* between two begins, at least */

/* Two trials' worth, to be told apart. */
static struct punch_io *const ios[] = { (struct punch_io *)(uintptr_t)16,
					(struct punch_io *)(uintptr_t)32 };
static struct world {
	struct pair_run run;
	uint64_t now_us, due_us;
	struct punch_result result;
	const struct punch_io *releasing; /* gives back what it was granted */
	const struct punch_io *freed;
	void (*on_released)(void *arg);
	unsigned int begun, rests, leaves, knocks, agains, refreshed, lost;
	bool meets_free;
} w;

/* --- what pair_again calls --- */

uint64_t clock_us(void)
{
	return w.now_us;
}

void await_moment(struct event *timer, uint64_t at_us)
{
	assert_ptr_equal(timer, w.run.again.timer);
	w.due_us = at_us;
}

void punch_io_free(struct punch_io *io)
{
	w.freed = io != NULL ? io : w.freed;
}

void punch_free(struct punch *p)
{
}

void punch_io_release(struct punch_io *io, void (*on_released)(void *arg), void *arg)
{
	assert_ptr_equal(arg, &w.run);
	w.releasing = io;
	w.on_released = on_released;
}

const struct punch_result *punch_result(const struct punch *p)
{
	return &w.result;
}

size_t talk_write_again(uint32_t trial, uint8_t *buf, size_t cap)
{
	buf[0] = (uint8_t)trial;
	return 1;
}

bool meet_io_send(struct meet_io *io, struct bytes data)
{
	assert_int_equal(data.data[0], w.run.trial);
	w.agains++;
	return true;
}

void meet_io_refresh(struct meet_io *io)
{
	w.refreshed++;
}

void meet_io_free(struct meet_io *io)
{
	w.meets_free = true;
}

void pair_run_begin(struct pair_run *run)
{
	run->io = ios[w.begun++ % 2];
}

void pair_run_lose_peer(struct pair_run *run)
{
	w.lost++;
}

bool pair_run_wait(struct pair_run *run)
{
	w.now_us += SECOND / 50;
	return true;
}

/* --- what is above it --- */

static void on_rest(void *arg)
{
	w.rests++;
	if (w.result.path.strategy == PUNCH_NONE)
		pair_run_again(&w.run);
}

static void on_leave(void *arg)
{
	w.leaves++;
}

static void on_knock(void *arg)
{
	w.knocks++;
}

/* --- time, and what happens in it --- */

/* Lets it have its event, until that moment. */
static void run_until(uint64_t at_us)
{
	while (w.due_us <= at_us) {
		w.now_us = w.due_us > w.now_us ? w.due_us : w.now_us;
		w.due_us = UINT64_MAX;
		event_active(w.run.again.timer, EV_TIMEOUT, 0);
		(void)event_base_loop(w.run.base, EVLOOP_NONBLOCK);
	}
	w.now_us = at_us > w.now_us ? at_us : w.now_us;
}

static void pass(uint64_t us)
{
	run_until(w.now_us + us);
}

/* The trial that runs is over. */
static void finish(bool has_path, bool has_theirs)
{
	w.result.path.strategy = has_path ? PUNCH_DIRECT : PUNCH_NONE;
	w.result.has_theirs = has_theirs;
	pair_again_rest(&w.run);
}

static int set_up(void **state)
{
	memset(&w, 0, sizeof(w));
	w.now_us = 100 * SECOND;
	w.due_us = UINT64_MAX;
	w.run.base = event_base_new();
	w.run.meet = (struct meet_io *)(uintptr_t)64;
	w.run.is_self_made = w.run.is_ready = true;
	w.run.again_hooks = (struct pair_again_hooks){ .on_rest = on_rest,
						       .on_leave = on_leave,
						       .on_knock = on_knock };
	assert_true(pair_again_is(&w.run));
	assert_true(pair_again_open(&w.run));
	pair_run_begin(&w.run); /* the first one */
	return 0;
}

static int tear_down(void **state)
{
	pair_again_clear(&w.run);
	event_base_free(w.run.base);
	return 0;
}

/* --- trials --- */

static void the_next_trial_begins_when_a_side_wants_it(void **state)
{
	finish(true, true);
	assert_int_equal(w.rests, 1);
	pass(60 * SECOND);
	assert_int_equal(w.begun, 1);
	pair_run_again(&w.run);
	assert_int_equal(w.refreshed, 1);
	pass(0);
	assert_int_equal(w.begun, 2);
	assert_int_equal(w.run.trial, 1);
	assert_int_equal(w.agains, 1); /* the other side is told */
	assert_int_equal(w.leaves, 1);
	assert_ptr_equal(w.releasing, ios[0]);
}

static void of_two_that_want_one_at_once_there_is_one(void **state)
{
	finish(true, true);
	pair_run_again(&w.run);
	pair_again_heard(&w.run, 1);
	pass(0);
	assert_int_equal(w.begun, 2);
	pair_again_heard(&w.run, 1); /* the one that runs */
	pair_again_heard(&w.run, 7);
	finish(true, true);
	pass(60 * SECOND);
	assert_int_equal(w.begun, 2);
}

/* Whatever the other side wants. */
static void trials_keep_a_pace(void **state)
{
	pair_again_heard(&w.run, 1);
	finish(true, true);
	pass(0);
	for (uint32_t trial = 2; trial <= 5; trial++) {
		assert_int_equal(w.begun, trial);
		finish(true, true);
		pair_again_heard(&w.run, trial);
		pass(PAUSE - 1);
		assert_int_equal(w.begun, trial);
		pass(1);
	}
}

static void a_trial_that_runs_is_waited_for(void **state)
{
	pair_again_heard(&w.run, 1);
	pass(30 * SECOND);
	assert_int_equal(w.begun, 1);
	finish(true, true);
	assert_int_equal(w.rests, 1);
	pass(0);
	assert_int_equal(w.begun, 2);
}

static void pauses_grow_while_there_is_no_path(void **state)
{
	static const uint64_t pauses[] = { 1, 2, 4, 8, 16, 30, 30 };

	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		const unsigned int begun = w.begun;

		finish(false, true);
		pass(pauses[i] * SECOND - 1);
		assert_int_equal(w.begun, begun);
		pass(1);
		assert_int_equal(w.begun, begun + 1);
	}
	finish(true, true);
	pair_run_again(&w.run);
	pass(PAUSE);
	finish(false, true); /* from the begin */
	pass(SECOND);
	assert_int_equal(w.begun, ARRAY_LEN(pauses) + 3);
}

static void what_was_granted_is_given_back_beside_the_next_one(void **state)
{
	finish(true, true);
	pair_run_again(&w.run);
	pass(0);
	assert_ptr_equal(w.releasing, ios[0]);
	assert_null(w.freed);
	w.on_released(&w.run);
	assert_null(w.freed); /* not from its own callback */
	w.due_us = w.now_us;
	pass(0);
	assert_ptr_equal(w.freed, ios[0]);
	assert_ptr_equal(w.run.io, ios[1]);
}

static void one_that_does_not_answer_is_freed_by_the_next(void **state)
{
	finish(true, true);
	pair_run_again(&w.run);
	pass(0);
	finish(true, true);
	pair_run_again(&w.run);
	pass(PAUSE);
	assert_ptr_equal(w.freed, ios[0]);
	assert_ptr_equal(w.releasing, ios[1]);
}

/* --- meetings --- */

static bool meets_anew(uint64_t within_us)
{
	const unsigned int begun = w.begun;

	pass(within_us);
	assert_int_equal(w.begun, begun);
	return w.run.again.wants_meeting;
}

static void who_left_is_met_anew_in_a_moment(void **state)
{
	finish(true, true);
	pass(10 * SECOND);
	assert_true(pair_again_lost(&w.run, MEET_LEFT));
	assert_false(meets_anew(299999));
	assert_true(meets_anew(1));
}

/* It may use the path, which only those that are on it can know. */
static void who_is_not_heard_in_the_meeting_may_have_a_path(void **state)
{
	finish(true, true);
	assert_true(pair_again_lost(&w.run, MEET_GONE));
	assert_false(meets_anew(600 * SECOND));
	assert_int_equal(w.leaves, 0);
	pair_run_again(&w.run);
	assert_true(meets_anew(0));
}

static void one_that_is_heard_after_all_needs_no_meeting(void **state)
{
	finish(true, true);
	assert_true(pair_again_lost(&w.run, MEET_GONE));
	pair_again_heard(&w.run, 1);
	pass(0);
	assert_int_equal(w.begun, 2);
	assert_false(w.run.again.wants_meeting);
}

static void who_was_not_heard_in_a_trial_is_met_anew(void **state)
{
	finish(false, false);
	assert_false(meets_anew(SECOND - 1));
	assert_true(meets_anew(1));
}

static void changed_addresses_are_told_in_a_new_meeting(void **state)
{
	finish(true, true);
	pair_run_is_stale(&w.run);
	assert_false(meets_anew(60 * SECOND));
	pair_run_again(&w.run);
	assert_true(meets_anew(0));
}

/* Nobody came, or somebody guesses; and before there was a trial nothing goes on. */
static void some_losses_end_the_run(void **state)
{
	assert_false(pair_again_lost(&w.run, MEET_GONE));
	finish(true, true);
	assert_false(pair_again_lost(&w.run, MEET_NOBODY));
	assert_false(pair_again_lost(&w.run, MEET_WRONG_CODE));
	assert_true(pair_again_lost(&w.run, MEET_BROKEN));
}

static void who_is_lost_in_a_trial_ends_that(void **state)
{
	finish(true, true);
	pair_run_again(&w.run);
	pass(0);
	assert_true(pair_again_lost(&w.run, MEET_LEFT));
	assert_int_equal(w.lost, 1);
	finish(false, false);
	assert_true(meets_anew(2 * SECOND));
}

static void a_knock_has_the_path_asked(void **state)
{
	pair_again_knock(&w.run);
	assert_int_equal(w.knocks + w.lost, 0);
	finish(true, true);
	pair_again_knock(&w.run);
	assert_int_equal(w.knocks, 1);
	assert_false(meets_anew(600 * SECOND)); /* it lives */
	pair_run_again(&w.run);
	assert_true(meets_anew(0)); /* it did not */
}

static void a_knock_in_a_trial_ends_that(void **state)
{
	finish(true, true);
	pair_run_again(&w.run);
	pass(0);
	pair_again_knock(&w.run);
	assert_int_equal(w.knocks, 0);
	assert_int_equal(w.lost, 1);
}

static void a_new_meeting_begins_with_nothing_of_the_old_one(void **state)
{
	struct pair_run *r = &w.run;

	finish(true, true);
	r->early[3].len = 5;
	r->has_terms = r->has_sent_terms = r->has_their_fingerprint = r->is_peer_done = true;
	pair_run_meet_again(r);
	assert_true(meets_anew(0));
	pair_again_forget(r);
	assert_true(w.meets_free);
	assert_null(r->meet);
	assert_null(r->io);
	assert_int_equal(w.leaves, 1);
	assert_int_equal(r->trial, 0);
	assert_int_equal(r->early[3].len, 0);
	assert_false(r->has_terms || r->has_sent_terms || r->is_self_made || r->is_ready);
	assert_false(r->has_their_fingerprint || r->is_peer_done || r->again.wants_meeting);
	assert_true(r->again.has_rested); /* there was a path: it goes on for as long as it takes */
}

/* No diagnosis, or no rendezvous: later again, and later each time. */
static void a_meeting_that_fails_comes_again(void **state)
{
	static const uint64_t pauses[] = { 2, 4, 8, 16, 30, 30 };

	finish(true, true);
	pair_run_meet_again(&w.run);
	assert_true(meets_anew(0));
	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		pair_again_forget(&w.run);
		pair_again_postpone(&w.run);
		assert_false(meets_anew(pauses[i] * SECOND - 1));
		assert_true(meets_anew(1));
	}
}

static void one_that_is_lost_before_a_trial_comes_again(void **state)
{
	finish(true, true);
	pair_run_meet_again(&w.run);
	assert_true(meets_anew(0));
	pair_again_forget(&w.run);
	assert_true(pair_again_lost(&w.run, MEET_GONE));
	assert_true(meets_anew(2 * SECOND));
}

static void after_the_end_nothing_begins(void **state)
{
	finish(true, true);
	pair_run_again(&w.run);
	w.run.is_over = true;
	pass(60 * SECOND);
	assert_int_equal(w.begun, 1);
	pair_again_release(&w.run); /* within its time, though nobody answers */
	assert_ptr_equal(w.releasing, ios[0]);
	assert_in_range(w.now_us, 163 * SECOND, 164 * SECOND);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(the_next_trial_begins_when_a_side_wants_it),
		CASE(of_two_that_want_one_at_once_there_is_one),
		CASE(trials_keep_a_pace),
		CASE(a_trial_that_runs_is_waited_for),
		CASE(pauses_grow_while_there_is_no_path),
		CASE(what_was_granted_is_given_back_beside_the_next_one),
		CASE(one_that_does_not_answer_is_freed_by_the_next),
		CASE(who_left_is_met_anew_in_a_moment),
		CASE(who_is_not_heard_in_the_meeting_may_have_a_path),
		CASE(one_that_is_heard_after_all_needs_no_meeting),
		CASE(who_was_not_heard_in_a_trial_is_met_anew),
		CASE(changed_addresses_are_told_in_a_new_meeting),
		CASE(some_losses_end_the_run),
		CASE(who_is_lost_in_a_trial_ends_that),
		CASE(a_knock_has_the_path_asked),
		CASE(a_knock_in_a_trial_ends_that),
		CASE(a_new_meeting_begins_with_nothing_of_the_old_one),
		CASE(a_meeting_that_fails_comes_again),
		CASE(one_that_is_lost_before_a_trial_comes_again),
		CASE(after_the_end_nothing_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
