/* lease: PCP, NAT-PMP and UPnP in turn; kept, lost, had again, removed. The gateway is the model. */
#include "tests/lease_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S 1000000ULL

static struct lease_net net;

static void assert_granted_by(enum lease_by by)
{
	assert_int_equal(net.lease.state, LEASE_HELD);
	assert_string_equal(lease_by_word(net.lease.grant.by), lease_by_word(by));
	assert_int_equal(net.lease.replies[by].answer, LEASE_GRANTED);
}

/* Whichever the gateway speaks is found, and strangers get in until it is given back. */
static void each_protocol_opens_the_port_and_closes_it(void **state)
{
	static const struct {
		const char *why;
		bool pcp, nat_pmp;
		enum lease_by by;
	} cases[] = {
		{ "PCP alone", true, false, LEASE_PCP },
		{ "NAT-PMP alone", false, true, LEASE_NAT_PMP },
		{ "both", true, true, LEASE_PCP },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		lease_net_open(&net, cases[i].pcp, cases[i].nat_pmp);
		lease_net_start(&net);
		lease_net_settle(&net);
		assert_granted_by(cases[i].by);
		assert_int_equal(net.lease.grant.external.port, 4900);
		assert_int_equal(net.lease.grant.external.ip[0], 203);
		assert_int_equal(net.lease.grant.lifetime_s, 7200);
		if (!lease_net_is_open(&net))
			fail_msg("%s: closed", cases[i].why);
		lease_remove(&net.lease, net.now_us);
		lease_net_settle(&net);
		assert_int_equal(net.lease.state, LEASE_ENDED);
		if (!net.lease.is_removed || lease_net_is_open(&net))
			fail_msg("%s: still open", cases[i].why);
		lease_net_close(&net);
	}
}

static void a_pinhole_of_ipv6_is_had_by_pcp(void **state)
{
	lease_net_open6(&net);
	lease_net_start(&net);
	lease_net_settle(&net);
	assert_granted_by(LEASE_PCP);
	assert_true(addr_equal(&net.lease.grant.external, &net.config.internal));
	assert_true(lease_net_is_open(&net));
	lease_remove(&net.lease, net.now_us);
	lease_net_settle(&net);
	assert_true(net.lease.is_removed);
	assert_false(lease_net_is_open(&net));
	lease_net_close(&net);
}

static void over_ipv6_nat_pmp_is_not_asked(void **state)
{
	lease_net_open6(&net);
	net.gateway_is_off = true;
	net.config.keep = false;
	lease_net_start(&net);
	lease_net_settle(&net);
	assert_int_equal(net.lease.state, LEASE_REFUSED);
	assert_int_equal(net.lease.replies[LEASE_PCP].answer, LEASE_SILENT);
	assert_int_equal(net.lease.replies[LEASE_NAT_PMP].answer, LEASE_NOT_ASKED);
	lease_net_close(&net);
}

static void silence_leads_to_the_next_one_and_takes_four_seconds(void **state)
{
	uint64_t began_us;

	lease_net_open(&net, false, false);
	net.config.has_upnp = true;
	net.config.keep = false;
	net.upnp_says.answer = LEASE_ABSENT;
	lease_net_start(&net);
	began_us = net.now_us;
	lease_net_settle(&net);
	assert_int_equal(net.lease.state, LEASE_REFUSED);
	assert_int_equal(net.lease.replies[LEASE_PCP].answer, LEASE_SILENT);
	assert_int_equal(net.lease.replies[LEASE_NAT_PMP].answer, LEASE_SILENT);
	assert_int_equal(net.lease.replies[LEASE_UPNP].answer, LEASE_ABSENT);
	assert_int_equal(net.upnp_asked, 1);
	assert_int_equal(net.now_us - began_us, 4 * S);
	assert_int_equal(lease_deadline_us(&net.lease), UINT64_MAX);
	lease_net_close(&net);
}

static void without_a_gateway_nobody_is_asked(void **state)
{
	lease_net_open(&net, true, true);
	net.config.gateway = (struct addr){ 0 };
	net.config.keep = false;
	net.config.has_upnp = true;
	lease_net_start(&net);
	lease_net_settle(&net);
	assert_int_equal(net.lease.state, LEASE_REFUSED);
	assert_int_equal(net.lease.replies[LEASE_UPNP].answer, LEASE_NO_GATEWAY);
	assert_int_equal(net.sent, 0);
	lease_net_close(&net);
}

static void a_closed_port_of_the_gateway_ends_two_questions_at_once(void **state)
{
	lease_net_open(&net, false, false);
	net.config.keep = false;
	lease_net_start(&net);
	lease_net_run(&net, 1000);
	lease_on_refused(&net.lease, false, net.now_us);
	assert_int_equal(net.lease.state, LEASE_REFUSED);
	assert_int_equal(net.lease.replies[LEASE_PCP].answer, LEASE_ABSENT);
	assert_int_equal(net.lease.replies[LEASE_NAT_PMP].answer, LEASE_ABSENT);
	lease_net_close(&net);
}

/* A fifth of all datagrams is lost, each way. */
static void loss_costs_time_and_no_lease(void **state)
{
	unsigned held = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		lease_net_open(&net, true, false);
		net.loss = 0.2;
		net.rng = seed * 977;
		net.config.lifetime_s = 600;
		lease_net_start(&net);
		lease_net_settle(&net);
		held += net.lease.state == LEASE_HELD;
		lease_net_run(&net, 7200 * S);
		assert_int_equal(net.lease.state, LEASE_HELD);
		assert_true(lease_net_is_open(&net));
		lease_net_close(&net);
	}
	assert_true(held >= 98);
}

/* RFC 6887, section 11.2.1. */
static void it_is_renewed_after_half_of_its_life(void **state)
{
	lease_net_open(&net, true, false);
	lease_net_start(&net);
	lease_net_settle(&net);
	lease_net_run(&net, 3599 * S);
	assert_int_equal(net.lease.renewals, 0);
	lease_net_run(&net, 901 * S);
	assert_int_equal(net.lease.renewals, 1);
	lease_net_run(&net, 10 * 86400 * S);
	assert_true(net.lease.renewals > 10 * 12);
	assert_true(net.lease.renewals <= 10 * 24);
	assert_int_equal(net.lease.changes, 1);
	assert_true(lease_net_is_open(&net));
	lease_net_close(&net);
}

static void without_keep_it_ends_by_itself(void **state)
{
	lease_net_open(&net, true, false);
	net.config.keep = false;
	net.config.lifetime_s = 100;
	lease_net_start(&net);
	lease_net_settle(&net);
	unsigned sent = net.sent;

	lease_net_run(&net, 99 * S);
	assert_int_equal(net.lease.state, LEASE_HELD);
	lease_net_run(&net, 2 * S);
	assert_int_equal(net.lease.state, LEASE_ENDED);
	assert_int_equal(net.sent, sent);
	lease_net_close(&net);
}

/* Nobody announces it: the next look at the gateway's clock finds out. */
static void a_gateway_that_restarts_is_asked_again(void **state)
{
	for (int i = 0; i < 2; i++) {
		lease_net_open(&net, i == 0, i == 1);
		lease_net_start(&net);
		lease_net_settle(&net);
		lease_net_run(&net, 1000 * S);
		lease_net_reboot(&net);
		assert_false(lease_net_is_open(&net));
		lease_net_run(&net, 65 * S);
		assert_int_equal(net.lease.resets, 1);
		assert_int_equal(net.lease.state, LEASE_HELD);
		assert_int_equal(net.lease.grant.external.port, 4900);
		assert_true(lease_net_is_open(&net));
		lease_net_close(&net);
	}
}

/* RFC 6887, section 14.1: the announcement itself is enough. */
static void an_announcement_of_a_restart_is_heeded(void **state)
{
	static const uint8_t announcement[24] = { 2, 0x80, [11] = 1 };

	lease_net_open(&net, true, false);
	lease_net_start(&net);
	lease_net_settle(&net);
	lease_net_run(&net, 1000 * S);
	lease_net_reboot(&net);
	lease_net_run(&net, S);
	lease_net_hear(&net, bytes_of(announcement, sizeof(announcement)));
	lease_net_run(&net, 3 * S);
	assert_int_equal(net.lease.resets, 1);
	assert_true(lease_net_is_open(&net));
	lease_net_close(&net);
}

static void a_gateway_that_comes_back_late_is_asked_until_it_is_there(void **state)
{
	lease_net_open(&net, true, false);
	net.config.lifetime_s = 120;
	lease_net_start(&net);
	lease_net_settle(&net);
	lease_net_run(&net, 50 * S);
	net.gateway_is_off = true;
	lease_net_reboot(&net);
	lease_net_run(&net, 300 * S);
	assert_int_not_equal(net.lease.state, LEASE_HELD);
	net.gateway_is_off = false;
	lease_net_run(&net, 40 * S);
	assert_int_equal(net.lease.state, LEASE_HELD);
	assert_true(net.lease.changes >= 3); /* had, lost, had */
	assert_true(lease_net_is_open(&net));
	lease_net_close(&net);
}

/* Another host has the port: another one is given, unless it has to be that one. */
static void the_port_that_is_wanted_may_be_taken(void **state)
{
	for (int i = 0; i < 3; i++) {
		lease_net_open(&net, i < 2, i == 2);
		net.config.internal = rig_host(1, 4900);
		net.config.nonce[0] = 99;
		lease_net_start(&net);
		lease_net_settle(&net);
		assert_int_equal(net.lease.grant.external.port, 4900);

		net.config.internal = rig_host(0, 4900);
		net.config.nonce[0] = 1;
		net.config.external_port = 4900;
		net.config.external_only = i > 0;
		net.config.keep = false;
		lease_net_start(&net);
		lease_net_settle(&net);
		if (i == 0) {
			assert_int_equal(net.lease.state, LEASE_HELD);
			assert_int_not_equal(net.lease.grant.external.port, 4900);
		} else {
			enum lease_by by = i == 1 ? LEASE_PCP : LEASE_NAT_PMP;

			assert_int_equal(net.lease.state, LEASE_REFUSED);
			assert_int_equal(net.lease.replies[by].answer,
					 i == 1 ? LEASE_DENIED : LEASE_OTHER_PORT);
			assert_int_equal(nat_mapping_count(net.rig.nat), 1);
		}
		lease_net_close(&net);
	}
}

/* RFC 6887, section 11.3: who has another nonce is not the one who mapped it. */
static void a_lease_of_another_run_needs_its_nonce(void **state)
{
	struct lease_grant granted;

	lease_net_open(&net, true, false);
	lease_net_start(&net);
	lease_net_settle(&net);
	granted = net.lease.grant;

	net.config.nonce[0] = 99;
	net.config.keep = false;
	lease_net_start(&net);
	lease_net_settle(&net);
	assert_int_equal(net.lease.state, LEASE_REFUSED);
	assert_int_equal(net.lease.replies[LEASE_PCP].code, PORTMAP_PCP_NOT_AUTHORIZED);

	lease_resume(&net.lease, &net.config, &granted, net.now_us);
	lease_remove(&net.lease, net.now_us);
	lease_net_settle(&net);
	assert_false(net.lease.is_removed);
	assert_int_equal(net.lease.replies[LEASE_PCP].answer, LEASE_DENIED);

	net.config.nonce[0] = 1;
	lease_resume(&net.lease, &net.config, &granted, net.now_us);
	lease_remove(&net.lease, net.now_us);
	lease_net_settle(&net);
	assert_true(net.lease.is_removed);
	assert_false(lease_net_is_open(&net));
	lease_net_close(&net);
}

static void upnp_is_asked_last_and_once_at_a_time(void **state)
{
	lease_net_open(&net, false, false);
	net.config.has_upnp = true;
	net.upnp_says = (struct lease_upnp_result){
		.answer = LEASE_GRANTED,
		.grant = { .by = LEASE_UPNP,
			   .external = addr_ipv4(203, 0, 113, 1, 4900),
			   .lifetime_s = 600 },
	};
	lease_net_start(&net);
	lease_net_settle(&net);
	assert_granted_by(LEASE_UPNP);
	assert_int_equal(net.upnp.op, LEASE_UPNP_ADD);
	assert_int_equal(net.upnp.external_port, 4900);
	lease_net_run(&net, 600 * S);
	assert_int_equal(net.upnp_asked, 2);

	net.upnp_says.answer = LEASE_SILENT; /* restarts: what is held is held to its end */
	lease_net_run(&net, 200 * S);
	assert_int_equal(net.lease.state, LEASE_HELD);
	net.upnp_says.answer = LEASE_GRANTED;
	lease_net_run(&net, 60 * S);
	assert_int_equal(net.lease.changes, 1);

	lease_remove(&net.lease, net.now_us);
	lease_net_settle(&net);
	assert_int_equal(net.upnp.op, LEASE_UPNP_REMOVE);
	assert_true(net.lease.is_removed);
	lease_net_close(&net);
}

/* The end comes while UPnP is still at it: what it adds is removed. */
static void what_upnp_adds_too_late_is_removed(void **state)
{
	lease_net_open(&net, false, false);
	net.config.has_upnp = net.upnp_is_slow = true;
	net.upnp_says = (struct lease_upnp_result){
		.answer = LEASE_GRANTED,
		.grant = { .by = LEASE_UPNP,
			   .external = addr_ipv4(203, 0, 113, 1, 5000),
			   .lifetime_s = 600 },
	};
	lease_net_start(&net);
	lease_net_run(&net, 5 * S);
	assert_int_equal(net.upnp_asked, 1);
	lease_remove(&net.lease, net.now_us);
	lease_net_run(&net, S);
	assert_int_equal(net.lease.state, LEASE_REMOVING);
	lease_on_upnp(&net.lease, &net.upnp_says, net.now_us);
	lease_net_run(&net, S);
	assert_int_equal(net.upnp_asked, 2);
	assert_int_equal(net.upnp.op, LEASE_UPNP_REMOVE);
	assert_int_equal(net.upnp.external_port, 5000);
	lease_on_upnp(&net.lease, &net.upnp_says, net.now_us);
	assert_int_equal(net.lease.state, LEASE_ENDED);
	assert_true(net.lease.is_removed);
	lease_net_close(&net);
}

/* What was asked for and not answered yet may have been granted. */
static void an_end_while_asking_gives_back_as_well(void **state)
{
	lease_net_open(&net, true, false);
	lease_net_start(&net);
	net.loss = 1;
	lease_net_run(&net, 1000);
	lease_remove(&net.lease, net.now_us);
	assert_int_equal(net.lease.state, LEASE_ENDED);
	unsigned sent = net.sent;

	lease_net_run(&net, S);
	assert_int_equal(net.sent, sent + 1);
	lease_net_close(&net);
}

/* A gateway that says nothing in the end is not waited for. */
static void a_removal_that_nobody_confirms_is_told(void **state)
{
	lease_net_open(&net, true, false);
	lease_net_start(&net);
	lease_net_settle(&net);
	net.gateway_is_off = true;
	lease_remove(&net.lease, net.now_us);
	lease_net_settle(&net);
	assert_int_equal(net.lease.state, LEASE_ENDED);
	assert_false(net.lease.is_removed);
	lease_net_close(&net);
}

static void only_the_gateway_is_heard(void **state)
{
	const struct addr strangers[] = { addr_ipv4(192, 168, 1, 3, PORTMAP_PORT),
					  addr_ipv4(192, 168, 1, 1, PORTMAP_PORT - 1) };
	static const uint8_t mapped[16] = { 0,          0x81,      [4] = 1,    [8] = 4900 >> 8,
					    4900 & 255, 4900 >> 8, 4900 & 255, [15] = 100 };

	lease_net_open(&net, false, false);
	lease_net_start(&net);
	lease_net_run(&net, 2100000);
	assert_int_equal(net.lease.by, LEASE_NAT_PMP);
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		lease_on_datagram(&net.lease, &strangers[i], bytes_of(mapped, sizeof(mapped)),
				  net.now_us);
		assert_int_equal(net.lease.state, LEASE_ASKING);
	}
	lease_net_hear(&net, bytes_of(mapped, sizeof(mapped)));
	assert_int_equal(net.lease.state, LEASE_HELD);
	assert_int_equal(net.lease.grant.external.family, ADDR_NONE);
	assert_false(lease_is_settled(&net.lease)); /* its address is still asked for */
	lease_net_settle(&net);
	lease_net_close(&net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_protocol_opens_the_port_and_closes_it),
		cmocka_unit_test(a_pinhole_of_ipv6_is_had_by_pcp),
		cmocka_unit_test(over_ipv6_nat_pmp_is_not_asked),
		cmocka_unit_test(silence_leads_to_the_next_one_and_takes_four_seconds),
		cmocka_unit_test(without_a_gateway_nobody_is_asked),
		cmocka_unit_test(a_closed_port_of_the_gateway_ends_two_questions_at_once),
		cmocka_unit_test(loss_costs_time_and_no_lease),
		cmocka_unit_test(it_is_renewed_after_half_of_its_life),
		cmocka_unit_test(without_keep_it_ends_by_itself),
		cmocka_unit_test(a_gateway_that_restarts_is_asked_again),
		cmocka_unit_test(an_announcement_of_a_restart_is_heeded),
		cmocka_unit_test(a_gateway_that_comes_back_late_is_asked_until_it_is_there),
		cmocka_unit_test(the_port_that_is_wanted_may_be_taken),
		cmocka_unit_test(a_lease_of_another_run_needs_its_nonce),
		cmocka_unit_test(upnp_is_asked_last_and_once_at_a_time),
		cmocka_unit_test(what_upnp_adds_too_late_is_removed),
		cmocka_unit_test(an_end_while_asking_gives_back_as_well),
		cmocka_unit_test(a_removal_that_nobody_confirms_is_told),
		cmocka_unit_test(only_the_gateway_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
