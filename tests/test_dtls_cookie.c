/* What strangers can reach before they return a cookie (RFC 6347, section 4.2.1). */
#include "dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "dtls_net.h"

static size_t openssl_allocations;

static void *counted_malloc(size_t n, const char *file, int line)
{
	openssl_allocations++;
	return malloc(n);
}

static void *counted_realloc(void *p, size_t n, const char *file, int line)
{
	openssl_allocations++;
	return realloc(p, n);
}

static void counted_free(void *p, const char *file, int line)
{
	free(p);
}

static void a_hello_in_fragments_is_dropped(void **state)
{
	char name[250];
	struct net n;

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	net_open_with(&n, (struct dtls_limits){ 0 }, NET_MTU_SMALL);
	SSL_set_tlsext_host_name(n.client.ssl, name);
	assert_false(net_connect(&n));
	assert_true(n.tail[NET_TO_SERVER] >= 2);
	assert_int_equal(n.tail[NET_TO_CLIENT], 0);
	assert_int_equal(dtls_stats(n.server)->dropped, n.tail[NET_TO_SERVER]);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);
}

/* A second ClientHello, with its cookie, which has not been delivered. */
static struct net_packet hello_with_cookie(struct net *n)
{
	net_client_step(&n->client);
	assert_true(net_deliver(n, NET_TO_SERVER));
	assert_true(net_deliver(n, NET_TO_CLIENT));
	assert_int_equal(n->tail[NET_TO_SERVER] - n->head[NET_TO_SERVER], 1);
	return n->queue[NET_TO_SERVER][n->head[NET_TO_SERVER]++ % NET_QUEUE_MAX];
}

static void a_cookie_is_good_for_its_address_only(void **state)
{
	struct addr elsewhere = addr_ipv4(203, 0, 113, 5, 4000), other_port;
	struct net_packet p;
	struct net n;

	net_open(&n);
	p = hello_with_cookie(&n);
	dtls_input(n.server, bytes_of(p.data, p.len), &elsewhere, &net_server_at, net_now_us);
	other_port = addr_with_port(&n.client.at, 4001);
	dtls_input(n.server, bytes_of(p.data, p.len), &other_port, &net_server_at, net_now_us);
	assert_int_equal(dtls_stats(n.server)->cookies_bad, 2);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &net_server_at, net_now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	net_close(&n);
}

static void a_wrong_cookie_starts_nothing(void **state)
{
	struct net_packet p;
	struct net n;

	net_open(&n);
	p = hello_with_cookie(&n);
	for (size_t i = 0; i < 16; i++) {
		size_t id_at = 13 + 12 + 2 + 32; /* after both headers, version, random */
		size_t at = id_at + 1u + p.data[id_at] + 1u + i;

		p.data[at] ^= 0x10;
		dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &net_server_at,
			   net_now_us);
		p.data[at] ^= 0x10;
	}
	assert_int_equal(dtls_stats(n.server)->cookies_bad, 16);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);
}

static void a_cookie_ages(void **state)
{
	struct net_packet p;
	struct net n;

	net_open(&n);
	p = hello_with_cookie(&n);
	net_now_us += 59 * SECOND_US; /* one secret later at most */
	dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &net_server_at, net_now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	net_close(&n);

	net_open(&n);
	p = hello_with_cookie(&n);
	net_now_us += 121 * SECOND_US;
	dtls_input(n.server, bytes_of(p.data, p.len), &n.client.at, &net_server_at, net_now_us);
	assert_int_equal(dtls_stats(n.server)->cookies_bad, 1);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);
}

static void strangers_touch_no_heap(void **state)
{
	struct net_packet p, with_cookie;
	size_t before;
	struct net n;

	net_open(&n);
	with_cookie = hello_with_cookie(&n);
	p = n.last_hello;
	before = openssl_allocations;
	for (uint32_t i = 0; i < 100000; i++) {
		struct addr from =
			addr_ipv4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1);

		dtls_input(n.server, bytes_of(p.data, p.len), &from, &net_server_at, net_now_us);
		if (i % 10 == 0)
			dtls_input(n.server, bytes_of(with_cookie.data, with_cookie.len), &from,
				   &net_server_at, net_now_us);
	}
	assert_int_equal(openssl_allocations, before);
	assert_int_equal(dtls_stats(n.server)->cookies_sent, 1 + 100000 + 10000);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	assert_int_equal(dtls_stats(n.server)->refused, 0);
	assert_true(dtls_next_deadline_us(n.server) == DTLS_NEVER);

	/* And the real client still gets in. */
	net_hand_over(&n, NET_TO_SERVER, &with_cookie);
	net_quiesce(&n);
	assert_true(n.client.connected);
	net_close(&n);
}

static void noise_from_strangers_is_dropped(void **state)
{
	static const struct bytes noise[] = {
		BYTES(""),
		BYTES("\x16"),
		BYTES("\x16\xfe\xfd\0\0\0\0\0\0\0\0\xff\xff"),
		BYTES("\x17\xfe\xfd\0\1\0\0\0\0\0\0\0\4data"),
		BYTES("\x15\xfe\xfd\0\0\0\0\0\0\0\0\0\2\2\x28"),
	};
	struct net n;

	net_open(&n);
	for (size_t i = 0; i < ARRAY_LEN(noise); i++)
		net_to_server(&n, noise[i]);
	assert_int_equal(dtls_stats(n.server)->dropped, ARRAY_LEN(noise));
	assert_int_equal(n.tail[NET_TO_CLIENT], 0);
	net_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_in_fragments_is_dropped),
		cmocka_unit_test(a_cookie_is_good_for_its_address_only),
		cmocka_unit_test(a_wrong_cookie_starts_nothing),
		cmocka_unit_test(a_cookie_ages),
		cmocka_unit_test(strangers_touch_no_heap),
		cmocka_unit_test(noise_from_strangers_is_dropped),
	};

	if (CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, net_set_up, net_tear_down);
}
