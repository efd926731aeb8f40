/* How long mappings live in the NAT model, what ends them early, and what limits packets. */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S ((uint64_t)1000000)

static struct rig rig;

/* Whether the mapping still is there after `wait_s`, without touching it before. */
static bool lives(struct addr host, struct addr external, unsigned wait_s)
{
	size_t known = rig_events(&rig, NAT_EVENT_MAPPED, NULL);

	rig.now_us += wait_s * S;
	struct addr x = rig_map(&rig, host, rig_remote(9, 9));
	assert_true(addr_equal_ip(&x, &external));
	return rig_events(&rig, NAT_EVENT_MAPPED, NULL) == known;
}

static void lifetimes_depend_on_answers_and_ports(void **state)
{
	static const struct {
		const char *why;
		uint32_t lifetime_s, one_way_s, low_port_s;
		uint16_t remote_port;
		bool answered;
		unsigned lives_s;
	} cases[] = {
		{ "default", 0, 0, 0, 3478, false, 300 },
		{ "as told", 120, 0, 0, 3478, false, 120 },
		{ "no answer yet", 60, 20, 0, 3478, false, 20 },
		{ "answered", 60, 20, 0, 3478, true, 60 },
		{ "low port", 300, 0, 30, 53, true, 30 },
		{ "high port", 300, 0, 30, 1024, true, 300 },
	};
	struct addr host = rig_host(0, 5000);

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		unsigned k = (unsigned)i / 2;
		struct addr remote = rig_remote(0, cases[k].remote_port);
		struct nat_config c = rig_config();
		bool early = i % 2 == 0;

		c.lifetime_s = cases[k].lifetime_s;
		c.lifetime_one_way_s = cases[k].one_way_s;
		c.lifetime_low_port_s = cases[k].low_port_s;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		if (cases[k].answered)
			assert_true(rig_gets_in(&rig, remote, x, &host));
		if (lives(host, x, cases[k].lives_s - (early ? 1 : 0)) != early)
			fail_msg("%s: wrong after %u s", cases[k].why, cases[k].lives_s);
		rig_close(&rig);
	}
}

static void refresh_goes_the_way_it_is_told(void **state)
{
	static const struct {
		uint8_t refresh;
		bool by_out, by_in;
	} cases[] = {
		{ NAT_REFRESH_OUT, true, false },
		{ NAT_REFRESH_IN, false, true },
		{ NAT_REFRESH_BOTH, true, true },
		{ NAT_REFRESH_NONE, false, false },
	};
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		bool out = i % 2 == 0;
		struct nat_config c = rig_config();

		c.lifetime_s = 60;
		c.refresh = cases[i / 2].refresh;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		rig_wait(&rig, 40 * S);
		if (out)
			(void)rig_map(&rig, host, remote);
		else
			assert_true(rig_gets_in(&rig, remote, x, &host));
		rig_wait(&rig, 40 * S);
		assert_int_equal(rig_gets_in(&rig, remote, x, &host),
				 out ? cases[i / 2].by_out : cases[i / 2].by_in);
		rig_close(&rig);
	}
}

static void a_filter_closes_with_its_flow_and_not_with_the_mapping(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000);

	c.lifetime_s = 60;
	rig_open(&rig, &c, 3);
	struct addr x = rig_map(&rig, host, rig_remote(0, 3478));
	rig_wait(&rig, 40 * S);
	(void)rig_map(&rig, host, rig_remote(1, 3478));
	rig_wait(&rig, 30 * S);
	assert_false(rig_gets_in(&rig, rig_remote(0, 3478), x, NULL));
	assert_true(rig_gets_in(&rig, rig_remote(1, 3478), x, &host));
	rig_close(&rig);
}

static void ticks_tell_when_something_ends(void **state)
{
	struct nat_config c = rig_config();

	rig_open(&rig, &c, 3);
	assert_true(nat_tick(rig.nat, rig.now_us) == UINT64_MAX);
	(void)rig_map(&rig, rig_host(0, 5000), rig_remote(0, 3478));
	uint64_t due_us = nat_tick(rig.nat, rig.now_us);
	assert_int_equal(due_us, rig.now_us + 300 * S);
	rig_wait(&rig, 300 * S);
	assert_int_equal(nat_mapping_count(rig.nat), 0);
	assert_int_equal(rig_events(&rig, NAT_EVENT_EXPIRED, "lifetime"), 1);
	rig_close(&rig);
}

static void unexpected_packets_kill_only_where_told(void **state)
{
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);

	for (int kills = 0; kills < 2; kills++) {
		struct nat_config c = rig_config();

		c.dies_on_unexpected = kills == 1;
		rig_open(&rig, &c, 3);
		struct addr x = rig_map(&rig, host, remote);
		assert_true(rig_gets_in(&rig, remote, x, &host));
		assert_false(rig_gets_in(&rig, rig_remote(1, 1), x, NULL));
		assert_int_equal(rig_gets_in(&rig, remote, x, &host), kills == 0);
		assert_int_equal(rig_events(&rig, NAT_EVENT_REMOVED, "unexpected"), kills);
		rig_close(&rig);
	}
}

static void the_rate_limit_is_a_token_bucket_for_what_leaves(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	unsigned passed = 0, held = 0;

	c.rate_per_s = 40;
	c.rate_burst = 10;
	rig_open(&rig, &c, 3);
	for (int i = 0; i < 30; i++)
		passed += rig_map(&rig, host, remote).family != ADDR_NONE;
	assert_int_equal(passed, 10);
	assert_int_equal(rig_events(&rig, NAT_EVENT_DROPPED, "rate-limit"), 20);
	for (int i = 0; i < 200; i++) {
		rig_wait(&rig, S / 100);
		held += rig_map(&rig, host, remote).family != ADDR_NONE;
	}
	assert_in_range(held, 79, 81);
	assert_true(rig_gets_in(&rig, remote, addr_ipv4(203, 0, 113, 1, 5000), &host));
	rig_wait(&rig, S);
	passed = 0;
	for (int i = 0; i < 30; i++)
		passed += rig_map(&rig, host, remote).family != ADDR_NONE;
	assert_int_equal(passed, 10);
	rig_close(&rig);
}

static void a_rate_limit_without_burst_lets_one_out_at_a_time(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);

	c.rate_per_s = 10;
	rig_open(&rig, &c, 3);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(rig_map(&rig, host, remote).family, ADDR_IPV4);
		assert_int_equal(rig_map(&rig, host, remote).family, ADDR_NONE);
		rig_wait(&rig, S / 10 - 1);
		assert_int_equal(rig_map(&rig, host, remote).family, ADDR_NONE);
		rig_wait(&rig, 1);
	}
	rig_close(&rig);
}

static struct addr map_tcp(uint16_t local, unsigned remote)
{
	const struct rig_packet *o =
		rig_tcp(&rig, NAT_INSIDE, rig_host(0, local), rig_remote(remote, 80), PACKET_SYN);

	assert_non_null(o);
	return o->packet.source;
}

static bool is_independent_of_tcp(uint16_t local)
{
	struct addr a = map_tcp(local, 0), b = map_tcp(local, 1);

	return addr_equal(&a, &b);
}

static bool is_independent(uint16_t local)
{
	struct addr a = rig_map(&rig, rig_host(0, local), rig_remote(0, 3478));
	struct addr b = rig_map(&rig, rig_host(0, local), rig_remote(1, 3478));

	return addr_equal(&a, &b);
}

static void load_changes_new_mappings_only(void **state)
{
	struct nat_config c = rig_config();

	c.load_limit = 5;
	c.loaded_mapping = NAT_APD;
	rig_open(&rig, &c, 3);
	for (uint16_t k = 0; k < 5; k++)
		assert_true(is_independent((uint16_t)(5000 + k)));
	assert_false(is_independent(6000));
	assert_true(is_independent(5000));
	rig_close(&rig);
}

static void load_changes_tcp_as_well(void **state)
{
	struct nat_config c = rig_config();

	c.load_limit = 5;
	c.loaded_mapping = NAT_APD;
	rig_open(&rig, &c, 3);
	for (uint16_t k = 0; k < 4; k++)
		assert_true(is_independent_of_tcp((uint16_t)(5000 + k)));
	assert_true(is_independent(5000)); /* of UDP: one more that counts */
	assert_false(is_independent_of_tcp(6000));
	assert_false(is_independent(6000));
	assert_true(is_independent_of_tcp(5000));
	rig_wait(&rig, 300 * S);
	assert_int_equal(nat_mapping_count(rig.nat), 0);
	assert_true(is_independent_of_tcp(7000));
	rig_close(&rig);
}

static void a_reboot_forgets_everything(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);

	rig_open(&rig, &c, 3);
	struct addr x = rig_map(&rig, host, remote);
	nat_flush(rig.nat, rig.now_us);
	assert_int_equal(nat_mapping_count(rig.nat), 0);
	assert_false(rig_gets_in(&rig, remote, x, NULL));
	assert_int_equal(rig_events(&rig, NAT_EVENT_REMOVED, "flush"), 1);
	rig_close(&rig);
}

static void a_new_address_takes_the_place_of_the_old_one(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);
	struct addr fresh = addr_ipv4(203, 0, 113, 77, 0);

	rig_open(&rig, &c, 3);
	struct addr old = rig_map(&rig, host, remote);
	assert_true(nat_owns(rig.nat, &old) && !nat_owns(rig.nat, &fresh));
	nat_new_address(rig.nat, &fresh, rig.now_us);
	assert_true(!nat_owns(rig.nat, &old) && nat_owns(rig.nat, &fresh));
	struct addr x = rig_map(&rig, host, remote);
	assert_true(addr_equal_ip(&x, &fresh));
	assert_false(rig_gets_in(&rig, remote, old, NULL));
	assert_true(rig_gets_in(&rig, remote, x, &host));
	assert_true(nat_owns(rig.nat, &c.externals[1])); /* of the other family */
	rig_close(&rig);
}

static void blocked_protocols_and_ports_do_not_pass(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000);

	c.udp_blocked = true;
	rig_open(&rig, &c, 3);
	assert_int_equal(rig_map(&rig, host, rig_remote(0, 3478)).family, ADDR_NONE);
	assert_non_null(rig_tcp(&rig, NAT_INSIDE, host, rig_remote(0, 80), PACKET_SYN));
	rig_close(&rig);

	c = rig_config();
	c.tcp_blocked = c.icmp_blocked = true;
	rig_open(&rig, &c, 3);
	assert_int_not_equal(rig_map(&rig, host, rig_remote(0, 3478)).family, ADDR_NONE);
	assert_null(rig_tcp(&rig, NAT_INSIDE, host, rig_remote(0, 80), PACKET_SYN));
	assert_null(rig_icmp(&rig, NAT_INSIDE, host, rig_remote(0, 0), ICMP4_ECHO_REQUEST, 0, 7,
			     BYTES("")));
	rig_close(&rig);

	c = rig_config();
	c.udp_ports_allowed[0] = 53;
	c.udp_ports_allowed[1] = 443;
	rig_open(&rig, &c, 3);
	assert_int_equal(rig_map(&rig, host, rig_remote(0, 3478)).family, ADDR_NONE);
	struct addr x = rig_map(&rig, host, rig_remote(0, 443));
	assert_true(rig_gets_in(&rig, rig_remote(0, 443), x, &host));
	assert_non_null(rig_tcp(&rig, NAT_INSIDE, host, rig_remote(0, 80), PACKET_SYN));
	rig_close(&rig);
}

static void the_tables_are_bounded(void **state)
{
	struct nat_config c = rig_config();
	unsigned passed = 0;

	c.mapping = NAT_APD;
	c.allocation = NAT_RANDOM;
	rig_open(&rig, &c, 3);
	for (unsigned k = 0; k < 20000; k++) {
		struct addr host = rig_host(k % 3, (uint16_t)(1024 + k));

		passed += rig_map(&rig, host, rig_remote(0, 3478)).family != ADDR_NONE;
	}
	assert_int_equal(passed, 16384);
	assert_int_equal(nat_mapping_count(rig.nat), 16384);
	rig.now_us += 301 * S;
	assert_int_not_equal(rig_map(&rig, rig_host(0, 9), rig_remote(0, 3478)).family, ADDR_NONE);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lifetimes_depend_on_answers_and_ports),
		cmocka_unit_test(refresh_goes_the_way_it_is_told),
		cmocka_unit_test(a_filter_closes_with_its_flow_and_not_with_the_mapping),
		cmocka_unit_test(ticks_tell_when_something_ends),
		cmocka_unit_test(unexpected_packets_kill_only_where_told),
		cmocka_unit_test(the_rate_limit_is_a_token_bucket_for_what_leaves),
		cmocka_unit_test(a_rate_limit_without_burst_lets_one_out_at_a_time),
		cmocka_unit_test(load_changes_new_mappings_only),
		cmocka_unit_test(load_changes_tcp_as_well),
		cmocka_unit_test(a_reboot_forgets_everything),
		cmocka_unit_test(a_new_address_takes_the_place_of_the_old_one),
		cmocka_unit_test(blocked_protocols_and_ports_do_not_pass),
		cmocka_unit_test(the_tables_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
