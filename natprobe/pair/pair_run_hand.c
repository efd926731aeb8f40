/*
 * A run without a rendezvous: an offer is printed on one side, and an answer to it on the other one,
 * and people carry them over. One trial: a token is good for its sockets.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natprobe/meet/hand_token.h"
#include "pair_run.h"
#include "natprobe/punch/punch_wire.h"

#define LOOK_US 100000 /* stdin may be a file, which events cannot wait for */

bool pair_hand_is(const struct pair_run *run)
{
	return run->answers != NULL || run->offers != NULL;
}

static void say(const struct pair_run *run, const char *text)
{
	if (!run->options->quiet)
		fprintf(stderr, "natprobe: %s: %s\n", run->command, text);
}

/*
 * In a line of its own, so that a script can take it; with --json standard output is JSON's, and
 * where a path is kept, the program's that gets it.
 */
static void print_token(struct pair_run *run, const char *token)
{
	FILE *out = run->options->json || run->keeps_path ? stderr : stdout;

	run->is_printed = true;
	if (fprintf(out, "%s\n", token) < 0 || fflush(out) != 0)
		pair_run_end(run, pair_run_fail(run, EXIT_FAILED, "standard output",
						"cannot write the token"));
}

static size_t offer_text(const struct pair_run *run, struct bytes told, char *text, size_t cap)
{
	struct address *a = calloc(1, sizeof(*a)); /* large */
	size_t len = 0;

	if (a != NULL && told.len <= sizeof(a->offer)) {
		memcpy(a->public_key, run->offers->public_key, sizeof(a->public_key));
		a->profile = run->self.profile;
		a->is_once = true;
		memcpy(a->offer, told.data, told.len);
		a->offer_len = (uint16_t)told.len;
		len = address_print(a, text, cap);
	}
	free(a);
	return len;
}

static void end_too_long(struct pair_run *run)
{
	pair_run_end(run, pair_run_fail(run, EXIT_FAILED, "interfaces",
					"there are too many for a token; name an --interface"));
}

static void print_offer(struct pair_run *run, struct bytes told)
{
	char text[ADDRESS_TEXT_MAX];

	if (offer_text(run, told, text, sizeof(text)) == 0) {
		end_too_long(run);
		return;
	}
	say(run, "on the other side: the same with --answer TOKEN, then type its answer here. "
		 "The token:");
	print_token(run, text);
}

static bool is_kind(struct bytes data, enum punch_told_kind kind)
{
	struct punch_told told;

	return punch_read_told(data, &told) && told.kind == kind;
}

bool pair_hand_tell(struct pair_run *run, struct bytes data)
{
	bool is_offer = is_kind(data, PUNCH_TOLD_OFFER);

	/* The start is what is told last of what they have to know. */
	run->is_told = run->is_told || is_kind(data, PUNCH_TOLD_START);
	if (run->offers == NULL)
		return false;
	if (is_offer && !run->is_printed)
		print_offer(run, data);
	else if (is_offer && !run->has_terms)
		say(run, "our NAT gave us another port meanwhile; if this fails, start again");
	return true;
}

void pair_hand_publish(void *arg, struct bytes data)
{
	struct pair_run *run = arg;
	char text[HAND_TOKEN_TEXT_MAX];

	if (run->answers == NULL || run->is_printed || !run->is_told || run->is_over)
		return;
	if (hand_token_print(data, text, sizeof(text)) == 0) {
		end_too_long(run);
		return;
	}
	say(run, "we try from now on. Type this answer on the other side:");
	print_token(run, text);
}

static void take_answer(struct pair_run *run, struct bytes envelope)
{
	event_del(run->reader);
	if (!meet_io_hear(run->meet, envelope))
		pair_run_end(run,
			     pair_run_fail(run, EXIT_FAILED, "answer",
					   "it answers another offer; start again on both sides"));
}

/* Is it whole? Lines are broken where it was pasted. */
static void look_at_typed(struct pair_run *run, bool is_end)
{
	uint8_t envelope[HAND_TOKEN_BYTES_MAX];
	size_t len;

	run->typed[run->typed_len] = '\0';
	len = hand_token_parse(run->typed, envelope, sizeof(envelope));
	if (len > 0)
		take_answer(run, bytes_of(envelope, len));
	else if (is_end || run->typed_len + 1 == HAND_TOKEN_TEXT_MAX)
		pair_run_end(run, pair_run_fail(run, EXIT_USAGE, "answer",
						"a part of it is missing or mistyped; it begins "
						"with \"" HAND_TOKEN_SCHEME "\""));
}

static void on_read(evutil_socket_t fd, short events, void *arg)
{
	const struct timeval again = { .tv_usec = LOOK_US };
	struct pair_run *run = arg;
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n;

	event_add(run->reader, &again);
	if (!run->is_printed || poll(&p, 1, 0) != 1)
		return;
	n = read(STDIN_FILENO, run->typed + run->typed_len,
		 HAND_TOKEN_TEXT_MAX - 1 - run->typed_len);
	run->typed_len += n > 0 ? (size_t)n : 0;
	look_at_typed(run, n <= 0);
	if (!run->is_over && memchr(run->typed, '\n', run->typed_len) != NULL &&
	    !hand_token_begins(run->typed)) {
		say(run, "this is no answer, which begins with \"" HAND_TOKEN_SCHEME "\"");
		run->typed_len = 0;
	}
}

/* Whoever it may be: in our own network, or easy to reach. */
void pair_hand_expect_anybody(struct pair_run *run)
{
	run->theirs = run->self.profile;
	for (uint8_t i = 0; i < run->theirs.path_count; i++) {
		struct peer_path *p = &run->theirs.paths[i];

		p->mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT;
		p->filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT;
		p->udp_blocked = p->tcp_blocked = VERDICT_NO;
	}
}

static bool begin_offer(struct pair_run *run)
{
	const struct timeval soon = { .tv_usec = LOOK_US };

	run->typed = calloc(1, HAND_TOKEN_TEXT_MAX);
	run->reader = evtimer_new(run->base, on_read, run);
	if (run->typed == NULL || run->reader == NULL || event_add(run->reader, &soon) != 0) {
		pair_run_end(run, pair_run_fail(run, EXIT_FAILED, "offer", "out of memory"));
		return false;
	}
	pair_hand_expect_anybody(run);
	run->agreed = run->wanted;
	pair_run_begin(run);
	return !run->is_over;
}

bool pair_hand_begin(struct pair_run *run)
{
	if (run->wanted.only == 0)
		run->wanted.only = PUNCH_BY_HAND;
	run->wanted.only &= PUNCH_BY_HAND;
	if (run->offers != NULL)
		return begin_offer(run);
	run->theirs = run->answers->profile;
	run->their_terms = run->wanted;
	run->has_terms = true;
	return true;
}

void pair_hand_meet(struct pair_run *run)
{
	uint8_t key[MEET_KEY_LEN];

	if (run->punch == NULL || run->is_trial_over)
		return;
	run->agreed = run->wanted;
	(void)talk_agree(&run->wanted, &run->their_terms, &run->agreed);
	meet_key(meet_io_meet(run->meet), "punch 0", key);
	punch_set_peer(run->punch, &run->theirs, key);
	pair_run_name(run);
}

void pair_hand_clear(struct pair_run *run)
{
	if (run->reader != NULL)
		event_free(run->reader);
	free(run->typed);
}
