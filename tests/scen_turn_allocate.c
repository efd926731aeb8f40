/* Stories of Allocate: what a client may ask for, and each way in which it is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_one.h"

static void a_client_gets_an_address_and_learns_its_own(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(rig_allocate(&c), 0);
	assert_true(c.is_signed);
	assert_true(addr_equal(&c.mapped, &c.tuple.client));
	assert_int_equal(c.lifetime_s, 600);
	/* The public address, though the socket is on the private one. */
	assert_true(addr_equal_ip(&c.relayed[0], &r.relays[0].seen_as));
	assert_in_range(c.relayed[0].port, r.low, r.high);
	assert_true(addr_equal_ip(&rig_end_of(&r, &c.relayed[0])->local, &r.relays[0].local));
	assert_int_equal(quota_alive(r.shared.quota), 1);
	assert_int_equal(counter_read(&turnd_stats(r.worker[0].turnd)->allocations), 1);
}

static void a_lost_answer_costs_nothing(void **state)
{
	struct addr relayed;
	struct ports_token first, again;

	rig_start(&r);
	assert_int_equal(
		one_allocate((struct story_allocate){ .even_port = true, .reserve = true }), 0);
	relayed = c.relayed[0];
	assert_true(story_token(&r, &first));
	rig_pass(&r, 2000);
	assert_int_equal(story_repeat(&c), 0);
	assert_true(addr_equal(&relayed, &c.relayed[0]));
	assert_true(story_token(&r, &again));
	assert_memory_equal(first.bytes, again.bytes, sizeof(first.bytes));
	assert_int_equal(c.lifetime_s, 600);
	assert_int_equal(r.open, 1);
	assert_int_equal(quota_alive(r.shared.quota), 1);
}

static void another_allocate_on_the_5_tuple_is_437(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_allocate(&c), 437);
	assert_true(c.is_signed);
	assert_int_equal(r.open, 1);
}

static void another_user_gets_no_answer_again(void **state)
{
	struct stun_tid tid;

	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	tid = c.b.tid;
	c.user = BYTES("bob");
	c.password = BYTES("swordfish");
	c.b = stun_build(c.request, sizeof(c.request), TURN_ALLOCATE, STUN_REQUEST, &tid);
	(void)stun_attr_put_u8(&c.b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_UDP);
	assert_int_equal(rig_ask(&c), 437);
}

static void transports_are_400_and_442(void **state)
{
	rig_start(&r);
	assert_int_equal(one_allocate((struct story_allocate){ .no_transport = true }), 400);
	assert_int_equal(one_allocate((struct story_allocate){ .transport = 6 }), 442);
	assert_int_equal(one_allocate((struct story_allocate){ .transport = 132 }), 442);
	assert_int_equal(one_allocate((struct story_allocate){ .transport = 255 }), 442);
	assert_true(c.is_signed);
	assert_int_equal(one_allocate((struct story_allocate){ .transport = 17 }), 0);
}

static void tcp_is_for_streams_and_has_no_ports_in_pairs(void **state)
{
	static const struct ports_token no_token = { { 1 } };
	static const struct story_allocate bad[] = {
		{ .transport = 6, .even_port = true },
		{ .transport = 6, .dont_fragment = true },
		{ .transport = 6, .token = &no_token },
	};

	r.snapshot.tcp_relay = true;
	rig_start(&r);
	assert_int_equal(one_allocate((struct story_allocate){ .transport = 6 }),
			 400); /* over UDP */
	c.tuple.transport = STUN_TCP;
	c.link = &c;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(one_allocate(bad[i]), 400);
	assert_int_equal(one_allocate((struct story_allocate){ .transport = 6 }), 0);
	assert_int_equal(rig_end_of(&r, &c.relayed[0])->protocol, 6);
}

static void attributes_that_contradict_are_400(void **state)
{
	static const struct ports_token token;
	static const struct story_allocate bad[] = {
		{ .token = &token, .even_port = true },
		{ .token = &token, .family = ADDR_IPV4 },
		{ .token = &token, .additional = ADDR_IPV6 },
		{ .family = ADDR_IPV4, .additional = ADDR_IPV6 },
		{ .additional = ADDR_IPV4 },
		{ .additional = 7 },
		{ .additional = ADDR_IPV6, .even_port = true, .reserve = true },
	};

	rig_start(&r);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(one_allocate(bad[i]), 400);
	assert_int_equal(r.opened, 0);
	assert_int_equal(one_allocate((struct story_allocate){ .dont_fragment = true }), 0);
}

static void families_are_asked_for(void **state)
{
	rig_start(&r);
	assert_int_equal(one_allocate((struct story_allocate){ .family = 3 }), 440);
	assert_int_equal(one_allocate((struct story_allocate){ .family = ADDR_IPV6 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV6);
	story_go(&c, 1);
	assert_int_equal(one_allocate((struct story_allocate){ .family = ADDR_IPV4 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV4);
}

static void families_that_are_not_there_are_440(void **state)
{
	r.relays[0] = r.relays[1]; /* IPv6 only */
	r.snapshot.relay_count = 1;
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 440); /* nothing asked for means IPv4 */
	assert_int_equal(one_allocate((struct story_allocate){ .family = ADDR_IPV4 }), 440);
	assert_int_equal(one_allocate((struct story_allocate){ .family = ADDR_IPV6 }), 0);
}

static void both_families_come_in_one_answer(void **state)
{
	uint8_t family;
	uint16_t code;

	rig_start(&r);
	assert_int_equal(one_allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV4);
	assert_true(addr_equal_ip(&c.relayed[0], &r.relays[0].seen_as));
	assert_int_equal(c.relayed[1].family, ADDR_IPV6);
	assert_false(story_address_error(&r, &family, &code));
	assert_int_equal(quota_alive(r.shared.quota), 1);
	assert_int_equal(r.open, 2);
}

/* turnutils_uclient -Z asks by the number of a draft. */
static void coturn_s_number_asks_for_both_families_too(void **state)
{
	rig_start(&r);
	assert_int_equal(one_allocate((struct story_allocate){ .additional = ADDR_IPV6,
							       .additional_type = 0x8032 }),
			 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV4);
	assert_int_equal(c.relayed[1].family, ADDR_IPV6);
}

static void half_of_both_families_says_what_is_missing(void **state)
{
	uint8_t family;
	uint16_t code;

	r.snapshot.relay_count = 1; /* IPv4 only */
	rig_start(&r);
	assert_int_equal(one_allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV4);
	assert_int_equal(c.relayed[1].family, ADDR_NONE);
	assert_true(story_address_error(&r, &family, &code));
	assert_int_equal(family, ADDR_IPV6);
	assert_int_equal(code, 440);
	assert_int_equal(story_repeat(&c), 0); /* and says so again */
	assert_true(story_address_error(&r, &family, &code));
	r.snapshot.relay_count = RIG_RELAYS;
}

static void half_of_both_families_may_be_508(void **state)
{
	uint8_t family;
	uint16_t code;

	r.open_error = EMFILE;
	rig_start(&r);
	assert_int_equal(rig_challenge(&c), 401);
	r.open_errors = 1; /* the IPv4 one */
	assert_int_equal(one_allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV6);
	assert_true(story_address_error(&r, &family, &code));
	assert_int_equal(family, ADDR_IPV4);
	assert_int_equal(code, 508);
	assert_int_equal(one_alloc()->flow.ends[0].relayed.family, ADDR_IPV6);
	story_go(&c, 1);
	r.open_errors = 2;
	assert_int_equal(one_allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 508);
	assert_int_equal(quota_alive(r.shared.quota), 1);
}

static void lifetimes_have_bounds(void **state)
{
	static const struct {
		uint32_t asked, given;
	} cases[] = {
		{ 1, 600 },     { 599, 600 },   { 601, 601 },
		{ 3600, 3600 }, { 3601, 3600 }, { UINT32_MAX, 3600 },
	};

	rig_start(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++, story_go(&c, 1)) {
		assert_int_equal(
			one_allocate((struct story_allocate){ .lifetime_s = cases[i].asked }), 0);
		assert_int_equal(c.lifetime_s, cases[i].given);
		assert_int_equal(one_alloc()->until_ms - r.now.us / 1000, cases[i].given * 1000);
	}
}

static void quotas_are_486_and_released(void **state)
{
	r.realms[0].limits.user_allocations = 2;
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	story_go(&c, 1);
	assert_int_equal(rig_allocate(&c), 0);
	story_go(&c, 1);
	assert_int_equal(rig_allocate(&c), 486);
	assert_true(c.is_signed);
	c.user = BYTES("bob");
	c.password = BYTES("swordfish");
	assert_int_equal(rig_allocate(&c), 0);
	rig_pass(&r, 600 * 1000);
	c.user = BYTES("alice");
	c.password = BYTES("open sesame");
	c.challenged = false;
	assert_int_equal(rig_allocate(&c), 0);
}

static void quotas_of_source_and_realm_are_486(void **state)
{
	r.realms[0].limits.realm_allocations = 3;
	r.snapshot.source_allocations = 2;
	rig_start(&r);
	for (int i = 0; i < 2; i++, story_go(&c, 1))
		assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_allocate(&c), 486);
	rig_client(&c, &r, 1000);
	c.tuple.client.ip[3]++;
	assert_int_equal(rig_allocate(&c), 0);
	rig_client(&c, &r, 1000);
	c.tuple.client.ip[3] += 2;
	assert_int_equal(rig_allocate(&c), 486);
}

static void a_users_bandwidth_is_for_all_its_allocations(void **state)
{
	static const uint8_t data[900];
	struct addr peer = story_peer(7, 7);

	r.realms[0].limits.user_bytes_per_s = 1000;
	rig_start(&r);
	for (int i = 0; i < 2; i++) {
		story_go(&c, 1);
		assert_int_equal(rig_allocate(&c), 0);
		assert_int_equal(rig_permit(&c, &peer), 0);
		assert_int_equal(rig_send(&c, &peer, bytes_of(data, sizeof(data))),
				 i == 0 ? TURND_TO_PEER : TURND_NOTHING);
	}
}

static void all_allocations_together_are_508(void **state)
{
	r.snapshot.total_allocations = 1;
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	story_go(&c, 1);
	assert_int_equal(rig_allocate(&c), 508);
	story_go(&c, -1);
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(rig_allocate(&c), 0);
}

static void others_are_sent_elsewhere_with_300(void **state)
{
	static const struct snapshot_alternate other = {
		.addr = { .family = ADDR_IPV4, .port = 3478, .ip = { 91, 80, 0, 9 } },
		.domain = "turn.example.org",
		.transport = STUN_UDP,
	};
	struct bytes value;

	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	r.snapshot.alternates = &other;
	r.snapshot.alternate_count = 1;
	assert_int_equal(story_repeat(&c), 0); /* what is made is made */
	story_go(&c, 1);
	assert_int_equal(rig_allocate(&c), 300);
	assert_true(rig_find(&r, STUN_ATTR_ALTERNATE_SERVER, &value));
	assert_true(rig_find(&r, STUN_ATTR_ALTERNATE_DOMAIN, &value));
}

static void mobility_must_be_allowed_and_asked_for_without_a_ticket(void **state)
{
	struct story_ticket ticket;

	rig_start(&r);
	assert_int_equal(one_allocate((struct story_allocate){ .mobile = true }), 405);
	r.snapshot.mobility = true;
	assert_int_equal(one_allocate((struct story_allocate){ .mobile = true }), 0);
	assert_true(story_ticket(&r, &ticket));
	assert_int_equal(story_repeat(&c), 0);
	assert_true(story_ticket(&r, &ticket));
	story_go(&c, 1);
	assert_int_equal(rig_challenge(&c), 401);
	(void)rig_request(&c, TURN_ALLOCATE);
	(void)stun_attr_put_u8(&c.b, STUN_ATTR_REQUESTED_TRANSPORT, 17);
	memcpy(stun_build_attr(&c.b, STUN_ATTR_MOBILITY_TICKET, TICKET_LEN), ticket.value,
	       TICKET_LEN);
	assert_int_equal(rig_ask(&c), 400);
	assert_int_equal(rig_allocate(&c), 0);
	assert_false(story_ticket(&r, &ticket)); /* nobody asked for it */
}

static void it_ends_in_time_and_leaves_nothing(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 0);
	rig_pass(&r, 600 * 1000 - 1);
	assert_int_equal(r.open, 1);
	rig_pass(&r, 1);
	assert_int_equal(r.open, 0);
	assert_int_equal(one_ports_free(0), 100);
	assert_int_equal(quota_alive(r.shared.quota), 0);
	assert_int_equal(turnd_on_time(r.worker[0].turnd, &r.now), UINT64_MAX);
	assert_int_equal(counter_read(&turnd_stats(r.worker[0].turnd)->ended[STATS_END_EXPIRED]),
			 1);
}

static void a_connection_that_ends_takes_its_allocation_along(void **state)
{
	rig_start(&r);
	c.tuple.transport = STUN_TCP;
	c.link = &c;
	assert_int_equal(rig_allocate(&c), 0);
	turnd_link_ended(r.worker[0].turnd, &c.tuple, &r, &r.now); /* another one */
	assert_int_equal(r.open, 1);
	turnd_link_ended(r.worker[0].turnd, &c.tuple, &c, &r.now);
	assert_int_equal(r.open, 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, one_begin, one_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_client_gets_an_address_and_learns_its_own),
		STORY(a_lost_answer_costs_nothing),
		STORY(another_allocate_on_the_5_tuple_is_437),
		STORY(another_user_gets_no_answer_again),
		STORY(transports_are_400_and_442),
		STORY(tcp_is_for_streams_and_has_no_ports_in_pairs),
		STORY(attributes_that_contradict_are_400),
		STORY(families_are_asked_for),
		STORY(families_that_are_not_there_are_440),
		STORY(both_families_come_in_one_answer),
		STORY(coturn_s_number_asks_for_both_families_too),
		STORY(half_of_both_families_says_what_is_missing),
		STORY(half_of_both_families_may_be_508),
		STORY(lifetimes_have_bounds),
		STORY(quotas_are_486_and_released),
		STORY(quotas_of_source_and_realm_are_486),
		STORY(a_users_bandwidth_is_for_all_its_allocations),
		STORY(all_allocations_together_are_508),
		STORY(others_are_sent_elsewhere_with_300),
		STORY(mobility_must_be_allowed_and_asked_for_without_a_ticket),
		STORY(it_ends_in_time_and_leaves_nothing),
		STORY(a_connection_that_ends_takes_its_allocation_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
