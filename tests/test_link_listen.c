/* link_listen: programs at a link's loopback ports, and a link that this test is. */
#include "natprobe/link/link_listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define ENDS_MAX (LINK_LISTEN_CONN_MAX + 8)
#define ROUNDS   2000 /* of a millisecond at most, until something has to have come */
#define BULK     12000000
#define CONNECT  "connect " LINK_LISTEN_SERVICE "\n"
#define ACCEPT   "accept " LINK_LISTEN_SERVICE "\n"

static struct event_base *base;
static struct link_listen *ports;
static struct link_listen_config config;
static int ends[ENDS_MAX]; /* of the streams, at the link */
static size_t end_count;
static bool is_gone; /* the link */
static char refused[64];

static int attach(void *arg)
{
	int fds[2];

	if (is_gone || end_count == ENDS_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return -1;
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	ends[end_count++] = fds[0];
	return fds[1];
}

static void on_refused(void *arg, const char *word, const char *text)
{
	strncpy(refused, word, sizeof(refused) - 1);
	assert_string_equal(text, "somebody else");
}

/* A port that nobody has now. */
static uint16_t free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	return ntohs(sin.sin_port);
}

static int setup(void **state)
{
	uint16_t which;
	int rc = -EADDRINUSE;

	(void)signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	for (int i = 0; i < 20 && rc == -EADDRINUSE; i++) {
		config = (struct link_listen_config){ .base = base,
						      .write_port = free_port(),
						      .read_port = free_port(),
						      .attach = attach,
						      .on_refused = on_refused };
		rc = link_listen_open(&ports, &config, &which);
	}
	end_count = 0;
	is_gone = false;
	refused[0] = '\0';
	return rc;
}

static int teardown(void **state)
{
	link_listen_close(ports);
	for (size_t i = 0; i < end_count; i++)
		close(ends[i]);
	event_base_free(base);
	return 0;
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static int call(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void await_ends(size_t count)
{
	for (int i = 0; i < ROUNDS && end_count < count; i++) {
		turn();
		(void)poll(NULL, 0, end_count < count);
	}
	assert_int_equal(end_count, count);
}

/* Up to `len` bytes; fewer: it has ended. */
static size_t await(int fd, void *buf, size_t len)
{
	size_t got = 0;

	for (int i = 0; i < ROUNDS && got < len; i++) {
		ssize_t n = recv(fd, (char *)buf + got, len - got, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return got;
		if (n > 0) {
			got += (size_t)n;
			i = 0;
			continue;
		}
		turn();
		(void)poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 1);
	}
	assert_int_equal(got, len);
	return got;
}

static void await_text(int fd, const char *text)
{
	char buf[256];
	size_t len = strlen(text);

	assert_int_equal(await(fd, buf, len), len);
	assert_memory_equal(buf, text, len);
}

static void await_end(int fd)
{
	char c;

	assert_int_equal(await(fd, &c, 1), 0);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

static void what_is_written_goes_to_the_link_with_its_end(void **state)
{
	int program = call(config.write_port);

	say(program, "hello ");
	await_ends(1);
	await_text(ends[0], CONNECT);
	say(program, "world");
	shutdown(program, SHUT_WR); /* before anybody is there at the other side */
	turn();
	say(ends[0], "ok\nwho would say anything?");
	await_text(ends[0], "hello world");
	await_end(ends[0]);
	shutdown(ends[0], SHUT_WR);
	await_end(program);
	close(program);
}

static void what_comes_from_the_link_is_read_with_its_end(void **state)
{
	int program = call(config.read_port);

	say(program, "this is dropped");
	await_ends(1);
	await_text(ends[0], ACCEPT);
	say(ends[0], "o");
	turn();
	say(ends[0], "k\nfirst");
	await_text(program, "first");
	say(ends[0], " second");
	shutdown(ends[0], SHUT_WR);
	await_text(program, " second");
	await_end(program);
	close(program);
	await_end(ends[0]);
}

/* As much as goes, until nothing has for some turns. */
static size_t push(int fd, const char *buf, size_t len)
{
	size_t sent = 0;

	for (int idle = 0; idle < 20 && sent < len; idle++) {
		ssize_t n = send(fd, buf + sent, len - sent, 0);

		turn();
		if (n > 0) {
			sent += (size_t)n;
			idle = 0;
		} else {
			(void)poll(NULL, 0, 1);
		}
	}
	return sent;
}

/* Nobody takes anything at first: not all of it may leave. Then all of it arrives. */
static void carry(int from, int to)
{
	static char buf[BULK], got[BULK];
	size_t sent, at = 0;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 31 >> 3);
	memset(got, 0, sizeof(got));
	sent = push(from, buf, BULK);
	assert_in_range(sent, 1, BULK - 1);
	while (at < BULK) {
		ssize_t n = recv(to, got + at, BULK - at, 0);

		at += n > 0 ? (size_t)n : 0;
		n = sent < BULK ? send(from, buf + sent, BULK - sent, 0) : 0;
		sent += n > 0 ? (size_t)n : 0;
		turn();
	}
	assert_memory_equal(got, buf, BULK);
}

static void bulk_waits_for_who_takes_it(void **state)
{
	int writer = call(config.write_port), reader;

	await_ends(1);
	await_text(ends[0], CONNECT);
	say(ends[0], "ok\n");
	carry(writer, ends[0]);
	reader = call(config.read_port);
	await_ends(2);
	await_text(ends[1], ACCEPT);
	say(ends[1], "ok\n");
	carry(ends[1], reader);
	close(writer);
	close(reader);
}

static void a_reader_that_left_gets_no_stream(void **state)
{
	int program = call(config.read_port);

	await_ends(1);
	await_text(ends[0], ACCEPT);
	close(program);
	await_end(ends[0]);
	program = call(config.read_port);
	await_ends(2);
	await_text(ends[1], ACCEPT);
	say(ends[1], "ok\n");
	turn();
	close(program); /* the other side's writer gets to know */
	await_end(ends[1]);
}

static void a_refusal_closes_the_connection(void **state)
{
	int program = call(config.write_port);

	await_ends(1);
	await_text(ends[0], CONNECT);
	say(ends[0], "error busy somebody else\n");
	await_end(program);
	assert_string_equal(refused, "busy");
	close(program);
	program = call(config.write_port);
	await_ends(2);
	say(ends[1], "no answer of ours\n");
	await_end(program);
	close(program);
	is_gone = true;
	program = call(config.read_port);
	await_end(program);
	close(program);
}

static void an_answer_without_an_end_is_none(void **state)
{
	char much[400];
	int program = call(config.read_port);

	memset(much, 'x', sizeof(much));
	await_ends(1);
	assert_int_equal(send(ends[0], much, sizeof(much), 0), sizeof(much));
	await_end(program);
	close(program);
}

static void there_are_so_many_at_once(void **state)
{
	int programs[LINK_LISTEN_CONN_MAX], more;

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		programs[i] = call(i % 2 ? config.write_port : config.read_port);
		await_ends(i + 1);
	}
	more = call(config.write_port);
	await_end(more);
	close(more);
	close(programs[0]); /* a reader */
	await_text(ends[0], ACCEPT);
	await_end(ends[0]);
	more = call(config.write_port);
	await_ends(ARRAY_LEN(programs) + 1);
	close(more);
	for (size_t i = 1; i < ARRAY_LEN(programs); i++)
		close(programs[i]);
}

static void a_port_that_is_taken_is_named(void **state)
{
	struct link_listen *other;
	struct link_listen_config c = config;
	uint16_t which;

	c.write_port = 0;
	assert_int_equal(link_listen_open(&other, &c, &which), -EADDRINUSE);
	assert_int_equal(which, config.read_port);
	assert_null(other);
	link_listen_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(what_is_written_goes_to_the_link_with_its_end),
		TEST(what_comes_from_the_link_is_read_with_its_end),
		TEST(bulk_waits_for_who_takes_it),
		TEST(a_reader_that_left_gets_no_stream),
		TEST(a_refusal_closes_the_connection),
		TEST(an_answer_without_an_end_is_none),
		TEST(there_are_so_many_at_once),
		TEST(a_port_that_is_taken_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
