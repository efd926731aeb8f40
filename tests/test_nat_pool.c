/* Several external addresses, and Linux's way of keeping tuples apart, in the NAT model. */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S ((uint64_t)1000000)

static struct rig rig;

static struct nat_config config_of(uint8_t pooling, uint8_t allocation)
{
	struct nat_config c = rig_config();

	c.pooling = pooling;
	c.allocation = allocation;
	c.external_count = 2;
	c.externals[1] = addr_ipv4(203, 0, 113, 2, 0);
	return c;
}

static void paired_pooling_gives_a_host_one_address(void **state)
{
	struct nat_config c = config_of(NAT_POOL_PAIRED, NAT_RANDOM);
	unsigned first = 0;

	rig_open(&rig, &c, 3);
	for (unsigned host = 0; host < 20; host++) {
		struct addr a = rig_map(&rig, rig_host(host, 5000), rig_remote(0, 3478));

		first += addr_equal_ip(&a, &c.externals[0]);
		for (unsigned k = 0; k < 5; k++) {
			struct addr b = rig_map(&rig, rig_host(host, (uint16_t)(6000 + k)),
						rig_remote(k, 3478));
			assert_true(addr_equal_ip(&a, &b));
		}
	}
	assert_in_range(first, 3, 17);
	rig_close(&rig);
}

static void arbitrary_pooling_keeps_the_port_and_not_the_address(void **state)
{
	struct nat_config c = config_of(NAT_POOL_ARBITRARY, NAT_PRESERVING);
	struct addr host = rig_host(0, 5000);
	unsigned first = 0;

	rig_open(&rig, &c, 3);
	for (uint16_t k = 0; k < 40; k++) {
		struct addr remote = rig_remote(k, 3478);
		struct addr a = rig_map(&rig, host, remote);
		struct addr again = rig_map(&rig, host, remote);

		assert_int_equal(a.port, 5000);
		assert_true(addr_equal(&a, &again)); /* a flow stays where it is */
		assert_true(rig_gets_in(&rig, remote, a, &host));
		first += addr_equal_ip(&a, &c.externals[0]);
	}
	assert_in_range(first, 8, 32);
	assert_int_equal(nat_mapping_count(rig.nat), 2);
	rig_close(&rig);
}

static void arbitrary_pooling_of_other_ports_goes_by_mapping(void **state)
{
	struct nat_config c = config_of(NAT_POOL_ARBITRARY, NAT_RANDOM);
	unsigned first = 0;

	rig_open(&rig, &c, 3);
	for (uint16_t k = 0; k < 40; k++) {
		struct addr a = rig_map(&rig, rig_host(0, (uint16_t)(5000 + k)), rig_remote(0, 1));
		struct addr b = rig_map(&rig, rig_host(0, (uint16_t)(5000 + k)), rig_remote(1, 2));

		assert_true(addr_equal(&a, &b));
		first += addr_equal_ip(&a, &c.externals[0]);
	}
	assert_in_range(first, 8, 32);
	rig_close(&rig);
}

static void a_balancer_goes_by_destination(void **state)
{
	struct nat_config c = config_of(NAT_POOL_BY_DESTINATION, NAT_PRESERVING);

	rig_open(&rig, &c, 3);
	for (uint16_t k = 0; k < 10; k++) {
		struct addr host = rig_host(0, (uint16_t)(5000 + k));
		struct addr a = rig_map(&rig, host, rig_remote(0, 3478));
		struct addr b = rig_map(&rig, host, rig_remote(1, 3478));
		struct addr a2 = rig_map(&rig, host, rig_remote(0, 3479));

		assert_false(addr_equal_ip(&a, &b)); /* neighbours differ */
		assert_true(addr_equal(&a, &a2));
		assert_int_equal(a.port, host.port);
		assert_int_equal(b.port, host.port);
		assert_true(rig_gets_in(&rig, rig_remote(1, 3478), b, &host));
		assert_false(rig_gets_in(&rig, rig_remote(1, 3478), a, NULL));
	}
	rig_close(&rig);
}

static struct nat_config linux_with(uint8_t unsolicited)
{
	struct nat_config c = rig_config();

	c.allocation = NAT_LINUX;
	c.unsolicited = unsolicited;
	c.unsolicited_syn = unsolicited;
	return c;
}

static void linux_remaps_what_an_early_packet_took(void **state)
{
	static const struct {
		uint8_t unsolicited;
		bool remaps;
		size_t replies;
	} cases[] = { { NAT_ACCEPT, true, 1 }, { NAT_DROP, false, 0 }, { NAT_ICMP, false, 1 } };
	struct addr host = rig_host(0, 5000), peer = rig_remote(5, 6000);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = linux_with(cases[i].unsolicited);

		rig_open(&rig, &c, 3);
		struct addr stun = rig_map(&rig, host, rig_remote(0, 3478));
		assert_int_equal(stun.port, 5000);
		assert_false(rig_gets_in(&rig, peer, stun, NULL));
		assert_int_equal(rig.out_count, cases[i].replies);
		struct addr x = rig_map(&rig, host, peer);
		assert_int_equal(x.port != 5000, cases[i].remaps);
		assert_int_equal(rig_events(&rig, NAT_EVENT_REMAPPED, "tuple-taken"),
				 cases[i].remaps);
		/* STUN goes on showing the old one, and the flow stays where it is. */
		struct addr again = rig_map(&rig, host, rig_remote(1, 3478));
		assert_int_equal(again.port, 5000);
		again = rig_map(&rig, host, peer);
		assert_true(addr_equal(&again, &x));
		assert_true(rig_gets_in(&rig, peer, x, &host));
		rig_close(&rig);
	}
}

static void linux_forgets_the_early_packet_in_time(void **state)
{
	struct nat_config c = linux_with(NAT_ACCEPT);
	struct addr external = addr_ipv4(203, 0, 113, 1, 5000), peer = rig_remote(5, 6000);

	rig_open(&rig, &c, 3);
	assert_false(rig_gets_in(&rig, peer, external, NULL));
	rig_wait(&rig, 31 * S);
	struct addr x = rig_map(&rig, rig_host(0, 5000), peer);
	assert_int_equal(x.port, 5000);
	rig_close(&rig);
}

static void linux_moves_a_second_host_once_for_all(void **state)
{
	struct nat_config c = linux_with(NAT_DROP);

	rig_open(&rig, &c, 3);
	for (unsigned k = 0; k < 4; k++)
		(void)rig_map(&rig, rig_host(0, 5000), rig_remote(k, 3478));
	struct addr x = rig_map(&rig, rig_host(1, 5000), rig_remote(0, 3478));
	assert_int_not_equal(x.port, 5000);
	for (unsigned k = 1; k < 4; k++) {
		struct addr y = rig_map(&rig, rig_host(1, 5000), rig_remote(k, 3478));

		assert_true(addr_equal(&x, &y));
	}
	/* Somebody nobody talks to yet may share the port. */
	struct addr z = rig_map(&rig, rig_host(2, 5000), rig_remote(9, 3478));
	struct addr host_2 = rig_host(2, 5000), host_0 = rig_host(0, 5000);
	assert_int_equal(z.port, 5000);
	assert_true(rig_gets_in(&rig, rig_remote(9, 3478), z, &host_2));
	assert_true(rig_gets_in(&rig, rig_remote(1, 3478), z, &host_0));
	rig_close(&rig);
}

static void other_nats_are_not_moved_by_early_packets(void **state)
{
	struct nat_config c = linux_with(NAT_DROP);
	struct addr external = addr_ipv4(203, 0, 113, 1, 5000), peer = rig_remote(5, 6000);

	c.allocation = NAT_PRESERVING;
	rig_open(&rig, &c, 3);
	assert_false(rig_gets_in(&rig, peer, external, NULL));
	struct addr x = rig_map(&rig, rig_host(0, 5000), peer);
	assert_int_equal(x.port, 5000);
	rig_close(&rig);
}

static void an_early_syn_is_reset_and_holds_the_tuple(void **state)
{
	struct nat_config c = linux_with(NAT_ACCEPT);
	struct addr external = addr_ipv4(203, 0, 113, 1, 5000), peer = rig_remote(5, 6000);

	rig_open(&rig, &c, 3);
	const struct rig_packet *o = rig_tcp(&rig, NAT_OUTSIDE, peer, external, PACKET_SYN);
	assert_non_null(o);
	assert_true((o->packet.tcp_flags & PACKET_RST) != 0);
	o = rig_tcp(&rig, NAT_INSIDE, rig_host(0, 5000), peer, PACKET_SYN);
	assert_non_null(o);
	assert_int_not_equal(o->packet.source.port, 5000);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paired_pooling_gives_a_host_one_address),
		cmocka_unit_test(arbitrary_pooling_keeps_the_port_and_not_the_address),
		cmocka_unit_test(arbitrary_pooling_of_other_ports_goes_by_mapping),
		cmocka_unit_test(a_balancer_goes_by_destination),
		cmocka_unit_test(linux_remaps_what_an_early_packet_took),
		cmocka_unit_test(linux_forgets_the_early_packet_in_time),
		cmocka_unit_test(linux_moves_a_second_host_once_for_all),
		cmocka_unit_test(other_nats_are_not_moved_by_early_packets),
		cmocka_unit_test(an_early_syn_is_reset_and_holds_the_tuple),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
