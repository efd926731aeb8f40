/* Stories of Allocate: what a client may ask for, and each way in which it is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_story.h"

static struct rig r;
static struct rig_client c;

static int begin(void **state)
{
	rig_init(&r);
	r.snapshot.nonces.life_s = 86400; /* these stories are not about stale nonces */
	rig_client(&c, &r, 1000);
	return 0;
}

static const struct story_allocate pair = { .even_port = true, .reserve = true };

static int end(void **state)
{
	rig_stop(&r);
	return 0;
}

static uint16_t allocate(struct story_allocate how)
{
	return story_allocate(&c, &how);
}

static const struct alloc *only(void)
{
	const struct alloc *a = story_alloc_of(&c);

	assert_non_null(a);
	return a;
}

static size_t ports_free_of(size_t relay)
{
	return ports_count_free(r.ports[relay]);
}

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
	assert_int_equal(allocate(pair), 0);
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
	assert_int_equal(allocate((struct story_allocate){ .no_transport = true }), 400);
	assert_int_equal(allocate((struct story_allocate){ .transport = 6 }), 442);
	assert_int_equal(allocate((struct story_allocate){ .transport = 132 }), 442);
	assert_int_equal(allocate((struct story_allocate){ .transport = 255 }), 442);
	assert_true(c.is_signed);
	assert_int_equal(allocate((struct story_allocate){ .transport = 17 }), 0);
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
	assert_int_equal(allocate((struct story_allocate){ .transport = 6 }), 400); /* over UDP */
	c.tuple.transport = STUN_TCP;
	c.link = &c;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(allocate(bad[i]), 400);
	assert_int_equal(allocate((struct story_allocate){ .transport = 6 }), 0);
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
		assert_int_equal(allocate(bad[i]), 400);
	assert_int_equal(r.opened, 0);
	assert_int_equal(allocate((struct story_allocate){ .dont_fragment = true }), 0);
}

static void families_are_asked_for(void **state)
{
	rig_start(&r);
	assert_int_equal(allocate((struct story_allocate){ .family = 3 }), 440);
	assert_int_equal(allocate((struct story_allocate){ .family = ADDR_IPV6 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV6);
	story_go(&c, 1);
	assert_int_equal(allocate((struct story_allocate){ .family = ADDR_IPV4 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV4);
}

static void families_that_are_not_there_are_440(void **state)
{
	r.relays[0] = r.relays[1]; /* IPv6 only */
	r.snapshot.relay_count = 1;
	rig_start(&r);
	assert_int_equal(rig_allocate(&c), 440); /* nothing asked for means IPv4 */
	assert_int_equal(allocate((struct story_allocate){ .family = ADDR_IPV4 }), 440);
	assert_int_equal(allocate((struct story_allocate){ .family = ADDR_IPV6 }), 0);
}

static void both_families_come_in_one_answer(void **state)
{
	uint8_t family;
	uint16_t code;

	rig_start(&r);
	assert_int_equal(allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 0);
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
	assert_int_equal(allocate((struct story_allocate){ .additional = ADDR_IPV6,
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
	assert_int_equal(allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 0);
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
	assert_int_equal(allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 0);
	assert_int_equal(c.relayed[0].family, ADDR_IPV6);
	assert_true(story_address_error(&r, &family, &code));
	assert_int_equal(family, ADDR_IPV4);
	assert_int_equal(code, 508);
	assert_int_equal(only()->flow.ends[0].relayed.family, ADDR_IPV6);
	story_go(&c, 1);
	r.open_errors = 2;
	assert_int_equal(allocate((struct story_allocate){ .additional = ADDR_IPV6 }), 508);
	assert_int_equal(quota_alive(r.shared.quota), 1);
}

static void an_even_port_is_even(void **state)
{
	rig_start(&r);
	for (int i = 0; i < 20; i++, story_go(&c, 1)) {
		assert_int_equal(allocate((struct story_allocate){ .even_port = true }), 0);
		assert_int_equal(c.relayed[0].port % 2, 0);
		assert_false(rig_find(&r, STUN_ATTR_RESERVATION_TOKEN, &(struct bytes){ 0 }));
	}
}

static bool all_ports(const struct addr *local)
{
	return true;
}

static bool odd_ports(const struct addr *local)
{
	return local->port % 2 != 0;
}

static bool odd_ports_but_one(const struct addr *local)
{
	return odd_ports(local) && local->port != 50021;
}

static void a_reserved_port_is_held_for_its_token(void **state)
{
	struct ports_token token;
	uint16_t port;

	rig_start(&r);
	assert_int_equal(allocate(pair), 0);
	assert_int_equal(c.relayed[0].port % 2, 0);
	port = c.relayed[0].port;
	assert_true(story_token(&r, &token));
	rig_pass(&r, PORTS_RESERVED_MS - 1);
	story_go(&c, 1);
	c.user = BYTES("bob"); /* reservations are for whoever has the token */
	c.password = BYTES("swordfish");
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(allocate((struct story_allocate){ .token = &token }), 0);
	assert_int_equal(c.relayed[0].port, port + 1);
	/* It is good once. */
	story_go(&c, 1);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(allocate((struct story_allocate){ .token = &token }), 508);
}

static struct relay_end *reserved_end(void)
{
	for (size_t i = 0; i < RIG_SOCKETS; i++) {
		struct relay_end *e = r.sockets[i].end;

		if (e != NULL && e->flow == &r.worker[e->worker].turnd->nobody)
			return e;
	}
	return NULL;
}

static void a_reserved_port_has_its_socket_at_once(void **state)
{
	struct ports_token token;
	uint16_t port;

	rig_start(&r);
	assert_int_equal(allocate(pair), 0);
	assert_true(story_token(&r, &token));
	port = c.relayed[0].port;
	assert_int_equal(r.reserved, 1);
	assert_int_equal(reserved_end()->local.port, port + 1);
	assert_int_equal(quota_alive(r.shared.quota), 1);
	assert_int_equal(turnd_count(r.worker[0].turnd), 1);
	/* The allocation may end before; the socket is what the next one gets. */
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(r.reserved, 1);
	assert_int_equal(quota_alive(r.shared.quota), 0);
	r.is_foreign = all_ports;
	story_go(&c, 1);
	assert_int_equal(allocate((struct story_allocate){ .token = &token }), 0);
	assert_int_equal(c.relayed[0].port, port + 1);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(r.open, 1);
	assert_int_equal(r.opened, 2);
}

static void a_reserved_port_is_closed_after_30_s(void **state)
{
	rig_start(&r);
	assert_int_equal(allocate(pair), 0);
	assert_int_equal(rig_refresh(&c, 0), 0);
	rig_pass(&r, PORTS_RESERVED_MS - 1);
	assert_int_equal(r.reserved, 1);
	assert_int_equal(turnd_on_time(r.worker[0].turnd, &r.now), r.now.us + 1000);
	rig_pass(&r, 1);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(ports_free_of(0), 100);
}

static void a_reserved_port_is_closed_at_the_end(void **state)
{
	rig_start(&r);
	assert_int_equal(allocate(pair), 0);
	assert_int_equal(rig_refresh(&c, 0), 0);
	assert_int_equal(r.reserved, 1);
	rig_restart(&r);
	assert_int_equal(r.reserved, 0);
}

static void nothing_comes_through_a_reserved_port(void **state)
{
	struct turnd_icmp icmp = { .peer = story_peer(1, 1), .type = 3, .code = 3 };
	struct addr peer = story_peer(1, 1), relay;
	struct ports_token token;
	struct relay_end *end;

	rig_start(&r);
	assert_int_equal(allocate(pair), 0);
	assert_true(story_token(&r, &token));
	end = reserved_end();
	assert_int_equal(rig_from_peer(&r, end, &peer, BYTES("in")), TURND_NOTHING);
	assert_int_equal(turnd_from_icmp(r.worker[0].turnd, end, &icmp, &r.now, r.buf, &r.out),
			 TURND_NOTHING);
	/* Nor from our own relay: it is no peer of anybody before it is somebody's. */
	relay = addr_with_port(&c.relayed[0], (uint16_t)(c.relayed[0].port + 1));
	assert_int_equal(rig_permit(&c, &relay), 0);
	assert_int_equal(rig_send(&c, &relay, BYTES("out")), TURND_NOTHING);
	assert_int_equal(rig_bind(&c, 0x4000, &relay), 403);
	story_go(&c, 1);
	assert_int_equal(allocate((struct story_allocate){ .token = &token }), 0);
	assert_int_equal(rig_permit(&c, &peer), 0);
	end = rig_end_of(&r, &relay);
	assert_int_equal(rig_from_peer(&r, end, &peer, BYTES("in")), TURND_TO_CLIENT);
	story_go(&c, -1);
	assert_int_equal(rig_send(&c, &relay, BYTES("out")), TURND_TO_PEER);
}

static void expect_no_pair(void)
{
	assert_int_equal(allocate(pair), 508);
	assert_int_equal(r.open, 0);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(quota_alive(r.shared.quota), 0);
	assert_int_equal(ports_free_of(0), 100);
}

static void a_pair_takes_two_ports_that_can_be_had(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_challenge(&c), 401);
	r.is_foreign = odd_ports;
	expect_no_pair();
	assert_int_equal(r.opened, 16); /* it does not try for ever */
}

static void a_pair_is_passed_over_when_one_of_it_is_taken(void **state)
{
	r.low = 50000;
	r.high = 50031; /* as many pairs as it tries */
	r.is_foreign = odd_ports_but_one;
	rig_start(&r);
	assert_int_equal(allocate(pair), 0);
	assert_int_equal(c.relayed[0].port, 50020);
	assert_int_equal(r.open, 1);
	assert_int_equal(r.reserved, 1);
	assert_int_equal(ports_free_of(0), 30);
}

static void a_pair_without_its_second_socket_is_508(void **state)
{
	r.open_error = EMFILE;
	rig_start(&r);
	assert_int_equal(rig_challenge(&c), 401);
	r.open_passes = 1;
	r.open_errors = 2;
	expect_no_pair();
	assert_int_equal(r.open_errors, 1);
	r.open_errors = 0;
}

static void a_token_ends_after_30_s(void **state)
{
	struct ports_token token, late;
	uint32_t before;

	rig_start(&r);
	before = ports_count_free(r.ports[0]);
	assert_int_equal(allocate(pair), 0);
	assert_true(story_token(&r, &late));
	story_go(&c, 1);
	assert_int_equal(allocate(pair), 0);
	assert_true(story_token(&r, &token));
	assert_int_equal(ports_count_free(r.ports[0]), before - 4);
	story_go(&c, 1);
	assert_int_equal(rig_challenge(&c), 401);
	rig_pass(&r, 29999);
	assert_int_equal(allocate((struct story_allocate){ .token = &late }), 0);
	assert_int_equal(ports_count_free(r.ports[0]), before - 4);
	rig_pass(&r, 1);
	assert_int_equal(ports_count_free(r.ports[0]), before - 3);
	story_go(&c, 1);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(allocate((struct story_allocate){ .token = &token }), 508);
	token.bytes[0] = 200; /* of a worker that does not exist */
	assert_int_equal(allocate((struct story_allocate){ .token = &token }), 508);
}

static void a_range_that_is_full_is_508(void **state)
{
	r.low = 50000;
	r.high = 50003;
	rig_start(&r);
	for (int i = 0; i < 4; i++, story_go(&c, 1))
		assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_allocate(&c), 508);
	assert_true(c.is_signed);
	assert_int_equal(quota_alive(r.shared.quota), 4); /* none for the refused one */
	assert_int_equal(allocate(pair), 508);
	story_go(&c, -1);
	assert_int_equal(rig_refresh(&c, 0), 0);
	story_go(&c, 1);
	assert_int_equal(rig_allocate(&c), 0);
}

static void a_port_that_another_program_has_is_passed_over(void **state)
{
	rig_start(&r);
	assert_int_equal(rig_challenge(&c), 401);
	r.open_errors = 10;
	assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(ports_free_of(0), 99); /* the refused ones are free again */
	story_go(&c, 1);
	r.open_errors = 1000;
	assert_int_equal(allocate(pair), 508);
	assert_int_equal(ports_free_of(0), 99);
	assert_int_equal(1000 - r.open_errors, 16); /* it does not try for ever */
	r.open_errors = 0;
}

static void another_error_of_the_system_is_not_tried_again(void **state)
{
	r.open_error = EMFILE;
	rig_start(&r);
	assert_int_equal(rig_challenge(&c), 401);
	r.open_errors = 5;
	assert_int_equal(rig_allocate(&c), 508);
	assert_int_equal(r.open_errors, 4);
	assert_int_equal(ports_free_of(0), 100);
	r.open_errors = 0;
}

static void relay_ports_are_spread_over_the_range(void **state)
{
	unsigned seen[100] = { 0 };
	double chi = 0;

	r.low = 50000;
	r.high = 50099;
	rig_start(&r);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(rig_allocate(&c), 0);
		seen[c.relayed[0].port - r.low]++;
		assert_int_equal(rig_refresh(&c, 0), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		chi += ((double)seen[i] - 200) * ((double)seen[i] - 200) / 200;
	/* 99 degrees of freedom: mean 99, standard deviation 14. */
	assert_true(chi > 40 && chi < 160);
}

static void several_addresses_of_a_family_are_all_used(void **state)
{
	bool seen[2] = { false };

	r.relays[1].local = addr_ipv4(10, 0, 0, 6, 0);
	r.relays[1].seen_as = addr_ipv4(91, 80, 0, 6, 0);
	rig_start(&r);
	for (int i = 0; i < 50; i++, story_go(&c, 1)) {
		assert_int_equal(rig_allocate(&c), 0);
		seen[c.relayed[0].ip[3] - 5] = true;
	}
	assert_true(seen[0] && seen[1]);
	/* Where one is full, the other one serves. */
	for (int i = 0; i < 150; i++, story_go(&c, 1))
		assert_int_equal(rig_allocate(&c), 0);
	assert_int_equal(rig_allocate(&c), 508);
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
		assert_int_equal(allocate((struct story_allocate){ .lifetime_s = cases[i].asked }),
				 0);
		assert_int_equal(c.lifetime_s, cases[i].given);
		assert_int_equal(only()->until_ms - r.now.us / 1000, cases[i].given * 1000);
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
	assert_int_equal(allocate((struct story_allocate){ .mobile = true }), 405);
	r.snapshot.mobility = true;
	assert_int_equal(allocate((struct story_allocate){ .mobile = true }), 0);
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
	assert_int_equal(ports_free_of(0), 100);
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

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

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
		STORY(an_even_port_is_even),
		STORY(a_reserved_port_is_held_for_its_token),
		STORY(a_reserved_port_has_its_socket_at_once),
		STORY(a_reserved_port_is_closed_after_30_s),
		STORY(a_reserved_port_is_closed_at_the_end),
		STORY(nothing_comes_through_a_reserved_port),
		STORY(a_pair_takes_two_ports_that_can_be_had),
		STORY(a_pair_is_passed_over_when_one_of_it_is_taken),
		STORY(a_pair_without_its_second_socket_is_508),
		STORY(a_token_ends_after_30_s),
		STORY(a_range_that_is_full_is_508),
		STORY(a_port_that_another_program_has_is_passed_over),
		STORY(another_error_of_the_system_is_not_tried_again),
		STORY(relay_ports_are_spread_over_the_range),
		STORY(several_addresses_of_a_family_are_all_used),
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
