/* parting_io: what waits in a socket once both have let go of it is the other program's, whole. */
#include "natprobe/pair/parting_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "udp.h"

#define LIMIT_US 200000 /* nothing waits that long where all goes well */

static const bool never;

struct path {
	struct event_base *base;
	int ours, theirs;
	struct addr us, them;
};

static struct parting_config side(bool is_a)
{
	return (struct parting_config){
		.key = { 7 }, .is_a = is_a, .rtt_us = 1000, .limit_us = LIMIT_US
	};
}

static struct path open_path(void)
{
	const struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);
	const struct udp_options options = { .want_errors = true };
	struct path p = { .base = event_base_new() };

	p.ours = udp_open(&loopback, &options, &p.us);
	p.theirs = udp_open(&loopback, &options, &p.them);
	assert_true(p.base != NULL && p.ours >= 0 && p.theirs >= 0);
	return p;
}

static void close_path(struct path *p)
{
	close(p->ours);
	close(p->theirs);
	event_base_free(p->base);
}

static void say(const struct path *p, struct bytes data)
{
	const struct udp_dgram d = { .data = data, .peer = p->us };

	assert_int_equal(udp_send_one(p->theirs, &d, NULL), 0);
}

/* All that B says, with an A of our own to answer it. Returns how many of its words were said. */
static int say_all(const struct path *p, int most)
{
	const struct parting_config ca = side(true), cb = side(false);
	uint8_t ask[PARTING_BYTES_MAX], go[PARTING_BYTES_MAX], bye[PARTING_BYTES_MAX];
	struct parting a, b;
	uint64_t deadline_us;
	struct bytes data;
	int said = 0;

	parting_start(&a, &ca, 1);
	parting_start(&b, &cb, 1);
	data = parting_next(&b, 1, ask, &deadline_us);
	say(p, data);
	(void)parting_hear(&a, data, 2);
	(void)parting_hear(&b, parting_next(&a, 2, go, &deadline_us), 3);
	for (data = parting_next(&b, 3, bye, &deadline_us); data.len > 0 && said < most; said++) {
		say(p, data);
		data = parting_next(&b, 3, bye, &deadline_us);
	}
	return said;
}

static enum parting_end run(const struct path *p, int fd, bool is_tcp, bool *they_serve)
{
	const struct parting_io_config config = { .base = p->base,
						  .fd = fd,
						  .is_tcp = is_tcp,
						  .peer = p->them,
						  .parting = side(true),
						  .is_interrupted = &never };

	return parting_io_run(&config, they_serve);
}

static void expect_next(int fd, const char *text)
{
	char buf[64] = { 0 };

	assert_int_equal(recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT), strlen(text));
	assert_string_equal(buf, text);
}

static void test_a_program_finds_what_the_other_one_said(void **state)
{
	/* With both good-byes, and with none. */
	for (int byes = 0; byes <= 2; byes += 2) {
		struct path p = open_path();
		bool they_serve;
		char byte;

		assert_int_equal(say_all(&p, byes), byes);
		say(&p, bytes_of_str("hello"));
		say(&p, bytes_of_str("again"));
		assert_int_equal(run(&p, p.ours, false, &they_serve), PARTING_TOGETHER);
		assert_false(they_serve);
		expect_next(p.ours, "hello");
		expect_next(p.ours, "again");
		assert_int_equal(recv(p.ours, &byte, 1, MSG_DONTWAIT), -1);
		close_path(&p);
	}
}

static void test_silence_has_an_end(void **state)
{
	struct path p = open_path();
	bool they_serve;

	assert_int_equal(run(&p, p.ours, false, &they_serve), PARTING_ALONE);
	close_path(&p);
}

static void put_mark(int fd, const char *label)
{
	const struct parting_config c = side(false);
	uint8_t mark[STUN_SHA256_FULL];
	struct stun_key key;

	stun_key_make(&key, bytes_of(c.key, sizeof(c.key)));
	stun_key_hmac_sha256(&key, bytes_of_str(label), mark);
	assert_int_equal(write(fd, mark, sizeof(mark)), sizeof(mark));
}

static void test_a_stream_is_the_programs_from_its_mark_on(void **state)
{
	static const char *const labels[] = { "natkit parting mark B",
					      "natkit parting mark B, which serves" };

	for (int serves = 0; serves < 2; serves++) {
		struct path p = open_path();
		bool they_serve;
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(write(ends[1], "half a frame", 12), 12);
		put_mark(ends[1], labels[serves]);
		assert_int_equal(write(ends[1], "hello", 5), 5);
		assert_int_equal(run(&p, ends[0], true, &they_serve), PARTING_TOGETHER);
		assert_int_equal(they_serve, serves);
		expect_next(ends[0], "hello");
		close(ends[0]);
		close(ends[1]);
		close_path(&p);
	}
}

static void test_a_closed_stream_is_no_path(void **state)
{
	struct path p = open_path();
	bool they_serve;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], "the end", 7), 7);
	assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
	assert_int_equal(run(&p, ends[0], true, &they_serve), PARTING_BROKEN);
	close(ends[0]);
	close(ends[1]);
	close_path(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_program_finds_what_the_other_one_said),
		cmocka_unit_test(test_silence_has_an_end),
		cmocka_unit_test(test_a_stream_is_the_programs_from_its_mark_on),
		cmocka_unit_test(test_a_closed_stream_is_no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
