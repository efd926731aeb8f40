#include "sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
	EVP_MD_CTX *now, *copy;
	bool failed; /* then no digest is right */
};

static void begin(void *arg)
{
	struct sha256 *s = arg;

	s->failed = EVP_DigestInit_ex(s->now, EVP_sha256(), NULL) != 1;
}

static void add(void *arg, struct bytes data)
{
	struct sha256 *s = arg;

	s->failed = s->failed || EVP_DigestUpdate(s->now, data.data, data.len) != 1;
}

static void add_zeros(void *arg, uint64_t n)
{
	static const uint8_t zeros[TRANSFER_CHUNK];

	while (n > 0) {
		size_t len = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);

		add(arg, bytes_of(zeros, len));
		n -= len;
	}
}

static void so_far(void *arg, uint8_t out[static TRANSFER_DIGEST_LEN])
{
	struct sha256 *s = arg;
	unsigned int len;

	memset(out, 0, TRANSFER_DIGEST_LEN);
	if (s->failed || EVP_MD_CTX_copy_ex(s->copy, s->now) != 1 ||
	    EVP_DigestFinal_ex(s->copy, out, &len) != 1)
		s->failed = true;
}

struct sha256 *sha256_new(void)
{
	struct sha256 *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->now = EVP_MD_CTX_new();
	s->copy = EVP_MD_CTX_new();
	if (s->now != NULL && s->copy != NULL)
		return s;
	sha256_free(s);
	return NULL;
}

void sha256_free(struct sha256 *s)
{
	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->now);
	EVP_MD_CTX_free(s->copy);
	free(s);
}

struct transfer_digest sha256_digest(struct sha256 *s)
{
	return (struct transfer_digest){
		.begin = begin, .add = add, .add_zeros = add_zeros, .so_far = so_far, .arg = s
	};
}
