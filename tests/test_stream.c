/* Frames over TCP, what is not one, and how a connection ends; on the loopback. */
#include "stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sockaddr.h"
#include "stream_echo.h"

static void answers_say_who_asked_and_where(void **state)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr from;
	struct echo_server s;
	int fd;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = echo_dial(&s);
	echo_ask(&s, fd, 'a');
	echo_ask(&s, fd, 'b');
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(sockaddr_to_addr((struct sockaddr *)&sa, &from));
	assert_true(addr_equal(&s.last_peer.remote, &from));
	assert_true(addr_equal(&s.last_peer.local, &s.at));
	assert_int_equal(s.last_peer.transport, STUN_TCP);

	close(fd);
	echo_await(&s, &s.ends, 1);
	assert_int_equal(echo_ended(&s, STREAM_END_CLIENT), 1);
	assert_int_equal(stream_set_stats(s.set)->open, 0);
	assert_int_equal(stream_set_stats(s.set)->frames, 2);
	echo_close(&s);
}

static void frames_survive_any_split(void **state)
{
	/* A request, ChannelData with 5 bytes and its padding, a request. */
	uint8_t all[20 + 12 + 20];
	struct echo_request a = echo_request('a'), b = echo_request('b');
	struct echo_server s;
	int fd;

	memcpy(all, a.bytes, 20);
	memcpy(all + 20, "\x40\x01\x00\x05hello\0\0\0", 12);
	memcpy(all + 32, b.bytes, 20);
	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = echo_dial(&s);
	for (size_t cut = 0; cut <= sizeof(all); cut++) {
		s.frames = 0;
		echo_put(fd, all, cut);
		echo_turn(&s);
		echo_turn(&s);
		echo_put(fd, all + cut, sizeof(all) - cut);
		echo_await(&s, &s.frames, 3);
		assert_memory_equal(s.last_frame, b.bytes, 20);
	}
	s.frames = 0;
	for (size_t i = 0; i < sizeof(all); i++) {
		echo_put(fd, all + i, 1);
		echo_turn(&s);
		echo_turn(&s);
	}
	echo_await(&s, &s.frames, 3);
	close(fd);
	echo_close(&s);
}

static void many_frames_in_one_write(void **state)
{
	enum { MANY = 1000 };
	static uint8_t out[MANY * 20], in[MANY * 20];
	struct echo_server s;
	bool at_end;
	int fd;

	for (int i = 0; i < MANY; i++) {
		struct echo_request r = echo_request((char)(i % 50));

		memcpy(out + i * 20, r.bytes, 20);
	}
	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = echo_dial(&s);
	echo_put(fd, out, sizeof(out));
	assert_int_equal(echo_get(&s, fd, in, sizeof(in), &at_end), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	assert_true(s.all_sent);
	close(fd);
	echo_close(&s);
}

static void what_is_not_ours_ends_the_connection(void **state)
{
	static const struct {
		const char *why;
		struct bytes data;
		enum stream_end end;
	} cases[] = {
		{ "noise", BYTES("\xff"), STREAM_END_FOREIGN },
		{ "HTTP", BYTES("GET / HTTP/1.0\r\n\r\n        "), STREAM_END_FOREIGN },
		{ "no cookie", BYTES("\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		  STREAM_END_FOREIGN },
		{ "too long a frame", BYTES("\0\1\x08\0\x21\x12\xa4\x42\0\0\0\0\0\0\0\0\0\0\0\0"),
		  STREAM_END_FOREIGN },
		{ "TLS record of noise", BYTES("\x16\x03\x01\x00\x04junk"), STREAM_END_TLS },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct echo_server s;
		int fd;

		echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
		fd = echo_dial(&s);
		echo_put(fd, cases[i].data.data, cases[i].data.len);
		if (!echo_is_closed(&s, fd) || echo_ended(&s, cases[i].end) != 1)
			fail_msg("%s: not ended, or for another reason", cases[i].why);
		assert_int_equal(s.frames, 0);
		close(fd);
		echo_close(&s);
	}
}

static void a_half_closed_client_is_still_answered(void **state)
{
	struct echo_request r = echo_request('a');
	uint8_t answer[20];
	struct echo_server s;
	bool at_end;
	int fd;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = echo_dial(&s);
	echo_put(fd, r.bytes, sizeof(r.bytes));
	shutdown(fd, SHUT_WR);
	assert_int_equal(echo_get(&s, fd, answer, sizeof(answer), &at_end), sizeof(answer));
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(echo_ended(&s, STREAM_END_CLIENT), 1);
	close(fd);
	echo_close(&s);
}

static void closing_sends_what_is_queued_first(void **state)
{
	static uint8_t in[40000];
	struct echo_request r = echo_request('C');
	struct echo_server s;
	bool at_end;
	int fd;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	s.answer_len = sizeof(in);
	fd = echo_dial(&s);
	echo_put(fd, r.bytes, sizeof(r.bytes));
	assert_int_equal(echo_get(&s, fd, in, sizeof(in), &at_end), sizeof(in));
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(echo_ended(&s, STREAM_END_SELF), 1);
	close(fd);

	/* Also from outside a callback. */
	s.answer_len = 0;
	fd = echo_dial(&s);
	echo_ask(&s, fd, 'a');
	stream_close(s.last_conn);
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(echo_ended(&s, STREAM_END_SELF), 2);
	close(fd);
	echo_close(&s);
}

static void freeing_the_set_ends_all(void **state)
{
	struct echo_server s;
	int waiting, plain;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	waiting = echo_dial(&s);
	plain = echo_dial(&s);
	echo_ask(&s, plain, 'a');
	stream_set_user(s.last_conn, &s);
	assert_ptr_equal(stream_user(s.last_conn), &s);
	stream_set_free(s.set);
	assert_int_equal(s.ends, 2);
	assert_int_equal(s.last_end, STREAM_END_SELF);
	stream_set_free(NULL);
	event_base_free(s.base);
	close(waiting);
	close(plain);
}

static void a_port_in_use_is_an_error(void **state)
{
	struct stream_listen_options alone = { 0 };
	struct addr none = { 0 };
	struct echo_server s;

	echo_open(&s, (struct stream_limits){ 0 }, alone);
	assert_int_equal(stream_listen(s.set, &s.at, &alone, NULL), -EADDRINUSE);
	assert_int_equal(stream_listen(s.set, &none, &alone, NULL), -EAFNOSUPPORT);
	echo_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_say_who_asked_and_where),
		cmocka_unit_test(frames_survive_any_split),
		cmocka_unit_test(many_frames_in_one_write),
		cmocka_unit_test(what_is_not_ours_ends_the_connection),
		cmocka_unit_test(a_half_closed_client_is_still_answered),
		cmocka_unit_test(closing_sends_what_is_queued_first),
		cmocka_unit_test(freeing_the_set_ends_all),
		cmocka_unit_test(a_port_in_use_is_an_error),
	};

	return cmocka_run_group_tests(tests, echo_set_up, echo_tear_down);
}
