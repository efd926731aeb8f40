/* A cooperating server cannot be turned against anybody but who asks; doc/cooperation.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coop_kit.h"
#include "rng.h"

static struct coop_kit k;

static const struct addr victim = { .family = ADDR_IPV4, .port = 53, .ip = { 203, 0, 113, 9 } };
static const struct coop_order one_answer = { .kind = COOP_ANSWER, .count = 1 };

static void open_with(const struct coop_limits *limits)
{
	coop_kit_close(&k);
	coop_kit_open(&k, limits);
}

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

/* An order with that token from that address: nothing is done, and nothing is amplified. */
static void is_refused(const struct addr *from, const struct coop_token *token)
{
	static const uint8_t kinds[] = { COOP_ANSWER, COOP_CONNECT, COOP_ICMP };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct coop_order o = { .kind = kinds[i], .count = 1 };

		assert_true(coop_kit_ask(&k, from, 0, 0, token, &o));
		assert_int_equal(k.told.report.outcome, COOP_BAD_TOKEN);
		assert_true(k.reply.msg.len <= k.asked_len);
		assert_true(addr_equal(&k.reply.to, from) && k.reply.socket == 0);
		assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
		assert_true(coop_deadline_us(k.server) == UINT64_MAX);
	}
}

static void without_a_token_nothing_is_done(void **state)
{
	struct coop_token none = { 0 }, noise = { .bytes = { 1, 2, 3 } };

	is_refused(&victim, &none);
	is_refused(&victim, &noise);
}

/* The attacker has a token of his own, and writes the victim's address on his packet. */
static void the_token_of_another_address_is_worth_nothing(void **state)
{
	struct coop_token mine = coop_kit_token(&k, &coop_kit_client);
	struct addr six = { .family = ADDR_IPV6, .port = 40000 };

	is_refused(&victim, &mine);
	for (int bit = 0; bit < 32; bit++) {
		struct addr near = coop_kit_client;

		near.ip[bit / 8] ^= (uint8_t)(1u << bit % 8);
		is_refused(&near, &mine);
	}
	memcpy(six.ip, coop_kit_client.ip, 4);
	is_refused(&six, &mine);
}

/* Nor one bit of it changed, nor that of another server. */
static void a_token_that_was_changed_is_worth_nothing(void **state)
{
	struct coop_token mine = coop_kit_token(&k, &coop_kit_client), other;
	struct coop_token_key key = k.key;

	for (int bit = 0; bit < 8 * COOP_TOKEN_LEN; bit++) {
		other = mine;
		other.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		is_refused(&coop_kit_client, &other);
	}
	key.bytes[31] ^= 1;
	coop_token_make(&key, &coop_kit_client, k.now_us, &other);
	is_refused(&coop_kit_client, &other);
	assert_memory_not_equal(other.bytes + 8, mine.bytes + 8, 8);
	assert_memory_equal(other.bytes, mine.bytes, 8); /* of its first half: the other key */
}

static void a_token_ends_with_its_time(void **state)
{
	struct coop_token t;

	k.now_us = UINT64_C(600000000) * 1000; /* a period begins */
	t = coop_kit_token(&k, &coop_kit_client);
	coop_kit_wait(&k, 2 * COOP_TOKEN_TTL_S * 1000 - 1);
	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 0, &t, &one_answer));
	assert_int_equal(k.told.report.outcome, COOP_ACCEPTED);
	assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	coop_kit_wait(&k, 1);
	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 0, &t, &one_answer));
	assert_int_equal(k.told.report.outcome, COOP_BAD_TOKEN);
	t = k.told.token; /* another one comes with that */
	assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 0, &t, &one_answer));
	assert_int_equal(k.told.report.outcome, COOP_ACCEPTED);
}

/* Whatever an order says, all that leaves goes to the address that the token is for. */
static void nothing_goes_to_another_address(void **state)
{
	struct rng r = rng_seed(5);
	struct coop_token t = coop_kit_token(&k, &coop_kit_client);

	for (int i = 0; i < 3000; i++) {
		struct coop_order o = {
			.kind = (uint8_t)rng_below(&r, 5),
			.flags = (uint16_t)rng_below(&r, 256),
			.count = (uint8_t)rng_below(&r, 10),
			.delay_ms = rng_below(&r, 100),
			.gap_ms = (uint16_t)rng_below(&r, 100),
			.size = (uint16_t)rng_below(&r, 5000),
			.port = (uint16_t)rng_below(&r, 3),
		};

		assert_true(
			coop_kit_ask(&k, &coop_kit_client, (uint8_t)rng_below(&r, 4), 0, &t, &o));
		assert_true(addr_equal(&k.reply.to, &coop_kit_client));
		coop_kit_wait(&k, 50);
		while (coop_kit_next(&k) != COOP_ACT_NONE) {
			assert_true(addr_equal_ip(&k.act.to, &coop_kit_client));
			assert_true(k.act.to.port == coop_kit_client.port || k.act.to.port == 1 ||
				    k.act.to.port == 2);
			if (k.act.kind == COOP_ACT_CONNECT)
				coop_on_failed(k.server, k.act.handle, k.now_us);
		}
	}
}

/* Bytes to who has proven nothing: never more than came, whatever was asked, in both families. */
static void strangers_get_no_more_than_they_sent(void **state)
{
	struct rng r = rng_seed(7);
	struct addr from[] = { victim, { .family = ADDR_IPV6, .port = 9, .ip = { 0x20, 1 } } };

	for (int i = 0; i < 3000; i++) {
		uint8_t buf[600], out[2048];
		struct stun_tid tid = stun_tid_make((const uint8_t[12]){ 1 });
		struct stun_builder b =
			stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
		struct stun_query q = { .from = from[i % 2], .site = &k.site };
		struct stun_reply reply;
		unsigned int attributes = rng_below(&r, 4);

		for (unsigned int n = 0; n < attributes; n++) {
			size_t len = rng_below(&r, 60);
			uint8_t *v = stun_build_attr(
				&b, (uint16_t)(COOP_ATTR_TOKEN + rng_below(&r, 3)), len);

			assert_non_null(v);
			rng_fill(&r, v, len);
		}
		q.datagram = bytes_of(buf, b.len);
		if (!coop_on_request(k.server, &q, k.now_us, 0, out, sizeof(out), &reply))
			continue;
		assert_true(reply.msg.len <= b.len);
		assert_true(addr_equal(&reply.to, &q.from));
		assert_int_equal(coop_kit_next(&k), COOP_ACT_NONE);
	}
}

static void orders_of_a_source_are_bounded(void **state)
{
	const struct coop_limits limits = { .orders_source = 10, .orders = 25 };
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .delay_ms = 1000 };
	struct addr from = coop_kit_client;
	struct coop_token t;

	open_with(&limits);
	for (uint8_t source = 0; source < 2; source++) {
		from.ip[3] = source;
		t = coop_kit_token(&k, &from);
		for (uint16_t i = 0; i < 11; i++) {
			from.port = (uint16_t)(1000 + i); /* another port does not help */
			assert_true(coop_kit_ask(&k, &from, 0, 0, &t, &o));
			assert_int_equal(k.told.report.outcome, i < 10 ? COOP_ACCEPTED : COOP_BUSY);
		}
	}
	/* All sources together have 25. */
	from.ip[3] = 77;
	t = coop_kit_token(&k, &from);
	for (int i = 0; i < 6; i++) {
		assert_true(coop_kit_ask(&k, &from, 0, 0, &t, &o));
		assert_int_equal(k.told.report.outcome, i < 5 ? COOP_ACCEPTED : COOP_BUSY);
	}
	coop_kit_wait(&k, 1001);
	for (int i = 0; i < 25; i++)
		assert_int_equal(coop_kit_next(&k), COOP_ACT_SEND);
	assert_true(coop_kit_ask(&k, &from, 0, 0, &t, &o)); /* there is room again */
	assert_int_equal(k.told.report.outcome, COOP_ACCEPTED);
}

/* A whole /64 is one source. */
static void an_ipv6_prefix_is_one_source(void **state)
{
	const struct coop_limits limits = { .orders_source = 4 };
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .delay_ms = 1000 };
	struct addr from = { .family = ADDR_IPV6, .port = 4000, .ip = { 0x20, 1, 0xd, 0xb8 } };

	open_with(&limits);
	for (uint8_t i = 0; i < 5; i++) {
		from.ip[15] = i;
		struct coop_token t = coop_kit_token(&k, &from);

		assert_true(coop_kit_ask(&k, &from, 0, 0, &t, &o));
		assert_int_equal(k.told.report.outcome, i < 4 ? COOP_ACCEPTED : COOP_BUSY);
	}
}

/* ... and whoever has many of them cannot have it all: others still get something. */
static void an_ipv6_network_leaves_room(void **state)
{
	const struct coop_limits limits = { .orders = 400, .orders_source = 4 };
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .delay_ms = COOP_DELAY_MAX_MS };
	struct addr from = { .family = ADDR_IPV6, .port = 4000, .ip = { 0x20, 1, 0xd, 0xb8 } };
	unsigned int accepted = 0;
	struct coop_token t;

	open_with(&limits);
	for (unsigned i = 0; i < 2000; i++) {
		wire_store_u16(from.ip + 6, (uint16_t)i); /* always another /64 */
		t = coop_kit_token(&k, &from);
		assert_true(coop_kit_ask(&k, &from, 0, 0, &t, &o));
		accepted += k.told.report.outcome == COOP_ACCEPTED;
		coop_kit_wait(&k, 10);
	}
	assert_int_equal(accepted, 100);
	assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
	from.ip[5] = 1; /* a neighbour's */
	t = coop_kit_token(&k, &from);
	assert_true(coop_kit_ask(&k, &from, 0, 0, &t, &o));
	assert_int_equal(k.told.report.outcome, COOP_ACCEPTED);
}

static void connections_are_bounded(void **state)
{
	const struct coop_limits limits = { .connects_source = 3 };
	struct coop_order o = { .kind = COOP_CONNECT };

	open_with(&limits);
	for (int i = 0; i < 3; i++)
		assert_int_equal(coop_kit_order(&k, &o), COOP_ACCEPTED);
	assert_int_equal(coop_kit_order(&k, &o), COOP_BUSY);
	assert_int_equal(coop_kit_order(&k, &one_answer), COOP_ACCEPTED);
}

/* All that is sent to one address, replies to orders included, over a minute of trying. */
static void bytes_to_a_source_are_bounded(void **state)
{
	const struct coop_limits limits = { .bytes_per_s = 10000 };
	struct coop_order o = {
		.kind = COOP_ANSWER, .count = 8, .size = 4096, .flags = COOP_QUIET
	};
	struct coop_token t;
	uint64_t bytes = 0;

	open_with(&limits);
	t = coop_kit_token(&k, &coop_kit_client);
	for (int i = 0; i < 600; i++) {
		assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 0, &t, &o));
		while (coop_kit_next(&k) == COOP_ACT_SEND)
			bytes += k.act.msg.len;
		coop_kit_wait(&k, 100);
	}
	assert_in_range(bytes, 500000, 60 * 10000 + 40000);
}

/* Nor can they be saved up for one moment. */
static void bytes_that_wait_are_bounded(void **state)
{
	struct coop_order o = { .kind = COOP_ANSWER, .count = 8, .size = 4096 };
	struct coop_token t;
	uint64_t bytes = 0;

	o.delay_ms = COOP_DELAY_MAX_MS;
	for (int i = 0; i < 3000; i++) {
		t = coop_kit_token(&k, &coop_kit_client);
		assert_true(coop_kit_ask(&k, &coop_kit_client, 0, 0, &t, &o));
		coop_kit_wait(&k, 1000);
		o.delay_ms -= 1000;
	}
	for (int i = 0; i < 700; i++) {
		coop_kit_wait(&k, 1000);
		while (coop_kit_next(&k) == COOP_ACT_SEND)
			bytes += k.act.msg.len;
	}
	assert_in_range(bytes, 200000, 4 * 65536);
}

static void all_together_are_bounded(void **state)
{
	const struct coop_limits limits = { .bytes_per_s = 10000, .bytes_per_s_all = 20000 };
	struct coop_order o = {
		.kind = COOP_ANSWER, .count = 8, .size = 4096, .flags = COOP_QUIET
	};
	struct addr from = coop_kit_client;
	uint64_t bytes = 0;

	open_with(&limits);
	for (int i = 0; i < 600; i++) {
		from.ip[2] = (uint8_t)i; /* always another source */
		struct coop_token t = coop_kit_token(&k, &from);

		assert_true(coop_kit_ask(&k, &from, 0, 0, &t, &o));
		while (coop_kit_next(&k) == COOP_ACT_SEND)
			bytes += k.act.msg.len;
		coop_kit_wait(&k, 100);
	}
	assert_in_range(bytes, 1000000, 60 * 20000 + 80000);
}

/* What workers share: together they do no more than one would, and give all of it back. */
static void workers_share_a_budget(void **state)
{
	const uint8_t key[16] = { 3 };
	struct coop_limits limits = { .orders_source = 5 };
	struct coop_order o = { .kind = COOP_ANSWER, .count = 1, .delay_ms = 1000 };
	static struct coop_kit other;
	int accepted = 0;

	limits.budget = coop_budget_new(&limits, key);
	assert_non_null(limits.budget);
	open_with(&limits);
	coop_kit_open(&other, &limits);
	for (int i = 0; i < 5; i++) {
		accepted += coop_kit_order(&k, &o) == COOP_ACCEPTED;
		accepted += coop_kit_order(&other, &o) == COOP_ACCEPTED;
	}
	assert_int_equal(accepted, 5);
	assert_int_equal(coop_budget_pending(limits.budget), 5);
	coop_kit_close(&other);
	coop_kit_close(&k);
	assert_int_equal(coop_budget_pending(limits.budget), 0);
	coop_budget_free(limits.budget);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_server, close_server)
	const struct CMUnitTest tests[] = {
		TEST(without_a_token_nothing_is_done),
		TEST(the_token_of_another_address_is_worth_nothing),
		TEST(a_token_that_was_changed_is_worth_nothing),
		TEST(a_token_ends_with_its_time),
		TEST(nothing_goes_to_another_address),
		TEST(strangers_get_no_more_than_they_sent),
		TEST(orders_of_a_source_are_bounded),
		TEST(an_ipv6_prefix_is_one_source),
		TEST(an_ipv6_network_leaves_room),
		TEST(connections_are_bounded),
		TEST(bytes_to_a_source_are_bounded),
		TEST(bytes_that_wait_are_bounded),
		TEST(all_together_are_bounded),
		TEST(workers_share_a_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
