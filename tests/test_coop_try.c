/* coop_try: connections and datagrams on the loopback, and what is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"
#include "stund/coop_try.h"
#include "udp.h"

static struct {
	struct event_base *base;
	struct coop_try *tries;
	int told;
	uint32_t handle;
	struct coop_report outcome;
} f;

static void on_outcome(uint32_t handle, const struct coop_report *outcome, void *arg)
{
	assert_ptr_equal(arg, &f);
	f.told++;
	f.handle = handle;
	f.outcome = *outcome;
}

static int set_up(void **state)
{
	f.told = 0;
	f.base = event_base_new();
	f.tries = coop_try_new(f.base, on_outcome, &f);
	return f.tries != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	coop_try_free(f.tries);
	event_base_free(f.base);
	return 0;
}

/* A bound socket, listening or not; *at is where. */
static int bound(bool listens, struct addr *at)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*at = addr_ipv4(127, 0, 0, 1, 0);
	len = sockaddr_from_addr(at, &sa);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_true(!listens || listen(fd, 4) == 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(sockaddr_to_addr((struct sockaddr *)&sa, at));
	return fd;
}

/* The loop sees to it: loopback is quick. */
static void wait_for_outcome(void)
{
	while (f.told == 0)
		assert_int_equal(event_base_loop(f.base, EVLOOP_ONCE), 0);
}

static int try_datagram(const struct addr *local, const struct addr *to, uint32_t wait_ms,
			uint32_t handle)
{
	return coop_try_datagram(f.tries, local, to, BYTES("hello"), COOP_DF_NEVER, wait_ms,
				 handle);
}

static void a_connection_that_stands_is_closed_at_once(void **state)
{
	struct addr any = addr_ipv4(127, 0, 0, 2, 0), to, from;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = bound(true, &to), peer;
	char byte;

	assert_int_equal(coop_try_connect(f.tries, &any, &to, 5000, 77), 0);
	assert_int_equal(f.told, 0); /* from the loop only */
	wait_for_outcome();
	assert_int_equal(f.handle, 77);
	assert_int_equal(f.outcome.outcome, COOP_CONNECTED);
	peer = accept(fd, (struct sockaddr *)&sa, &len);
	assert_true(peer >= 0 && sockaddr_to_addr((struct sockaddr *)&sa, &from));
	assert_true(addr_equal_ip(&from, &any));
	assert_int_equal(read(peer, &byte, 1), 0);
	close(peer);
	close(fd);
}

/* From a port of ours the same connection can be had again. */
static void a_port_that_was_given_is_free_again(void **state)
{
	struct addr local, to;
	int fd = bound(true, &to), own = bound(false, &local);

	close(own);
	for (int i = 0; i < 3; i++) {
		f.told = 0;
		assert_int_equal(coop_try_connect(f.tries, &local, &to, 5000, 1), 0);
		wait_for_outcome();
		assert_int_equal(f.outcome.outcome, COOP_CONNECTED);
	}
	close(fd);
}

static void a_reset_is_told(void **state)
{
	struct addr any = addr_ipv4(127, 0, 0, 1, 0), to;
	int fd = bound(false, &to);

	assert_int_equal(coop_try_connect(f.tries, &any, &to, 5000, 5), 0);
	assert_int_equal(f.told, 0);
	wait_for_outcome();
	assert_int_equal(f.handle, 5);
	assert_int_equal(f.outcome.outcome, COOP_RESET);
	close(fd);
}

static void what_cannot_begin_is_told_at_once(void **state)
{
	struct addr foreign = addr_ipv4(192, 0, 2, 1, 0), any = addr_ipv4(127, 0, 0, 1, 0), to,
		    taken;
	int fd = bound(true, &to), other = bound(true, &taken);

	assert_int_equal(coop_try_connect(f.tries, &foreign, &to, 5000, 5), -EADDRNOTAVAIL);
	assert_int_equal(coop_try_connect(f.tries, &taken, &to, 5000, 5), -EADDRINUSE);
	assert_int_equal(event_base_loop(f.base, EVLOOP_NONBLOCK), 1); /* nothing to wait for */
	assert_int_equal(f.told, 0);
	assert_int_equal(coop_try_connect(f.tries, &any, &to, 5000, 5), 0);
	wait_for_outcome();
	close(fd);
	close(other);
}

/* A queue that is full drops SYNs: the one sure silence of a loopback. */
static void silence_is_told_in_time(void **state)
{
	struct addr any = addr_ipv4(127, 0, 0, 1, 0), to;
	int fd = bound(false, &to), in_line[8];

	assert_int_equal(listen(fd, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(in_line); i++) {
		struct sockaddr_storage sa;
		socklen_t len = sockaddr_from_addr(&to, &sa);

		in_line[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_true(in_line[i] >= 0);
		(void)connect(in_line[i], (struct sockaddr *)&sa, len);
	}
	assert_int_equal(coop_try_connect(f.tries, &any, &to, 20, 9), 0);
	wait_for_outcome();
	assert_int_equal(f.outcome.outcome, COOP_TIMED_OUT);
	for (size_t i = 0; i < ARRAY_LEN(in_line); i++)
		close(in_line[i]);
	close(fd);
}

static void what_comes_back_to_a_datagram_is_told(void **state)
{
	static const struct udp_options plain = { 0 };
	struct addr any = addr_ipv4(127, 0, 0, 2, 0), to = addr_ipv4(127, 0, 0, 1, 0);
	int fd = udp_open(&to, &plain, &to);
	struct udp_dgram d;
	uint8_t buf[16];
	bool has_errors;

	assert_true(fd >= 0);
	assert_int_equal(try_datagram(&any, &to, 20, 1), 0);
	assert_int_equal(udp_recv_one(fd, buf, sizeof(buf), &d), 1);
	assert_true(addr_equal_ip(&d.peer, &any) && d.data.len == 5);
	wait_for_outcome();
	assert_int_equal(f.outcome.outcome, COOP_SENT);

	f.told = 0;
	assert_int_equal(try_datagram(&any, &to, 5000, 2), 0);
	assert_int_equal(udp_recv_one(fd, buf, sizeof(buf), &d), 1);
	d.data = BYTES("hello");
	d.local = (struct addr){ 0 };
	assert_int_equal(udp_send_one(fd, &d, &has_errors), 0);
	wait_for_outcome();
	assert_int_equal(f.outcome.outcome, COOP_CONNECTED);

	f.told = 0;
	close(fd);
	assert_int_equal(try_datagram(&any, &to, 5000, 3), 0);
	wait_for_outcome();
	assert_int_equal(f.handle, 3);
	assert_int_equal(f.outcome.outcome, COOP_UNREACHABLE);
	assert_int_equal(f.outcome.icmp_type << 8 | f.outcome.icmp_code, 3 << 8 | 3);
}

static void what_is_under_way_ends_with_its_owner(void **state)
{
	struct addr any = addr_ipv4(127, 0, 0, 1, 0), to;
	int fd = bound(true, &to);

	for (uint32_t i = 1; i < 9; i++)
		assert_int_equal(coop_try_connect(f.tries, &any, &to, 5000, i), 0);
	close(fd); /* tear_down frees them; a sanitizer would tell */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_connection_that_stands_is_closed_at_once),
		TEST(a_port_that_was_given_is_free_again),
		TEST(a_reset_is_told),
		TEST(what_cannot_begin_is_told_at_once),
		TEST(silence_is_told_in_time),
		TEST(what_comes_back_to_a_datagram_is_told),
		TEST(what_is_under_way_ends_with_its_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
