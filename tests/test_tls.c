/* tls: contexts, reasons of failure, ALPN over a handshake in memory. */
#include "tls.h"
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cert.h"

static struct cert cert, other, rsa;
static const char *const served[] = { TLS_ALPN_TURN, TLS_ALPN_NAT_DISCOVERY, NULL };

static struct tls_server_options options_of(const char *cert_file, const char *key_file)
{
	return (struct tls_server_options){ cert_file, key_file, served };
}

static void both_kinds_take_a_good_pair(void **state)
{
	struct tls_server_options o = options_of(cert.cert_file, cert.key_file);
	struct tls_error err;

	for (enum tls_kind kind = TLS_STREAM; kind <= TLS_DATAGRAM; kind++) {
		SSL_CTX *ctx = tls_server_new(kind, &o, &err);

		assert_non_null(ctx);
		SSL_CTX_free(ctx);
	}
}

static void a_bad_pair_is_refused_and_named(void **state)
{
	const struct {
		const char *why, *cert_file, *key_file, *names, *says;
	} cases[] = {
		{ "no certificate", "/nonexistent/c.pem", cert.key_file, "/nonexistent/c.pem",
		  "No such file" },
		{ "no key", cert.cert_file, "/nonexistent/k.pem", "/nonexistent/k.pem",
		  "No such file" },
		{ "not PEM", "/dev/null", cert.key_file, "/dev/null", "no start line" },
		{ "key of another", cert.cert_file, other.key_file, other.key_file, "mismatch" },
		{ "swapped", cert.key_file, cert.cert_file, cert.key_file, "no start line" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_server_options o = options_of(cases[i].cert_file, cases[i].key_file);
		struct tls_error err = { "" };

		if (tls_server_new(TLS_STREAM, &o, &err) != NULL)
			fail_msg("%s: accepted", cases[i].why);
		if (strstr(err.text, cases[i].names) == NULL ||
		    strstr(err.text, cases[i].says) == NULL)
			fail_msg("%s: says '%s'", cases[i].why, err.text);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

/* A client and a server that share two buffers in memory. */
struct talk {
	SSL_CTX *server_ctx, *client_ctx;
	SSL *server, *client;
};

static void talk_join(struct talk *t)
{
	BIO *a, *b;

	t->server = SSL_new(t->server_ctx);
	t->client = SSL_new(t->client_ctx);
	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(t->server, a, a);
	SSL_set_bio(t->client, b, b);
}

static void talk_open(struct talk *t)
{
	struct tls_server_options o = options_of(cert.cert_file, cert.key_file);
	struct tls_error err;

	t->server_ctx = tls_server_new(TLS_STREAM, &o, &err);
	t->client_ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(t->server_ctx);
	assert_non_null(t->client_ctx);
	talk_join(t);
}

/* Whether both sides finished. */
static bool talk_handshake(struct talk *t)
{
	int server = 0, client = 0;

	for (int i = 0; i < 10 && (server != 1 || client != 1); i++) {
		client = SSL_connect(t->client);
		server = SSL_accept(t->server);
	}
	return server == 1 && client == 1;
}

static void talk_close(struct talk *t)
{
	SSL_free(t->server);
	SSL_free(t->client);
	SSL_CTX_free(t->server_ctx);
	SSL_CTX_free(t->client_ctx);
	ERR_clear_error();
}

static void alpn_takes_what_both_know(void **state)
{
	static const struct {
		const char *why, *offer, *chosen; /* NULL: refused */
	} cases[] = {
		{ "no ALPN", "", "" },
		{ "ours", "\x12stun.nat-discovery", "stun.nat-discovery" },
		{ "both, ours is best", "\x12stun.nat-discovery\x09stun.turn", "stun.turn" },
		{ "one of them", "\x02h2\x12stun.nat-discovery", "stun.nat-discovery" },
		{ "unknown only", "\x02h2\x08http/1.1", NULL },
		{ "a longer name", "\x0astun.turnx", NULL },
		{ "a shorter name", "\x08stun.tur", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const unsigned char *got;
		unsigned int got_len, offer_len = (unsigned int)strlen(cases[i].offer);
		struct talk t;

		talk_open(&t);
		if (offer_len > 0)
			SSL_set_alpn_protos(t.client, (const unsigned char *)cases[i].offer,
					    offer_len);
		if (talk_handshake(&t) != (cases[i].chosen != NULL))
			fail_msg("%s: handshake", cases[i].why);
		SSL_get0_alpn_selected(t.client, &got, &got_len);
		if (cases[i].chosen != NULL &&
		    !bytes_equal(bytes_of(got, got_len), bytes_of_str(cases[i].chosen)))
			fail_msg("%s: chose '%.*s'", cases[i].why, (int)got_len, got);
		talk_close(&t);
	}
}

static void old_versions_are_refused(void **state)
{
	struct talk t;

	talk_open(&t);
	SSL_set_security_level(t.client, 0);
	SSL_set_max_proto_version(t.client, TLS1_1_VERSION);
	SSL_set_min_proto_version(t.client, TLS1_VERSION);
	assert_false(talk_handshake(&t));
	talk_close(&t);

	talk_open(&t);
	SSL_set_max_proto_version(t.client, TLS1_2_VERSION);
	assert_true(talk_handshake(&t));
	talk_close(&t);
}

/* A client that knows one suite only, or one list of them; NULL: no handshake. */
static bool suite_is(enum tls_kind kind, const struct cert *of, const char *offer,
		     const char *chosen)
{
	struct tls_server_options o = options_of(of->cert_file, of->key_file);
	struct talk t;
	struct tls_error err;
	const char *got;
	bool is_right;

	t.server_ctx = tls_server_new(kind, &o, &err);
	t.client_ctx = SSL_CTX_new(kind == TLS_STREAM ? TLS_client_method() : DTLS_client_method());
	assert_non_null(t.server_ctx);
	assert_int_equal(SSL_CTX_set_cipher_list(t.client_ctx, offer), 1);
	SSL_CTX_set_max_proto_version(t.client_ctx,
				      kind == TLS_STREAM ? TLS1_2_VERSION : DTLS1_2_VERSION);
	talk_join(&t);
	is_right = talk_handshake(&t) == (chosen != NULL);
	got = SSL_get_cipher_name(t.client);
	if (chosen != NULL)
		is_right = is_right && strcmp(got, chosen) == 0;
	talk_close(&t);
	return is_right;
}

#define DHE   "DHE-RSA-AES128-GCM-SHA256"
#define ECDHE "ECDHE-RSA-AES128-GCM-SHA256"

/* RFC 8489, section 6.2.3, and BCP 195. */
static void suites_are_those_of_rfc_8489_and_have_forward_secrecy(void **state)
{
	static const struct {
		const char *offer, *chosen;
	} cases[] = {
		{ DHE, DHE },
		{ ECDHE, ECDHE },
		{ DHE ":" ECDHE, ECDHE },
		{ "AES128-GCM-SHA256:" DHE, DHE },
		{ "AES256-GCM-SHA384:AES128-GCM-SHA256", NULL }, /* no forward secrecy */
		{ "ECDHE-RSA-AES128-SHA", NULL },
		{ "ALL:eNULL:!ECDHE:!DHE:@SECLEVEL=0", NULL },
		{ "aNULL:eNULL:@SECLEVEL=0", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (!suite_is(TLS_STREAM, &rsa, cases[i].offer, cases[i].chosen) ||
		    !suite_is(TLS_DATAGRAM, &rsa, cases[i].offer, cases[i].chosen))
			fail_msg("%s", cases[i].offer);
	}
}

static void nothing_is_compressed_and_nothing_negotiated_anew(void **state)
{
	struct talk t;

	talk_open(&t);
	SSL_clear_options(t.client, SSL_OP_NO_COMPRESSION);
	SSL_set_max_proto_version(t.client, TLS1_2_VERSION);
	assert_true(talk_handshake(&t));
	assert_null(SSL_get_current_compression(t.server));
	assert_true((SSL_get_options(t.server) & SSL_OP_NO_COMPRESSION) != 0);
	assert_true((SSL_get_options(t.server) & SSL_OP_NO_RENEGOTIATION) != 0);
	talk_close(&t);
}

static int make_certs(void **state)
{
	return cert_make(&cert, "natkit test") && cert_make(&other, "another") &&
			       cert_make_rsa(&rsa, "natkit test")
		       ? 0
		       : -1;
}

static int remove_certs(void **state)
{
	cert_remove(&cert);
	cert_remove(&other);
	cert_remove(&rsa);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_kinds_take_a_good_pair),
		cmocka_unit_test(a_bad_pair_is_refused_and_named),
		cmocka_unit_test(alpn_takes_what_both_know),
		cmocka_unit_test(old_versions_are_refused),
		cmocka_unit_test(suites_are_those_of_rfc_8489_and_have_forward_secrecy),
		cmocka_unit_test(nothing_is_compressed_and_nothing_negotiated_anew),
	};

	return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
