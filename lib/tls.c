#include "tls.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

const char *tls_error_take(struct tls_error *err)
{
	unsigned long code = ERR_get_error(); /* the oldest is nearest to the cause */
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	if (code == 0)
		reason = "no reason given";
	else if (ERR_SYSTEM_ERROR(code))
		reason = strerror(ERR_GET_REASON(code));
	else if (reason == NULL)
		reason = "unknown error";
	snprintf(err->text, sizeof(err->text), "%s", reason);
	return err->text;
}

static void explain(struct tls_error *err, const char *what, const char *file)
{
	struct tls_error reason;

	snprintf(err->text, sizeof(err->text), "%s %s: %s", what, file, tls_error_take(&reason));
}

/* A key with a passphrase is an error; OpenSSL would ask on the terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

static bool load_certificate(SSL_CTX *ctx, const struct tls_server_options *o,
			     struct tls_error *err)
{
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1) {
		explain(err, "certificate", o->cert_file);
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, o->key_file, SSL_FILETYPE_PEM) != 1) {
		explain(err, "private key", o->key_file);
		return false;
	}
	if (SSL_CTX_check_private_key(ctx) != 1) {
		explain(err, "private key", o->key_file);
		return false;
	}
	return true;
}

/* A list as ALPN has it on the wire: length, name, length, name... */
static const unsigned char *find_protocol(const unsigned char *in, unsigned int in_len,
					  const char *name)
{
	size_t len = strlen(name);

	for (unsigned int i = 0; i < in_len; i += 1u + in[i]) {
		if (in[i] == len && in_len - i > len && memcmp(in + i + 1, name, len) == 0)
			return in + i + 1;
	}
	return NULL;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *in, unsigned int in_len, void *arg)
{
	for (const char *const *name = arg; *name != NULL; name++) {
		const unsigned char *found = find_protocol(in, in_len, *name);

		if (found != NULL) {
			*out = found;
			*out_len = (unsigned char)strlen(*name);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* dtls.c checks a cookie before there is a session that could ask. */
static int cookie_was_checked(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
	return 1;
}

/*
 * Suites with forward secrecy and AEAD only. With CBC, some OpenSSL (3.0.20, 3.5) ends a DTLS
 * session on any forged record, and a forger of source addresses could end them all. The last one
 * is what RFC 8489, section 6.2.3 wants for those who know no other.
 */
static bool choose_ciphers(SSL_CTX *ctx)
{
	static const char suites[] = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE-RSA-AES128-GCM-SHA256";

	return SSL_CTX_set_cipher_list(ctx, suites) == 1 && SSL_CTX_set_dh_auto(ctx, 1) == 1;
}

static bool set_up(SSL_CTX *ctx, enum tls_kind kind, const struct tls_server_options *o)
{
	int oldest = kind == TLS_STREAM ? TLS1_2_VERSION : DTLS1_2_VERSION;

	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets do without memory */
	if (o->alpn != NULL)
		SSL_CTX_set_alpn_select_cb(ctx, select_alpn, (void *)(uintptr_t)o->alpn);
	if (kind == TLS_DATAGRAM)
		SSL_CTX_set_cookie_verify_cb(ctx, cookie_was_checked);
	return choose_ciphers(ctx) && SSL_CTX_set_min_proto_version(ctx, oldest) == 1;
}

SSL_CTX *tls_server_new(enum tls_kind kind, const struct tls_server_options *options,
			struct tls_error *err)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(kind == TLS_STREAM ? TLS_server_method() : DTLS_server_method());
	if (ctx == NULL || !set_up(ctx, kind, options)) {
		tls_error_take(err);
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (!load_certificate(ctx, options, err)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}
