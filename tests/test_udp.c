/* udp on the loopback: no privilege, no waiting; what the host lacks is skipped. */
#include "udp.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const struct addr loopback6 = { .family = ADDR_IPV6, .ip = { [15] = 1 } };
static const struct addr any6 = { .family = ADDR_IPV6 };

struct pair {
	struct udp_batch *batch;
	struct udp_dgram got[UDP_BATCH];
	int a, b;
	struct addr addr_a, addr_b;
};

static void pair_open(struct pair *p, struct addr a, struct addr b, struct udp_options options_b)
{
	struct udp_options plain = { 0 };

	p->b = -1;
	p->a = udp_open(&a, &plain, &p->addr_a);
	if (p->a >= 0)
		p->b = udp_open(&b, &options_b, &p->addr_b);
	if (p->b == -EOPNOTSUPP && p->a >= 0)
		close(p->a);
	if (p->b == -EOPNOTSUPP || p->a == -EADDRNOTAVAIL || p->a == -EAFNOSUPPORT)
		skip();
	assert_true(p->a >= 0);
	assert_true(p->b >= 0);
	p->batch = udp_batch_new();
	assert_non_null(p->batch);
}

static void pair_close(struct pair *p)
{
	close(p->a);
	close(p->b);
	udp_batch_free(p->batch);
}

static struct udp_dgram dgram_to(struct addr to, struct bytes data)
{
	return (struct udp_dgram){ .data = data, .peer = to };
}

static void send_one(struct pair *p, int fd, struct addr to, struct bytes data)
{
	struct udp_dgram d = dgram_to(to, data);

	assert_int_equal(udp_send(fd, p->batch, &d, 1), 1);
}

static void exchange(struct addr at)
{
	struct pair p;

	pair_open(&p, at, at, (struct udp_options){ 0 });
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 0);
	send_one(&p, p.a, p.addr_b, BYTES("ping"));
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 1);
	assert_true(bytes_equal(p.got[0].data, BYTES("ping")));
	assert_true(addr_equal(&p.got[0].peer, &p.addr_a));
	assert_int_equal(p.got[0].local.family, ADDR_NONE);
	assert_false(p.got[0].truncated);
	pair_close(&p);
}

static void ipv4_and_ipv6_carry_datagrams(void **state)
{
	exchange(addr_ipv4(127, 0, 0, 1, 0));
	exchange(loopback6);
}

static void sockets_do_not_block_and_close_on_exec(void **state)
{
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	assert_true(fcntl(p.a, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(p.a, F_GETFD) & FD_CLOEXEC);
	pair_close(&p);
}

static void a_batch_keeps_order_and_has_a_limit(void **state)
{
	static uint8_t numbers[UDP_BATCH + 1];
	struct udp_dgram out[UDP_BATCH];
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	for (int i = 0; i <= UDP_BATCH; i++)
		numbers[i] = (uint8_t)i;
	for (int i = 0; i < UDP_BATCH; i++)
		out[i] = dgram_to(p.addr_b, bytes_of(&numbers[i], 1));
	assert_int_equal(udp_send(p.a, p.batch, out, UDP_BATCH), UDP_BATCH);
	send_one(&p, p.a, p.addr_b, bytes_of(&numbers[UDP_BATCH], 1));

	assert_int_equal(udp_recv(p.b, p.batch, p.got), UDP_BATCH);
	for (int i = 0; i < UDP_BATCH; i++)
		assert_true(bytes_equal(p.got[i].data, bytes_of(&numbers[i], 1)));
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 1);
	assert_true(bytes_equal(p.got[0].data, bytes_of(&numbers[UDP_BATCH], 1)));
	pair_close(&p);
}

static void an_empty_datagram_is_one(void **state)
{
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	send_one(&p, p.a, p.addr_b, BYTES(""));
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 1);
	assert_int_equal(p.got[0].data.len, 0);
	pair_close(&p);
}

static void a_long_datagram_is_cut_and_says_so(void **state)
{
	static const uint8_t zeros[UDP_RX_MAX + 1];
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	send_one(&p, p.a, p.addr_b, bytes_of(zeros, UDP_RX_MAX + 1));
	send_one(&p, p.a, p.addr_b, bytes_of(zeros, UDP_RX_MAX));
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 2);
	assert_int_equal(p.got[0].data.len, UDP_RX_MAX);
	assert_true(p.got[0].truncated);
	assert_int_equal(p.got[1].data.len, UDP_RX_MAX);
	assert_false(p.got[1].truncated);
	pair_close(&p);
}

static void a_refused_datagram_does_not_hold_back_others(void **state)
{
	struct pair p;
	struct udp_dgram out[5];

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	out[0] = dgram_to(addr_ipv4(127, 0, 0, 1, 0), BYTES("port 0"));
	out[1] = dgram_to(p.addr_b, BYTES("one"));
	out[2] = dgram_to(addr_ipv4(255, 255, 255, 255, 9), BYTES("broadcast"));
	out[3] = dgram_to(loopback6, BYTES("other family"));
	out[4] = dgram_to(p.addr_b, BYTES("two"));
	assert_int_equal(udp_send(p.a, p.batch, out, 5), 2);
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 2);
	assert_true(bytes_equal(p.got[0].data, BYTES("one")));
	assert_true(bytes_equal(p.got[1].data, BYTES("two")));
	assert_true(udp_send(p.a, p.batch, out, 1) < 0);
	pair_close(&p);
}

/* Whether the system joins them or not, they arrive one by one. */
static void joined_datagrams_arrive_apart(void **state)
{
	static const char *const texts[] = { "four", "five", "six", "long", "end!", "longer", "" };
	struct udp_dgram out[2 * ARRAY_LEN(texts)];
	struct pair p;
	int n = ARRAY_LEN(texts);

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	udp_batch_join(p.batch);
	for (int i = 0; i < n; i++) {
		out[i] = dgram_to(p.addr_b, bytes_of_str(texts[i]));
		out[n + i] = dgram_to(i < 2 ? p.addr_a : p.addr_b, bytes_of_str(texts[i]));
	}
	assert_int_equal(udp_send(p.a, p.batch, out, 2 * n), 2 * n);
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 2 * n - 2);
	for (int i = 0; i < 2 * n - 2; i++) {
		int at = i < n ? i : i + 2 - n;

		assert_true(bytes_equal(p.got[i].data, bytes_of_str(texts[at])));
		assert_true(addr_equal(&p.got[i].peer, &p.addr_a));
	}
	assert_int_equal(udp_recv(p.a, p.batch, p.got), 2);
	assert_true(bytes_equal(p.got[1].data, BYTES("five")));
	pair_close(&p);
}

static void what_is_refused_together_is_tried_apart(void **state)
{
	struct udp_dgram out[6];
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	udp_batch_join(p.batch);
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		out[i] = dgram_to(i < 3 ? addr_ipv4(127, 0, 0, 1, 0) : p.addr_b, BYTES("data"));
	assert_int_equal(udp_send(p.a, p.batch, out, 6), 3);
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 3);
	assert_true(udp_send(p.a, p.batch, out, 3) < 0);
	pair_close(&p);
}

/* Asks a wildcard socket at `to`, which answers from where it was asked. */
static void ask_wildcard(struct pair *p, struct addr to)
{
	struct udp_dgram answer;

	to.port = p->addr_b.port;
	send_one(p, p->a, to, BYTES("who"));
	assert_int_equal(udp_recv(p->b, p->batch, p->got), 1);
	assert_true(addr_equal_ip(&p->got[0].local, &to));
	assert_int_equal(p->got[0].local.port, 0);

	/* The bytes stay where they were received. */
	answer = p->got[0];
	assert_int_equal(udp_send(p->b, p->batch, &answer, 1), 1);
	assert_int_equal(udp_recv(p->a, p->batch, p->got), 1);
	assert_true(addr_equal(&p->got[0].peer, &to));
	assert_true(bytes_equal(p->got[0].data, BYTES("who")));
}

static void answers_leave_from_the_address_that_was_asked(void **state)
{
	struct udp_options wildcard = { .want_local = true };
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(0, 0, 0, 0, 0), wildcard);
	ask_wildcard(&p, addr_ipv4(127, 0, 0, 1, 0));
	ask_wildcard(&p, addr_ipv4(127, 0, 0, 2, 0));
	ask_wildcard(&p, addr_ipv4(127, 9, 8, 7, 0));
	pair_close(&p);
}

static void answers_leave_from_the_ipv6_address_that_was_asked(void **state)
{
	struct udp_options wildcard = { .want_local = true };
	struct pair p;

	pair_open(&p, loopback6, any6, wildcard);
	ask_wildcard(&p, loopback6);
	pair_close(&p);
}

static void a_foreign_source_address_is_refused(void **state)
{
	struct udp_options wildcard = { .want_local = true };
	struct udp_dgram out;
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(0, 0, 0, 0, 0), wildcard);
	out = dgram_to(p.addr_a, BYTES("x"));
	out.local = addr_ipv4(198, 51, 100, 1, 0);
	assert_true(udp_send(p.b, p.batch, &out, 1) < 0);
	pair_close(&p);
}

static void workers_share_a_port_only_where_asked(void **state)
{
	struct addr at = addr_ipv4(127, 0, 0, 1, 0), bound;
	struct udp_options shared = { .reuse_port = true }, alone = { 0 };
	int first = udp_open(&at, &shared, &bound), second, third;

	assert_true(first >= 0);
	assert_int_not_equal(bound.port, 0);
	second = udp_open(&bound, &shared, NULL);
	assert_true(second >= 0);
	third = udp_open(&bound, &alone, NULL);
	assert_int_equal(third, -EADDRINUSE);
	close(first);
	close(second);
}

static void ipv6_sockets_take_ipv6_only(void **state)
{
	struct udp_options options = { 0 };
	struct addr six, four = addr_ipv4(0, 0, 0, 0, 0);
	int fd6 = udp_open(&any6, &options, &six), fd4;

	if (fd6 == -EAFNOSUPPORT)
		skip();
	assert_true(fd6 >= 0);
	four.port = six.port; /* free for IPv4, or the IPv6 socket would hold it too */
	fd4 = udp_open(&four, &options, NULL);
	assert_true(fd4 >= 0 || fd4 == -EADDRINUSE);
	if (fd4 >= 0)
		close(fd4);
	close(fd6);
}

static void errors_come_back_as_numbers(void **state)
{
	struct udp_options options = { 0 };
	struct addr none = { 0 }, foreign = addr_ipv4(198, 51, 100, 1, 0);
	struct udp_batch *batch = udp_batch_new();
	struct udp_dgram got[UDP_BATCH];

	assert_non_null(batch);
	assert_int_equal(udp_open(&none, &options, NULL), -EAFNOSUPPORT);
	assert_int_equal(udp_open(&foreign, &options, NULL), -EADDRNOTAVAIL);
	assert_int_equal(udp_recv(-1, batch, got), -EBADF);
	udp_batch_free(batch);
	udp_batch_free(NULL);
}

/* Whoever gets the socket is told nothing about what it has not sent. */
static void errors_are_left_behind(void **state)
{
	const struct addr at = addr_ipv4(127, 0, 0, 1, 0);
	struct udp_options options = { .want_errors = true };
	struct udp_dgram out, got;
	struct udp_error error;
	uint8_t buf[16];
	struct pair p;

	pair_open(&p, at, at, options);
	out = dgram_to(p.addr_a, BYTES("x"));
	close(p.a);
	assert_int_equal(udp_send_one(p.b, &out, NULL), 0);
	assert_int_equal(udp_leave_errors(p.b, ADDR_IPV4), 0);
	assert_int_equal(udp_recv_one(p.b, buf, sizeof(buf), &got), 0);
	assert_int_equal(udp_recv_error(p.b, &error), 0);
	assert_int_equal(udp_send_one(p.b, &out, NULL), 0);
	assert_int_equal(udp_recv_one(p.b, buf, sizeof(buf), &got), 0);
	p.a = udp_open(&at, &options, NULL);
	pair_close(&p);
}

static void pair_open_at(struct pair *p, struct addr at, struct udp_options options)
{
	pair_open(p, at, at, options);
	if (udp_set_dont_fragment(p->a, at.family, true) == -EOPNOTSUPP) {
		pair_close(p);
		skip();
	}
	assert_int_equal(udp_set_dont_fragment(p->a, at.family, false), 0);
}

/* What the header said comes along, in a batch and alone; what says nothing goes as usual. */
static void header_fields(struct addr at)
{
	struct udp_options options = { .want_ip = true, .want_local = true };
	struct udp_dgram out, got;
	uint8_t buf[16];
	bool has_errors = false;
	struct pair p;
	uint8_t usual;

	pair_open_at(&p, at, options);
	out = dgram_to(p.addr_b, BYTES("x"));
	assert_int_equal(udp_send_one(p.a, &out, &has_errors), 0);
	assert_int_equal(udp_recv_one(p.b, buf, sizeof(buf), &got), 1);
	usual = got.ip.ttl;
	assert_int_not_equal(usual, 0);
	assert_int_equal(got.ip.tos, 0);
	assert_true(addr_equal_ip(&got.local, &at));

	out.ip = (struct udp_ip){ .ttl = 33, .tos = 0xb9 }; /* EF, ECT(1) */
	assert_int_equal(udp_send_one(p.a, &out, &has_errors), 0);
	assert_int_equal(udp_send(p.a, p.batch, &out, 1), 1);
	assert_int_equal(udp_recv_one(p.b, buf, sizeof(buf), &got), 1);
	assert_int_equal(got.ip.ttl, 33);
	assert_int_equal(got.ip.tos, 0xb9);
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 1);
	assert_int_equal(p.got[0].ip.ttl, 33);
	assert_int_equal(p.got[0].ip.tos, 0xb9);

	out.ip = (struct udp_ip){ 0 };
	assert_int_equal(udp_send(p.a, p.batch, &out, 1), 1);
	assert_int_equal(udp_recv(p.b, p.batch, p.got), 1);
	assert_int_equal(p.got[0].ip.ttl, usual);
	assert_int_equal(p.got[0].ip.tos, 0);
	pair_close(&p);
}

static void ttl_and_tos_go_along_with_each_datagram(void **state)
{
	header_fields(addr_ipv4(127, 0, 0, 1, 0));
}

static void who_wants_no_errors_sends_all_the_same(void **state)
{
	const struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);
	const struct udp_options options = { .want_errors = true };
	struct udp_dgram out;
	struct pair p;

	pair_open_at(&p, loopback, options);
	out = dgram_to(p.addr_b, BYTES("x"));
	close(p.b);
	/* Each is answered by ICMP, of which the next one is told. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(udp_send_one(p.a, &out, NULL), 0);
	p.b = dup(p.a);
	pair_close(&p);
}

static void hop_limit_and_traffic_class_go_along(void **state)
{
	header_fields(loopback6);
}

static void one_datagram_lands_where_there_is_room_around_it(void **state)
{
	static uint8_t room[8 + UDP_MAX + 8], sent[UDP_MAX];
	struct udp_dgram out, got;
	bool has_errors = false;
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ .receive_buffer = 1 << 20 });
	memset(room, 0xee, sizeof(room));
	memset(sent, 0x11, sizeof(sent));
	assert_int_equal(udp_recv_one(p.b, room + 8, UDP_MAX, &got), 0);
	out = dgram_to(p.addr_b, bytes_of(sent, UDP_MAX));
	assert_int_equal(udp_send_one(p.a, &out, &has_errors), 0);
	assert_int_equal(udp_recv_one(p.b, room + 8, UDP_MAX, &got), 1);
	assert_ptr_equal(got.data.data, room + 8);
	assert_true(bytes_equal(got.data, out.data));
	assert_true(addr_equal(&got.peer, &p.addr_a));
	assert_false(got.truncated);
	assert_int_equal(room[7], 0xee);
	assert_int_equal(room[8 + UDP_MAX], 0xee);

	assert_int_equal(udp_send_one(p.a, &out, &has_errors), 0);
	assert_int_equal(udp_recv_one(p.b, room, 100, &got), 1);
	assert_int_equal(got.data.len, 100);
	assert_true(got.truncated);
	pair_close(&p);
}

static void a_wide_batch_takes_the_longest(void **state)
{
	static const uint8_t zeros[UDP_MAX];
	struct udp_batch *wide = udp_batch_new_for(UDP_MAX, 64);
	struct pair p;

	assert_non_null(wide);
	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ .receive_buffer = 1 << 20 });
	send_one(&p, p.a, p.addr_b, bytes_of(zeros, UDP_MAX));
	send_one(&p, p.a, p.addr_b, BYTES("next"));
	assert_int_equal(udp_recv(p.b, wide, p.got), 2);
	assert_int_equal(p.got[0].data.len, UDP_MAX);
	assert_false(p.got[0].truncated);
	assert_true(bytes_equal(p.got[1].data, BYTES("next")));
	udp_batch_free(wide);
	pair_close(&p);
}

/* What stands around a datagram is the reader's; so is how many are taken at once. */
static void a_batch_has_room_and_takes_some(void **state)
{
	struct udp_batch *roomy = udp_batch_new_for(100, 64);
	uint8_t longest[100];
	struct pair p;

	assert_non_null(roomy);
	memset(longest, 0x55, sizeof(longest));
	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	for (int i = 0; i < 3; i++)
		send_one(&p, p.a, p.addr_b, bytes_of(longest, sizeof(longest)));
	assert_int_equal(udp_recv_some(p.b, roomy, p.got, 2), 2);
	for (int i = 0; i < 2; i++) {
		uint8_t *data = (uint8_t *)(uintptr_t)p.got[i].data.data;

		memset(data - 64, 0xee, 64);
		memset(data + 100, 0xee, 64);
	}
	for (int i = 0; i < 2; i++)
		assert_true(bytes_equal(p.got[i].data, bytes_of(longest, sizeof(longest))));
	assert_int_equal(udp_recv_some(p.b, roomy, p.got, 2), 1);
	assert_int_equal(udp_recv_some(p.b, roomy, p.got, 2), 0);
	udp_batch_free(roomy);
	pair_close(&p);
}

/* Nobody listens at `to`. */
static void expect_error(int fd, struct addr to, uint8_t type, uint8_t code)
{
	struct udp_error e;

	assert_int_equal(udp_recv_error(fd, &e), 1);
	assert_int_equal(e.type, type);
	assert_int_equal(e.code, code);
	assert_int_equal(e.mtu, 0);
	assert_true(addr_equal(&e.peer, &to));
}

/* The socket tells whom it could not reach, and what is sent next is not lost. */
static void unreachable(struct addr at, uint8_t type, uint8_t code)
{
	struct udp_options options = { .want_errors = true, .want_ip = true, .want_local = true };
	struct udp_dgram to_nobody, to_a;
	struct udp_error e;
	bool has_errors = false;
	struct pair p;
	int gone;

	pair_open_at(&p, at, options);
	to_nobody = dgram_to(at, BYTES("anybody?"));
	gone = udp_open(&at, &(struct udp_options){ 0 }, &to_nobody.peer);
	close(gone);
	to_a = dgram_to(p.addr_a, BYTES("still here"));

	assert_int_equal(udp_recv_error(p.b, &e), 0);
	assert_int_equal(udp_send_one(p.b, &to_nobody, &has_errors), 0);
	assert_false(has_errors);
	assert_int_equal(udp_send_one(p.b, &to_a, &has_errors), 0);
	assert_true(has_errors);
	expect_error(p.b, to_nobody.peer, type, code);
	assert_int_equal(udp_recv_error(p.b, &e), 0);

	/* Several wait, in order; none comes in place of a datagram more than once. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(udp_send_one(p.b, &to_nobody, &has_errors), 0);
	assert_int_equal(udp_send_one(p.b, &to_a, &has_errors), 0);
	for (int i = 0; i < 3; i++)
		expect_error(p.b, to_nobody.peer, type, code);
	assert_int_equal(udp_recv_error(p.b, &e), 0);
	assert_int_equal(udp_recv(p.a, p.batch, p.got), 2);
	assert_true(bytes_equal(p.got[1].data, BYTES("still here")));
	pair_close(&p);
}

static void an_icmp_error_is_told_and_costs_no_datagram(void **state)
{
	unreachable(addr_ipv4(127, 0, 0, 1, 0), 3, 3);
}

static void an_icmpv6_error_is_told_and_costs_no_datagram(void **state)
{
	unreachable(loopback6, 1, 4);
}

/* Its own fault is told as what it is: by the number, and not forever. */
static void a_datagram_that_cannot_go_is_an_error_of_its_own(void **state)
{
	struct udp_dgram out = dgram_to(addr_ipv4(127, 0, 0, 1, 0), BYTES("port 0"));
	bool has_errors = false;
	struct pair p;

	pair_open(&p, addr_ipv4(127, 0, 0, 1, 0), addr_ipv4(127, 0, 0, 1, 0),
		  (struct udp_options){ 0 });
	assert_true(udp_send_one(p.a, &out, &has_errors) < 0);
	out = dgram_to(addr_ipv4(255, 255, 255, 255, 9), BYTES("broadcast"));
	assert_true(udp_send_one(p.a, &out, &has_errors) < 0);
	out = dgram_to(p.addr_b, BYTES("fine"));
	assert_int_equal(udp_send_one(p.a, &out, &has_errors), 0);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_and_ipv6_carry_datagrams),
		cmocka_unit_test(sockets_do_not_block_and_close_on_exec),
		cmocka_unit_test(a_batch_keeps_order_and_has_a_limit),
		cmocka_unit_test(an_empty_datagram_is_one),
		cmocka_unit_test(a_long_datagram_is_cut_and_says_so),
		cmocka_unit_test(a_refused_datagram_does_not_hold_back_others),
		cmocka_unit_test(answers_leave_from_the_address_that_was_asked),
		cmocka_unit_test(answers_leave_from_the_ipv6_address_that_was_asked),
		cmocka_unit_test(a_foreign_source_address_is_refused),
		cmocka_unit_test(workers_share_a_port_only_where_asked),
		cmocka_unit_test(ipv6_sockets_take_ipv6_only),
		cmocka_unit_test(errors_come_back_as_numbers),
		cmocka_unit_test(errors_are_left_behind),
		cmocka_unit_test(ttl_and_tos_go_along_with_each_datagram),
		cmocka_unit_test(who_wants_no_errors_sends_all_the_same),
		cmocka_unit_test(hop_limit_and_traffic_class_go_along),
		cmocka_unit_test(one_datagram_lands_where_there_is_room_around_it),
		cmocka_unit_test(joined_datagrams_arrive_apart),
		cmocka_unit_test(what_is_refused_together_is_tried_apart),
		cmocka_unit_test(a_wide_batch_takes_the_longest),
		cmocka_unit_test(a_batch_has_room_and_takes_some),
		cmocka_unit_test(an_icmp_error_is_told_and_costs_no_datagram),
		cmocka_unit_test(an_icmpv6_error_is_told_and_costs_no_datagram),
		cmocka_unit_test(a_datagram_that_cannot_go_is_an_error_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
