/* probe_socket: which local port a socket has, and who may share it. */
#include "natprobe/net/probe_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natprobe/net/bound_port.h"
#include "sockaddr.h"

static struct probe_source loopback(void)
{
	return (struct probe_source){ .local = addr_ipv4(127, 0, 0, 1, 0) };
}

static struct addr name_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr a = { 0 };

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(sockaddr_to_addr((struct sockaddr *)&sa, &a));
	return a;
}

static void the_system_chooses_where_nobody_else_does(void **state)
{
	struct probe_source from = loopback();
	struct addr one, two;
	int a = probe_socket_udp(&from, 0, &one);
	int b = probe_socket_udp(&from, 0, &two);

	assert_true(a >= 0 && b >= 0);
	assert_int_not_equal(one.port, 0);
	assert_int_not_equal(one.port, two.port);
	close(a);
	close(b);
}

static void a_udp_port_has_one_owner(void **state)
{
	struct probe_source from = loopback();
	struct addr bound, again;
	int a = probe_socket_udp(&from, 0, &bound);
	int b;

	assert_true(a >= 0);
	assert_int_equal(probe_socket_udp(&from, bound.port, &again), -EADDRINUSE);
	close(a);
	b = probe_socket_udp(&from, bound.port, &again);
	assert_true(b >= 0);
	assert_true(addr_equal(&bound, &again));
	close(b);
}

static void an_owner_of_a_port_is_seen(void **state)
{
	struct probe_source from = loopback();
	struct addr bound;
	int a = probe_socket_udp(&from, 0, &bound);

	assert_true(a >= 0);
	if (bound_port_udp(bound.port) < 0) {
		close(a);
		skip();
	}
	assert_int_equal(bound_port_udp(bound.port), 1);
	assert_int_equal(bound_port_udp(0), 0);
	close(a);
}

static int listen_somewhere(struct addr *at)
{
	struct sockaddr_storage sa;
	struct addr any_port = addr_ipv4(127, 0, 0, 1, 0);
	socklen_t len = sockaddr_from_addr(&any_port, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	*at = name_of(fd);
	return fd;
}

static bool connects(int fd, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);

	return connect(fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS;
}

static void connections_share_a_port(void **state)
{
	struct probe_source from = loopback();
	struct addr to[2];
	int listeners[2] = { listen_somewhere(&to[0]), listen_somewhere(&to[1]) };
	int first = probe_socket_tcp(&from, 0);
	uint16_t port = name_of(first).port;
	int second, third;

	assert_int_not_equal(port, 0);
	assert_true(connects(first, &to[0]));
	second = probe_socket_tcp(&from, port);
	assert_true(second >= 0);
	assert_int_equal(name_of(second).port, port);
	assert_true(connects(second, &to[1]));
	/* To the same place it would be the same connection. */
	third = probe_socket_tcp(&from, port);
	assert_true(third >= 0);
	assert_false(connects(third, &to[1]));
	close(first);
	close(second);
	close(third);
	close(listeners[0]);
	close(listeners[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_system_chooses_where_nobody_else_does),
		cmocka_unit_test(a_udp_port_has_one_owner),
		cmocka_unit_test(an_owner_of_a_port_is_seen),
		cmocka_unit_test(connections_share_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
