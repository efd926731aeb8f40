/* Connections that are held, and those that become pipes of bytes. */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "clock.h"
#include "stream_echo.h"

static void pause_at_p(struct echo_server *s, struct stream_conn *c, struct bytes frame)
{
	stream_send(c, frame);
	if (frame.data[8] == 'p')
		stream_pause(c);
}

static void a_paused_connection_hands_on_nothing(void **state)
{
	struct stream_limits limits = { .frame_ms = HOUR_MS };
	struct echo_request p = echo_request('p'), q = echo_request('q');
	uint8_t answers[40];
	struct echo_server s;
	bool at_end;
	int fd;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	s.on_frame = pause_at_p;
	fd = echo_dial(&s);
	echo_put(fd, p.bytes, sizeof(p.bytes));
	echo_put(fd, q.bytes, sizeof(q.bytes));
	echo_settle(&s);
	assert_int_equal(s.frames, 1);
	stream_resume(s.last_conn);
	assert_int_equal(echo_get(&s, fd, answers, sizeof(answers), &at_end), sizeof(answers));
	assert_int_equal(s.frames, 2);

	/* Not for ever, and whoever has left is let go behind it. */
	echo_put(fd, p.bytes, sizeof(p.bytes));
	shutdown(fd, SHUT_WR);
	echo_settle(&s);
	assert_int_equal(s.ends, 0);
	stream_resume(s.last_conn);
	echo_await(&s, &s.ends, 1);
	assert_int_equal(s.last_end, STREAM_END_CLIENT);
	close(fd);
	fd = echo_dial(&s);
	echo_put(fd, p.bytes, sizeof(p.bytes));
	echo_settle(&s);
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(s.last_end, STREAM_END_SLOW);
	close(fd);
	echo_close(&s);
}

/* Its time for a frame ends with the pause: it owes nothing. */
static void behind_a_pause_a_connection_rests(void **state)
{
	struct stream_limits limits = { .frame_ms = HOUR_MS / 2, .idle_ms = HOUR_MS };
	struct echo_request p = echo_request('p');
	struct echo_server s;
	int fd;

	for (int keep = 0; keep < 2; keep++) {
		echo_open(&s, limits, (struct stream_listen_options){ 0 });
		s.on_frame = pause_at_p;
		fd = echo_dial(&s);
		echo_put(fd, p.bytes, sizeof(p.bytes));
		echo_settle(&s);
		stream_keep(s.last_conn, keep == 1);
		stream_resume(s.last_conn);
		echo_settle(&s);
		stream_set_expire(s.set, clock_ms() + HOUR_MS / 2);
		assert_int_equal(s.ends, 0);
		stream_set_expire(s.set, clock_ms() + HOUR_MS);
		assert_int_equal(s.ends, 1 - keep);
		close(fd);
		echo_close(&s);
	}
}

static void echo_bytes(struct bufferevent *bev, void *arg)
{
	evbuffer_add_buffer(bufferevent_get_output(bev), bufferevent_get_input(bev));
}

static void raw_at_r(struct echo_server *s, struct stream_conn *c, struct bytes frame)
{
	stream_send(c, frame);
	if (frame.data[8] != 'r')
		return;
	s->raw = stream_make_raw(c);
	assert_non_null(s->raw);
	assert_null(stream_make_raw(c));
	assert_false(stream_send(c, BYTES("no more frames")));
	bufferevent_setcb(s->raw, echo_bytes, NULL, NULL, NULL);
	bufferevent_enable(s->raw, EV_READ);
	bufferevent_trigger(s->raw, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

/* Connects, and comes to the bytes with some that were sent along with the last frame. */
static int dial_raw(struct echo_server *s)
{
	struct echo_request r = echo_request('r');
	uint8_t in[20 + 9];
	int fd = echo_dial(s);
	bool at_end;

	memcpy(in, r.bytes, 20);
	memcpy(in + 20, "\xff\xfenoise!", 9);
	echo_put(fd, in, sizeof(in));
	assert_int_equal(echo_get(s, fd, in, sizeof(in), &at_end), sizeof(in));
	assert_memory_equal(in, r.bytes, 20);
	assert_memory_equal(in + 20, "\xff\xfenoise!", 9);
	return fd;
}

static void a_raw_connection_carries_any_bytes(void **state)
{
	struct stream_limits limits = { .frame_ms = HOUR_MS, .idle_ms = HOUR_MS };
	struct echo_server s;
	uint8_t rest[5];
	bool at_end;
	int fd;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	s.on_frame = raw_at_r;
	fd = dial_raw(&s);
	assert_int_equal(s.frames, 1);
	stream_set_expire(s.set, clock_ms() + 9 * HOUR_MS);
	assert_int_equal(s.ends, 0);

	/* What is written before it is closed arrives. */
	bufferevent_write(s.raw, "last", 5);
	stream_close(s.last_conn);
	assert_int_equal(echo_get(&s, fd, rest, sizeof(rest), &at_end), sizeof(rest));
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(s.last_end, STREAM_END_SELF);
	close(fd);

	fd = dial_raw(&s); /* which ends with the set */
	echo_close(&s);
	assert_int_equal(s.ends, 2);
	close(fd);
}

static void a_closed_pipe_that_nobody_reads_ends(void **state)
{
	static uint8_t much[4 << 20];
	struct stream_limits limits = { .frame_ms = HOUR_MS };
	struct echo_server s;
	int fd;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	s.on_frame = raw_at_r;
	fd = dial_raw(&s);
	bufferevent_write(s.raw, much, sizeof(much));
	stream_close(s.last_conn);
	echo_settle(&s);
	assert_int_equal(s.ends, 0);
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(s.last_end, STREAM_END_SLOW);
	close(fd);
	echo_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_paused_connection_hands_on_nothing),
		cmocka_unit_test(behind_a_pause_a_connection_rests),
		cmocka_unit_test(a_raw_connection_carries_any_bytes),
		cmocka_unit_test(a_closed_pipe_that_nobody_reads_ends),
	};

	return cmocka_run_group_tests(tests, echo_set_up, echo_tear_down);
}
