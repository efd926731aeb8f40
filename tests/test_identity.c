/* identity: a certificate of our own, and what counts of it. */
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/transport/identity.h"

static void test_each_is_its_own(void **state)
{
	struct identity a, b;

	assert_true(identity_make(&a));
	assert_true(identity_make(&b));
	assert_memory_not_equal(a.fingerprint, b.fingerprint, sizeof(a.fingerprint));
	assert_int_equal(X509_verify(a.certificate, a.key), 1);
	assert_int_not_equal(X509_verify(a.certificate, b.key), 1);
	identity_clear(&a);
	identity_clear(&b);
	identity_clear(&b);
}

static void test_fingerprint_is_of_der(void **state)
{
	struct identity id;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned char *der = NULL;
	unsigned int len;
	int size;

	assert_true(identity_make(&id));
	size = i2d_X509(id.certificate, &der);
	assert_true(size > 0);
	assert_int_equal(EVP_Digest(der, (size_t)size, digest, &len, EVP_sha256(), NULL), 1);
	assert_memory_equal(digest, id.fingerprint, IDENTITY_FINGERPRINT_LEN);
	OPENSSL_free(der);
	identity_clear(&id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_its_own),
		cmocka_unit_test(test_fingerprint_is_of_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
