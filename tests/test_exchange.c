/* exchange, junction, attach: programs at two ends of a link that is memory alone. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "fake_channels.h"
#include "natprobe/link/attach.h"
#include "natprobe/link/exchange.h"

#define BIG 1000000

struct side {
	struct exchange *exchange;
	struct attach *attach;
	int status_asked;
};

struct world {
	struct event_base *base;
	struct transport *transports[2];
	struct side sides[2];
};

static void on_line(void *arg, const struct attach_line *line, struct bufferevent *bev)
{
	struct side *s = arg;

	if (line->verb == ATTACH_STATUS) {
		s->status_asked++;
		bufferevent_free(bev);
		return;
	}
	exchange_add(s->exchange, line, bev);
}

static bool on_channel(void *arg, struct channel *c)
{
	struct side *s = arg;

	return exchange_on_channel(s->exchange, c);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	void *args[2] = { &w->sides[0], &w->sides[1] };

	(void)signal(SIGPIPE, SIG_IGN);
	w->base = event_base_new();
	fake_transports(w->transports, on_channel, args);
	for (int i = 0; i < 2; i++) {
		const struct attach_hooks hooks = { .on_line = on_line, .arg = &w->sides[i] };

		w->sides[i].exchange = exchange_new(w->base);
		w->sides[i].attach = attach_new(w->base, &hooks);
	}
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 2; i++) {
		exchange_free(w->sides[i].exchange);
		attach_free(w->sides[i].attach);
	}
	fake_free(w->transports[0]);
	event_base_free(w->base);
	free(w);
	return 0;
}

static void meet(struct world *w)
{
	for (int i = 0; i < 2; i++)
		exchange_use(w->sides[i].exchange, w->transports[i], i == 0);
}

/* Until nothing moves any more. */
static void run(struct world *w)
{
	for (int idle = 0; idle < 3; idle++) {
		(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
		if (fake_run(w->transports[0]))
			idle = 0;
	}
}

/* A program that has said its line. */
static int program(struct world *w, int side, const char *text)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(evutil_make_socket_nonblocking(pair[0]), 0);
	assert_true(attach_adopt(w->sides[side].attach, pair[1]));
	assert_int_equal(write(pair[0], text, strlen(text)), (ssize_t)strlen(text));
	run(w);
	return pair[0];
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* All that can be read now is this. */
static void hear(int fd, const char *expected)
{
	char got[512] = "";
	ssize_t n = read(fd, got, sizeof(got) - 1);

	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, expected);
}

static void hear_nothing(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static void hear_end(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 0);
}

static void whoever_comes_first_waits(void **state)
{
	static const char *const lines[][2] = {
		{ "connect echo\n", "accept echo\n" },
		{ "join echo\n", "join echo\n" },
		{ "join echo\n", "accept echo\n" },
		{ "connect echo\n", "join echo\n" },
	};
	struct world *w = *state;

	meet(w);
	for (size_t i = 0; i < 2 * sizeof(lines) / sizeof(lines[0]); i++) {
		const int first = (int)(i % 2);
		int fds[2];

		fds[first] = program(w, first, lines[i / 2][first]);
		fds[1 - first] = program(w, 1 - first, lines[i / 2][1 - first]);
		hear(fds[0], "ok\n");
		hear(fds[1], "ok\n");
		say(fds[0], "ping");
		run(w);
		hear(fds[1], "ping");
		say(fds[1], "pong");
		run(w);
		hear(fds[0], "pong");
		close(fds[0]);
		close(fds[1]);
		run(w);
	}
}

static void programs_may_come_before_the_other_side_does(void **state)
{
	struct world *w = *state;
	int a = program(w, 0, "join x\nearly"), b = program(w, 1, "join x\n");

	hear_nothing(a);
	meet(w);
	run(w);
	hear(a, "ok\n");
	hear(b, "ok\nearly");
	close(a);
	close(b);
}

static void each_direction_ends_on_its_own(void **state)
{
	struct world *w = *state;
	struct exchange_counts counts;
	int a, b;

	meet(w);
	a = program(w, 0, "connect x\n");
	b = program(w, 1, "accept x\n");
	hear(a, "ok\n");
	hear(b, "ok\n");
	say(a, "question");
	assert_int_equal(shutdown(a, SHUT_WR), 0);
	run(w);
	hear(b, "question");
	hear_end(b);
	say(b, "answer");
	run(w);
	hear(a, "answer");
	hear_nothing(a);
	close(b);
	run(w);
	hear_end(a);
	exchange_count(w->sides[0].exchange, &counts);
	assert_int_equal(counts.streams, 0);
	assert_int_equal(counts.streams_all, 1);
	close(a);
}

static void a_program_may_be_gone_before_its_bytes_arrive(void **state)
{
	struct world *w = *state;
	int a, b;

	meet(w);
	a = program(w, 0, "connect x\nall of it");
	close(a);
	run(w);
	b = program(w, 1, "accept x\n");
	run(w);
	hear(b, "ok\nall of it");
	close(b);
}

static void who_does_not_read_stops_the_other_one(void **state)
{
	static char piece[BIG];
	struct world *w = *state;
	size_t sent = 0, got = 0;
	int a, b;
	ssize_t n;

	meet(w);
	a = program(w, 0, "connect x\n");
	b = program(w, 1, "accept x\n");
	hear(a, "ok\n");
	hear(b, "ok\n");
	while ((n = write(a, piece, sizeof(piece))) > 0) {
		sent += (size_t)n;
		run(w);
	}
	assert_in_range(sent, 2 * FAKE_WINDOW, 4 * BIG);
	assert_int_equal(shutdown(a, SHUT_WR), 0);
	assert_false(exchange_is_flushed(w->sides[0].exchange));
	do {
		n = read(b, piece, sizeof(piece));
		got += n > 0 ? (size_t)n : 0;
		run(w);
	} while (n > 0 || (n < 0 && got < sent));
	assert_int_equal(got, sent);
	hear_end(b);
	assert_true(exchange_is_flushed(w->sides[0].exchange));
	close(a);
	close(b);
}

static void a_break_closes_the_descriptor(void **state)
{
	struct world *w = *state;
	int a, b, waits;

	meet(w);
	a = program(w, 0, "connect x\n");
	b = program(w, 1, "accept x\n");
	waits = program(w, 0, "accept y\n");
	fake_lose(w->transports[0], "the other side left");
	for (int i = 0; i < 2; i++)
		exchange_use(w->sides[i].exchange, NULL, false);
	run(w);
	hear(a, "ok\n");
	hear_end(a);
	hear(b, "ok\n");
	hear_end(b);
	close(a);
	close(b);
	meet(w);
	a = program(w, 1, "connect y\n");
	hear(waits, "ok\n");
	close(waits);
	close(a);
}

static void what_was_said_to_the_end_outlives_who_said_it(void **state)
{
	struct world *w = *state;
	int a, b;

	meet(w);
	a = program(w, 0, "connect x\nthe last will");
	assert_int_equal(shutdown(a, SHUT_WR), 0);
	run(w);
	a = program(w, 0, "connect y\nnot to the e");
	for (int i = 0; i < 2; i++)
		exchange_lose(w->sides[i].exchange);
	run(w);
	b = program(w, 1, "accept x\n");
	hear(b, "ok\nthe last will");
	run(w);
	hear_end(b);
	close(b);
	b = program(w, 1, "accept y\n");
	hear_nothing(b);
	close(a);
	close(b);
}

static void one_that_is_not_open_yet_survives_the_loss(void **state)
{
	struct world *w = *state;
	int pair[2], a, b;

	exchange_use(w->sides[0].exchange, w->transports[0], true);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_true(attach_adopt(w->sides[0].attach, pair[1]));
	a = pair[0];
	say(a, "connect x\n");
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(evutil_make_socket_nonblocking(a), 0);
	fake_lose(w->transports[0], "gone");
	exchange_use(w->sides[0].exchange, NULL, false);
	run(w);
	hear_nothing(a);
	meet(w);
	b = program(w, 1, "accept x\n");
	run(w);
	hear(a, "ok\n");
	hear(b, "ok\n");
	close(a);
	close(b);
}

static void one_that_was_killed_takes_no_stream(void **state)
{
	struct world *w = *state;
	int dead, alive, a;

	meet(w);
	dead = program(w, 1, "accept x\n");
	alive = program(w, 1, "accept x\n");
	close(dead);
	a = program(w, 0, "connect x\n");
	hear(a, "ok\n");
	hear(alive, "ok\n");
	close(a);
	close(alive);
}

static void datagrams_keep_their_borders(void **state)
{
	struct world *w = *state;
	uint8_t got[32];
	int a, b;

	meet(w);
	a = program(w, 0, "connect x datagrams\n");
	b = program(w, 1, "accept x\n");
	hear(a, "ok datagrams\n");
	hear(b, "ok datagrams\n");
	assert_int_equal(write(a, "\0\3one\0\4fo", 9), 9);
	run(w);
	assert_int_equal(write(a, "ur\0\0", 4), 4);
	run(w);
	assert_int_equal(read(b, got, sizeof(got)), 13);
	assert_memory_equal(got, "\0\3one\0\4four\0\0", 13);
	close(a);
	run(w);
	hear_end(b);
	close(b);
}

static void what_waits_is_bounded(void **state)
{
	struct world *w = *state;
	struct exchange_counts counts;
	int fds[EXCHANGE_WAITING_MAX + 1];

	for (size_t i = 0; i < EXCHANGE_WAITING_MAX + 1; i++)
		fds[i] = program(w, 0, "connect flood\n");
	hear(fds[EXCHANGE_WAITING_MAX],
	     "error busy too many programs wait for the other side; end some of them\n");
	hear_end(fds[EXCHANGE_WAITING_MAX]);
	meet(w);
	run(w);
	exchange_count(w->sides[1].exchange, &counts);
	assert_int_equal(counts.pending, EXCHANGE_PENDING_MAX);
	close(fds[EXCHANGE_WAITING_MAX]);
	fds[EXCHANGE_WAITING_MAX] = program(w, 0, "connect flood\n");
	hear(fds[EXCHANGE_WAITING_MAX], "error closed refused\n");
	for (size_t i = 0; i < EXCHANGE_WAITING_MAX + 1; i++)
		close(fds[i]);
	run(w);
}

/* Nobody took them, and those who opened them are gone: others have the room. */
static void datagrams_that_nobody_took_are_forgotten(void **state)
{
	struct world *w = *state;
	struct exchange_counts counts;
	int a, b;

	meet(w);
	for (size_t i = 0; i < EXCHANGE_PENDING_MAX + 1; i++) {
		a = program(w, 0, "connect x datagrams\n");
		hear(a, "ok datagrams\n");
		close(a);
		run(w);
	}
	exchange_count(w->sides[1].exchange, &counts);
	assert_int_equal(counts.pending, 0);
	a = program(w, 0, "connect x datagrams\n");
	b = program(w, 1, "accept x\n");
	hear(a, "ok datagrams\n");
	hear(b, "ok datagrams\n");
	close(a);
	close(b);
	run(w);
	/* Nor is there anything in a stream that was ended at once, when its link is gone. */
	a = program(w, 0, "connect x\n");
	close(a);
	run(w);
	exchange_lose(w->sides[1].exchange);
	run(w);
	exchange_count(w->sides[1].exchange, &counts);
	assert_int_equal(counts.pending, 0);
}

static void a_flood_keeps_nobody_away_who_is_waited_for(void **state)
{
	struct world *w = *state;
	int fds[EXCHANGE_PENDING_MAX], a, b;

	meet(w);
	for (size_t i = 0; i < EXCHANGE_PENDING_MAX; i++)
		fds[i] = program(w, 0, "connect flood\n");
	a = program(w, 0, "connect x datagrams\n");
	hear(a, "error closed it was closed\n");
	hear_end(a);
	close(a);
	/* Whoever is waited for comes through. */
	b = program(w, 1, "accept x\n");
	a = program(w, 0, "connect x\n");
	hear(a, "ok\n");
	hear(b, "ok\n");
	close(a);
	close(b);
	for (size_t i = 0; i < EXCHANGE_PENDING_MAX; i++)
		close(fds[i]);
	run(w);
}

/* Whoever tries again and again does not fill the other side with streams that nobody wants. */
static void who_leaves_without_a_word_leaves_no_stream(void **state)
{
	static const char *const lines[] = { "connect x\n", "connect x\nword" };
	struct world *w = *state;
	struct exchange_counts counts;
	int a;

	meet(w);
	for (uint32_t i = 0; i < 2; i++) {
		a = program(w, 0, lines[i]);
		hear(a, "ok\n");
		exchange_count(w->sides[1].exchange, &counts);
		assert_int_equal(counts.pending, 1);
		close(a);
		run(w);
		exchange_count(w->sides[1].exchange, &counts);
		assert_int_equal(counts.pending, i);
		exchange_count(w->sides[0].exchange, &counts);
		assert_int_equal(counts.streams, i);
	}
}

static void lines_that_are_none_are_refused(void **state)
{
	static char flood[2 * ATTACH_LINE_MAX];
	struct world *w = *state;
	int a = program(w, 0, "whisper x\n");

	hear(a, "error usage the line begins with none of connect, accept, join, status, watch\n");
	hear_end(a);
	close(a);
	memset(flood, 'a', sizeof(flood) - 1);
	a = program(w, 0, flood);
	hear(a, "error usage the line is too long\n");
	hear_end(a);
	close(a);
	a = program(w, 0, "status\n");
	hear_end(a);
	assert_int_equal(w->sides[0].status_asked, 1);
	close(a);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(whoever_comes_first_waits),
		CASE(programs_may_come_before_the_other_side_does),
		CASE(each_direction_ends_on_its_own),
		CASE(a_program_may_be_gone_before_its_bytes_arrive),
		CASE(who_does_not_read_stops_the_other_one),
		CASE(a_break_closes_the_descriptor),
		CASE(what_was_said_to_the_end_outlives_who_said_it),
		CASE(one_that_is_not_open_yet_survives_the_loss),
		CASE(one_that_was_killed_takes_no_stream),
		CASE(datagrams_keep_their_borders),
		CASE(what_waits_is_bounded),
		CASE(datagrams_that_nobody_took_are_forgotten),
		CASE(a_flood_keeps_nobody_away_who_is_waited_for),
		CASE(who_leaves_without_a_word_leaves_no_stream),
		CASE(lines_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
