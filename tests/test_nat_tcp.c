/* TCP through the NAT model (RFC 5382). */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S ((uint64_t)1000000)

static struct rig rig;

static void open_with(const struct nat_config *c)
{
	rig_open(&rig, c, 7);
}

static struct addr connect_out(struct addr host, struct addr remote)
{
	const struct rig_packet *o = rig_tcp(&rig, NAT_INSIDE, host, remote, PACKET_SYN);

	assert_non_null(o);
	assert_int_equal(o->side, NAT_OUTSIDE);
	return o->packet.source;
}

static bool passes(enum nat_side from, struct addr source, struct addr destination, uint8_t flags)
{
	const struct rig_packet *o = rig_tcp(&rig, from, source, destination, flags);

	return o != NULL && o->side != from && o->packet.kind == PACKET_SEGMENT &&
	       o->packet.tcp_flags == flags;
}

static struct addr establish(struct addr host, struct addr remote)
{
	struct addr x = connect_out(host, remote);

	assert_true(passes(NAT_OUTSIDE, remote, x, PACKET_SYN | PACKET_ACK));
	assert_true(passes(NAT_INSIDE, host, remote, PACKET_ACK));
	return x;
}

static void a_connection_outlives_a_half_open_one(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 80);

	c.tcp_transitory_s = 10;
	c.tcp_established_s = 100;
	open_with(&c);
	struct addr x = connect_out(host, remote);
	rig_wait(&rig, 11 * S);
	assert_false(passes(NAT_OUTSIDE, remote, x, PACKET_SYN | PACKET_ACK));
	assert_int_equal(nat_mapping_count(rig.nat), 0);

	x = establish(host, remote);
	rig_wait(&rig, 99 * S);
	assert_true(passes(NAT_OUTSIDE, remote, x, PACKET_ACK));
	rig_wait(&rig, 101 * S);
	assert_false(passes(NAT_OUTSIDE, remote, x, PACKET_ACK));
	rig_close(&rig);
}

static void a_closed_connection_ends_early(void **state)
{
	static const struct {
		uint8_t first, second;
		unsigned lives_s;
	} cases[] = {
		{ PACKET_FIN | PACKET_ACK, PACKET_FIN | PACKET_ACK, 240 },
		{ PACKET_ACK, PACKET_RST, 10 },
	};
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 80);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_with(&c);
		struct addr x = establish(host, remote);
		assert_true(passes(NAT_INSIDE, host, remote, cases[i].first));
		assert_true(passes(NAT_OUTSIDE, remote, x, cases[i].second));
		rig_wait(&rig, (cases[i].lives_s - 1) * S);
		assert_int_equal(nat_mapping_count(rig.nat), 1);
		rig_wait(&rig, 2 * S);
		assert_int_equal(nat_mapping_count(rig.nat), 0);
		rig_close(&rig);
	}
}

static void simultaneous_open_works_unless_told_otherwise(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 6000);

	for (int i = 0; i < 2; i++) {
		c.no_simultaneous_open = i == 1;
		open_with(&c);
		struct addr x = connect_out(host, remote);
		assert_int_equal(passes(NAT_OUTSIDE, remote, x, PACKET_SYN), i == 0);
		assert_int_equal(rig_events(&rig, NAT_EVENT_DROPPED, "simultaneous-open"), i);
		/* The answer to our own SYN is not meant. */
		assert_true(passes(NAT_OUTSIDE, remote, x, PACKET_SYN | PACKET_ACK));
		rig_close(&rig);
	}
}

static void filtering_of_tcp_may_differ_from_that_of_udp(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000), stranger = rig_remote(1, 6000);

	c.has_tcp_rules = true;
	c.tcp_mapping = NAT_EI;
	c.tcp_filtering = NAT_EI;
	open_with(&c);
	struct addr x = connect_out(host, rig_remote(0, 80));
	assert_true(passes(NAT_OUTSIDE, stranger, x, PACKET_SYN));
	/* The answer leaves through the same mapping, and the connection goes on. */
	const struct rig_packet *o =
		rig_tcp(&rig, NAT_INSIDE, host, stranger, PACKET_SYN | PACKET_ACK);
	assert_non_null(o);
	assert_true(addr_equal(&o->packet.source, &x));
	assert_true(passes(NAT_OUTSIDE, stranger, x, PACKET_ACK));
	assert_false(passes(NAT_OUTSIDE, rig_remote(2, 1), x, PACKET_ACK));
	(void)rig_map(&rig, host, rig_remote(0, 3478));
	assert_false(rig_gets_in(&rig, stranger, x, NULL));
	rig_close(&rig);
}

static void mapping_of_tcp_may_differ_from_that_of_udp(void **state)
{
	struct nat_config c = rig_config();
	struct addr host = rig_host(0, 5000);

	c.has_tcp_rules = true;
	c.tcp_mapping = NAT_APD;
	c.tcp_filtering = NAT_APD;
	open_with(&c);
	struct addr a = connect_out(host, rig_remote(0, 80));
	struct addr b = connect_out(host, rig_remote(0, 81));
	assert_int_equal(a.port, 5000);
	assert_int_not_equal(b.port, 5000);
	a = rig_map(&rig, host, rig_remote(0, 80));
	b = rig_map(&rig, host, rig_remote(0, 81));
	assert_true(addr_equal(&a, &b));
	rig_close(&rig);
}

static void an_unwanted_syn_meets_the_reaction_told(void **state)
{
	static const struct {
		uint8_t reaction;
		size_t replies;
		uint8_t kind;
	} cases[] = {
		{ NAT_DROP, 0, 0 },
		{ NAT_ICMP, 1, PACKET_ERROR },
		{ NAT_RST, 1, PACKET_SEGMENT },
	};
	struct addr external = addr_ipv4(203, 0, 113, 1, 5000), remote = rig_remote(0, 6000);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = rig_config();

		c.unsolicited_syn = cases[i].reaction;
		open_with(&c);
		const struct rig_packet *o =
			rig_tcp(&rig, NAT_OUTSIDE, remote, external, PACKET_SYN);
		assert_int_equal(rig.out_count, cases[i].replies);
		if (o != NULL) {
			assert_int_equal(o->side, NAT_OUTSIDE);
			assert_int_equal(o->packet.kind, cases[i].kind);
			assert_true(addr_equal_ip(&o->packet.source, &external));
		}
		if (cases[i].kind == PACKET_SEGMENT) {
			assert_int_equal(o->packet.tcp_flags, PACKET_RST | PACKET_ACK);
			assert_int_equal(o->packet.tcp_ack, 1001);
		}
		/* Neither UDP nor a segment in the middle is a SYN, nor is a RST answered. */
		assert_null(rig_udp(&rig, NAT_OUTSIDE, remote, external));
		assert_null(rig_tcp(&rig, NAT_OUTSIDE, remote, external, PACKET_ACK));
		assert_null(rig_tcp(&rig, NAT_OUTSIDE, remote, external, PACKET_RST));
		rig_close(&rig);
	}
}

static void a_reaction_may_wait_and_be_overtaken(void **state)
{
	struct addr external = addr_ipv4(203, 0, 113, 1, 5000), remote = rig_remote(0, 6000);
	struct nat_config c = rig_config();

	c.unsolicited_syn = NAT_RST;
	c.syn_delay_ms = 6000;
	open_with(&c);
	assert_null(rig_tcp(&rig, NAT_OUTSIDE, remote, external, PACKET_SYN));
	assert_int_equal(nat_tick(rig.nat, rig.now_us), rig.now_us + 6 * S);
	rig_wait(&rig, 6 * S - 1);
	assert_int_equal(rig.out_count, 0);
	rig_wait(&rig, 1);
	assert_int_equal(rig.out_count, 1);

	assert_null(rig_tcp(&rig, NAT_OUTSIDE, remote, external, PACKET_SYN));
	rig_wait(&rig, 2 * S);
	(void)connect_out(rig_host(0, 5000), remote);
	rig_wait(&rig, 5 * S);
	assert_int_equal(rig.out_count, 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_outlives_a_half_open_one),
		cmocka_unit_test(a_closed_connection_ends_early),
		cmocka_unit_test(simultaneous_open_works_unless_told_otherwise),
		cmocka_unit_test(filtering_of_tcp_may_differ_from_that_of_udp),
		cmocka_unit_test(mapping_of_tcp_may_differ_from_that_of_udp),
		cmocka_unit_test(an_unwanted_syn_meets_the_reaction_told),
		cmocka_unit_test(a_reaction_may_wait_and_be_overtaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
