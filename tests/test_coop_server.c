/* A cooperating server: what it does for who asks, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coop_kit.h"
#include "stun_auth.h"

static struct coop_kit k;

static int open_server(void **state)
{
	const struct coop_limits limits = { .can_fragment = true, .can_icmp = true };

	coop_kit_open(&k, &limits);
	return 0;
}

static int close_server(void **state)
{
	coop_kit_close(&k);
	return 0;
}

static void a_token_is_given_to_who_asks(void **state)
{
	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 0, NULL, NULL));
	assert_true(k.told.has_token && !k.told.has_report);
	assert_false(coop_token_is_none(&k.told.token));
	assert_true(addr_equal(&k.told.mapped, &coop_kit_client));
	assert_true(addr_equal(&k.told.plain, &coop_kit_client));
	assert_true(addr_equal(&k.told.other, &k.site.seen_as[3]));
	assert_true(addr_equal(&k.reply.to, &coop_kit_client));
	assert_int_equal(k.reply.socket, 0);
}

static void an_answer_comes_when_it_is_due(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .delay_ms = 20000, .id = 77 };

	assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
	assert_int_equal(k.told.report.id, 77);
	assert_true(coop_deadline_us(k.server) <= k.now_us + 20001000);
	coop_kit_wait(&k, 19999);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	coop_kit_wait(&k, 2);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_true(k.told.has_report && k.told.report.outcome == COOP_DONE);
	assert_in_range(k.told.report.elapsed_ms, 20000, 20001);
	assert_int_equal(k.told.report.clock_us, k.now_us + 1700000000000000);
	assert_int_equal(k.told.report.received, 68);
	assert_true(addr_equal(&k.act.to, &coop_kit_client) && k.act.socket == 0);
	assert_true(k.act.bind_port && !k.act.fresh_port);
	assert_true(addr_equal(&k.act.local, &k.site.seen_as[0]));
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
}

static void answers_come_one_after_the_other(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 3, .gap_ms = 40 };

	assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
	for (uint8_t i = 0; i < 3; i++) {
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
		assert_int_equal(k.told.report.index, i);
		assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
		coop_kit_wait(&k, 40);
	}
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
}

static void answers_leave_from_where_they_are_wanted(void **state)
{
	static const struct {
		uint16_t flags;
		uint8_t socket;
		bool fresh, knows_local;
	} cases[] = {
		{ 0, 1, false, true },
		{ COOP_CHANGE_PORT, 0, false, true },
		{ COOP_CHANGE_IP, 3, false, false },
		{ COOP_CHANGE_IP | COOP_CHANGE_PORT, 2, false, false },
		{ COOP_ANY_PORT, 1, true, true },
		{ COOP_ANY_PORT | COOP_CHANGE_IP, 3, true, false },
	};
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct coop_order o = {
			.kind = COOP_ANSWER, .count = 1, .flags = cases[i].flags, .port = 50123
		};

		assert_true(coop_kit_ask(&k, &coop_kit_client, 1, 0, &t, &o));
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
		assert_int_equal(k.act.socket, cases[i].socket);
		assert_int_equal(k.act.fresh_port, cases[i].fresh);
		assert_int_equal(k.act.local.family != ADDR_NONE, cases[i].knows_local);
		assert_true(addr_equal_ip(&k.act.to, &coop_kit_client));
		assert_int_equal(k.act.to.port, 50123);
	}
}

static void answers_are_as_long_as_wanted(void **state)
{
	static const struct {
		uint16_t size, len;
	} cases[] = { { 0, 72 }, { 60, 72 }, { 100, 100 }, { 1472, 1472 }, { 4096, 4096 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct coop_order o = {
			.kind = COOP_ANSWER, .count = 1, .size = cases[i].size, .flags = COOP_DF
		};

		assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
		assert_int_equal(k.act.msg.len, cases[i].len);
		assert_int_equal(k.act.flags, COOP_DF);
	}
}

static void a_quiet_order_is_not_acknowledged(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .flags = COOP_QUIET };
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);

	for (int copy = 0; copy < 3; copy++) {
		assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o));
		assert_int_equal(k.reply.msg.len, 0);
	}
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o)); /* late */
	assert_int_equal(k.reply.msg.len, 0);
}

static void what_is_sent_again_is_done_once(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .delay_ms = 100 };
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);

	for (int copy = 0; copy < 4; copy++) {
		assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o));
		assert_int_equal(k.told.report.outcome, COOP_ACCEPTED);
	}
	coop_kit_wait(&k, 101);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o));
	assert_int_equal(k.told.report.outcome, COOP_SENT); /* not taken for the answer */
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	assert_int_equal(counter_read(&coop_stats(k.server)->repeated), 4);
}

/* The same id from another port, or at another socket, is another order. */
static void an_order_is_known_by_its_5_tuple(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1 };
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);
	struct addr neighbour = addr_with_port(&coop_kit_client, 40001);

	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o));
	assert_true(coop_kit_ask(&k, &neighbour, 0, 5, &t, &o));
	assert_true(coop_kit_ask(&k, &coop_kit_client, 1, 5, &t, &o));
	for (int i = 0; i < 3; i++)
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
}

static void a_connection_is_tried_and_told(void **state)
{
	static const struct coop_report came = { .outcome = COOP_UNREACHABLE,
						 .icmp_type = 3,
						 .icmp_code = 13 };
	struct coop_order o = { .kind = COOP_CONNECT, .port = 4900, .flags = COOP_ANY_PORT };
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);

	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o));
	assert_int_equal(k.told.report.outcome, COOP_ACCEPTED);
	coop_kit_wait(&k, 7);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_CONNECT);
	assert_true(k.act.to.port == 4900 && addr_equal_ip(&k.act.to, &coop_kit_client));
	assert_true(k.act.fresh_port && !k.act.bind_port);
	assert_int_equal(k.act.wait_ms, COOP_WAIT_MS);
	uint32_t handle = k.act.handle;
	coop_kit_wait(&k, 30);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	coop_on_outcome(k.server, handle, &came, k.now_us);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_true(addr_equal(&k.act.to, &coop_kit_client) && k.act.bind_port);
	assert_int_equal(k.told.report.outcome, COOP_UNREACHABLE);
	assert_int_equal(k.told.report.icmp_type << 8 | k.told.report.icmp_code, 3 << 8 | 13);
	assert_int_equal(k.told.report.elapsed_ms, 30);
	coop_on_outcome(k.server, handle, &came, k.now_us); /* told twice: nothing more */
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o));
	assert_int_equal(k.told.report.outcome, COOP_UNREACHABLE);
	assert_int_equal(k.told.report.elapsed_ms, 30);
}

static void a_forgotten_connection_times_out(void **state)
{
	struct coop_order o = { .kind = COOP_CONNECT, .wait_ms = 500 };

	assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_CONNECT);
	assert_true(k.act.bind_port);
	coop_kit_wait(&k, 3000);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_int_equal(k.told.report.outcome, COOP_TIMED_OUT);
}

static void what_comes_back_to_an_answer_is_told(void **state)
{
	static const struct coop_report came[] = {
		{ .outcome = COOP_UNREACHABLE, .icmp_type = 3, .icmp_code = 3 },
		{ .outcome = COOP_CONNECTED },
		{ .outcome = COOP_SENT },
	};
	struct coop_order o = { .kind = COOP_ANSWER,
				.count = 1,
				.flags = COOP_ANY_PORT,
				.port = 4900,
				.wait_ms = 700 };
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);

	for (uint32_t i = 0; i < ARRAY_LEN(came); i++) {
		bool is_silent = came[i].outcome == COOP_SENT;

		assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5 + i, &t, &o));
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
		assert_int_equal(k.told.report.outcome, COOP_DONE);
		assert_true(k.act.wait_ms == 700 && k.act.to.port == 4900 && k.act.fresh_port);
		coop_kit_wait(&k, 25);
		coop_on_outcome(k.server, k.act.handle, &came[i], k.now_us);
		assert_int_equal(coop_kit_next(&k), is_silent ? COOP_ACT_NONE : COOP_ACT_SEND);
		assert_true(is_silent || addr_equal(&k.act.to, &coop_kit_client));
		assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5 + i, &t, &o));
		assert_int_equal(k.told.report.outcome, came[i].outcome);
		assert_int_equal(k.told.report.icmp_code, came[i].icmp_code);
		assert_int_equal(k.told.report.elapsed_ms, 25);
	}
	assert_int_equal(counter_read(&coop_stats(k.server)->pending), 0);
}

/* A shell that does not look says nothing: that is silence. */
static void an_answer_that_nobody_watches_ends(void **state)
{
	struct coop_order o = {
		.kind = COOP_ANSWER, .count = 1, .flags = COOP_ANY_PORT, .wait_ms = 700
	};

	assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	coop_kit_wait(&k, 5000);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	assert_int_equal(counter_read(&coop_stats(k.server)->outcomes[COOP_SENT]), 1);
	assert_int_equal(counter_read(&coop_stats(k.server)->pending), 0);
}

static void an_icmp_error_has_the_datagram_it_is_about(void **state)
{
	struct coop_order o = { .kind = COOP_ICMP };

	assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_ICMP);
	assert_int_equal(k.act.msg.len, k.asked_len);
	assert_memory_equal(k.act.msg.data, k.request, k.asked_len);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
}

static void what_cannot_be_done_is_told_at_once(void **state)
{
	static const struct coop_order orders[] = {
		{ .kind = COOP_ICMP },
		{ .kind = COOP_ANSWER, .count = 1, .flags = COOP_FRAGMENTS, .size = 2000 },
		{ .kind = COOP_ANSWER, .count = 1, .flags = COOP_CHANGE_IP },
		{ .kind = COOP_CONNECT, .flags = COOP_CHANGE_PORT },
	};
	const struct coop_limits limits = { 0 };

	coop_kit_close(&k);
	coop_kit_open(&k, &limits);
	k.site.has[1] = k.site.has[2] = k.site.has[3] = false;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		assert_int_equal(coop_kit_order(&k, &orders[i]), COOP_UNABLE);
		assert_int_equal(k.told.other.family, ADDR_NONE);
		assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	}
}

static void what_the_system_refuses_is_told_later(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER,
				.count = 3,
				.gap_ms = 10,
				.size = 4000,
				.flags = COOP_DF | COOP_QUIET };
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);

	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 5, &t, &o));
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	coop_on_failed(k.server, k.act.handle, k.now_us);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_int_equal(k.told.report.outcome, COOP_UNABLE);
	assert_true(k.act.msg.len < 200 && k.act.flags == 0);
	coop_on_failed(k.server, k.act.handle, k.now_us); /* of the report: no more about it */
	coop_kit_wait(&k, 100);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
}

static void other_requests_are_left_to_others(void **state)
{
	uint8_t buf[200], out[200];
	struct stun_tid tid = stun_tid_make((const uint8_t[12]){ 1 });
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	struct stun_query q = { .from = coop_kit_client, .site = &k.site };
	struct stun_reply reply;

	q.datagram = bytes_of(buf, b.len);
	assert_false(coop_on_request(k.server, &q, k.now_us, 0, out, sizeof(out), &reply));
	(void)coop_put_token(&b, &(struct coop_token){ 0 });
	q.datagram = bytes_of(buf, b.len);
	assert_true(coop_on_request(k.server, &q, k.now_us, 0, out, sizeof(out), &reply));
	q.transport = STUN_TCP;
	assert_false(coop_on_request(k.server, &q, k.now_us, 0, out, sizeof(out), &reply));
	q.transport = STUN_UDP;
	(void)stun_attr_put_change(&b, (struct stun_change){ .port = true });
	q.datagram = bytes_of(buf, b.len);
	assert_false(coop_on_request(k.server, &q, k.now_us, 0, out, sizeof(out), &reply));
}

static void a_fingerprint_is_answered_with_one(void **state)
{
	uint8_t buf[200], out[200];
	struct stun_tid tid = stun_tid_make((const uint8_t[12]){ 1 });
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	struct stun_query q = { .from = coop_kit_client, .site = &k.site };
	struct stun_reply reply;
	struct stun_msg m;

	(void)coop_put_token(&b, &(struct coop_token){ 0 });
	(void)stun_auth_put_fingerprint(&b);
	q.datagram = bytes_of(buf, b.len);
	assert_true(coop_on_request(k.server, &q, k.now_us, 0, out, sizeof(out), &reply));
	assert_true(reply.msg.len > 0 && reply.msg.len <= q.datagram.len);
	assert_int_equal(stun_msg_parse(reply.msg, &m), STUN_OK);
	assert_int_equal(stun_auth_check_fingerprint(&m), STUN_AUTH_OK);
	buf[b.len - 1] ^= 1;
	assert_false(coop_on_request(k.server, &q, k.now_us, 0, out, sizeof(out), &reply));
}

/* Where the table is full, what is done makes room; what waits does not. */
static void the_oldest_that_is_done_makes_room(void **state)
{
	const struct coop_limits limits = { .orders = 4 };
	struct coop_order now = { .kind = COOP_ANSWER, .count = 1 };
	struct coop_order late = { .kind = COOP_ANSWER, .count = 1, .delay_ms = 1000 };

	coop_kit_close(&k);
	coop_kit_open(&k, &limits);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(coop_kit_order(&k, &now), COOP_ACCEPTED);
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(coop_kit_order(&k, &late), COOP_ACCEPTED);
	assert_int_equal(coop_kit_order(&k, &late), COOP_BUSY);
	coop_kit_wait(&k, 1001);
	for (int i = 0; i < 4; i++)
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_int_equal(coop_kit_order(&k, &now), COOP_ACCEPTED);
	coop_kit_wait(&k, 100000); /* all is forgotten */
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	coop_kit_wait(&k, 100000);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	assert_true(coop_deadline_us(k.server) == UINT64_MAX);
	assert_int_equal(counter_read(&coop_stats(k.server)->pending), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_server, close_server)
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_given_to_who_asks),
		TEST(an_answer_comes_when_it_is_due),
		TEST(answers_come_one_after_the_other),
		TEST(answers_leave_from_where_they_are_wanted),
		TEST(answers_are_as_long_as_wanted),
		TEST(a_quiet_order_is_not_acknowledged),
		TEST(what_is_sent_again_is_done_once),
		TEST(an_order_is_known_by_its_5_tuple),
		TEST(a_connection_is_tried_and_told),
		TEST(a_forgotten_connection_times_out),
		TEST(what_comes_back_to_an_answer_is_told),
		TEST(an_answer_that_nobody_watches_ends),
		TEST(an_icmp_error_has_the_datagram_it_is_about),
		TEST(what_cannot_be_done_is_told_at_once),
		TEST(what_the_system_refuses_is_told_later),
		TEST(other_requests_are_left_to_others),
		TEST(a_fingerprint_is_answered_with_one),
		TEST(the_oldest_that_is_done_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
