/* The life of an allocation: made, kept, moved, lost, ended; and each error a server answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turn_fake.h"

static struct fake f;

static int setup(void **state)
{
	fake_init(&f);
	return 0;
}

static int teardown(void **state)
{
	fake_end(&f);
	return 0;
}

static void start_and_run(uint64_t for_us)
{
	fake_start(&f);
	fake_run(&f, for_us);
}

static void an_allocation_is_made_kept_and_deleted(void **state)
{
	struct addr relayed = addr_ipv4(91, 80, 1, 1, 50000);
	struct addr mapped = addr_ipv4(84, 20, 3, 9, 4444);

	start_and_run(FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 1);
	assert_true(addr_equal(&f.allocated.relayed[0], &relayed));
	assert_int_equal(f.allocated.relayed[1].family, ADDR_NONE);
	assert_true(addr_equal(&f.allocated.mapped, &mapped));
	assert_int_equal(f.allocated.lifetime_s, 600);
	assert_int_equal(f.allocated.rtt_us, 2 * FAKE_DELAY_US);
	assert_int_equal(f.requests[TURN_ALLOCATE], 2);

	fake_run(&f, 3600 * FAKE_SECOND);
	assert_true(f.exists && f.expires_us > f.now_us + 290 * FAKE_SECOND);
	assert_in_range(f.requests[TURN_REFRESH], 3600 / 300, 3600 / 210 + 1);
	assert_int_equal(f.told[TURN_CLIENT_REFRESHED], f.requests[TURN_REFRESH]);

	turn_client_close(f.client, f.now_us);
	fake_run(&f, FAKE_SECOND);
	assert_true(f.done);
	assert_false(f.exists);
	assert_int_equal(f.told[TURN_CLIENT_FAILED], 0);
}

static void what_is_asked_for_is_said(void **state)
{
	f.config.options = (struct turn_client_options){ .lifetime_s = 1200,
							 .families = TURN_CLIENT_FAMILY_BOTH,
							 .even_port = TURN_CLIENT_PORT_EVEN,
							 .dont_fragment = true,
							 .mobile = true };
	start_and_run(FAKE_SECOND);
	assert_int_equal(f.allocated.relayed[1].family, ADDR_IPV6);
	assert_true(f.allocated.has_reservation);
	assert_memory_equal(f.allocated.reservation, "12345678", 8);
	assert_true(f.allocated.dont_fragment);
	assert_true(f.allocated.mobile);
	assert_int_equal(f.allocated.other_refused, 0);
}

static void half_of_two_families_is_told(void **state)
{
	f.config.options.families = TURN_CLIENT_FAMILY_BOTH;
	f.no_second_family = true;
	start_and_run(FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 1);
	assert_int_equal(f.allocated.other_refused, 440);
}

static void the_wrong_family_is_given_back(void **state)
{
	f.config.options.families = TURN_CLIENT_FAMILY_IPV6;
	start_and_run(5 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 0);
	assert_int_equal(f.failure.cause, TURN_CLIENT_PROTOCOL);
	assert_true(f.done);
	assert_false(f.exists);
}

static void an_answer_without_address_fails(void **state)
{
	f.gives_no_address = true;
	start_and_run(5 * FAKE_SECOND);
	assert_int_equal(f.failure.cause, TURN_CLIENT_PROTOCOL);
	assert_true(f.done);
}

static void every_error_code_is_reported(void **state)
{
	static const uint16_t codes[] = {
		403, 405, 420, 440, 441, 442, 443, 486, 499, 500, 508, 699
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		fake_init(&f);
		f.error[TURN_ALLOCATE] = codes[i];
		f.errors[TURN_ALLOCATE] = -1;
		start_and_run(60 * FAKE_SECOND);
		if (!f.done || f.told[TURN_CLIENT_FAILED] != 1 ||
		    f.failure.cause != TURN_CLIENT_REFUSED || f.failure.code != codes[i] ||
		    strcmp(f.failure.reason, "no") != 0)
			fail_msg("%u: cause %u, code %u", codes[i], f.failure.cause,
				 f.failure.code);
		fake_end(&f);
	}
}

static void nobody_answers(void **state)
{
	f.dead = true;
	start_and_run(39 * FAKE_SECOND);
	assert_false(f.done);
	fake_run(&f, FAKE_SECOND);
	assert_true(f.done);
	assert_int_equal(f.failure.cause, TURN_CLIENT_TIMEOUT);
}

static void a_client_does_without_what_the_server_does_not_know(void **state)
{
	f.config.options.dont_fragment = f.config.options.mobile = true;
	f.knows_no_df = true;
	f.error[TURN_ALLOCATE] = 405;
	f.errors[TURN_ALLOCATE] = 1;
	start_and_run(FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 1);
	assert_false(f.allocated.dont_fragment);
	assert_false(f.allocated.mobile);
	assert_false(turn_client_move(f.client, f.now_us));
}

static void three_local_addresses_are_tried_against_437(void **state)
{
	f.error[TURN_ALLOCATE] = 437;
	f.errors[TURN_ALLOCATE] = 2;
	start_and_run(FAKE_SECOND);
	assert_int_equal(f.reconnects, 2);
	assert_true(addr_equal(&f.reconnected_to, &f.config.server));
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 1);
	fake_end(&f);

	fake_init(&f);
	f.error[TURN_ALLOCATE] = 437;
	f.errors[TURN_ALLOCATE] = -1;
	start_and_run(FAKE_SECOND);
	assert_int_equal(f.reconnects, 2);
	assert_int_equal(f.failure.code, 437);
	assert_true(f.done);
}

static void an_alternate_server_is_followed(void **state)
{
	f.config.secure = true;
	f.error[TURN_ALLOCATE] = 300;
	f.errors[TURN_ALLOCATE] = 1;
	f.alternate = addr_ipv4(91, 80, 7, 7, 3478);
	f.domain = "turn2.example.org";
	start_and_run(FAKE_SECOND);
	assert_int_equal(f.reconnects, 1);
	assert_true(addr_equal(&f.reconnected_to, &f.alternate));
	assert_string_equal(f.reconnect_domain, "turn2.example.org");
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 1);
}

static void some_alternate_servers_are_not_followed(void **state)
{
	static const struct {
		const char *why, *addr;
	} cases[] = {
		{ "itself", "84.20.3.1:3478" },
		{ "private", "10.0.0.1:3478" },
		{ "shared", "100.64.0.1:3478" },
		{ "loopback", "127.0.0.1:3478" },
		{ "link-local", "169.254.169.254:80" },
		{ "multicast", "224.0.0.1:3478" },
		{ "broadcast", "255.255.255.255:3478" },
		{ "any", "0.0.0.0:3478" },
		{ "port 0", "91.80.7.7:0" },
		{ "another family", "[2001:4860::1]:3478" },
		{ "documentation", "192.0.2.1:3478" },
		{ "0.0.0.0/8", "0.1.2.3:3478" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_init(&f);
		f.error[TURN_ALLOCATE] = 300;
		f.errors[TURN_ALLOCATE] = -1;
		assert_true(addr_parse(cases[i].addr, 0, &f.alternate));
		start_and_run(FAKE_SECOND);
		if (f.reconnects != 0 || f.failure.cause != TURN_CLIENT_REDIRECT)
			fail_msg("%s: followed", cases[i].why);
		fake_end(&f);
	}
}

static void a_disguised_private_address_is_not_followed(void **state)
{
	static const char *const addrs[] = {
		"[::ffff:10.0.0.1]:3478", "[2002:a00:1::1]:3478", "[64:ff9b::a00:1]:3478",
		"[fc00::1]:3478",         "[fe80::1]:3478",       "[::1]:3478",
	};

	for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
		fake_init(&f);
		assert_true(addr_parse("[2a01:4f8::1]:3478", 0, &f.config.server));
		f.only_alternate = true;
		f.error[TURN_ALLOCATE] = 300;
		f.errors[TURN_ALLOCATE] = -1;
		assert_true(addr_parse(addrs[i], 0, &f.alternate));
		start_and_run(FAKE_SECOND);
		if (f.reconnects != 0 || f.failure.cause != TURN_CLIENT_REDIRECT)
			fail_msg("%s: followed", addrs[i]);
		fake_end(&f);
	}
}

static void redirects_do_not_go_in_circles(void **state)
{
	f.error[TURN_ALLOCATE] = 300;
	f.errors[TURN_ALLOCATE] = -1;
	f.alternate = addr_ipv4(91, 80, 7, 7, 3478);
	start_and_run(FAKE_SECOND);
	/* The second one sends us to itself. */
	assert_int_equal(f.reconnects, 1);
	assert_int_equal(f.failure.cause, TURN_CLIENT_REDIRECT);
	fake_end(&f);

	fake_init(&f);
	f.error[TURN_ALLOCATE] = 300;
	f.errors[TURN_ALLOCATE] = -1;
	f.alternate = addr_ipv4(91, 80, 7, 0, 3478);
	fake_start(&f);
	for (int i = 0; i < 1000 && !f.done; i++) {
		f.alternate.ip[3] = (uint8_t)(f.reconnects + 1);
		fake_run(&f, FAKE_DELAY_US);
	}
	assert_true(f.done);
	assert_int_equal(f.reconnects, 5);
}

static void a_lost_allocation_is_made_anew(void **state)
{
	struct addr peer = addr_ipv4(91, 80, 2, 2, 7000);

	start_and_run(FAKE_SECOND);
	assert_int_equal(turn_client_add_peer(f.client, &peer, false, f.now_us), 0);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 1);
	f.exists = false; /* it was restarted */
	fake_run(&f, 310 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_LOST], 1);
	assert_int_equal(f.told[TURN_CLIENT_ALLOCATED], 2);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 2);
	assert_true(f.exists);
}

static void a_server_that_forgets_always_is_left(void **state)
{
	f.error[TURN_REFRESH] = 437;
	f.errors[TURN_REFRESH] = -1;
	start_and_run(7200 * FAKE_SECOND);
	assert_true(f.done);
	assert_int_equal(f.told[TURN_CLIENT_LOST], 3);
	assert_int_equal(f.failure.code, 437);
}

static void a_server_in_trouble_is_asked_again_until_it_is_too_late(void **state)
{
	f.error[TURN_REFRESH] = 500;
	f.errors[TURN_REFRESH] = 3;
	start_and_run(1200 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_FAILED], 0);
	assert_true(f.told[TURN_CLIENT_REFRESHED] > 0);
	f.dead = true;
	fake_run(&f, 601 * FAKE_SECOND);
	assert_true(f.done);
	assert_int_equal(f.failure.cause, TURN_CLIENT_EXPIRED);
}

static void a_refused_refresh_ends_it(void **state)
{
	f.error[TURN_REFRESH] = 441;
	f.errors[TURN_REFRESH] = -1;
	start_and_run(600 * FAKE_SECOND);
	assert_true(f.done);
	assert_int_equal(f.failure.code, 441);
}

static void a_client_moves_with_its_ticket(void **state)
{
	struct addr peer = addr_ipv4(91, 80, 2, 2, 7000);

	f.config.options.mobile = true;
	start_and_run(FAKE_SECOND);
	(void)turn_client_add_peer(f.client, &peer, true, f.now_us);
	fake_run(&f, FAKE_DELAY_US / 2); /* what is under way is asked again from the new one */
	f.nonce++;                       /* the old one was bound to the old address */
	assert_true(turn_client_move(f.client, f.now_us));
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_MOVED], 1);
	assert_int_equal(f.tickets, 1);
	assert_int_equal(f.told[TURN_CLIENT_CHANNEL_BOUND], 1);
	assert_true(turn_client_move(f.client, f.now_us));
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_MOVED], 2);
	assert_int_equal(f.requests[TURN_ALLOCATE], 2);
}

static void a_bad_path_delays_but_does_not_break(void **state)
{
	struct addr peer = addr_ipv4(91, 80, 2, 2, 7000);

	for (uint64_t seed = 1; seed <= 20; seed++) {
		fake_init(&f);
		f.rng = seed;
		f.loss = f.duplicate = f.reorder = 20;
		fake_start(&f);
		(void)turn_client_add_peer(f.client, &peer, true, f.now_us);
		fake_run(&f, 60 * FAKE_SECOND);
		for (int minute = 0; minute < 60; minute++) {
			if (minute % 7 == 0)
				f.nonce++;
			fake_run(&f, 60 * FAKE_SECOND);
			(void)fake_send(&f, 0, BYTES("hello"), minute % 2 == 0);
		}
		if (f.done || f.told[TURN_CLIENT_ALLOCATED] != 1 || f.told[TURN_CLIENT_LOST] != 0 ||
		    f.told[TURN_CLIENT_CHANNEL_BOUND] != 1 || f.lapses != 0)
			fail_msg("seed %u", (unsigned int)seed);
		turn_client_close(f.client, f.now_us);
		fake_run(&f, 3 * FAKE_SECOND);
		assert_true(f.done);
		fake_end(&f);
	}
}

static void closing_ends_in_time_whatever_the_server_does(void **state)
{
	start_and_run(FAKE_SECOND);
	f.dead = true;
	turn_client_close(f.client, f.now_us);
	turn_client_close(f.client, f.now_us);
	fake_run(&f, 3 * FAKE_SECOND);
	assert_true(f.done);
	fake_end(&f);

	/* Before anything was asked. */
	fake_init(&f);
	fake_start(&f);
	turn_client_close(f.client, f.now_us);
	fake_run(&f, 0);
	assert_true(f.done);
	assert_int_equal(f.requests[TURN_REFRESH], 0);
	fake_end(&f);

	/* While the Allocate is under way: it may have succeeded. */
	fake_init(&f);
	fake_start(&f);
	fake_run(&f, 3 * FAKE_DELAY_US);
	assert_true(f.exists);
	turn_client_close(f.client, f.now_us);
	fake_run(&f, FAKE_SECOND);
	assert_true(f.done);
	assert_false(f.exists);
}

static void a_broken_connection_is_told(void **state)
{
	f.config.reliable = true;
	start_and_run(FAKE_SECOND);
	turn_client_on_disconnected(f.client, f.now_us);
	fake_run(&f, 0);
	assert_true(f.done);
	assert_int_equal(f.failure.cause, TURN_CLIENT_TRANSPORT);
}

static void contradictions_are_not_configured(void **state)
{
	struct turn_client_config good = f.config, bad;

	assert_null(turn_client_check(&good));
	bad = good;
	bad.options.tcp = true;
	assert_non_null(turn_client_check(&bad));
	bad.reliable = true;
	assert_null(turn_client_check(&bad));
	bad = good;
	bad.server.port = 0;
	assert_non_null(turn_client_check(&bad));
	bad = good;
	bad.options.use_reservation = true;
	assert_null(turn_client_check(&bad));
	bad.options.even_port = TURN_CLIENT_PORT_EVEN;
	assert_non_null(turn_client_check(&bad));
	bad = good;
	bad.credentials.access_token = BYTES("token");
	assert_non_null(turn_client_check(&bad));
	fake_start(&f); /* for teardown */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_allocation_is_made_kept_and_deleted),
		TEST(what_is_asked_for_is_said),
		TEST(half_of_two_families_is_told),
		TEST(the_wrong_family_is_given_back),
		TEST(an_answer_without_address_fails),
		TEST(every_error_code_is_reported),
		TEST(nobody_answers),
		TEST(a_client_does_without_what_the_server_does_not_know),
		TEST(three_local_addresses_are_tried_against_437),
		TEST(an_alternate_server_is_followed),
		TEST(some_alternate_servers_are_not_followed),
		TEST(a_disguised_private_address_is_not_followed),
		TEST(redirects_do_not_go_in_circles),
		TEST(a_lost_allocation_is_made_anew),
		TEST(a_server_that_forgets_always_is_left),
		TEST(a_server_in_trouble_is_asked_again_until_it_is_too_late),
		TEST(a_refused_refresh_ends_it),
		TEST(a_client_moves_with_its_ticket),
		TEST(a_bad_path_delays_but_does_not_break),
		TEST(closing_ends_in_time_whatever_the_server_does),
		TEST(a_broken_connection_is_told),
		TEST(contradictions_are_not_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
