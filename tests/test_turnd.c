/* What a worker does with its allocations as a whole: time, reloads, lists, the operator's word. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd_kit.h"

static int links[4];

static struct turnd *worker(void)
{
	return r.worker[0].turnd;
}

static uint64_t ended(enum stats_end why)
{
	return counter_read(&turnd_stats(worker())->ended[why]);
}

/* One more allocation, of a client with a connection of its own. */
static const struct alloc *allocate(uint16_t port, void *link)
{
	const struct alloc *a = NULL;

	rig_client(&c, &r, port);
	c.link = link;
	c.tuple.transport = link != NULL ? STUN_TCP : STUN_UDP;
	assert_int_equal(rig_allocate(&c), 0);
	while ((a = turnd_next(worker(), a)) != NULL) {
		if (five_tuple_equal(&a->flow.tuple, &c.tuple))
			return a;
	}
	fail();
	return NULL;
}

static void an_allocation_ends_with_its_connection(void **state)
{
	struct five_tuple tuple;

	start();
	tuple = allocate(4001, &links[0])->flow.tuple;
	turnd_link_ended(worker(), &tuple, &links[1], &r.now);
	assert_int_equal(turnd_count(worker()), 1);
	turnd_link_ended(worker(), &tuple, &links[0], &r.now);
	assert_int_equal(turnd_count(worker()), 0);
	assert_int_equal(r.open, 0);
	assert_int_equal(r.links_ended, 0); /* that one has */
	assert_int_equal(ended(STATS_END_LINK), 1);
	turnd_link_ended(worker(), &tuple, &links[0], &r.now);
}

static void a_mobile_one_outlives_its_connection(void **state)
{
	struct alloc *a;

	start();
	a = (struct alloc *)(uintptr_t)allocate(4001, &links[0]);
	a->mobility.is_mobile = true;
	turnd_link_ended(worker(), &a->flow.tuple, &links[0], &r.now);
	assert_int_equal(turnd_count(worker()), 1);
	assert_null(a->flow.link);
	rig_pass(&r, 600000);
	assert_int_equal(ended(STATS_END_EXPIRED), 1);
	assert_int_equal(r.links_ended, 0);
}

static void what_is_over_ends_and_the_next_time_is_known(void **state)
{
	uint64_t at;

	start();
	assert_int_equal(turnd_on_time(worker(), &r.now), UINT64_MAX);
	(void)allocate(4001, &links[0]);
	rig_pass(&r, 1000);
	(void)allocate(4002, NULL);
	while ((at = turnd_on_time(worker(), &r.now)) != UINT64_MAX) {
		assert_true(at > r.now.us);
		r.now.us = at;
		if (at < UINT64_C(1600000000))
			assert_int_equal(turnd_count(worker()), 2);
		assert_true(at <= UINT64_C(1602000000));
	}
	assert_int_equal(turnd_count(worker()), 0);
	assert_int_equal(ended(STATS_END_EXPIRED), 2);
	assert_int_equal(r.open, 0);
	assert_int_equal(r.links_ended, 0); /* it may allocate anew */
}

static void the_operator_ends_one(void **state)
{
	const struct alloc *a;

	start();
	(void)allocate(4001, NULL);
	a = allocate(4002, &links[2]);
	assert_false(turnd_kick(worker(), 12345));
	assert_ptr_equal(turnd_find(worker(), a->number), a);
	assert_true(turnd_kick(worker(), a->number));
	assert_int_equal(turnd_count(worker()), 1);
	assert_int_equal(r.links_ended, 1);
	assert_ptr_equal(r.link_ended, &links[2]);
	assert_int_equal(ended(STATS_END_KICKED), 1);
	assert_int_equal(r.open, 1);
}

static void all_of_them_can_be_listed(void **state)
{
	uint64_t seen = 0;
	size_t count = 0;

	start();
	assert_null(turnd_next(worker(), NULL));
	for (uint16_t i = 0; i < 20; i++)
		(void)allocate((uint16_t)(4000 + i), NULL);
	for (const struct alloc *a = turnd_next(worker(), NULL); a != NULL;
	     a = turnd_next(worker(), a)) {
		seen |= UINT64_C(1) << (a->flow.tuple.client.port - 4000);
		count++;
	}
	assert_int_equal(count, 20);
	assert_int_equal(seen, 0xfffff);
	assert_int_equal(turnd_count(worker()), 20);
}

static void the_end_of_all_closes_what_is_open(void **state)
{
	struct turnd_config config;
	struct turnd *t;

	start();
	config = (struct turnd_config){
		.snapshot = &r.snapshot,
		.shared = &r.shared,
		.io = &r.worker[0].io,
		.now_us = r.now.us,
	};
	t = r.worker[0].turnd;
	(void)allocate(4001, &links[3]);
	(void)allocate(4002, NULL);
	turnd_free(t);
	assert_int_equal(r.open, 0);
	assert_ptr_equal(r.link_ended, &links[3]);
	assert_int_equal(quota_alive(r.shared.quota), 0);
	r.worker[0].turnd = turnd_new(&config);
	turnd_free(NULL);
}

static void a_reload_without_its_realm_ends_an_allocation(void **state)
{
	struct snapshot next;
	struct realm others[1];

	start();
	(void)allocate(4001, &links[0]);
	next = r.snapshot;
	turnd_use_snapshot(worker(), &next, r.now.us);
	assert_int_equal(turnd_count(worker()), 1);

	others[0] = r.realms[1];
	next.realms = others;
	next.realm_count = 1;
	turnd_use_snapshot(worker(), &next, r.now.us);
	assert_int_equal(turnd_count(worker()), 0);
	assert_int_equal(ended(STATS_END_POLICY), 1);
	assert_ptr_equal(r.link_ended, &links[0]);
	turnd_use_snapshot(worker(), &r.snapshot, r.now.us);
}

static struct policy *deny(const char *prefix)
{
	struct policy_rules *rules = policy_rules_new(true);
	struct policy *p;
	const char *why;

	assert_true(policy_rules_add(rules, POLICY_DENY, prefix, &why));
	p = policy_new(rules, NULL, &why);
	policy_rules_free(rules);
	return p;
}

static void a_reload_takes_out_the_peers_that_it_denies(void **state)
{
	struct addr gone = addr_ipv4(91, 80, 9, 1, 7000), stays = addr_ipv4(91, 80, 8, 1, 7000);
	uint64_t now_ms = r.now.us / 1000;
	struct snapshot next;
	struct realm realms[2];
	struct policy *p = deny("91.80.9.0/24");
	const struct alloc *a;

	start();
	a = allocate(4001, NULL);
	assert_int_equal(rig_permit(&c, &gone), 0);
	assert_int_equal(rig_bind(&c, 0x4001, &gone), 0);
	assert_int_equal(rig_bind(&c, 0x4002, &stays), 0);
	next = r.snapshot;
	realms[0] = r.realms[0];
	realms[1] = r.realms[1];
	realms[0].peers = p;
	next.realms = realms;
	turnd_use_snapshot(worker(), &next, r.now.us);
	assert_ptr_equal(a->flow.realm, &realms[0]);
	assert_null(peers_find_permission(&a->flow.peers, &gone, now_ms));
	assert_null(peers_find_channel(&a->flow.peers, 0x4001, now_ms));
	assert_non_null(peers_find_permission(&a->flow.peers, &stays, now_ms));
	assert_non_null(peers_find_channel(&a->flow.peers, 0x4002, now_ms));
	turnd_use_snapshot(worker(), &r.snapshot, r.now.us);
	policy_free(p);
}

/* A permission has no port, a channel has: there the socket has to be open yet. */
static void a_reload_looks_at_peers_that_are_relayed_too(void **state)
{
	uint64_t now_ms = r.now.us / 1000;
	struct addr other;
	const struct alloc *a;

	start();
	(void)allocate(4001, NULL);
	other = c.relayed[0];
	a = allocate(4002, NULL);
	assert_int_equal(rig_bind(&c, 0x4001, &other), 0);
	turnd_use_snapshot(worker(), &r.snapshot, r.now.us);
	assert_non_null(peers_find_permission(&a->flow.peers, &other, now_ms));
	assert_non_null(peers_find_channel(&a->flow.peers, 0x4001, now_ms));
	assert_true(turnd_kick(worker(), a->number - 1));
	turnd_use_snapshot(worker(), &r.snapshot, r.now.us);
	assert_non_null(peers_find_permission(&a->flow.peers, &other, now_ms));
	assert_null(peers_find_channel(&a->flow.peers, 0x4001, now_ms));
}

static void the_number_of_a_realm_stays(void **state)
{
	start();
	assert_true(snapshot_realm_id(BYTES("example.org")) == UINT64_C(0xee7160631269bf51));
	assert_int_not_equal(snapshot_realm_id(BYTES("example.org")),
			     snapshot_realm_id(BYTES("example.net")));
	assert_int_not_equal(snapshot_realm_id(BYTES("")), 0);
	assert_ptr_equal(snapshot_realm(&r.snapshot, 0), &r.realms[0]);
	assert_ptr_equal(snapshot_realm(&r.snapshot, r.realms[1].id), &r.realms[1]);
	assert_null(snapshot_realm(&r.snapshot, 1));
	r.snapshot.realm_count = 0;
	assert_null(snapshot_realm(&r.snapshot, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, prepare, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_allocation_ends_with_its_connection),
		TEST(a_mobile_one_outlives_its_connection),
		TEST(what_is_over_ends_and_the_next_time_is_known),
		TEST(the_operator_ends_one),
		TEST(all_of_them_can_be_listed),
		TEST(the_end_of_all_closes_what_is_open),
		TEST(a_reload_without_its_realm_ends_an_allocation),
		TEST(a_reload_takes_out_the_peers_that_it_denies),
		TEST(a_reload_looks_at_peers_that_are_relayed_too),
		TEST(the_number_of_a_realm_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
