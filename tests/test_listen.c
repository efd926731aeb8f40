/* listen: the loop of a worker, on the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "alloc_count.h"
#include "coop.h"
#include "mmdb_write.h"
#include "sockaddr.h"
#include "stun_attr.h"
#include "stund/listen.h"
#include "udp.h"

#define ARGS_MAX 16

/* A listener in this thread, and a client of it; loopback delivers at once. */
static struct {
	struct event_base *base;
	struct stund_conf conf;
	struct layout layout;
	struct listen_common common;
	struct policy *policy;
	struct listen *listen;
	int client;
	struct udp_batch *batch;
	struct udp_dgram in[UDP_BATCH];
} f;

static const struct udp_options plain = { 0 };

static uint16_t free_port(void)
{
	struct addr at = addr_ipv4(127, 0, 0, 1, 0);
	int fd = udp_open(&at, &plain, &at);

	assert_true(fd >= 0);
	close(fd);
	return at.port;
}

static struct policy *policy_of(const char *extra)
{
	char port[8], other[8], words[200];
	char
		*argv[ARGS_MAX] = { "stund", "-l", "127.0.0.1", "-p", port, "--alternate-port",
				    other },
		*save = NULL;
	struct opt_error err;
	int argc = 7;

	snprintf(port, sizeof(port), "%u", free_port());
	do
		snprintf(other, sizeof(other), "%u", free_port());
	while (strcmp(port, other) == 0);
	snprintf(words, sizeof(words), "%s", extra);
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		assert_true(argc < ARGS_MAX - 1);
		argv[argc++] = w;
	}
	stund_conf_clear(&f.conf);
	if (!stund_conf_load(argc, argv, &f.conf, &err))
		fail_msg("%s", err.text);
	struct policy *p = policy_new(&f.conf, &err);
	assert_non_null(p);
	return p;
}

static void open_listener(const char *extra)
{
	struct addr any = addr_ipv4(127, 0, 0, 9, 0);
	struct opt_error err;
	int rc = -EADDRINUSE;

	f.base = event_base_new();
	assert_non_null(f.base);
	/* A port that was free for UDP may be taken for TCP, or by now. */
	for (int i = 0; i < 20 && rc == -EADDRINUSE; i++) {
		policy_release(f.policy);
		f.policy = policy_of(extra);
		assert_true(layout_make(&f.conf, &f.layout, &err));
		listen_common_close(&f.common);
		assert_int_equal(listen_common_open(&f.common, &f.conf, &f.layout, 2), 0);
		rc = listen_open(f.base, &f.common, f.policy, 1, &f.listen);
	}
	if (rc == -EOPNOTSUPP)
		skip(); /* the wildcard, with udp_portable.c */
	assert_int_equal(rc, 0);
	f.client = udp_open(&any, &plain, NULL);
	assert_true(f.client >= 0);
	f.batch = udp_batch_new();
	assert_non_null(f.batch);
}

static int close_listener(void **state)
{
	listen_close(f.listen);
	listen_common_close(&f.common);
	policy_release(f.policy);
	if (f.base != NULL)
		event_base_free(f.base);
	if (f.batch != NULL)
		close(f.client);
	udp_batch_free(f.batch);
	stund_conf_clear(&f.conf);
	memset(&f, 0, sizeof(f));
	return 0;
}

static void pump(void)
{
	assert_true(event_base_loop(f.base, EVLOOP_NONBLOCK) >= 0);
}

static const struct addr *socket_at(unsigned int number)
{
	return &f.layout.sockets[number].local;
}

static void tell(unsigned int socket, struct bytes datagram)
{
	struct udp_dgram d = { .data = datagram, .peer = *socket_at(socket) };

	assert_int_equal(udp_send(f.client, f.batch, &d, 1), 1);
}

static struct stun_builder request(uint8_t *buf, size_t cap, uint8_t mark)
{
	uint8_t random[12] = { mark };
	struct stun_tid tid = stun_tid_make(random);

	return stun_build(buf, cap, STUN_BINDING, STUN_REQUEST, &tid);
}

static void send_request(unsigned int socket, uint8_t mark)
{
	uint8_t buf[20];
	struct stun_builder b = request(buf, sizeof(buf), mark);

	tell(socket, bytes_of(buf, b.len));
}

/* How many answers are there; the first UDP_BATCH of them in f.in. */
static int answers(void)
{
	return udp_recv(f.client, f.batch, f.in);
}

static uint64_t outcomes(enum stun_outcome outcome)
{
	return counter_read(&listen_stats(f.listen)->outcomes[STUN_UDP][outcome]);
}

static void every_request_of_a_batch_is_answered_once(void **state)
{
	bool seen[UDP_BATCH] = { 0 };
	struct stun_msg msg;

	open_listener("-a 127.0.0.2 --rate-limit 0");
	for (uint8_t i = 0; i < UDP_BATCH; i++)
		send_request(0, i);
	pump();
	assert_int_equal(answers(), UDP_BATCH);
	for (int i = 0; i < UDP_BATCH; i++) {
		assert_int_equal(stun_msg_parse(f.in[i].data, &msg), STUN_OK);
		assert_int_equal(msg.class, STUN_SUCCESS);
		assert_true(addr_equal(&f.in[i].peer, socket_at(0)));
		assert_false(seen[msg.tid.bytes[4]]);
		seen[msg.tid.bytes[4]] = true;
	}
	assert_int_equal(outcomes(STUN_REPLY), UDP_BATCH);
	assert_int_equal(counter_read(&listen_stats(f.listen)->received_bytes), UDP_BATCH * 20);
	assert_int_equal(counter_read(&listen_stats(f.listen)->sent_bytes), UDP_BATCH * 68);
}

/* More than a batch at once, again and again: the socket leaves the loop and comes back. */
static void a_busy_socket_goes_on_answering(void **state)
{
	enum { BURST = 2 * UDP_BATCH + 2, BURSTS = 8 };
	int n = 0;

	open_listener("-a 127.0.0.2 --rate-limit 0");
	for (int k = 0; k < BURSTS; k++) {
		for (int i = 0; i < BURST; i++)
			send_request(0, (uint8_t)i);
		pump();
		for (int got = answers(); got > 0; got = answers())
			n += got;
		assert_int_equal(n, (k + 1) * BURST);
	}
}

/* Answers to one batch that leave from all four sockets. */
static void answers_leave_from_the_socket_that_is_asked_for(void **state)
{
	struct stun_msg msg;
	uint8_t buf[28];

	open_listener("-a 127.0.0.2 --rate-limit 0");
	for (uint8_t asked = 0; asked < 4; asked++) {
		for (uint8_t flags = 0; flags < 4; flags++) {
			struct stun_builder b = request(buf, sizeof(buf), flags);
			struct stun_change change = { .address = flags & 2, .port = flags & 1 };

			assert_int_equal(stun_attr_put_change(&b, change), STUN_OK);
			tell(asked, bytes_of(buf, b.len));
		}
		pump();
		assert_int_equal(answers(), 4);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(stun_msg_parse(f.in[i].data, &msg), STUN_OK);
			assert_true(addr_equal(&f.in[i].peer, socket_at(asked ^ msg.tid.bytes[4])));
		}
	}
}

static void wildcard_answers_from_the_address_asked(void **state)
{
	struct udp_dgram d = { 0 };
	uint8_t buf[20];
	struct stun_builder b = request(buf, sizeof(buf), 0);

	open_listener("-l 0.0.0.0 --rate-limit 0");
	d.data = bytes_of(buf, b.len);
	for (uint8_t i = 1; i < 5; i++) {
		d.peer = addr_ipv4(127, 0, 0, i, socket_at(0)->port);
		assert_int_equal(udp_send(f.client, f.batch, &d, 1), 1);
		pump();
		assert_int_equal(answers(), 1);
		assert_true(addr_equal(&f.in[0].peer, &d.peer));
		assert_int_equal(f.in[0].data.len, 32);
	}
}

static void what_is_no_request_is_counted_and_not_answered(void **state)
{
	static uint8_t large[UDP_RX_MAX + 4];
	const struct stats *stats;

	open_listener("-a 127.0.0.2 --rate-limit 0");
	stats = listen_stats(f.listen);
	tell(0, BYTES(""));
	tell(1, BYTES("hello"));
	tell(2, BYTES("\x16\xfe\xfd datagram TLS, and no certificate"));
	tell(3, bytes_of(large, sizeof(large)));
	pump();
	assert_int_equal(answers(), 0);
	assert_int_equal(outcomes(STUN_DROP_FOREIGN), 2);
	assert_int_equal(counter_read(&stats->unwanted_dtls), 1);
	assert_int_equal(counter_read(&stats->truncated), 1);
}

static void one_source_has_one_budget_over_all_sockets(void **state)
{
	struct policy *next;

	open_listener("-a 127.0.0.2 --rate-limit 1 --rate-burst 6");
	for (uint8_t i = 0; i < 12; i++)
		send_request(i % 4, i);
	pump();
	assert_int_equal(answers(), 6);
	assert_int_equal(counter_read(&listen_stats(f.listen)->limited[STUN_UDP]), 6);

	next = policy_of("-a 127.0.0.2 --rate-limit 0 --no-nat-discovery");
	listen_use_policy(f.listen, next);
	policy_release(next);
	for (uint8_t i = 0; i < 12; i++)
		send_request(i % 4, i);
	pump();
	assert_int_equal(answers(), 12);
	assert_int_equal(f.in[0].data.len, 32);
}

/* An order to `socket`; with no token it asks for one. */
static void tell_order(unsigned int socket, uint8_t mark, const struct coop_token *token,
		       const struct coop_order *order)
{
	uint8_t random[12] = { mark }, buf[200];
	struct stun_tid tid = stun_tid_make(random);

	tell(socket, coop_request(&tid, token, order, 0, buf, sizeof(buf)));
	pump();
}

/* What answer `i` says, of those that came. */
static struct coop_answer answer_at(int i)
{
	struct coop_answer a;
	struct stun_msg msg;

	assert_int_equal(stun_msg_parse(f.in[i].data, &msg), STUN_OK);
	assert_true(coop_read_answer(&msg, &a));
	return a;
}

static void an_order_is_carried_out(void **state)
{
	static const uint8_t flags[] = { 0, COOP_CHANGE_PORT, COOP_CHANGE_IP, COOP_ANY_PORT };
	struct coop_token t;

	open_listener("-a 127.0.0.2 --rate-limit 0 --cooperate");
	tell_order(0, 1, NULL, NULL);
	assert_int_equal(answers(), 1);
	t = answer_at(0).token;
	for (uint8_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .flags = flags[i] };

		o.size = i % 2 == 0 ? 0 : 1200;
		tell_order(0, (uint8_t)(10 + i), &t, &o);
		assert_int_equal(answers(), 2);
		assert_int_equal(answer_at(0).report.outcome, COOP_ACCEPTED);
		assert_int_equal(answer_at(1).report.outcome, COOP_DONE);
		assert_true(addr_equal(&f.in[0].peer, socket_at(0)));
		assert_true(addr_equal(&f.in[1].peer, socket_at(i)) || i == 3);
		assert_true(o.size == 0 || f.in[1].data.len == o.size);
	}
	assert_int_not_equal(f.in[1].peer.port, socket_at(0)->port);
	assert_int_equal(counter_read(&listen_coop_stats(f.listen)->answers), 4);
}

static void an_order_to_a_wildcard_is_answered_from_its_address(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };
	struct udp_dgram d = { .peer = addr_ipv4(127, 0, 0, 3, 0) };
	uint8_t buf[200], random[12] = { 1 };
	struct stun_tid tid = stun_tid_make(random);

	open_listener("-l 0.0.0.0 --rate-limit 0 --cooperate");
	tell_order(0, 1, NULL, NULL);
	assert_int_equal(answers(), 1);
	struct coop_token t = answer_at(0).token;
	d.peer.port = socket_at(0)->port;
	for (int fresh = 0; fresh < 2; fresh++) {
		o.flags = fresh != 0 ? COOP_ANY_PORT : 0;
		tid.bytes[5] = (uint8_t)fresh;
		d.data = coop_request(&tid, &t, &o, 0, buf, sizeof(buf));
		assert_int_equal(udp_send(f.client, f.batch, &d, 1), 1);
		pump();
		assert_int_equal(answers(), 2);
		assert_true(addr_equal(&f.in[0].peer, &d.peer));
		assert_true(addr_equal_ip(&f.in[1].peer, &d.peer));
		assert_int_equal(f.in[1].peer.port == d.peer.port, fresh == 0);
	}
}

static void without_cooperate_an_order_is_a_plain_request(void **state)
{
	struct coop_token t = { .bytes = { 1 } };
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };

	open_listener("-a 127.0.0.2 --rate-limit 0");
	tell_order(0, 1, &t, &o);
	assert_int_equal(answers(), 1);
	assert_false(answer_at(0).has_token || answer_at(0).has_report);
	assert_int_equal(answer_at(0).mapped.family, ADDR_IPV4);
	assert_null(listen_coop_stats(f.listen));
}

/* Of cooperation too: who has no token gets an answer, and leaves nothing. */
static void strangers_orders_cost_no_heap(void **state)
{
	struct coop_token t = { .bytes = { 1 } };
	struct coop_order o = { .kind = COOP_CONNECT };
	size_t before;

	if (!alloc_count_works())
		skip();
	open_listener("-a 127.0.0.2 --rate-limit 0 --cooperate");
	pump();
	before = alloc_count();
	for (uint8_t i = 0; i < 40; i++) {
		tell_order(i % 4, i, i % 2 == 0 ? &t : NULL, i % 2 == 0 ? &o : NULL);
		assert_int_equal(answers(), 1);
	}
	assert_int_equal(alloc_count(), before);
}

/* What a stranger can send costs no heap, whatever it is. */
static void no_datagram_costs_heap(void **state)
{
	static uint8_t padded[1400], change[28], noise[UDP_RX_MAX + 4];
	struct stun_builder b;
	size_t before;

	if (!alloc_count_works())
		skip();
	open_listener("-a 127.0.0.2 --rate-limit 1000000 --rate-burst 1000000");
	b = request(padded, sizeof(padded), 1);
	assert_non_null(stun_build_attr(&b, STUN_ATTR_PADDING, sizeof(padded) - 24));
	b = request(change, sizeof(change), 2);
	assert_int_equal(stun_attr_put_change(&b, (struct stun_change){ true, true }), STUN_OK);
	pump();
	before = alloc_count();
	for (uint8_t i = 0; i < 10; i++) {
		for (unsigned int socket = 0; socket < 4; socket++) {
			send_request(socket, i);
			tell(socket, bytes_of(padded, sizeof(padded)));
			tell(socket, bytes_of(change, sizeof(change)));
			tell(socket, bytes_of(noise, sizeof(noise) - i));
			tell(socket, BYTES("\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x10"));
		}
		pump();
		(void)answers();
	}
	assert_int_equal(alloc_count(), before);
	assert_int_equal(outcomes(STUN_REPLY), 120);
}

static int connect_to(const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);
	int fd = socket(to->family == ADDR_IPV4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static void connections_are_answered_one_by_one(void **state)
{
	uint8_t buf[40], got[200];
	struct stun_msg msg;
	int fd;

	open_listener("-a 127.0.0.2 --rate-limit 0");
	request(buf, 20, 1);
	request(buf + 20, 20, 2);
	fd = connect_to(socket_at(3));
	assert_int_equal(send(fd, buf, 30, 0), 30); /* one, and a part */
	for (int i = 0; i < 5; i++)
		pump();
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 68);
	assert_int_equal(stun_msg_parse(bytes_of(got, 68), &msg), STUN_OK);
	assert_int_equal(send(fd, buf + 30, 10, 0), 10);
	for (int i = 0; i < 5; i++)
		pump();
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 68);
	assert_int_equal(counter_read(&listen_stats(f.listen)->outcomes[STUN_TCP][STUN_REPLY]), 2);
	assert_int_equal(counter_read(&listen_stream_stats(f.listen)->open), 1);

	/* Over a connection one that is no STUN is not worth another word. */
	assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	for (int i = 0; i < 5; i++)
		pump();
	assert_true(recv(fd, got, sizeof(got), MSG_DONTWAIT) <= 0);
	assert_int_equal(counter_read(&listen_stream_stats(f.listen)->open), 0);
	close(fd);
}

static void an_address_that_is_not_here_opens_nothing(void **state)
{
	struct opt_error err;

	f.policy = policy_of("-l 192.0.2.1 --rate-limit 0");
	assert_true(layout_make(&f.conf, &f.layout, &err));
	f.base = event_base_new();
	assert_int_equal(listen_common_open(&f.common, &f.conf, &f.layout, 2), 0);
	assert_true(listen_open(f.base, &f.common, f.policy, 1, &f.listen) < 0);
	assert_null(f.listen);
}

static void what_workers_counted_is_summed_up(void **state)
{
	static struct stats one, two;
	const struct tally_source sources[] = { { { [STATS_PART] = &one } },
						{ { [STATS_PART] = &two } } };
	const struct tally t = { sources, ARRAY_LEN(sources) };
	struct metrics m = { 0 };

	counter_add(&one.outcomes[STUN_UDP][STUN_REPLY], 3);
	counter_add(&two.outcomes[STUN_UDP][STUN_REPLY], 4);
	counter_add(&two.send_errors, 5);
	stats_report(&m, &t);
	assert_false(m.failed);
	assert_non_null(
		strstr(m.text, "stund_messages_total{transport=\"udp\",outcome=\"reply\"} 7\n"));
	assert_non_null(strstr(m.text, "\nstund_send_errors_total 5\n"));
	assert_non_null(strstr(m.text, "\nstund_dtls_sessions 0\n"));
	metrics_free(&m);
}

static void requests_are_counted_by_country(void **state)
{
	static const struct mmdb_row loopback = { "127.0.0.0", 8, "DE", 0, NULL };
	char path[] = "/tmp/natkit-listen-XXXXXX", option[80];
	uint8_t bytes[MMDB_WRITE_MAX];
	size_t len = mmdb_write(&loopback, 1, bytes);
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	snprintf(option, sizeof(option), "--geo-database %s", path);
	open_listener(option);
	unlink(path);
	for (uint8_t i = 0; i < 3; i++)
		send_request(0, i);
	tell(0, BYTES("no STUN"));
	pump();
	assert_int_equal(answers(), 3);
	assert_int_equal(countries_read(&listen_stats(f.listen)->requests_by_country, "DE"), 3);
	assert_int_equal(countries_read(&listen_stats(f.listen)->requests_by_country, ""), 0);
}

#define LISTENS(test) cmocka_unit_test_teardown(test, close_listener)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTENS(every_request_of_a_batch_is_answered_once),
		LISTENS(a_busy_socket_goes_on_answering),
		LISTENS(answers_leave_from_the_socket_that_is_asked_for),
		LISTENS(wildcard_answers_from_the_address_asked),
		LISTENS(what_is_no_request_is_counted_and_not_answered),
		LISTENS(one_source_has_one_budget_over_all_sockets),
		LISTENS(an_order_is_carried_out),
		LISTENS(an_order_to_a_wildcard_is_answered_from_its_address),
		LISTENS(without_cooperate_an_order_is_a_plain_request),
		LISTENS(strangers_orders_cost_no_heap),
		LISTENS(no_datagram_costs_heap),
		LISTENS(connections_are_answered_one_by_one),
		LISTENS(an_address_that_is_not_here_opens_nothing),
		LISTENS(requests_are_counted_by_country),
		cmocka_unit_test(what_workers_counted_is_summed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
