/* quota: who holds how many allocations, and how many bytes pass; every limit reached and left. */
#include "turnd/quota.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MOST 100

static const uint8_t key[16] = "order of a table";

struct fixture {
	struct quota *quota;
	struct quota_share *share;
};

static struct fixture f;

static int set_up(void **state)
{
	f.quota = quota_new(MOST, key);
	f.share = NULL;
	return f.quota != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	quota_free(f.quota);
	return 0;
}

/* Somebody unlike all others, without limits. */
static struct quota_ask asker(uint8_t n)
{
	return (struct quota_ask){ .user = n,
				   .realm = 1000u + n,
				   .source = addr_ipv4(192, 0, 2, n, 5000) };
}

static void hold(const struct quota_ask *ask, enum quota_result expected)
{
	assert_int_equal(quota_hold(f.quota, ask, &f.share), expected);
}

/* Two fit, the third does not; one is given back, and one fits again. */
static void reach_and_leave(struct quota_ask asks[3], enum quota_result over)
{
	hold(&asks[0], QUOTA_OK);
	hold(&asks[1], QUOTA_OK);
	hold(&asks[2], over);
	assert_int_equal(quota_alive(f.quota), 2);
	quota_release(f.quota, &asks[0]);
	assert_int_equal(quota_alive(f.quota), 1);
	hold(&asks[2], QUOTA_OK);
	hold(&asks[0], over);
	quota_release(f.quota, &asks[1]);
	quota_release(f.quota, &asks[2]);
	assert_int_equal(quota_alive(f.quota), 0);
}

static void a_user_has_so_many(void **state)
{
	struct quota_ask asks[3] = { asker(1), asker(2), asker(3) };

	for (int i = 0; i < 3; i++) {
		asks[i].user = 7;
		asks[i].realm = 8;
		asks[i].user_most = 2;
	}
	reach_and_leave(asks, QUOTA_USER);
}

static void a_realm_has_so_many(void **state)
{
	struct quota_ask asks[3] = { asker(1), asker(2), asker(3) };

	for (int i = 0; i < 3; i++) {
		asks[i].realm = 8;
		asks[i].realm_most = 2;
	}
	reach_and_leave(asks, QUOTA_REALM);
}

static void a_source_has_so_many_whatever_its_ports(void **state)
{
	struct quota_ask asks[3] = { asker(1), asker(2), asker(3) };

	for (uint8_t i = 0; i < 3; i++) {
		asks[i].source = addr_ipv4(198, 51, 100, 1, 4000u + i);
		asks[i].source_most = 2;
	}
	reach_and_leave(asks, QUOTA_SOURCE);
}

static void an_ipv6_source_is_its_first_half(void **state)
{
	struct quota_ask asks[3] = { asker(1), asker(2), asker(3) }, other;

	for (uint8_t i = 0; i < 3; i++) {
		asks[i].source = (struct addr){ .family = ADDR_IPV6,
						.ip = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, i } };
		asks[i].source_most = 2;
	}
	reach_and_leave(asks, QUOTA_SOURCE);

	hold(&asks[0], QUOTA_OK);
	hold(&asks[1], QUOTA_OK);
	other = asks[2];
	other.source.ip[7]++;
	hold(&other, QUOTA_OK);
}

static void all_together_have_so_many(void **state)
{
	struct quota_ask asks[3] = { asker(1), asker(2), asker(3) };

	for (int i = 0; i < 3; i++)
		asks[i].total_most = 2;
	reach_and_leave(asks, QUOTA_TOTAL);
}

static void no_more_than_the_tables_are_made_for(void **state)
{
	struct quota_ask ask = asker(1);

	for (int i = 0; i < MOST; i++)
		hold(&ask, QUOTA_OK);
	hold(&ask, QUOTA_TOTAL);
	quota_release(f.quota, &ask);
	hold(&ask, QUOTA_OK);
}

static void users_of_two_realms_are_two_users(void **state)
{
	struct quota_ask one = asker(1), two = asker(1);

	one.user_most = two.user_most = 1;
	two.realm++;
	hold(&one, QUOTA_OK);
	hold(&two, QUOTA_OK);
	assert_int_equal(quota_alive_of_user(f.quota, one.realm, one.user), 1);
	assert_int_equal(quota_alive_of_user(f.quota, two.realm, two.user), 1);
	assert_int_equal(quota_alive_of_user(f.quota, two.realm, two.user + 1), 0);
}

/* What is refused has taken nothing of the other limits. */
static void a_refusal_takes_nothing(void **state)
{
	struct quota_ask one = asker(1), two = asker(2);

	one.source_most = 1;
	two.source = one.source;
	two.source_most = 1;
	hold(&one, QUOTA_OK);
	for (int i = 0; i < 10; i++)
		hold(&two, QUOTA_SOURCE);
	assert_int_equal(quota_alive(f.quota), 1);
	assert_int_equal(quota_alive_of_user(f.quota, two.realm, two.user), 0);
	two.source = addr_ipv4(203, 0, 113, 1, 0);
	two.user_most = two.realm_most = 1;
	hold(&two, QUOTA_OK);
}

static void a_client_that_moves_takes_its_unit_along(void **state)
{
	struct quota_ask one = asker(1), two = asker(2), moved;

	one.source_most = two.source_most = 1;
	hold(&one, QUOTA_OK);
	moved = one;
	moved.source = addr_ipv4(203, 0, 113, 9, 1);
	quota_move(f.quota, &one.source, &moved.source);

	two.source = moved.source;
	hold(&two, QUOTA_SOURCE);
	two.source = one.source;
	hold(&two, QUOTA_OK);

	/* It may be one too many where it goes to. */
	quota_move(f.quota, &moved.source, &two.source);
	quota_release(f.quota, &two);
	hold(&one, QUOTA_SOURCE);
	quota_release(f.quota, &two); /* the unit of one, whose source that is now */
	assert_int_equal(quota_alive(f.quota), 0);
}

/* Whoever left is let in again, and the lists of the table do not grow. */
static void churn_leaves_no_trace(void **state)
{
	struct quota_ask ask = { .user_most = 1, .realm_most = 1, .source_most = 1 };

	for (uint32_t i = 0; i < 20000; i++) {
		ask.user = i;
		ask.realm = i % 7;
		ask.source = addr_ipv4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1);
		hold(&ask, QUOTA_OK);
		hold(&ask, QUOTA_USER);
		quota_release(f.quota, &ask);
	}
	assert_int_equal(quota_alive(f.quota), 0);
	hold(&ask, QUOTA_OK);
}

static void no_rate_is_no_limit(void **state)
{
	struct quota_ask ask = asker(1);
	struct quota_bucket b = { 0 };

	hold(&ask, QUOTA_OK);
	for (int i = 0; i < 1000; i++) {
		assert_true(quota_bucket_takes(&b, 0, UINT32_MAX, 5));
		assert_true(quota_share_takes(f.share, QUOTA_TO_PEER, 0, UINT32_MAX, 5));
		assert_true(quota_total_takes(f.quota, QUOTA_TO_PEER, 0, UINT32_MAX, 5));
	}
}

#define S UINT64_C(1000000)

static void a_bucket_holds_a_second_and_fills_at_its_rate(void **state)
{
	struct quota_bucket b = { 0 };
	uint64_t now_us = 50 * S;

	for (int i = 0; i < 10; i++)
		assert_true(quota_bucket_takes(&b, 1000, 100, now_us));
	assert_false(quota_bucket_takes(&b, 1000, 1, now_us));
	assert_false(quota_bucket_takes(&b, 1000, 100, now_us + S / 10 - 1));
	assert_true(quota_bucket_takes(&b, 1000, 100, now_us + S / 10));
	assert_false(quota_bucket_takes(&b, 1000, 1, now_us + S / 10));

	/* After a rest it is full again, and not more than full. */
	now_us += 100 * S;
	for (int i = 0; i < 10; i++)
		assert_true(quota_bucket_takes(&b, 1000, 100, now_us));
	assert_false(quota_bucket_takes(&b, 1000, 1, now_us));
}

static void a_datagram_longer_than_a_second_passes_alone(void **state)
{
	struct quota_bucket b = { 0 };

	assert_true(quota_bucket_takes(&b, 1000, 5000, S));
	assert_false(quota_bucket_takes(&b, 1000, 5000, 6 * S - 1));
	assert_false(quota_bucket_takes(&b, 1000, 1, 5 * S));
	assert_true(quota_bucket_takes(&b, 1000, 5000, 6 * S));
}

static void what_is_refused_costs_nothing(void **state)
{
	struct quota_bucket b = { 0 };

	assert_true(quota_bucket_takes(&b, 1000, 900, S));
	for (int i = 0; i < 100; i++)
		assert_false(quota_bucket_takes(&b, 1000, 200, S));
	assert_true(quota_bucket_takes(&b, 1000, 100, S));
}

static void a_high_rate_is_counted_by_the_byte(void **state)
{
	struct quota_bucket b = { 0 };
	uint64_t passed = 0;

	while (quota_bucket_takes(&b, UINT64_C(1000000000), 60, S))
		passed += 60;
	assert_true(passed > 999999900 && passed <= 1000000000);
}

static void ways_and_users_do_not_share(void **state)
{
	struct quota_ask one = asker(1), two = asker(2);
	struct quota_share *other;

	hold(&one, QUOTA_OK);
	other = f.share;
	hold(&two, QUOTA_OK);
	assert_true(quota_share_takes(f.share, QUOTA_TO_PEER, 1000, 1000, S));
	assert_false(quota_share_takes(f.share, QUOTA_TO_PEER, 1000, 1, S));
	assert_true(quota_share_takes(f.share, QUOTA_TO_CLIENT, 1000, 1000, S));
	assert_true(quota_share_takes(other, QUOTA_TO_PEER, 1000, 1000, S));
	assert_true(quota_total_takes(f.quota, QUOTA_TO_PEER, 1000, 1000, S));
	assert_false(quota_total_takes(f.quota, QUOTA_TO_PEER, 1000, 1, S));
	assert_true(quota_total_takes(f.quota, QUOTA_TO_CLIENT, 1000, 1000, S));
}

/* A user's second allocation has the bandwidth that the first one left. */
static void allocations_of_a_user_share(void **state)
{
	struct quota_ask ask = asker(1);
	struct quota_share *first;

	hold(&ask, QUOTA_OK);
	first = f.share;
	hold(&ask, QUOTA_OK);
	assert_ptr_equal(first, f.share);
	quota_release(f.quota, &ask);
	assert_true(quota_share_takes(first, QUOTA_TO_PEER, 1000, 1000, S));
}

/* A worker that has what it can of a share at one moment. */
struct worker {
	pthread_t thread;
	struct quota_share *share;
	uint64_t passed;
};

static void *take_all(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 20000; i++) {
		if (quota_share_takes(w->share, QUOTA_TO_CLIENT, 1000000, 100, S))
			w->passed += 100;
	}
	return NULL;
}

static void two_workers_share_to_the_byte(void **state)
{
	struct quota_ask ask = asker(1);
	struct worker w[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		hold(&ask, QUOTA_OK);
		w[i].share = f.share;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, take_all, &w[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
	assert_int_equal(w[0].passed + w[1].passed, 1000000);
}

static void *churn(void *arg)
{
	struct quota_ask ask = asker(*(uint8_t *)arg);
	struct quota_share *share;
	uintptr_t failed = 0;

	ask.realm = 5;
	ask.user_most = 1;
	for (int i = 0; i < 5000; i++) {
		if (quota_hold(f.quota, &ask, &share) == QUOTA_OK)
			quota_release(f.quota, &ask);
		else
			failed++;
	}
	return (void *)failed;
}

static void two_workers_hold_and_release(void **state)
{
	uint8_t who[2] = { 1, 2 };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &who[i]), 0);
	for (int i = 0; i < 2; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(quota_alive(f.quota), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_user_has_so_many),
		TEST(a_realm_has_so_many),
		TEST(a_source_has_so_many_whatever_its_ports),
		TEST(an_ipv6_source_is_its_first_half),
		TEST(all_together_have_so_many),
		TEST(no_more_than_the_tables_are_made_for),
		TEST(users_of_two_realms_are_two_users),
		TEST(a_refusal_takes_nothing),
		TEST(a_client_that_moves_takes_its_unit_along),
		TEST(churn_leaves_no_trace),
		TEST(no_rate_is_no_limit),
		TEST(a_bucket_holds_a_second_and_fills_at_its_rate),
		TEST(a_datagram_longer_than_a_second_passes_alone),
		TEST(what_is_refused_costs_nothing),
		TEST(a_high_rate_is_counted_by_the_byte),
		TEST(ways_and_users_do_not_share),
		TEST(allocations_of_a_user_share),
		TEST(two_workers_share_to_the_byte),
		TEST(two_workers_hold_and_release),
	};

	quota_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
