/* The life of one DTLS session: forgeries, goodbyes, certificates, ends. */
#include "dtls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "dtls_net.h"
#include "tls.h"

static void the_idle_are_ended_with_a_goodbye(void **state)
{
	struct net n;

	net_open(&n);
	assert_true(net_connect(&n));
	net_echo(&n, "a");
	net_now_us += 50 * SECOND_US;
	dtls_on_time(n.server, net_now_us);
	net_echo(&n, "b"); /* begins the wait anew */
	net_now_us += 59 * SECOND_US;
	dtls_on_time(n.server, net_now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	net_to_server(&n, BYTES("\x17\xfe\xfd\0\1\0\0\0\0\0\x77\0\4junk")); /* proves nothing */
	net_now_us = dtls_next_deadline_us(n.server);
	dtls_on_time(n.server, net_now_us);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	assert_int_equal(n.last_end, DTLS_END_IDLE);
	net_quiesce(&n);
	assert_true(n.client.goodbye);
	net_close(&n);
}

static void goodbyes_work_both_ways(void **state)
{
	struct net n;

	net_open(&n);
	assert_true(net_connect(&n));
	SSL_shutdown(n.client.ssl);
	net_quiesce(&n);
	assert_int_equal(n.last_end, DTLS_END_CLIENT);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);

	net_open(&n);
	assert_true(net_connect(&n));
	n.close_after_answer = true;
	net_say(&n, "last words");
	assert_string_equal(n.client.got, "last words");
	assert_true(n.client.goodbye);
	assert_int_equal(n.last_end, DTLS_END_SELF);
	assert_int_equal(dtls_stats(n.server)->sessions, 0);
	net_close(&n);

	/* From outside a callback. */
	net_open(&n);
	assert_true(net_connect(&n));
	net_echo(&n, "a");
	dtls_close(n.session);
	net_quiesce(&n);
	assert_true(n.client.goodbye);
	net_close(&n);
}

static void forged_records_do_not_hurt(void **state)
{
	uint8_t junk[64] = { 23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 51 };
	struct net n;

	net_open(&n);
	assert_true(net_connect(&n));
	net_to_server(&n, bytes_of(junk, sizeof(junk)));
	junk[0] = 21; /* an alert */
	net_to_server(&n, bytes_of(junk, sizeof(junk)));
	junk[0] = 22;
	net_to_server(&n, bytes_of(junk, sizeof(junk)));
	net_to_server(&n, BYTES("\x15\xfe\xfd\0\0\0\0\0\0\0\x63\0\2\2\x28")); /* plain alert */
	net_to_server(&n, BYTES("\x16\xfe\xfd\0\0\0\0\0\0\0\0\xff\xff"));
	net_to_server(&n, BYTES(""));
	net_echo(&n, "still there");
	net_close(&n);
}

/* Anybody may send one in the client's name; none is as long as a true one. */
static void send_short_records(struct net *n, const char *cipher)
{
	uint8_t junk[13 + 48] = { 0, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 9, 0, 0 };

	for (uint8_t type = 20; type <= 24; type++) {
		for (uint8_t len = 0; len <= 48; len++) {
			junk[0] = type;
			junk[12] = len;
			net_to_server(n, bytes_of(junk, 13u + len));
			if (dtls_stats(n->server)->sessions != 1)
				fail_msg("%s, type %u: %u bytes ended it", cipher, type, len);
		}
	}
}

static void short_records_do_not_hurt(void **state)
{
	static const char *const ciphers[] = { "ECDHE-ECDSA-AES128-GCM-SHA256",
					       "ECDHE-ECDSA-CHACHA20-POLY1305" };

	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++) {
		struct net n;

		net_open(&n);
		assert_int_equal(SSL_set_cipher_list(n.client.ssl, ciphers[i]), 1);
		assert_true(net_connect(&n));
		send_short_records(&n, ciphers[i]);
		net_echo(&n, "still there");
		net_close(&n);
	}
}

static void ciphers_that_a_forgery_ends_are_refused(void **state)
{
	struct net n;

	net_open(&n);
	assert_int_equal(SSL_set_cipher_list(n.client.ssl, "ECDHE-ECDSA-AES128-SHA256"), 1);
	assert_false(net_connect(&n));
	net_close(&n);
}

static void a_client_may_begin_anew_from_its_port(void **state)
{
	struct net n;
	SSL *old;

	net_open(&n);
	assert_true(net_connect(&n));
	net_echo(&n, "first life");
	old = n.client.ssl;
	net_new_client(&n, NET_MTU);
	net_client_step(&n.client);
	net_deliver(&n, NET_TO_SERVER);
	/* Without a cookie the old session is left alone: anybody could have sent that. */
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	assert_int_equal(n.ends, 0);
	assert_true(net_connect(&n));
	net_echo(&n, "second life");
	assert_int_equal(n.ends, 1);
	assert_int_equal(n.last_end, DTLS_END_CLIENT);
	assert_int_equal(dtls_stats(n.server)->sessions, 1);
	SSL_free(old);
	net_close(&n);
}

static void too_long_data_is_not_sent(void **state)
{
	static const uint8_t zeros[NET_MTU];
	struct net n;

	net_open(&n);
	assert_true(net_connect(&n));
	net_echo(&n, "a");
	assert_false(dtls_send(n.session, bytes_of(zeros, sizeof(zeros))));
	assert_false(dtls_send(n.session, BYTES("")));
	assert_true(dtls_send(n.session, bytes_of(zeros, NET_MTU - 100)));
	assert_true(n.queue[NET_TO_CLIENT][(n.tail[NET_TO_CLIENT] - 1) % NET_QUEUE_MAX].len <=
		    NET_MTU);
	net_close(&n);
}

static void relays_send_what_is_longer_than_the_mtu(void **state)
{
	static const uint8_t zeros[NET_MTU + 300];
	int before;
	struct net n;

	net_open_with(&n, (struct dtls_limits){ .data_max = sizeof(zeros) - 1 }, NET_MTU);
	assert_true(net_connect(&n));
	net_echo(&n, "a");
	before = n.tail[NET_TO_CLIENT];
	assert_false(dtls_send(n.session, bytes_of(zeros, sizeof(zeros))));
	assert_true(dtls_send(n.session, bytes_of(zeros, sizeof(zeros) - 1)));
	assert_int_equal(n.tail[NET_TO_CLIENT], before + 1);
	assert_true(n.queue[NET_TO_CLIENT][before % NET_QUEUE_MAX].len > sizeof(zeros));
	net_close(&n);
}

static void a_new_certificate_serves_new_sessions(void **state)
{
	struct net n;
	SSL *old;

	net_open(&n);
	assert_true(net_connect(&n));
	dtls_use_ctx(n.server, net_other_ctx);
	net_echo(&n, "old session");
	old = n.client.ssl;
	net_new_client(&n, NET_MTU);
	n.client.at.port++;
	assert_true(net_connect(&n));
	net_echo(&n, "new session");
	assert_int_not_equal(
		X509_NAME_cmp(X509_get_subject_name(SSL_get0_peer_certificate(old)),
			      X509_get_subject_name(SSL_get0_peer_certificate(n.client.ssl))),
		0);
	SSL_free(old);
	net_close(&n);
}

static void the_server_name_chooses_the_certificate(void **state)
{
	struct tls_name names[] = { { NULL, net_server_ctx, 7 },
				    { "turn.example", net_other_ctx, 8 } };
	X509 *first;
	struct net n;

	assert_true(tls_choose_by_name(net_server_ctx, names, 2));
	net_open(&n);
	assert_true(net_connect(&n));
	net_echo(&n, "no name");
	assert_int_equal(dtls_name_tag(n.session), 7);
	first = SSL_get1_peer_certificate(n.client.ssl);
	SSL_free(n.client.ssl);
	net_new_client(&n, NET_MTU);
	n.client.at.port++;
	SSL_set_tlsext_host_name(n.client.ssl, "turn.example");
	assert_true(net_connect(&n));
	net_echo(&n, "a name");
	assert_int_equal(dtls_name_tag(n.session), 8);
	assert_int_not_equal(X509_cmp(first, SSL_get0_peer_certificate(n.client.ssl)), 0);
	X509_free(first);
	net_close(&n);
}

static void who_is_kept_may_be_silent(void **state)
{
	struct net n;

	net_open(&n);
	assert_true(net_connect(&n));
	net_echo(&n, "a");
	dtls_keep(n.session, true, net_now_us);
	net_now_us += 3600 * SECOND_US;
	dtls_on_time(n.server, net_now_us);
	net_echo(&n, "b");
	dtls_keep(n.session, false, net_now_us);
	net_now_us += 59 * SECOND_US;
	dtls_on_time(n.server, net_now_us);
	assert_int_equal(n.ends, 0);
	net_now_us += SECOND_US;
	dtls_on_time(n.server, net_now_us);
	assert_int_equal(n.last_end, DTLS_END_IDLE);
	net_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_idle_are_ended_with_a_goodbye),
		cmocka_unit_test(goodbyes_work_both_ways),
		cmocka_unit_test(forged_records_do_not_hurt),
		cmocka_unit_test(short_records_do_not_hurt),
		cmocka_unit_test(ciphers_that_a_forgery_ends_are_refused),
		cmocka_unit_test(a_client_may_begin_anew_from_its_port),
		cmocka_unit_test(too_long_data_is_not_sent),
		cmocka_unit_test(relays_send_what_is_longer_than_the_mtu),
		cmocka_unit_test(a_new_certificate_serves_new_sessions),
		cmocka_unit_test(the_server_name_chooses_the_certificate),
		cmocka_unit_test(who_is_kept_may_be_silent),
	};

	return cmocka_run_group_tests(tests, net_set_up, net_tear_down);
}
