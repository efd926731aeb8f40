/* pipe_io: two of them over a socketpair, between pipes, files and terminals' likes. */
#include <errno.h>
#include <fcntl.h>
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

#include "natprobe/pipe/pipe_io.h"
#include "natprobe/pipe/pipe_report.h"
#include "natprobe/pipe/pipe_stream.h"

#define BIG   1000000
#define TURNS 20000

struct side {
	struct pipe_io *io;
	int stream;
	int in[2], out[2]; /* pipes: what we feed, and what we read */
	bool is_over, is_theirs;
	int error;
	char word[PIPE_WORD_MAX + 1];
};

struct world {
	struct event_base *base;
	struct side a, b;
};

static void on_over(void *arg, const char *word, bool is_theirs, int error)
{
	struct side *s = arg;

	s->is_over = true;
	s->is_theirs = is_theirs;
	s->error = error;
	(void)snprintf(s->word, sizeof(s->word), "%s", word != NULL ? word : "fine");
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int pair[2];

	(void)signal(SIGPIPE, SIG_IGN);
	w->base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	w->a.stream = pair[0];
	w->b.stream = pair[1];
	assert_int_equal(pipe(w->a.in) | pipe(w->a.out) | pipe(w->b.in) | pipe(w->b.out), 0);
	*state = w;
	return 0;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void clear(struct side *s)
{
	pipe_io_free(s->io);
	shut(&s->stream);
	for (int i = 0; i < 2; i++) {
		shut(&s->in[i]);
		shut(&s->out[i]);
	}
}

static void turn(struct world *w)
{
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	clear(&w->a);
	clear(&w->b);
	turn(w); /* what was deferred holds memory */
	event_base_free(w->base);
	free(w);
	return 0;
}

static void begin_like(struct world *w, struct side *s, bool ends_with_theirs)
{
	struct pipe_io_config config = {
		.base = w->base,
		.stream = bufferevent_socket_new(w->base, s->stream, BEV_OPT_CLOSE_ON_FREE),
		.in_fd = s->in[0],
		.out_fd = s->out[1],
		.ends_with_theirs = ends_with_theirs,
		.on_over = on_over,
		.arg = s,
	};

	(void)evutil_make_socket_nonblocking(s->stream);
	s->stream = -1;
	s->io = pipe_io_new(&config);
	assert_non_null(s->io);
}

static void begin(struct world *w, struct side *s)
{
	begin_like(w, s, false);
}

static void turns(struct world *w, int count)
{
	for (int i = 0; i < count; i++)
		turn(w);
}

static void run_out(struct world *w)
{
	for (int i = 0; i < TURNS && !(w->a.is_over && w->b.is_over); i++)
		turn(w);
}

static void feed(struct side *s, const char *text)
{
	assert_int_equal(write(s->in[1], text, strlen(text)), strlen(text));
}

static void feed_end(struct side *s)
{
	shut(&s->in[1]);
}

/* What is there to read now; the pipe's end counts for nothing. */
static const char *got(struct side *s)
{
	static char text[128];
	ssize_t n;

	(void)fcntl(s->out[0], F_SETFL, O_NONBLOCK);
	n = read(s->out[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool has_ended(struct side *s)
{
	char byte;

	(void)fcntl(s->out[0], F_SETFL, O_NONBLOCK);
	shut(&s->out[1]); /* ours; theirs was replaced */
	return read(s->out[0], &byte, 1) == 0;
}

static void both_directions_end_on_their_own(void **state)
{
	struct world *w = *state;

	begin(w, &w->a);
	begin(w, &w->b);
	feed(&w->a, "a keystroke");
	turns(w, 5);
	assert_string_equal(got(&w->b), "a keystroke");
	feed_end(&w->a);
	turns(w, 5);
	assert_true(has_ended(&w->b));
	feed(&w->b, "an answer, later");
	turns(w, 5);
	assert_string_equal(got(&w->a), "an answer, later");
	assert_false(w->a.is_over || w->b.is_over);
	feed_end(&w->b);
	run_out(w);
	assert_string_equal(w->a.word, "fine");
	assert_string_equal(w->b.word, "fine");
	assert_true(has_ended(&w->a));
}

static void who_comes_late_misses_nothing(void **state)
{
	struct world *w = *state;

	begin(w, &w->a);
	feed(&w->a, "all of it");
	feed_end(&w->a);
	turns(w, 10);
	assert_false(w->a.is_over); /* nobody has it yet */
	begin(w, &w->b);
	feed_end(&w->b);
	run_out(w);
	assert_string_equal(got(&w->b), "all of it");
	assert_string_equal(w->a.word, "fine");
	assert_string_equal(w->b.word, "fine");
}

static void it_is_over_when_the_other_side_has_written_all(void **state)
{
	static const char block[16384];
	struct world *w = *state;

	/* Their reader's pipe is full. */
	(void)fcntl(w->b.out[1], F_SETFL, O_NONBLOCK);
	while (write(w->b.out[1], block, sizeof(block)) > 0)
		;
	(void)fcntl(w->b.out[1], F_SETFL, 0);
	begin(w, &w->a);
	begin(w, &w->b);
	feed(&w->a, "last words");
	feed_end(&w->a);
	feed_end(&w->b);
	turns(w, 50);
	assert_false(w->a.is_over || w->b.is_over);
	shut(&w->b.out[1]);
	for (int i = 0; i < 1000 && !w->a.is_over; i++) {
		char sink[4096];

		assert_true(read(w->b.out[0], sink, sizeof(sink)) > 0);
		turn(w);
	}
	run_out(w);
	assert_string_equal(w->a.word, "fine");
	assert_string_equal(w->b.word, "fine");
}

static void a_terminal_ends_with_the_other_side(void **state)
{
	struct world *w = *state;

	begin(w, &w->a);
	begin_like(w, &w->b, true);
	feed(&w->a, "archive");
	feed_end(&w->a);
	run_out(w); /* nobody ends what b has to read */
	assert_string_equal(got(&w->b), "archive");
	assert_string_equal(w->a.word, "fine");
	assert_string_equal(w->b.word, "fine");
}

static void a_reader_that_left_is_told(void **state)
{
	struct world *w = *state;

	shut(&w->b.out[0]);
	begin(w, &w->a);
	begin(w, &w->b);
	feed(&w->a, "for nobody");
	run_out(w);
	assert_string_equal(w->b.word, PIPE_CLOSED);
	assert_false(w->b.is_theirs);
	assert_int_equal(w->b.error, EPIPE);
	assert_string_equal(w->a.word, PIPE_CLOSED);
	assert_true(w->a.is_theirs);
}

static void an_input_that_fails_is_told(void **state)
{
	struct world *w = *state;
	int writing = w->a.in[1];

	w->a.in[1] = w->a.in[0];
	w->a.in[0] = writing; /* nothing can be read from it */
	begin(w, &w->a);
	begin(w, &w->b);
	shut(&w->a.in[1]);
	run_out(w);
	assert_string_equal(w->a.word, PIPE_INPUT);
	assert_int_equal(w->a.error, EBADF);
	assert_string_equal(w->b.word, PIPE_INPUT);
	assert_true(w->b.is_theirs);
}

static void an_interruption_is_told_behind_what_was_sent(void **state)
{
	struct world *w = *state;

	begin(w, &w->a);
	begin(w, &w->b);
	feed(&w->a, "half");
	turns(w, 2);
	pipe_io_abort(w->a.io, PIPE_INTERRUPTED);
	run_out(w);
	assert_string_equal(got(&w->b), "half");
	assert_string_equal(w->b.word, PIPE_INTERRUPTED);
	assert_true(w->b.is_theirs);
	assert_false(w->a.is_theirs);
}

static void a_break_is_no_end(void **state)
{
	struct world *w = *state;

	begin(w, &w->a);
	shut(&w->b.stream);
	w->b.is_over = true;
	run_out(w);
	assert_string_equal(w->a.word, PIPE_LOST);
}

/* Raw pieces of a peer. */
static void say_data(struct side *peer)
{
	static uint8_t data[PIPE_HEAD + PIPE_DATA_MAX];
	const struct pipe_head head = { .kind = PIPE_DATA, .len = PIPE_DATA_MAX };

	pipe_head_write(&head, data);
	assert_int_equal(write(peer->stream, data, sizeof(data)), sizeof(data));
}

static void say_and_leave(struct side *peer, const char *word)
{
	const struct pipe_head head = { .kind = PIPE_ABORT, .len = (uint32_t)strlen(word) };
	uint8_t bytes[PIPE_HEAD];

	pipe_head_write(&head, bytes);
	assert_int_equal(write(peer->stream, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(write(peer->stream, word, head.len), head.len);
	shut(&peer->stream);
	peer->is_over = true;
}

/* Writing fails before the reason is read, which stands behind what a slow reader has not taken. */
static void the_reason_is_heard_though_nobody_hears_us(void **state)
{
	struct world *w = *state;
	char sink[4096];

	begin(w, &w->a);
	for (int i = 0; i < 5; i++) { /* more than a pipe has room for, and is kept */
		say_data(&w->b);
		turns(w, 20);
	}
	say_data(&w->b);
	say_and_leave(&w->b, PIPE_CLOSED);
	feed(&w->a, "for nobody");
	turns(w, 20);
	feed(&w->a, "nor this");
	turns(w, 20);
	assert_false(w->a.is_over);
	for (int i = 0; i < 1000 && !w->a.is_over; i++) {
		(void)fcntl(w->a.out[0], F_SETFL, O_NONBLOCK);
		(void)!read(w->a.out[0], sink, sizeof(sink));
		turn(w);
	}
	assert_string_equal(w->a.word, PIPE_CLOSED);
	assert_true(w->a.is_theirs);
}

static void a_stranger_is_not_believed(void **state)
{
	struct world *w = *state;
	uint8_t heard[16];

	begin(w, &w->a);
	assert_int_equal(write(w->b.stream, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	w->b.is_over = true;
	run_out(w);
	assert_string_equal(w->a.word, PIPE_PROTOCOL);
	assert_false(w->a.is_theirs);
	assert_int_equal(read(w->b.stream, heard, sizeof(heard)), PIPE_HEAD + 8);
	assert_memory_equal(heard + PIPE_HEAD, PIPE_PROTOCOL, 8);
}

static void little_is_kept_for_a_slow_reader(void **state)
{
	struct world *w = *state;
	uint64_t sent, received;

	shut(&w->a.in[0]);
	w->a.in[0] = open("/dev/zero", O_RDONLY);
	begin(w, &w->a);
	begin(w, &w->b);
	turns(w, 3000);
	pipe_io_count(w->a.io, &sent, &received);
	assert_true(sent > 100000 && sent < 2000000);
}

static int make_file(size_t len)
{
	char path[] = "/tmp/test_pipe.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	(void)unlink(path);
	for (uint32_t i = 0; i < len / sizeof(i); i++)
		assert_int_equal(write(fd, &i, sizeof(i)), sizeof(i));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void files_are_carried_as_well(void **state)
{
	struct world *w = *state;
	int result;
	uint32_t value;

	shut(&w->a.in[0]);
	shut(&w->b.in[0]);
	shut(&w->b.out[1]);
	w->a.in[0] = make_file(BIG);
	w->b.in[0] = open("/dev/null", O_RDONLY);
	w->b.out[1] = make_file(0);
	result = dup(w->b.out[1]);
	begin(w, &w->a);
	begin(w, &w->b);
	run_out(w);
	assert_string_equal(w->a.word, "fine");
	assert_string_equal(w->b.word, "fine");
	assert_int_equal(lseek(result, 0, SEEK_END), BIG);
	for (uint32_t i = 0; i < BIG / sizeof(i); i++) {
		assert_int_equal(pread(result, &value, sizeof(value), i * 4), sizeof(value));
		assert_int_equal(value, i);
	}
	close(result);
}

static void a_full_disk_is_told(void **state)
{
	struct world *w = *state;

	shut(&w->b.out[1]);
	w->b.out[1] = open("/dev/full", O_WRONLY);
	if (w->b.out[1] < 0)
		skip();
	begin(w, &w->a);
	begin(w, &w->b);
	feed(&w->a, "too much");
	run_out(w);
	assert_string_equal(w->b.word, PIPE_OUTPUT);
	assert_int_equal(w->b.error, ENOSPC);
	assert_string_equal(w->a.word, PIPE_OUTPUT);
}

static void what_is_shared_waits_again_afterwards(void **state)
{
	struct world *w = *state;
	int pair[2], shared;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	shut(&w->b.out[0]);
	shut(&w->b.out[1]);
	w->b.out[0] = pair[0];
	w->b.out[1] = pair[1];
	shared = dup(pair[1]);
	begin(w, &w->a);
	begin(w, &w->b);
	assert_true((fcntl(shared, F_GETFL) & O_NONBLOCK) != 0);
	pipe_io_abort(w->b.io, PIPE_INTERRUPTED);
	run_out(w);
	assert_int_equal(fcntl(shared, F_GETFL) & O_NONBLOCK, 0);
	close(shared);
}

static void a_pipe_that_is_shared_waits_all_the_time(void **state)
{
	struct world *w = *state;

	begin(w, &w->b);
#ifdef __linux__
	assert_int_equal(fcntl(w->b.out[1], F_GETFL) & O_NONBLOCK, 0);
#endif
	assert_int_equal(fcntl(w->b.in[0], F_GETFL) & O_NONBLOCK, 0);
}

static void amounts_and_words_are_for_people(void **state)
{
	char text[16];

	assert_string_equal(pipe_amount(0, text), "0 B");
	assert_string_equal(pipe_amount(999, text), "999 B");
	assert_string_equal(pipe_amount(1000, text), "1.0 kB");
	assert_string_equal(pipe_amount(999949, text), "999.9 kB");
	assert_string_equal(pipe_amount(999950, text), "1.0 MB");
	assert_string_equal(pipe_amount(UINT64_MAX, text), "18.4 EB");
	assert_non_null(strstr(pipe_word_text(PIPE_CLOSED, true), "on the other side"));
	assert_null(strstr(pipe_word_text(PIPE_CLOSED, false), "on the other side"));
	assert_non_null(strstr(pipe_word_text("from-a-later-one", true), "other side"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(both_directions_end_on_their_own),
		TEST(who_comes_late_misses_nothing),
		TEST(it_is_over_when_the_other_side_has_written_all),
		TEST(a_terminal_ends_with_the_other_side),
		TEST(a_reader_that_left_is_told),
		TEST(an_input_that_fails_is_told),
		TEST(an_interruption_is_told_behind_what_was_sent),
		TEST(a_break_is_no_end),
		TEST(the_reason_is_heard_though_nobody_hears_us),
		TEST(a_stranger_is_not_believed),
		TEST(little_is_kept_for_a_slow_reader),
		TEST(files_are_carried_as_well),
		TEST(a_full_disk_is_told),
		TEST(what_is_shared_waits_again_afterwards),
		TEST(a_pipe_that_is_shared_waits_all_the_time),
		TEST(amounts_and_words_are_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
