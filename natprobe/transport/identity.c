#include "identity.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#define DAY_S 86400

/* What browsers do: a day for clocks that are slow, a month for links that last. */
static bool set_times(X509 *x)
{
	return X509_gmtime_adj(X509_getm_notBefore(x), -(long)DAY_S) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(x), 30L * DAY_S) != NULL;
}

static bool set_serial(X509 *x)
{
	int64_t serial;

	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_int64(X509_get_serialNumber(x), serial & INT64_MAX) == 1;
}

/* Everybody has the same: nobody is to be recognised by it. */
static bool set_names(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"natprobe", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

static bool fill(struct identity *id)
{
	unsigned int len = 0;

	return id->key != NULL && id->certificate != NULL &&
	       X509_set_version(id->certificate, X509_VERSION_3) == 1 &&
	       set_serial(id->certificate) && set_times(id->certificate) &&
	       set_names(id->certificate) && X509_set_pubkey(id->certificate, id->key) == 1 &&
	       X509_sign(id->certificate, id->key, EVP_sha256()) > 0 &&
	       X509_digest(id->certificate, EVP_sha256(), id->fingerprint, &len) == 1 &&
	       len == IDENTITY_FINGERPRINT_LEN;
}

bool identity_make(struct identity *out)
{
	*out = (struct identity){ .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
	if (fill(out))
		return true;
	identity_clear(out);
	return false;
}

void identity_clear(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->certificate);
	memset(id, 0, sizeof(*id));
}
