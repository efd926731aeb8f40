/* portmap: who answers on port 5351 of a gateway, and what that says of a NAT further out. */
#include "natprobe/map/portmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define START_US 1000000

static const uint8_t pcp_request[] = { 2, 0, 0, 0, 0, 0, 0,   0,   0,   0,   0, 0,
				       0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 1, 2 };

static struct addr local_addr(void)
{
	return addr_ipv4(192, 168, 1, 2, 0);
}

static struct addr gateway_addr(void)
{
	return addr_ipv4(192, 168, 1, 1, PORTMAP_PORT);
}

static void start(struct portmap *p)
{
	struct addr local = local_addr(), gateway = addr_ipv4(192, 168, 1, 1, 0);

	portmap_start(p, &local, &gateway, START_US);
}

/* Lets time pass, to the end; how many datagrams left. */
static unsigned run_out(struct portmap *p, uint64_t *now_us)
{
	uint8_t out[PORTMAP_LEN];
	unsigned sent = 0;

	while (!portmap_is_over(p, *now_us)) {
		while (portmap_next(p, *now_us, out) > 0)
			sent++;
		uint64_t next_us = portmap_deadline_us(p);

		assert_true(next_us > *now_us);
		if (next_us == UINT64_MAX)
			break;
		*now_us = next_us;
	}
	return sent;
}

static void both_are_asked_as_their_rfcs_say(void **state)
{
	static const uint8_t nat_pmp_request[] = { 0, 0 };
	uint8_t out[PORTMAP_LEN];
	struct portmap p;

	start(&p);
	assert_int_equal(p.gateway.port, 5351);
	assert_int_equal(portmap_next(&p, START_US, out), sizeof(pcp_request));
	assert_memory_equal(out, pcp_request, sizeof(pcp_request));
	assert_int_equal(portmap_next(&p, START_US, out), sizeof(nat_pmp_request));
	assert_memory_equal(out, nat_pmp_request, sizeof(nat_pmp_request));
	assert_int_equal(portmap_next(&p, START_US, out), 0);
	assert_int_equal(portmap_deadline_us(&p), START_US + 60000);
	assert_int_equal(portmap_next(&p, START_US + 59999, out), 0);
	assert_int_equal(portmap_next(&p, START_US + 60000, out), sizeof(pcp_request));
}

static void silence_counts_after_all_copies(void **state)
{
	struct verdict v = { 0 };
	uint64_t now_us = START_US;
	struct portmap p;

	start(&p);
	portmap_end(&p, CAUSE_TIMEOUT, &v, START_US + 400000);
	assert_int_equal(v.pcp.present.value, VERDICT_UNKNOWN);
	assert_int_equal(v.pcp.present.cause, CAUSE_TIMEOUT);
	assert_int_equal(run_out(&p, &now_us), 8);
	assert_int_equal(now_us, START_US + 450000);
	portmap_end(&p, CAUSE_TIMEOUT, &v, now_us);
	assert_int_equal(v.pcp.present.value, VERDICT_NO);
	assert_int_equal(v.nat_pmp.present.value, VERDICT_NO);
	assert_true(v.pcp.error > 0 && v.pcp.error < 2e-4);
}

static void what_this_host_refuses_proves_nothing(void **state)
{
	struct verdict v = { 0 };
	uint64_t now_us = START_US;
	struct portmap p;

	start(&p);
	portmap_on_refused(&p);
	(void)run_out(&p, &now_us);
	portmap_end(&p, CAUSE_TIMEOUT, &v, now_us);
	assert_int_equal(v.pcp.present.cause, CAUSE_LOCAL_ERROR);
	assert_int_equal(v.nat_pmp.present.cause, CAUSE_LOCAL_ERROR);
}

static void an_early_end_says_why(void **state)
{
	struct verdict v = { 0 };
	struct portmap p;

	start(&p);
	portmap_end(&p, CAUSE_BUDGET, &v, START_US + 1000);
	assert_int_equal(v.pcp.present.cause, CAUSE_BUDGET);
	assert_true(v.pcp.error == 0);
}

static void a_bad_path_is_given_more_copies_and_time(void **state)
{
	uint64_t now_us = START_US;
	struct portmap p;

	start(&p);
	portmap_expect(&p, 700000, 81, 19);
	assert_int_equal(run_out(&p, &now_us), 14);
	assert_int_equal(now_us, START_US + 600000 + 1050000);

	now_us = START_US;
	start(&p);
	portmap_expect(&p, 50000, 99, 1);
	assert_int_equal(run_out(&p, &now_us), 8);
	assert_int_equal(now_us, START_US + 450000);
}

static void nobody_to_ask(void **state)
{
	struct addr local = local_addr(), nobody = { 0 };
	uint8_t out[PORTMAP_LEN];
	struct verdict v = { 0 };
	struct portmap p;

	portmap_start(&p, &local, &nobody, START_US);
	assert_true(portmap_is_over(&p, START_US));
	assert_int_equal(portmap_next(&p, START_US, out), 0);
	assert_int_equal(portmap_deadline_us(&p), UINT64_MAX);
	portmap_end(&p, CAUSE_TIMEOUT, &v, START_US);
	assert_int_equal(v.pcp.present.cause, CAUSE_NO_GATEWAY);
	assert_int_equal(v.nat_pmp.present.cause, CAUSE_NO_GATEWAY);
}

static void over_ipv6_there_is_pcp_alone(void **state)
{
	struct addr local, gateway;
	uint64_t now_us = START_US;
	struct verdict v = { 0 };
	struct portmap p;

	assert_true(addr_parse_ip("2a10::22:2", 0, &local));
	assert_true(addr_parse_ip("fe80::1%3", 0, &gateway));
	portmap_start(&p, &local, &gateway, START_US);
	assert_int_equal(run_out(&p, &now_us), 4);
	portmap_end(&p, CAUSE_TIMEOUT, &v, now_us);
	assert_int_equal(v.nat_pmp.present.value, VERDICT_NO);
	assert_int_equal(v.pcp.present.value, VERDICT_NO);
}

#define PCP_SHORT "\0\0\0\0\0\0\x12\x34\0\0\0\0\0\0\0\0\0\0\0" /* a byte less */
#define PCP_TAIL  PCP_SHORT "\0"
#define EPOCH     "\0\0\x12\x34"

static const struct {
	const char *why;
	struct bytes data;
	uint8_t pcp, nat_pmp; /* enum verdict_answer, once time has run out */
	uint16_t result;      /* of whichever is there */
	bool external;
} answers[] = {
	{ "PCP", BYTES("\x02\x80\0\0" PCP_TAIL), VERDICT_YES, VERDICT_NO, 0, false },
	{ "PCP with an option", BYTES("\x02\x80\0\0" PCP_TAIL "\x80\0\0\0"), VERDICT_YES,
	  VERDICT_NO, 0, false },
	{ "PCP refuses", BYTES("\x02\x80\0\x02" PCP_TAIL), VERDICT_YES, VERDICT_NO, 2, false },
	{ "PCP of a later version", BYTES("\x03\x80\0\x01" PCP_TAIL), VERDICT_YES, VERDICT_NO, 1,
	  false },
	{ "PCP alone, asked NAT-PMP", BYTES("\x02\x80\0\x01" PCP_TAIL), VERDICT_YES, VERDICT_NO, 0,
	  false },
	{ "the same, short", BYTES("\x02\x80\0\x01" EPOCH), VERDICT_YES, VERDICT_NO, 0, false },
	{ "NAT-PMP", BYTES("\0\x80\0\0" EPOCH "\x15\0\0\x02"), VERDICT_NO, VERDICT_YES, 0, true },
	{ "NAT-PMP without an address", BYTES("\0\x80\0\0" EPOCH "\0\0\0\0"), VERDICT_NO,
	  VERDICT_YES, 0, false },
	{ "NAT-PMP refuses", BYTES("\0\x80\0\x03" EPOCH "\x15\0\0\x02"), VERDICT_NO, VERDICT_YES, 3,
	  false },
	{ "NAT-PMP alone, asked PCP", BYTES("\0\0\0\x01" EPOCH), VERDICT_NO, VERDICT_YES, 0,
	  false },
	{ "the same with the response bit", BYTES("\0\x80\0\x01" EPOCH), VERDICT_NO, VERDICT_YES, 0,
	  false },

	{ "nothing", BYTES(""), VERDICT_NO, VERDICT_NO, 0, false },
	{ "an echo of NAT-PMP", BYTES("\0\0"), VERDICT_NO, VERDICT_NO, 0, false },
	{ "an echo of PCP", BYTES("\x02\0\0\0" PCP_TAIL), VERDICT_NO, VERDICT_NO, 0, false },
	{ "PCP, a byte less", BYTES("\x02\x80\0\0" PCP_SHORT), VERDICT_NO, VERDICT_NO, 0, false },
	{ "PCP, a byte more", BYTES("\x02\x80\0\0" PCP_TAIL "\0"), VERDICT_NO, VERDICT_NO, 0,
	  false },
	{ "PCP of another opcode", BYTES("\x02\x81\0\0" PCP_TAIL), VERDICT_NO, VERDICT_NO, 0,
	  false },
	{ "PCP of another version", BYTES("\x01\x80\0\0" PCP_TAIL), VERDICT_NO, VERDICT_NO, 0,
	  false },
	{ "NAT-PMP, a byte less", BYTES("\0\x80\0\0" EPOCH "\x15\0\0"), VERDICT_NO, VERDICT_NO, 0,
	  false },
	{ "NAT-PMP, a byte more", BYTES("\0\x80\0\0" EPOCH "\x15\0\0\x02\0"), VERDICT_NO,
	  VERDICT_NO, 0, false },
	{ "NAT-PMP of another opcode", BYTES("\0\x81\0\0" EPOCH "\x15\0\0\x02"), VERDICT_NO,
	  VERDICT_NO, 0, false },
	{ "NAT-PMP refuses, without epoch", BYTES("\0\x80\0\x03"), VERDICT_NO, VERDICT_NO, 0,
	  false },
};

static void answer_once(size_t i, struct verdict *v)
{
	const struct addr from = gateway_addr();
	uint64_t now_us = START_US;
	uint8_t out[PORTMAP_LEN];
	struct portmap p;

	start(&p);
	(void)portmap_next(&p, now_us, out);
	(void)portmap_next(&p, now_us, out);
	portmap_on_datagram(&p, &from, answers[i].data);
	(void)run_out(&p, &now_us);
	portmap_end(&p, CAUSE_TIMEOUT, v, now_us);
}

static void answers_are_told_apart(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct verdict v = { 0 };

		answer_once(i, &v);
		if (v.pcp.present.value != answers[i].pcp ||
		    v.nat_pmp.present.value != answers[i].nat_pmp)
			fail_msg("%s: pcp %s, nat-pmp %s", answers[i].why,
				 verdict_answer_word(v.pcp.present.value),
				 verdict_answer_word(v.nat_pmp.present.value));
		if (v.pcp.result + v.nat_pmp.result != answers[i].result)
			fail_msg("%s: result %u and %u", answers[i].why, v.pcp.result,
				 v.nat_pmp.result);
		if ((v.nat_pmp.external.family != ADDR_NONE) != answers[i].external)
			fail_msg("%s: external address", answers[i].why);
	}
}

static void both_answered_ends_it_at_once(void **state)
{
	const struct addr from = gateway_addr();
	struct portmap p;

	start(&p);
	portmap_on_datagram(&p, &from, BYTES("\x02\x80\0\0" PCP_TAIL));
	assert_false(portmap_is_over(&p, START_US + 2000));
	portmap_on_datagram(&p, &from, BYTES("\0\x80\0\0" EPOCH "\x15\0\0\x02"));
	assert_true(portmap_is_over(&p, START_US + 3000));
	assert_int_equal(portmap_deadline_us(&p), UINT64_MAX);
}

/* A box that speaks both answers each in its own words; what comes late does not undo it. */
static void own_answers_beat_what_the_other_implies(void **state)
{
	const struct addr from = gateway_addr();
	struct verdict v = { 0 };
	struct portmap p;

	start(&p);
	portmap_on_datagram(&p, &from, BYTES("\0\0\0\x01" EPOCH));
	portmap_on_datagram(&p, &from, BYTES("\x02\x80\0\0" PCP_TAIL));
	portmap_on_datagram(&p, &from, BYTES("\0\x80\0\0" EPOCH "\x15\0\0\x02"));
	portmap_on_datagram(&p, &from, BYTES("\x02\x80\0\x01" PCP_TAIL));
	portmap_end(&p, CAUSE_TIMEOUT, &v, START_US + 4000);
	assert_int_equal(v.pcp.present.value, VERDICT_YES);
	assert_int_equal(v.nat_pmp.present.value, VERDICT_YES);
	assert_int_equal(v.nat_pmp.external.ip[0], 21);
}

static void only_the_gateway_is_heard(void **state)
{
	static const struct {
		const char *why;
		uint8_t last;
		uint16_t port;
	} strangers[] = {
		{ "another address", 3, PORTMAP_PORT },
		{ "another port", 1, PORTMAP_PORT - 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		struct addr from = addr_ipv4(192, 168, 1, strangers[i].last, strangers[i].port);
		struct portmap p;

		start(&p);
		portmap_on_datagram(&p, &from, BYTES("\x02\x80\0\0" PCP_TAIL));
		if (p.pcp.found.present.value != VERDICT_UNKNOWN)
			fail_msg("%s: heard", strangers[i].why);
	}
}

static void a_further_nat_is_hinted_at(void **state)
{
	static const struct {
		const char *why, *local, *mapped, *external;
		uint8_t value, hints;
	} cases[] = {
		{ "all well", "192.168.1.2", "21.0.0.2", "21.0.0.2", VERDICT_NO, 0 },
		{ "nothing named", "192.168.1.2", "21.0.0.2", NULL, VERDICT_UNKNOWN, 0 },
		{ "own address shared", "100.64.0.2", "21.0.0.2", NULL, VERDICT_YES,
		  CGN_LOCAL_SHARED },
		{ "just below shared", "100.63.255.255", "21.0.0.2", NULL, VERDICT_UNKNOWN, 0 },
		{ "just above shared", "100.128.0.0", "21.0.0.2", NULL, VERDICT_UNKNOWN, 0 },
		{ "DS-Lite", "192.0.0.2", "21.0.0.2", NULL, VERDICT_YES, CGN_LOCAL_DS_LITE },
		{ "above DS-Lite", "192.0.0.8", "21.0.0.2", NULL, VERDICT_UNKNOWN, 0 },
		{ "gateway shared", "192.168.1.2", "21.0.0.2", "100.64.0.2", VERDICT_YES,
		  CGN_GATEWAY_SHARED },
		{ "gateway private", "192.168.1.2", "21.0.0.2", "10.0.0.2", VERDICT_YES,
		  CGN_GATEWAY_PRIVATE },
		{ "gateway differs", "192.168.1.2", "21.0.0.2", "23.0.0.2", VERDICT_YES,
		  CGN_GATEWAY_DIFFERS },
		{ "own and gateway's", "100.64.0.2", "21.0.0.2", "10.0.0.2", VERDICT_YES,
		  CGN_LOCAL_SHARED | CGN_GATEWAY_PRIVATE },
		{ "shared, but it is the mapped one", "192.168.1.2", "100.64.0.2", "100.64.0.2",
		  VERDICT_NO, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = { .gateway = addr_ipv4(192, 168, 1, 1, 0) };

		assert_true(addr_parse_ip(cases[i].local, 1, &v.local));
		assert_true(addr_parse_ip(cases[i].mapped, 2, &v.mapped));
		if (cases[i].external != NULL)
			assert_true(addr_parse_ip(cases[i].external, 0, &v.nat_pmp.external));
		portmap_judge_cgn(&v);
		if (v.cgn.value != cases[i].value || v.cgn_hints != cases[i].hints)
			fail_msg("%s: %s, hints %x", cases[i].why, verdict_answer_word(v.cgn.value),
				 v.cgn_hints);
	}
}

/* One of several addresses is as good as the first; UPnP counts like the others. */
static void a_pool_is_no_further_nat(void **state)
{
	struct verdict v = {
		.local = addr_ipv4(192, 168, 1, 2, 1),
		.mapped = addr_ipv4(21, 0, 0, 2, 2),
		.gateway = addr_ipv4(192, 168, 1, 1, 0),
		.upnp.external = addr_ipv4(21, 0, 0, 3, 0),
	};

	portmap_judge_cgn(&v);
	assert_int_equal(v.cgn.value, VERDICT_YES);
	v.pooling.externals[0] = addr_ipv4(21, 0, 0, 2, 0);
	v.pooling.externals[1] = addr_ipv4(21, 0, 0, 3, 0);
	v.pooling.external_count = 2;
	portmap_judge_cgn(&v);
	assert_int_equal(v.cgn.value, VERDICT_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_asked_as_their_rfcs_say),
		cmocka_unit_test(silence_counts_after_all_copies),
		cmocka_unit_test(what_this_host_refuses_proves_nothing),
		cmocka_unit_test(an_early_end_says_why),
		cmocka_unit_test(a_bad_path_is_given_more_copies_and_time),
		cmocka_unit_test(nobody_to_ask),
		cmocka_unit_test(over_ipv6_there_is_pcp_alone),
		cmocka_unit_test(answers_are_told_apart),
		cmocka_unit_test(both_answered_ends_it_at_once),
		cmocka_unit_test(own_answers_beat_what_the_other_implies),
		cmocka_unit_test(only_the_gateway_is_heard),
		cmocka_unit_test(a_further_nat_is_hinted_at),
		cmocka_unit_test(a_pool_is_no_further_nat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
