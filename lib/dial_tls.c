#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "dial_state.h"

static bool trust(SSL_CTX *ctx, const char *ca_file, struct tls_error *err)
{
	struct tls_error reason;

	if (ca_file == NULL)
		return SSL_CTX_set_default_verify_paths(ctx) == 1;
	if (SSL_CTX_load_verify_file(ctx, ca_file) == 1)
		return true;
	(void)snprintf(err->text, sizeof(err->text), "%s: %s", ca_file, tls_error_take(&reason));
	return false;
}

SSL_CTX *dial_context_new(enum tls_kind kind, const char *ca_file, struct tls_error *err)
{
	int oldest = kind == TLS_STREAM ? TLS1_2_VERSION : DTLS1_2_VERSION;
	SSL_CTX *ctx;

	ERR_clear_error();
	*err = (struct tls_error){ 0 };
	ctx = SSL_CTX_new(kind == TLS_STREAM ? TLS_client_method() : DTLS_client_method());
	if (ctx != NULL && SSL_CTX_set_min_proto_version(ctx, oldest) == 1 &&
	    trust(ctx, ca_file, err)) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
		ERR_clear_error();
		return ctx;
	}
	if (err->text[0] == '\0')
		(void)tls_error_take(err);
	SSL_CTX_free(ctx);
	return NULL;
}

/* A name may end in a dot; a certificate's never does. */
static bool set_name(SSL *ssl, const char *domain)
{
	char name[STUN_URI_HOST_MAX + 1];
	struct addr a;
	size_t len = strlen(domain);

	if (addr_parse_ip(domain, 0, &a))
		return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), a.ip,
						 addr_ip_len(a.family)) == 1;
	if (len == 0 || len >= sizeof(name))
		return false;
	memcpy(name, domain, len + 1);
	if (name[len - 1] == '.')
		name[len - 1] = '\0';
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *dial_tls_session(const struct dial *d)
{
	static const unsigned char alpn[] = "\x09" TLS_ALPN_TURN;
	SSL *ssl = SSL_new(d->config.transport == TURN_OVER_DTLS ? d->config.dtls : d->config.tls);

	if (ssl == NULL)
		return NULL;
	if (!set_name(ssl, d->domain) || SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1) != 0) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_verify(ssl, d->config.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_set_connect_state(ssl);
	return ssl;
}

static uint8_t cause_of(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return DIAL_CERT_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return DIAL_CERT_DATES;
	default:
		return DIAL_CERT_UNTRUSTED;
	}
}

static void note(struct dial *d, uint8_t cause, const char *detail)
{
	d->failure.cause = cause;
	(void)snprintf(d->failure.detail, sizeof(d->failure.detail), "%s", detail);
}

void dial_tls_explain(struct dial *d, unsigned long error)
{
	long verdict = d->ssl != NULL ? SSL_get_verify_result(d->ssl) : X509_V_OK;
	const char *text = error != 0 ? ERR_reason_error_string(error) : NULL;

	if (!d->config.insecure && verdict != X509_V_OK)
		note(d, cause_of(verdict), X509_verify_cert_error_string(verdict));
	else if (text != NULL)
		note(d, DIAL_HANDSHAKE, text);
	ERR_clear_error();
}

const char *dial_certificate_problem(const struct dial *d)
{
	long verdict = d->ssl != NULL ? SSL_get_verify_result(d->ssl) : X509_V_OK;

	return verdict == X509_V_OK ? NULL : X509_verify_cert_error_string(verdict);
}
