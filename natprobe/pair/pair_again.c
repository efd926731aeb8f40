/*
 * A run that goes on: when a trial is over it rests, and another one begins when a side wants one.
 * Both count trials alike, so that two who want one at once want the same one.
 */
#include "clock.h"
#include "natprobe/net/await.h"
#include "pair_run.h"

#define PAUSE_US     1000000 /* between two begins at least, whatever the other side wants */
#define SOON_US      300000
#define PAUSE_MAX_US 30000000
#define RELEASE_US   3000000

bool pair_again_is(const struct pair_run *run)
{
	return run->again_hooks.on_rest != NULL;
}

static void drop_old(struct pair_again *again)
{
	punch_io_free(again->old_io);
	punch_free(again->old_punch);
	again->old_io = NULL;
	again->old_punch = NULL;
	again->is_old_over = false;
}

static void on_old_released(void *arg)
{
	struct pair_run *run = arg;

	run->again.is_old_over = true;
	event_active(run->again.timer, EV_TIMEOUT, 0);
}

/* Mapped ports and relays of the last trial are given back beside the next one. */
static void retire(struct pair_run *run)
{
	struct pair_again *again = &run->again;

	if (again->is_resting)
		run->again_hooks.on_leave(run->again_hooks.arg);
	again->is_resting = false;
	drop_old(again);
	again->old_io = run->io;
	again->old_punch = run->punch;
	run->io = NULL;
	run->punch = NULL;
	if (again->old_io != NULL)
		punch_io_release(again->old_io, on_old_released, run);
}

static void send_again(struct pair_run *run)
{
	uint8_t buf[TALK_HEAD_MAX];
	size_t len = talk_write_again(run->trial, buf, sizeof(buf));

	(void)meet_io_send(run->meet, bytes_of(buf, len));
}

static void begin_next(struct pair_run *run)
{
	retire(run);
	run->again.is_wanted = false;
	run->again.pause_until_us = clock_us() + PAUSE_US;
	run->is_closed = run->is_released = run->is_peer_gone = false;
	run->peer_by_us = 0;
	run->trial++;
	send_again(run);
	pair_run_begin(run);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct pair_run *run = arg;
	struct pair_again *again = &run->again;

	if (again->is_old_over)
		drop_old(again);
	if (run->is_over || !again->is_wanted)
		return;
	if (clock_us() < again->pause_until_us) {
		await_moment(again->timer, again->pause_until_us);
		return;
	}
	/* A trial that runs, or a meeting, is waited for. */
	if (!again->is_resting && (run->io != NULL || !again->needs_meeting))
		return;
	if (!again->needs_meeting && !again->is_stale) {
		begin_next(run);
		return;
	}
	again->wants_meeting = true;
	event_base_loopbreak(run->base);
}

static void want(struct pair_run *run)
{
	run->again.is_wanted = true;
	await_moment(run->again.timer, run->again.pause_until_us);
}

/* What uses the path may hear of it as well, and knows more. */
static void want_soon(struct pair_run *run)
{
	const uint64_t soon_us = clock_us() + SOON_US;

	if (run->again.pause_until_us < soon_us)
		run->again.pause_until_us = soon_us;
	want(run);
}

bool pair_again_open(struct pair_run *run)
{
	run->again.timer = evtimer_new(run->base, on_timer, run);
	return run->again.timer != NULL;
}

void pair_again_clear(struct pair_run *run)
{
	drop_old(&run->again);
	if (run->again.timer != NULL)
		event_free(run->again.timer);
}

static uint64_t pause_after(uint32_t failures)
{
	const uint64_t pause_us = (uint64_t)PAUSE_US << (failures < 5 ? failures : 5);

	return pause_us < PAUSE_MAX_US ? pause_us : PAUSE_MAX_US;
}

void pair_again_postpone(struct pair_run *run)
{
	struct pair_again *again = &run->again;

	again->failures++;
	again->pause_until_us = clock_us() + pause_after(again->failures);
	again->needs_meeting = again->has_failed = true;
	want(run);
}

void pair_again_rest(struct pair_run *run)
{
	const struct punch_result *r = punch_result(run->punch);
	struct pair_again *again = &run->again;
	const bool has_path = r->path.strategy != PUNCH_NONE;

	again->is_resting = again->has_rested = true;
	again->failures = has_path ? 0 : again->failures + 1;
	if (!has_path)
		again->pause_until_us = clock_us() + pause_after(again->failures - 1);
	/* It may be there, in another meeting: it was started again, or missed what we said. */
	again->needs_meeting = again->needs_meeting || (!has_path && !r->has_theirs);
	run->again_hooks.on_rest(run->again_hooks.arg);
	if (again->is_wanted && !run->is_over)
		want(run);
}

void pair_again_heard(struct pair_run *run, uint32_t trial)
{
	if (!pair_again_is(run) || trial != run->trial + 1)
		return;
	run->again.needs_meeting = false; /* there it is */
	want(run);
}

bool pair_again_lost(struct pair_run *run, enum meet_failure failure)
{
	struct pair_again *again = &run->again;

	if (!again->has_rested || failure == MEET_NOBODY || failure == MEET_WRONG_CODE)
		return false;
	again->needs_meeting = true;
	if (run->io != NULL && !again->is_resting)
		pair_run_lose_peer(run);
	/* Who leaves has no path any more; who is just not heard there may use it well. */
	else if (run->io == NULL)
		pair_again_postpone(run);
	else if (failure == MEET_LEFT)
		want_soon(run);
	return true;
}

void pair_again_knock(struct pair_run *run)
{
	struct pair_again *again = &run->again;

	if (!again->has_rested)
		return;
	again->needs_meeting = true;
	if (again->is_resting)
		run->again_hooks.on_knock(run->again_hooks.arg);
	else if (run->io != NULL)
		pair_run_lose_peer(run);
}

void pair_again_forget(struct pair_run *run)
{
	struct pair_again *again = &run->again;

	retire(run);
	meet_io_free(run->meet);
	run->meet = NULL;
	again->is_wanted = again->needs_meeting = again->is_stale = again->wants_meeting =
		again->has_failed = false;
	again->pause_until_us = clock_us() + PAUSE_US;
	run->is_ready = run->is_self_made = run->has_terms = run->has_sent_terms = false;
	run->is_blind = run->may_go_blind = run->has_left = false;
	run->is_trial_over = run->is_closed = run->is_released = false;
	run->is_peer_gone = run->is_peer_done = false;
	run->has_their_fingerprint = false;
	run->terms_by_us = run->peer_by_us = 0;
	run->stand_in = (struct peer_offer){ 0 };
	run->trial = 0;
	run->trials.count = 0;
	for (size_t i = 0; i < PAIR_RUN_EARLY_MAX; i++)
		run->early[i].len = 0;
}

void pair_again_release(struct pair_run *run)
{
	const uint64_t until_us = clock_us() + RELEASE_US;

	retire(run);
	while (run->again.old_io != NULL && clock_us() < until_us && pair_run_wait(run))
		;
}

void pair_run_again(struct pair_run *run)
{
	/* What broke the path may have broken the way to the rendezvous. */
	if (run->meet != NULL)
		meet_io_refresh(run->meet);
	want(run);
}

void pair_run_meet_again(struct pair_run *run)
{
	run->again.needs_meeting = true;
	want(run);
}

void pair_run_is_stale(struct pair_run *run)
{
	run->again.is_stale = run->is_self_made;
}
