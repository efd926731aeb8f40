/* A trial of a turnd on a virtual clock: what is found where all is well, and where it is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>

#include "relay_net.h"
#include "turn_resolve.h"

static struct relay_net n;

/* The only finding is this one; it has a text and a remedy. */
static void expect_finding(uint8_t kind, bool is_failure)
{
	struct relay_finding f;
	char buf[RELAY_TEXT_MAX];

	assert_true(net_found(&n, kind, &f));
	assert_int_equal(n.result->finding_count, 1);
	assert_int_equal(f.is_failure, is_failure);
	assert_true(strlen(relay_finding_text(n.result, &f, buf)) > 10);
	assert_true(strlen(relay_finding_remedy(n.result, &f, buf)) > 10);
}

static const struct relay_loop *loop_of(int family)
{
	return &n.result->families[family].loop;
}

/* Nothing of ours is left at the server. */
static void expect_clean(void)
{
	assert_int_equal(turnd_count(n.rig.worker[0].turnd), 0);
	assert_int_equal(n.opens, n.closes);
}

static void a_relay_that_works(void **state)
{
	net_init(&n);
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_WORKS);
	assert_int_equal(n.result->finding_count, 0);
	for (int f = 0; f < RELAY_FAMILIES; f++) {
		assert_int_equal(loop_of(f)->state, RELAY_PATH_PASSES);
		assert_int_equal(loop_of(f)->sent, 100);
		assert_int_equal(loop_of(f)->arrived, 100);
		assert_int_equal(loop_of(f)->returned, 100);
		/* To the server and on to the other client, and the same way back. */
		assert_int_equal(loop_of(f)->rtt_min_us, 4 * NET_DELAY_US);
		assert_int_equal(loop_of(f)->rtt_max_us, 4 * NET_DELAY_US);
		assert_int_equal(loop_of(f)->sending_us, 99 * 10000);
	}
	assert_int_equal(n.result->in.state, RELAY_PATH_PASSES);
	assert_int_equal(n.result->out.state, RELAY_PATH_PASSES);
	assert_true(addr_equal(&n.result->in.from, &n.outside.tuple.client));
	assert_true(addr_equal(&n.result->outside, &n.outside.tuple.client));
	assert_true(addr_equal(&n.result->mapped, &n.clients[0].tuple.client));
	assert_int_equal(n.result->lifetime_s, 600);
	assert_int_equal(n.result->allocate_us, 2 * NET_DELAY_US);
	assert_in_range(n.took_us, 1000000, 1500000);
	expect_clean();
	net_end(&n);
}

static void a_stream_works_the_same(void **state)
{
	net_init(&n);
	n.config.transport = TURN_OVER_TCP;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_WORKS);
	assert_int_equal(loop_of(RELAY_IPV4)->returned, 100);
	expect_clean();
	net_end(&n);
}

static void one_family_will_do(void **state)
{
	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_WORKS);
	assert_int_equal(loop_of(RELAY_IPV6)->state, RELAY_PATH_NOT_TRIED);
	assert_int_equal(n.result->other_refused, 440);
	net_end(&n);
}

static void wrong_credentials(void **state)
{
	static const struct {
		const char *user, *password;
		uint8_t finding, cause;
	} cases[] = {
		{ "alice", "wrong", RELAY_FOUND_CLIENT, TURN_CLIENT_CREDENTIALS },
		{ "nobody", "open sesame", RELAY_FOUND_CLIENT, TURN_CLIENT_CREDENTIALS },
		{ "", "", RELAY_FOUND_CLIENT, TURN_CLIENT_ANONYMOUS },
		{ "1799999999:alice", "x", RELAY_FOUND_EXPIRED, TURN_CLIENT_CREDENTIALS },
		{ "1800000001:alice", "x", RELAY_FOUND_CLIENT, TURN_CLIENT_CREDENTIALS },
		{ "179999999", "x", RELAY_FOUND_EXPIRED, TURN_CLIENT_CREDENTIALS },
		{ "1234", "x", RELAY_FOUND_CLIENT, TURN_CLIENT_CREDENTIALS },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		net_init(&n);
		n.config.credentials.username = bytes_of_str(cases[i].user);
		n.config.credentials.password = bytes_of_str(cases[i].password);
		net_run(&n);
		assert_int_equal(n.result->verdict, RELAY_FAILS);
		expect_finding(cases[i].finding, true);
		assert_int_equal(n.result->client.cause, cases[i].cause);
		assert_false(n.result->is_allocated);
		expect_clean();
		net_end(&n);
	}
}

/* The longest that turn_client takes; a fault here would overrun what keeps them. */
static void the_longest_credentials(void **state)
{
	static uint8_t text[TURN_CLIENT_TOKEN_MAX];

	memset(text, 'a', sizeof(text));
	net_init(&n);
	n.config.credentials = (struct turn_client_credentials){
		.username = bytes_of(text, 508),
		.access_token = bytes_of(text, sizeof(text)),
		.mac_key = bytes_of(text, 763),
	};
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_FAILS);
	net_end(&n);
}

static void nobody_answers(void **state)
{
	net_init(&n);
	n.loss[NET_TO_SERVER] = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_NO_ANSWER);
	expect_finding(RELAY_FOUND_CLIENT, true);
	assert_int_equal(n.result->client.cause, TURN_CLIENT_TIMEOUT);
	assert_in_range(n.took_us, 5000000, 10000000);
	net_end(&n);
}

static void a_connection_that_fails(void **state)
{
	static const struct {
		uint8_t cause, verdict;
		bool is_failure;
	} cases[] = {
		{ DIAL_NO_ROUTE, RELAY_NOT_TRIED, false },
		{ DIAL_REFUSED, RELAY_NO_ANSWER, true },
		{ DIAL_SILENT, RELAY_NO_ANSWER, true },
		{ DIAL_SLOW_HANDSHAKE, RELAY_FAILS, true },
		{ DIAL_HANDSHAKE, RELAY_FAILS, true },
		{ DIAL_CERT_NAME, RELAY_FAILS, true },
		{ DIAL_CERT_UNTRUSTED, RELAY_FAILS, true },
		{ DIAL_CERT_DATES, RELAY_FAILS, true },
		{ DIAL_CLOSED, RELAY_FAILS, true },
		{ DIAL_NOT_STUN, RELAY_FAILS, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		net_init(&n);
		n.config.transport = TURN_OVER_TLS;
		n.dial_cause[0] = n.dial_cause[1] = cases[i].cause;
		net_run(&n);
		assert_int_equal(n.result->verdict, cases[i].verdict);
		expect_finding(RELAY_FOUND_DIAL, cases[i].is_failure);
		assert_int_equal(n.result->dial.cause, cases[i].cause);
		assert_int_equal(n.took_us, 0);
		net_end(&n);
	}
}

static void a_range_that_is_closed(void **state)
{
	net_init(&n);
	n.loss[NET_TO_RELAY] = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	expect_finding(RELAY_FOUND_CLOSED_RANGE, true);
	assert_int_equal(n.result->in.state, RELAY_PATH_SILENT);
	assert_int_equal(loop_of(RELAY_IPV4)->returned, 100);
	expect_clean();
	net_end(&n);
}

static void nothing_leaves_the_relay(void **state)
{
	net_init(&n);
	n.loss[NET_FROM_RELAY] = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	expect_finding(RELAY_FOUND_NO_WAY_OUT, true);
	net_end(&n);
}

static void the_relay_does_not_reach_itself(void **state)
{
	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	n.loss[NET_RELAY_RELAY] = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	expect_finding(RELAY_FOUND_NO_LOOP, true);
	assert_int_equal(loop_of(RELAY_IPV4)->state, RELAY_PATH_SILENT);
	assert_in_range(loop_of(RELAY_IPV4)->sent, 50, 100);
	net_end(&n);
}

static void nothing_comes_at_all(void **state)
{
	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	n.loss[NET_RELAY_RELAY] = n.loss[NET_TO_RELAY] = n.loss[NET_FROM_RELAY] = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_FAILS);
	expect_finding(RELAY_FOUND_NOTHING_COMES, true);
	assert_true(n.result->is_allocated);
	expect_clean();
	net_end(&n);
}

/* The server stands behind one address and announces another one. */
static void a_wrong_public_address(void **state)
{
	struct relay_finding f;

	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	n.leaves_as = addr_ipv4(91, 80, 0, 99, 50000);
	n.loss[NET_RELAY_RELAY] = n.loss[NET_TO_RELAY] = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	assert_true(net_found(&n, RELAY_FOUND_ELSEWHERE, &f));
	assert_true(addr_equal(&f.addr, &n.leaves_as));
	assert_int_equal(n.result->out.state, RELAY_PATH_ELSEWHERE);
	net_end(&n);
}

static void a_private_relay_address(void **state)
{
	struct relay_finding f;

	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	n.rig.relays[0].seen_as = n.rig.relays[0].local;
	net_run(&n);
	assert_true(net_found(&n, RELAY_FOUND_PRIVATE, &f));
	assert_true(f.is_failure);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	net_end(&n);
}

static void loss_is_told(void **state)
{
	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	n.config.count = 1000;
	n.config.rate = 1000;
	n.loss[NET_RELAY_RELAY] = 10;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_WORKS);
	expect_finding(RELAY_FOUND_LOSS, false);
	assert_in_range(loop_of(RELAY_IPV4)->arrived, 850, 950);
	assert_in_range(loop_of(RELAY_IPV4)->returned, 740, 880);
	net_end(&n);
}

static void our_own_address_may_be_denied(void **state)
{
	const char *why;

	net_init(&n);
	assert_true(policy_rules_add(n.rig.peer_rules, POLICY_DENY, "91.80.1.1", &why));
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_WORKS);
	expect_finding(RELAY_FOUND_SELF_DENIED, false);
	assert_int_equal(n.result->in.state, RELAY_PATH_DENIED);
	assert_int_equal(n.result->in.code, 403);
	net_end(&n);
}

static void its_own_addresses_may_be_denied(void **state)
{
	const char *why;

	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	assert_true(policy_rules_add(n.rig.peer_rules, POLICY_DENY, "91.80.0.5", &why));
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	expect_finding(RELAY_FOUND_DENIED, true);
	assert_int_equal(loop_of(RELAY_IPV4)->state, RELAY_PATH_DENIED);
	assert_int_equal(loop_of(RELAY_IPV4)->code, 403);
	assert_int_equal(n.result->out.state, RELAY_PATH_PASSES);
	net_end(&n);
}

/* Then there is nothing to try it with. */
static void all_of_us_may_be_denied(void **state)
{
	static const char *const denied[] = { "91.80.1.1", "91.80.0.5", "2a01:4f8::5" };
	const char *why;

	net_init(&n);
	for (size_t i = 0; i < ARRAY_LEN(denied); i++)
		assert_true(policy_rules_add(n.rig.peer_rules, POLICY_DENY, denied[i], &why));
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_INCONCLUSIVE);
	assert_true(net_found(&n, RELAY_FOUND_DENIED, NULL));
	assert_true(net_found(&n, RELAY_FOUND_SELF_DENIED, NULL));
	expect_clean();
	net_end(&n);
}

static void one_direction_is_half_a_relay(void **state)
{
	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	n.loses_answers = true;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	expect_finding(RELAY_FOUND_HALF_LOOP, true);
	assert_int_equal(loop_of(RELAY_IPV4)->arrived, 100);
	assert_int_equal(loop_of(RELAY_IPV4)->returned, 0);
	net_end(&n);
}

/* UDP does not leave this network; the server itself is reached over TCP. */
static void silence_without_control_says_nothing(void **state)
{
	net_init(&n);
	n.config.transport = TURN_OVER_TCP;
	n.loss[NET_BINDING] = n.loss[NET_TO_RELAY] = n.loss[NET_FROM_RELAY] = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_WORKS);
	expect_finding(RELAY_FOUND_NO_CONTROL, false);
	net_end(&n);
}

static void a_quota_of_one(void **state)
{
	net_init(&n);
	n.rig.realms[0].limits.user_allocations = 1;
	n.rig.snapshot.relay_count = 1;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	expect_finding(RELAY_FOUND_SECOND, true);
	assert_int_equal(n.result->client.code, 486);
	assert_int_equal(n.result->in.state, RELAY_PATH_PASSES);
	assert_int_equal(n.result->out.state, RELAY_PATH_PASSES);
	expect_clean();
	net_end(&n);
}

static void no_port_is_left(void **state)
{
	net_init(&n);
	n.rig.snapshot.relay_count = 1;
	n.rig.open_error = EMFILE;
	n.rig.open_errors = 100;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_FAILS);
	expect_finding(RELAY_FOUND_CLIENT, true);
	assert_int_equal(n.result->client.code, 508);
	net_end(&n);
}

static void a_connection_that_breaks_is_told(void **state)
{
	net_init(&n);
	n.config.transport = TURN_OVER_TCP;
	n.breaks_at_us = 600000;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_PARTLY);
	assert_true(net_found(&n, RELAY_FOUND_CLIENT, NULL));
	assert_int_equal(n.result->dial.cause, DIAL_CLOSED);
	net_end(&n);
}

static void the_time_can_be_up(void **state)
{
	net_init(&n);
	n.opens_never = true;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_NO_ANSWER);
	expect_finding(RELAY_FOUND_TIMEOUT, true);
	assert_int_equal(n.took_us, 20000000);
	net_end(&n);

	net_init(&n);
	n.config.count = 10000;
	n.config.timeout_us = 2000000;
	net_run(&n);
	assert_int_equal(n.result->verdict, RELAY_INCONCLUSIVE);
	expect_finding(RELAY_FOUND_TIMEOUT, false);
	assert_in_range(loop_of(RELAY_IPV4)->returned, 150, 200);
	assert_in_range(n.took_us, 2000000, 2100000);
	expect_clean();
	net_end(&n);
}

static void it_can_be_stopped_at_any_time(void **state)
{
	for (uint64_t at_us = 1; at_us < 1200000; at_us += 7919) {
		net_init(&n);
		n.stops_at_us = at_us;
		net_run(&n);
		assert_true(n.took_us <= at_us + 100000);
		expect_clean();
		net_end(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relay_that_works),
		cmocka_unit_test(a_stream_works_the_same),
		cmocka_unit_test(one_family_will_do),
		cmocka_unit_test(wrong_credentials),
		cmocka_unit_test(the_longest_credentials),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(a_connection_that_fails),
		cmocka_unit_test(a_range_that_is_closed),
		cmocka_unit_test(nothing_leaves_the_relay),
		cmocka_unit_test(the_relay_does_not_reach_itself),
		cmocka_unit_test(nothing_comes_at_all),
		cmocka_unit_test(a_wrong_public_address),
		cmocka_unit_test(a_private_relay_address),
		cmocka_unit_test(loss_is_told),
		cmocka_unit_test(our_own_address_may_be_denied),
		cmocka_unit_test(its_own_addresses_may_be_denied),
		cmocka_unit_test(all_of_us_may_be_denied),
		cmocka_unit_test(one_direction_is_half_a_relay),
		cmocka_unit_test(silence_without_control_says_nothing),
		cmocka_unit_test(a_quota_of_one),
		cmocka_unit_test(no_port_is_left),
		cmocka_unit_test(a_connection_that_breaks_is_told),
		cmocka_unit_test(the_time_can_be_up),
		cmocka_unit_test(it_can_be_stopped_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
