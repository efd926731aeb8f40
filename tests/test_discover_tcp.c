/* discover: what a Binding over TCP tells, where UDP is silent. */
#include "natprobe/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim_judge.h"

static struct sim_config blocked_home(void)
{
	struct sim_config c = sim_home;

	c.udp_blocked = true;
	return c;
}

static void each_way_to_tell_an_address_counts(void **state)
{
	static const struct {
		const char *why;
		enum sim_tcp_answer answer;
		bool tells;
	} cases[] = {
		{ "XOR-MAPPED-ADDRESS", SIM_TCP_XOR_MAPPED, true },
		{ "MAPPED-ADDRESS alone", SIM_TCP_MAPPED, true },
		{ "no address", SIM_TCP_NOTHING, false },
		{ "an error", SIM_TCP_ERROR, false },
		{ "an address of the other family", SIM_TCP_FAMILY, false },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct sim_config c = blocked_home();
		const struct verdict_server *s;
		struct sim_result r;

		c.ipv6 = i % 2 != 0;
		c.tcp_answer = cases[i / 2].answer;
		r = sim_judge(&c);
		s = &r.verdict.servers[0];
		assert_int_equal(s->tcp_answered, 1);
		if ((s->tcp_mapped.family != ADDR_NONE) != cases[i / 2].tells)
			fail_msg("%s", cases[i / 2].why);
		if (cases[i / 2].tells)
			assert_int_equal(s->tcp_local.port, 60000);
	}
}

static void servers_tell_apart(void **state)
{
	struct sim_config c = blocked_home();
	struct sim_result r;

	c.server_count = 2;
	c.servers[0].misdeed = SIM_DEAD;
	r = sim_judge(&c);
	assert_int_equal(r.verdict.servers[0].tcp_mapped.family, ADDR_NONE);
	assert_int_equal(r.verdict.servers[1].tcp_mapped.family, ADDR_IPV4);
}

static void no_tcp_tells_nothing(void **state)
{
	struct sim_result r = sim_judge(&sim_home);

	assert_int_equal(r.verdict.servers[0].tcp_tried, 0);
	assert_int_equal(r.verdict.servers[0].tcp_mapped.family, ADDR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_tell_an_address_counts),
		cmocka_unit_test(servers_tell_apart),
		cmocka_unit_test(no_tcp_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
