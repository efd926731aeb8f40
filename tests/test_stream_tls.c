/* TLS beside plain TCP on one port, certificates, and handshakes that fail. */
#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/x509.h>

#include "clock.h"
#include "stream_echo.h"
#include "tls.h"
#include "tls_client.h"

static void tls_and_plain_share_a_port(void **state)
{
	static const unsigned char offer[] = "\x12stun.nat-discovery";
	const unsigned char *chosen;
	struct tls_client c;
	unsigned int len;
	struct echo_server s;
	uint8_t rest[8];
	int fd;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	fd = echo_dial(&s);
	tls_open(&c, &s);
	SSL_set_alpn_protos(c.ssl, offer, sizeof(offer) - 1);
	assert_true(tls_handshake(&c, &s));
	SSL_get0_alpn_selected(c.ssl, &chosen, &len);
	assert_int_equal(len, sizeof(offer) - 2);
	echo_ask(&s, fd, 'a');
	assert_int_equal(s.last_peer.transport, STUN_TCP);
	tls_ask(&c, &s, 'b');
	assert_int_equal(s.last_peer.transport, STUN_TLS);
	tls_ask(&c, &s, 'c');
	echo_ask(&s, fd, 'd');

	/* The server's goodbye is a proper one. */
	tls_ask(&c, &s, 'C');
	assert_int_equal(tls_get(&c, &s, rest, sizeof(rest)), SSL_ERROR_ZERO_RETURN);
	tls_close(&c);
	close(fd);
	echo_close(&s);
}

/* Its goodbye comes along with its question: it is answered, and then let go. */
static void tls_that_sends_no_more_is_still_answered(void **state)
{
	struct echo_request r = echo_request('a');
	uint8_t answer[20], rest[8];
	struct tls_client c;
	struct echo_server s;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	tls_open(&c, &s);
	assert_true(tls_handshake(&c, &s));
	echo_settle(&s);
	assert_int_equal(SSL_write(c.ssl, r.bytes, sizeof(r.bytes)), sizeof(r.bytes));
	assert_int_equal(SSL_shutdown(c.ssl), 0);
	assert_int_equal(tls_get(&c, &s, answer, sizeof(answer)), 0);
	assert_memory_equal(answer, r.bytes, sizeof(answer));
	assert_int_equal(tls_get(&c, &s, rest, sizeof(rest)), SSL_ERROR_ZERO_RETURN);
	assert_int_equal(echo_ended(&s, STREAM_END_CLIENT), 1);
	tls_close(&c);
	echo_close(&s);
}

static void tls_carries_many_answers_under_pressure(void **state)
{
	enum { MANY = 400 };
	static uint8_t in[1000];
	struct stream_limits limits = { .max_output = 4096, .frame_ms = HOUR_MS };
	struct echo_request r = echo_request('m');
	struct tls_client c;
	struct echo_server s;

	echo_open(&s, limits, (struct stream_listen_options){ 0 });
	s.answer_len = sizeof(in);
	tls_open(&c, &s);
	assert_true(tls_handshake(&c, &s));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(SSL_write(c.ssl, r.bytes, sizeof(r.bytes)), sizeof(r.bytes));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(tls_get(&c, &s, in, sizeof(in)), 0);
	assert_int_equal(s.frames, MANY);
	assert_true(s.all_sent);
	tls_close(&c);
	echo_close(&s);
}

static void a_listener_may_refuse_plain_or_tls(void **state)
{
	struct echo_request r = echo_request('a');
	struct tls_client c;
	struct echo_server s;
	int fd;

	echo_open(&s, (struct stream_limits){ 0 },
		  (struct stream_listen_options){ .no_tls = true });
	tls_open(&c, &s);
	assert_false(tls_handshake(&c, &s));
	tls_close(&c);
	echo_close(&s);

	echo_open(&s, (struct stream_limits){ 0 },
		  (struct stream_listen_options){ .no_plain = true });
	fd = echo_dial(&s);
	echo_put(fd, r.bytes, sizeof(r.bytes));
	assert_true(echo_is_closed(&s, fd));
	assert_int_equal(s.frames, 0);
	assert_int_equal(echo_ended(&s, STREAM_END_FOREIGN), 1);
	close(fd);
	echo_close(&s);
}

static void a_new_certificate_serves_new_connections(void **state)
{
	X509_NAME *first_name, *second_name;
	struct tls_client first, second;
	SSL_CTX *ctx = echo_ctx(&echo_other_cert);
	struct echo_server s;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	tls_open(&first, &s);
	assert_true(tls_handshake(&first, &s));
	tls_ask(&first, &s, 'a');
	stream_set_use_tls(s.set, ctx);
	SSL_CTX_free(ctx);
	tls_open(&second, &s);
	assert_true(tls_handshake(&second, &s));
	tls_ask(&first, &s, 'b');
	tls_ask(&second, &s, 'c');
	first_name = X509_get_subject_name(SSL_get0_peer_certificate(first.ssl));
	second_name = X509_get_subject_name(SSL_get0_peer_certificate(second.ssl));
	assert_int_not_equal(X509_NAME_cmp(first_name, second_name), 0);
	tls_close(&first);
	tls_close(&second);
	echo_close(&s);
}

/* A server with two names, and a client that asks for `name`. Returns whose certificate it got. */
static uint64_t served_as(struct echo_server *s, const char *name, char subject[static 64])
{
	X509_NAME *who;
	struct tls_client c;
	uint64_t tag;

	tls_open(&c, s);
	if (name != NULL)
		SSL_set_tlsext_host_name(c.ssl, name);
	assert_true(tls_handshake(&c, s));
	tls_ask(&c, s, 'a');
	tag = stream_name_tag(s->last_conn);
	who = X509_get_subject_name(SSL_get0_peer_certificate(c.ssl));
	X509_NAME_get_text_by_NID(who, NID_commonName, subject, 64);
	tls_close(&c);
	return tag;
}

static void the_server_name_chooses_the_certificate(void **state)
{
	SSL_CTX *second = echo_ctx(&echo_other_cert);
	struct tls_name names[] = { { NULL, NULL, 7 }, { "turn.example", second, 8 } };
	char subject[64];
	struct echo_server s;
	int plain;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	names[0].ctx = s.ctx;
	assert_true(tls_choose_by_name(s.ctx, names, 2));
	assert_false(tls_choose_by_name(s.ctx, names, 2));
	SSL_CTX_free(second);
	assert_int_equal(served_as(&s, NULL, subject), 7);
	assert_string_equal(subject, "natkit test");
	assert_int_equal(served_as(&s, "elsewhere.example", subject), 7);
	assert_string_equal(subject, "natkit test");
	assert_int_equal(served_as(&s, "Turn.Example", subject), 8);
	assert_string_equal(subject, "another");
	plain = echo_dial(&s);
	echo_ask(&s, plain, 'a');
	assert_int_equal(stream_name_tag(s.last_conn), 0);
	close(plain);
	echo_close(&s);
}

static void a_handshake_that_stops_is_ended(void **state)
{
	struct echo_server s;
	int gone, stuck;

	echo_open(&s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	gone = echo_dial(&s);
	stuck = echo_dial(&s);
	echo_put(gone, "\x16\x03", 2);
	echo_put(stuck, "\x16\x03", 2);
	echo_settle(&s);
	close(gone);
	echo_await(&s, &s.ends, 1);
	stream_set_expire(s.set, clock_ms() + HOUR_MS);
	assert_int_equal(echo_ended(&s, STREAM_END_SLOW), 1);
	close(stuck);
	echo_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_and_plain_share_a_port),
		cmocka_unit_test(tls_that_sends_no_more_is_still_answered),
		cmocka_unit_test(tls_carries_many_answers_under_pressure),
		cmocka_unit_test(a_listener_may_refuse_plain_or_tls),
		cmocka_unit_test(a_new_certificate_serves_new_connections),
		cmocka_unit_test(the_server_name_chooses_the_certificate),
		cmocka_unit_test(a_handshake_that_stops_is_ended),
	};

	return cmocka_run_group_tests(tests, echo_set_up, echo_tear_down);
}
