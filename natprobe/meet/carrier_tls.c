#include "carrier_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "dial.h"

/* A name may end in a dot; a certificate's never does. */
static void plain_name(const struct carrier_uri *uri, char out[static STUN_URI_HOST_MAX + 1])
{
	size_t len = strlen(uri->at.host);

	memcpy(out, uri->at.host, len + 1);
	if (len > 0 && out[len - 1] == '.')
		out[len - 1] = '\0';
}

static bool set_name(X509_VERIFY_PARAM *param, const struct carrier_uri *uri)
{
	char name[STUN_URI_HOST_MAX + 1];
	const struct addr *ip = &uri->at.ip;

	if (ip->family != ADDR_NONE)
		return X509_VERIFY_PARAM_set1_ip(param, ip->ip, addr_ip_len(ip->family)) == 1;
	plain_name(uri, name);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

SSL_CTX *carrier_tls_context(const struct carrier_uri *uri)
{
	struct tls_error err;
	SSL_CTX *tls = dial_context_new(TLS_STREAM, NULL, &err);

	if (tls == NULL)
		return NULL;
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (set_name(SSL_CTX_get0_param(tls), uri))
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}

bool carrier_tls_set_name(SSL *ssl, const struct carrier_uri *uri)
{
	char name[STUN_URI_HOST_MAX + 1];

	if (uri->at.ip.family != ADDR_NONE)
		return true;
	plain_name(uri, name);
	return SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *carrier_tls_session(SSL_CTX *tls, const struct carrier_uri *uri)
{
	SSL *ssl = SSL_new(tls);

	if (ssl == NULL || carrier_tls_set_name(ssl, uri))
		return ssl;
	SSL_free(ssl);
	return NULL;
}

const char *carrier_tls_problem(const SSL *ssl)
{
	switch (SSL_get_verify_result(ssl)) {
	case X509_V_OK:
		return NULL;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "its certificate is for another name; check the URI";
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "its certificate has expired, or is not valid yet; check the clock of this "
		       "host, or tell whoever runs the server";
	default:
		return "nobody who is trusted here vouches for its certificate; is somebody "
		       "between? "
		       "Of an authority of your own, name the certificate in SSL_CERT_FILE";
	}
}
