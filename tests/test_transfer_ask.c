/* receive_run at a terminal: what somebody is shown before anything is taken, and what they may say. */
#include <config.h>

#include <errno.h>
#include <event2/event.h>
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
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "natprobe/transfer/receive_run.h"
#include "natprobe/transfer/transfer_wire.h"

#define TURNS_MAX 2000
#define SHOWN_MAX 8192

struct terminal {
	int keyboard;          /* what it shows comes out here as well */
	int standard[3];       /* as they were */
	char shown[SHOWN_MAX]; /* with an end */
	size_t len;
};

struct lab {
	struct terminal terminal;
	struct event_base *base;
	struct receive_run *receive;
	int peer;
	char directory[64];
	bool is_over, is_ok;
};

static struct lab lab;

static void open_terminal(struct terminal *t)
{
	struct termios mode;
	int screen;

	t->keyboard = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(t->keyboard >= 0);
	assert_int_equal(grantpt(t->keyboard) | unlockpt(t->keyboard), 0);
	screen = open(ptsname(t->keyboard), O_RDWR | O_NOCTTY);
	assert_true(screen >= 0);
	assert_int_equal(tcgetattr(screen, &mode), 0);
	mode.c_lflag &= ~(tcflag_t)ECHO;
	assert_int_equal(tcsetattr(screen, TCSANOW, &mode), 0);
	assert_int_equal(fcntl(t->keyboard, F_SETFL, O_NONBLOCK), 0);
	for (int fd = 0; fd < 3; fd += 2) {
		t->standard[fd] = dup(fd);
		assert_int_equal(dup2(screen, fd), fd);
	}
	close(screen);
}

static void close_terminal(struct terminal *t)
{
	for (int fd = 0; fd < 3; fd += 2) {
		(void)dup2(t->standard[fd], fd);
		close(t->standard[fd]);
	}
	close(t->keyboard);
}

static void look(struct terminal *t)
{
	ssize_t n;

	while ((n = read(t->keyboard, t->shown + t->len, sizeof(t->shown) - 1 - t->len)) > 0)
		t->len += (size_t)n;
	t->shown[t->len] = '\0';
}

static void type(const char *text)
{
	assert_int_equal(write(lab.terminal.keyboard, text, strlen(text)), strlen(text));
}

static void on_over(void *arg, bool is_ok)
{
	lab.is_over = true;
	lab.is_ok = is_ok;
}

static int begin(void **state)
{
	const struct receive_run_config config = { .directory = lab.directory, .on_over = on_over };
	const char *tmp = getenv("TMPDIR");
	struct bufferevent *stream;
	int pair[2];

	memset(&lab, 0, sizeof(lab));
	(void)signal(SIGPIPE, SIG_IGN);
	snprintf(lab.directory, sizeof(lab.directory), "%.32s/natkit-ask-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(lab.directory));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	lab.peer = pair[1];
	assert_int_equal(fcntl(lab.peer, F_SETFL, O_NONBLOCK), 0);
	lab.base = event_base_new();
	assert_int_equal(receive_run_new(&config, &lab.receive), 0);
	open_terminal(&lab.terminal);
	receive_run_begin(lab.receive, lab.base);
	assert_int_equal(evutil_make_socket_nonblocking(pair[0]), 0);
	stream = bufferevent_socket_new(lab.base, pair[0], BEV_OPT_CLOSE_ON_FREE);
	receive_run_stream(lab.receive, stream);
	return 0;
}

static int end(void **state)
{
	receive_run_free(lab.receive);
	close_terminal(&lab.terminal);
	event_base_free(lab.base);
	close(lab.peer);
	assert_int_equal(rmdir(lab.directory), 0);
	return 0;
}

static void say(const struct transfer_msg *m)
{
	static uint8_t frame[TRANSFER_FRAME_MAX];
	size_t len = transfer_wire_write(m, frame, sizeof(frame));

	assert_true(len > 0);
	assert_int_equal(write(lab.peer, frame, len), len);
}

static void offer(const char *const *names, uint32_t count, uint64_t size)
{
	const struct transfer_msg hello = { .kind = TRANSFER_HELLO,
					    .is_sender = true,
					    .version = TRANSFER_VERSION };
	const struct transfer_msg all = { .kind = TRANSFER_OFFER,
					  .count = count,
					  .total = count * size };

	say(&hello);
	say(&all);
	for (uint32_t i = 0; i < count; i++) {
		struct transfer_msg m = { .kind = TRANSFER_ENTRY };

		m.entry.kind = ENTRY_FILE;
		m.entry.mode = 0644;
		m.entry.size = size;
		m.entry.path = bytes_of_str(names[i]);
		say(&m);
	}
}

static bool is_shown(const char *text)
{
	look(&lab.terminal);
	return strstr(lab.terminal.shown, text) != NULL;
}

static void await_question(void)
{
	for (int i = 0; i < TURNS_MAX && !is_shown("[y/N] "); i++)
		event_base_loop(lab.base, EVLOOP_ONCE);
	assert_true(is_shown("[y/N] "));
}

/* The kind of the last message that the peer was sent. */
static uint8_t last_word(void)
{
	uint8_t in[4096];
	ssize_t n = read(lab.peer, in, sizeof(in));
	struct bytes left = bytes_of(in, n > 0 ? (size_t)n : 0);
	uint8_t kind = 0;

	while (left.len > 0) {
		size_t need = transfer_wire_need(left);

		assert_true(need > 0 && need <= left.len);
		kind = left.data[0];
		left = bytes_of(left.data + need, left.len - need);
	}
	return kind;
}

/* Until there was an answer. */
static uint8_t await_answer(void)
{
	uint8_t kind = TRANSFER_HELLO;

	for (int i = 0; i < TURNS_MAX && kind <= TRANSFER_HELLO; i++) {
		uint8_t now;

		event_base_loop(lab.base, EVLOOP_ONCE);
		now = last_word();
		kind = now != 0 ? now : kind;
	}
	return kind;
}

static void test_names_are_shown_as_text(void **state)
{
	static const char *const names[] = { "\x1b]0;owned\x07", "a\nTake them?",
					     "\xe2\x80\xaetxt.exe", "plain", "raw\x9b" };

	offer(names, 5, 1000);
	await_question();
	assert_true(is_shown("offers 5 files, 5.0 kB"));
	assert_true(is_shown("_]0;owned_  1.0 kB"));
	assert_true(is_shown("a_Take them"));
	assert_true(is_shown("\\xe2\\x80\\xaetxt.exe"));
	assert_true(is_shown("raw\\x9b"));
	assert_null(strchr(lab.terminal.shown, '\x1b'));
	assert_null(strchr(lab.terminal.shown, '\x9b'));
	type("y\n");
	assert_int_equal(await_answer(), TRANSFER_ACCEPT);
}

/* The eleventh name and those behind it are a number only; not so one that programs obey. */
static void test_no_hidden_names_behind_others(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f",
					     "g", "h", "i", "j", "k", ".profile" };

	offer(names, 12, 1);
	await_question();
	assert_true(is_shown("  .profile  1 byte\r\n  a  1 byte"));
	assert_true(is_shown("and 2 more"));
	assert_false(is_shown("  j  "));
	type("yes\n");
	assert_int_equal(await_answer(), TRANSFER_ACCEPT);
}

static void test_no_is_no(const char *answer)
{
	static const char *const names[] = { "file" };

	offer(names, 1, 1);
	await_question();
	type(answer);
	assert_int_equal(await_answer(), TRANSFER_FAILED);
	assert_true(is_shown("the receiver said no; nothing was taken"));
}

static void test_no(void **state)
{
	test_no_is_no("n\n");
}

static void test_nothing_is_no(void **state)
{
	test_no_is_no("\n");
}

static void test_end_of_input_is_no(void **state)
{
	test_no_is_no("\x04");
}

static void test_what_was_typed_before_is_no_answer(void **state)
{
	type("y\n");
	test_no_is_no("n\n");
}

static void test_peer_leaves_while_we_think(void **state)
{
	static const char *const names[] = { "file" };

	offer(names, 1, 1);
	await_question();
	assert_int_equal(shutdown(lab.peer, SHUT_RDWR), 0);
	for (int i = 0; i < TURNS_MAX && !is_shown("left before"); i++)
		event_base_loop(lab.base, EVLOOP_ONCE);
	assert_true(is_shown("the other side left before anything was taken"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_are_shown_as_text, begin, end),
		cmocka_unit_test_setup_teardown(test_no_hidden_names_behind_others, begin, end),
		cmocka_unit_test_setup_teardown(test_no, begin, end),
		cmocka_unit_test_setup_teardown(test_nothing_is_no, begin, end),
		cmocka_unit_test_setup_teardown(test_end_of_input_is_no, begin, end),
		cmocka_unit_test_setup_teardown(test_what_was_typed_before_is_no_answer, begin,
						end),
		cmocka_unit_test_setup_teardown(test_peer_leaves_while_we_think, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
