/* How DTLS clients get in: OpenSSL's client over a network that may lose, double or hold back. */
#include "dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include "dtls_net.h"

static void a_client_connects_and_is_echoed(void **state)
{
	static const unsigned char offer[] = "\x12stun.nat-discovery";
	const unsigned char *chosen;
	unsigned int len;
	struct net n;

	net_open(&n);
	SSL_set_alpn_protos(n.client.ssl, offer, sizeof(offer) - 1);
	assert_true(net_connect(&n));
	net_echo(&n, "hello");
	assert_true(addr_equal(dtls_peer(n.session), &n.client.at));
	assert_true(addr_equal(dtls_local(n.session), &net_server_at));
	SSL_get0_alpn_selected(n.client.ssl, &chosen, &len);
	assert_int_equal(len, sizeof(offer) - 2);
	assert_int_equal(SSL_version(n.client.ssl), DTLS1_2_VERSION);
	assert_int_equal(dtls_stats(n.server)->cookies_sent, 1);
	assert_int_equal(dtls_stats(n.server)->established, 1);
	assert_int_equal(dtls_stats(n.server)->half_open, 0);
	dtls_set_user(n.session, &n);
	assert_ptr_equal(dtls_user(n.session), &n);
	net_close(&n);
	assert_int_equal(n.ends, 1);
	assert_int_equal(n.last_end, DTLS_END_SELF);
}

static void only_unknown_protocols_are_refused(void **state)
{
	struct net n;

	net_open(&n);
	SSL_set_alpn_protos(n.client.ssl, (const unsigned char *)"\x02h2", 3);
	assert_false(net_connect(&n));
	assert_true(n.client.failed);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	assert_int_equal(n.last_end, DTLS_END_HANDSHAKE);
	net_close(&n);
}

static void flights_fit_the_mtu(void **state)
{
	struct net n;

	net_open_with(&n, (struct dtls_limits){ .mtu = NET_MTU_SMALL }, NET_MTU);
	net_client_step(&n.client);
	while (net_deliver(&n, NET_TO_SERVER) || net_deliver(&n, NET_TO_CLIENT)) {
		for (int i = n.head[NET_TO_CLIENT]; i < n.tail[NET_TO_CLIENT]; i++)
			assert_true(n.queue[NET_TO_CLIENT][i % NET_QUEUE_MAX].len <= NET_MTU_SMALL);
	}
	assert_true(n.client.connected);
	assert_true(n.tail[NET_TO_CLIENT] >= 5); /* the certificate came in parts */
	net_echo(&n, "small");
	net_close(&n);
}

enum fate { LOST, DOUBLED, HELD_BACK };

/* One handshake in which packet `number` of a direction meets `fate`. */
static void try_fate(enum fate fate, enum net_direction to, int number, uint16_t mtu)
{
	static const char *const names[] = { "lost", "doubled", "held back" };
	struct net n;

	net_open_with(&n, (struct dtls_limits){ .mtu = mtu }, NET_MTU);
	if (fate == LOST)
		n.lose[to] = number;
	else if (fate == DOUBLED)
		n.twice[to] = number;
	else
		n.hold[to] = number;
	if (!net_connect(&n))
		fail_msg("packet %d to the %s, %s, MTU %u: no handshake", number,
			 to == NET_TO_SERVER ? "server" : "client", names[fate], mtu);
	n.lose[to] = n.twice[to] = n.hold[to] = NET_NOBODY;
	net_echo(&n, "made it");
	assert_int_equal(dtls_stats(n.server)->established, 1);
	net_close(&n);
}

static void any_datagram_may_be_lost_doubled_or_late(void **state)
{
	static const uint16_t mtus[] = { NET_MTU, NET_MTU_SMALL };

	for (size_t m = 0; m < ARRAY_LEN(mtus); m++) {
		struct net n;

		net_open_with(&n, (struct dtls_limits){ .mtu = mtus[m] }, NET_MTU);
		assert_true(net_connect(&n));
		for (int to = 0; to < 2; to++) {
			for (int i = 0; i < n.tail[to]; i++) {
				try_fate(LOST, (enum net_direction)to, i, mtus[m]);
				try_fate(DOUBLED, (enum net_direction)to, i, mtus[m]);
				try_fate(HELD_BACK, (enum net_direction)to, i, mtus[m]);
			}
		}
		net_close(&n);
	}
}

static void everything_may_come_twice(void **state)
{
	struct net n;

	net_open_with(&n, (struct dtls_limits){ .mtu = NET_MTU_SMALL }, NET_MTU);
	n.all_twice = true;
	assert_true(net_connect(&n));
	net_echo(&n, "twice");
	assert_int_equal(dtls_stats(n.server)->established, 1);
	net_close(&n);
}

static void a_silent_client_is_tried_again_and_given_up(void **state)
{
	struct net n;
	uint64_t began;
	int sent;

	net_open(&n);
	net_client_step(&n.client);
	net_deliver(&n, NET_TO_SERVER);
	net_deliver(&n, NET_TO_CLIENT);
	net_deliver(&n,
		    NET_TO_SERVER); /* with the cookie: now the server speaks and hears nothing */
	assert_int_equal(dtls_stats(n.server)->half_open, 1);
	sent = n.tail[NET_TO_CLIENT];
	began = net_now_us;
	while (dtls_stats(n.server)->sessions > 0) {
		assert_true(dtls_next_deadline_us(n.server) != DTLS_NEVER);
		net_now_us = dtls_next_deadline_us(n.server);
		dtls_on_time(n.server, net_now_us);
		n.head[NET_TO_CLIENT] = n.tail[NET_TO_CLIENT];
	}
	assert_true(n.tail[NET_TO_CLIENT] >= 4 * sent - 4); /* after 1, 3, 7, 15 s */
	assert_int_equal((net_now_us - began) / SECOND_US, 30);
	assert_int_equal(n.last_end, DTLS_END_HANDSHAKE);
	assert_true(dtls_next_deadline_us(n.server) == DTLS_NEVER);
	net_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_connects_and_is_echoed),
		cmocka_unit_test(only_unknown_protocols_are_refused),
		cmocka_unit_test(flights_fit_the_mtu),
		cmocka_unit_test(any_datagram_may_be_lost_doubled_or_late),
		cmocka_unit_test(everything_may_come_twice),
		cmocka_unit_test(a_silent_client_is_tried_again_and_given_up),
	};

	return cmocka_run_group_tests(tests, net_set_up, net_tear_down);
}
