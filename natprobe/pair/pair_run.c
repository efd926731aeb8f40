#include "pair_run.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/meet/rendezvous_list.h"
#include "natprobe/meet/sntp_io.h"
#include "natprobe/pair/no_core.h"

#define NTP_GAP_MS 150 /* the diagnosis beside it takes a second or two */
#define WAIT_US    20000
#define LEAVE_US   150000   /* for what was said last to leave */
#define BLIND_US   5000000  /* for the owner of an address to answer, where a port waits */
#define TERMS_US   90000000 /* for theirs: they diagnose their networks first */
#define HAND_US    (UINT64_C(30) * 86400 * 1000000)

int pair_run_fail(const struct pair_run *run, int rc, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s: %s\n", run->command, what, why);
	return rc;
}

void pair_run_end(struct pair_run *run, int rc)
{
	if (run->is_over)
		return;
	run->is_over = true;
	run->rc = rc;
	if (run->is_self_made ||
	    run->again.has_failed) /* else the diagnosis runs: it ends by itself, and soon */
		event_base_loopbreak(run->base);
}

/* As the address has it: its port on each path, where NATs leave ports alone. */
static void make_stand_in(struct pair_run *run)
{
	const struct address *a = run->invites;
	struct peer_offer *o = &run->stand_in;

	for (uint8_t i = 0; i < a->profile.path_count; i++) {
		const struct peer_path *p = &a->profile.paths[i];
		struct peer_endpoint e = { .kind = PEER_HOST, .path = i, .local_port = a->port };

		e.addr = addr_with_port(&p->local, a->port);
		o->endpoints[o->endpoint_count++] = e;
		e.kind = PEER_MAPPED;
		if (p->external_count > 0)
			e.addr = addr_with_port(&p->externals[0], a->port);
		o->endpoints[o->endpoint_count++] = e;
	}
}

/* The owner of the address may hear us and not be heard: what it told there has to do. */
static void go_blind(struct pair_run *run)
{
	run->is_blind = run->has_terms = true;
	run->their_terms = run->wanted;
	run->theirs = run->invites->profile;
	make_stand_in(run);
}

void pair_run_wake_at(struct pair_run *run, uint64_t at_us)
{
	const uint64_t now_us = clock_us();
	const uint64_t left_us = at_us > now_us ? at_us - now_us : 0;

	event_add(run->wake, &(struct timeval){ .tv_sec = (time_t)(left_us / 1000000),
						.tv_usec = (suseconds_t)(left_us % 1000000) });
}

static void wait_for_terms(struct pair_run *run)
{
	const bool may_go_blind = run->invites != NULL && run->invites->port != 0;

	run->terms_by_us = clock_us() + (may_go_blind ? BLIND_US : TERMS_US);
	run->may_go_blind = may_go_blind;
	pair_run_wake_at(run, clock_us());
}

static void send_terms(struct pair_run *run)
{
	struct talk_terms terms = run->wanted;
	uint8_t buf[TALK_BYTES_MAX];
	size_t len;

	if (!run->is_ready || !run->is_self_made || run->has_sent_terms)
		return;
	run->has_sent_terms = true;
	if (run->fingerprint != NULL) {
		terms.has_fingerprint = true;
		memcpy(terms.fingerprint, run->fingerprint, sizeof(terms.fingerprint));
	}
	len = talk_write_terms(&terms, &run->self.profile, buf, sizeof(buf));
	if (len > 0)
		(void)meet_io_send(run->meet, bytes_of(buf, len));
	wait_for_terms(run);
}

static void make_mark(const struct pair_run *run, bool of_a, uint8_t out[static PUNCH_MARK_LEN])
{
	uint8_t key[MEET_KEY_LEN];

	meet_key(meet_io_meet(run->meet), of_a ? "host a" : "host b", key);
	punch_self_mark(key, sizeof(key), out);
	OPENSSL_cleanse(key, sizeof(key));
}

/* The profile says which machine we are only to who knows the key, and is there as well. */
static void mark_self(struct pair_run *run)
{
	if (run->is_ready && run->is_self_made)
		make_mark(run, meet_is_a(meet_io_meet(run->meet)), run->self.profile.host);
}

/*
 * Each side has a mark of its own, or one would only have to repeat ours to have us send to this
 * host's own ports. From here on both are the same, or theirs is none.
 */
static void judge_mark(struct pair_run *run)
{
	uint8_t expected[PUNCH_MARK_LEN];

	make_mark(run, !meet_is_a(meet_io_meet(run->meet)), expected);
	if (CRYPTO_memcmp(run->theirs.host, expected, sizeof(expected)) == 0)
		memcpy(run->theirs.host, run->self.profile.host, sizeof(run->theirs.host));
	else
		memset(run->theirs.host, 0, sizeof(run->theirs.host));
}

static void on_ready(void *arg)
{
	struct pair_run *run = arg;

	pair_run_leave_port(run);
	run->is_ready = run->has_key = true;
	if (run->host != NULL) /* whoever runs the base may wait for the next one */
		event_base_loopbreak(run->base);
	meet_key(meet_io_meet(run->meet), "application", run->application_key);
	mark_self(run);
	send_terms(run);
}

static void on_message(void *arg, struct bytes data)
{
	pair_run_hear(arg, data);
}

/* Exit codes of a meeting that failed: a wrong code is a failure, nobody there tells nothing. */
static int exit_of(enum meet_failure failure)
{
	switch (failure) {
	case MEET_FINE:
		return EXIT_NO_SERVER;
	case MEET_NOBODY:
		return EXIT_INCONCLUSIVE;
	default:
		return EXIT_FAILED;
	}
}

static void on_failed(void *arg, enum meet_failure failure, const char *why)
{
	struct pair_run *run = arg;

	if (pair_again_is(run) && pair_again_lost(run, failure))
		return;
	if (run->is_ready && run->io != NULL) {
		pair_run_lose_peer(run);
		return;
	}
	run->is_alone = failure == MEET_NOBODY;
	pair_run_end(run, pair_run_fail(run, exit_of(failure),
					failure == MEET_FINE ? "no rendezvous" : "meeting", why));
}

static void on_knock(void *arg)
{
	pair_again_knock(arg);
}

static void on_slow(void *arg, const char *why)
{
	const struct pair_run *run = arg;

	if (!run->options->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "No rendezvous yet: %s\n", why);
}

static bool is_same_host(const struct pair_run *run)
{
	static const uint8_t unknown[sizeof(run->theirs.host)];

	return memcmp(run->theirs.host, unknown, sizeof(unknown)) != 0 &&
	       memcmp(run->self.profile.host, run->theirs.host, sizeof(unknown)) == 0;
}

static void begin(struct pair_run *run)
{
	if (run->is_over || run->io != NULL || run->trials.count > 0 || !run->is_self_made ||
	    !run->is_ready || !run->has_terms)
		return;
	if (!talk_agree(&run->wanted, &run->their_terms, &run->agreed)) {
		/* With --accept that is a guest's mistake, and others may come. */
		pair_run_end(run,
			     pair_run_fail(run, run->accepts != NULL ? EXIT_FAILED : EXIT_USAGE,
					   "--strategy",
					   "the two sides allow no strategy in common"));
		return;
	}
	judge_mark(run);
	if (is_same_host(run))
		punch_self_be_local(&run->self);
	pair_run_begin(run);
}

static void lose_terms(struct pair_run *run, const char *why)
{
	if (!pair_again_is(run) || !pair_again_lost(run, MEET_GONE))
		pair_run_end(run, pair_run_fail(run, EXIT_FAILED, "meeting", why));
}

/* Nothing came of what the other side wants. An event may come a tick of its clock too early. */
static void judge_terms(struct pair_run *run)
{
	uint64_t look_us;

	if (run->has_terms || run->terms_by_us == 0 || run->is_over)
		return;
	look_us = pair_run_watch(run);
	if (run->is_over)
		return;
	/* Whom we invite may not be there yet: --wait says for how long. */
	if (!run->may_go_blind && !pair_hand_is(run) && !meet_has_come(meet_io_meet(run->meet)))
		run->terms_by_us = clock_us() + TERMS_US;
	if (pair_run_is_lost(run))
		lose_terms(run, meet_failure_text(MEET_GONE));
	else if (clock_us() < run->terms_by_us)
		pair_run_wake_at(run, look_us < run->terms_by_us ? look_us : run->terms_by_us);
	else if (run->may_go_blind)
		go_blind(run);
	else
		lose_terms(run, "the other side came, and tells nothing of itself; start again on "
				"both sides");
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
	struct pair_run *run = arg;

	judge_terms(run);
	begin(run);
	pair_run_step(run);
}

/* Who started us may have said that a terminal which goes away is no reason to end. */
static bool is_ignored(int number)
{
	struct sigaction was;

	return sigaction(number, NULL, &was) == 0 && was.sa_handler == SIG_IGN;
}

/* The first one ends the trial with what is known, another one all of it. */
static void on_signal(evutil_socket_t number, short events, void *arg)
{
	struct pair_run *run = arg;

	if (!run->is_self_made)
		self_diagnosis_stop(&run->diagnosis);
	if (pair_again_is(run) && run->again.has_rested) {
		run->again_hooks.on_signal(run->again_hooks.arg, (int)number);
		return;
	}
	if (run->is_interrupted || run->io == NULL || !run->is_ready) {
		run->is_interrupted = true;
		pair_run_end(run, EXIT_INCONCLUSIVE);
		return;
	}
	run->is_interrupted = true;
	punch_io_stop(run->io);
	event_active(run->wake, EV_TIMEOUT, 0);
}

static bool catch_signals(struct pair_run *run)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < ARRAY_LEN(run->signals); i++) {
		if (numbers[i] == SIGHUP && (run->keeps_path || is_ignored(SIGHUP)))
			continue;
		run->signals[i] = evsignal_new(run->base, numbers[i], on_signal, run);
		if (run->signals[i] == NULL || event_add(run->signals[i], NULL) != 0)
			return false;
	}
	return true;
}

static void on_time(void *arg, const struct sntp_sample *best, const char *why)
{
	struct pair_run *run = arg;

	if (best != NULL)
		meet_io_set_server_clock(run->meet, "utc", best->offset_us, best->error_us);
	else if (!run->options->quiet)
		fprintf(stderr, "natprobe: %s: --ntp %s: %s\n", run->command, run->options->ntp,
			why);
}

static int open_ntp(struct pair_run *run)
{
	const struct sntp_io_config config = {
		.base = run->base,
		.server = run->options->ntp,
		.interval_ms = NTP_GAP_MS,
		.on_done = on_time,
		.arg = run,
	};
	const char *why;

	if (run->options->ntp == NULL)
		return 0;
	run->ntp = sntp_io_new(&config, &why);
	return run->ntp != NULL ? 0 : pair_run_fail(run, EXIT_USAGE, "--ntp", why);
}

static int open_self(struct pair_run *run)
{
	const struct punch_options *o = run->options;
	int rc;

	no_core_begin();
	(void)signal(SIGPIPE, SIG_IGN);
	punch_io_allow_descriptors();
	punch_options_check(o, true, &run->turn_options);
	rc = check_turn_read(&run->turn, &run->turn_options);
	run->diagnosis.lent = run->lent_base;
	if (rc == 0)
		rc = self_diagnosis_open(&run->diagnosis, run->command, o);
	if (rc == 0)
		run->base = self_diagnosis_base(&run->diagnosis);
	return rc;
}

int pair_run_open(struct pair_run *run)
{
	int rc = 0;

	if (run->base != NULL)
		return 0;
	if (run->host != NULL)
		run->base = run->host->base;
	else
		rc = open_self(run);
	if (rc != 0)
		return rc;
	run->batch = udp_batch_new();
	run->wake = evtimer_new(run->base, on_wake, run);
	if (run->batch == NULL || run->wake == NULL)
		return pair_run_fail(run, EXIT_FAILED, "start", "out of memory");
	return open_ntp(run);
}

static struct meet_config meeting_of(const struct pair_run *run)
{
	struct meet_config m = { .mode = MEET_CODE, .patience_us = run->options->wait_ms * 1000 };
	const struct address *to = run->answers != NULL ? run->answers : run->invites;

	if (run->again.has_rested && run->again_hooks.is_patient && m.patience_us == 0)
		m.patience_us = HAND_US;
	if (run->answers != NULL)
		m.patience_us = HAND_US; /* nothing comes back, ever */
	if (to != NULL) {
		m.mode = MEET_INVITE;
		memcpy(m.public_key, to->public_key, sizeof(m.public_key));
	} else if (run->accepts == NULL) {
		m.code = bytes_of_str(run->code);
	}
	return m;
}

/* An address names its own rendezvous; the user's word counts more. */
static char *find_rendezvous(const struct pair_run *run)
{
	const char *named = run->invites != NULL ? run->invites->rendezvous : "";

	if (named[0] != '\0' && run->options->rendezvous.count == 0)
		return strdup(named);
	return rendezvous_list(&run->options->rendezvous);
}

static int open_meeting(struct pair_run *run)
{
	char *uris = pair_hand_is(run) ? NULL : find_rendezvous(run);
	struct meet_io_config config = {
		.base = run->base,
		.uris = uris,
		.meet = meeting_of(run),
		.door = run->accepts,
		.keeps_trying = run->again.has_rested,
		.hooks = { .on_ready = on_ready,
			   .on_message = on_message,
			   .on_failed = on_failed,
			   .on_publish = pair_hand_publish,
			   .on_slow = on_slow,
			   .on_knock = on_knock,
			   .arg = run },
	};
	const char *why;

	if (uris == NULL && !pair_hand_is(run))
		return pair_run_fail(run, EXIT_FAILED, "rendezvous", "out of memory");
	(void)snprintf(run->trials.carrier, sizeof(run->trials.carrier), "%.*s",
		       uris != NULL ? (int)strcspn(uris, ":") : 4, uris != NULL ? uris : "hand");
	run->meet = meet_io_new(&config, &why);
	free(uris);
	OPENSSL_cleanse(&config, sizeof(config));
	return run->meet != NULL ? 0 : pair_run_fail(run, EXIT_USAGE, "rendezvous", why);
}

/* What the user allows, of what the command can do with. */
static uint32_t only_of(const struct pair_run *run)
{
	uint32_t named = punch_options_only(run->options);

	if (named == 0 || run->only == 0)
		return named | run->only;
	return named & run->only;
}

static void use_host(struct pair_run *run)
{
	punch_self_copy(&run->host->self, &run->self);
	run->has_turn = run->host->has_turn;
	run->wanted = run->host->wanted;
	run->is_self_made = true;
}

static int make_self(struct pair_run *run)
{
	const struct punch_options *o = run->options;
	int rc;

	if (run->host != NULL) {
		use_host(run);
		return 0;
	}
	rc = self_diagnosis_run(&run->diagnosis, &run->self);
	if (run->is_over)
		return run->rc;
	if (rc != 0)
		return rc;
	rc = check_turn_resolve(&run->turn, &run->turn_options, run->base);
	if (run->is_over)
		return run->rc;
	if (rc != 0)
		return rc;
	run->has_turn = run->turn.server.target_counts[SERVER_IPV4] +
				run->turn.server.target_counts[SERVER_IPV6] >
			0;
	run->self.profile.has_relay = run->has_turn;
	run->wanted = (struct talk_terms){ .only = only_of(run),
					   .trials = o->trials > 0 ? (uint32_t)o->trials : 1,
					   .hold_s = (uint32_t)((o->hold_ms + 999) / 1000),
					   .sockets_max = (uint16_t)o->mappings,
					   .has_relay = run->has_turn };
	run->is_self_made = true;
	return 0;
}

static void on_waited(evutil_socket_t fd, short events, void *arg)
{
}

/* event_base_loopexit would end a loop that comes later, where something else happens first. */
bool pair_run_wait(struct pair_run *run)
{
	const struct timeval limit = { .tv_usec = WAIT_US };
	struct event *timer = evtimer_new(run->base, on_waited, NULL);
	bool ok = timer != NULL && event_add(timer, &limit) == 0 &&
		  event_base_loop(run->base, EVLOOP_ONCE) == 0;

	if (timer != NULL)
		event_free(timer);
	return ok;
}

/* What was said last leaves, or is lost: nobody answers any more. */
void pair_run_leave(struct pair_run *run)
{
	const uint64_t until_us = clock_us() + LEAVE_US;

	if (run->meet == NULL || run->has_left)
		return;
	run->has_left = true;
	meet_io_leave(run->meet);
	while (clock_us() < until_us && pair_run_wait(run))
		;
}

/* From the begin, with all that counts for good: the code, and how long the path was there. */
static void meet_again(struct pair_run *run)
{
	pair_run_leave(run);
	pair_again_forget(run);
	if (run->is_over)
		return;
	if (open_meeting(run) != 0 || make_self(run) != 0) {
		if (!run->is_over)
			pair_again_postpone(run); /* the network may be away for a while */
		return;
	}
	mark_self(run);
	send_terms(run);
	begin(run);
}

int pair_run_prepare(struct pair_run *run)
{
	int rc = open_self(run);

	return rc == 0 ? make_self(run) : rc;
}

int pair_run_start(struct pair_run *run)
{
	const struct punch_options *o = run->options;
	int rc = pair_run_open(run);

	if (rc == 0 && pair_again_is(run) && !pair_again_open(run))
		rc = pair_run_fail(run, EXIT_FAILED, "start", "out of memory");
	if (rc == 0 && !catch_signals(run))
		rc = pair_run_fail(run, EXIT_FAILED, "start", "out of memory");
	if (rc == 0)
		rc = open_meeting(run);
	if (rc == 0)
		rc = make_self(run);
	if (rc != 0)
		return rc;
	mark_self(run);
	send_terms(run);
	run->is_started = true;
	if (pair_hand_is(run) && !pair_hand_begin(run))
		return 0;
	if (run->accepts != NULL && run->offers == NULL && !run->is_ready && o->local_port != 0)
		pair_run_keep_port(run);
	begin(run);
	if (!pair_hand_is(run) && !run->is_ready && !run->is_over && !o->quiet &&
	    isatty(STDERR_FILENO))
		fprintf(stderr, "Waiting for the other side; ^C ends it.\n");
	return 0;
}

int pair_run_all(struct pair_run *run)
{
	int rc = run->is_started ? 0 : pair_run_start(run);

	if (rc != 0)
		return rc;
	while (!run->is_over) {
		/* It may be wanted before the one before has begun: then no loop ran to be left. */
		if (run->again.wants_meeting)
			meet_again(run);
		else
			event_base_dispatch(run->base);
	}
	if (pair_again_is(run))
		pair_again_release(run);
	if (!run->stays)
		pair_run_leave(run);
	return run->rc;
}

void pair_run_clear(struct pair_run *run)
{
	OPENSSL_cleanse(run->application_key, sizeof(run->application_key));
	pair_hand_clear(run);
	pair_again_clear(run);
	sntp_io_free(run->ntp);
	punch_io_free(run->io);
	punch_free(run->punch);
	meet_io_free(run->meet);
	for (size_t i = 0; i < ARRAY_LEN(run->signals); i++) {
		if (run->signals[i] != NULL)
			event_free(run->signals[i]);
	}
	if (run->wake != NULL)
		event_free(run->wake);
	udp_batch_free(run->batch);
	check_turn_clear(&run->turn);
	self_diagnosis_clear(&run->diagnosis);
	trial_run_clear(&run->trials);
}
