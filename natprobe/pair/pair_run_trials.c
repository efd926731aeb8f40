#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "natprobe/meet/meet.h"
#include "natprobe/net/random.h"
#include "pair_run.h"

#define RUN_ID_LEN    8
#define LAST_WORDS_US 2000000  /* after the last trial, for the other side to have heard it all */
#define PEER_US       20000000 /* ... after any other one */
#define SILENT_US     10000000 /* ... that ended without a word of the other side about it */
#define ASK_US        2000000  /* who has to say something is asked whether it is there */
#define WISH_US       UINT64_C(3600000000) /* for trials that the other side alone wants */
#define KEEP_US       (UINT64_C(3650) * 86400 * 1000000)
#define HAND_WAIT_US  (UINT64_C(600) * 1000000) /* for people to carry a token over */
#define HAND_LATER_US (UINT64_C(60) * 1000000)  /* the meeting gives up first */

static void tell_clock(struct pair_run *run)
{
	struct punch_clock c = { 0 };

	if (run->punch != NULL && !run->is_trial_over && !pair_hand_is(run) &&
	    meet_clock(meet_io_meet(run->meet), &c.offset_us, &c.error_us, &c.round_trip_us))
		punch_set_clock(run->punch, &c);
}

static void on_tell(void *arg, struct bytes data)
{
	struct pair_run *run = arg;
	uint8_t buf[TALK_BYTES_MAX];
	size_t len = talk_write_tell(run->trial, data, buf, sizeof(buf));

	if (run->is_keeping)
		return;
	if (pair_hand_tell(run, data) || len == 0)
		return;
	(void)meet_io_send(run->meet, bytes_of(buf, len));
	if (!event_pending(run->wake, EV_TIMEOUT, NULL))
		pair_run_wake_at(run, clock_us() + ASK_US);
}

static void on_finished(void *arg)
{
	struct pair_run *run = arg;

	if (run->is_keeping) /* it cannot be opened: the trial will say so */
		return;
	run->is_trial_over = true;
	event_active(run->wake, EV_TIMEOUT, 0);
}

static void make_key(const struct pair_run *run, uint8_t key[static MEET_KEY_LEN])
{
	char purpose[32];

	snprintf(purpose, sizeof(purpose), "punch %u", (unsigned)run->trial);
	meet_key(meet_io_meet(run->meet), purpose, key);
}

void pair_run_check_keys(const struct pair_run *run, struct check_keys *out)
{
	uint8_t key[MEET_KEY_LEN];

	make_key(run, key);
	check_keys_make(out, key, meet_is_a(meet_io_meet(run->meet)));
	OPENSSL_cleanse(key, sizeof(key));
}

static bool start_machine(struct pair_run *run)
{
	const struct punch_options *o = run->options;
	const struct meet *meet = meet_io_meet(run->meet); /* NULL: of an offer by hand */
	struct punch_config config = {
		.is_a = meet != NULL && meet_is_a(meet),
		.ours = &run->self.profile,
		.theirs = &run->theirs,
		.trial = run->trial,
		.servers = run->self.servers,
		.server_count = run->self.server_count,
		.has_relay = run->has_turn && !run->is_keeping,
		.plan = { .only = run->agreed.only,
			  .has_relay = run->agreed.has_relay,
			  .sockets_max = run->agreed.sockets_max },
		.local_port = (uint16_t)o->local_port,
		.hold_s = run->agreed.hold_s,
		.by_hand = pair_hand_is(run),
		.keeps_port = run->is_keeping,
		.random = random_draw,
	};

	run->stand_in.trial = run->trial;
	if (run->is_blind)
		config.their_offer = &run->stand_in;
	if (config.keeps_port)
		config.patience_us = KEEP_US;
	if (config.by_hand)
		config.patience_us = (o->wait_ms > 0 ? o->wait_ms * 1000 : HAND_WAIT_US) +
				     (config.is_a ? 0 : HAND_LATER_US);
	random_draw(NULL, config.key, sizeof(config.key));
	if (meet != NULL)
		make_key(run, config.key);
	run->punch = punch_new(&config);
	OPENSSL_cleanse(config.key, sizeof(config.key));
	return run->punch != NULL;
}

static bool start_io(struct pair_run *run)
{
	const struct pair_run *host = run->host != NULL ? run->host : run;
	const struct punch_io_config config = {
		.base = run->base,
		.batch = run->batch,
		.punch = run->punch,
		.paths = run->self.paths,
		.path_count = run->self.profile.path_count,
		.turn = run->has_turn ? &host->turn.server : NULL,
		.has_upnp = run->options->upnp,
		.on_tell = on_tell,
		.on_finished = on_finished,
		.arg = run,
	};

	run->io = punch_io_new(&config);
	return run->io != NULL;
}

static void hear_early(struct pair_run *run)
{
	for (size_t i = 0; i < PAIR_RUN_EARLY_MAX; i++) {
		struct pair_run_early *e = &run->early[i];

		if (e->len > 0)
			punch_io_told(run->io, bytes_of(e->data, e->len));
		e->len = 0;
	}
}

/* Whom both sides' records belong to: a name that nobody else can make, and that tells nothing. */
void pair_run_name(struct pair_run *run)
{
	struct trial_run *t = &run->trials;
	uint8_t key[MEET_KEY_LEN];

	meet_key(meet_io_meet(run->meet), "record", key);
	for (size_t i = 0; i < RUN_ID_LEN; i++)
		snprintf(t->id + 2 * i, 3, "%02x", key[i]);
	t->is_a = meet_is_a(meet_io_meet(run->meet));
	t->only = run->agreed.only;
	trial_networks_make(&run->self.profile, &t->ours);
	trial_networks_make(&run->theirs, &t->theirs);
}

/* Who has our address may have to come through there before we could answer. */
void pair_run_keep_port(struct pair_run *run)
{
	run->is_keeping = true;
	pair_hand_expect_anybody(run);
	run->agreed.only = PUNCH_BY_HAND;
	if (!start_machine(run) || !start_io(run))
		pair_run_end(run, pair_run_fail(run, EXIT_FAILED, "port", "out of memory"));
}

void pair_run_leave_port(struct pair_run *run)
{
	if (!run->is_keeping)
		return;
	punch_io_free(run->io);
	punch_free(run->punch);
	run->io = NULL;
	run->punch = NULL;
	run->is_keeping = false;
}

void pair_run_begin(struct pair_run *run)
{
	run->is_trial_over = run->is_peer_done = false;
	if (run->trial == 0)
		run->began_us = clock_us();
	/* What the other side wants more than we do, it does not want for ever. */
	run->is_enough =
		run->trial + 1 >= run->wanted.trials && clock_us() >= run->began_us + WISH_US;
	if (meet_io_meet(run->meet) != NULL)
		pair_run_name(run);
	if (!start_machine(run) || !start_io(run)) {
		pair_run_end(run, pair_run_fail(run, EXIT_FAILED, "trial", "out of memory"));
		return;
	}
	tell_clock(run);
	if (run->answers != NULL)
		punch_io_told(run->io, bytes_of(run->answers->offer, run->answers->offer_len));
	hear_early(run);
	if (run->is_peer_gone)
		punch_io_peer_gone(run->io);
	pair_run_wake_at(run, clock_us());
}

static void keep_early(struct pair_run *run, struct bytes data)
{
	for (size_t i = 0; i < PAIR_RUN_EARLY_MAX; i++) {
		struct pair_run_early *e = &run->early[i];

		if (e->len > 0 || data.len == 0 || data.len > sizeof(e->data))
			continue;
		memcpy(e->data, data.data, data.len);
		e->len = (uint16_t)data.len;
		return;
	}
}

static void hear_tell(struct pair_run *run, const struct talk *t)
{
	uint32_t next = run->io == NULL ? run->trial : run->trial + 1;

	if (run->io != NULL && t->trial == run->trial)
		punch_io_told(run->io, t->data);
	else if (t->trial == next)
		keep_early(run, t->data);
}

/* It counts even where the run went on without their terms. */
static void hear_fingerprint(struct pair_run *run, const struct talk_terms *terms)
{
	if (!terms->has_fingerprint || run->has_their_fingerprint)
		return;
	memcpy(run->their_fingerprint, terms->fingerprint, sizeof(run->their_fingerprint));
	run->has_their_fingerprint = true;
}

static void hear_terms(struct pair_run *run, const struct talk *t)
{
	hear_fingerprint(run, &t->terms);
	if (run->has_terms)
		return;
	run->has_terms = true;
	run->their_terms = t->terms;
	run->theirs = t->profile;
	if (run->offers != NULL)
		pair_hand_meet(run);
	event_active(run->wake, EV_TIMEOUT, 0);
}

void pair_run_hear(struct pair_run *run, struct bytes message)
{
	struct talk t;

	talk_read(message, &t);
	tell_clock(run);
	if (t.kind == TALK_TERMS)
		hear_terms(run, &t);
	else if (t.kind == TALK_TELL)
		hear_tell(run, &t);
	else if (t.kind == TALK_DONE && t.trial == run->trial)
		run->is_peer_done = true;
	else if (t.kind == TALK_STARTED && t.trial == run->trial)
		run->is_peer_started = true;
	else if (t.kind == TALK_AGAIN)
		pair_again_heard(run, t.trial);
	if (t.kind == TALK_DONE)
		event_active(run->wake, EV_TIMEOUT, 0);
}

void pair_run_lose_peer(struct pair_run *run)
{
	run->is_peer_gone = true;
	if (run->io != NULL && !run->is_trial_over)
		punch_io_peer_gone(run->io);
	event_active(run->wake, EV_TIMEOUT, 0);
}

const struct trial_record *pair_run_last(const struct pair_run *run)
{
	return run->trials.count > 0 ? &run->trials.records[run->trials.count - 1] : NULL;
}

/* Of several trials one that a side stopped is none: it says nothing about networks. */
static bool is_cut_short(const struct pair_run *run)
{
	const struct punch_result *r = punch_result(run->punch);

	return r->is_cut && r->path.strategy == PUNCH_NONE && run->trials.count > 0;
}

static bool keep_result(struct pair_run *run)
{
	struct trial_record *record;
	bool ok = false;

	if (is_cut_short(run))
		return true;
	if (pair_again_is(run))
		run->trials.count = 0;       /* there is no end of them */
	record = calloc(1, sizeof(*record)); /* large */
	if (record != NULL) {
		trial_record_make(punch_result(run->punch), &run->self.profile, &run->theirs,
				  record);
		ok = trial_run_add(&run->trials, record);
	}
	free(record);
	if (ok && run->on_trial != NULL)
		run->on_trial(run, pair_run_last(run));
	return ok;
}

static void send_done(struct pair_run *run)
{
	uint8_t buf[TALK_HEAD_MAX];
	size_t len = talk_write_done(run->trial, buf, sizeof(buf));

	(void)meet_io_send(run->meet, bytes_of(buf, len));
}

void pair_run_say_started(struct pair_run *run)
{
	uint8_t buf[TALK_HEAD_MAX];
	size_t len = talk_write_started(run->trial, buf, sizeof(buf));

	if (meet_io_meet(run->meet) != NULL && !run->has_left)
		(void)meet_io_send(run->meet, bytes_of(buf, len));
}

static bool is_last(const struct pair_run *run)
{
	if (run->is_interrupted)
		return true;
	return !pair_again_is(run) && (run->trial + 1 >= run->agreed.trials || run->is_enough);
}

static void on_released(void *arg)
{
	struct pair_run *run = arg;

	run->is_released = true;
	event_active(run->wake, EV_TIMEOUT, 0);
}

/* A trial is over here: it is kept and told, and what was granted given back. */
static void close_trial(struct pair_run *run)
{
	run->is_closed = true;
	run->is_released = false;
	if (!keep_result(run)) {
		pair_run_end(run, pair_run_fail(run, EXIT_FAILED, "trial", "out of memory"));
		return;
	}
	/* Who is interrupted leaves: the other side begins no trial more. */
	if (!run->is_interrupted)
		send_done(run);
	if (pair_again_is(run) || (is_last(run) && run->keeps_path))
		run->is_released = true;
	else
		punch_io_release(run->io, on_released, run);
}

static void go_on(struct pair_run *run)
{
	if (is_last(run)) {
		pair_run_end(run, 0);
		return;
	}
	punch_io_free(run->io);
	punch_free(run->punch);
	run->io = NULL;
	run->punch = NULL;
	run->trial++;
	run->is_closed = false;
	run->peer_by_us = 0;
	if (run->is_peer_gone)
		pair_run_end(run, 0);
	else
		pair_run_begin(run);
}

/* Who was silent for as long as a trial waits at its end may only be slower in measuring the path. */
static uint64_t patience_us(const struct pair_run *run)
{
	if (is_last(run) || pair_again_is(run))
		return LAST_WORDS_US;
	return punch_result(run->punch)->has_theirs ? PEER_US : SILENT_US;
}

/* Not where nothing comes back: by hand, or in a meeting that we do not hear. */
static bool is_watched(const struct pair_run *run)
{
	return meet_io_meet(run->meet) != NULL && !run->is_blind && !pair_hand_is(run);
}

/* They have to say something before we can go on. */
static bool waits_for_word(const struct pair_run *run)
{
	if (run->io == NULL)
		return run->is_ready && !run->has_terms;
	return !run->is_trial_over && punch_is_waiting(run->punch);
}

uint64_t pair_run_watch(struct pair_run *run)
{
	const uint64_t now_us = clock_us();
	const bool waits = waits_for_word(run);
	uint64_t gone_us;

	if (!is_watched(run))
		return UINT64_MAX;
	if (waits && now_us >= run->ask_at_us) {
		run->ask_at_us = now_us + ASK_US;
		meet_io_ask(run->meet);
	}
	gone_us = meet_gone_at_us(meet_io_meet(run->meet));
	return waits && run->ask_at_us < gone_us ? run->ask_at_us : gone_us;
}

bool pair_run_is_lost(const struct pair_run *run)
{
	return is_watched(run) && clock_us() >= meet_gone_at_us(meet_io_meet(run->meet));
}

/* A run that goes on knows better: by its path. */
static void judge_silence(struct pair_run *run)
{
	uint64_t look_us;

	if (run->is_peer_gone || pair_again_is(run))
		return;
	look_us = pair_run_watch(run);
	if (pair_run_is_lost(run))
		pair_run_lose_peer(run);
	else if (look_us != UINT64_MAX)
		pair_run_wake_at(run, look_us);
}

/* Their end of the trial: a moment later, as a rule. */
static void wait_for_peer(struct pair_run *run)
{
	const uint64_t look_us = pair_again_is(run) ? UINT64_MAX : pair_run_watch(run);

	if (run->peer_by_us == 0)
		run->peer_by_us = clock_us() + patience_us(run);
	pair_run_wake_at(run, look_us < run->peer_by_us ? look_us : run->peer_by_us);
}

/* Datagrams of what comes next mean nothing to a trial that still runs; in a stream they break it. */
static bool is_heard_out(const struct pair_run *run)
{
	if (pair_again_is(run) && !punch_result(run->punch)->path.is_tcp)
		return true;
	return pair_hand_is(run) || run->is_peer_done || run->is_peer_gone || run->is_interrupted ||
	       (run->is_blind && is_last(run));
}

void pair_run_step(struct pair_run *run)
{
	if (!run->is_over && run->io != NULL && !run->is_keeping)
		judge_silence(run);
	if (run->is_over || run->io == NULL || !run->is_trial_over || run->again.is_resting)
		return;
	if (!run->is_closed)
		close_trial(run);
	if (run->is_over || !run->is_released)
		return;
	/* In that long it would have been heard, had it gone on. */
	if (run->peer_by_us != 0 && clock_us() >= run->peer_by_us)
		run->is_peer_gone = true;
	if (!is_heard_out(run))
		wait_for_peer(run);
	else if (pair_again_is(run) && !run->is_interrupted)
		pair_again_rest(run);
	else
		go_on(run);
}
