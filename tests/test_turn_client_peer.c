/* Permissions, channels, data and TCP links of the TURN client. */
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

static struct addr peer_addr(int i)
{
	return addr_ipv4(91, 80, 2, (uint8_t)(i + 1), 7000);
}

static int add(int i, bool channel)
{
	struct addr a = peer_addr(i);

	return turn_client_add_peer(f.client, &a, channel, f.now_us);
}

static void got(const char *text, int peer)
{
	assert_int_equal(f.got, TURN_CLIENT_DATA);
	assert_int_equal(f.got_data.peer, peer);
	assert_true(bytes_equal(f.got_data.data, bytes_of_str(text)));
}

static void data_goes_both_ways_as_indication(void **state)
{
	struct addr a = peer_addr(0), stranger = peer_addr(9);

	start_and_run(FAKE_SECOND);
	assert_int_equal(add(0, false), 0);
	assert_int_equal(fake_send(&f, 0, BYTES("early"), false), TURN_CLIENT_NOT_PERMITTED);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 1);
	assert_int_equal(fake_send(&f, 0, BYTES("hello"), true), TURN_CLIENT_FRAMED);
	fake_peer_sends(&f, &a, BYTES("back"));
	fake_run(&f, FAKE_SECOND);
	assert_true(bytes_equal(f.last_data, BYTES("hello")));
	assert_true(f.last_df && !f.last_by_channel);
	got("back", 0);
	a.port++; /* a permission is for all ports */
	fake_peer_sends(&f, &a, BYTES("other"));
	fake_run(&f, FAKE_SECOND);
	got("other", 0);
	assert_int_equal(f.got_data.from.port, a.port);

	fake_peer_sends(&f, &stranger, BYTES("psst"));
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.got_count, 2);
	assert_int_equal(fake_send(&f, 1, BYTES("x"), false), TURN_CLIENT_NO_PEER);
	assert_int_equal(fake_send(&f, -1, BYTES("x"), false), TURN_CLIENT_NO_PEER);
	assert_int_equal(fake_send(&f, 64, BYTES("x"), false), TURN_CLIENT_NO_PEER);
}

static void data_goes_both_ways_by_channel(void **state)
{
	struct addr a = peer_addr(0);

	start_and_run(FAKE_SECOND);
	assert_int_equal(add(0, true), 0);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_CHANNEL_BOUND], 1);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 1);
	assert_int_equal(f.requests[TURN_CREATE_PERMISSION], 0);
	assert_int_equal(fake_send(&f, 0, BYTES("hello"), false), TURN_CLIENT_FRAMED);
	fake_peer_sends(&f, &a, BYTES("back"));
	fake_run(&f, FAKE_SECOND);
	assert_true(f.last_by_channel);
	got("back", 0);
	fake_peer_sends(&f, &a, BYTES(""));
	fake_run(&f, FAKE_SECOND);
	got("", 0);
	assert_int_equal(fake_send(&f, 0, BYTES("x"), true), TURN_CLIENT_FRAMED);
	fake_run(&f, FAKE_SECOND);
	assert_true(!f.last_by_channel && f.last_df);
}

static void what_does_not_fit_is_not_sent(void **state)
{
	static uint8_t big[65508], out[65600];
	struct bytes framed;

	start_and_run(FAKE_SECOND);
	(void)add(0, true);
	(void)add(1, false);
	fake_run(&f, FAKE_SECOND);
	for (int peer = 0; peer < 2; peer++) {
		assert_int_equal(turn_client_send(f.client, peer, bytes_of(big, 65508), false,
						  f.now_us, out, sizeof(out), &framed),
				 TURN_CLIENT_TOO_LONG);
		assert_int_equal(turn_client_send(f.client, peer, bytes_of(big, 65507), false,
						  f.now_us, out, 65507 + 64, &framed),
				 TURN_CLIENT_FRAMED);
		assert_int_equal(turn_client_send(f.client, peer, bytes_of(big, 100), false,
						  f.now_us, out, 100, &framed),
				 TURN_CLIENT_TOO_LONG);
	}
}

static void sixty_four_peers_live_for_an_hour(void **state)
{
	fake_start(&f);
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++)
		assert_int_equal(add(i, i % 2 == 0), i);
	assert_int_equal(add(64, false), -1);
	fake_run(&f, 5 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 64);
	assert_int_equal(f.told[TURN_CLIENT_CHANNEL_BOUND], 32);
	assert_in_range(f.requests[TURN_CREATE_PERMISSION], 2, 6);
	for (int minute = 0; minute < 60; minute++) {
		fake_run(&f, 60 * FAKE_SECOND);
		for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++)
			assert_int_equal(fake_send(&f, i, BYTES("x"), false), TURN_CLIENT_FRAMED);
	}
	assert_int_equal(f.lapses, 0);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 64);
}

static void peers_of_one_address_share_a_permission(void **state)
{
	struct addr a = peer_addr(0);

	fake_start(&f);
	for (int i = 0; i < 20; i++) {
		a.port = (uint16_t)(7000 + i);
		assert_int_equal(turn_client_add_peer(f.client, &a, false, f.now_us), i);
	}
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 20);
	assert_int_equal(f.requests[TURN_CREATE_PERMISSION], 1);
	fake_peer_sends(&f, &a, BYTES("me"));
	fake_run(&f, FAKE_SECOND);
	got("me", 19);
}

static void one_forbidden_peer_does_not_harm_the_others(void **state)
{
	fake_start(&f);
	f.refused_peer = 4;
	for (int i = 0; i < 8; i++)
		(void)add(i, i == 7);
	fake_run(&f, 5 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 7);
	assert_int_equal(f.told[TURN_CLIENT_PERMISSION_REFUSED], 1);
	assert_int_equal(f.failure.code, 403);
	assert_int_equal(fake_send(&f, 3, BYTES("x"), false), TURN_CLIENT_NOT_PERMITTED);
}

static void without_a_channel_indications_are_used(void **state)
{
	fake_start(&f);
	f.error[TURN_CHANNEL_BIND] = 508;
	f.errors[TURN_CHANNEL_BIND] = -1;
	(void)add(0, true);
	fake_run(&f, 5 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_CHANNEL_REFUSED], 1);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 1);
	assert_int_equal(f.requests[TURN_CHANNEL_BIND], 1);
	assert_int_equal(fake_send(&f, 0, BYTES("x"), false), TURN_CLIENT_FRAMED);
	fake_run(&f, FAKE_SECOND);
	assert_false(f.last_by_channel);
}

static void a_silent_server_is_asked_again(void **state)
{
	start_and_run(FAKE_SECOND);
	f.dead = true;
	(void)add(0, false);
	(void)add(1, true);
	fake_run(&f, 45 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PERMISSION_REFUSED], 1);
	assert_int_equal(f.told[TURN_CLIENT_CHANNEL_REFUSED], 1);
	assert_int_equal(f.failure.cause, TURN_CLIENT_TIMEOUT);
	f.dead = false;
	fake_run(&f, 60 * FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PERMITTED], 2);
	assert_int_equal(f.told[TURN_CLIENT_CHANNEL_BOUND], 1);
}

static void a_channel_number_rests_before_it_names_another(void **state)
{
	start_and_run(FAKE_SECOND);
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++)
		assert_int_equal(add(i, i == 5), i);
	fake_run(&f, FAKE_SECOND);
	turn_client_remove_peer(f.client, 5, f.now_us);
	turn_client_remove_peer(f.client, 6, f.now_us);
	turn_client_remove_peer(f.client, 6, f.now_us);
	turn_client_remove_peer(f.client, -1, f.now_us);
	assert_int_equal(add(70, true), 6);
	assert_int_equal(add(71, true), -1);
	assert_int_equal(add(5, true), 5); /* its own */
	turn_client_remove_peer(f.client, 5, f.now_us);
	fake_run(&f, 899 * FAKE_SECOND);
	assert_int_equal(add(71, true), -1);
	fake_run(&f, 60 * FAKE_SECOND);
	assert_int_equal(add(71, false), 5);
}

static void icmp_is_reported(void **state)
{
	static const uint8_t random[12] = { 1 };
	struct stun_tid tid = stun_tid_make(random);
	struct stun_icmp icmp = { 3, 3, 0 };
	struct addr a = peer_addr(0);
	uint8_t buf[200];
	struct stun_builder b = stun_build(buf, sizeof(buf), TURN_DATA, STUN_INDICATION, &tid);
	struct bytes out;

	start_and_run(FAKE_SECOND);
	(void)add(0, false);
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, &a);
	(void)stun_attr_put_icmp(&b, &icmp);
	assert_int_equal(stun_build_finish(&b, &out), STUN_OK);
	fake_inject(&f, out);
	assert_int_equal(f.got_count, 0); /* no permission yet */
	fake_run(&f, FAKE_SECOND);
	fake_inject(&f, out);
	assert_int_equal(f.got, TURN_CLIENT_ICMP);
	assert_int_equal(f.got_data.icmp.type, 3);
	assert_int_equal(f.got_data.icmp.code, 3);
}

static void start_tcp(void)
{
	f.config.reliable = true;
	f.config.options.tcp = true;
	start_and_run(FAKE_SECOND);
}

static void a_link_to_a_peer_opens(void **state)
{
	struct addr a = peer_addr(0);

	start_tcp();
	assert_int_equal(turn_client_connect(f.client, &a, f.now_us), 0);
	assert_int_equal(turn_client_connect(f.client, &a, f.now_us), -1); /* one at a time */
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_LINKED], 1);
	assert_true(addr_equal(&f.last.addr, &a));
	assert_int_equal(f.requests[TURN_CONNECTION_BIND], 2);
	(void)add(0, false); /* the nonce of the link has not replaced our own */
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.requests[TURN_CREATE_PERMISSION], 1);
	turn_client_hang_up(f.client, 0);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.links_closed, 1);
	assert_int_equal(turn_client_connect(f.client, &a, f.now_us), 0);
	fake_run(&f, FAKE_SECOND);
	turn_client_on_link_closed(f.client, 0);
	turn_client_on_link_closed(f.client, 0);
	assert_int_equal(f.told[TURN_CLIENT_LINK_FAILED], 0);
	for (int i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		a = peer_addr(i);
		assert_int_equal(turn_client_connect(f.client, &a, f.now_us), i);
	}
	a = peer_addr(99);
	assert_int_equal(turn_client_connect(f.client, &a, f.now_us), -1);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_LINKED], 2 + TURN_CLIENT_LINKS_MAX);
	turn_client_close(f.client, f.now_us);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.links_closed, 1 + TURN_CLIENT_LINKS_MAX);
}

static void a_link_that_fails_says_why(void **state)
{
	struct addr a = peer_addr(0);

	start_tcp();
	f.error[TURN_CONNECT] = 447;
	f.errors[TURN_CONNECT] = 1;
	(void)turn_client_connect(f.client, &a, f.now_us);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_LINK_FAILED], 1);
	assert_int_equal(f.failure.code, 447);
	assert_int_equal(f.links_opened, 0);

	f.error[TURN_CONNECTION_BIND] = 403;
	f.errors[TURN_CONNECTION_BIND] = 1;
	assert_int_equal(turn_client_connect(f.client, &a, f.now_us), 0);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_LINK_FAILED], 2);
	assert_int_equal(f.links_closed, 1);
}

static void a_peer_calls(void **state)
{
	struct addr a = peer_addr(0), stranger = peer_addr(3);

	start_tcp();
	(void)add(0, true);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.requests[TURN_CHANNEL_BIND], 0); /* there are none with TCP */
	fake_peer_calls(&f, &stranger, 8);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PEER_CALLS], 0);
	fake_peer_calls(&f, &a, 9);
	fake_peer_calls(&f, &a, 9);
	fake_run(&f, FAKE_SECOND);
	assert_int_equal(f.told[TURN_CLIENT_PEER_CALLS], 1);
	assert_int_equal(f.told[TURN_CLIENT_LINKED], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(data_goes_both_ways_as_indication),
		TEST(data_goes_both_ways_by_channel),
		TEST(what_does_not_fit_is_not_sent),
		TEST(sixty_four_peers_live_for_an_hour),
		TEST(peers_of_one_address_share_a_permission),
		TEST(one_forbidden_peer_does_not_harm_the_others),
		TEST(without_a_channel_indications_are_used),
		TEST(a_silent_server_is_asked_again),
		TEST(a_channel_number_rests_before_it_names_another),
		TEST(icmp_is_reported),
		TEST(a_link_to_a_peer_opens),
		TEST(a_link_that_fails_says_why),
		TEST(a_peer_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
