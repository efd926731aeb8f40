#include "cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static bool fill(X509 *x, EVP_PKEY *key, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

static bool write_cert(const char *path, X509 *x)
{
	FILE *f = fopen(path, "w");
	bool ok = f != NULL && PEM_write_X509(f, x) == 1;

	if (f != NULL)
		ok = fclose(f) == 0 && ok;
	return ok;
}

static bool write_key(const char *path, EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");
	bool ok = f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;

	if (f != NULL)
		ok = fclose(f) == 0 && ok;
	return ok;
}

/* Takes over the key. */
static bool make(struct cert *c, const char *common_name, EVP_PKEY *key)
{
	X509 *x = X509_new();
	bool ok;

	snprintf(c->dir, sizeof(c->dir), "/tmp/natkit-cert-XXXXXX");
	ok = key != NULL && x != NULL && mkdtemp(c->dir) != NULL;
	snprintf(c->cert_file, sizeof(c->cert_file), "%s/cert.pem", c->dir);
	snprintf(c->key_file, sizeof(c->key_file), "%s/key.pem", c->dir);
	ok = ok && fill(x, key, common_name) && write_cert(c->cert_file, x) &&
	     write_key(c->key_file, key);
	X509_free(x);
	EVP_PKEY_free(key);
	return ok;
}

bool cert_make(struct cert *c, const char *common_name)
{
	return make(c, common_name, EVP_EC_gen("P-256"));
}

bool cert_make_rsa(struct cert *c, const char *common_name)
{
	return make(c, common_name, EVP_RSA_gen(2048));
}

void cert_remove(struct cert *c)
{
	unlink(c->cert_file);
	unlink(c->key_file);
	rmdir(c->dir);
}
