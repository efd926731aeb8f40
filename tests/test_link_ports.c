/* link_listen, attach, exchange: loopback ports of two links that are joined by memory alone. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>

#include "fake_channels.h"
#include "natprobe/link/attach.h"
#include "natprobe/link/exchange.h"
#include "natprobe/link/link_listen.h"

#define ROUNDS 2000 /* of a millisecond at most */
#define BIG    1000000

enum { WRITE, READ };

static struct event_base *base;
static struct transport *transports[2];

static struct side {
	struct exchange *exchange;
	struct attach *attach;
	struct link_listen *ports;
	uint16_t port[2];
} sides[2];

static void on_line(void *arg, const struct attach_line *line, struct bufferevent *bev)
{
	struct side *s = arg;

	exchange_add(s->exchange, line, bev);
}

static bool on_channel(void *arg, struct channel *c)
{
	struct side *s = arg;

	return exchange_on_channel(s->exchange, c);
}

static int attach(void *arg)
{
	struct side *s = arg;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return -1;
	assert_true(attach_adopt(s->attach, pair[1]));
	return pair[0];
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

/* A port that nobody has now. */
static uint16_t free_port(void)
{
	struct sockaddr_in sin = loopback(0);
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	return ntohs(sin.sin_port);
}

static void open_ports(struct side *s)
{
	uint16_t which;
	int rc = -EADDRINUSE;

	for (int i = 0; i < 20 && rc == -EADDRINUSE; i++) {
		struct link_listen_config c = { .base = base, .attach = attach, .arg = s };

		c.write_port = s->port[WRITE] = free_port();
		c.read_port = s->port[READ] = free_port();
		rc = link_listen_open(&s->ports, &c, &which);
	}
	assert_int_equal(rc, 0);
}

static int set_up(void **state)
{
	void *args[2] = { &sides[0], &sides[1] };

	(void)signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	fake_transports(transports, on_channel, args);
	for (int i = 0; i < 2; i++) {
		const struct attach_hooks hooks = { .on_line = on_line, .arg = &sides[i] };

		sides[i].exchange = exchange_new(base);
		sides[i].attach = attach_new(base, &hooks);
		open_ports(&sides[i]);
	}
	return 0;
}

static int tear_down(void **state)
{
	for (int i = 0; i < 2; i++) {
		link_listen_close(sides[i].ports);
		exchange_free(sides[i].exchange);
		attach_free(sides[i].attach);
	}
	fake_free(transports[0]);
	event_base_free(base);
	return 0;
}

static void meet(void)
{
	for (int i = 0; i < 2; i++)
		exchange_use(sides[i].exchange, transports[i], i == 0);
}

static void turn(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	(void)fake_run(transports[0]);
}

static void turns(void)
{
	for (int i = 0; i < 20; i++)
		turn();
}

static int call(int side, int which)
{
	struct sockaddr_in sin = loopback(sides[side].port[which]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
	turns();
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	turns();
}

/* All of it, with its end where that is to come. Returns how much it was. */
static size_t hear(int fd, char *buf, size_t cap, bool to_end)
{
	size_t got = 0;

	for (int i = 0; i < ROUNDS && (to_end || got < cap); i++) {
		char beyond;
		ssize_t n = got < cap ? recv(fd, buf + got, cap - got, 0) : recv(fd, &beyond, 1, 0);

		if (n == 0)
			return got;
		assert_true(n < 0 || got < cap);
		if (n > 0) {
			got += (size_t)n;
			i = 0;
		}
		turn();
		(void)poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, n < 0);
	}
	assert_false(to_end); /* it never came */
	return got;
}

static void hear_all(int fd, const char *text)
{
	char buf[256];
	size_t len = hear(fd, buf, sizeof(buf), true);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(buf, text, len);
	close(fd);
}

/* Before there is a link, and a reader; and gone by then. */
static void a_writer_may_come_first_and_leave(void **state)
{
	int writer = call(0, WRITE);

	say(writer, "early ");
	say(writer, "words");
	close(writer);
	turns();
	meet();
	turns();
	hear_all(call(1, READ), "early words");
}

static void a_reader_may_come_first(void **state)
{
	int reader = call(0, READ), writer;

	meet();
	turns();
	writer = call(1, WRITE);
	say(writer, "late words");
	shutdown(writer, SHUT_WR);
	hear_all(reader, "late words");
	close(writer);
}

static void both_ways_and_several_go_in_order(void **state)
{
	int writers[4], readers[4];

	meet();
	for (int i = 0; i < 4; i++)
		writers[i] = call(i % 2, WRITE);
	for (int i = 0; i < 4; i++)
		readers[i] = call((i + 1) % 2, READ);
	for (int i = 3; i >= 0; i--) {
		const char text[] = { (char)('a' + i), '\0' };

		say(writers[i], text);
		close(writers[i]);
	}
	for (int i = 0; i < 4; i++) {
		const char text[] = { (char)('a' + i), '\0' };

		hear_all(readers[i], text);
	}
}

static void a_writer_learns_that_its_reader_left(void **state)
{
	int writer, reader;
	char c;

	meet();
	writer = call(0, WRITE);
	reader = call(1, READ);
	say(writer, "x");
	assert_int_equal(hear(reader, &c, 1, false), 1);
	close(reader);
	hear_all(writer, "");
}

static void much_arrives_as_it_was(void **state)
{
	static char buf[BIG], got[BIG];
	int writer, reader;
	size_t sent = 0, at = 0;

	meet();
	writer = call(1, WRITE);
	reader = call(0, READ);
	for (size_t i = 0; i < BIG; i++)
		buf[i] = (char)(i * 7 >> 2);
	for (int i = 0; i < 100 * ROUNDS && at < BIG; i++) {
		ssize_t n = send(writer, buf + sent, BIG - sent, 0);

		sent += n > 0 ? (size_t)n : 0;
		turn();
		n = recv(reader, got + at, BIG - at, 0);
		at += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(at, BIG);
	assert_memory_equal(got, buf, BIG);
	close(writer);
	hear_all(reader, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(a_writer_may_come_first_and_leave),
		TEST(a_reader_may_come_first),
		TEST(both_ways_and_several_go_in_order),
		TEST(a_writer_learns_that_its_reader_left),
		TEST(much_arrives_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
