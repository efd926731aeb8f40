/*
 * pair_run - a run of trials from options to results: who we are (a diagnosis, or a saved report),
 * the meeting beside it, the exchange of profiles, and then trial after trial.
 *
 * What is wrong is printed at once; functions return 0 or the exit code that natprobe ends with.
 */
#ifndef NATPROBE_PAIR_RUN_H
#define NATPROBE_PAIR_RUN_H

#include "natprobe/meet/address.h"
#include "natprobe/meet/meet_io.h"
#include "natprobe/meet/own_key.h"
#include "natprobe/trial/trial_record.h"
#include "natprobe/vantage/check_turn.h"
#include "self_diagnosis.h"
#include "natprobe/punch/check.h"
#include "talk.h"

#define PAIR_RUN_EARLY_MAX 8 /* messages of the next trial that wait until it begins */

struct pair_run_early {
	uint16_t len; /* 0: none */
	uint8_t data[TALK_BYTES_MAX];
};

/*
 * A run goes on where on_rest is set: when a trial is over it keeps its path, and rests until one of
 * the sides wants another trial. It ends by pair_run_end alone, or where nobody comes to it.
 */
struct pair_again_hooks {
	/* A trial is over: pair_run_last tells what came of it, and run->io has the path. */
	void (*on_rest)(void *arg);
	/* What on_rest told of is given up. */
	void (*on_leave)(void *arg);
	void (*on_signal)(void *arg, int number);
	/* The other side may have been started again: does the path still live? */
	void (*on_knock)(void *arg);
	void *arg;
	bool is_patient; /* waits for good for a side that was there, unless --wait was given */
};

/* The inside of a run that goes on. */
struct pair_again {
	struct event *timer;
	struct punch *old_punch; /* gives back what it was granted */
	struct punch_io *old_io;
	uint64_t pause_until_us;
	uint32_t failures; /* trials without a path, one after the other */
	bool is_resting, has_rested;
	bool is_wanted;     /* the next trial is */
	bool needs_meeting; /* the other side is not heard in this one */
	bool is_stale;      /* our addresses are others than those that we told */
	bool wants_meeting, is_old_over;
	bool has_failed; /* to diagnose: that comes again later */
};

/* Zero, but for what stands first. */
struct pair_run {
	const char *command; /* "punch", for messages */
	const struct punch_options *options;
	/* One of these says how the two meet. */
	const char *code; /* as it counts */
	const struct address *invites;
	struct meet_door *accepts;
	const struct pair_run *host;   /* NULL, or one that is prepared and lives longer: its
					diagnosis, relay and event base are used */
	const struct address *answers; /* by hand: the offer that we answer */
	const struct own_key *offers;  /* by hand: ours is printed, and an answer read from stdin;
					  accepts is its door */
	bool keeps_path;               /* the last trial's path stays open until pair_run_clear */
	struct event_base *lent_base;  /* NULL: it makes one of its own */
	struct pair_again_hooks again_hooks; /* of a run that goes on, trial after trial */
	bool stays;    /* in the meeting after the last trial, until pair_run_leave */
	uint32_t only; /* strategies that the command can do with, as PUNCH_BIT; 0: all */
	const uint8_t *fingerprint; /* TALK_FINGERPRINT_LEN bytes, told to the other side; NULL */
	/* NULL: not told. */
	void (*on_trial)(const struct pair_run *run, const struct trial_record *r);
	void *arg;

	struct check_options turn_options;
	struct self_diagnosis diagnosis;
	struct event_base *base;
	struct event *signals[3], *wake;
	struct check_turn turn;
	bool has_turn;
	struct udp_batch *batch;
	struct meet_io *meet;
	struct sntp_io *ntp;
	struct punch_self self;
	struct peer_profile theirs;
	uint8_t application_key[MEET_KEY_LEN]; /* both sides have the same; once has_key */
	bool has_key;
	uint8_t their_fingerprint
		[TALK_FINGERPRINT_LEN]; /* as the meeting has it; once there is one */
	bool has_their_fingerprint;
	struct talk_terms wanted, their_terms, agreed;
	struct peer_offer stand_in;  /* for that of an address whose owner cannot answer */
	uint64_t terms_by_us;        /* until when theirs are waited for; 0: not yet */
	uint64_t ask_at_us;          /* when the other side is asked next whether it is there */
	bool may_go_blind, is_blind; /* on without an answer */
	bool is_self_made, is_ready, has_terms, has_sent_terms, is_interrupted, is_peer_gone;
	bool is_alone; /* nobody came */
	bool has_left, is_peer_started;
	bool is_started, is_over;
	int rc;
	/* The trial that runs. */
	struct punch *punch;
	struct punch_io *io;
	uint32_t trial;
	uint64_t began_us; /* the first one */
	bool is_enough;    /* it is the last one, whatever the other side wants */
	bool is_trial_over, is_closed, is_released, is_peer_done;
	uint64_t peer_by_us; /* until when the other side's end is waited for; 0: not yet */
	struct pair_run_early early[PAIR_RUN_EARLY_MAX];
	struct trial_run trials; /* those that are over */
	/* By hand. */
	struct event *reader; /* of stdin */
	char *typed;
	size_t typed_len;
	bool is_printed, is_told;
	struct pair_again again;
	bool is_keeping; /* punch and io are no trial: they keep the port of our address mapped */
};

/*
 * Judges the options, and opens what they name, so that no code is made for nothing. May be left
 * out; pair_run_clear has to follow in any case.
 */
int pair_run_open(struct pair_run *run);

/* Who we are, and the relay, for runs of which this is the host; it is no run itself then. */
int pair_run_prepare(struct pair_run *run);

/* Begins, and leaves the rest to whoever runs the base, until run->is_over. May be left out. */
int pair_run_start(struct pair_run *run);

/* From start to end. Trials that were made, if any, are in run->trials, whatever it returns. */
int pair_run_all(struct pair_run *run);

/* The last one; NULL: there is none. */
const struct trial_record *pair_run_last(const struct pair_run *run);
/* With `stays`: says that our program is there (is_peer_started, on the other side), and leaves. */
void pair_run_say_started(struct pair_run *run);
void pair_run_leave(struct pair_run *run);
void pair_run_clear(struct pair_run *run);

/*
 * Of a run that goes on: a new trial is wanted, on both sides. It begins soon, at a bounded pace, and
 * in a new meeting where the other side is not heard in this one.
 */
void pair_run_again(struct pair_run *run);
/* The same, and the two meet anew: who was there has left, or there is another in its place. */
void pair_run_meet_again(struct pair_run *run);
/* Our addresses have changed: they are found out, and told, before the next trial. */
void pair_run_is_stale(struct pair_run *run);

/* What checks of the last trial are signed with; of a run that rests. */
void pair_run_check_keys(const struct pair_run *run, struct check_keys *out);

/* For its own files: lets the loop go on for a moment, or until something happens. */
bool pair_run_wait(struct pair_run *run);

/* For its own files; pair_hand_x: by hand; pair_again_x: of a run that goes on. */
bool pair_again_is(const struct pair_run *run);
bool pair_again_open(struct pair_run *run);
void pair_again_clear(struct pair_run *run);
void pair_again_rest(struct pair_run *run);
void pair_again_heard(struct pair_run *run, uint32_t trial);
/* True: the run goes on without. */
bool pair_again_lost(struct pair_run *run, enum meet_failure failure);
void pair_again_knock(struct pair_run *run);
/* Makes the run as it was before its meeting. */
void pair_again_forget(struct pair_run *run);
/* What is wanted comes later now. */
void pair_again_postpone(struct pair_run *run);
/* At the end: what gateways and relays granted is given back. */
void pair_again_release(struct pair_run *run);

void pair_run_hear(struct pair_run *run, struct bytes message);
void pair_run_keep_port(struct pair_run *run);
void pair_run_leave_port(struct pair_run *run);
void pair_run_begin(struct pair_run *run);
void pair_run_step(struct pair_run *run);
void pair_run_lose_peer(struct pair_run *run);
/* Asks who has to say something next whether it is there; when to look again. */
uint64_t pair_run_watch(struct pair_run *run);
/* It did not answer for so long that it is gone. */
bool pair_run_is_lost(const struct pair_run *run);
void pair_run_wake_at(struct pair_run *run, uint64_t at_us);
void pair_run_end(struct pair_run *run, int rc);
void pair_run_name(struct pair_run *run);
bool pair_hand_is(const struct pair_run *run);
/* Once we know who we are. False: it ended. */
bool pair_hand_begin(struct pair_run *run);
/* Their profile, until it is known: whoever it may be. */
void pair_hand_expect_anybody(struct pair_run *run);
/* What the trial tells. True: people have to carry it, and no meeting does. */
bool pair_hand_tell(struct pair_run *run, struct bytes data);
void pair_hand_publish(void *arg, struct bytes data);
/* Terms came. */
void pair_hand_meet(struct pair_run *run);
void pair_hand_clear(struct pair_run *run);
int pair_run_fail(const struct pair_run *run, int rc, const char *what, const char *why);

#endif
