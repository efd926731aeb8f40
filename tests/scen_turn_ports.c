/* Stories of relay ports: one of a pair, reserved for a token, taken by others, or all in use. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_one.h"

static const struct story_allocate pair = { .even_port = true, .reserve = true };

static void an_even_port_is_even(void **state)
{
	rig_start(&r);
	for (int i = 0; i < 20; i++, story_go(&c, 1)) {
		assert_int_equal(one_allocate((struct story_allocate){ .even_port = true }), 0);
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
	assert_int_equal(one_allocate(pair), 0);
	assert_int_equal(c.relayed[0].port % 2, 0);
	port = c.relayed[0].port;
	assert_true(story_token(&r, &token));
	rig_pass(&r, PORTS_RESERVED_MS - 1);
	story_go(&c, 1);
	c.user = BYTES("bob"); /* reservations are for whoever has the token */
	c.password = BYTES("swordfish");
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(one_allocate((struct story_allocate){ .token = &token }), 0);
	assert_int_equal(c.relayed[0].port, port + 1);
	/* It is good once. */
	story_go(&c, 1);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(one_allocate((struct story_allocate){ .token = &token }), 508);
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
	assert_int_equal(one_allocate(pair), 0);
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
	assert_int_equal(one_allocate((struct story_allocate){ .token = &token }), 0);
	assert_int_equal(c.relayed[0].port, port + 1);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(r.open, 1);
	assert_int_equal(r.opened, 2);
}

static void a_reserved_port_is_closed_after_30_s(void **state)
{
	rig_start(&r);
	assert_int_equal(one_allocate(pair), 0);
	assert_int_equal(rig_refresh(&c, 0), 0);
	rig_pass(&r, PORTS_RESERVED_MS - 1);
	assert_int_equal(r.reserved, 1);
	assert_int_equal(turnd_on_time(r.worker[0].turnd, &r.now), r.now.us + 1000);
	rig_pass(&r, 1);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(one_ports_free(0), 100);
}

static void a_reserved_port_is_closed_at_the_end(void **state)
{
	rig_start(&r);
	assert_int_equal(one_allocate(pair), 0);
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
	assert_int_equal(one_allocate(pair), 0);
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
	assert_int_equal(one_allocate((struct story_allocate){ .token = &token }), 0);
	assert_int_equal(rig_permit(&c, &peer), 0);
	end = rig_end_of(&r, &relay);
	assert_int_equal(rig_from_peer(&r, end, &peer, BYTES("in")), TURND_TO_CLIENT);
	story_go(&c, -1);
	assert_int_equal(rig_send(&c, &relay, BYTES("out")), TURND_TO_PEER);
}

static void expect_no_pair(void)
{
	assert_int_equal(one_allocate(pair), 508);
	assert_int_equal(r.open, 0);
	assert_int_equal(r.reserved, 0);
	assert_int_equal(quota_alive(r.shared.quota), 0);
	assert_int_equal(one_ports_free(0), 100);
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
	assert_int_equal(one_allocate(pair), 0);
	assert_int_equal(c.relayed[0].port, 50020);
	assert_int_equal(r.open, 1);
	assert_int_equal(r.reserved, 1);
	assert_int_equal(one_ports_free(0), 30);
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
	assert_int_equal(one_allocate(pair), 0);
	assert_true(story_token(&r, &late));
	story_go(&c, 1);
	assert_int_equal(one_allocate(pair), 0);
	assert_true(story_token(&r, &token));
	assert_int_equal(ports_count_free(r.ports[0]), before - 4);
	story_go(&c, 1);
	assert_int_equal(rig_challenge(&c), 401);
	rig_pass(&r, 29999);
	assert_int_equal(one_allocate((struct story_allocate){ .token = &late }), 0);
	assert_int_equal(ports_count_free(r.ports[0]), before - 4);
	rig_pass(&r, 1);
	assert_int_equal(ports_count_free(r.ports[0]), before - 3);
	story_go(&c, 1);
	assert_int_equal(rig_challenge(&c), 401);
	assert_int_equal(one_allocate((struct story_allocate){ .token = &token }), 508);
	token.bytes[0] = 200; /* of a worker that does not exist */
	assert_int_equal(one_allocate((struct story_allocate){ .token = &token }), 508);
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
	assert_int_equal(one_allocate(pair), 508);
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
	assert_int_equal(one_ports_free(0), 99); /* the refused ones are free again */
	story_go(&c, 1);
	r.open_errors = 1000;
	assert_int_equal(one_allocate(pair), 508);
	assert_int_equal(one_ports_free(0), 99);
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
	assert_int_equal(one_ports_free(0), 100);
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

#define STORY(f) cmocka_unit_test_setup_teardown(f, one_begin, one_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
