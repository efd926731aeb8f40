/* discover: what a Binding over TCP tells, where UDP is silent. */
#include "natprobe/discover/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim_check.h"

static struct sim_case blocked_home(void)
{
	struct sim_case c = sim_home;

	c.box.udp_blocked = true;
	return c;
}

static void each_way_to_tell_an_address_counts(void **state)
{
	static const struct {
		const char *why;
		uint8_t answer; /* enum sim_tcp_answer */
		bool tells;
	} cases[] = {
		{ "XOR-MAPPED-ADDRESS", SIM_TCP_HONEST, true },
		{ "MAPPED-ADDRESS alone", SIM_TCP_MAPPED, true },
		{ "no address", SIM_TCP_NOTHING, false },
		{ "an error", SIM_TCP_ERROR, false },
		{ "an address of the other family", SIM_TCP_FAMILY, false },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct sim_case c = blocked_home();
		const struct verdict_server *s;
		struct sim_result r;

		c.ipv6 = i % 2 != 0;
		c.net.servers[0].tcp_answer = cases[i / 2].answer;
		r = sim_check(&c);
		s = &r.verdict.servers[0];
		assert_in_range(s->tcp_answered, 1, s->tcp_tried);
		if ((s->tcp_mapped.family != ADDR_NONE) != cases[i / 2].tells)
			fail_msg("%s", cases[i / 2].why);
		if (cases[i / 2].tells)
			assert_int_equal(s->tcp_local.port, s->tcp_mapped.port);
	}
}

static void servers_tell_apart(void **state)
{
	struct sim_case c = blocked_home();
	struct sim_result r;

	c.net.server_count = 2;
	c.net.servers[0].misdeed = SIM_DEAD;
	r = sim_check(&c);
	assert_int_equal(r.verdict.servers[0].tcp_mapped.family, ADDR_NONE);
	assert_int_equal(r.verdict.servers[1].tcp_mapped.family, ADDR_IPV4);
}

static void expect_blocked(const struct verdict *v, enum verdict_answer nat,
			   enum verdict_answer firewall)
{
	assert_int_equal(v->udp_blocked.value, VERDICT_YES);
	assert_int_equal(v->nat.value, nat);
	assert_int_equal(v->firewall.value, firewall);
	assert_int_equal(v->mapping.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(v->mapping.cause, CAUSE_UDP_BLOCKED);
	assert_int_equal(v->filtering.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(v->filtering.cause, CAUSE_UDP_BLOCKED);
	assert_int_equal(v->legacy, LEGACY_FILTERED);
	assert_int_equal(v->mapped.family, ADDR_NONE);
	assert_int_equal(verdict_outcome(v), VERDICT_REACHED);
	assert_int_equal(verdict_prospect(v), PROSPECT_RELAY);
	assert_non_null(strstr(verdict_headline(v), "UDP is blocked"));
}

static void blocked_udp_leaves_the_nat_to_tcp(void **state)
{
	const uint32_t none = BEHAVIOUR_BIT(BEHAVIOUR_NONE);
	struct sim_case c = blocked_home();
	struct sim_result r = sim_check(&c);

	expect_blocked(&r.verdict, VERDICT_YES, VERDICT_UNKNOWN);
	assert_int_equal(r.verdict.local_tcp.port, r.verdict.mapped_tcp.port);
	assert_true(addr_equal(&r.verdict.mapped_tcp, &r.verdict.servers[0].tcp_mapped));
	assert_int_equal(r.verdict.mapping.possible & none, 0);

	c.box.mapping = NAT_NONE;
	r = sim_check(&c);
	expect_blocked(&r.verdict, VERDICT_NO, VERDICT_YES);
	assert_true(addr_equal(&r.verdict.mapped_tcp, &r.verdict.local_tcp));
	assert_int_equal(r.verdict.mapping.possible & none, none);

	c.net.servers[0].tcp_answer = SIM_TCP_NOTHING;
	r = sim_check(&c);
	expect_blocked(&r.verdict, VERDICT_UNKNOWN, VERDICT_UNKNOWN);
	assert_int_equal(r.verdict.nat.cause, CAUSE_UDP_BLOCKED);
}

static void another_port_is_a_nat(void **state)
{
	struct sim_case c = blocked_home();
	struct sim_result r;

	c.box.externals[0] = addr_ipv4(192, 168, 1, 2, 0);
	c.box.external_count = 1;
	c.box.allocation = NAT_RANDOM;
	r = sim_check(&c);
	assert_true(addr_equal_ip(&r.verdict.local_tcp, &r.verdict.mapped_tcp));
	expect_blocked(&r.verdict, VERDICT_YES, VERDICT_UNKNOWN);
}

/* Then the address of the interface is all there is to compare with. */
static void a_hidden_port_is_not_guessed(void **state)
{
	struct sim_case c = blocked_home();
	struct sim_result r;

	c.net.tcp_hides_local = true;
	r = sim_check(&c);
	expect_blocked(&r.verdict, VERDICT_YES, VERDICT_UNKNOWN);

	c.box.mapping = NAT_NONE;
	r = sim_check(&c);
	expect_blocked(&r.verdict, VERDICT_UNKNOWN, VERDICT_UNKNOWN);
}

/* A run that ends before silence is known as a block still knows what TCP told. */
static void tcp_counts_when_time_runs_out(void **state)
{
	struct discover_timing timing = discover_timing_default();
	struct sim_case c = blocked_home();
	struct sim_result r;

	timing.deadline_us = timing.tcp_after_us + 3 * c.net.rtt_us;
	c.net.timing = &timing;
	r = sim_check(&c);
	assert_int_equal(r.verdict.udp_blocked.value, VERDICT_UNKNOWN);
	assert_int_equal(r.verdict.nat.value, VERDICT_YES);
	assert_int_equal(r.verdict.mapping.cause, CAUSE_TIMEOUT);
	assert_int_equal(verdict_outcome(&r.verdict), VERDICT_INCONCLUSIVE);
	assert_null(strstr(verdict_headline(&r.verdict), "No server answered"));
}

/* Where UDP answers there is no need of a control, but the mapping of TCP is looked at. */
static void each_endpoint_is_connected_to_from_one_port(void **state)
{
	struct sim_result r = sim_check(&sim_home);

	assert_int_equal(r.connections, 4);
	assert_int_equal(r.verdict.servers[0].tcp_answered, 4);
	assert_int_equal(r.verdict.mapping_tcp.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_tell_an_address_counts),
		cmocka_unit_test(servers_tell_apart),
		cmocka_unit_test(blocked_udp_leaves_the_nat_to_tcp),
		cmocka_unit_test(another_port_is_a_nat),
		cmocka_unit_test(a_hidden_port_is_not_guessed),
		cmocka_unit_test(tcp_counts_when_time_runs_out),
		cmocka_unit_test(each_endpoint_is_connected_to_from_one_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
