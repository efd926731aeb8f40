/* judge: peers and turnd's own relay addresses, over the shares of all workers. */
#include "turnd/turnd_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

#define RELAYS  3
#define WORKERS 2

static const struct snapshot_relay relays[RELAYS] = {
	{ .local = { ADDR_IPV4, 0, { 10, 0, 0, 5 }, 0 },
	  .seen_as = { ADDR_IPV4, 0, { 203, 0, 113, 7 }, 0 } },
	{ .local = { ADDR_IPV4, 0, { 10, 0, 0, 6 }, 0 },
	  .seen_as = { ADDR_IPV4, 0, { 203, 0, 113, 7 }, 0 } },
	{ .local = { ADDR_IPV4, 0, { 198, 51, 100, 1 }, 0 },
	  .seen_as = { ADDR_IPV4, 0, { 198, 51, 100, 1 }, 0 } },
};

/* Workers share three relay addresses; two of them look the same from outside. */
struct fixture {
	struct snapshot snapshot;
	struct realm realm;
	struct ports *ports[RELAYS * WORKERS];
	struct turnd_shared shared;
	struct turnd t;
	struct policy *policy;
};

static struct fixture f;

static struct policy *make_policy(void)
{
	struct policy_rules *r = policy_rules_new(true);
	struct addr listening = addr_ipv4(192, 0, 32, 10, 3478);
	const char *why = "";
	bool ok = policy_rules_add_own(r, &listening, &why);
	struct policy *p;

	for (size_t i = 0; i < RELAYS; i++)
		ok = ok && policy_rules_add_relay(r, &relays[i].local, &why) &&
		     policy_rules_add_relay(r, &relays[i].seen_as, &why);
	assert_true(ok);
	p = policy_new(r, NULL, &why);
	assert_non_null(p);
	policy_rules_free(r);
	return p;
}

static int set_up(void **state)
{
	struct ports_share share = { .low = 50000, .high = 50999, .workers = WORKERS };

	memset(&f, 0, sizeof(f));
	for (size_t i = 0; i < RELAYS * WORKERS; i++) {
		share.worker = (uint8_t)(i % WORKERS);
		f.ports[i] = ports_new(&share);
		assert_non_null(f.ports[i]);
	}
	f.policy = make_policy();
	f.realm.peers = f.policy;
	f.snapshot = (struct snapshot){ .relays = relays, .relay_count = RELAYS };
	f.shared = (struct turnd_shared){ .ports = f.ports, .workers = WORKERS };
	f.t.snapshot = &f.snapshot;
	f.t.shared = &f.shared;
	return 0;
}

static int tear_down(void **state)
{
	for (size_t i = 0; i < RELAYS * WORKERS; i++)
		ports_free(f.ports[i]);
	policy_free(f.policy);
	return 0;
}

static enum policy_verdict judge(struct addr peer)
{
	return turnd_judge_peer(&f.t, &f.realm, &peer, PORTS_DATAGRAMS);
}

/* Opens a relay socket of one worker. */
static uint16_t open_port(size_t relay, size_t worker)
{
	uint16_t port = ports_take(f.ports[relay * WORKERS + worker], PORTS_ANY, 7);

	assert_int_not_equal(port, 0);
	return port;
}

static void a_relay_port_is_allowed_while_any_worker_has_it(void **state)
{
	for (size_t worker = 0; worker < WORKERS; worker++) {
		uint16_t port = open_port(2, worker);
		struct addr peer = addr_ipv4(198, 51, 100, 1, port);

		assert_int_equal(judge(peer), POLICY_ALLOWED);
		peer.port ^= 1;
		assert_int_equal(judge(peer), POLICY_RELAY_PORT);
		peer.port ^= 1;
		ports_release(f.ports[2 * WORKERS + worker], port);
		assert_int_equal(judge(peer), POLICY_RELAY_PORT);
	}
	assert_int_equal(judge(addr_ipv4(198, 51, 100, 1, 22)), POLICY_RELAY_PORT);
	assert_int_equal(judge(addr_ipv4(198, 51, 100, 1, 0)), POLICY_RELAY_PORT);
}

/* On the same port of the other protocol any program of this host may listen. */
static void a_relay_port_is_of_one_protocol(void **state)
{
	uint16_t udp = open_port(2, 0), tcp = open_port(2, 1);
	struct addr to_udp = addr_ipv4(198, 51, 100, 1, udp);
	struct addr to_tcp = addr_ipv4(198, 51, 100, 1, tcp);

	ports_set_stream(f.ports[2 * WORKERS + 1], tcp);
	assert_int_equal(judge(to_udp), POLICY_ALLOWED);
	assert_int_equal(judge(to_tcp), POLICY_RELAY_PORT);
	assert_int_equal(turnd_judge_peer(&f.t, &f.realm, &to_udp, PORTS_STREAMS),
			 POLICY_RELAY_PORT);
	assert_int_equal(turnd_judge_peer(&f.t, &f.realm, &to_tcp, PORTS_STREAMS), POLICY_ALLOWED);
	ports_release(f.ports[2 * WORKERS + 1], tcp);
	assert_int_equal(open_port(2, 1), tcp); /* and is for datagrams again */
	assert_int_equal(judge(to_tcp), POLICY_ALLOWED);
}

static void a_public_address_stands_for_all_relays_behind_it(void **state)
{
	uint16_t port = open_port(1, 0);

	assert_int_equal(judge(addr_ipv4(203, 0, 113, 7, port)), POLICY_ALLOWED);
	assert_int_equal(judge(addr_ipv4(10, 0, 0, 6, port)), POLICY_ALLOWED);
	assert_int_equal(judge(addr_ipv4(10, 0, 0, 5, port)), POLICY_RELAY_PORT);
	assert_int_equal(judge(addr_ipv4(198, 51, 100, 1, port)), POLICY_RELAY_PORT);
}

static void other_peers_are_the_policys_alone(void **state)
{
	assert_int_equal(judge(addr_ipv4(8, 8, 8, 8, 53)), POLICY_ALLOWED);
	assert_int_equal(judge(addr_ipv4(127, 0, 0, 1, 53)), POLICY_SPECIAL);
	assert_int_equal(judge(addr_ipv4(192, 0, 32, 10, 3478)), POLICY_OWN);
	assert_int_equal(judge(addr_ipv4(192, 0, 32, 10, 3479)), POLICY_ALLOWED);
}

static void a_permission_says_whether_ports_matter(void **state)
{
	static const struct {
		struct addr ip;
		enum policy_verdict verdict;
		bool is_relay;
	} cases[] = {
		{ { ADDR_IPV4, 0, { 8, 8, 8, 8 }, 0 }, POLICY_ALLOWED, false },
		{ { ADDR_IPV4, 0, { 198, 51, 100, 1 }, 0 }, POLICY_ALLOWED, true },
		{ { ADDR_IPV4, 0, { 203, 0, 113, 7 }, 0 }, POLICY_ALLOWED, true },
		{ { ADDR_IPV4, 0, { 192, 0, 32, 10 }, 0 }, POLICY_ALLOWED, true },
		{ { ADDR_IPV4, 0, { 192, 0, 32, 11 }, 0 }, POLICY_ALLOWED, false },
		{ { ADDR_IPV4, 0, { 127, 0, 0, 1 }, 0 }, POLICY_SPECIAL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_relay = !cases[i].is_relay;

		assert_int_equal(turnd_judge_ip(&f.t, &f.realm, &cases[i].ip, &is_relay),
				 cases[i].verdict);
		assert_int_equal(is_relay, cases[i].is_relay);
	}
}

static void relays_reach_each_other_by_the_short_way(void **state)
{
	uint16_t port = open_port(1, 1);
	struct addr called = addr_ipv4(203, 0, 113, 7, port), elsewhere = addr_ipv4(8, 8, 8, 8, 9);
	struct addr reached = turnd_reach_peer(&f.t, &called, PORTS_DATAGRAMS), back;
	struct addr expected = addr_ipv4(10, 0, 0, 6, port);

	assert_true(addr_equal(&reached, &expected));
	back = turnd_call_peer(&f.t, &reached);
	assert_true(addr_equal(&back, &called));

	reached = turnd_reach_peer(&f.t, &elsewhere, PORTS_DATAGRAMS);
	assert_true(addr_equal(&reached, &elsewhere));
	back = turnd_call_peer(&f.t, &elsewhere);
	assert_true(addr_equal(&back, &elsewhere));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_relay_port_is_allowed_while_any_worker_has_it),
		TEST(a_relay_port_is_of_one_protocol),
		TEST(a_public_address_stands_for_all_relays_behind_it),
		TEST(other_peers_are_the_policys_alone),
		TEST(a_permission_says_whether_ports_matter),
		TEST(relays_reach_each_other_by_the_short_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
