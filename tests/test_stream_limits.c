/* What one TCP client, and what all of them may take: connections, time, memory. */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "stream_echo.h"

static void connections_are_limited(void **state)
{
	struct echo_server s;
	int a, b, c, d;

	echo_open(&s, (struct stream_limits){ .max_conns = 3, .max_per_source = 2 },
		  (struct stream_listen_options){ 0 });
	a = echo_dial(&s);
	b = echo_dial(&s);
	c = echo_dial(&s);
	echo_ask(&s, a, 'a');
	echo_ask(&s, b, 'b');
	assert_true(echo_is_closed(&s, c));
	assert_int_equal(stream_set_stats(s.set)->refused_source, 1);
	close(c);

	c = echo_dial_from(&s, addr_ipv4(127, 0, 0, 2, 0));
	echo_ask(&s, c, 'c');
	d = echo_dial_from(&s, addr_ipv4(127, 0, 0, 3, 0));
	assert_true(echo_is_closed(&s, d));
	assert_int_equal(stream_set_stats(s.set)->refused_total, 1);
	close(d);

	close(a); /* makes room */
	echo_await(&s, &s.ends, 1);
	a = echo_dial(&s);
	echo_ask(&s, a, 'a');
	close(a);
	close(b);
	close(c);
	echo_close(&s);
}

static void time_ends_the_idle_and_the_slow(void **state)
{
	struct stream_limits limits = { .idle_ms = HOUR_MS, .frame_ms = HOUR_MS / 2 };
	uint64_t now;
	struct echo_server s;
	int silent, half, idle;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	silent = echo_dial(&s);
	half = echo_dial(&s);
	idle = echo_dial(&s);
	echo_ask(&s, idle, 'a');
	echo_ask(&s, half, 'a');
	echo_put(half, "\0\1\0", 3);
	echo_settle(&s);
	now = clock_ms();

	stream_set_expire(s.set, now + HOUR_MS / 2 - 60 * 1000);
	assert_int_equal(s.ends, 0);
	stream_set_expire(s.set, now + HOUR_MS / 2);
	assert_int_equal(echo_ended(&s, STREAM_END_SLOW), 2);
	assert_true(echo_is_closed(&s, silent));
	assert_true(echo_is_closed(&s, half));
	echo_ask(&s, idle, 'b');
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(echo_ended(&s, STREAM_END_IDLE), 1);
	assert_true(echo_is_closed(&s, idle));
	close(silent);
	close(half);
	close(idle);
	echo_close(&s);
}

/* Sends requests until nobody takes more. Returns how many bytes were sent. */
static size_t flood(struct echo_server *s, int fd)
{
	struct echo_request r = echo_request('f');
	size_t sent = 0;

	for (int stuck = 0; stuck < 50;) {
		size_t at = sent % sizeof(r.bytes);
		ssize_t n = send(fd, r.bytes + at, sizeof(r.bytes) - at, MSG_NOSIGNAL);

		stuck = n > 0 ? 0 : stuck + 1;
		sent += n > 0 ? (size_t)n : 0;
		if (n <= 0 || sent % 1024 == 0)
			echo_turn(s);
	}
	return sent;
}

/* A connection that takes in few requests before it jams. */
static int dial_narrow(struct echo_server *s)
{
	int small = 4096;
	int fd = echo_dial(s);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	return fd;
}

static void a_client_that_does_not_read_is_held_and_then_closed(void **state)
{
	struct stream_limits limits = { .max_output = 8192, .frame_ms = HOUR_MS };
	struct echo_server s;
	int fd, before;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	s.answer_len = 16384;
	fd = dial_narrow(&s);
	flood(&s, fd);
	before = s.frames;
	echo_settle(&s);
	assert_int_equal(s.frames, before); /* not read from any more */
	assert_true(s.all_sent);

	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(echo_ended(&s, STREAM_END_SLOW), 1);
	close(fd);
	echo_close(&s);
}

static void a_client_that_reads_late_gets_every_answer(void **state)
{
	static uint8_t in[1000];
	struct stream_limits limits = { .max_output = 8192, .frame_ms = HOUR_MS };
	struct echo_server s;
	int fd, sent;
	bool at_end;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	s.answer_len = sizeof(in);
	fd = dial_narrow(&s);
	sent = (int)(flood(&s, fd) / 20); /* whole requests */
	assert_true(s.frames < sent);
	for (int i = 0; i < sent; i++)
		assert_int_equal(echo_get(&s, fd, in, sizeof(in), &at_end), sizeof(in));
	assert_int_equal(s.frames, sent);
	assert_true(s.all_sent);
	close(fd);
	echo_close(&s);
}

static void first_frames_are_awaited_from_so_many(void **state)
{
	struct echo_server s;
	int slow[2], settled, newest;

	echo_open(&s, (struct stream_limits){ .max_half_open = 2 },
		  (struct stream_listen_options){ 0 });
	settled = echo_dial(&s);
	echo_ask(&s, settled, 'a');
	assert_int_equal(stream_set_stats(s.set)->half_open, 0);
	slow[0] = echo_dial(&s);
	slow[1] = echo_dial(&s);
	echo_put(slow[1], "\x16\x03", 2);
	echo_settle(&s);
	assert_int_equal(stream_set_stats(s.set)->half_open, 2);

	newest = echo_dial(&s); /* takes the place of the oldest */
	echo_ask(&s, newest, 'b');
	assert_true(echo_is_closed(&s, slow[0]));
	assert_int_equal(echo_ended(&s, STREAM_END_CROWD), 1);
	assert_int_equal(stream_set_stats(s.set)->half_open, 1);
	echo_ask(&s, settled, 'c');
	close(settled);
	close(slow[0]);
	close(slow[1]);
	close(newest);
	echo_close(&s);
}

static void a_hundred_bytes_of_noise_are_not_borne(void **state)
{
	struct stream_limits limits = { .frame_ms = HOUR_MS };
	uint8_t noise[100];
	struct echo_server s;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * 167 + 13);
	for (unsigned first = 0; first < 256; first += 5) {
		int fd;

		echo_open(&s, limits, (struct stream_listen_options){ 0 });
		fd = echo_dial(&s);
		noise[0] = (uint8_t)first;
		echo_put(fd, noise, sizeof(noise));
		echo_settle(&s);
		stream_set_expire(s.set, clock_ms() + HOUR_MS);
		if (!echo_is_closed(&s, fd) || s.frames != 0)
			fail_msg("noise that begins with 0x%02x", first);
		close(fd);
		echo_close(&s);
	}
}

/* Allows each connection the longest frame of ChannelData, once it has asked for it. */
static void allow_long(struct echo_server *s, struct stream_conn *c, struct bytes frame)
{
	stream_set_max_frame(c, STREAM_FRAME_MAX);
	stream_send(c, bytes_of(frame.data, 20));
}

static void long_frames_are_for_those_who_may(void **state)
{
	static uint8_t longest[4 + 65535 + 1] = { 0x40, 0x00, 0xff, 0xff, 'x' };
	uint8_t answer[20];
	struct echo_server s;
	bool at_end;
	int fd;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	s.on_frame = allow_long;
	fd = echo_dial(&s);
	echo_put(fd, longest, 100);
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(echo_ended(&s, STREAM_END_FOREIGN), 1);
	close(fd);

	fd = echo_dial(&s);
	echo_ask(&s, fd, 'a');
	for (size_t at = 0; at < sizeof(longest); at += 5462)
		echo_put(fd, longest + at,
			 sizeof(longest) - at < 5462 ? sizeof(longest) - at : 5462);
	assert_int_equal(echo_get(&s, fd, answer, sizeof(answer), &at_end), sizeof(answer));
	assert_int_equal(s.last_len, sizeof(longest) - 1);
	assert_memory_equal(answer, longest, sizeof(answer));
	close(fd);
	echo_close(&s);
}

static void who_is_kept_may_be_silent(void **state)
{
	struct stream_limits limits = { .idle_ms = HOUR_MS };
	struct echo_server s;
	int fd;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	fd = echo_dial(&s);
	echo_ask(&s, fd, 'a');
	stream_keep(s.last_conn, true);
	stream_set_expire(s.set, clock_ms() + HOUR_MS * UINT64_C(9));
	echo_ask(&s, fd, 'b');
	stream_set_expire(s.set, clock_ms() + HOUR_MS * UINT64_C(9));
	echo_ask(&s, fd, 'c');
	stream_keep(s.last_conn, false);
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(echo_ended(&s, STREAM_END_IDLE), 1);
	close(fd);
	echo_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_limited),
		cmocka_unit_test(first_frames_are_awaited_from_so_many),
		cmocka_unit_test(a_hundred_bytes_of_noise_are_not_borne),
		cmocka_unit_test(long_frames_are_for_those_who_may),
		cmocka_unit_test(who_is_kept_may_be_silent),
		cmocka_unit_test(time_ends_the_idle_and_the_slow),
		cmocka_unit_test(a_client_that_does_not_read_is_held_and_then_closed),
		cmocka_unit_test(a_client_that_reads_late_gets_every_answer),
	};

	return cmocka_run_group_tests(tests, echo_set_up, echo_tear_down);
}
