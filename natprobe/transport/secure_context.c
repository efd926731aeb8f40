#include "secure_context.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

/* AEAD alone, with forward secrecy: every WebRTC peer has one of them. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS  "X25519:P-256:P-384"

/* Instead of OpenSSL's verification: names, dates, issuers are worth nothing here. */
static int on_certificate(X509_STORE_CTX *store, void *arg)
{
	struct secure_peer *peer = arg;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	X509 *certificate = X509_STORE_CTX_get0_cert(store);

	if (peer->is_known && certificate != NULL &&
	    X509_digest(certificate, EVP_sha256(), digest, &len) == 1 &&
	    len == IDENTITY_FINGERPRINT_LEN && CRYPTO_memcmp(digest, peer->fingerprint, len) == 0) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	peer->was_wrong = peer->is_known;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
	return 0;
}

static bool set_versions(SSL_CTX *ctx, bool is_stream)
{
	int least = is_stream ? TLS1_2_VERSION : DTLS1_2_VERSION;
	int most = is_stream ? TLS1_3_VERSION : DTLS1_2_VERSION;

	return SSL_CTX_set_min_proto_version(ctx, least) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, most) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

/* No resumption: it would spare the certificates, and they are all that there is. */
static void set_modes(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_quiet_shutdown(ctx, 0);
}

static bool set_certificate(SSL_CTX *ctx, const struct identity *id, struct secure_peer *peer)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_certificate, peer);
	return SSL_CTX_use_certificate(ctx, id->certificate) == 1 &&
	       SSL_CTX_use_PrivateKey(ctx, id->key) == 1;
}

SSL_CTX *secure_context_new(const struct identity *id, bool is_stream, struct secure_peer *peer)
{
	SSL_CTX *ctx = SSL_CTX_new(is_stream ? TLS_method() : DTLS_method());

	if (ctx == NULL)
		return NULL;
	if (set_versions(ctx, is_stream) && set_certificate(ctx, id, peer)) {
		set_modes(ctx);
		return ctx;
	}
	SSL_CTX_free(ctx);
	return NULL;
}
