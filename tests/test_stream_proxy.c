/* Listeners behind a proxy: whom its header names, and who may write one. */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "stream_echo.h"
#include "tls_client.h"

#define V1 "PROXY TCP4 203.0.113.9 198.51.100.2 56324 443\r\n"

static bool from_localhost_only(const struct addr *proxy, void *arg)
{
	struct addr want = addr_ipv4(127, 0, 0, 1, proxy->port);

	return addr_equal(proxy, &want);
}

static void open_proxied(struct echo_server *s, struct stream_limits limits)
{
	echo_open(s, limits,
		  (struct stream_listen_options){
			  .proxy = true, .proxy_may = from_localhost_only, .user = s });
}

static void is_named(const struct echo_server *s)
{
	struct addr from = addr_ipv4(203, 0, 113, 9, 56324), to = addr_ipv4(198, 51, 100, 2, 443);

	assert_true(addr_equal(&s->last_peer.remote, &from));
	assert_true(addr_equal(&s->last_peer.local, &to));
}

static void the_header_names_the_client_however_it_is_cut(void **state)
{
	static const char header[] = V1;
	struct echo_server s;

	for (size_t cut = 0; cut < sizeof(header); cut++) {
		struct echo_request r = echo_request('a');
		uint8_t rest[sizeof(header) + 20];
		int fd;

		open_proxied(&s, (struct stream_limits){ 0 });
		fd = echo_dial(&s);
		echo_put(fd, header, cut);
		echo_turn(&s);
		echo_turn(&s);
		memcpy(rest, header + cut, sizeof(header) - 1 - cut);
		memcpy(rest + sizeof(header) - 1 - cut, r.bytes, 20);
		echo_put(fd, rest, sizeof(header) - 1 - cut + 20);
		echo_await(&s, &s.frames, 1);
		is_named(&s);
		assert_ptr_equal(stream_listener_user(s.last_conn), &s);
		close(fd);
		echo_close(&s);
	}
}

static void tls_begins_behind_the_header(void **state)
{
	struct echo_server s;
	struct tls_client c;

	open_proxied(&s, (struct stream_limits){ 0 });
	tls_open(&c, &s);
	echo_put(c.fd, V1, sizeof(V1) - 1);
	assert_true(tls_handshake(&c, &s));
	tls_ask(&c, &s, 'a');
	assert_int_equal(s.last_peer.transport, STUN_TLS);
	is_named(&s);
	tls_close(&c);
	echo_close(&s);
}

static void a_header_without_names_leaves_the_connections_own(void **state)
{
	struct echo_server s;
	int fd;

	open_proxied(&s, (struct stream_limits){ 0 });
	fd = echo_dial(&s);
	echo_put(fd, "PROXY UNKNOWN\r\n", 15);
	echo_ask(&s, fd, 'a');
	assert_true(addr_is_loopback(&s.last_peer.remote));
	assert_true(addr_equal(&s.last_peer.local, &s.at));
	close(fd);
	echo_close(&s);
}

static void who_may_not_speak_for_others_is_not_let_in(void **state)
{
	struct echo_server s;
	int fd;

	open_proxied(&s, (struct stream_limits){ 0 });
	fd = echo_dial_from(&s, addr_ipv4(127, 0, 0, 2, 0));
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(stream_set_stats(s.set)->refused_proxy, 1);
	close(fd);
	echo_close(&s);
}

static void without_a_header_there_is_no_service(void **state)
{
	struct stream_limits limits = { .frame_ms = HOUR_MS };
	struct echo_request r = echo_request('a');
	struct echo_server s;
	int fd, slow;

	open_proxied(&s, limits);
	fd = echo_dial(&s);
	echo_put(fd, r.bytes, sizeof(r.bytes));
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(echo_ended(&s, STREAM_END_PROXY), 1);
	assert_int_equal(s.frames, 0);
	close(fd);

	slow = echo_dial(&s);
	echo_put(slow, V1, 20);
	echo_settle(&s);
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_true(echo_is_closed(&s, slow));
	assert_int_equal(echo_ended(&s, STREAM_END_SLOW), 1);
	close(slow);
	echo_close(&s);
}

static void each_named_source_has_its_own_limit(void **state)
{
	static const char *const names[] = {
		"PROXY TCP4 203.0.113.9 198.51.100.2 1 443\r\n",
		"PROXY TCP4 203.0.113.9 198.51.100.2 2 443\r\n",
		"PROXY TCP4 203.0.113.8 198.51.100.2 3 443\r\n",
	};
	struct echo_server s;
	int fds[3];

	open_proxied(&s, (struct stream_limits){ .max_per_source = 1 });
	for (int i = 0; i < 3; i++) {
		fds[i] = echo_dial(&s);
		echo_put(fds[i], names[i], strlen(names[i]));
		echo_settle(&s);
	}
	echo_ask(&s, fds[0], 'a');
	assert_true(echo_is_closed(&s, fds[1]));
	assert_int_equal(stream_set_stats(s.set)->refused_source, 1);
	echo_ask(&s, fds[2], 'a');
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	echo_await(&s, &s.ends, 3);
	fds[0] = echo_dial(&s); /* its place is free again */
	echo_put(fds[0], names[0], strlen(names[0]));
	echo_ask(&s, fds[0], 'b');
	close(fds[0]);
	echo_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_names_the_client_however_it_is_cut),
		cmocka_unit_test(tls_begins_behind_the_header),
		cmocka_unit_test(a_header_without_names_leaves_the_connections_own),
		cmocka_unit_test(who_may_not_speak_for_others_is_not_let_in),
		cmocka_unit_test(without_a_header_there_is_no_service),
		cmocka_unit_test(each_named_source_has_its_own_limit),
	};

	return cmocka_run_group_tests(tests, echo_set_up, echo_tear_down);
}
